"""The Timings port over the same database: times that fal took, and turns read from the jobs themselves."""

import sqlite3

from bot.adapters.sqlite_connection import Database
from bot.domain.eta import Kind
from bot.domain.turns import Turn

TURNS = 5000
"""Turns that are read back. Who waited longer ago than that is at most one order off its place."""
TURNS_GIVEN = """
    SELECT scope, member_id, credits, coalesce(approval_at, created_at) AS created_at, submitted_at FROM jobs INDEXED BY jobs_by_submission
    WHERE submitted_at IS NOT NULL ORDER BY submitted_at DESC LIMIT ?
"""
ALL_TIMES = "SELECT * FROM timings ORDER BY number"  # a few dozen kinds, 50 of each at most
ADD_TIME = """
    INSERT INTO timings (endpoint, resolution, images, seconds) VALUES (:endpoint, :resolution, :images, :seconds)
"""


class SqliteTimings:
    """What the line goes on from."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def turns(self) -> list[Turn]:
        """The turns given lately, the oldest first."""
        rows = await self._database.read(TURNS_GIVEN, (TURNS,))
        return [
            Turn(
                scope=row["scope"],
                member_id=row["member_id"],
                credits=row["credits"],
                created_at=row["created_at"],
                at=row["submitted_at"],
            )
            for row in reversed(rows)
        ]

    async def times(self) -> list[tuple[Kind, float]]:
        """Seconds that requests took lately, the oldest first."""
        rows = await self._database.read(ALL_TIMES)
        return [
            (Kind(endpoint=row["endpoint"], resolution=row["resolution"], images=row["images"]), row["seconds"])
            for row in rows
        ]

    def keep(self, kind: Kind, seconds: float) -> None:
        """Keep one more."""
        row = {"endpoint": kind.endpoint, "resolution": kind.resolution, "images": kind.images, "seconds": seconds}

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(ADD_TIME, row)

        self._database.write_for_nobody(work)
