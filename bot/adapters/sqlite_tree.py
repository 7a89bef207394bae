"""The tree of edits in SQLite: what was made of an image, what was deleted, and whose pictures are their own."""

import sqlite3
from collections.abc import Collection, Sequence

from bot.adapters.sealing import Seal
from bot.adapters.sqlite_connection import Database
from bot.adapters.sqlite_rows import from_row
from bot.domain.job import Job

CHILDREN = """
    SELECT * FROM jobs INDEXED BY jobs_of_parent WHERE parent_id = ? ORDER BY number LIMIT ?
"""
DELETED_JOB = "UPDATE jobs SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL"
DELETED = "UPDATE jobs SET deleted_at = ? WHERE message_id = ? AND deleted_at IS NULL"
KEEPER = "SELECT 1 FROM picture_keepers WHERE member_id = ?"
ADD_KEEPER = "INSERT OR IGNORE INTO picture_keepers VALUES (?)"
DROP_KEEPER = "DELETE FROM picture_keepers WHERE member_id = ?"
RESULT = "SELECT 1 FROM jobs INDEXED BY jobs_by_message WHERE message_id = ?"


class SqliteTree:
    """Beside the store, over the same database."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    async def children(self, job_id: str, most: int) -> list[Job]:
        """What was made of a job's images, the oldest first."""
        return [from_row(row, self._seal) for row in await self._database.read(CHILDREN, (job_id, most))]

    async def mark_deleted(self, job_id: str, at: float) -> None:
        """A job's final message was taken away; `at` in unix seconds. The first time counts."""
        await self._database.write(lambda connection: connection.execute(DELETED_JOB, (at, job_id)) and None)

    async def mark_messages_deleted(self, message_ids: Sequence[int], at: float) -> None:
        """Final messages of jobs that people deleted; other messages do no harm."""
        known = [one for one in message_ids if await self._is_result(one)]
        if not known:
            return

        def work(connection: sqlite3.Connection) -> None:
            for message_id in known:
                connection.execute(DELETED, (at, message_id))

        await self._database.write(work)

    async def keepers(self, member_ids: Collection[int]) -> frozenset[int]:
        """Those of these members who let nobody else edit the pictures that they post."""
        return frozenset([one for one in member_ids if await self._database.read(KEEPER, (one,))])

    async def set_keeper(self, member_id: int, *, keeps: bool) -> None:
        """Whether this member's pictures are their own."""
        change = ADD_KEEPER if keeps else DROP_KEEPER
        await self._database.write(lambda connection: connection.execute(change, (member_id,)) and None)

    async def _is_result(self, message_id: int) -> bool:
        """Most deleted messages are other people's; a look is cheaper than a write."""
        return bool(await self._database.read(RESULT, (message_id,)))
