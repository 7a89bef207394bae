"""The composition root: which adapter stands behind which port. Nothing else knows."""

import asyncio
import logging
import random
import secrets
import shutil
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import discord
from pydantic_core import Url

from bot.adapters.catalogue_file import load_catalogue
from bot.adapters.data_lock import locked
from bot.adapters.discord_delivery import Delivery
from bot.adapters.discord_files import Packer
from bot.adapters.discord_operator import Operator
from bot.adapters.discord_stage import DiscordStage
from bot.adapters.downloads import Downloads
from bot.adapters.fal import Fal
from bot.adapters.fal_stream import StreamLimits
from bot.adapters.fal_submit import Addresses
from bot.adapters.intake import Fetcher, Intake
from bot.adapters.pictures import PictureLimits, PictureWorker
from bot.adapters.sealing import Seal
from bot.adapters.sqlite_connection import Database
from bot.adapters.sqlite_schema import migrate
from bot.adapters.sqlite_store import SqliteStore
from bot.client import BotClient, use_addresses
from bot.domain.catalogue import Catalogue
from bot.domain.errors import StartError
from bot.domain.ledger import Limits
from bot.service.alerts import Alerts, Subject
from bot.service.desk import SEEDS, Desk, House
from bot.service.gallery import Gallery
from bot.service.points import Point, nothing, points_from_environment
from bot.service.ports import Clock
from bot.service.racing import unless
from bot.service.run import Parts
from bot.service.studio import Studio
from bot.settings import MODELS_FILE, FalSettings, Settings
from cogs.guide import Guide
from cogs.imagine import Imagine
from cogs.results import Results

_log = logging.getLogger(__name__)

SWEEP_EVERY = 600.0
"""Seconds."""
DISK_LOW = 2 * 1024**3
"""Bytes."""
NO_LIMIT = 0
"""Of connections to fal: `fal.streams` and `fal.max_concurrent` bound them."""
TRANSFERS = 100
"""Files on their way here at once, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The bot, put together."""

    client: BotClient
    studio: Studio
    desk: Desk
    gallery: Gallery
    store: SqliteStore
    catalogue: Catalogue
    alerts: Alerts
    operator: Operator


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tools:
    """What is open while the bot lives."""

    settings: Settings
    catalogue: Catalogue
    store: SqliteStore
    fal: Fal
    files: Fetcher
    worker: PictureWorker
    jobs_dir: Path
    clock: Clock
    reached: Callable[[Point], None]


@asynccontextmanager
async def opened(
    settings: Settings,
    *,
    fal_key: str,
    secret: str,
    data_dir: Path,
    clock: Clock = time.time,
    wrap_downloads: Callable[[Downloads], Fetcher] = lambda downloads: downloads,
    reached: Callable[[Point], None] = nothing,
) -> AsyncGenerator[App]:
    """Everything open and wired, nothing running yet. `secret` seals what is stored. Raises StartError."""
    catalogue = load_catalogue(MODELS_FILE)
    await asyncio.to_thread(migrate, data_dir / "bot.sqlite3")
    async with AsyncExitStack() as stack:
        database = await Database.open(data_dir / "bot.sqlite3")
        stack.push_async_callback(database.close)
        fal = Fal(
            fal_key,
            addresses(settings.fal),
            await stack.enter_async_context(_session(NO_LIMIT)),
            keep_outputs_days=settings.fal.keep_outputs,
            sleep=asyncio.sleep,
            streams=StreamLimits(most=settings.fal.streams),
        )
        stack.push_async_callback(fal.aclose)
        downloads = Downloads(await stack.enter_async_context(_session(TRANSFERS)))
        worker = PictureWorker()
        stack.push_async_callback(worker.close)
        app = _wired(
            _Tools(
                settings=settings,
                catalogue=catalogue,
                store=SqliteStore(database, Seal(secret), clock),
                fal=fal,
                files=wrap_downloads(downloads),
                worker=worker,
                jobs_dir=data_dir / "jobs",
                clock=clock,
                reached=reached,
            )
        )
        await app.studio.take_up()
        yield app


def _session(connections: int) -> aiohttp.ClientSession:
    """One for what stays open long, and one for files: neither waits for a connection of the other."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections), trust_env=True)


def _wired(tools: _Tools) -> App:
    settings, results = tools.settings, tools.settings.results
    client = BotClient(tools.store, message_content=settings.discord.message_content)
    packer, alerts = Packer(tools.worker), Alerts()
    studio = Studio(_parts(tools, client, packer, alerts))
    desk = Desk(
        catalogue=tools.catalogue,
        store=tools.store,
        house=House(limits=limits(settings), max_tolerance=settings.safety.max_tolerance),
        clock=tools.clock,
        new_id=lambda: secrets.token_hex(8),
        new_seed=new_seed,
        reached=tools.reached,
    )
    gallery = Gallery(
        packer,
        tools.store,
        tools.jobs_dir,
        keep_days=results.keep_days,
        max_gib=results.max_gib,
        clock=tools.clock,
    )
    client.make_cogs = lambda: (
        Imagine(desk, studio),
        Results(desk, studio, gallery),
        Guide(desk, keep_days=results.keep_days),
    )
    return App(
        client=client,
        studio=studio,
        desk=desk,
        gallery=gallery,
        store=tools.store,
        catalogue=tools.catalogue,
        alerts=alerts,
        operator=Operator(client, settings.operator.channel_id or None, tools.clock, asyncio.sleep),
    )


def _parts(tools: _Tools, client: BotClient, packer: Packer, alerts: Alerts) -> Parts:
    fal = tools.settings.fal
    delivery = Delivery(client, packer, tools.catalogue, alerts, tools.clock, asyncio.sleep)
    return Parts(
        backend=tools.fal,
        store=tools.store,
        intake=Intake(tools.files, tools.worker, PictureLimits(), asyncio.sleep),
        stage=DiscordStage(client, delivery, tools.catalogue, tools.clock, asyncio.sleep),
        catalogue=tools.catalogue,
        alerts=alerts,
        clock=tools.clock,
        sleep=asyncio.sleep,
        new_seed=new_seed,
        jobs_dir=tools.jobs_dir,
        max_concurrent=fal.max_concurrent,
        max_wait=fal.max_wait * 3600,
        find_lost=fal.find_lost * 60,
        operator_month=tools.settings.quota.total_monthly_credits,
        reached=tools.reached,
    )


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
                await _until(stop, app, data_dir)


async def _until(stop: asyncio.Event, app: App, data_dir: Path) -> None:
    try:
        async with asyncio.TaskGroup() as tasks:
            gateway = tasks.create_task(app.client.connect(), name="gateway")
            working = [
                tasks.create_task(_work(app), name="studio"),
                tasks.create_task(_sweep(app, data_dir), name="sweep"),
                tasks.create_task(app.alerts.run(app.operator.tell), name="alerts"),
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


async def _sweep(app: App, data_dir: Path) -> None:
    while True:
        try:
            await app.gallery.sweep()
            free = (await asyncio.to_thread(shutil.disk_usage, data_dir)).free
            (app.alerts.up if free < DISK_LOW else app.alerts.over)(Subject.DISK)
        except Exception:  # noqa: BLE001 - the boundary of housekeeping: the work goes on without it
            _log.exception("the sweep failed")
        await asyncio.sleep(SWEEP_EVERY)


def new_seed() -> int:
    """A seed for pictures."""
    return random.randrange(SEEDS)  # noqa: S311 - nothing secret


def limits(settings: Settings) -> Limits:
    """The operator's limits."""
    return Limits(
        member_day=settings.quota.member_daily_credits,
        server_day=settings.quota.server_daily_credits,
        operator_month=settings.quota.total_monthly_credits,
        member_jobs=settings.quota.member_jobs,
        server_jobs=settings.quota.server_jobs,
    )


def addresses(fal: FalSettings) -> Addresses:
    """fal's base addresses."""
    return Addresses(queue=base(fal.queue_url), rest=base(fal.rest_url), cdn=base(fal.cdn_url), api=base(fal.api_url))


def base(url: Url) -> str:
    """An address without a slash at the end."""
    return str(url).rstrip("/")
