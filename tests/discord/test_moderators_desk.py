"""What moderators set reaches the next order, and what they may not set is refused at each of their doors."""

import time
from typing import Any

import discord
import pytest
import simcord
from discord_acts import Books, buttons, delivered, private, refusal
from discord_restart import Restart
from test_settings_panel import OVER, after, opened, page, pick, selects

from bot.domain.ruling import SETTINGS, Takes
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import text_of
from bot.sandbox.world import World
from bot.views.settings_panel import FIELDS
from cogs.settings import LARGEST_FILE


async def set_to(here: World, name: str, value: str, **more: object) -> str:
    return refusal(await here.moderator.slash(here.channel, "settings set", name=name, value=value, **more))


async def order(here: World, where: simcord.ChannelHandle | None = None, **options: object) -> str:
    """What ann is told privately; nothing when her order is taken."""
    answer = await here.member.slash(where or here.channel, "imagine", **({"prompt": "a lighthouse"} | options))
    return "\n".join(private(answer))


async def form_of(here: World, form: str) -> tuple[discord.Message, simcord.InteractionResult]:
    """The panel, and one of its forms of numbers."""
    panel = await page(here, await opened(here), "Safety" if form == "strikes" else "Limits")
    labels = {"credits": "Change credits", "orders": "Change orders and images", "strikes": "Change strikes"}
    return panel, await here.moderator.click(panel, label=labels[form])


# --- limits ---------------------------------------------------------------------------------------


async def test_a_servers_own_month_stops_its_orders(here: World, books: Books) -> None:
    await set_to(here, "server_month", "8")
    assert await order(here) == ""
    await delivered(here)
    assert (await order(here)).startswith("This server has 0 credits left this month and this needs 8.")
    assert books.states() == ["delivered"]


@pytest.mark.fal(seconds=30)
@pytest.mark.parametrize(
    ("name", "said"), [("member_jobs", "You have 1 order on the way"), ("server_jobs", "This server has 1 order")]
)
async def test_orders_on_the_way_are_limited(here: World, name: str, said: str) -> None:
    await set_to(here, name, "1")
    assert await order(here) == ""
    assert (await order(here)).startswith(said)


async def test_only_roles_with_an_allowance_may_order_where_it_is_so_set(here: World) -> None:
    role = here.member.guild.create_role("Booster")
    await set_to(here, "member_day", "50", role=role)
    assert await set_to(here, "roles_only", "on") == "Saved. **Only roles with an allowance may order**: off → on"
    assert (await order(here)).startswith("In this server you need a certain role to order images.")
    here.env.backend.add_member_role(here.member.guild.id, here.member.id, role.id)
    assert await order(here) == ""
    await delivered(here)


NUMBERS = [one for one in SETTINGS.values() if one.takes is Takes.NUMBER]


@pytest.mark.parametrize("value", ["0", "-1"])
async def test_no_number_below_its_smallest_is_set_by_command(here: World, books: Books, value: str) -> None:
    for setting in NUMBERS:
        if int(value) < setting.smallest:
            said = await set_to(here, setting.name, value)
            assert said.startswith(f"`{setting.name}` is a whole number from {setting.smallest}, or `default`")
    role = here.member.guild.create_role("Booster")
    assert (await set_to(here, "member_day", value, role=role)).startswith("`member_day` is a whole number from 1")
    assert (await set_to(here, "safety", value, channel=here.channel)).startswith("`safety` is a whole number from 1")
    assert books.rows("SELECT version FROM rules") == []


@pytest.mark.parametrize("value", ["0", "-1"])
@pytest.mark.parametrize("form", list(FIELDS))
async def test_no_number_below_its_smallest_is_set_in_a_form(here: World, books: Books, form: str, value: str) -> None:
    for name in FIELDS[form]:
        if int(value) < SETTINGS[name].smallest:
            panel, shown = await form_of(here, form)
            panel = after(await here.moderator.submit_modal(shown, {name: value}), panel)
            assert f"`{name}` is a whole number from {SETTINGS[name].smallest}" in text_of(panel)
    assert books.rows("SELECT version FROM rules") == []


@pytest.mark.parametrize("value", ["0", "-1"])
async def test_no_role_gets_an_allowance_of_nothing(here: World, books: Books, value: str) -> None:
    role = here.member.guild.create_role("Booster")
    panel = await page(here, await opened(here), "Limits")
    form = await here.moderator.select(panel, [role], custom_id=selects(panel)["limits"]["custom_id"])
    panel = after(await here.moderator.submit_modal(form, {"member_day": value}), panel)
    assert "`member_day` is a whole number from 1" in text_of(panel)
    assert books.rows("SELECT version FROM rules") == []


# --- the operator's cap of one server -------------------------------------------------------------


async def test_no_moderator_goes_above_the_cap_that_the_operator_gave_their_server(here: World, books: Books) -> None:
    await here.app.purse.change(here.member.guild.id, "monthly", 300)
    assert await set_to(here, "server_month", "301") == "`server_month` can be 300 at most. Nothing was changed."
    panel, form = await form_of(here, "credits")
    assert "**Server: credits a month**: as the operator allows (up to 300)" in text_of(panel)
    assert form.modal is not None
    hints = {one["component"]["custom_id"]: one["component"]["placeholder"] for one in form.modal["components"]}
    assert hints["server_month"] == "1 to 300; empty: no own limit"
    panel = after(await here.moderator.submit_modal(form, {"server_month": "301"}), panel)
    assert "`server_month` can be 300 at most." in text_of(panel)
    assert books.rows("SELECT version FROM rules") == []
    assert (await set_to(here, "server_month", "300")).startswith("Saved.")


@pytest.mark.settings(quota={"server_monthly_credits": 8})
async def test_the_cap_of_every_server_bounds_what_moderators_set_and_what_is_ordered(here: World) -> None:
    assert await set_to(here, "server_month", "9") == "`server_month` can be 8 at most. Nothing was changed."
    assert await order(here) == ""
    await delivered(here)
    assert (await order(here)).startswith("This server has 0 credits left this month and this needs 8.")


# --- channels -------------------------------------------------------------------------------------


async def test_an_order_in_a_channel_that_is_excepted_is_refused_and_elsewhere_taken(here: World) -> None:
    talk = here.member.guild.create_text_channel("talk")
    await set_to(here, "listed_channels", f"<#{talk.id}>")
    await set_to(here, "channels", "except")
    assert (await order(here, talk)).startswith("The moderators of this server do not allow images in this channel.")
    assert await order(here) == ""
    await delivered(here)


async def test_a_thread_follows_its_channel(here: World) -> None:
    channel = here.env.bot.get_channel(here.channel.id)
    assert isinstance(channel, discord.TextChannel)
    await channel.create_thread(name="lighthouses", type=discord.ChannelType.public_thread)
    (thread,) = here.channel.threads
    assert (await set_to(here, "models", "nano-banana", channel=here.channel)).startswith("Saved.")
    refused = "Nano Banana Pro is not allowed here. Please choose Nano Banana."
    assert await order(here, thread, model="nano-banana-pro") == refused
    elsewhere = here.member.guild.create_text_channel("elsewhere")
    assert await order(here, elsewhere, model="nano-banana-pro") == ""


@pytest.mark.settings(safety={"max_tolerance": 6})
async def test_more_than_the_default_tolerance_is_for_age_restricted_channels(here: World, fal: LoopbackFal) -> None:
    assert await order(here, safety=6) == "`safety` can be 4 at most here. More is for age-restricted channels."
    channel = here.env.bot.get_channel(here.channel.id)
    assert isinstance(channel, discord.TextChannel)
    channel.nsfw = True  # simcord has no age restriction of its own
    assert await order(here, safety=6) == ""
    await delivered(here)
    assert [job.arguments["safety_tolerance"] for job in fal.jobs.values()] == ["6"]


async def test_nobody_is_locked_out_by_channels_that_are_not_there(here: World, books: Books) -> None:
    gone = here.member.guild.create_text_channel("gone")
    await set_to(here, "listed_channels", f"<#{gone.id}>")
    here.env.backend.delete_channel(gone.id)
    assert (await set_to(here, "channels", "only")).startswith("No channel would be left for images")
    panel = await pick(here, await page(here, await opened(here), "Channels"), "channels", "only")
    assert "No channel would be left for images" in text_of(panel)
    assert books.rows("SELECT count(*) FROM rules") == [(1,)]
    assert await order(here) == ""
    await delivered(here)


async def test_what_has_to_do_with_no_channel_is_still_set_when_the_last_one_is_gone(here: World) -> None:
    only = here.member.guild.create_text_channel("only")
    await set_to(here, "listed_channels", f"<#{only.id}>")
    await set_to(here, "channels", "only")
    here.env.backend.delete_channel(only.id)
    assert (await set_to(here, "private", "off")).startswith("Saved.")
    assert (await set_to(here, "channels", "every")).startswith("Saved.")


# --- words ----------------------------------------------------------------------------------------


async def test_five_thousand_rules_come_in_a_file_and_the_last_one_bites(here: World, books: Books) -> None:
    content = "\n".join(f"evil{number}" for number in range(5000)).encode()
    answer = await here.moderator.slash(here.channel, "settings words", action="add", file=("words.txt", content))
    assert private(answer)[0].startswith("Saved. **Word rules** added: `evil0`")
    start = time.perf_counter()
    assert (await order(here, prompt="an evil4999 cat")).startswith("This server does not allow `evil4999`")
    assert time.perf_counter() - start < 3
    assert books.untouched()
    answer = await here.moderator.slash(here.channel, "settings words", action="add", text="one more")
    assert private(answer) == ["A server can have 5,000 word rules. Nothing was changed."]
    panel = await page(here, await opened(here), "Words")
    assert "**5,000 word rules**" in text_of(panel)
    assert "and 4,960 more" in text_of(panel)


async def test_a_file_of_rules_that_is_too_large_is_not_read(here: World, books: Books) -> None:
    content = b"evil\n" * (LARGEST_FILE // 5 + 1)
    answer = await here.moderator.slash(here.channel, "settings words", action="add", file=("words.txt", content))
    assert private(answer) == ["That file is no text in UTF-8, or larger than 1.0 MB. Nothing was changed."]
    assert books.rows("SELECT * FROM words") == []


async def test_an_expression_that_explodes_elsewhere_delays_nobody(here: World) -> None:
    answer = await here.moderator.slash(here.channel, "settings words", action="add", text="/(a+)+$b/\n/(x|xx)*y/")
    assert private(answer)[0].startswith("Saved.")
    start = time.perf_counter()
    assert await order(here, prompt="a" * 1500 + " " + "x" * 1500) == ""
    assert time.perf_counter() - start < 3
    await delivered(here)


async def test_word_rules_are_undone_in_the_panel(here: World) -> None:
    panel = await page(here, await opened(here), "Words")
    form = await here.moderator.click(panel, label="Add rules")
    panel = after(await here.moderator.submit_modal(form, {"text": "cat"}), panel)
    assert (await order(here, prompt="a cat")).startswith("This server does not allow `cat`")
    panel = after(await here.moderator.click(panel, label="Undo"), panel)
    assert "Undone. **Word rules** removed: `cat`" in text_of(panel)
    assert await order(here, prompt="a cat") == ""
    await delivered(here)


# --- saved, reset, and at the same time -----------------------------------------------------------


async def test_one_setting_or_all_of_them_are_set_back(here: World) -> None:
    await set_to(here, "most_images", "1")
    await set_to(here, "private", "off")
    said = refusal(await here.moderator.slash(here.channel, "settings reset", name="most_images"))
    assert said == "Saved. **Most images in one order**: 1 → any number"
    said = refusal(await here.moderator.slash(here.channel, "settings reset", name="everything"))
    assert said == "Saved. **Private results**: off → on"
    said = refusal(await here.moderator.slash(here.channel, "settings reset", name="everything"))
    assert said == "It is set like that already."


async def test_a_number_of_the_panel_holds_for_the_next_order_after_a_kill_and_is_then_undone(
    here: World, restart: Restart
) -> None:
    panel, form = await form_of(here, "credits")
    panel = after(await here.moderator.submit_modal(form, {"member_day": "8"}), panel)
    async with restart(killed=True) as again:
        assert (await order(again, images=2)).startswith("You have 8 credits left today and this needs 16.")
        panel = after(await again.moderator.click(panel, label="Undo"), panel)
        assert "Undone. **Member: credits a day**: 8 → as the operator allows" in text_of(panel)
        assert await order(again, images=2) == ""
        await delivered(again)


# --- who may click --------------------------------------------------------------------------------


async def test_a_demoted_moderators_open_form_changes_nothing(here: World, books: Books) -> None:
    panel, form = await form_of(here, "credits")
    roles = here.member.guild.roles
    here.env.backend.edit_role(here.member.guild.id, roles["Moderator"].id, {"permissions": 0})
    panel = after(await here.moderator.submit_modal(form, {"member_day": "10"}), panel)
    assert text_of(panel) == OVER
    assert buttons(panel) == {}
    assert books.rows("SELECT version FROM rules") == []


async def test_a_demoted_moderator_undoes_nothing(here: World) -> None:
    answer = await here.moderator.slash(here.channel, "settings set", name="private", value="off")
    assert answer.response is not None
    roles = here.member.guild.roles
    here.env.backend.edit_role(here.member.guild.id, roles["Moderator"].id, {"permissions": 0})
    undone = await here.moderator.click(answer.response.message, label="Undo")
    assert undone.response is not None
    assert text_of(undone.response.message) == OVER
    assert (await here.app.desk.rules(f"guild:{here.member.guild.id}")).private is False


async def test_a_form_with_a_pass_of_another_server_changes_nothing(here: World, books: Books) -> None:
    guild = here.env.create_guild("Elsewhere")
    role = guild.create_role("Boss", permissions=discord.Permissions(manage_guild=True))
    channel, boss = guild.create_text_channel("pictures"), guild.add_member(here.env.create_user("eve"), roles=[role])
    foreign = await boss.slash(channel, "settings panel")
    assert foreign.response is not None
    ticket = selects(foreign.response.message)["models"]["custom_id"].split(":")[3].split(".")[0]
    panel, form = await form_of(here, "credits")
    sent: Any = form._interaction  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as a crafted client would send it
    sent.modal["custom_id"] = f"m1:settings:{ticket}.0.credits"
    answer = await here.moderator.submit_modal(form, {"member_day": "10"})
    assert text_of(after(answer, panel)) == OVER
    assert books.rows("SELECT version FROM rules") == []
