"""The same Discord with the bot started anew on the same data."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from discord_acts import Books, eventually

from bot.adapters.downloads import Downloads
from bot.app import opened
from bot.sandbox.world import SimcordFiles, World, at_loopback, at_work
from bot.settings import Settings

PACE = 0.01
"""Seconds that one second of the bot's own pauses takes here: between edits, looks at fal and further tries."""


async def short_sleep(seconds: float) -> None:
    """The bot's own pauses; what waits for Discord, fal or a disk waits for real."""
    await asyncio.sleep(seconds * PACE)


async def nothing() -> None:
    """What happens in the world while the bot is down."""


class Restart(Protocol):
    """Ends the bot and starts it again."""

    def __call__(
        self, *, killed: bool = False, downtime: float = 0.0, meanwhile: Callable[[], Awaitable[None]] = nothing
    ) -> AbstractAsyncContextManager[World]:
        """`killed`: without a word; `downtime` in seconds, which pass at once; `meanwhile` happens before the start."""
        ...


@asynccontextmanager
async def restarted(
    here: World,
    settings: Settings,
    data_dir: Path,
    *,
    killed: bool = False,
    downtime: float = 0.0,
    meanwhile: Callable[[], Awaitable[None]] = nothing,
) -> AsyncGenerator[World]:
    """What `Restart` promises; the world after it has the same members, channel and fal.

    It waits until every row knows its first answer: simcord cannot read or edit `@original` as discord.py writes it
    into a webhook's address (%40original). tests/e2e ends the process earlier.
    """
    without = "SELECT id FROM jobs WHERE reply_json IS NOT NULL AND json_extract(reply_json, '$.message_id') IS NULL"
    await eventually(lambda: Books(data_dir / "bot.sqlite3").rows(without) == [])
    if not killed:
        await here.app.studio.stop()
    for task in asyncio.all_tasks():
        if task.get_name() in {"studio", "fleeting", "journal"}:
            await _ended(task)
    await meanwhile()
    here.time.passed += downtime

    def wrapped(downloads: Downloads) -> SimcordFiles:
        files = SimcordFiles(downloads)
        files.env = here.env
        return files

    async with opened(
        at_loopback(settings, here.fal.url),
        fal_key="loopback",
        secret="sandbox",  # the same as before: it opens what the first process sealed
        data_dir=data_dir,
        clock=here.time,
        sleep=short_sleep,
        wrap_downloads=wrapped,
    ) as app:
        await here.env.restart_bot(app.client)
        async with at_work(app):
            yield replace(here, app=app)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
