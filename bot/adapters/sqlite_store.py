"""Jobs and books in SQLite."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from bot.adapters.persons import Persons
from bot.adapters.sealing import Seal
from bot.adapters.sqlite_connection import Database
from bot.adapters.sqlite_people import GRANTED, SPENT, granted
from bot.adapters.sqlite_rows import CHANGING, COLUMNS, changes, from_row, to_row
from bot.domain.errors import (
    Allowance,
    DeliveryError,
    OriginalGoneError,
    QuotaExceededError,
    TooManyJobsError,
    packed,
)
from bot.domain.job import NEXT, Job, State, WrongStepError
from bot.domain.ledger import FREE, Closing, Limits, Standing, day_of, month_of, next_day, next_month
from bot.service.ports import Clock

_log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between tries to write a job down."""
INSERT_JOB = f"INSERT INTO jobs ({', '.join(COLUMNS)}) VALUES ({', '.join(':' + name for name in COLUMNS)})"  # noqa: S608 - column names of ours
UPDATE_JOB = f"UPDATE jobs SET {', '.join(f'{name} = :{name}' for name in COLUMNS)} WHERE id = :id"  # noqa: S608 - the same
SAVE_JOB = f"UPDATE jobs SET {', '.join(f'{name} = :{name}' for name in CHANGING)} WHERE id = :id"  # noqa: S608 - the same
ADD_ENTRY = """
    INSERT INTO ledger (job_id, book, kind, credits, scope, member_id, day, at)
    VALUES (:job_id, :book, :kind, :credits, :scope, :member_id, :day, :at)
"""
COUNT_OF_MEMBER = """
    SELECT count(*) FROM jobs INDEXED BY jobs_in_flight
    WHERE scope = ? AND member_id = ? AND state IN ('held', 'submitting', 'queued')
"""
COUNT_OF_SCOPE = """
    SELECT count(*) FROM jobs INDEXED BY jobs_in_flight
    WHERE scope = ? AND state IN ('held', 'submitting', 'queued') AND approval IS NOT 'wanted'
"""  # what waits for a moderator keeps nobody else waiting
WASTED = """
    SELECT coalesce(sum(wasted), 0) FROM jobs INDEXED BY jobs_wasting
    WHERE wasted > 0 AND state IN ('held', 'submitting', 'queued', 'lost')
"""  # first tries that fal may have charged; the ledger learns of them when their jobs end
UNFINISHED = """
    SELECT * FROM jobs INDEXED BY jobs_unfinished
    WHERE state IN ('held', 'submitting', 'queued', 'rendered', 'lost')
        AND (state <> 'rendered' OR error IS NULL) -- what could be posted nowhere waits for its member
    ORDER BY number
"""
UNTOLD = """
    SELECT * FROM jobs INDEXED BY jobs_untold
    WHERE told = 0 AND state IN ('delivered', 'failed', 'cancelled') ORDER BY number
"""
OF_MEMBER = """
    SELECT * FROM jobs INDEXED BY jobs_of_member WHERE member_id = ? AND scope = ? ORDER BY number DESC LIMIT ?
"""
JOB = "SELECT * FROM jobs WHERE id = ? AND erased_at IS NULL"
STATE_OF = "SELECT state FROM jobs WHERE id = ?"
OF_REQUEST = "SELECT 1 FROM jobs WHERE json_extract(ticket_json, '$.request_id') = ? LIMIT 1"
WITH_FILES = """
    SELECT id FROM jobs INDEXED BY jobs_with_files
    WHERE state IN ('rendered', 'delivered') AND rendered_at >= ? ORDER BY rendered_at
"""
BUSY = """
    SELECT id FROM jobs INDEXED BY jobs_unfinished
    WHERE state IN ('held', 'submitting', 'queued', 'rendered', 'lost') AND (state <> 'rendered' OR error IS NULL)
"""
UNFETCHED = """
    SELECT id, rendered_at FROM jobs INDEXED BY jobs_unfinished
    WHERE state IN ('held', 'submitting', 'queued', 'rendered', 'lost')
        AND state = 'rendered' AND json_extract(error, '$.code') = :code
    ORDER BY rendered_at
"""
GIVE_UP = (
    "UPDATE jobs SET error = :gone WHERE id = :id AND state = 'rendered' AND json_extract(error, '$.code') = :code"
)
POSTED_IN = "SELECT posted_in FROM jobs WHERE id = ?"
MARK_POSTED_IN = "UPDATE jobs SET posted_in = ? WHERE id = ?"
NOTE = "SELECT value FROM notes WHERE name = ?"
WRITE_NOTE = "INSERT INTO notes VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"


class SqliteStore:
    """The JobStore port over one database file."""

    def __init__(self, database: Database, seal: Seal, persons: Persons, clock: Clock) -> None:
        self._database = database
        self._seal = seal
        self._persons = persons
        self._clock = clock

    async def hold(self, job: Job, limits: Limits) -> Job:
        """Check every limit, store the job and hold its credits, in one transaction."""
        row = to_row(job, self._seal)
        now = self._clock()

        def work(connection: sqlite3.Connection) -> int:
            _check_flight(connection, job, limits)
            _check_spending(connection, job, limits, self._persons.stand_in(job.order.member_id), now)
            number = connection.execute(INSERT_JOB, row).lastrowid
            for book in ("customer", "operator"):
                _add_entry(connection, job, book, "hold", job.credits, now)
            return number or 0

        def undo(_number: int) -> Callable[[sqlite3.Connection], None]:
            """Nobody heard that it was held: it must not stay held."""
            cancelled = job.to(State.CANCELLED, charged=0, told=True)
            return lambda connection: _save(connection, cancelled, FREE, now)

        return job.but(number=await self._database.write(work, undo))

    async def save(self, job: Job, closing: Closing | None = None) -> None:
        """Store what changed; with a closing also settle or release both books, once. Waits while the disk is full."""
        now = self._clock()
        await self._written(job, lambda connection: _save(connection, job, closing, now))

    async def waste(self, job: Job, credit: int, stop: int) -> bool:
        """Store a job of which so many credits more are wasted, if the operator's month has room for them below `stop`."""
        now = self._clock()

        def work(connection: sqlite3.Connection) -> bool:
            row = connection.execute(SPENT, ("operator", month_of(now))).fetchone()
            wasted = connection.execute(WASTED).fetchone()[0]
            if (row[0] if row else 0) + wasted + credit > stop:
                return False
            _save(connection, job, None, now)
            return True

        return await self._written(job, work)

    async def _written(self, job: Job, work: Callable[[sqlite3.Connection], T]) -> T:
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._database.write(work)
            except sqlite3.OperationalError as error:  # locked or full: what is known of a paid job must not be dropped
                _log.error("job %s: not written down yet (%s)", job.id, error)
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)

    def save_soon(self, job: Job) -> asyncio.Future[None]:
        """Store what changed, unless the process ends first."""
        now = self._clock()
        return self._database.write_for_nobody(lambda connection: _save(connection, job, None, now))

    async def job(self, job_id: str) -> Job | None:
        """The job of that id."""
        rows = await self._database.read(JOB, (job_id,))
        return from_row(rows[0], self._seal) if rows else None

    async def posted_in(self, job_id: str) -> int | None:
        """The channel of a job's final message where it is not the order's."""
        rows = await self._database.read(POSTED_IN, (job_id,))
        return rows[0][0] if rows else None

    async def mark_posted_in(self, job: Job, channel_id: int) -> None:
        """A job's images stand in another channel than the order's."""
        await self._written(job, lambda connection: connection.execute(MARK_POSTED_IN, (channel_id, job.id)) and None)

    async def has_request(self, request_id: str) -> bool:
        """Whether a job of ours holds the receipt of that fal request."""
        return bool(await self._database.read(OF_REQUEST, (request_id,)))

    async def unfinished(self) -> list[Job]:
        """Every job that goes on by itself, in order of arrival."""
        return [from_row(row, self._seal) for row in await self._database.read(UNFINISHED)]

    async def untold(self) -> list[Job]:
        """Ended jobs whose last word was not said yet, in order of arrival."""
        return [from_row(row, self._seal) for row in await self._database.read(UNTOLD)]

    async def of_member(self, scope: str, member_id: int, most: int) -> list[Job]:
        """A member's jobs in one scope, the newest first."""
        rows = await self._database.read(OF_MEMBER, (member_id, scope, most))
        return [from_row(row, self._seal) for row in rows]

    async def with_files(self, since: float) -> list[str]:
        """Ids of the jobs rendered since then (unix seconds), the oldest first."""
        return [row["id"] for row in await self._database.read(WITH_FILES, (since,))]

    async def busy(self) -> list[str]:
        """Ids of the jobs on their way, whose files are still needed."""
        return [row["id"] for row in await self._database.read(BUSY)]

    async def unfetched(self) -> list[tuple[str, float]]:
        """Jobs whose images could be posted nowhere and wait for their member: id and when rendered, the oldest first."""
        rows = await self._database.read(UNFETCHED, {"code": DeliveryError().code})
        return [(row["id"], row["rendered_at"]) for row in rows]

    async def give_up(self, job_id: str) -> None:
        """The images of such a job are gone. One that was fetched meanwhile stays as it is."""
        values = {"id": job_id, "code": DeliveryError().code, "gone": packed(OriginalGoneError())}
        await self._database.write(lambda connection: connection.execute(GIVE_UP, values) and None)

    async def standing(self, scope: str, member_id: int, limits: Limits, now: float) -> Standing:
        """What a member and their server have left."""
        day = day_of(now)
        jobs = await self._database.read(COUNT_OF_MEMBER, (scope, member_id))
        member = await self._database.read(SPENT, (f"member:{scope}:{member_id}", day))
        forgotten = await self._database.read(SPENT, (f"member:{scope}:{self._persons.stand_in(member_id)}", day))
        extra = (await self._database.read(GRANTED, (scope, member_id, self._persons.stand_in(member_id), day)))[0][0]
        server = await self._database.read(SPENT, (f"scope:{scope}", day))
        month = await self._database.read(SPENT, (f"scope:{scope}", month_of(now)))
        return Standing(
            member_limit=limits.member_day + extra,
            member_left=max(0, limits.member_day + extra - sum(row[0] for row in (*member, *forgotten))),
            server_limit=limits.server_day,
            server_left=max(0, limits.server_day - (server[0][0] if server else 0)),
            jobs=jobs[0][0],
            renews_at=next_day(now),
            server_month_limit=limits.server_month,
            server_month_left=max(0, (limits.server_month or 0) - (month[0][0] if month else 0)),
        )

    async def note(self, name: str) -> str | None:
        """A small fact of the bot itself."""
        rows = await self._database.read(NOTE, (name,))
        return rows[0][0] if rows else None

    async def write_note(self, name: str, value: str) -> None:
        """Keep a small fact."""
        await self._database.write(lambda connection: connection.execute(WRITE_NOTE, (name, value)) and None)


def _check_flight(connection: sqlite3.Connection, job: Job, limits: Limits) -> None:
    of_member = connection.execute(COUNT_OF_MEMBER, (job.order.scope, job.order.member_id)).fetchone()[0]
    if of_member >= limits.member_jobs:
        raise TooManyJobsError(of_member=True, limit=limits.member_jobs)
    of_scope = connection.execute(COUNT_OF_SCOPE, (job.order.scope,)).fetchone()[0]
    if of_scope >= limits.server_jobs:
        raise TooManyJobsError(of_member=False, limit=limits.server_jobs)


def _check_spending(connection: sqlite3.Connection, job: Job, limits: Limits, stand_in: int, now: float) -> None:
    day, month = day_of(job.created_at), month_of(job.created_at)
    scope, member = job.order.scope, job.order.member_id
    member_day = limits.member_day + granted(connection, scope, (member, stand_in), day)
    checks = (
        (Allowance.MEMBER_DAY, f"member:{scope}:{member}", day, member_day, next_day(now)),
        (Allowance.SERVER_DAY, f"scope:{scope}", day, limits.server_day, next_day(now)),
        (Allowance.OPERATOR_MONTH, "operator", month, limits.operator_month, next_month(now)),
        (Allowance.SERVER_MONTH, f"scope:{scope}", month, limits.server_month, next_month(now)),
    )
    for allowance, account, period, limit, renews_at in checks:
        if limit is None:
            continue
        row = connection.execute(SPENT, (account, period)).fetchone()
        left = limit - (row[0] if row else 0)
        if allowance is Allowance.MEMBER_DAY:  # what was spent by whoever was forgotten today, too
            left -= sum(one[0] for one in connection.execute(SPENT, (f"member:{scope}:{stand_in}", day)))
        if allowance is Allowance.OPERATOR_MONTH:
            left -= connection.execute(WASTED).fetchone()[0]
        if job.credits > left:
            raise QuotaExceededError(allowance=allowance, left=max(0, left), wanted=job.credits, renews_at=renews_at)


def _save(connection: sqlite3.Connection, job: Job, closing: Closing | None, now: float) -> None:
    stored = connection.execute(STATE_OF, (job.id,)).fetchone()
    if stored is None or (stored[0] != job.state and job.state not in NEXT[State(stored[0])]):
        raise WrongStepError(f"job {job.id}: stored as {stored and stored[0]}, saved as {job.state}")
    connection.execute(SAVE_JOB, changes(job))
    if closing is None:
        return
    for book, final in (("customer", closing.customer), ("operator", closing.operator)):
        kind = "settle" if final else "release"
        _add_entry(connection, job, book, kind, final - job.credits, now)


def _add_entry(connection: sqlite3.Connection, job: Job, book: str, kind: str, credit: int, now: float) -> None:
    entry = {"job_id": job.id, "book": book, "kind": kind, "credits": credit, "at": now}
    place = {"scope": job.order.scope, "member_id": job.order.member_id, "day": day_of(job.created_at)}
    connection.execute(ADD_ENTRY, entry | place)
