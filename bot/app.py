"""The composition root: which adapter stands behind which port. Nothing else knows."""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import discord
from pydantic_core import Url

from bot.adapters.catalogue_file import load_catalogue
from bot.adapters.discord_files import Packer
from bot.adapters.discord_stage import DiscordStage
from bot.adapters.downloads import Downloads
from bot.adapters.fal import Fal
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
from bot.service.desk import SEEDS, Desk, House
from bot.service.gallery import Gallery
from bot.service.ports import Clock
from bot.service.run import Parts
from bot.service.studio import Studio
from bot.settings import MODELS_FILE, FalSettings, Settings
from cogs.guide import Guide
from cogs.imagine import Imagine
from cogs.results import Results

_log = logging.getLogger(__name__)

SWEEP_EVERY = 3600.0
CONNECTIONS = 200
"""At most so many to fal and to Discord's file network at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The bot, put together."""

    client: BotClient
    studio: Studio
    desk: Desk
    gallery: Gallery
    store: SqliteStore
    catalogue: Catalogue


@asynccontextmanager
async def opened(
    settings: Settings,
    *,
    fal_key: str,
    secret: str,
    data_dir: Path,
    clock: Clock = time.time,
    wrap_downloads: Callable[[Downloads], Fetcher] = lambda downloads: downloads,
) -> AsyncGenerator[App]:
    """Everything open and wired, nothing running yet. `secret` seals what is stored. Raises StartError."""
    catalogue = load_catalogue(MODELS_FILE)
    database_file, jobs_dir = data_dir / "bot.sqlite3", data_dir / "jobs"
    await asyncio.to_thread(migrate, database_file)
    async with AsyncExitStack() as stack:
        database = await Database.open(database_file)
        stack.push_async_callback(database.close)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS), trust_env=True)
        )
        fal = Fal(
            fal_key,
            addresses(settings.fal),
            session,
            keep_outputs_days=settings.fal.keep_outputs,
            sleep=asyncio.sleep,
        )
        stack.push_async_callback(fal.aclose)
        worker = PictureWorker()
        stack.push_async_callback(worker.close)
        store = SqliteStore(database, Seal(secret), clock)
        client = BotClient(store, message_content=settings.discord.message_content)
        packer = Packer(worker)
        studio = Studio(
            Parts(
                backend=fal,
                store=store,
                intake=Intake(wrap_downloads(Downloads(session)), worker, PictureLimits(), asyncio.sleep),
                stage=DiscordStage(client, packer, catalogue, clock),
                catalogue=catalogue,
                clock=clock,
                sleep=asyncio.sleep,
                jobs_dir=jobs_dir,
                max_concurrent=settings.fal.max_concurrent,
            )
        )
        desk = Desk(
            catalogue=catalogue,
            store=store,
            house=House(limits=limits(settings), max_tolerance=settings.safety.max_tolerance),
            clock=clock,
            new_id=lambda: secrets.token_hex(8),
            new_seed=lambda: random.randrange(SEEDS),  # noqa: S311 - a seed for pictures
        )
        gallery = Gallery(
            packer,
            store,
            jobs_dir,
            keep_days=settings.results.keep_days,
            max_gib=settings.results.max_gib,
            clock=clock,
        )
        client.make_cogs = lambda: (
            Imagine(desk, studio),
            Results(studio, gallery),
            Guide(desk, keep_days=settings.results.keep_days),
        )
        yield App(client=client, studio=studio, desk=desk, gallery=gallery, store=store, catalogue=catalogue)


async def run(settings: Settings, *, token: str, fal_key: str, data_dir: Path, stop: asyncio.Event) -> None:
    """Work until `stop` is set, then end cleanly within ten seconds. Raises StartError."""
    use_addresses(base(settings.discord.api_url), str(settings.discord.gateway_url))
    async with opened(settings, fal_key=fal_key, secret=token, data_dir=data_dir) as app, app.client:
        try:
            await app.client.login(token)
        except discord.LoginFailure:
            raise StartError("Discord refuses DISCORD_TOKEN") from None
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            raise StartError(f"Discord cannot be reached: {type(error).__name__}") from None
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(app.client.connect(), name="gateway"),
                tasks.create_task(_work(app), name="studio"),
                tasks.create_task(_sweep(app.gallery), name="sweep"),
            ]
            await stop.wait()
            _log.info("stopping")
            await app.studio.stop()
            await app.client.close()
            for task in running:
                task.cancel()


async def _work(app: App) -> None:
    await app.client.wait_until_ready()
    _log.info("ready as %s in %d servers", app.client.user, len(app.client.guilds))
    await app.studio.run()


async def _sweep(gallery: Gallery) -> None:
    while True:
        await gallery.sweep()
        await asyncio.sleep(SWEEP_EVERY)


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
