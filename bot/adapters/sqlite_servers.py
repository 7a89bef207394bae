"""Servers, their caps and the operator's notices, in the same database: written by the bot and by the command line."""

import json
import sqlite3
from collections.abc import Collection

from bot.adapters.sqlite_connection import Database
from bot.domain.ledger import month_of
from bot.domain.purse import Server

SERVER = "SELECT * FROM servers WHERE guild_id = ?"
SOME = "SELECT * FROM servers WHERE guild_id IN (SELECT value FROM json_each(?))"
SERVERS_WITH_MONTH = """
    SELECT servers.*, coalesce(spending.credits, 0) AS spent
    FROM servers LEFT JOIN spending ON spending.account = 'scope:guild:' || guild_id AND spending.period = ?
    ORDER BY spent DESC, guild_id LIMIT ?
"""
TO_LEAVE = "SELECT guild_id FROM servers INDEXED BY servers_to_leave WHERE leave_wanted = 1"
LEFT_BEFORE = """
    SELECT guild_id FROM servers INDEXED BY servers_left
    WHERE left_at IS NOT NULL AND left_at < ? AND (joined_at IS NOT NULL OR (suspended = 0 AND monthly IS NULL))
"""
FORGET_SERVER = "DELETE FROM servers WHERE guild_id = ? AND left_at IS NOT NULL AND suspended = 0 AND monthly IS NULL"
FORGET_NAME = "UPDATE servers SET name = '', joined_at = NULL, allowed = 0 WHERE guild_id = ? AND left_at IS NOT NULL"
JOINED = """
    INSERT INTO servers (guild_id, name, joined_at) VALUES (:guild_id, :name, :at)
    ON CONFLICT DO UPDATE SET name = excluded.name, joined_at = coalesce(joined_at, excluded.joined_at), left_at = NULL
"""
LEFT = "UPDATE servers SET left_at = coalesce(left_at, :at), leave_wanted = 0 WHERE guild_id = :guild_id"
PRESENT = "SELECT guild_id FROM servers WHERE left_at IS NULL"
SET = {
    name: f"INSERT INTO servers (guild_id, {name}) VALUES (?, ?) ON CONFLICT DO UPDATE SET {name} = excluded.{name}"  # noqa: S608 - column names of ours
    for name in ("monthly", "suspended", "allowed", "leave_wanted")
}
ADD_NOTICE = "INSERT INTO notices (said, made_at) VALUES (?, ?)"
NOTICES = "SELECT number, said FROM notices INDEXED BY notices_to_post WHERE posted_at IS NULL ORDER BY number"
POSTED = "UPDATE notices SET posted_at = ? WHERE number = ?"
LOG_CHANNELS = """
    SELECT scope, json_extract(rules_json, '$.log_channel') AS channel_id FROM rules
    WHERE version = (SELECT max(version) FROM rules AS newer WHERE newer.scope = rules.scope)
        AND channel_id IS NOT NULL AND scope LIKE 'guild:%'
"""


class SqliteServers:
    """Every read is made anew: what the command line writes holds for the very next order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def server(self, guild_id: int) -> Server:
        """What is known of a server; the defaults for one that was never seen."""
        rows = await self._database.read(SERVER, (guild_id,))
        return _server(rows[0]) if rows else Server(guild_id=guild_id)

    async def some(self, guild_ids: Collection[int]) -> list[Server]:
        """These; the defaults for those that were never seen."""
        known = {row["guild_id"]: _server(row) for row in await self._database.read(SOME, (json.dumps([*guild_ids]),))}
        return [known.get(one, Server(guild_id=one)) for one in guild_ids]

    async def servers(self, now: float, most: int) -> list[tuple[Server, int]]:
        """Servers with their credits of this month, the costliest first."""
        rows = await self._database.read(SERVERS_WITH_MONTH, (month_of(now), most))
        return [(_server(row), row["spent"]) for row in rows]

    async def change(self, guild_id: int, name: str, value: int | bool | None) -> None:  # noqa: FBT001 - a column's value
        """Set `monthly`, `suspended`, `allowed` or `leave_wanted`."""
        await self._run(SET[name], (guild_id, value))

    async def present(self, names: dict[int, str], at: float) -> None:
        """The bot is in these servers, and in no other."""

        def work(connection: sqlite3.Connection) -> None:
            gone = {row[0] for row in connection.execute(PRESENT)} - names.keys()
            connection.executemany(LEFT, [{"guild_id": one, "at": at} for one in gone])
            connection.executemany(JOINED, [{"guild_id": one, "name": name, "at": at} for one, name in names.items()])

        await self._database.write(work)

    async def joined(self, guild_id: int, name: str, at: float) -> None:
        """The bot was added to a server, or the server has a new name."""
        await self._run(JOINED, {"guild_id": guild_id, "name": name, "at": at})

    async def left(self, guild_id: int, at: float) -> None:
        """The bot is no longer in it."""
        await self._run(LEFT, {"guild_id": guild_id, "at": at})

    async def to_leave(self) -> list[int]:
        """Servers that the operator wants the bot to leave."""
        return [row[0] for row in await self._database.read(TO_LEAVE)]

    async def left_before(self, moment: float) -> list[int]:
        """Servers that the bot left before then and still knows."""
        return [row[0] for row in await self._database.read(LEFT_BEFORE, (moment,))]

    async def forget(self, guild_id: int) -> None:
        """Drop the row of a server that the bot has left; what the operator ruled against it outlives that."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(FORGET_SERVER, (guild_id,))
            connection.execute(FORGET_NAME, (guild_id,))

        await self._database.write(work)

    async def add_notice(self, said: str, at: float) -> None:
        """Something for all log channels."""
        await self._run(ADD_NOTICE, (said, at))

    async def notices(self) -> list[tuple[int, str]]:
        """Number and words of what was not posted yet."""
        return [(row["number"], row["said"]) for row in await self._database.read(NOTICES)]

    async def notice_posted(self, number: int, at: float) -> None:
        """It is said."""
        await self._run(POSTED, (at, number))

    async def log_channels(self) -> list[int]:
        """The log channel of every server that has one."""
        return [int(row["channel_id"]) for row in await self._database.read(LOG_CHANNELS)]

    async def _run(self, sql: str, parameters: tuple[object, ...] | dict[str, object]) -> None:
        await self._database.write(lambda connection: connection.execute(sql, parameters) and None)


def _server(row: sqlite3.Row) -> Server:
    return Server(
        guild_id=row["guild_id"],
        name=row["name"],
        left_at=row["left_at"],
        monthly=row["monthly"],
        suspended=bool(row["suspended"]),
        allowed=bool(row["allowed"]),
        leave_wanted=bool(row["leave_wanted"]),
    )
