"""One SQLite file, one writer, one reader: what waits for either goes to its thread together, in one hop.

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
"""The most that goes in one hop, and so in one commit; it bounds how long the last one waits."""
READS = 16
"""The same of reads: a short one waits for the long ones in its group."""
SOON = 0.5
"""Seconds until what is in no hurry is written at the latest."""
UNDO_AGAIN = 1.0
"""Seconds. Until it is undone, credits are held for an order that its member was told is none."""
BUSY_MS = 5000


@dataclass(slots=True)
class _Waiting:
    """What waits for its turn, and who waits for it."""

    work: Work[Any]
    answer: asyncio.Future[Any]
    undo: Callable[[Any], Work[None]] | None = None


class Database:
    """An open database. Create it with `Database.open`, leave it with `close`."""

    def __init__(self, writer: aiosqlite.Connection, reader: aiosqlite.Connection, soon: float) -> None:
        self._writer = _Line(writer, _run_group, GROUP, self._take_back, soon)
        self._reader = _Line(reader, _run_all, READS, self._take_back, soon)

    @classmethod
    async def open(cls, path: Path, *, soon: float = SOON) -> "Database":
        """Open a migrated file. `soon`: seconds that a write may wait which is in no hurry. Raises sqlite3.Error."""
        writer = await _connect(path)
        reader = await _connect(path)
        await reader.execute("PRAGMA query_only = ON")
        return cls(writer, reader, soon)

    async def write(self, work: Work[T], undo: Callable[[T], Work[None]] | None = None) -> T:
        """Run a transaction; its exceptions undo it alone and are raised here.

        `undo` makes the transaction that takes it back when the caller was gone before the answer came.
        """
        one = self._writer.ask(work, undo)
        try:
            return await one.answer
        except asyncio.CancelledError:
            if one.answer.done() and not one.answer.cancelled() and one.answer.exception() is None:
                self._take_back(one, one.answer.result())  # answered in the moment that its caller left
            raise

    async def write_along(self, work: Work[T]) -> T:
        """Run a transaction that is in no hurry: in the commit of the next one, or soon; also when its caller has left.

        Only for speed: a commit of its own takes 0.7 ms of CPU.
        """
        return await asyncio.shield(self._writer.ask(work, hurry=False).answer)

    def write_for_nobody(self, work: Work[None]) -> asyncio.Future[None]:
        """The same, whether or not anybody waits for it: to cancel it is not to be tried."""
        one = _Waiting(work, _nobody())
        self._writer.put(one, hurry=False)
        return one.answer

    async def read(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        given: Any = parameters if isinstance(parameters, Mapping) else tuple(parameters)
        return await self._reader.ask(lambda connection: connection.execute(sql, given).fetchall()).answer

    async def close(self) -> None:
        """Finish what waits, then close both connections."""
        await self._reader.close()
        await self._writer.close()

    def _take_back(self, one: _Waiting, result: object) -> None:
        """Nobody heard the answer: undo what was written, as often as it takes."""
        if one.undo is None:
            return

        def undone(done: asyncio.Future[Any]) -> None:
            if done.exception() is not None and not self._writer.closing:
                asyncio.get_running_loop().call_later(UNDO_AGAIN, self._take_back, one, result)

        answer = _nobody()
        answer.add_done_callback(undone)
        self._writer.put(_Waiting(one.undo(result), answer))


class _Line:
    """One connection, and what waits for it."""

    def __init__(
        self,
        connection: aiosqlite.Connection,
        run: Callable[[sqlite3.Connection, Sequence[Work[Any]]], "list[_Outcome]"],
        most: int,
        unheard: Callable[[_Waiting, object], None],
        soon: float,
    ) -> None:
        """`run` takes a group of `most` at most, in the connection's thread.

        `unheard`: something was done, and who waited for it is gone. `soon`: seconds that what is in no hurry may wait.
        """
        self._connection = connection
        self._run = run
        self._most = most
        self._unheard = unheard
        self._soon = soon
        self._waiting: list[_Waiting] = []
        self._somebody, self._hurry = asyncio.Event(), asyncio.Event()
        self.closing = False
        # The one task of this object; close() ends and awaits it.
        self._task = asyncio.create_task(self._run_groups(), name="sqlite")

    def ask(self, work: Work[Any], undo: Callable[[Any], Work[None]] | None = None, *, hurry: bool = True) -> _Waiting:
        """Have it done. Raises sqlite3.ProgrammingError once closed."""
        if self.closing:
            raise sqlite3.ProgrammingError("the database is closed")
        one = _Waiting(work, asyncio.get_running_loop().create_future(), undo)
        self.put(one, hurry=hurry)
        return one

    def put(self, one: _Waiting, *, hurry: bool = True) -> None:
        """Let it wait for the next group; what comes too late for all of them is told so."""
        if self._task.done():
            one.answer.set_exception(sqlite3.ProgrammingError("the database is closed"))
            return
        self._waiting.append(one)
        self._go(hurry=hurry)

    def _go(self, *, hurry: bool) -> None:
        self._somebody.set()
        if hurry:
            self._hurry.set()

    async def close(self) -> None:
        """Finish what waits, then close the connection."""
        self.closing = True
        self._go(hurry=True)
        await self._task
        await self._connection.close()

    async def _run_groups(self) -> None:
        while self._waiting or not self.closing:
            await self._somebody.wait()
            if not self._hurry.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._soon):
                        await self._hurry.wait()
            self._somebody.clear()
            self._hurry.clear()
            group = [one for one in self._waiting[: self._most] if not one.answer.done()]
            del self._waiting[: self._most]
            if self._waiting:
                self._go(hurry=True)
            if not group:
                continue
            try:
                outcomes = await _in_thread(self._connection, self._run, [one.work for one in group])
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
            self._unheard(one, outcome.result)


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
    outcome = _outcome(connection, work)
    if outcome.error is not None:
        connection.execute("ROLLBACK TO one")
    connection.execute("RELEASE one")
    return outcome


def _run_all(connection: sqlite3.Connection, works: Sequence[Work[Any]]) -> list[_Outcome]:
    return [_outcome(connection, work) for work in works]


def _outcome(connection: sqlite3.Connection, work: Work[Any]) -> _Outcome:
    try:
        return _Outcome(result=work(connection))
    except Exception as error:  # noqa: BLE001 - the boundary of one caller's work: it alone is told
        return _Outcome(error=error)


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
    # Temporary files in memory only for speed: there is one in each larger transaction, 0.45 ms of CPU an order.
    for pragma in (f"busy_timeout = {BUSY_MS}", "foreign_keys = ON", "synchronous = FULL", "temp_store = MEMORY"):
        await connection.execute(f"PRAGMA {pragma}")
    return connection
