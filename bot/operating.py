"""`python -m bot server | servers | notice | prices | invite`: what the operator rules from the command line.

Changes are written to the database; a running bot follows them within five seconds.
"""

import asyncio
import sys
import time
from argparse import Namespace
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp

from bot.adapters.catalogue_file import load_catalogue
from bot.adapters.fal_prices import prices_at_fal
from bot.adapters.liveness import application_id
from bot.adapters.sqlite_connection import Database
from bot.adapters.sqlite_schema import DATABASE, migrate
from bot.adapters.sqlite_servers import SqliteServers
from bot.domain.errors import StartError
from bot.domain.purse import Server
from bot.settings import MODELS_FILE, Start, load_settings

PERMISSIONS = 274878008320
"""View Channel, Send Messages, Send Messages in Threads, Attach Files, Read Message History."""
MOST_SERVERS = 1000


def operate(chosen: Namespace, start: Start) -> int:
    """Run one of them; returns the exit code. Raises StartError."""
    doing: dict[str, Callable[[Namespace, Start], Coroutine[Any, Any, int]]] = {
        "server": _server,
        "servers": _servers,
        "notice": _notice,
        "prices": _prices,
        "invite": _invite,
    }
    return asyncio.run(doing[chosen.command](chosen, start))


async def _server(chosen: Namespace, start: Start) -> int:
    changes: list[tuple[str, int | bool | None]] = []
    if chosen.monthly is not None:
        changes.append(("monthly", None if chosen.monthly < 0 else chosen.monthly))
    for flag, name, value in (
        (chosen.suspend, "suspended", True),
        (chosen.resume, "suspended", False),
        (chosen.allow, "allowed", True),
        (chosen.disallow, "allowed", False),
        (chosen.leave, "leave_wanted", True),
    ):
        if flag:
            changes.append((name, value))
    async with _store(start) as store:
        for name, value in changes:
            await store.change(chosen.id, name, value)
        _say(_line(await store.server(chosen.id)))
    return 0


async def _servers(_chosen: Namespace, start: Start) -> int:
    async with _store(start) as store:
        for server, spent in await store.servers(time.time(), MOST_SERVERS):
            _say(_line(server, f"{spent} credits this month"))
    return 0


def _line(server: Server, *first: str) -> str:
    facts = [*first, f"cap {'default' if server.monthly is None else server.monthly}"]
    facts += ["suspended"] * server.suspended + ["allowed"] * server.allowed
    facts += ["to be left"] * server.leave_wanted + ["left"] * (server.left_at is not None)
    return f"{server.guild_id} {server.name or '?'}: {', '.join(facts)}"


async def _notice(chosen: Namespace, start: Start) -> int:
    if not 0 < len(chosen.words) <= 1800:  # noqa: PLR2004 - what fits a message with its head
        raise StartError("a notice has 1 to 1,800 characters")
    async with _store(start) as store:
        await store.add_notice(chosen.words, time.time())
    _say("the running bot will post it, or the next one that runs")
    return 0


async def _prices(chosen: Namespace, start: Start) -> int:
    catalogue = load_catalogue(MODELS_FILE)
    known = {
        endpoint.id: model.price.image
        for model in catalogue.models.values()
        for endpoint in (model.generate, model.edit)
    }
    at_fal: dict[str, Decimal] = {}
    if chosen.check:
        if start.fal_key is None:
            raise StartError("FAL_KEY is not set (in the environment or in .env)")
        url = str(load_settings(start.bot_settings).fal.api_url).rstrip("/")
        async with aiohttp.ClientSession(trust_env=True) as session:
            at_fal = await prices_at_fal(session, url, start.fal_key.get_secret_value(), list(known))
    differing = 0
    for endpoint, price in known.items():
        said = f"{endpoint}: ${price}"
        if chosen.check:
            theirs = at_fal.get(endpoint)
            same = theirs == price
            differing += not same
            said += ", the same at fal" if same else f", but at fal {'unknown' if theirs is None else f'${theirs}'}"
        _say(said)
    return 1 if differing else 0


async def _invite(_chosen: Namespace, start: Start) -> int:
    if start.discord_token is None:
        raise StartError("DISCORD_TOKEN is not set (in the environment or in .env)")
    url = str(load_settings(start.bot_settings).discord.api_url).rstrip("/")
    async with aiohttp.ClientSession(trust_env=True) as session:
        mine = await application_id(session, url, start.discord_token.get_secret_value())
    _say(
        f"https://discord.com/oauth2/authorize?client_id={mine}&scope=bot+applications.commands&permissions={PERMISSIONS}"
    )
    return 0


@asynccontextmanager
async def _store(start: Start) -> AsyncGenerator[SqliteServers]:
    path = start.bot_data_dir / DATABASE
    if not path.is_file():
        raise StartError(f"there is no database in {start.bot_data_dir}: start the bot once")
    await asyncio.to_thread(migrate, path)
    database = await Database.open(path)
    try:
        yield SqliteServers(database)
    finally:
        await database.close()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
