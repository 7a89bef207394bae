"""Orders that are refused before anything is spent: one private sentence that names what there is, and no trace."""

import asyncio
import re
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import discord
import pytest
from discord_acts import Books, delivered, eventually, public, refusal, spoken

from bot.adapters.sqlite_connection import Database
from bot.domain.asking import Asker, Where
from bot.domain.errors import BooksBusyError, PersonalOffError, WordForbiddenError
from bot.domain.order import Order
from bot.sandbox.fal_faults import Fault
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.world import World

STUCK = Fault.RUN_STUCK_IN_PROGRESS
TEN_SHAPES = "`21:9`, `16:9`, `3:2`, `4:3`, `5:4`, `1:1`, `4:5`, `3:4`, `2:3`, `9:16`"

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a model that is not there": (
        {"model": "dall-e"},
        "There is no model `dall-e`. There are `nano-banana-2`, `nano-banana-pro`, `nano-banana`.",
    ),
    "a shape that the model lacks": (
        {"model": "nano-banana-pro", "aspect_ratio": "8:1"},
        f"Nano Banana Pro has no `aspect_ratio` `8:1`. It has `auto`, {TEN_SHAPES}.",
    ),
    "a shape that only editing has": (
        {"model": "nano-banana", "aspect_ratio": "auto"},
        f"Nano Banana has no `aspect_ratio` `auto`. It has {TEN_SHAPES}.",
    ),
    "a size that the model lacks": (
        {"model": "nano-banana-pro", "resolution": "0.5K"},
        "Nano Banana Pro has no `resolution` `0.5K`. It has `1K`, `2K`, `4K`.",
    ),
    "a size that is spelled differently": (
        {"resolution": "4k"},
        "Nano Banana 2 has no `resolution` `4k`. It has `0.5K`, `1K`, `2K`, `4K`.",
    ),
    "sizes, of a model that has one": (
        {"model": "nano-banana", "resolution": "2K"},
        "Nano Banana cannot do `resolution`. Nano Banana 2 and Nano Banana Pro can.",
    ),
    "thinking, of a model that does not": (
        {"model": "nano-banana-pro", "thinking": "high"},
        "Nano Banana Pro cannot do `thinking`. Nano Banana 2 can.",
    ),
    "more thinking than there is": (
        {"thinking": "extreme"},
        "Nano Banana 2 has no `thinking` `extreme`. It has `minimal`, `high`.",
    ),
    "web search, of a model that does not": (
        {"model": "nano-banana", "web_search": False},
        "Nano Banana cannot do `web_search`. Nano Banana 2 and Nano Banana Pro can.",
    ),
    "a file format that nobody has": (
        {"format": "gif"},
        "Nano Banana 2 has no `format` `gif`. It has `jpeg`, `png`, `webp`.",
    ),
    "a seed with several images": (
        {"seed": 7, "images": 2},
        "A seed with several images gives identical twins. Choose one image, or leave the seed out.",
    ),
    "a laxer check than the operator allows": ({"safety": 5}, "`safety` can be 4 at most here; 1 is the strictest."),
    "a prompt of spaces": ({"prompt": "  \t "}, "Please say what to make: the prompt is empty."),
    "a prompt of invisible characters": (
        {"prompt": "\u200b\u2060\ufeff"},
        "Please say what to make: the prompt is empty.",
    ),
}


async def test_what_cannot_be_made_is_refused_with_what_there_is(here: World, fal: LoopbackFal, books: Books) -> None:
    sentences: dict[str, str] = {}
    for name, (options, _) in REFUSED.items():
        answer = await here.member.slash(here.channel, "imagine", **{"prompt": "a lighthouse"} | options)
        sentences[name] = refusal(answer)
    assert sentences == {name: sentence for name, (_, sentence) in REFUSED.items()}
    assert public(here) == []
    assert books.untouched()
    assert fal.jobs == {}


async def test_a_refusal_repeats_what_was_typed_without_its_effects(here: World) -> None:
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse", model=f"<@{here.other.id}>" * 20)
    assert refusal(answer).startswith(f"There is no model `<@{here.other.id}>")
    assert len(refusal(answer)) < 150
    assert spoken(here)[-1]["allowed_mentions"] == {"parse": []}


async def test_what_was_typed_cannot_leave_its_quotes(here: World) -> None:
    answer = await here.member.slash(
        here.channel, "imagine", prompt="a lighthouse", model="x`[a](https://evil.example)"
    )
    assert "`[a](" not in refusal(answer)


# --- the books ------------------------------------------------------------------------------------


async def fill(here: World, fal: LoopbackFal, **options: Any) -> None:  # noqa: ANN401 - a command's options
    """An order of ben's that stays at fal."""
    fal.fail_next(STUCK)
    await here.other.slash(here.channel, "imagine", prompt="a harbour", **options)


def shape(sentence: str) -> str:
    """A sentence with its moments taken out, after a look that they are the same one and lie ahead."""
    moments = {int(found) for found in re.findall(r"<t:(\d+):\w>", sentence)}
    assert len(moments) == 1
    assert 0 < moments.pop() - time.time() <= 31 * 24 * 3600
    return re.sub(r"<t:\d+", "<t:…", sentence)


@pytest.mark.settings(quota={"member_daily_credits": 20})
async def test_a_member_without_enough_credits_is_told_what_is_left_and_when_more_comes(
    here: World, books: Books
) -> None:
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse", images=3)
    assert shape(refusal(answer)) == "You have 20 credits left today and this needs 24. More comes <t:…:t> (<t:…:R>)."
    assert books.untouched()


@pytest.mark.settings(quota={"server_daily_credits": 20})
async def test_a_server_without_enough_credits_is_told_what_is_left(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    await fill(here, fal, images=2)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    assert shape(refusal(answer)).startswith("This server has 4 credits left today and this needs 8. More comes <t:…")
    assert len(books.states()) == 1
    assert books.spent("customer") == 16


@pytest.mark.settings(quota={"total_monthly_credits": 8})
async def test_the_operators_month_stops_everyone(here: World, fal: LoopbackFal, books: Books) -> None:
    await fill(here, fal)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    assert shape(refusal(answer)).startswith("The bot's budget for this month has 0 credits left and this needs 8.")
    assert len(books.states()) == 1


@pytest.mark.settings(quota={"member_daily_credits": 8})
async def test_the_last_credit_can_be_spent_and_not_one_more(here: World, books: Books) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await delivered(here)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    assert shape(refusal(answer)).startswith("You have 0 credits left today and this needs 8.")
    (allowed,) = [(await here.other.slash(here.channel, "imagine", prompt="a harbour")).response]
    assert allowed is not None
    assert not allowed.ephemeral
    await delivered(here, 2)
    assert books.spent("customer") == 16


@pytest.mark.settings(quota={"member_jobs": 1})
async def test_a_member_with_too_many_orders_on_their_way_is_asked_to_wait(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    await fill(here, fal)
    answer = await here.other.slash(here.channel, "imagine", prompt="a lighthouse")
    assert refusal(answer) == "You have 1 order on the way already. Please wait for one, or cancel it."
    assert len(books.states()) == 1


@pytest.mark.settings(quota={"server_jobs": 1})
async def test_a_server_with_too_many_orders_on_their_way_is_asked_to_wait(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    await fill(here, fal)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    assert refusal(answer) == "This server has 1 order on the way already. Please try again in a minute."
    assert len(books.states()) == 1


async def test_books_that_are_not_written_in_time_refuse_the_order_and_hold_nothing(
    here: World, fal: LoopbackFal, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("bot.service.desk.BOOKS_TIMEOUT", 0.0)
        answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    assert refusal(answer) == "The bot is very busy. Nothing was ordered; please try again in a moment."
    await here.other.slash(here.channel, "imagine", prompt="a harbour")
    await delivered(here)
    assert [job.prompt for job in fal.jobs.values()] == ["a harbour"]
    assert (books.spent("customer"), books.open_holds()) == (8, [])


async def test_looks_that_are_each_in_time_do_not_add_up_to_an_answer_that_is_late(
    here: World, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = Database.read, Database.write

    async def read_slowly(database: Database, sql: str, parameters: Sequence[object] = ()) -> list[sqlite3.Row]:
        await asyncio.sleep(0.1)
        return await read(database, sql, parameters)

    async def write_slowly(database: Database, *work: Any) -> object:  # noqa: ANN401 - as Database.write has it
        await asyncio.sleep(0.1)
        return await write(database, *work)

    monkeypatch.setattr(Database, "read", read_slowly)
    monkeypatch.setattr(Database, "write", write_slowly)
    monkeypatch.setattr("bot.service.desk.TAKE_TIMEOUT", 0.15)
    # not by a command: the time of those is simcord's
    scope, asker = f"guild:{here.member.guild.id}", Asker(member_id=here.member.id)
    where = Where(guild_id=here.member.guild.id, channel_id=here.channel.id)
    order = Order(scope=scope, guild_id=1, channel_id=1, member_id=here.member.id, prompt="a lighthouse", model="")
    with pytest.raises(BooksBusyError):
        await here.app.desk.take(order, asker, where)
    assert books.untouched()


async def test_blanks_before_a_prompt_hide_it_from_no_rule(here: World, books: Books) -> None:
    scope, asker = f"guild:{here.member.guild.id}", Asker(member_id=here.member.id)
    where = Where(guild_id=here.member.guild.id, channel_id=here.channel.id)
    await here.app.wording.add(scope, "/^bad/", by=1)
    order = Order(scope=scope, guild_id=1, channel_id=1, member_id=here.member.id, prompt="  bad fox", model="")
    with pytest.raises(WordForbiddenError):
        await here.app.desk.take(order, asker, where)
    assert books.untouched()


async def test_a_refusal_does_not_wait_for_its_count(here: World, tmp_path: Path) -> None:
    order = Order(scope="person:7", guild_id=None, channel_id=1, member_id=7, prompt="a lighthouse", model="")
    with closing(sqlite3.connect(tmp_path / "bot.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # no row can be written until it ends
        begun = time.perf_counter()
        with pytest.raises(PersonalOffError):
            await here.app.desk.take(order, Asker(member_id=7), Where(guild_id=None, channel_id=1))
        assert time.perf_counter() - begun < 2
        other.execute("ROLLBACK")


# --- the channel and the bot ----------------------------------------------------------------------

NEEDS = {
    "Send Messages": {"send_messages": False},
    "Attach Files": {"attach_files": False},
    "Send Messages and Attach Files": {"send_messages": False, "attach_files": False},
}


@pytest.mark.parametrize(("names", "denied"), NEEDS.items(), ids=NEEDS)
async def test_a_channel_where_the_images_could_not_be_posted_is_told_before_anything_is_made(
    here: World, books: Books, names: str, denied: dict[str, bool]
) -> None:
    assert here.channel.guild is not None
    assert here.env.bot.user is not None
    overwrites = {here.env.bot.user: discord.PermissionOverwrite(**denied)}
    closed = here.channel.guild.create_text_channel("closed", overwrites=overwrites)  # pyright: ignore[reportArgumentType] - its keys are invariant
    answer = await here.member.slash(closed, "imagine", prompt="a lighthouse")
    assert refusal(answer) == f"I cannot post images in this channel: I need {names}. Please ask a moderator."
    assert books.untouched()


async def test_a_thread_where_the_bot_may_not_write_is_told(here: World, books: Books) -> None:
    assert here.channel.guild is not None
    assert here.env.bot.user is not None
    overwrites = {here.env.bot.user: discord.PermissionOverwrite(send_messages_in_threads=False)}
    parent = here.channel.guild.create_text_channel("talk", overwrites=overwrites)  # pyright: ignore[reportArgumentType] - its keys are invariant
    channel = here.env.bot.get_channel(parent.id)
    assert isinstance(channel, discord.TextChannel)
    await channel.create_thread(name="lighthouses", type=discord.ChannelType.public_thread)
    answer = await here.member.slash(parent.threads[0], "imagine", prompt="a lighthouse")
    needed = "I cannot post images in this channel: I need Send Messages in Threads. Please ask a moderator."
    assert refusal(answer) == needed
    assert books.untouched()


async def test_a_bot_that_stops_takes_no_orders(here: World, books: Books) -> None:
    await here.app.studio.stop()
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    assert refusal(answer) == "The bot is restarting. Nothing was ordered; please try again in a minute."
    assert books.untouched()


async def test_an_order_whose_first_answer_discord_refuses_is_withdrawn(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    here.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062, message="Unknown interaction")
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await eventually(lambda: books.states() == ["cancelled"])
    assert (books.spent("customer"), books.spent("operator"), books.open_holds()) == (0, 0, [])
    assert fal.jobs == {}
    (error,) = here.env.errors
    assert isinstance(getattr(error, "original", None), discord.NotFound)
