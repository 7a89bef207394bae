"""The process: from the login to a clean stop, with the sweep and the alerts beside the work."""

import asyncio
import gc
import logging
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import discord

from bot.adapters.data_lock import locked
from bot.app import App, opened
from bot.client import BotClient, use_addresses
from bot.domain.errors import StartError
from bot.service.alerts import Subject
from bot.service.points import points_from_environment
from bot.service.purse import LOOK_EVERY
from bot.service.racing import unless
from bot.settings import Settings
from bot.tools import base

_log = logging.getLogger(__name__)

SWEEP_EVERY = 600.0
"""Seconds."""
DISK_LOW = 2 * 1024**3
"""Bytes."""


async def run(settings: Settings, *, token: str, fal_key: str, data_dir: Path, stop: asyncio.Event) -> None:
    """Work until `stop` is set, then end cleanly within ten seconds. Raises StartError."""
    use_addresses(base(settings.discord.api_url), str(settings.discord.gateway_url))
    with locked(data_dir):
        async with (
            opened(
                settings, fal_key=fal_key, secret=token, data_dir=data_dir, reached=points_from_environment()
            ) as app,
            app.client,
        ):
            if await unless(stop, _log_in(app.client, token)):
                # Only for speed: what was made until here stays, and looking through it stopped the loop for up to 56 ms;
                # now 11. (200 orders on two cores. What Discord tells of its servers comes later, and may be thrown away.)
                gc.freeze()
                await _until(stop, app, data_dir)


async def _until(stop: asyncio.Event, app: App, data_dir: Path) -> None:
    try:
        async with asyncio.TaskGroup() as tasks:
            gateway = tasks.create_task(app.client.connect(), name="gateway")
            working = [
                tasks.create_task(_work(app), name="studio"),
                tasks.create_task(_sweep(app, data_dir), name="sweep"),
                tasks.create_task(app.fleeting.run(), name="fleeting"),
                tasks.create_task(app.alerts.run(app.operator.tell), name="alerts"),
                tasks.create_task(_over_and_over(app.purse.follow), name="switched-off"),
                tasks.create_task(_operate(app), name="operator"),
                tasks.create_task(_write_log(app), name="journal"),
            ]
            await stop.wait()
            _log.info("stopping")
            await app.studio.stop()
            for task in working:
                task.cancel()
            await asyncio.wait(working)  # before their connections to Discord are closed
            await app.client.close()
            gateway.cancel()
    except ExceptionGroup as group:
        if group.subgroup(discord.PrivilegedIntentsRequired) is None:
            raise
        raise StartError(
            "Discord refuses the message-content intent: allow it in the developer portal, or set"
            " discord.message_content to false"
        ) from None


async def _log_in(client: BotClient, token: str) -> bool:
    try:
        await client.login(token)
    except discord.LoginFailure:
        raise StartError("Discord refuses DISCORD_TOKEN") from None
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        raise StartError(f"Discord cannot be reached: {type(error).__name__}") from None
    return True


async def _work(app: App) -> None:
    await app.client.wait_until_ready()
    _log.info("ready as %s in %d servers", app.client.user, len(app.client.guilds))
    await app.studio.run()


async def _write_log(app: App) -> None:
    """Once the servers and their channels are known."""
    await app.client.wait_until_ready()
    await app.journal.run(app.log.post)


async def _operate(app: App) -> None:
    """What the command line asked for."""
    await app.client.wait_until_ready()
    await _over_and_over(lambda: app.purse.carry_out(app.client.leave, app.operator.post))


async def _over_and_over(look: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await look()
        except Exception:  # noqa: BLE001 - the boundary of housekeeping: the work goes on without it
            _log.exception("an order of the operator's was not carried out")
        await asyncio.sleep(LOOK_EVERY)


async def _sweep(app: App, data_dir: Path) -> None:
    while True:
        await sweep(app, data_dir)
        await asyncio.sleep(SWEEP_EVERY)


async def sweep(app: App, data_dir: Path) -> None:
    """Every part of the housekeeping once. A full disk fails some of them, and is what another warns of."""

    async def look_at_disk() -> None:
        free = (await asyncio.to_thread(shutil.disk_usage, data_dir)).free
        (app.alerts.up if free < DISK_LOW else app.alerts.over)(Subject.DISK)

    for part in (app.gallery.sweep, app.privacy.sweep, app.purse.look, look_at_disk):
        try:
            await part()
        except Exception:  # noqa: BLE001 - the boundary of one part: the others and the work go on without it
            _log.exception("a part of the sweep failed")
