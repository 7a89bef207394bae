"""The composition root: which adapter stands behind which port. Nothing else knows."""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from discord.ext import commands
from pydantic_core import Url

from bot.adapters.catalogue_file import load_catalogue
from bot.adapters.discord_delivery import Delivery
from bot.adapters.discord_files import Packer
from bot.adapters.discord_operator import Operator
from bot.adapters.discord_stage import DiscordStage
from bot.adapters.downloads import Downloads
from bot.adapters.fal import Fal
from bot.adapters.fal_submit import Addresses
from bot.adapters.fal_watch import Sleep
from bot.adapters.intake import Fetcher, Intake
from bot.adapters.lookalikes import lookalikes
from bot.adapters.pictures import PictureLimits, PictureWorker
from bot.adapters.sealing import Seal
from bot.adapters.sqlite_connection import Database
from bot.adapters.sqlite_people import SqlitePeople
from bot.adapters.sqlite_rules import SqliteRules
from bot.adapters.sqlite_schema import migrate
from bot.adapters.sqlite_store import SqliteStore
from bot.adapters.sqlite_words import SqliteWords
from bot.adapters.word_book import WordBook
from bot.client import BotClient
from bot.domain.catalogue import Catalogue
from bot.domain.ledger import Limits
from bot.domain.words import Folding
from bot.service.alerts import Alerts
from bot.service.desk import SEEDS, Desk, House
from bot.service.gallery import Gallery
from bot.service.offers import Offers
from bot.service.passes import Passes
from bot.service.people import People
from bot.service.points import Point, nothing
from bot.service.ports import Clock
from bot.service.ruling import Ruling
from bot.service.run import Parts
from bot.service.studio import Studio
from bot.service.wording import Wording
from bot.settings import MODELS_FILE, FalSettings, Settings
from cogs.doors import Doors
from cogs.guide import Guide
from cogs.imagine import Imagine
from cogs.offers import OfferButtons
from cogs.people import PeopleCommands
from cogs.results import Results
from cogs.settings import SettingsCommands
from cogs.settings_panel import SettingsPanel

CONNECTIONS = 200
"""At most so many to fal and to Discord's file network at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The bot, put together."""

    settings: Settings
    client: BotClient
    studio: Studio
    desk: Desk
    offers: Offers
    people: People
    ruling: Ruling
    wording: Wording
    passes: Passes
    gallery: Gallery
    store: SqliteStore
    rules: SqliteRules
    catalogue: Catalogue
    alerts: Alerts
    operator: Operator


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tools:
    """What is open while the bot lives."""

    settings: Settings
    passes: Passes
    catalogue: Catalogue
    store: SqliteStore
    rules: SqliteRules
    words: SqliteWords
    book: WordBook
    offers: Offers
    people: People
    fal: Fal
    files: Fetcher
    worker: PictureWorker
    jobs_dir: Path
    world: "_World"


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """Time, and what tests put between."""

    clock: Clock
    sleep: Sleep
    wrap_downloads: Callable[[Downloads], Fetcher]
    reached: Callable[[Point], None]


@asynccontextmanager
async def opened(
    settings: Settings,
    *,
    fal_key: str,
    secret: str,
    data_dir: Path,
    clock: Clock = time.time,
    sleep: Sleep = asyncio.sleep,
    wrap_downloads: Callable[[Downloads], Fetcher] = lambda downloads: downloads,
    reached: Callable[[Point], None] = nothing,
) -> AsyncGenerator[App]:
    """Everything open and wired, nothing running yet. `secret` seals what is stored. Raises StartError."""
    world = _World(clock=clock, sleep=sleep, wrap_downloads=wrap_downloads, reached=reached)
    async with AsyncExitStack() as stack:
        app = _wired(await _opened(stack, settings, fal_key, secret, data_dir, world))
        await app.studio.take_up()
        yield app


async def _opened(
    stack: AsyncExitStack, settings: Settings, fal_key: str, secret: str, data_dir: Path, world: _World
) -> _Tools:
    """Files and connections, closed with the stack in the opposite order."""
    catalogue = load_catalogue(MODELS_FILE)
    await asyncio.to_thread(migrate, data_dir / "bot.sqlite3")
    database = await Database.open(data_dir / "bot.sqlite3")
    stack.push_async_callback(database.close)
    session = await stack.enter_async_context(
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS), trust_env=True)
    )
    words, keep_days = SqliteWords(database), settings.fal.keep_outputs
    fal = Fal(fal_key, addresses(settings.fal), session, keep_outputs_days=keep_days, sleep=world.sleep)
    stack.push_async_callback(fal.aclose)
    worker = PictureWorker()
    stack.push_async_callback(worker.close)
    return _Tools(
        settings=settings,
        passes=Passes(secret, world.clock),
        catalogue=catalogue,
        store=SqliteStore(database, Seal(secret), world.clock),
        rules=SqliteRules(database),
        words=words,
        book=WordBook(words, Folding(lookalikes())),
        offers=Offers(world.clock, new_id),
        people=People(SqlitePeople(database), world.clock),
        fal=fal,
        files=world.wrap_downloads(Downloads(session)),
        worker=worker,
        jobs_dir=data_dir / "jobs",
        world=world,
    )


def _wired(tools: _Tools) -> App:
    settings, world = tools.settings, tools.world
    client = BotClient(tools.store, message_content=settings.discord.message_content)
    packer, alerts = Packer(tools.worker), Alerts()
    app = App(
        settings=settings,
        client=client,
        studio=Studio(_parts(tools, client, packer, alerts)),
        desk=_desk(tools),
        offers=tools.offers,
        people=tools.people,
        ruling=Ruling(tools.rules, house(settings), tools.catalogue, world.clock),
        wording=Wording(tools.words, tools.book, world.clock),
        passes=tools.passes,
        gallery=_gallery(tools, packer),
        store=tools.store,
        rules=tools.rules,
        catalogue=tools.catalogue,
        alerts=alerts,
        operator=Operator(client, settings.operator.channel_id or None, world.clock, world.sleep),
    )
    client.make_cogs = lambda: _cogs(app)
    return app


def _cogs(app: App) -> tuple[commands.Cog, ...]:
    panel = SettingsPanel(app.desk, app.ruling, app.wording, app.passes)
    return (
        Imagine(app.desk, app.studio),
        Results(app.desk, app.studio, app.gallery),
        Guide(app.desk, keep_days=app.settings.results.keep_days),
        OfferButtons(app.desk, app.studio, app.offers),
        PeopleCommands(app.desk, app.people),
        panel,
        SettingsCommands(app.ruling, app.wording, app.passes, panel.open),
        Doors(app.client),
    )


def _desk(tools: _Tools) -> Desk:
    return Desk(
        catalogue=tools.catalogue,
        store=tools.store,
        rules=tools.rules,
        words=tools.book,
        offers=tools.offers,
        people=tools.people,
        house=house(tools.settings),
        clock=tools.world.clock,
        new_id=new_id,
        new_seed=new_seed,
        reached=tools.world.reached,
    )


def _gallery(tools: _Tools, packer: Packer) -> Gallery:
    results = tools.settings.results
    return Gallery(
        packer,
        tools.store,
        tools.jobs_dir,
        keep_days=results.keep_days,
        max_gib=results.max_gib,
        clock=tools.world.clock,
    )


def _parts(tools: _Tools, client: BotClient, packer: Packer, alerts: Alerts) -> Parts:
    fal = tools.settings.fal
    delivery = Delivery(client, packer, tools.catalogue, alerts, tools.world.clock, tools.world.sleep)
    return Parts(
        backend=tools.fal,
        store=tools.store,
        intake=Intake(tools.files, tools.worker, PictureLimits(), tools.world.sleep),
        stage=DiscordStage(client, delivery, tools.catalogue, tools.world.clock, tools.world.sleep),
        catalogue=tools.catalogue,
        alerts=alerts,
        clock=tools.world.clock,
        sleep=tools.world.sleep,
        new_seed=new_seed,
        jobs_dir=tools.jobs_dir,
        max_concurrent=fal.max_concurrent,
        max_wait=fal.max_wait * 3600,
        find_lost=fal.find_lost * 60,
        operator_month=tools.settings.quota.total_monthly_credits,
        reached=tools.world.reached,
    )


def new_id() -> str:
    """An id of a job or of an offer."""
    return secrets.token_hex(8)


def new_seed() -> int:
    """A seed for pictures."""
    return random.randrange(SEEDS)  # noqa: S311 - nothing secret


def house(settings: Settings) -> House:
    """The operator's rules."""
    return House(limits=limits(settings), max_tolerance=settings.safety.max_tolerance)


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
