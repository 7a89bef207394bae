"""The panel of /settings as a moderator sees it: values at sight, saved at once, undone at a click."""

from typing import Any

import discord
import pytest
import simcord
from discord_acts import Books, buttons, delivered, old_button, private
from discord_restart import Restart

from bot.sandbox.once import parts_of, text_of
from bot.sandbox.world import World


async def opened(here: World, who: simcord.MemberActor | None = None) -> discord.Message:
    answer = await (who or here.moderator).slash(here.channel, "settings panel")
    assert answer.response is not None
    assert answer.response.ephemeral
    return answer.response.message


def selects(message: discord.Message) -> dict[str, dict[str, Any]]:
    """The selects of a panel by what they set."""
    parts = [part for part in parts_of(message.components) if part.get("type") in {3, 6, 8}]
    return {str(part["custom_id"]).split(".")[-1]: dict(part) for part in parts}


def chosen(message: discord.Message, name: str) -> list[str]:
    """The options of a select that are marked."""
    return [option["label"] for option in selects(message)[name]["options"] if option.get("default")]


async def page(here: World, message: discord.Message, title: str) -> discord.Message:
    return after(await here.moderator.click(message, label=title), message)


def after(answer: simcord.InteractionResult, message: discord.Message) -> discord.Message:
    """The panel as it is after a click."""
    assert answer.response is not None
    assert answer.response.message.id == message.id
    return answer.response.message


async def pick(here: World, message: discord.Message, name: str, *values: object) -> discord.Message:
    answer = await here.moderator.select(message, list(values), custom_id=selects(message)[name]["custom_id"])
    return after(answer, message)


async def order(here: World, **options: object) -> str:
    answer = await here.member.slash(here.channel, "imagine", **({"prompt": "a lighthouse"} | options))
    return "\n".join(private(answer))


async def test_the_panel_is_private_and_shows_what_is_set(here: World) -> None:
    panel = await opened(here)
    assert text_of(panel).startswith("## Settings · Models\n**Allowed models**: all")
    assert chosen(panel, "models") == ["Nano Banana 2", "Nano Banana Pro", "Nano Banana"]
    assert chosen(panel, "default_model") == ["The bot's usual one"]


@pytest.mark.parametrize("title", ["Limits", "Channels", "Words", "Safety", "Log"])
async def test_every_page_opens_within_what_discord_takes(here: World, title: str) -> None:
    panel = await page(here, await opened(here), title)
    assert text_of(panel).startswith(f"## Settings · {title}")
    assert len(list(parts_of(panel.components))) <= 40


async def test_a_choice_is_saved_at_once_and_holds_for_the_next_order(here: World, books: Books) -> None:
    panel = await pick(here, await opened(here), "models", "nano-banana")
    assert "Saved. **Allowed models**: all → nano-banana" in text_of(panel)
    assert chosen(panel, "models") == ["Nano Banana"]
    assert (
        await order(here, model="nano-banana-pro") == "Nano Banana Pro is not allowed here. Please choose Nano Banana."
    )
    assert books.untouched()


async def test_undo_takes_a_change_back(here: World) -> None:
    panel = await pick(here, await opened(here), "models", "nano-banana")
    panel = after(await here.moderator.click(panel, label="Undo"), panel)
    assert "Undone. **Allowed models**: nano-banana → all" in text_of(panel)
    assert await order(here, model="nano-banana-pro") == ""
    await delivered(here)


async def test_the_log_page_has_the_latest_changes_of_word_rules_too(here: World) -> None:
    await here.moderator.slash(here.channel, "settings set", name="private", value="off")
    await here.moderator.slash(here.channel, "settings words", action="add", text="zebra")
    said = text_of(await page(here, await opened(here), "Log")).partition("**Latest changes**")[2]
    assert 0 < said.find("**Word rules** added: `zebra`") < said.find("**Private results**")


async def test_what_was_set_in_the_panel_holds_after_a_restart_and_so_does_the_panel(
    here: World, restart: Restart
) -> None:
    panel = await page(here, await opened(here), "Limits")
    panel = await pick(here, panel, "largest_resolution", "1K")
    async with restart() as again:
        assert (await order(again, resolution="2K")).startswith("Images can be 1K at most here.")
        panel = await pick(again, panel, "largest_resolution", "2K")
        assert "Saved. **Largest resolution**: 1K → 2K" in text_of(panel)
        assert await order(again, resolution="2K") == ""
        await delivered(again)


async def test_numbers_are_typed_into_a_form(here: World) -> None:
    panel = await page(here, await opened(here), "Limits")
    form = await here.moderator.click(panel, label="Change credits")
    panel = after(await here.moderator.submit_modal(form, {"member_day": "10", "server_day": "500"}), panel)
    assert "**Server: credits a day**: as the operator allows → 500" in text_of(panel)
    assert "You have 10 credits left today and this needs 16." in await order(here, images=2)


async def test_a_form_with_a_value_that_may_not_be_changes_nothing(here: World) -> None:
    panel = await page(here, await opened(here), "Limits")
    form = await here.moderator.click(panel, label="Change credits")
    panel = after(await here.moderator.submit_modal(form, {"member_day": "10", "server_day": "0"}), panel)
    assert "`server_day` is a whole number from 1" in text_of(panel)
    assert "**Member: credits a day**: as the operator allows" in text_of(panel)


async def test_the_best_allowance_of_a_members_roles_counts(here: World) -> None:
    assert here.channel.guild is not None
    role = here.channel.guild.create_role("Booster")
    panel = await page(here, await opened(here), "Limits")
    argument = selects(panel)["limits"]["custom_id"]
    form = await here.moderator.select(panel, [role], custom_id=argument)
    panel = after(await here.moderator.submit_modal(form, {"member_day": "unlimited"}), panel)
    assert f"<@&{role.id}>: unlimited" in text_of(panel)
    quota = await here.member.slash(here.channel, "quota")
    assert "**You** have 200 credits of 200" in private(quota)[0]
    here.env.backend.add_member_role(here.channel.guild.id, here.member.id, role.id)
    quota = await here.member.slash(here.channel, "quota")
    assert "**You** have 1,000 credits of 1,000" in private(quota)[0]


async def test_a_channel_gets_rules_of_its_own(here: World) -> None:
    panel = await page(here, await opened(here), "Channels")
    own = next(part for part in selects(panel).values() if ":own:" in part["custom_id"])
    panel = after(await here.moderator.select(panel, [here.channel], custom_id=own["custom_id"]), panel)
    named = {str(part["custom_id"]).split(".")[-2]: part for part in parts_of(panel.components) if part["type"] == 3}
    answer = await here.moderator.select(panel, ["2"], custom_id=named["safety"]["custom_id"])
    assert f"in <#{here.channel.id}>: as in the server → 2" in text_of(after(answer, panel))
    assert await order(here, safety=3) == "The moderators allow `safety` up to 2 here; 1 is the strictest."


async def test_a_look_shows_what_a_member_may_do_in_a_channel_and_why(here: World) -> None:
    panel = await page(here, await opened(here), "Channels")
    own = next(part for part in selects(panel).values() if ":own:" in part["custom_id"])
    panel = after(await here.moderator.select(panel, [here.channel], custom_id=own["custom_id"]), panel)
    look = next(str(part["custom_id"]) for part in parts_of(panel.components) if part["type"] == 5)
    panel = after(await here.moderator.select(panel, [here.member], custom_id=look), panel)
    said = text_of(panel)
    assert f"<@{here.member.id}> in <#{here.channel.id}>" in said
    assert "**Credits a day**: 200 · the operator" in said
    assert "**Content check up to**: 4 · the operator" in said


async def test_word_rules_are_added_and_tried_out_in_the_panel(here: World) -> None:
    panel = await page(here, await opened(here), "Words")
    form = await here.moderator.click(panel, label="Add rules")
    panel = after(await here.moderator.submit_modal(form, {"text": "bad\nvery evil"}), panel)
    assert "**2 word rules**: ||`bad`|| ||`very evil`||" in text_of(panel)
    form = await here.moderator.click(panel, label="Test a prompt")
    panel = after(await here.moderator.submit_modal(form, {"text": "b á d @everyone"}), panel)
    assert "1 rule would block that: `bad`" in text_of(panel)
    assert (
        await order(here, prompt="ｂａｄ") == "This server does not allow `bad` in a prompt. Please say it differently."
    )


async def test_two_moderators_who_change_the_same_do_not_overwrite_each_other(here: World) -> None:
    first, second = await opened(here), await opened(here)
    await pick(here, first, "default_model", "nano-banana")
    second = await pick(here, second, "default_model", "nano-banana-pro")
    assert "Somebody else has just changed these settings." in text_of(second)
    assert chosen(second, "default_model") == ["Nano Banana"]


async def test_two_moderators_who_change_different_things_both_succeed(here: World) -> None:
    first, second = await opened(here), await opened(here)
    await pick(here, first, "default_model", "nano-banana")
    second = await pick(here, second, "models", "nano-banana")
    assert "Saved." in text_of(second)
    assert chosen(second, "default_model") == ["Nano Banana"]


# --- who may click --------------------------------------------------------------------------------

OVER = "This panel is over. Nothing was changed; please open **/settings panel** again."


async def test_a_panel_is_its_openers_alone(here: World) -> None:
    panel = await opened(here)
    for who in (here.member, here.other):
        copy = old_button(here, selects(panel)["default_model"]["custom_id"])
        answer = await who.click(copy, custom_id=selects(panel)["default_model"]["custom_id"])
        assert private(answer) == [OVER]


async def test_a_control_of_another_servers_panel_changes_nothing(here: World) -> None:
    guild = here.env.create_guild("Elsewhere")
    channel = guild.create_text_channel("pictures")
    boss = guild.create_role("Boss", permissions=discord.Permissions(manage_guild=True))
    stranger = guild.add_member(here.env.create_user("eve"), roles=[boss])
    answer = await stranger.slash(channel, "settings panel")
    assert answer.response is not None
    taken = buttons(await page_of(stranger, answer.response.message))["Private results: on"]
    copy = old_button(here, taken)
    assert private(await here.moderator.click(copy, custom_id=taken)) == [OVER]


async def page_of(who: simcord.MemberActor, message: discord.Message) -> discord.Message:
    return after(await who.click(message, label="Safety"), message)


@pytest.mark.parametrize(
    "control",
    [
        "page:{}.nowhere", "page:{}", "set:{}.zz.private", "set:{}.0", "form:{}.limits.nothing", "undo:{}.log.rzz",
        "look:{}.channels.zz", "nothing:{}.a", "undo:{}.log.r" + "f" * 30, "undo:{}.log.r-5",
    ],
)  # fmt: skip
async def test_a_made_up_control_is_refused_even_to_a_manager(here: World, books: Books, control: str) -> None:
    panel = await opened(here)
    ticket = selects(panel)["models"]["custom_id"].split(":")[3].split(".")[0]
    made_up = f"p1:settings:{control.format(ticket)}"
    (said,) = private(await here.moderator.click(old_button(here, made_up), custom_id=made_up))
    assert said == OVER
    assert books.rows("SELECT version FROM rules") == []


async def test_a_demoted_moderators_panel_ends(here: World, books: Books) -> None:
    panel = await page(here, await opened(here), "Safety")
    roles = guild_of(here).roles
    here.env.backend.edit_role(guild_of(here).id, roles["Moderator"].id, {"permissions": 0})
    panel = after(await here.moderator.click(panel, label="Private results: on"), panel)
    assert text_of(panel) == OVER
    assert buttons(panel) == {}
    assert books.rows("SELECT version FROM rules") == []


async def delegated(here: World) -> simcord.RoleHandle:
    """Discord lets ann run /settings by a role, though she has no Manage Server."""
    role = guild_of(here).create_role("Helper")
    here.env.backend.add_member_role(guild_of(here).id, here.member.id, role.id)
    (command,) = [one for one in await here.app.client.tree.fetch_commands() if one.name == "settings"]
    guild_of(here).set_command_permissions(command, {role: True})
    return role


def guild_of(here: World) -> simcord.GuildHandle:
    assert here.channel.guild is not None
    return here.channel.guild


async def test_whoever_discord_lets_run_the_command_may_use_its_panel(here: World) -> None:
    await delegated(here)
    panel = await opened(here, here.member)
    panel = after(await here.member.click(panel, label="Safety"), panel)
    panel = after(await here.member.click(panel, label="Private results: on"), panel)
    assert "Saved. **Private results**: on → off" in text_of(panel)


async def test_their_panel_ends_after_a_quarter_of_an_hour(here: World) -> None:
    await delegated(here)
    panel = await opened(here, here.member)
    here.time.passed += 14 * 60 + 50
    panel = after(await here.member.click(panel, label="Safety"), panel)
    here.time.passed += 20
    panel = after(await here.member.click(panel, label="Private results: on"), panel)
    assert text_of(panel) == OVER


async def test_their_panel_ends_when_their_roles_change(here: World) -> None:
    role = await delegated(here)
    panel = await opened(here, here.member)
    here.env.backend.remove_member_role(guild_of(here).id, here.member.id, role.id)
    panel = after(await here.member.click(panel, label="Safety"), panel)
    assert text_of(panel) == OVER


async def test_a_managers_panel_stays_for_a_day(here: World) -> None:
    panel = await opened(here)
    here.time.passed += 23 * 3600
    assert text_of(await page(here, panel, "Safety")).startswith("## Settings · Safety")


async def test_roles_and_channels_that_are_gone_do_no_harm(here: World) -> None:
    guild = guild_of(here)
    role, channel = guild.create_role("Gone"), guild.create_text_channel("gone")
    for name, value, more in (
        ("member_day", "500", {"role": role}),
        ("listed_channels", f"<#{channel.id}>", {}),
        ("channels", "except", {}),
        ("log_channel", f"<#{channel.id}>", {}),
        ("replies", "off", {"channel": channel}),
    ):
        await here.moderator.slash(here.channel, "settings set", name=name, value=value, **more)
    here.env.backend.delete_role(guild.id, role.id)
    here.env.backend.delete_channel(channel.id)
    panel = await opened(here)
    for title in ("Limits", "Channels", "Log"):
        panel = await page(here, panel, title)
        assert text_of(panel).startswith(f"## Settings · {title}")
    assert await order(here) == ""
    await delivered(here)
