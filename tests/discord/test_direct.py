"""Orders in the bot's direct messages: the books are the person's."""

import asyncio
from typing import Any

import discord
import pytest
from discord_acts import Books, buttons, eventually, refusal, results
from discord_pictures import picture
from discord_restart import Restart

from bot.sandbox.once import image_urls, text_of
from bot.sandbox.world import World

PERSONAL = pytest.mark.settings(quota={"person_daily_credits": 20, "person_jobs": 1})
NOTHING_SAID = "Say what to change, and attach an image or reply to one. **/help** tells the rest."
OFF = "Ordering outside servers is switched off here. Please order in a server that has the bot."


async def say(here: World, words: str, *, reply_to: discord.Message | None = None) -> None:
    channel = here.member.user.dm_channel
    reference = reply_to and {"channel_id": str(channel.id), "message_id": str(reply_to.id)}
    await here.member.user.send_dm(words, reference=reference)


async def log_to_the_log(here: World) -> None:
    said = await here.moderator.slash(here.channel, "settings set", name="log_channel", value=here.log.mention)
    assert refusal(said).startswith("Saved.")


async def entry_of(here: World, words: str) -> discord.Message:
    """The log's message that says this."""
    return (await eventually(lambda: [one for one in here.log.history() if words in text_of(one)]))[0]


def by_the_bot(here: World) -> list[discord.Message]:
    return [one for one in here.member.user.dm_channel.history() if one.author.bot]


async def test_nothing_can_be_ordered_there_unless_the_operator_gives_credits(here: World, books: Books) -> None:
    assert refusal(await here.member.user.slash("imagine", prompt="a lighthouse")) == OFF
    assert refusal(await here.member.user.slash("quota")) == OFF
    assert books.untouched()


@PERSONAL
async def test_images_come_as_a_message_and_are_charged_to_the_person(here: World, books: Books) -> None:
    await here.member.user.slash("imagine", prompt="a lighthouse")
    await eventually(lambda: books.states() == ["delivered"])
    (result,) = await eventually(lambda: [one for one in here.member.user.dm_channel.history() if image_urls(one)])
    await eventually(lambda: [one.id for one in here.member.user.dm_channel.history()] == [result.id])
    assert books.rows("SELECT DISTINCT scope FROM ledger") == [(f"person:{here.member.id}",)]
    said = refusal(await here.member.user.slash("quota"))
    assert said.startswith("**You** have 12 credits of 20 left today outside servers and 0 orders on the way.")
    assert "a lighthouse" in refusal(await here.member.user.slash("jobs"))


@PERSONAL
async def test_the_days_credits_hold_across_all_that_a_person_orders(here: World, books: Books) -> None:
    for count in (1, 2):
        await here.member.user.slash("edit", prompt="warmer", image=("a.png", picture("PNG")))
        await eventually(lambda: books.states() == ["delivered"] * count)  # noqa: B023 - awaited in its turn
    answer = refusal(await here.member.user.slash("imagine", prompt="a lighthouse"))
    assert answer.startswith("You have 4 credits left today and this needs 8.")


@PERSONAL
async def test_again_works_there(here: World, books: Books) -> None:
    await here.member.user.slash("imagine", prompt="a lighthouse")
    await eventually(lambda: books.states() == ["delivered"])
    (result,) = await eventually(lambda: [one for one in here.member.user.dm_channel.history() if image_urls(one)])
    assert "Again" in buttons(result)
    await here.member.user.click(result, label="Again")
    await eventually(lambda: books.states() == ["delivered"] * 2)


@PERSONAL
async def test_a_reply_there_edits_at_once(here: World, books: Books) -> None:
    await here.member.user.slash("imagine", prompt="a lighthouse")
    (result,) = await eventually(lambda: [one for one in here.member.user.dm_channel.history() if image_urls(one)])
    await say(here, "make it night", reply_to=result)
    await eventually(lambda: books.states() == ["delivered"] * 2)
    assert books.rows("SELECT DISTINCT scope FROM jobs") == [(f"person:{here.member.id}",)]


async def sent_directly(here: World) -> discord.Message:
    """A result ordered in the server that could only be sent as a direct message."""
    channel = f"/channels/{here.channel.id}/messages"
    here.env.inject_error("POST", channel, status=403, code=50013, times=None)
    here.env.inject_error("PATCH", "/webhooks/*", status=404, code=10015, times=None)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await eventually(lambda: [one for one in here.member.user.dm_channel.history() if image_urls(one)])
    return result


def at_home(result: discord.Message) -> str:
    """The way to a message in direct messages."""
    return f"https://discord.com/channels/@me/{result.channel.id}/{result.id}"


async def stored(books: Books, result: discord.Message) -> None:
    await eventually(lambda: books.states() == ["delivered"])
    assert books.rows("SELECT message_id, posted_in FROM jobs") == [(result.id, result.channel.id)]


async def brought_back(here: World) -> discord.Message:
    """The same result in the channel, where its member shows it later."""
    here.env.backend.faults.clear()
    shown = (await here.member.slash(here.channel, "history")).response
    assert shown is not None
    await here.member.click(shown.message, label="Show here")
    (copy,) = await eventually(lambda: results(here))
    return copy


async def test_the_way_to_what_came_from_a_server_is_for_its_member(here: World, books: Books) -> None:
    result = await sent_directly(here)
    await stored(books, result)
    here.env.backend.faults.clear()
    shown = (await here.member.slash(here.channel, "history")).response
    assert shown is not None
    assert f"[Go to it]({at_home(result)})" in text_of(shown.message)


async def test_the_log_says_that_it_was_sent_directly_and_leads_nobody_there(here: World) -> None:
    await log_to_the_log(here)
    result = await sent_directly(here)
    entry = await entry_of(here, "**Result**")
    assert "could not be posted there: sent to them in a direct message" in text_of(entry)
    assert str(result.id) not in text_of(entry)


async def test_what_moderators_delete_goes_out_of_direct_messages_too(here: World, books: Books) -> None:
    await log_to_the_log(here)
    await stored(books, await sent_directly(here))
    ask = (await here.moderator.click(await entry_of(here, "**Result**"), label="Delete and release")).response
    assert ask is not None
    await here.moderator.click(ask.message, label="Delete and release")
    await eventually(lambda: not any(image_urls(one) for one in by_the_bot(here)))


async def test_an_edit_of_it_leads_into_direct_messages_for_whose_they_are_alone(here: World, books: Books) -> None:
    result = await sent_directly(here)
    await stored(books, result)
    copy = await brought_back(here)
    form = await here.member.click(copy, label="Edit")
    await here.member.submit_modal(form, {"prompt": "dance", "size": ["nano-banana-2|1K"], "shape": ["auto"]})
    edit = (await eventually(lambda: results(here)[1:]))[0]
    assert "Edit 1" in text_of(edit)
    assert str(result.id) not in text_of(edit)
    assert at_home(result) in refusal(await here.member.click(edit, label="Recipe"))
    assert str(result.id) not in refusal(await here.other.click(edit, label="Recipe"))
    here.env.backend.delete_message(here.channel.id, copy.id)
    await eventually(lambda: books.rows("SELECT * FROM copies") == [])
    not_seen_here = "Only the person who ordered this can do that."
    assert refusal(await here.other.click(edit, label="Undo")) == not_seen_here


async def test_a_bot_that_ended_before_it_wrote_down_where_it_stands_finds_out(
    here: World, books: Books, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = discord.DMChannel.send

    async def unanswered(*arguments: Any, **options: Any) -> None:  # noqa: ANN401 - discord.py's own
        await send(*arguments, **options)
        await asyncio.Event().wait()

    monkeypatch.setattr(discord.DMChannel, "send", unanswered)
    result = await sent_directly(here)
    monkeypatch.undo()
    assert books.states() == ["rendered"]
    async with restart(killed=True):
        await stored(books, result)
    assert [one.id for one in by_the_bot(here)] == [result.id]


@PERSONAL
async def test_what_came_from_a_server_is_edited_by_a_reply_there(here: World, books: Books) -> None:
    result = await sent_directly(here)
    await say(here, "make it night", reply_to=result)
    await eventually(lambda: books.states() == ["delivered"] * 2)
    assert books.rows("SELECT scope FROM jobs ORDER BY number DESC LIMIT 1") == [(f"person:{here.member.id}",)]
    edit = await eventually(lambda: next((one for one in by_the_bot(here)[1:] if image_urls(one)), None))
    assert "Edit 1 of [this image]" in text_of(edit)


async def test_a_reply_to_what_came_from_a_server_says_why_nothing_is_ordered_there(here: World, books: Books) -> None:
    result = await sent_directly(here)
    await say(here, "make it night", reply_to=result)
    answer = await eventually(lambda: next((one for one in by_the_bot(here)[1:]), None))
    assert text_of(answer) == OFF
    assert books.states() == ["delivered"]


@PERSONAL
async def test_words_alone_are_offered_with_their_price(here: World, books: Books) -> None:
    await say(here, "a lighthouse at night")
    (offer,) = await eventually(lambda: by_the_bot(here))
    assert books.states() == []
    await here.member.user.click(offer, label="Make this (8 credits)")
    await eventually(lambda: books.states() == ["delivered"])


@PERSONAL
async def test_a_single_word_there_is_answered_with_what_to_do(here: World, books: Books) -> None:
    await say(here, "hi")
    (answer,) = await eventually(lambda: by_the_bot(here))
    assert text_of(answer) == NOTHING_SAID
    assert books.untouched()


async def test_what_is_said_there_is_answered_when_nothing_can_be_ordered(here: World, books: Books) -> None:
    await say(here, "a lighthouse at night")
    (answer,) = await eventually(lambda: by_the_bot(here))
    assert text_of(answer) == OFF
    assert books.untouched()


async def test_ones_credits_there_and_in_a_server_are_apart(here: World, books: Books) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await eventually(lambda: books.states() == ["delivered"])
    assert "not ordered anything here" in text_of((await here.member.user.slash("jobs")).response.message)  # pyright: ignore[reportOptionalMemberAccess] - answered


FOR_MODERATORS = {"allowance", "block", "settings", "strike", "unblock", "usage", "who"}


async def test_what_moderators_do_is_not_offered_there(here: World) -> None:
    offered = {name.split()[0] for name in here.member.user.available_commands()}
    assert not offered & FOR_MODERATORS
    assert offered == {"blend", "edit", "help", "history", "imagine", "jobs", "mydata", "prefer", "quota"}
    assert {name.split()[0] for name in here.moderator.available_commands(here.channel)} > FOR_MODERATORS


@pytest.mark.settings(discord={"user_install": True})
async def test_what_moderators_do_is_not_offered_where_a_person_alone_brought_the_bot(here: World) -> None:
    tree = here.app.client.tree
    offered = {one.name: one.to_dict(tree) for one in tree.get_commands()}
    alone = {name for name, payload in offered.items() if payload["integration_types"] == [0]}
    assert alone == FOR_MODERATORS
    assert all(offered[name]["contexts"] == [0] for name in alone)
