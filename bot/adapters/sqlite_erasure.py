"""Forgetting: a person or a server goes out of the database, and the books stay what they were."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.adapters.persons import Persons
from bot.adapters.sealing import Seal
from bot.adapters.sqlite_connection import Database
from bot.adapters.sqlite_rows import from_row, to_row
from bot.adapters.sqlite_store import UPDATE_JOB
from bot.domain.job import Job, State

BATCH = 200
"""Jobs in one transaction: orders wait no longer for it than for a group of theirs."""
WANT_ERASURE = "INSERT INTO erasures VALUES (?, ?) ON CONFLICT DO NOTHING"
ERASURES = "SELECT member_id FROM erasures ORDER BY wanted_at"
ERASURE_DONE = "DELETE FROM erasures WHERE member_id = ?"
JOBS_OF_MEMBER = "SELECT * FROM jobs INDEXED BY jobs_of_member WHERE member_id = ? ORDER BY number DESC LIMIT ?"
ENDED_OF_MEMBER = """
    SELECT * FROM jobs INDEXED BY jobs_of_member
    WHERE member_id = ? AND told = 1 AND erased_at IS NULL LIMIT ?
"""
LEFT_OF_MEMBER = "SELECT count(*) FROM jobs INDEXED BY jobs_of_member WHERE member_id = ? AND erased_at IS NULL"
ENDED_OF_SCOPE = (
    "SELECT * FROM jobs INDEXED BY jobs_of_scope WHERE scope = ? AND told = 1 AND erased_at IS NULL LIMIT ?"
)
ENDED_BEFORE = """
    SELECT * FROM jobs INDEXED BY jobs_by_age WHERE created_at < ? AND told = 1 AND erased_at IS NULL LIMIT ?
"""
ERASED = "UPDATE jobs SET erased_at = ?, member_id = ?, posted_in = NULL WHERE id = ?"
DROP_COPIES = "DELETE FROM copies WHERE job_id = ?"
CREDITS_OF_JOB = "SELECT coalesce(sum(credits), 0), day FROM ledger WHERE job_id = ? AND book = 'customer' GROUP BY day"
UNNAME_ENTRIES = "UPDATE ledger SET member_id = ? WHERE job_id = ?"
TAKE_SPENDING = "UPDATE spending SET credits = credits - ? WHERE account = ? AND period = ?"
DROP_SPENDING = "DELETE FROM spending WHERE account = ? AND period = ? AND credits = 0"
ADD_SPENDING = """
    INSERT INTO spending VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET credits = credits + excluded.credits
"""
COUNTED = ("delivered", "images", "credits", "seconds", "failed", "cancelled")
UNNAME_USAGE = f"""
    INSERT INTO usage SELECT scope, day, ?, model, {", ".join(COUNTED)} FROM usage WHERE member_id = ?
    ON CONFLICT DO UPDATE SET {", ".join(f"{name} = usage.{name} + excluded.{name}" for name in COUNTED)}
"""  # noqa: S608 - column names of ours
UNNAME_REFUSALS = """
    INSERT INTO refusals SELECT scope, day, ?, code, times FROM refusals WHERE member_id = ?
    ON CONFLICT DO UPDATE SET times = refusals.times + excluded.times
"""
OF_MEMBER = (
    (UNNAME_USAGE, "DELETE FROM usage WHERE member_id = ?"),
    (UNNAME_REFUSALS, "DELETE FROM refusals WHERE member_id = ?"),
)
UNNAME_REST = (
    "UPDATE member_acts INDEXED BY member_acts_of_person SET member_id = ?, reason = '' WHERE member_id = ?",
    "UPDATE member_acts INDEXED BY member_acts_done SET done_by = ? WHERE done_by = ?",
    "UPDATE rules SET changed_by = ? WHERE changed_by = ?",
    "UPDATE jobs INDEXED BY jobs_answered_by SET approval_by = ? WHERE approval_by = ?",
    "UPDATE word_changes SET changed_by = ? WHERE changed_by = ?",
)
"""Blocks, strikes and changes of settings hold on, by the stand-in."""
DROP_OF_MEMBER = tuple(
    f"DELETE FROM {table} WHERE member_id = ?"  # noqa: S608 - tables of ours
    for table in ("baskets", "preferences", "picture_keepers")
)
"""Rows that go with their member."""
COMPACT_PROMPTS = (
    "INSERT INTO prompts (prompts) VALUES ('optimize')"  # a full-text index keeps deleted words until then
)
FACTS_OF_MEMBER = {
    "blocks_strikes_and_grants": "SELECT * FROM member_acts INDEXED BY member_acts_of_person WHERE member_id = ?",
    "preferences": "SELECT * FROM preferences WHERE member_id = ?",
    "picture_keepers": "SELECT * FROM picture_keepers WHERE member_id = ?",
    "usage": "SELECT * FROM usage INDEXED BY usage_of_member WHERE member_id = ?",
    "refusals": "SELECT * FROM refusals INDEXED BY refusals_of_member WHERE member_id = ?",
}
OLD_COUNTS = ("DELETE FROM refusals WHERE day < ?", "DELETE FROM usage WHERE day < ?")
OF_SCOPE = tuple(
    f"DELETE FROM {table} WHERE scope = ?"  # noqa: S608 - tables of ours
    for table in ("usage", "refusals", "rules", "words", "word_changes", "member_acts", "baskets")
)


class SqliteErasure:
    """Who asked to be forgotten, and the forgetting itself."""

    def __init__(self, database: Database, seal: Seal, persons: Persons) -> None:
        self._database = database
        self._seal = seal
        self._persons = persons

    async def want(self, member_id: int, at: float) -> None:
        """A member asked; asking twice changes nothing."""
        await self._database.write(lambda connection: connection.execute(WANT_ERASURE, (member_id, at)) and None)

    async def wanted(self) -> list[int]:
        """Members who asked and are not forgotten yet, in the order in which they asked."""
        return [row[0] for row in await self._database.read(ERASURES)]

    async def jobs_of(self, member_id: int, most: int) -> list[Job]:
        """Everything they ordered anywhere, the newest first."""
        rows = await self._database.read(JOBS_OF_MEMBER, (member_id, most))
        return [from_row(row, self._seal) for row in rows]

    async def facts_of(self, member_id: int) -> dict[str, list[dict[str, Any]]]:
        """What other tables hold about them, by table."""
        return {
            table: [dict(row) for row in await self._database.read(sql, (member_id,))]
            for table, sql in FACTS_OF_MEMBER.items()
        }

    async def erase_member(self, member_id: int, at: float) -> Sequence[str]:
        """Forget up to a batch of ended jobs, with their books' names; returns their ids, none when none is left."""
        return await self._batch(ENDED_OF_MEMBER, member_id, at)

    async def finish_member(self, member_id: int) -> bool:
        """Forget what else names them, once no job does; False while one is on its way."""
        stand_in = self._persons.stand_in(member_id)

        def work(connection: sqlite3.Connection) -> bool:
            if connection.execute(LEFT_OF_MEMBER, (member_id,)).fetchone()[0]:
                return False
            for add_to_stand_in, drop in OF_MEMBER:
                connection.execute(add_to_stand_in, (stand_in, member_id))
                connection.execute(drop, (member_id,))
            for sql in UNNAME_REST:
                connection.execute(sql, (stand_in, member_id))
            for sql in DROP_OF_MEMBER:
                connection.execute(sql, (member_id,))
            connection.execute(COMPACT_PROMPTS)
            connection.execute(ERASURE_DONE, (member_id,))
            return True

        return await self._database.write(work)

    async def erase_scope(self, scope: str, at: float) -> Sequence[str]:
        """The same of a server's jobs."""
        return await self._batch(ENDED_OF_SCOPE, scope, at)

    async def finish_scope(self, scope: str) -> None:
        """Forget what else a server left."""

        def work(connection: sqlite3.Connection) -> None:
            for sql in OF_SCOPE:
                connection.execute(sql, (scope,))

        await self._database.write(work)

    async def erase_before(self, moment: float, at: float) -> Sequence[str]:
        """Forget jobs ordered before then (unix seconds)."""
        return await self._batch(ENDED_BEFORE, moment, at)

    async def drop_counts(self, day: str) -> None:
        """Drop what was counted before that UTC day."""
        await self._database.write(lambda connection: [connection.execute(sql, (day,)) for sql in OLD_COUNTS] and None)

    async def _batch(self, sql: str, key: object, at: float) -> Sequence[str]:
        def work(connection: sqlite3.Connection) -> Sequence[str]:
            jobs = [from_row(row, self._seal) for row in connection.execute(sql, (key, BATCH))]
            for job in jobs:
                self._erase(connection, job, at)
            return [job.id for job in jobs]

        return await self._database.write(work)

    def _erase(self, connection: sqlite3.Connection, job: Job, at: float) -> None:
        member, scope = job.order.member_id, job.order.scope
        stand_in = self._persons.stand_in(member) if member > 0 else member
        connection.execute(UPDATE_JOB, to_row(_nameless(job, stand_in), self._seal))
        connection.execute(ERASED, (at, stand_in, job.id))
        connection.execute(DROP_COPIES, (job.id,))
        if stand_in == member:
            return
        for credit, day in connection.execute(CREDITS_OF_JOB, (job.id,)).fetchall():
            connection.execute(TAKE_SPENDING, (credit, f"member:{scope}:{member}", day))
            connection.execute(DROP_SPENDING, (f"member:{scope}:{member}", day))
            connection.execute(ADD_SPENDING, (f"member:{scope}:{stand_in}", day, credit))
        connection.execute(UNNAME_ENTRIES, (stand_in, job.id))


def _nameless(job: Job, stand_in: int) -> Job:
    """The job without its words, pictures and person; what the audit needs stays."""
    words = {"prompt", "image_urls"}
    return replace(
        job,
        order=replace(job.order, member_id=stand_in, prompt="", caption=None, references=(), message_id=None),
        request=replace(
            job.request, arguments={name: value for name, value in job.request.arguments.items() if name not in words}
        ),
        reply=None,
        approval=None,
        error=None if job.approval is not None and job.state is State.FAILED else job.error,  # a moderator's reason
        ticket=None,
        pictures=tuple(replace(one, url="") for one in job.pictures),
    )
