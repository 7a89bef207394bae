"""What was used, from the sums that triggers keep: no job is read for it."""

import asyncio
import logging
import sqlite3
from datetime import UTC, datetime, timedelta

from bot.adapters.sqlite_connection import Database
from bot.domain.ledger import day_of, month_of
from bot.domain.usage import COLUMNS, Usage, UsageRow

_log = logging.getLogger(__name__)

COUNT_PATIENCE = 0.5
"""Seconds. Discord wants its first answer within three."""
USAGE_OF_SCOPE = "SELECT * FROM usage WHERE scope = ? AND day BETWEEN ? AND ? ORDER BY day"
USAGE_OF_MEMBER = """
    SELECT * FROM usage INDEXED BY usage_of_member WHERE member_id = ? AND day BETWEEN ? AND ? AND scope = ? ORDER BY day
"""
REFUSALS_OF_SCOPE = """
    SELECT code, sum(times) AS times FROM refusals WHERE scope = ? AND day BETWEEN ? AND ? GROUP BY code
"""
REFUSALS_OF_MEMBER = """
    SELECT code, sum(times) AS times FROM refusals INDEXED BY refusals_of_member
    WHERE member_id = ? AND day BETWEEN ? AND ? AND scope = ? GROUP BY code
"""
COUNT_REFUSAL = """
    INSERT INTO refusals (scope, day, member_id, code, times) VALUES (?, ?, ?, ?, 1)
    ON CONFLICT DO UPDATE SET times = times + 1
"""
OPERATORS_DAYS = "SELECT period, credits FROM spending WHERE account = 'operator' AND period BETWEEN ? AND ?"
OPERATORS_MONTH = "SELECT credits FROM spending WHERE account = 'operator' AND period = ?"


class SqliteUsage:
    """Sums by member, model and day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_server(self, scope: str, now: float, days: int) -> Usage:
        """The last `days` UTC days of a server, today included."""
        since, until = _window(now, days)
        rows = await self._database.read(USAGE_OF_SCOPE, (scope, since, until))
        refused = await self._database.read(REFUSALS_OF_SCOPE, (scope, since, until))
        return _usage(since, until, rows, refused)

    async def of_member(self, scope: str, member_id: int, now: float, days: int) -> Usage:
        """The same of one member there."""
        since, until = _window(now, days)
        rows = await self._database.read(USAGE_OF_MEMBER, (member_id, since, until, scope))
        refused = await self._database.read(REFUSALS_OF_MEMBER, (member_id, since, until, scope))
        return _usage(since, until, rows, refused)

    async def count_refusal(self, scope: str, member_id: int, code: str, now: float) -> None:
        """The desk said no. What cannot be counted soon is not: somebody waits for the reason."""
        values = (scope, day_of(now), member_id, code)
        try:
            async with asyncio.timeout(COUNT_PATIENCE):
                await self._database.write(lambda connection: connection.execute(COUNT_REFUSAL, values) and None)
        except (TimeoutError, sqlite3.OperationalError) as error:
            _log.warning("a refusal was not counted (%s)", type(error).__name__)

    async def operators_month(self, now: float) -> tuple[int, list[int]]:
        """The operator's credits of this UTC month, and of each of up to seven whole days before today."""
        rows = await self._database.read(OPERATORS_MONTH, (month_of(now),))
        since, today = _window(now, 8)
        days = await self._database.read(OPERATORS_DAYS, (since, today))
        whole = {row["period"]: row["credits"] for row in days if row["period"] != today}
        if not whole:
            return (rows[0][0] if rows else 0), []
        first = datetime.fromisoformat(min(whole))
        count = (datetime.fromisoformat(today) - first).days
        return (rows[0][0] if rows else 0), [*whole.values(), *[0] * (count - len(whole))]


def _window(now: float, days: int) -> tuple[str, str]:
    today = datetime.fromtimestamp(now, UTC).date()
    return (today - timedelta(days=days - 1)).isoformat(), today.isoformat()


def _usage(since: str, until: str, rows: list[sqlite3.Row], refused: list[sqlite3.Row]) -> Usage:
    return Usage(
        since=since,
        until=until,
        rows=tuple(UsageRow(**{name: row[name] for name in COLUMNS}) for row in rows),
        refusals={row["code"]: row["times"] for row in refused},
    )
