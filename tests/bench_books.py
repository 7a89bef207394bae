"""`python -m tests.bench_books`: how fast the books answer, and how soon the bot is online, with 100,000 jobs behind it.

Holds, looks and starts on one database file, printed beside the numbers to reach. The exit code is 0 when all were.
"""

import argparse
import asyncio
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bot.adapters.catalogue_file import load_catalogue
from bot.adapters.persons import Persons
from bot.adapters.sealing import Seal
from bot.adapters.sqlite_audit import audit
from bot.adapters.sqlite_connection import Database
from bot.adapters.sqlite_history import SqliteHistory
from bot.adapters.sqlite_schema import migrate
from bot.adapters.sqlite_store import SqliteStore
from bot.adapters.sqlite_timings import SqliteTimings
from bot.adapters.sqlite_usage import SqliteUsage
from bot.domain.errors import QuotaExceededError
from bot.domain.job import Job, Reply
from bot.domain.ledger import Limits
from bot.domain.order import Order
from bot.settings import MODELS_FILE
from tests.e2e.bot_process import BotProcess, bot_process
from tests.loopback.discord_server import TOKEN
from tests.many_jobs import ID, fill, member_of, scope_of

AT_ONCE, ROOM = 1000, 600
"""Orders at once; and how many of them fit in the round that must be exact."""
PRICE = 8
"""Credits of each."""
REPEAT, ALONE = 5, 200
"""Rounds of each measurement, and single holds one after the other."""
WIDE = Limits(
    member_day=10**9, server_day=10**9, operator_month=10**9, server_month=10**9, member_jobs=10**6, server_jobs=10**6
)
FULL = 2
"""SQLite's number for `synchronous=FULL`."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    measured: str
    wanted: str
    reached: bool

    @classmethod
    def of_time(cls, name: str, times: list[float], at_most: float) -> "Row":
        """Milliseconds; the median counts."""
        spread = f"{median(times):8.1f} ms  ({min(times):.1f} to {max(times):.1f})"
        return cls(name, spread, f"under {at_most:,.0f} ms", median(times) < at_most)


class Books:
    """The file, open as the bot opens it, and orders for it."""

    def __init__(self, database: Database) -> None:
        self.store = SqliteStore(database, Seal(TOKEN), Persons(TOKEN), time.time)
        self.usage = SqliteUsage(database)
        self.history = SqliteHistory(database, Seal(TOKEN))
        self.timings = SqliteTimings(database)
        self._catalogue = load_catalogue(MODELS_FILE)
        self._orders = 0

    def order(self) -> Job:
        """The next one, of another member."""
        self._orders += 1
        member, now = self._orders * 7, time.time()
        order = Order(
            scope=scope_of(member),
            guild_id=ID,
            channel_id=ID,
            member_id=member_of(member),
            prompt=f"a lighthouse, {self._orders}",
            model="nano-banana-2",
        )
        return Job(
            id=f"f{self._orders:015x}",
            order=order,
            request=self._catalogue.request(order, max_tolerance=4, seed=self._orders),
            credits=PRICE,
            created_at=now,
            reply=Reply(application_id=ID, token="a" * 200, created_at=now),
        )


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000


async def measure_books(path: Path) -> list[Row]:
    """Holds at once and alone, and what commands look up."""
    database = await Database.open(path)
    try:
        books, now = Books(database), time.time()
        level = (await database.read("PRAGMA synchronous"))[0][0]
        at_once = [await timed(lambda: hold_all(books, WIDE)) for _ in range(REPEAT)]
        alone = [await timed(lambda: books.store.hold(books.order(), WIDE)) for _ in range(ALONE)]
        looks: dict[str, Callable[[], Awaitable[object]]] = {
            "look of /quota": lambda: books.store.standing(scope_of(7), member_of(7), WIDE, now),
            "look of /jobs": lambda: books.store.of_member(scope_of(7), member_of(7), 10),
            "look of /history": lambda: books.history.finished(scope_of(7), member_of(7), "", most=10, skipped=0),
            "look of /history, by a word": lambda: books.history.finished(
                scope_of(7), member_of(7), "lighthouse", most=10, skipped=0
            ),
            "look of /usage, 90 days of a server": lambda: books.usage.of_server(scope_of(7), now, 90),
            "look at the turns given lately": books.timings.turns,
        }
        return [
            Row("synchronous", str(level), "FULL", level == FULL),
            Row.of_time(f"{AT_ONCE:,} holds at once, until the last is answered", at_once, 1000),
            await exact(books, path),
            Row.of_time("a hold alone", alone, 5),
            *[Row.of_time(name, [await timed(look) for _ in range(REPEAT)], 100) for name, look in looks.items()],
        ]
    finally:
        await database.close()


async def hold_all(books: Books, limits: Limits) -> int:
    """A thousand orders at once; how many were taken."""
    holds = (books.store.hold(books.order(), limits) for _ in range(AT_ONCE))
    answers = await asyncio.gather(*holds, return_exceptions=True)
    for one in answers:
        if isinstance(one, BaseException) and not isinstance(one, QuotaExceededError):
            raise one
    return sum(isinstance(one, Job) for one in answers)


async def exact(books: Books, path: Path) -> Row:
    """The same when the operator's month has room for some of them, and for half of one more."""
    before, _ = await books.usage.operators_month(time.time())
    taken = await hold_all(books, replace(WIDE, operator_month=before + ROOM * PRICE + PRICE // 2))
    spent = (await books.usage.operators_month(time.time()))[0] - before
    differences = len(list(audit(path)))
    return Row(
        f"{AT_ONCE:,} holds at once when {ROOM} fit",
        f"{taken} taken, {spent} credits, {differences} differences in the books",
        f"{ROOM}, {ROOM * PRICE}, 0",
        (taken, spent, differences) == (ROOM, ROOM * PRICE, 0),
    )


async def measure_starts(folder: Path, database: Path | None) -> list[float]:
    """Milliseconds from the start of the process until it identifies itself to Discord's gateway."""
    times = list[float]()
    # A machine may be told to keep no compiled code; the bot of an operator is not compiled anew at each start.
    compiled = str(folder / "compiled")
    async with bot_process(folder, PYTHONDONTWRITEBYTECODE="", PYTHONPYCACHEPREFIX=compiled) as bot:
        if database is not None:
            shutil.copyfile(database, folder / "bot.sqlite3")
        for number in range(REPEAT + 1):
            took = await start_once(bot)
            if number:  # the first one compiles what is not compiled yet
                times.append(took)
    return times


async def start_once(bot: BotProcess) -> float:
    """One start; the bot is killed before it takes anything up."""
    identifies = bot.discord.gateway.identifies
    before, began = len(identifies), time.perf_counter()
    await bot.launch()
    assert bot.process is not None
    while len(identifies) == before and bot.process.returncode is None:  # noqa: ASYNC110 - the gateway has no event for it
        await asyncio.sleep(0.001)
    took = (time.perf_counter() - began) * 1000
    await bot.kill()
    assert len(identifies) > before, bot.log
    return took


async def bench(jobs: int, folder: Path) -> list[Row]:
    """All of it."""
    path = folder / "bot.sqlite3"
    if not path.exists():
        say(f"making {jobs:,} jobs ...")
        fill(path, jobs, time.time(), TOKEN)
    migrate(path)  # it may have been kept from an earlier version
    clear(folder)
    copy = Path(shutil.copyfile(path, folder / "books.sqlite3"))
    for name in ("empty", "full"):
        (folder / name).mkdir()
    try:
        return [
            *await measure_books(copy),
            Row.of_time("start to IDENTIFY, no jobs", await measure_starts(folder / "empty", None), 1500),
            Row.of_time(f"start to IDENTIFY, {jobs:,} jobs", await measure_starts(folder / "full", path), 1500),
        ]
    finally:
        clear(folder)


def clear(folder: Path) -> None:
    """What a run leaves behind, or one that was killed."""
    for one in folder.glob("books.sqlite3*"):
        one.unlink()
    for name in ("empty", "full"):
        shutil.rmtree(folder / name, ignore_errors=True)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the command's answer


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench_books", description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument(
        "--data", type=Path, default=None, help="a folder in which the database is made, or kept from before"
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        rows = asyncio.run(bench(chosen.jobs, chosen.data or Path(temporary)))
    load = os.getloadavg()[0]
    say(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}")
    for row in rows:
        say(f"{'ok  ' if row.reached else 'NOT '} {row.name:50} {row.measured:45} wanted: {row.wanted}")
    return 0 if all(row.reached for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
