"""The log channel, as moderators see it, and what its buttons do."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest
import simcord
from discord_acts import (
    Books,
    buttons,
    delivered,
    eventually,
    finish,
    generating,
    old_button,
    pinged,
    private,
    public,
    refusal,
)
from discord_pictures import picture
from discord_restart import Restart

from bot.adapters.sqlite_tree import SqliteTree
from bot.sandbox.fal_faults import Fault
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import parts_of, text_of
from bot.sandbox.world import World

DAY = 86_400.0


@pytest.fixture
async def log(here: World) -> simcord.ChannelHandle:
    """A log channel that is set, with the entry that says so."""
    channel = here.member.guild.create_text_channel("log")
    await set_log(here, channel)
    await entry(channel, "**Settings**")
    return channel


async def set_log(here: World, channel: simcord.ChannelHandle) -> str:
    answer = await here.moderator.slash(here.channel, "settings set", name="log_channel", value=channel.mention)
    return private(answer)[0]


async def entry(log: simcord.ChannelHandle, words: str) -> discord.Message:
    """The message of the log that says this."""
    return (await eventually(lambda: [message for message in log.history() if words in text_of(message)]))[0]


async def lines(log: simcord.ChannelHandle, words: str) -> str:
    """The same, in words, without times."""
    return text_of(await entry(log, words))


def thumbnails(message: discord.Message) -> list[Mapping[str, Any]]:
    found: list[Any] = [part["accessory"] for part in parts_of(message.components) if part.get("type") == 9]
    return found


async def order(here: World, **options: object) -> str:
    answer = await here.member.slash(here.channel, "imagine", **({"prompt": "a lighthouse"} | options))
    return "\n".join(private(answer))


async def ordered(here: World, log: simcord.ChannelHandle, **options: object) -> discord.Message:
    """The log's entry of a result of ann's."""
    await order(here, **options)
    return await entry(log, "**Result**")


async def asked(answer: simcord.InteractionResult) -> discord.Message:
    assert answer.response is not None
    return answer.response.message


# --- what stands in it ----------------------------------------------------------------------------


async def test_an_order_and_its_result_stand_in_the_log_with_a_thumbnail(
    here: World, log: simcord.ChannelHandle
) -> None:
    result = await ordered(here, log)
    (posted,) = await delivered(here)
    said = await lines(log, "**Ordered**")
    assert f"**Ordered** by {here.member.mention} in {here.channel.mention} · Nano Banana 2 · 8 credits · <t:" in said
    assert said.endswith("\n> a lighthouse")
    said = text_of(result)
    assert f"**Result** for {here.member.mention} in {here.channel.mention} · Nano Banana 2 · 8 credits" in said
    assert f"1 image · [Go to it]({posted.jump_url})" in said
    assert said.endswith("\n> a lighthouse")
    (small,) = thumbnails(result)
    assert here.env.backend.cdn.get(str(small["media"]["url"]))
    assert small["description"] == "Generated image: a lighthouse"
    assert not small["spoiler"]
    assert list(buttons(result)) == ["Delete and release", "Strike"]


async def test_an_edit_leads_to_what_it_was_made_from(here: World, log: simcord.ChannelHandle) -> None:
    await order(here)
    (first,) = await delivered(here)
    await here.member.submit_modal(
        await here.member.click(first, label="Edit"),
        {"prompt": "make it night", "size": ["nano-banana-2|1K"], "shape": ["auto"]},
    )
    said = await lines(log, "-# Edit 1")
    assert f"Edit 1 of [this image]({first.jump_url})" in said
    assert f"From 1 picture, seen here: [1]({first.jump_url})" in said
    await here.member.slash(here.channel, "edit", prompt="blue", image=("a.png", picture("PNG")))
    said = await lines(log, "> blue")
    assert "**Edit ordered** by" in said


async def test_of_a_private_order_who_when_model_and_price_are_told_and_nothing_else(
    here: World, log: simcord.ChannelHandle
) -> None:
    await order(here, prompt="a secret", private=True)
    await entry(log, "**Private result**")
    said = "\n".join(text_of(message) for message in log.history())
    assert f"**Private order** by {here.member.mention} · Nano Banana 2 · 8 credits · <t:" in said
    assert f"**Private result** for {here.member.mention} · Nano Banana 2 · 8 credits · <t:" in said
    assert "secret" not in said
    assert "discord.com" not in said
    assert here.channel.mention not in said.replace("log", "")
    assert not any(thumbnails(message) or buttons(message) for message in log.history())


async def test_a_private_refusal_and_failure_tell_no_more(
    here: World, log: simcord.ChannelHandle, fal: LoopbackFal
) -> None:
    await here.moderator.slash(here.channel, "settings words", action="add", text="secret")
    await order(here, prompt="a secret", private=True)
    said = await lines(log, "**Private order refused**")
    assert "does not allow" not in said
    fal.fail_next(Fault.RUN_CONTENT_POLICY, times=2)
    await order(here, prompt="hush", private=True)
    said = await lines(log, "**Private order failed**")
    assert "hush" not in "\n".join(text_of(message) for message in log.history())
    assert "content check" not in said


async def test_a_refusal_stands_in_the_log_with_the_prompt_and_why(here: World, log: simcord.ChannelHandle) -> None:
    await here.moderator.slash(here.channel, "settings words", action="add", text="kitten")
    await here.moderator.slash(here.channel, "settings set", name="names_word", value="off")
    assert "kitten" not in await order(here, prompt="a kitten")
    said = await lines(log, "**Refused**")
    assert f"**Refused** {here.member.mention} in {here.channel.mention}" in said
    assert "This server does not allow `kitten` in a prompt." in said
    assert "> a kitten" in said


async def test_a_refusal_for_several_reasons_tells_them_all(here: World, log: simcord.ChannelHandle) -> None:
    await here.moderator.slash(here.channel, "settings words", action="add", text="kitten")
    await here.moderator.slash(here.channel, "settings set", name="names_word", value="off")
    await here.moderator.slash(here.channel, "settings set", name="most_images", value="1")
    await order(here, prompt="a kitten", images=2)
    said = await lines(log, "**Refused**")
    assert "\n-# This server does not allow `kitten` in a prompt." in said
    assert "\n-# One order can make 1 image here; this asks for 2." in said


async def test_a_question_about_the_price_is_no_refusal(here: World, log: simcord.ChannelHandle) -> None:
    await here.moderator.slash(here.channel, "settings set", name="confirm_above", value="1")
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await here.member.click(await asked(answer), label="Go ahead (8 credits)")
    await entry(log, "**Result**")
    assert not any("Refused" in text_of(message) for message in log.history())


async def test_a_failure_says_why(here: World, log: simcord.ChannelHandle, fal: LoopbackFal) -> None:
    fal.fail_next(Fault.RUN_CONTENT_POLICY, times=2)
    await order(here)
    said = await lines(log, "**Failed**")
    assert f"**Failed**, an order of {here.member.mention} in {here.channel.mention} · Nano Banana 2" in said
    assert "-# They were told: fal's content check refused this." in said
    assert "> a lighthouse" in said


async def test_an_order_that_was_called_off_does_not_stand_there_without_an_end(
    here: World, log: simcord.ChannelHandle, fal: LoopbackFal
) -> None:
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await generating(here)
    assert answer.response is not None
    await here.member.click(answer.response.message, label="Cancel")
    said = await lines(log, "**Cancelled**")
    assert f"**Cancelled**, an order of {here.member.mention} in {here.channel.mention} · Nano Banana 2" in said
    assert "They were told" not in said


async def test_a_change_of_settings_says_who_what_before_and_after(here: World, log: simcord.ChannelHandle) -> None:
    await here.moderator.slash(here.channel, "settings set", name="most_images", value="2")
    said = await lines(log, "Most images")
    assert f"**Settings** changed by {here.moderator.mention}" in said
    assert "**Most images in one order**: any number → 2" in said
    await here.moderator.slash(here.channel, "settings words", action="add", text="kitten")
    assert "**Word rules** added: `kitten`" in await lines(log, "added")
    await here.moderator.slash(here.channel, "settings words", action="remove", text="kitten")
    assert "**Word rules** removed: `kitten`" in await lines(log, "removed")


async def test_what_is_done_about_members_stands_in_the_log(here: World, log: simcord.ChannelHandle) -> None:
    ann, mia = here.member.mention, here.moderator.mention
    await here.moderator.slash(here.channel, "strike", member=here.member, reason="*rude*")
    said = await lines(log, "**Strike**")
    assert f"**Strike** for {ann}, 1 strike of 3, by {mia}" in said
    assert "Reason: \\*rude\\*" in said
    await here.moderator.slash(here.channel, "block", member=here.member, days=2)
    assert f"**Blocked** {ann} until <t:" in await lines(log, "**Blocked**")
    await here.moderator.slash(here.channel, "unblock", member=here.member)
    assert f"**Unblocked** {ann}, by {mia}" in await lines(log, "**Unblocked**")
    await here.moderator.slash(here.channel, "allowance grant", member=here.member, credits=5)
    assert f"**Granted** {ann} 5 credits for today, by {mia}" in await lines(log, "**Granted**")
    await order(here)
    await entry(log, "**Result**")
    await here.moderator.slash(here.channel, "allowance reset", member=here.member)
    assert f"**Reset** what {ann} spent today: 3 credits, by {mia}" in await lines(log, "**Reset**")


async def test_members_words_are_quiet_and_ping_nobody(here: World, log: simcord.ChannelHandle) -> None:
    await ordered(here, log, prompt="@everyone **look** <@1>\n> # here ||now||")
    said = await lines(log, "**Result**")
    assert "\n> @\u200beveryone \\*\\*look\\*\\* \\<@1\\> \\> \\# here \\|\\|now\\|\\|" in said
    assert [pinged(here, message) for message in log.history()] == [[] for _ in log.history()]


async def test_it_is_hidden_also_when_its_channel_is_open_to_all_by_then(
    here: World, log: simcord.ChannelHandle, fal: LoopbackFal
) -> None:
    known: Any = here.app.client.get_channel(here.channel.id)
    known.nsfw = True  # simcord knows no age restriction
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await generating(here)
    known.nsfw = False
    await finish(fal)
    (small,) = thumbnails(await entry(log, "**Result**"))
    assert small["spoiler"] is True


@pytest.mark.parametrize(("made_in", "kept_in", "hidden"), [(True, False, True), (True, True, False)])
async def test_what_was_made_for_adults_is_hidden_in_a_log_that_is_not(
    here: World, log: simcord.ChannelHandle, *, made_in: bool, kept_in: bool, hidden: bool
) -> None:
    for channel, restricted in ((here.channel, made_in), (log, kept_in)):
        known: Any = here.app.client.get_channel(channel.id)  # simcord knows no age restriction
        known.nsfw = restricted
    (small,) = thumbnails(await ordered(here, log))
    assert small["spoiler"] is hidden


async def test_images_that_could_be_posted_nowhere_stand_in_the_log_without_a_link(
    here: World, log: simcord.ChannelHandle
) -> None:
    for method, path in (
        ("POST", f"/channels/{here.channel.id}/messages"),
        ("PATCH", "/webhooks/*"),
        ("POST", "/users/@me/channels"),
    ):
        here.env.inject_error(method, path, status=403, code=50013, times=None)
    result = await ordered(here, log)
    assert "could not be posted: only **/jobs** shows it" in text_of(result)
    assert "Go to it" not in text_of(result)
    assert len(thumbnails(result)) == 1


# --- where it is ----------------------------------------------------------------------------------


async def test_a_log_channel_that_is_set_moved_or_unset_holds_at_once(here: World, log: simcord.ChannelHandle) -> None:
    other = here.member.guild.create_text_channel("other")
    await set_log(here, other)
    moved = f"{log.mention} → {other.mention}"
    assert "**Settings** changed by" in await lines(log, moved)
    await entry(other, moved)
    await ordered(here, other)
    await here.moderator.slash(here.channel, "settings reset", name="log_channel")
    await entry(other, f"{other.mention} → none")
    before = len(other.history())
    await order(here)
    await delivered(here, 2)
    await here.app.journal.drain()
    assert len(other.history()) == before
    assert len(log.history()) == 2


async def test_without_a_log_channel_nothing_is_posted_and_orders_go_on(here: World) -> None:
    await order(here)
    await delivered(here)
    await here.app.journal.drain()
    assert len(public(here)) == 1


async def test_a_channel_of_another_server_is_refused_when_it_is_set(here: World) -> None:
    elsewhere = here.env.create_guild("Elsewhere").create_text_channel("general")
    assert (await set_log(here, elsewhere)).startswith(f"I cannot keep a log in {elsewhere.mention}: ")
    assert (await here.app.rules.rules(f"guild:{here.member.guild.id}")).rules.log_channel is None


@pytest.mark.parametrize("denied", ["view_channel", "send_messages", "attach_files"])
async def test_a_channel_that_the_bot_may_not_use_is_refused_when_it_is_set(here: World, denied: str) -> None:
    overwrites: Any = {here.env.bot.user: discord.PermissionOverwrite(**{denied: False})}
    closed = here.member.guild.create_text_channel("closed", overwrites=overwrites)
    assert (await set_log(here, closed)).startswith(f"I cannot keep a log in {closed.mention}: ")
    panel = await here.moderator.slash(here.channel, "settings panel")
    await here.moderator.click(await asked(panel), label="Log")
    answer = await here.moderator.select(await asked(panel), [closed])
    assert answer.response is not None
    assert f"I cannot keep a log in {closed.mention}: " in text_of(answer.response.message)


async def test_nothing_is_posted_in_another_server_whatever_is_stored(here: World) -> None:
    elsewhere = here.env.create_guild("Elsewhere").create_text_channel("general")
    scope = f"guild:{here.member.guild.id}"
    record = await here.app.rules.rules(scope)
    await here.app.rules.change_rules(
        scope, record, replace(record.rules, log_channel=elsewhere.id), by=here.moderator.id, at=here.time()
    )
    await order(here)
    await delivered(here)
    await here.app.journal.drain()
    assert elsewhere.history() == []


async def test_a_log_channel_that_is_gone_or_shut_does_no_harm_and_is_said_once(
    here: World, log: simcord.ChannelHandle, caplog: pytest.LogCaptureFixture
) -> None:
    here.env.backend.delete_channel(log.id)
    await order(here)
    await order(here, prompt=" ")
    await delivered(here)
    await here.app.journal.drain()
    assert said_of_log(caplog) == [
        f"the log channel {log.id} of server {here.member.guild.id} cannot be used (not there)"
    ]


async def test_a_log_channel_that_the_bot_may_not_use_does_no_harm(
    here: World, caplog: pytest.LogCaptureFixture
) -> None:
    closed = here.member.guild.create_text_channel("closed")
    await set_log(here, closed)
    await entry(closed, "**Settings**")
    here.env.inject_error("POST", f"/channels/{closed.id}/messages", status=403, code=50013, times=None)
    await order(here)
    await delivered(here)
    await here.app.journal.drain()
    assert len(closed.history()) == 1
    assert len(said_of_log(caplog)) == 1


def said_of_log(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "log channel" in record.getMessage()]


async def test_an_outage_that_passes_is_waited_out_and_the_entry_stands_once(
    here: World, log: simcord.ChannelHandle, caplog: pytest.LogCaptureFixture
) -> None:
    here.env.inject_error("POST", f"/channels/{log.id}/messages", status=503, times=12)  # discord.py takes five a call
    await ordered(here, log)
    assert sum("**Ordered**" in text_of(message) for message in log.history()) == 1
    assert said_of_log(caplog) == []


async def test_an_outage_that_lasts_costs_that_entry_alone(
    here: World, log: simcord.ChannelHandle, caplog: pytest.LogCaptureFixture
) -> None:
    path = f"/channels/{log.id}/messages"
    here.env.inject_error("POST", path, status=503, times=None)
    before = len(here.env.http_requests)
    await here.moderator.slash(here.channel, "strike", member=here.member)
    await eventually(lambda: any(request.path == path for request in here.env.http_requests[before:]))
    here.time.passed += 121
    await eventually(lambda: said_of_log(caplog))
    here.env.backend.faults.clear()
    await ordered(here, log)
    assert len(said_of_log(caplog)) == 1
    assert not any("**Strike**" in text_of(message) for message in log.history())


async def test_help_says_what_is_logged_where_something_is(here: World) -> None:
    said = refusal(await here.member.slash(here.channel, "help"))
    assert "log" not in said
    await set_log(here, here.member.guild.create_text_channel("log"))
    said = refusal(await here.member.slash(here.channel, "help"))
    assert "This server keeps a log for its moderators" in said
    assert "Of a private order it has who, when, model and price only." in said


async def test_images_that_come_after_a_restart_stand_in_the_log_once(
    here: World, log: simcord.ChannelHandle, restart: Restart, fal: LoopbackFal
) -> None:
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    await order(here)
    await generating(here)
    async with restart(killed=True) as after:
        await finish(fal)
        await entry(log, "**Result**")
        await after.app.journal.drain()
    async with restart() as after:
        await after.app.journal.drain()
        assert sum("**Result**" in text_of(message) for message in log.history()) == 1


# --- its buttons ----------------------------------------------------------------------------------


async def test_delete_and_release_takes_the_images_away_and_gives_the_credits_back_for_today(
    here: World, log: simcord.ChannelHandle, books: Books, tmp_path: Path
) -> None:
    result = await ordered(here, log)
    await delivered(here)
    answer = await here.moderator.click(result, label="Delete and release")
    assert refusal(answer) == (
        "Delete these images for everyone? Their files go, too, and cannot be brought back."
        " Their member gets 8 credits more for today; what the server has spent stays as it is."
    )
    assert len(public(here)) == 1
    await here.moderator.click(await asked(answer), label="Delete and release")
    await eventually(lambda: public(here) == [])
    await eventually(lambda: list((tmp_path / "jobs").iterdir()) == [])
    said = await lines(log, "deleted**")
    assert f"**Images of {here.member.mention} deleted** by {here.moderator.mention}, made in" in said
    assert "8 credits given back for today" in said
    changed = await entry(log, "Deleted since then.")
    assert changed.id == result.id
    assert thumbnails(changed) == []
    assert list(buttons(changed)) == ["Strike"]
    assert books.rows("SELECT credits, kind FROM member_acts") == [(8, "grant")]


async def test_images_are_taken_away_even_when_the_moderators_answer_does_not_arrive(
    here: World, log: simcord.ChannelHandle
) -> None:
    result = await ordered(here, log)
    await delivered(here)
    question = await asked(await here.moderator.click(result, label="Delete and release"))
    here.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062)
    await here.moderator.click(question, label="Delete and release")
    await eventually(lambda: public(here) == [])
    assert thumbnails(await entry(log, "Deleted since then.")) == []


async def test_two_who_delete_and_release_at_once_give_the_credits_back_once(
    here: World, log: simcord.ChannelHandle, books: Books
) -> None:
    result = await ordered(here, log)
    questions = [await asked(await here.moderator.click(result, label="Delete and release")) for _ in range(2)]
    answers = [await here.moderator.click(one, label="Delete and release") for one in questions]
    assert "These images were deleted already." in "\n".join(private(answers[1]))
    assert books.rows("SELECT credits FROM member_acts") == [(8,)]
    await entry(log, "deleted**")


async def test_what_was_deleted_already_is_not_given_back(
    here: World, log: simcord.ChannelHandle, books: Books
) -> None:
    result = await ordered(here, log)
    (posted,) = await delivered(here)
    question = await asked(await here.moderator.click(result, label="Delete and release"))
    theirs = await asked(await here.member.click(posted, label="Delete"))
    await here.member.click(theirs, label="Delete")
    said = await lines(log, "deleted**")
    assert f"**Images deleted** by {here.member.mention}" in said
    assert "given back" not in said
    gone = "These images were deleted already."
    assert gone in "\n".join(private(await here.moderator.click(question, label="Delete and release")))
    assert refusal(await here.moderator.click(result, label="Delete and release")) == gone
    assert books.rows("SELECT * FROM member_acts") == []


async def test_what_a_reset_gave_back_already_is_not_given_back_again(
    here: World, log: simcord.ChannelHandle, books: Books
) -> None:
    result = await ordered(here, log)
    await delivered(here)
    await here.moderator.slash(here.channel, "allowance reset", member=here.member)
    question = await asked(await here.moderator.click(result, label="Delete and release"))
    answer = await here.moderator.click(question, label="Delete and release")
    assert "Deleted. Nothing was given back: they have spent nothing today that still counts." in text_of(
        await asked(answer)
    )
    assert "no credits given back" in await lines(log, "deleted**")
    assert books.rows("SELECT credits FROM member_acts") == [(8,)]


async def test_what_was_charged_on_another_day_is_deleted_and_nothing_is_given_back(
    here: World, log: simcord.ChannelHandle, books: Books
) -> None:
    result = await ordered(here, log)
    await delivered(here)
    here.time.passed += DAY
    answer = await here.moderator.click(result, label="Delete and release")
    assert "no credits come back" in refusal(answer)
    await here.moderator.click(await asked(answer), label="Delete and release")
    await eventually(lambda: public(here) == [])
    assert "no credits given back" in await lines(log, "deleted**")
    assert books.rows("SELECT * FROM member_acts") == []


async def test_a_strike_from_the_log_asks_for_a_reason_counts_and_is_told(
    here: World, log: simcord.ChannelHandle
) -> None:
    result = await ordered(here, log)
    shown = await here.moderator.click(result, label="Strike")
    answer = await here.moderator.submit_modal(shown, {"reason": "not **here**"})
    said = refusal(answer)
    assert said.startswith(f"{here.member.mention} is not blocked; 1 strike of 3 in 30 days")
    assert "Reason: not \\*\\*here\\*\\*" in said
    assert said.endswith("They were told in a direct message.")
    assert "given you a strike" in text_of(here.member.user.dm_channel.history()[-1])
    assert "Reason: not \\*\\*here" in await lines(log, "**Strike**")
    shown = await here.moderator.click(result, label="Strike")
    answer = await here.moderator.submit_modal(shown, {"reason": ""})
    assert refusal(answer).startswith(f"{here.member.mention} is not blocked; 2 strikes of 3")


async def test_nobody_strikes_themself(here: World, log: simcord.ChannelHandle) -> None:
    await here.moderator.slash(here.channel, "imagine", prompt="a lighthouse")
    result = await entry(log, "**Result**")
    shown = await here.moderator.click(result, label="Strike")
    answer = await here.moderator.submit_modal(shown, {"reason": ""})
    assert refusal(answer) == "That is you: ask another moderator. Nothing was changed."


async def test_the_buttons_work_after_a_restart(here: World, log: simcord.ChannelHandle, restart: Restart) -> None:
    result = await ordered(here, log)
    async with restart(killed=True) as after:
        question = await asked(await after.moderator.click(result, label="Delete and release"))
        await after.moderator.click(question, label="Delete and release")
        await eventually(lambda: public(after) == [])


async def test_of_two_who_delete_in_the_same_moment_one_does(
    here: World, log: simcord.ChannelHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = SqliteTree.mark_deleted

    async def beaten(tree: SqliteTree, job_id: str, at: float) -> bool:
        """Somebody else's click came in between."""
        await marked(tree, job_id, at)
        return await marked(tree, job_id, at)

    await ordered(here, log)
    (posted,) = await delivered(here)
    question = await asked(await here.member.click(posted, label="Delete"))
    monkeypatch.setattr(SqliteTree, "mark_deleted", beaten)
    assert refusal(await here.member.click(question, label="Delete")) == "These images were deleted already."
    await here.app.journal.drain()
    assert not any("deleted**" in text_of(message) for message in log.history())


# --- who may --------------------------------------------------------------------------------------


def every_control(here: World, log: simcord.ChannelHandle, result: discord.Message) -> list[discord.Message]:
    """The two buttons and the confirmation, crafted into the channel."""
    ids = list(buttons(result).values())
    return [old_button(here, one, log) for one in (*ids, f"{ids[0].replace('delete', 'release')}.{result.id}")]


async def test_a_member_who_sees_the_log_can_do_nothing_there(
    here: World, log: simcord.ChannelHandle, books: Books
) -> None:
    result = await ordered(here, log)
    for control in every_control(here, log, result):
        said = refusal(await here.other.click(control, label="Old"))
        assert said.startswith(f"It was ordered in {here.channel.mention}, so only moderators of that channel can")
    assert books.rows("SELECT * FROM member_acts") == []
    assert len(public(here)) == 1


async def test_a_moderator_of_the_log_alone_can_do_nothing_to_what_was_made_elsewhere(
    here: World, log: simcord.ChannelHandle, books: Books
) -> None:
    result = await ordered(here, log)
    overwrites: Any = {here.other: discord.PermissionOverwrite(manage_messages=True)}
    desk = here.member.guild.create_text_channel("desk", overwrites=overwrites)
    for control in every_control(here, desk, result):
        assert "so only moderators of that channel can" in refusal(await here.other.click(control, label="Old"))
    assert books.rows("SELECT * FROM member_acts") == []


async def test_a_moderator_of_that_channel_alone_can(here: World, log: simcord.ChannelHandle, books: Books) -> None:
    overwrites: Any = {here.other: discord.PermissionOverwrite(manage_messages=True)}
    own = here.member.guild.create_text_channel("own", overwrites=overwrites)
    await here.member.slash(own, "imagine", prompt="a lighthouse")
    result = await entry(log, "**Result**")
    question = await asked(await here.other.click(result, label="Delete and release"))
    await here.other.click(question, label="Delete and release")
    await entry(log, "deleted**")
    assert books.rows("SELECT credits FROM member_acts") == [(8,)]


async def test_once_its_channel_is_gone_moderators_of_the_server_can(
    here: World, log: simcord.ChannelHandle, books: Books
) -> None:
    overwrites: Any = {here.other: discord.PermissionOverwrite(manage_messages=True)}
    own = here.member.guild.create_text_channel("own", overwrites=overwrites)
    await here.member.slash(own, "imagine", prompt="a lighthouse")
    result = await entry(log, "**Result**")
    here.env.backend.delete_channel(own.id)
    said = refusal(await here.other.click(result, label="Strike"))
    assert said == "Only moderators of this server can do that."
    question = await asked(await here.moderator.click(result, label="Delete and release"))
    await here.moderator.click(question, label="Delete and release")
    await entry(log, "deleted**")
    assert books.rows("SELECT credits FROM member_acts") == [(8,)]


async def test_the_images_of_another_server_are_out_of_reach(
    here: World, log: simcord.ChannelHandle, books: Books
) -> None:
    result = await ordered(here, log)
    elsewhere = here.env.create_guild("Elsewhere")
    owner = elsewhere.create_role("Owner", permissions=discord.Permissions(administrator=True))
    boss = elsewhere.add_member(here.other.user, roles=[owner])
    desk = elsewhere.create_text_channel("desk")
    for control in every_control(here, desk, result):
        said = refusal(await boss.click(control, label="Old"))
        assert said == "Only the person who ordered this can do that."
    assert books.rows("SELECT * FROM member_acts") == []
    assert len(public(here)) == 1


async def test_a_form_is_authorised_again_when_it_comes(here: World, log: simcord.ChannelHandle, books: Books) -> None:
    result = await ordered(here, log)
    shown = await here.moderator.click(result, label="Strike")
    here.env.backend.remove_member_role(
        here.member.guild.id, here.moderator.id, here.member.guild.roles["Moderator"].id
    )
    answer = await here.moderator.submit_modal(shown, {"reason": ""})
    assert "so only moderators of that channel can" in refusal(answer)
    assert books.rows("SELECT * FROM member_acts") == []


async def test_what_is_private_or_unknown_has_no_buttons_that_work(
    here: World, log: simcord.ChannelHandle, books: Books
) -> None:
    await order(here, private=True)
    await entry(log, "**Private result**")
    [(job_id,)] = books.rows("SELECT id FROM jobs")
    for name in (job_id, "0" * 16, "nothing"):
        for action in ("delete", "release", "strike", "dance"):
            control = old_button(here, f"p1:log:{action}:{name}", log)
            refusal(await here.moderator.click(control, label="Old"))
    assert books.rows("SELECT * FROM member_acts") == []
    assert books.rows("SELECT id FROM jobs WHERE deleted_at IS NOT NULL") == []


async def test_an_order_on_its_way_cannot_be_deleted_from_the_log(
    here: World, log: simcord.ChannelHandle, fal: LoopbackFal, books: Books
) -> None:
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    await order(here)
    await generating(here)
    [(job_id,)] = books.rows("SELECT id FROM jobs")
    for action in ("delete", "release"):
        control = old_button(here, f"p1:log:{action}:{job_id}", log)
        assert refusal(await here.moderator.click(control, label="Old")) == "This order is not known any more."
    await finish(fal)
    await entry(log, "**Result**")
    assert books.rows("SELECT * FROM member_acts") == []
    assert books.rows("SELECT id FROM jobs WHERE deleted_at IS NOT NULL") == []


async def test_a_moderators_own_private_images_are_not_for_the_log(
    here: World, log: simcord.ChannelHandle, books: Books
) -> None:
    await here.moderator.slash(here.channel, "imagine", prompt="a lighthouse", private=True)
    await entry(log, "**Private result**")
    [(job_id,)] = books.rows("SELECT id FROM jobs")
    control = old_button(here, f"p1:log:release:{job_id}", log)
    assert refusal(await here.moderator.click(control, label="Old")) == "This order is not known any more."
    assert books.rows("SELECT * FROM member_acts") == []


async def test_a_crafted_confirmation_changes_no_other_message_of_the_bots(
    here: World, log: simcord.ChannelHandle
) -> None:
    result = await ordered(here, log)
    first = log.history()[0]
    before = text_of(first)
    control = old_button(here, f"{buttons(result)['Delete and release'].replace('delete', 'release')}.{first.id}", log)
    await here.moderator.click(control, label="Old")
    await entry(log, "deleted**")
    await asyncio.sleep(0.1)
    assert text_of(log.history()[0]) == before


async def test_images_whose_message_somebody_deletes_in_discord_stand_in_the_log(
    here: World, log: simcord.ChannelHandle
) -> None:
    await order(here)
    (posted,) = await delivered(here)
    await here.moderator.delete(posted)
    said = await lines(log, "deleted**")
    assert f"**Images of {here.member.mention} deleted**, made in {here.channel.mention}" in said
    await here.app.journal.drain()
    assert sum("deleted**" in text_of(message) for message in log.history()) == 1
