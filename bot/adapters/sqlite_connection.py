"""One SQLite file, one writer, one reader: whole transactions in one hop, many waiting writers in one commit.

Why not a statement at a time: every aiosqlite call is a hop to its thread and every commit is a sync to disk. A
transaction per hop answers some 1,500 holds a second with synchronous=FULL on two cores, a group of waiting
transactions per commit some 20,000.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

_log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

GROUP = 500
"""The most transactions in one commit; it bounds how long the last one waits."""
SOON = 0.1
"""Seconds until what nobody waits for is written at the latest."""
UNDO_AGAIN = 1.0
"""Seconds. Until it is undone, credits are held for an order that its member was told is none."""
BUSY_MS = 5000


@dataclass(slots=True)
class _Waiting:
    """One transaction waiting for its turn, and who waits for it."""

    work: Work[Any]
    undo: Callable[[Any], Work[None]] | None
    answer: asyncio.Future[Any]


class Database:
    """An open database. Create it with `Database.open`, leave it with `close`."""

    def __init__(self, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self._writer = writer
        self._reader = reader
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._closing = False
        # The one task of this object; close() ends and awaits it.
        self._task = asyncio.create_task(self._write_groups(), name="sqlite-writer")

    @classmethod
    async def open(cls, path: Path) -> "Database":
        """Open a migrated file. Raises sqlite3.Error."""
        writer = await _connect(path)
        reader = await _connect(path)
        await reader.execute("PRAGMA query_only = ON")
        return cls(writer, reader)

    async def write(self, work: Work[T], undo: Callable[[T], Work[None]] | None = None) -> T:
        """Run a transaction; its exceptions undo it alone and are raised here.

        `undo` makes the transaction that takes it back when the caller was gone before the answer came.
        """
        if self._closing:
            raise sqlite3.ProgrammingError("the database is closed")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        one = _Waiting(work, undo, answer)
        self._waiting.append(one)
        self._wake.set()
        try:
            return await answer
        except asyncio.CancelledError:
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                self._take_back(one, answer.result())  # answered in the moment that its caller left
            raise

    def write_along(self, work: Work[None]) -> None:
        """Run a transaction in the commit of the next one, or soon; nobody waits for it.

        Only for speed: a commit of its own takes 0.7 ms of CPU.
        """
        self._waiting.append(_Waiting(work, None, _nobody()))
        asyncio.get_running_loop().call_later(SOON, self._wake.set)

    async def read(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        given: Any = parameters if isinstance(parameters, Mapping) else tuple(parameters)
        return list(await self._reader.execute_fetchall(sql, given))

    async def close(self) -> None:
        """Finish what waits, then close both connections."""
        self._closing = True
        self._wake.set()
        await self._task
        await self._reader.close()
        await self._writer.close()

    async def _write_groups(self) -> None:
        while self._waiting or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                group = [one for one in self._waiting[:GROUP] if not one.answer.done()]
                del self._waiting[:GROUP]
                try:
                    outcomes = await _in_thread(self._writer, _run_group, [one.work for one in group])
                except Exception as error:  # noqa: BLE001 - begin or commit failed: none happened, and each is told
                    outcomes = [_Outcome(error=error)] * len(group)
                for one, outcome in zip(group, outcomes, strict=True):
                    self._answer(one, outcome)

    def _answer(self, one: _Waiting, outcome: "_Outcome") -> None:
        if not one.answer.done():
            if outcome.error is None:
                one.answer.set_result(outcome.result)
            else:
                one.answer.set_exception(outcome.error)
        elif outcome.error is None:
            self._take_back(one, outcome.result)

    def _take_back(self, one: _Waiting, result: object) -> None:
        """Nobody heard the answer: undo what was written, as often as it takes."""
        if one.undo is None:
            return

        def undone(done: asyncio.Future[Any]) -> None:
            if done.exception() is not None and not self._closing:
                asyncio.get_running_loop().call_later(UNDO_AGAIN, self._take_back, one, result)

        answer = _nobody()
        answer.add_done_callback(undone)
        self._waiting.append(_Waiting(one.undo(result), None, answer))
        self._wake.set()


@dataclass(frozen=True, slots=True)
class _Outcome:
    result: Any = None
    error: Exception | None = None


def _nobody() -> asyncio.Future[Any]:
    """Goes on whatever comes of it."""

    def heard(done: asyncio.Future[Any]) -> None:
        if (error := done.exception()) is not None:
            _log.warning("what nobody waits for was not written (%s)", error)

    nobody: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    nobody.add_done_callback(heard)
    return nobody


def _run_group(connection: sqlite3.Connection, works: Sequence[Work[Any]]) -> list[_Outcome]:
    """Run each transaction behind a savepoint of its own, all in one commit."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        outcomes = [_run_one(connection, work) for work in works]
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    return outcomes


def _run_one(connection: sqlite3.Connection, work: Work[Any]) -> _Outcome:
    connection.execute("SAVEPOINT one")
    try:
        result = work(connection)
    except Exception as error:  # noqa: BLE001 - the boundary of one transaction: it is undone and its caller told
        connection.execute("ROLLBACK TO one")
        connection.execute("RELEASE one")
        return _Outcome(error=error)
    connection.execute("RELEASE one")
    return _Outcome(result=result)


async def _in_thread(connection: aiosqlite.Connection, function: Callable[..., T], *arguments: object) -> T:
    """Run a function with the raw connection in aiosqlite's own thread.

    aiosqlite has no public call for this; the version is pinned and a test holds the two private names.
    """
    raw = connection._conn  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - see above
    run: Callable[..., Any] = connection._execute  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType, reportUnknownVariableType] - see above
    return await run(function, raw, *arguments)


async def _connect(path: Path) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)
    connection.row_factory = sqlite3.Row
    for pragma in (f"busy_timeout = {BUSY_MS}", "foreign_keys = ON", "synchronous = FULL"):
        await connection.execute(f"PRAGMA {pragma}")
    return connection
