"""The offline world: the real bot, with Discord played by simcord and fal by the loopback server."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import discord
import simcord
from simcord.backend.cdn import CDN_BASE

from bot.adapters.downloads import Downloads, GoneError, TooLargeError
from bot.adapters.intake import Fetcher
from bot.app import App, opened
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.simcord_time import use_time
from bot.service.ports import Sleep
from bot.settings import Settings

T = TypeVar("T")


class WorldTime:
    """The time of the world: the real one, plus what a test let pass."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        """Unix seconds."""
        return time.time() + self.passed


class SimcordFiles:
    """Attachments of the simulated Discord come from its memory, all else over the network."""

    def __init__(self, downloads: Downloads) -> None:
        self._downloads = downloads
        self.env: simcord.Env | None = None

    async def fetch(self, url: str, part: Path, place: Callable[[Path], T], *, max_bytes: int) -> T:
        """What `place` makes of the complete file at `part`. Raises DownloadError."""
        if not url.startswith(CDN_BASE) or self.env is None:
            return await self._downloads.fetch(url, part, place, max_bytes=max_bytes)
        data = self.env.backend.cdn.get(url)
        if data is None:
            raise GoneError(status=404)
        if len(data) > max_bytes:
            raise TooLargeError(limit_bytes=max_bytes)
        part.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(part.write_bytes, data)
        return await asyncio.to_thread(place, part)


@dataclass(slots=True, kw_only=True)
class World:
    """One server with a channel, one more that moderators alone see, two members and a moderator."""

    app: App
    env: simcord.Env
    fal: LoopbackFal
    time: WorldTime
    channel: simcord.ChannelHandle
    log: simcord.ChannelHandle
    """Nothing is posted there until it is set as the log channel."""
    member: simcord.MemberActor
    other: simcord.MemberActor
    moderator: simcord.MemberActor


@asynccontextmanager
async def world(
    settings: Settings,
    data_dir: Path,
    *,
    fal: LoopbackFal,
    settle_timeout: float = 0.5,
    check_errors: bool = False,
    sleep: Sleep = asyncio.sleep,
) -> AsyncGenerator[World]:
    """The bot at work in a small server. Raises StartError."""
    world_time, files = WorldTime(), list[SimcordFiles]()

    def wrapped(downloads: Downloads) -> Fetcher:
        files.append(SimcordFiles(downloads))
        return files[0]

    async with (
        opened(
            at_loopback(settings, fal.url),
            fal_key="loopback",
            secret="sandbox",  # noqa: S106 - seals tokens of a Discord that is none
            data_dir=data_dir,
            clock=world_time,
            sleep=sleep,
            wrap_downloads=wrapped,
        ) as app,
        simcord.run(app.client, settle_timeout=settle_timeout, check_errors=check_errors) as env,
    ):
        use_time(env, world_time)
        files[0].env = env
        async with at_work(app):
            yield _peopled(app, env, fal, world_time)


@asynccontextmanager
async def at_work(app: App) -> AsyncGenerator[None]:
    """What works beside Discord. No tasks of the bot's own: simcord makes their sleeps virtual, and these must be real."""
    working = {
        asyncio.create_task(app.studio.run(), name="studio"),
        asyncio.create_task(app.fleeting.run(), name="fleeting"),
        asyncio.create_task(app.journal.run(app.log.post), name="journal"),
    }
    try:
        yield
    finally:
        await app.studio.stop()
        for task in working:
            task.cancel()
        await asyncio.wait(working)


def _peopled(app: App, env: simcord.Env, fal: LoopbackFal, world_time: WorldTime) -> World:
    guild = env.create_guild("Sandbox")
    channel = guild.create_text_channel("pictures")
    moderators = guild.create_role(
        "Moderator", permissions=discord.Permissions(manage_messages=True, manage_guild=True)
    )
    return World(
        app=app,
        env=env,
        fal=fal,
        time=world_time,
        channel=channel,
        log=_hidden(app, guild, moderators),
        member=guild.add_member(env.create_user("ann")),
        other=guild.add_member(env.create_user("ben")),
        moderator=guild.add_member(env.create_user("mia"), roles=[moderators]),
    )


def _hidden(app: App, guild: simcord.GuildHandle, moderators: simcord.RoleHandle) -> simcord.ChannelHandle:
    """A channel for moderators and the bot."""
    seen, unseen = discord.PermissionOverwrite(view_channel=True), discord.PermissionOverwrite(view_channel=False)
    overwrites: Any = {guild.default_role: unseen, moderators: seen}
    if app.client.user is not None:
        overwrites[app.client.user] = seen
    return guild.create_text_channel("bot-log", overwrites=overwrites)


def at_loopback(settings: Settings, url: str) -> Settings:
    """The same settings with fal on this machine."""
    fal = settings.fal.model_copy(update=dict.fromkeys(("queue_url", "rest_url", "cdn_url", "api_url"), url))
    return settings.model_copy(update={"fal": fal})
