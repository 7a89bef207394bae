"""Orders that a moderator has to approve, as their member and the moderators see it."""

import asyncio
from dataclasses import replace
from typing import Any

import discord
import pytest
import simcord
from discord_acts import (
    Books,
    alt_texts,
    buttons,
    delivered,
    eventually,
    finish,
    old_button,
    pinged,
    private,
    public,
    refusal,
    results,
    told,
    waiting,
)
from discord_pictures import picture
from discord_restart import Restart, short_sleep

from bot.adapters.discord_questions import Questions
from bot.domain.job import State
from bot.sandbox.fal_faults import Fault
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import image_urls, parts_of, text_of
from bot.sandbox.world import World

DAY = 86_400
WAITING = "**Waiting for a moderator's approval**"
NOT_CHARGED = "You were not charged."
WHY_HIDDEN = "Behind a spoiler: this channel is open to all ages, and the one of the order is age-restricted or gone."


def guild_of(here: World) -> simcord.GuildHandle:
    assert here.channel.guild is not None
    return here.channel.guild


async def set_to(here: World, name: str, value: str, **more: object) -> None:
    said = refusal(await here.moderator.slash(here.channel, "settings set", name=name, value=value, **more))
    assert said.startswith("Saved."), said


@pytest.fixture
async def log(here: World) -> simcord.ChannelHandle:
    """The channel in which the moderators are asked about every order in #pictures."""
    channel = guild_of(here).create_text_channel("desk")
    await set_to(here, "log_channel", f"<#{channel.id}>")
    await set_to(here, "approval_channels", f"<#{here.channel.id}>")
    return channel


async def order(here: World, **options: object) -> simcord.InteractionResult:
    return await here.member.slash(here.channel, "imagine", **({"prompt": "a lighthouse"} | options))


def questions(log: simcord.ChannelHandle) -> list[discord.Message]:
    """Those among the entries of the log."""
    return [one for one in log.history() if any(f": an {what}" in text_of(one) for what in ("order, <t:", "edit of "))]


async def question(log: simcord.ChannelHandle, number: int = 1) -> discord.Message:
    """The newest of so many questions in the log channel."""
    await eventually(lambda: len(questions(log)) == number)
    return questions(log)[-1]


async def ends(log: simcord.ChannelHandle, words: str) -> discord.Message:
    """The only question says how it ended, and has no buttons any more."""
    await eventually(lambda: words in text_of(questions(log)[0]))
    (message,) = questions(log)
    assert buttons(message) == {}
    return message


async def refuse(
    here: World, message: discord.Message, reason: str = "", who: simcord.MemberActor | None = None
) -> simcord.InteractionResult:
    moderator = who or here.moderator
    shown = await moderator.click(message, label="Refuse")
    return await moderator.submit_modal(shown, {"reason": reason})


def spoilers(message: discord.Message) -> list[object]:
    galleries: list[Any] = [part for part in parts_of(message.components) if part.get("type") == 12]
    return [item["spoiler"] for gallery in galleries for item in gallery["items"]]


def nothing_left(books: Books) -> bool:
    return books.open_holds() == [] and books.spent("customer") == books.spent("operator") == 0


async def a_second_moderator(here: World) -> simcord.MemberActor:
    guild = guild_of(here)
    here.env.backend.add_member_role(guild.id, here.other.id, guild.roles["Moderator"].id)
    return here.other


# --- who waits ------------------------------------------------------------------------------------


async def test_an_order_waits_with_its_credits_held_and_nothing_at_fal_until_it_is_approved(
    here: World, fal: LoopbackFal, books: Books, log: simcord.ChannelHandle
) -> None:
    answer = await order(here, prompt="a *lighthouse* @everyone", resolution="2K")
    assert answer.response is not None
    assert not answer.response.ephemeral
    assert WAITING in text_of(answer.response.message)
    assert list(buttons(answer.response.message)) == ["Cancel"]
    asked = await question(log)
    said = text_of(asked)
    assert said.startswith(f"{here.member.mention} in <#{here.channel.id}>: an order")
    assert said.endswith("> a \\*lighthouse\\* @\u200beveryone")
    assert "Nano Banana 2 · 1 image · 12 credits · resolution `2K`" in said
    assert list(buttons(asked)) == ["Approve", "Refuse", "Recipe"]
    here_pinged: Any = here.env.backend.get_message(log.id, asked.id)
    assert (here_pinged.ping_user_ids, here_pinged.mention_everyone) == ([], False)
    assert not fal.requests
    assert (books.states(), books.spent("customer")) == (["held"], 12)
    assert "**Ordered**" not in "\n".join(text_of(one) for one in log.history())
    await here.moderator.click(asked, label="Approve")
    (result,) = await delivered(here)
    assert pinged(here, result) == [here.member.id]
    await ends(log, f"**Approved** by {here.moderator.mention}")
    await eventually(lambda: books.states() == ["delivered"])
    assert (books.spent("customer"), books.open_holds()) == (12, [])


async def test_members_with_a_chosen_role_wait_everywhere_and_others_do_not(here: World) -> None:
    guild = guild_of(here)
    log, role = guild.create_text_channel("desk"), guild.create_role("New")
    await set_to(here, "log_channel", f"<#{log.id}>")
    await set_to(here, "approval_roles", f"<@&{role.id}>")
    assert private(await order(here)) == []
    await delivered(here)
    here.env.backend.add_member_role(guild.id, here.member.id, role.id)
    await order(here)
    await here.moderator.click(await question(log), label="Approve")
    await delivered(here, 2)


async def test_the_role_of_everyone_lets_everyone_wait(here: World, log: simcord.ChannelHandle) -> None:
    await set_to(here, "approval_channels", "none")
    await set_to(here, "approval_roles", str(guild_of(here).id))
    await order(here)
    assert WAITING in text_of(public(here)[0])
    await question(log)


async def test_a_thread_follows_its_channel(here: World, fal: LoopbackFal, log: simcord.ChannelHandle) -> None:
    channel = here.env.bot.get_channel(here.channel.id)
    assert isinstance(channel, discord.TextChannel)
    await channel.create_thread(name="lighthouses", type=discord.ChannelType.public_thread)
    (thread,) = here.channel.threads
    await here.member.slash(thread, "imagine", prompt="a lighthouse")
    asked = await question(log)
    assert f"in <#{thread.id}>" in text_of(asked)
    assert not fal.requests
    await here.moderator.click(asked, label="Approve")
    await eventually(lambda: [one for one in thread.history() if image_urls(one)])


async def test_a_moderators_own_order_waits_too_and_they_may_approve_it(
    here: World, log: simcord.ChannelHandle
) -> None:
    await here.moderator.slash(here.channel, "imagine", prompt="a lighthouse")
    await here.moderator.click(await question(log), label="Approve")
    await delivered(here)
    await ends(log, f"**Approved** by {here.moderator.mention}")


async def test_a_reply_and_a_button_wait_like_a_command(
    here: World, fal: LoopbackFal, log: simcord.ChannelHandle
) -> None:
    await order(here)
    await here.moderator.click(await question(log), label="Approve")
    (result,) = await delivered(here)
    await here.other.click(result, label="Again")
    await question(log, 2)
    await here.member.send(here.channel, "make it night", reply_to=result)
    asked = await question(log, 3)
    assert "an edit of 1 picture" in text_of(asked)
    assert len(fal.jobs) == 1
    await here.moderator.click(asked, label="Approve")
    await eventually(lambda: len(results(here)) == 2)


# --- what a moderator sees and says ---------------------------------------------------------------


async def test_pictures_to_be_edited_are_shown_up_to_four(
    here: World, fal: LoopbackFal, log: simcord.ChannelHandle
) -> None:
    files = {f"image{n}": (f"{n}.png", picture("PNG")) for n in range(2, 6)}
    await here.member.slash(here.channel, "edit", prompt="dance", image=("1.png", picture("PNG", "blue")), **files)
    asked = await question(log)
    assert "an edit of 5 pictures" in text_of(asked)
    assert len(image_urls(asked)) == 4
    assert alt_texts(asked) == ["A picture to be edited"] * 4
    assert not fal.requests
    await here.moderator.click(asked, label="Approve")
    await delivered(here)
    assert len(image_urls(await ends(log, "**Approved**"))) == 4


@pytest.mark.parametrize(("ordered_in", "asked_in", "hidden"), [(True, False, True), (True, True, False)])
async def test_pictures_of_a_channel_for_adults_are_hidden_where_everybody_may_look(
    here: World, log: simcord.ChannelHandle, *, ordered_in: bool, asked_in: bool, hidden: bool
) -> None:
    for channel, restricted in ((here.channel, ordered_in), (log, asked_in)):
        known: Any = here.app.client.get_channel(channel.id)  # simcord knows no age restriction
        known.nsfw = restricted
    for number, answer in enumerate(("Approve", "Cancel"), start=1):
        asking = await here.member.slash(here.channel, "edit", prompt="dance", image=("1.png", picture("PNG")))
        asked = await question(log, number)
        assert (spoilers(asked), WHY_HIDDEN in text_of(asked)) == ([hidden], hidden)
        if answer == "Approve":
            await here.moderator.click(asked, label="Approve")
        else:
            assert asking.response is not None
            await here.member.click(asking.response.message, label="Cancel")
        await eventually(lambda number=number: buttons(questions(log)[number - 1]) == {})
        ended = questions(log)[number - 1]
        assert (spoilers(ended), WHY_HIDDEN in text_of(ended)) == ([hidden], hidden)


async def test_an_order_without_pictures_has_nothing_to_hide(here: World, log: simcord.ChannelHandle) -> None:
    known: Any = here.app.client.get_channel(here.channel.id)
    known.nsfw = True
    await order(here)
    assert WHY_HIDDEN not in text_of(await question(log))


async def test_pictures_whose_addresses_discord_does_not_take_do_not_keep_the_question_away(
    here: World, log: simcord.ChannelHandle
) -> None:
    await here.member.slash(here.channel, "edit", prompt="dance", image=("1.png", picture("PNG")))
    await question(log)
    [job] = await here.app.store.unfinished()
    await asyncio.sleep(0.3)  # the entries of the log stand, too
    here.env.inject_error("POST", f"/channels/{log.id}/messages", status=400, times=1)
    asker = Questions(here.app.client, here.app.catalogue, here.time, short_sleep)
    message_id = await asker.ask(replace(job, id="0123456789abcdef"), again=False)
    (asked,) = [one for one in questions(log) if one.id == message_id]
    assert image_urls(asked) == []
    assert "an edit of 1 picture" in text_of(asked)


async def test_a_long_prompt_is_shortened_and_whole_in_the_recipe(here: World, log: simcord.ChannelHandle) -> None:
    await order(here, prompt="*" * 3990 + " the end")
    asked = await question(log)
    assert "the end" not in text_of(asked)
    assert len(text_of(asked)) <= 4000
    answer = await here.moderator.click(asked, label="Recipe")
    assert "It is too long for a message, so it is in the file." in refusal(answer)


async def test_a_refusal_gives_the_credits_back_and_tells_its_reason(
    here: World, fal: LoopbackFal, books: Books, log: simcord.ChannelHandle
) -> None:
    answer = await order(here)
    await refuse(here, await question(log), "not *here* @everyone")
    said = await told(answer)
    assert said == (
        f"A moderator did not approve this. The reason given: not \\*here\\* @\u200beveryone. {NOT_CHARGED}"
        "\n> a lighthouse"
    )
    assert here.moderator.mention not in said
    await ends(log, f"**Refused** by {here.moderator.mention}: not \\*here\\* @\u200beveryone")
    await eventually(lambda: public(here) == [])
    await here.app.journal.drain()
    assert "**Failed**" not in "\n".join(text_of(one) for one in log.history())
    assert not fal.requests
    assert (books.states(), nothing_left(books)) == (["failed"], True)


async def test_a_reason_may_be_left_out(here: World, log: simcord.ChannelHandle) -> None:
    answer = await order(here)
    await refuse(here, await question(log))
    assert await told(answer) == f"A moderator did not approve this. {NOT_CHARGED}\n> a lighthouse"
    assert f"**Refused** by {here.moderator.mention}\n" in text_of(await ends(log, "**Refused**"))


async def test_of_two_moderators_the_first_counts_and_the_other_is_told_who_it_was(
    here: World, fal: LoopbackFal, log: simcord.ChannelHandle
) -> None:
    second = await a_second_moderator(here)
    answer = await order(here)
    asked = await question(log)
    form = await second.click(asked, label="Refuse")
    await here.moderator.click(asked, label="Approve")
    late = await second.submit_modal(form, {"reason": "no"})
    assert f"{here.moderator.mention} has approved this already." in private(late)
    assert private(await second.click(old_button(here, _approve(asked)), label="Old")) == [
        f"{here.moderator.mention} has approved this already."
    ]
    await eventually(lambda: results(here))
    assert private(answer) == []
    assert len(fal.jobs) == 1


async def test_of_two_open_forms_the_first_counts(
    here: World, fal: LoopbackFal, books: Books, log: simcord.ChannelHandle
) -> None:
    second = await a_second_moderator(here)
    answer = await order(here)
    asked = await question(log)
    forms = [await one.click(asked, label="Refuse") for one in (here.moderator, second)]
    await second.submit_modal(forms[1], {"reason": "theirs"})
    late = await here.moderator.submit_modal(forms[0], {"reason": "mine"})
    assert private(late)[-1] == f"{second.mention} has refused this already."
    assert "The reason given: theirs." in await told(answer)
    await ends(log, f"**Refused** by {second.mention}: theirs")
    assert (len(fal.jobs), nothing_left(books)) == (0, True)


async def test_an_order_of_somebody_who_was_blocked_meanwhile_is_refused(
    here: World, fal: LoopbackFal, books: Books, log: simcord.ChannelHandle
) -> None:
    answer = await order(here)
    asked = await question(log)
    await here.moderator.slash(here.channel, "block", member=here.member)
    await here.moderator.click(asked, label="Approve")
    assert "blocked since the order" in await told(answer)
    await ends(log, f"**Refused** by {here.moderator.mention}: blocked since the order")
    assert not fal.requests
    assert nothing_left(books)


# --- who may answer -------------------------------------------------------------------------------


def only(here: World) -> str:
    return (
        f"It was ordered in <#{here.channel.id}>, so only moderators of that channel can do this. Nothing was changed."
    )


def _approve(asked: discord.Message) -> str:
    return buttons(asked)["Approve"]


async def test_members_cannot_answer(here: World, fal: LoopbackFal, books: Books, log: simcord.ChannelHandle) -> None:
    await order(here)
    asked = await question(log)
    for label in ("Approve", "Refuse", "Recipe"):
        assert refusal(await here.member.click(asked, label=label)) == only(here)
    assert not fal.requests
    assert books.states() == ["held"]


async def test_what_counts_is_the_channel_of_the_order_and_not_the_log_channel(here: World, fal: LoopbackFal) -> None:
    guild = guild_of(here)
    overwrites: Any = {here.other: discord.PermissionOverwrite(manage_messages=True)}
    own = guild.create_text_channel("own-log", overwrites=overwrites)
    await set_to(here, "log_channel", f"<#{own.id}>")
    await set_to(here, "approval_channels", f"<#{here.channel.id}>")
    await order(here)
    assert refusal(await here.other.click(await question(own), label="Approve")) == only(here)
    assert not fal.requests


async def test_a_demoted_moderator_cannot_answer_any_more(
    here: World, fal: LoopbackFal, log: simcord.ChannelHandle
) -> None:
    await order(here)
    asked = await question(log)
    form = await here.moderator.click(asked, label="Refuse")
    here.env.backend.edit_role(guild_of(here).id, guild_of(here).roles["Moderator"].id, {"permissions": 0})
    assert refusal(await here.moderator.click(asked, label="Approve")) == only(here)
    assert refusal(await here.moderator.submit_modal(form, {"reason": "no"})) == only(here)
    assert not fal.requests


async def test_a_crafted_id_of_another_servers_order_is_unknown(
    here: World, fal: LoopbackFal, books: Books, log: simcord.ChannelHandle
) -> None:
    await order(here)
    custom_id = _approve(await question(log))
    guild = here.env.create_guild("Elsewhere")
    channel = guild.create_text_channel("talk")
    role = guild.create_role("Boss", permissions=discord.Permissions(manage_messages=True))
    boss = guild.add_member(here.env.create_user("bob"), roles=[role])
    for one in (custom_id, custom_id.replace("approve", "refuse"), custom_id.replace("approve", "recipe")):
        said = refusal(await boss.click(old_button(here, one, channel), custom_id=one))
        assert said == "This order is not known any more."
    assert not fal.requests
    assert books.states() == ["held"]


async def test_an_order_that_nobody_has_to_approve_cannot_be_approved(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    await order(here)
    await eventually(lambda: books.states() == ["queued"])
    [(job_id,)] = books.rows("SELECT id FROM jobs")
    made_up = f"p1:approval:refuse:{job_id}"
    answer = await here.moderator.click(old_button(here, made_up), custom_id=made_up)
    assert private(answer)[-1] == "This order does not wait for approval any more."
    assert books.states() == ["queued"]
    await finish(fal)


async def test_a_crafted_id_shows_no_recipe_of_a_private_order(here: World, books: Books) -> None:
    await order(here, prompt="my secret garden", private=True)
    await eventually(lambda: books.states() == ["delivered"])
    [(job_id,)] = books.rows("SELECT id FROM jobs")
    made_up = f"p1:approval:recipe:{job_id}"
    answer = await here.moderator.click(old_button(here, made_up), custom_id=made_up)
    assert private(answer)[-1] == "This order is not known any more."
    assert "secret" not in "\n".join(private(answer))


# --- other ends -----------------------------------------------------------------------------------


async def test_after_a_day_the_credits_come_back_and_the_member_is_told(
    here: World, fal: LoopbackFal, books: Books, log: simcord.ChannelHandle
) -> None:
    answer = await order(here)
    await question(log)
    here.time.passed += DAY - 30
    await asyncio.sleep(0.7)  # more than one look at the clock
    assert books.states() == ["held"]
    here.time.passed += 31
    await eventually(lambda: books.states() == ["failed"])
    assert answer.response is not None
    said = await eventually(
        lambda: [text_of(one) for one in public(here) if "No moderator answered within 24 hours" in text_of(one)]
    )
    assert here.member.mention in said[0]
    await ends(log, "**Expired** after 24 hours")
    assert not fal.requests
    assert nothing_left(books)


async def test_an_order_can_be_cancelled_while_it_waits(
    here: World, fal: LoopbackFal, books: Books, log: simcord.ChannelHandle
) -> None:
    await order(here)
    asked = await question(log)
    (progress,) = waiting(here)
    await here.member.click(progress, label="Cancel")
    await eventually(lambda: "**Cancelled.**" in text_of(public(here)[0]))
    await ends(log, f"**Cancelled** by {here.member.mention}")
    late = await here.moderator.click(old_button(here, _approve(asked)), custom_id=_approve(asked))
    assert private(late)[-1] == "This order does not wait for approval any more."
    assert not fal.requests
    assert (books.states(), nothing_left(books)) == (["cancelled"], True)
    assert not any("**Cancelled**, an order" in text_of(message) for message in log.history())


async def test_a_question_that_was_just_being_put_up_at_a_cancel_is_closed_too(
    here: World, books: Books, log: simcord.ChannelHandle
) -> None:
    await order(here)
    await question(log)
    await eventually(lambda: books.rows("SELECT id FROM jobs WHERE approval_message_id IS NOT NULL"))
    [job] = await here.app.store.unfinished()
    assert job.approval is not None
    unknown = job.to(State.CANCELLED, approval=replace(job.approval, message_id=None))
    questions = Questions(here.app.client, here.app.catalogue, here.time, short_sleep)
    await questions.close(unknown, by=here.member.id)
    await ends(log, f"**Cancelled** by {here.member.mention}")


@pytest.mark.usefixtures("log")
async def test_jobs_shows_what_waits(here: World) -> None:
    await order(here)
    page = refusal(await here.member.slash(here.channel, "jobs"))
    assert "**waiting for a moderator's approval**" in page


@pytest.mark.usefixtures("log")
async def test_who_says_whether_approval_is_needed_and_why(here: World) -> None:
    said = refusal(await here.moderator.slash(here.channel, "who", member=here.member))
    assert "**Approval by a moderator**: needed · the channel" in said


# --- when nobody can be asked ---------------------------------------------------------------------

NOWHERE = "A moderator has to approve orders here, but there is no channel where I could ask them."


async def test_without_a_log_channel_an_order_is_refused(here: World, books: Books) -> None:
    await set_to(here, "approval_channels", f"<#{here.channel.id}>")
    assert refusal(await order(here)).startswith(NOWHERE)
    assert books.untouched()


async def test_a_log_channel_that_is_gone_counts_as_none(here: World, books: Books, log: simcord.ChannelHandle) -> None:
    here.env.backend.delete_channel(log.id)
    assert refusal(await order(here)).startswith(NOWHERE)
    assert books.untouched()


@pytest.mark.parametrize("denied", ["view_channel", "send_messages"])
async def test_a_log_channel_that_is_shut_to_the_bot_later_counts_as_none(
    here: World, books: Books, log: simcord.ChannelHandle, denied: str
) -> None:
    channel: Any = here.env.bot.get_channel(log.id)
    await channel.set_permissions(channel.guild.me, **{denied: False})
    await eventually(lambda: not getattr(channel.permissions_for(channel.guild.me), denied))
    assert refusal(await order(here)).startswith(NOWHERE)
    assert books.untouched()


async def test_a_log_channel_of_another_server_counts_as_none_whatever_is_stored(
    here: World, books: Books, log: simcord.ChannelHandle
) -> None:
    elsewhere = here.env.create_guild("Elsewhere").create_text_channel("general")
    scope = f"guild:{here.member.guild.id}"
    record = await here.app.rules.rules(scope)
    await here.app.rules.change_rules(
        scope, record, replace(record.rules, log_channel=elsewhere.id), by=here.moderator.id, at=here.time()
    )
    assert refusal(await order(here)).startswith(NOWHERE)
    assert books.untouched()
    assert elsewhere.history() == []
    assert questions(log) == []


async def test_a_private_order_is_refused_where_a_moderator_would_have_to_read_it(
    here: World, books: Books, log: simcord.ChannelHandle
) -> None:
    assert refusal(await order(here, private=True)) == (
        "A moderator has to approve orders here and would read a private one. Please order without `private`."
    )
    assert books.untouched()
    assert questions(log) == []


async def test_a_question_that_discord_refuses_ends_the_order(
    here: World, fal: LoopbackFal, books: Books, log: simcord.ChannelHandle
) -> None:
    here.env.inject_error("POST", f"/channels/{log.id}/messages", status=403, times=None)
    answer = await order(here)
    assert await told(answer) == (
        f"The moderators could not be asked to approve this. {NOT_CHARGED} Please tell one of them.\n> a lighthouse"
    )
    assert not fal.requests
    assert nothing_left(books)


async def test_a_question_is_put_up_once_discord_takes_it_again(here: World, log: simcord.ChannelHandle) -> None:
    here.env.inject_error("POST", f"/channels/{log.id}/messages", status=503, times=7)
    await order(here)
    await question(log)


async def test_a_log_channel_that_is_deleted_later_ends_what_waits(
    here: World, fal: LoopbackFal, books: Books, log: simcord.ChannelHandle
) -> None:
    answer = await order(here)
    await question(log)
    here.env.backend.delete_channel(log.id)
    assert "The moderators could not be asked" in await told(answer)
    assert not fal.requests
    assert nothing_left(books)


# --- restarts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "stopped"])
async def test_what_waits_still_waits_after_a_restart_and_is_not_asked_twice(
    here: World, fal: LoopbackFal, books: Books, log: simcord.ChannelHandle, restart: Restart, *, killed: bool
) -> None:
    await order(here)
    asked = await question(log)
    await eventually(lambda: books.rows("SELECT id FROM jobs WHERE approval_message_id IS NOT NULL"))
    async with restart(killed=killed) as after:
        assert WAITING in text_of(public(after)[0])
        assert not fal.requests
        await after.moderator.click(asked, label="Approve")
        await delivered(after)
        await ends(log, "**Approved**")


async def test_a_question_that_stands_already_is_found_after_a_crash_and_one_that_does_not_is_put_up(
    here: World, fal: LoopbackFal, books: Books, log: simcord.ChannelHandle, restart: Restart
) -> None:
    await order(here)
    await question(log)
    here.env.inject_error("POST", f"/channels/{log.id}/messages", status=503, times=None)
    await order(here, prompt="a second")
    await eventually(lambda: books.states() == ["held", "held"])

    async def forgotten() -> None:
        """As if the first process had ended before it wrote down what stands."""
        here.env.backend.faults.clear()
        books.change("UPDATE jobs SET approval_message_id = NULL")

    async with restart(killed=True, meanwhile=forgotten) as after:
        second = await question(log, 2)
        assert "a second" in text_of(second)
        await eventually(
            lambda: books.rows("SELECT count(*) FROM jobs WHERE approval_message_id IS NOT NULL") == [(2,)]
        )
        await after.moderator.click(questions(log)[0], label="Approve")
        await delivered_one(after, "a lighthouse")
    assert [job.prompt for job in fal.jobs.values()] == ["a lighthouse"]


async def delivered_one(here: World, prompt: str) -> None:
    await eventually(lambda: [one for one in results(here) if prompt in text_of(one)])


@pytest.mark.settings(fal={"max_concurrent": 1})
async def test_what_was_approved_goes_on_after_a_restart_without_being_asked_again(
    here: World, fal: LoopbackFal, books: Books, log: simcord.ChannelHandle, restart: Restart
) -> None:
    elsewhere = guild_of(here).create_text_channel("free")
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    await here.other.slash(elsewhere, "imagine", prompt="first")
    await order(here, prompt="second")
    await here.moderator.click(await question(log), label="Approve")
    await eventually(lambda: books.rows("SELECT approval FROM jobs ORDER BY number") == [(None,), ("given",)])
    async with restart(killed=True) as after:
        await finish(fal)
        await delivered_one(after, "second")
    assert len(questions(log)) == 1
    assert [job.prompt for job in fal.jobs.values()] == ["first", "second"]


async def test_a_question_in_the_same_channel_is_never_taken_for_the_images(
    here: World, books: Books, restart: Restart
) -> None:
    """The process ended before the buttons went, and Discord took no images until the next."""
    await set_to(here, "log_channel", f"<#{here.channel.id}>")
    await set_to(here, "approval_channels", f"<#{here.channel.id}>")
    await here.member.slash(here.channel, "edit", prompt="dance", image=("1.png", picture("PNG")))
    (asked,) = await eventually(lambda: [one for one in public(here) if "Approve" in buttons(one)])
    here.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062, times=1)
    here.env.inject_error("POST", "/channels/*/messages", status=503, times=None)
    await here.moderator.click(asked, label="Approve")
    await eventually(lambda: books.states() == ["rendered"])
    assert "Approve" in buttons(next(one for one in public(here) if one.id == asked.id))
    async with restart(killed=True) as after:
        here.env.backend.faults.clear()
        await eventually(lambda: books.states() == ["delivered"])
        await eventually(lambda: [one for one in results(after) if "Again" in buttons(one)])


async def test_what_expired_during_a_downtime_is_told_at_the_next_start(
    here: World, fal: LoopbackFal, books: Books, log: simcord.ChannelHandle, restart: Restart
) -> None:
    await order(here)
    await question(log)
    async with restart(killed=True, downtime=DAY + 60):
        await eventually(lambda: books.states() == ["failed"])
        await eventually(lambda: "No moderator answered within 24 hours" in text_of(public(here)[0]))
        await ends(log, "**Expired** after 24 hours")
    assert not fal.requests
    assert nothing_left(books)


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.settings(quota={"member_jobs": 1, "server_jobs": 1})
async def test_what_waits_counts_for_its_member_and_for_nobody_else(here: World, log: simcord.ChannelHandle) -> None:
    await order(here)
    await question(log)
    assert refusal(await order(here)).startswith("You have 1 order on the way already.")
    elsewhere = guild_of(here).create_text_channel("free")
    await here.other.slash(elsewhere, "imagine", prompt="a lighthouse")
    await eventually(lambda: [one for one in elsewhere.history() if image_urls(one)])


async def test_the_wait_for_a_turn_counts_from_the_approval(
    here: World, books: Books, log: simcord.ChannelHandle
) -> None:
    await order(here)
    asked = await question(log)
    here.time.passed += 5 * 3600
    await here.moderator.click(asked, label="Approve")
    result = (await eventually(lambda: results(here)))[0]
    await eventually(lambda: books.states() == ["delivered"])
    assert " min " not in text_of(result)
    [(seconds,)] = books.rows("SELECT seconds FROM usage")
    assert float(str(seconds)) < 60


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_late_approval_is_seen_although_the_interaction_is_over(
    here: World, fal: LoopbackFal, log: simcord.ChannelHandle, restart: Restart, *, restarted: bool
) -> None:
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    await order(here)
    asked = await question(log)
    here.time.passed += 3600
    await here.moderator.click(asked, label="Approve")
    await eventually(lambda: "**Generating, started" in text_of(public(here)[0]))
    if not restarted:
        await finish(fal)
        await delivered(here)
        return
    async with restart() as after:
        await eventually(lambda: "**Generating, started" in text_of(public(after)[0]))
        await finish(fal)
        await delivered(after)


# --- the panel ------------------------------------------------------------------------------------


async def test_roles_are_chosen_in_the_panel(here: World) -> None:
    guild = guild_of(here)
    role = guild.create_role("New")
    answer = await here.moderator.slash(here.channel, "settings panel")
    assert answer.response is not None
    answer = await here.moderator.click(answer.response.message, label="Safety")
    assert answer.response is not None
    panel = answer.response.message
    (select,) = [
        str(p["custom_id"])
        for p in parts_of(panel.components)
        if str(p.get("custom_id", "")).endswith(".approval_roles")
    ]
    answer = await here.moderator.select(panel, [role], custom_id=select)
    assert answer.response is not None
    said = text_of(answer.response.message)
    assert f"Saved. **Roles whose orders a moderator has to approve**: none → <@&{role.id}>" in said


@pytest.mark.settings(quota={"member_daily_credits": 1000})
async def test_jobs_lists_ten_orders_that_were_refused_with_long_reasons(
    here: World, books: Books, log: simcord.ChannelHandle
) -> None:
    for number in range(1, 11):
        await order(here, prompt="*" * 200)
        await refuse(here, await question(log, number), reason="*please* read the rules first " * 6)
        await eventually(lambda: books.states() == ["failed"] * number)  # noqa: B023 - awaited in its turn
    said = refusal(await here.member.slash(here.channel, "jobs"))
    assert len(said) > 3700  # as long as it gets, and Discord took it
    assert said.count("**failed**") == 10
    assert said.count("A moderator did not approve this. The reason given: \\*please\\* read") == 10
