"""What is open while the bot lives: files, connections, the picture process, and the vendors' adapters over them."""

import asyncio
import random
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.request import getproxies

import aiohttp
from pydantic_core import Url

from bot import views
from bot.adapters.catalogue_file import load_catalogue
from bot.adapters.downloads import Downloads
from bot.adapters.fal import Fal
from bot.adapters.fal_stream import StreamLimits
from bot.adapters.fal_submit import Addresses
from bot.adapters.intake import Fetcher
from bot.adapters.lookalikes import lookalikes
from bot.adapters.persons import Persons
from bot.adapters.pictures import PictureWorker
from bot.adapters.sealing import Seal
from bot.adapters.sqlite_baskets import SqliteBaskets
from bot.adapters.sqlite_connection import SOON, Database
from bot.adapters.sqlite_drafts import SqliteDrafts
from bot.adapters.sqlite_erasure import SqliteErasure
from bot.adapters.sqlite_history import SqliteHistory
from bot.adapters.sqlite_people import SqlitePeople
from bot.adapters.sqlite_preferences import SqlitePreferences
from bot.adapters.sqlite_rules import SqliteRules
from bot.adapters.sqlite_schema import DATABASE, migrate
from bot.adapters.sqlite_servers import SqliteServers
from bot.adapters.sqlite_store import SqliteStore
from bot.adapters.sqlite_timings import SqliteTimings
from bot.adapters.sqlite_tree import SqliteTree
from bot.adapters.sqlite_usage import SqliteUsage
from bot.adapters.sqlite_words import SqliteWords
from bot.adapters.word_book import WordBook
from bot.domain.catalogue import Catalogue
from bot.domain.words import Folding
from bot.service.desk import SEEDS
from bot.service.journal import Journal
from bot.service.offers import Offers
from bot.service.passes import Passes
from bot.service.points import Point
from bot.service.ports import Clock, Sleep
from bot.settings import MODELS_FILE, FalSettings, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Time, and what tests put between."""

    clock: Clock
    sleep: Sleep
    wrap_downloads: Callable[[Downloads], Fetcher]
    reached: Callable[[Point], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What is open while the bot lives."""

    settings: Settings
    catalogue: Catalogue
    store: SqliteStore
    rules: SqliteRules
    timings: SqliteTimings
    people: SqlitePeople
    journal: Journal
    preferences: SqlitePreferences
    history: SqliteHistory
    drafts: SqliteDrafts
    baskets: SqliteBaskets
    servers: SqliteServers
    usage: SqliteUsage
    erasure: SqliteErasure
    words: SqliteWords
    book: WordBook
    offers: Offers
    passes: Passes
    tree: SqliteTree
    fal: Fal
    files: Fetcher
    worker: PictureWorker
    jobs_dir: Path
    world: World


async def open_tools(
    stack: AsyncExitStack, settings: Settings, fal_key: str, secret: str, data_dir: Path, world: World
) -> Tools:
    """Files and connections, closed with the stack in the opposite order."""
    catalogue = load_catalogue(MODELS_FILE)
    await asyncio.to_thread(migrate, data_dir / DATABASE)
    database = await Database.open(data_dir / DATABASE, soon=SOON)
    stack.push_async_callback(database.close)
    fal = await _fal(stack, settings.fal, fal_key, world.sleep)
    downloads = Downloads(await stack.enter_async_context(session()))
    worker = PictureWorker()
    stack.push_async_callback(worker.close)
    seal, persons, rules, words = Seal(secret), Persons(secret), SqliteRules(database), SqliteWords(database)
    store = SqliteStore(database, seal, persons, world.clock)
    return Tools(
        settings=settings,
        catalogue=catalogue,
        store=store,
        rules=rules,
        timings=SqliteTimings(database),
        people=SqlitePeople(database, persons),
        journal=Journal(rules, partial(views.log_line, catalogue=catalogue), world.clock, store.posted_in),
        preferences=SqlitePreferences(database),
        history=SqliteHistory(database, seal),
        drafts=SqliteDrafts(database),
        baskets=SqliteBaskets(database),
        servers=SqliteServers(database),
        usage=SqliteUsage(database),
        erasure=SqliteErasure(database, seal, persons),
        words=words,
        book=WordBook(words, Folding(lookalikes())),
        offers=Offers(world.clock, new_id),
        passes=Passes(secret, world.clock),
        tree=SqliteTree(database),
        fal=fal,
        files=world.wrap_downloads(downloads),
        worker=worker,
        jobs_dir=data_dir / "jobs",
        world=world,
    )


async def _fal(stack: AsyncExitStack, settings: FalSettings, key: str, sleep: Sleep) -> Fal:
    return Fal(
        key,
        addresses(settings),
        await stack.enter_async_context(session()),
        keep_outputs_days=settings.keep_outputs,
        sleep=sleep,
        streams=StreamLimits(most=settings.streams),
        priority=settings.queue_priority,
    )


def session() -> aiohttp.ClientSession:
    """Bounds no connections: to fal `fal.streams` and `fal.max_concurrent` do, for files `Downloads` does.

    Proxies hold as the environment names them now. Where it names none, no request looks for them again, only for speed:
    each would read ~/.netrc twice, in a thread.
    """
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), trust_env=bool(getproxies()))


def new_id() -> str:
    """An id of a job or of an offer."""
    return secrets.token_hex(8)


def new_seed() -> int:
    """A seed for pictures."""
    return random.randrange(SEEDS)  # noqa: S311 - nothing secret


def addresses(fal: FalSettings) -> Addresses:
    """fal's base addresses."""
    return Addresses(queue=base(fal.queue_url), rest=base(fal.rest_url), cdn=base(fal.cdn_url), api=base(fal.api_url))


def base(url: Url) -> str:
    """An address without a slash at the end."""
    return str(url).rstrip("/")
