"""Beside the tree of edits, in SQLite: where results stand, which were deleted, and whose pictures are their own."""

import sqlite3
from collections.abc import Callable, Collection, Sequence

from bot.adapters.sqlite_connection import Database

DELETED_JOB = "UPDATE jobs SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL"
NOT_DELETED_JOB = "UPDATE jobs SET deleted_at = NULL WHERE id = ? AND deleted_at = ?"
DELETED = "UPDATE jobs SET deleted_at = ? WHERE message_id = ? AND deleted_at IS NULL"
JOB_OF = """
    SELECT id FROM jobs INDEXED BY jobs_by_message WHERE message_id = :message
    UNION ALL SELECT job_id FROM copies INDEXED BY copies_by_message WHERE message_id = :message
"""
ADD_COPY = "INSERT INTO copies VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
COPIES = "SELECT channel_id, message_id FROM copies WHERE job_id = ?"
DROP_COPY = "DELETE FROM copies WHERE message_id = ?"
KEEPER = "SELECT 1 FROM picture_keepers WHERE member_id = ?"


class SqliteTree:
    """Beside the store, over the same database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark_deleted(self, job_id: str, at: float) -> bool:
        """A job's final message was taken away; `at` in unix seconds. Whether this was the first time, which counts.

        A caller that leaves before the answer leaves nothing marked.
        """

        def undo(first: bool) -> Callable[[sqlite3.Connection], None]:  # noqa: FBT001 - what the transaction answered
            """Nobody takes the images away, so they may still be deleted."""

            def work(connection: sqlite3.Connection) -> None:
                if first:
                    connection.execute(NOT_DELETED_JOB, (job_id, at))

            return work

        return await self._database.write(
            lambda connection: connection.execute(DELETED_JOB, (at, job_id)).rowcount == 1, undo
        )

    async def mark_messages_deleted(self, message_ids: Sequence[int], at: float) -> list[str]:
        """Messages that people deleted: a job's final one, or a copy; other messages do no harm.

        Returns the ids of the jobs whose images are deleted by this.
        """

        def work(connection: sqlite3.Connection) -> list[str]:
            deleted = list[str]()
            for message_id in message_ids:
                for (job_id,) in connection.execute(JOB_OF, {"message": message_id}).fetchall():
                    if connection.execute(DELETED, (at, message_id)).rowcount == 1:
                        deleted.append(job_id)
                    connection.execute(DROP_COPY, (message_id,))
            return deleted

        return await self._database.write_along(work)

    async def add_copy(self, job_id: str, channel_id: int, message_id: int) -> None:
        """A job's images stand in one more message."""
        values = (job_id, channel_id, message_id)
        await self._database.write(lambda connection: connection.execute(ADD_COPY, values) and None)

    async def copies(self, job_id: str) -> list[tuple[int, int]]:
        """Channel id and message id of each copy that was not deleted yet."""
        return [(row[0], row[1]) for row in await self._database.read(COPIES, (job_id,))]

    async def keepers(self, member_ids: Collection[int]) -> frozenset[int]:
        """Those of these members who let nobody else edit the pictures that they post."""
        return frozenset([one for one in member_ids if await self._database.read(KEEPER, (one,))])
