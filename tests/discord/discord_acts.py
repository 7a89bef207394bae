"""What members do and see, in the words that the tests share."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar, cast

import discord
import simcord

from bot.domain.errors import RefusedError
from bot.domain.job import State
from bot.sandbox.fal_queue import LoopbackJob
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import image_urls, parts_of, text_of
from bot.sandbox.world import World
from cogs.answering import TOO_LATE

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds until something that must come counts as missing."""


async def eventually(found: Callable[[], T | None]) -> T:
    """Wait, for real, until there is something; AssertionError when nothing comes."""
    end = time.perf_counter() + PATIENCE
    while not (something := found()):
        if time.perf_counter() > end:
            raise AssertionError(f"it never came: {something!r}")
        await asyncio.sleep(0.005)
    return something


# --- the channel ----------------------------------------------------------------------------------


def public(here: World) -> list[discord.Message]:
    """Every message that everyone in the channel sees, oldest first."""
    return here.channel.history()


def results(here: World) -> list[discord.Message]:
    """Those with images."""
    return [message for message in public(here) if image_urls(message)]


def waiting(here: World) -> list[discord.Message]:
    """Those with a Cancel button."""
    return [message for message in public(here) if "Cancel" in buttons(message)]


async def delivered(here: World, count: int = 1) -> list[discord.Message]:
    """So many results, and nothing else in the channel."""
    await eventually(lambda: len(results(here)) == count == len(public(here)))
    return results(here)


async def phase(here: World, words: str, among: Callable[[World], Sequence[discord.Message]] = waiting) -> None:
    """Some progress message says this."""
    await eventually(lambda: any(words in text_of(message) for message in among(here)))


async def generating(here: World) -> None:
    """fal works at an order, and so it says."""
    await eventually(lambda: any(run.job.state is State.QUEUED for run in here.app.studio.runs.values()))
    await phase(here, "Generating")


def buttons(message: discord.Message) -> dict[str, str]:
    """The buttons of a message: label and custom id."""
    return {
        str(part["label"]): str(part["custom_id"]) for part in parts_of(message.components) if part.get("type") == 2
    }


def pictures(here: World, message: discord.Message) -> list[bytes]:
    """The files in a message's gallery, as Discord would serve them."""
    return [here.env.backend.cdn.get(url) or b"" for url in image_urls(message)]


def alt_texts(message: discord.Message) -> list[str]:
    galleries = [part for part in parts_of(message.components) if part.get("type") == 12]
    return [str(item.get("description")) for gallery in galleries for item in gallery["items"]]


def pinged(here: World, message: discord.Message) -> list[int]:
    """Whose bell rings for a message; 0 stands for everyone."""
    stored = here.env.backend.get_message(message.channel.id, message.id)
    return [*stored.ping_user_ids, *stored.ping_role_ids, *([0] if stored.mention_everyone else [])]


def spoken(here: World) -> list[dict[str, Any]]:
    """What the bot sent to make or change a message, in order."""
    bodies: list[Any] = [request.json for request in here.env.http_requests]
    contents: list[Any] = [body.get("data", body) for body in bodies if hasattr(body, "get")]
    return [content for content in contents if content.get("components")]


def old_button(here: World, custom_id: str, channel: simcord.ChannelHandle | None = None) -> discord.Message:
    """A message of the bot with that button, as it may have stood in the channel for long."""
    button = {"type": 2, "style": 2, "label": "Old", "custom_id": custom_id}
    bot = here.env.bot.user
    assert bot is not None
    channel = channel or here.channel
    here.env.backend.create_message(channel.id, bot.id, "", components=[{"type": 1, "components": [button]}])
    return channel.history()[-1]


# --- one member -----------------------------------------------------------------------------------


def private(answer: simcord.InteractionResult) -> list[str]:
    """The sentences that only the member sees who typed the command or clicked the button."""
    messages = [*([answer.response] if answer.response else []), *answer.followups]
    return [text_of(one.message) for one in messages if one.ephemeral]


async def told(answer: simcord.InteractionResult) -> str:
    """The one private sentence that comes."""
    sentences = await eventually(lambda: private(answer))
    assert len(sentences) == 1
    return sentences[0]


def refusal(answer: simcord.InteractionResult) -> str:
    """The answer itself, which must be private and alone."""
    assert answer.response is not None
    assert answer.response.ephemeral
    assert answer.followups == []
    return text_of(answer.response.message)


# --- behind the scenes ----------------------------------------------------------------------------


def references(fal: LoopbackFal, job: LoopbackJob) -> list[bytes]:
    """The pictures that fal got with a request, in order."""
    addresses = cast("list[str]", job.arguments["image_urls"])
    return [file.data for one in addresses if (file := fal.files.get(one.removeprefix(fal.url)))]


def made(fal: LoopbackFal, job: LoopbackJob) -> list[bytes]:
    """The images of a request, in order, as fal keeps them."""
    addresses = [str(image["url"]) for image in job.images]
    return [file.data for one in addresses if (file := fal.files.get(one.removeprefix(fal.url)))]


async def finish(fal: LoopbackFal) -> None:
    """Let fal end its newest generation, which a script keeps stuck."""
    job = next(reversed(fal.jobs.values()))
    job.script = None
    fal.queue.end(job, await fal.generation(job))


class Books:
    """The bot's database, read as an operator would."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as connection:
            return list(connection.execute(sql))

    def change(self, sql: str) -> None:
        """As only a crash or another program could."""
        with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.execute(sql)

    def states(self) -> list[object]:
        """Of all jobs, oldest first."""
        return [state for (state,) in self.rows("SELECT state FROM jobs ORDER BY number")]

    def untouched(self) -> bool:
        """No job was ever stored and nothing was ever held."""
        return (
            self.rows("SELECT id FROM jobs UNION ALL SELECT job_id FROM ledger UNION ALL SELECT account FROM spending")
            == []
        )

    def spent(self, book: str) -> object:
        """The credits of all jobs together, holds included; `book` is customer or operator."""
        return self.rows(f"SELECT coalesce(sum(credits), 0) FROM ledger WHERE book = '{book}'")[0][0]  # noqa: S608 - one of two words

    def open_holds(self) -> list[tuple[object, ...]]:
        """Holds that were neither settled nor released."""
        held = "SELECT job_id, book FROM ledger WHERE kind = 'hold'"
        return self.rows(f"{held} EXCEPT SELECT job_id, book FROM ledger WHERE kind <> 'hold'")  # noqa: S608 - no input


def unexpected(env: simcord.Env) -> list[BaseException]:
    """What reached an error handler of discord.py and is a defect: it calls the tree's after a cog's own."""
    causes = [getattr(error, "original", error) for error in env.errors]
    return [
        cause for cause in causes if not isinstance(cause, RefusedError) and getattr(cause, "code", 0) not in TOO_LATE
    ]
