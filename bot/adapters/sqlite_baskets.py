"""The BasketStore port: the pictures that members collect to blend them."""

import sqlite3
from collections.abc import Sequence

from pydantic import TypeAdapter

from bot.adapters.sqlite_connection import Database
from bot.domain.baskets import BASKET_LIFE, Collected
from bot.domain.errors import BasketFullError
from bot.domain.order import Reference
from bot.domain.references import unsigned

_REFERENCE = TypeAdapter(Reference)

PICTURES = """
    SELECT id, reference_json FROM baskets INDEXED BY baskets_in_order
    WHERE scope = ? AND member_id = ? AND added_at >= ? ORDER BY place
"""
SWEEP_BASKETS = "DELETE FROM baskets INDEXED BY baskets_added WHERE added_at < ?"
HAS = "SELECT 1 FROM baskets WHERE scope = ? AND member_id = ? AND address = ?"
LAST = "SELECT count(*), coalesce(max(place), 0) FROM baskets WHERE scope = ? AND member_id = ?"
PUT = """
    INSERT INTO baskets (scope, member_id, place, address, reference_json, added_at) VALUES (?, ?, ?, ?, ?, ?)
"""
TAKE = "DELETE FROM baskets WHERE id = ? AND scope = ? AND member_id = ?"
CLEAR = "DELETE FROM baskets WHERE scope = ? AND member_id = ?"
PLACE = "SELECT place FROM baskets WHERE id = ? AND scope = ? AND member_id = ?"
BEFORE = """
    SELECT id, place FROM baskets WHERE scope = ? AND member_id = ? AND place < ? ORDER BY place DESC LIMIT 1
"""
MOVE = "UPDATE baskets SET place = ? WHERE id = ?"


class SqliteBaskets:
    """Over the bot's database. A basket is one member's in one scope."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pictures(self, scope: str, member_id: int, now: float) -> list[Collected]:
        """What is in the basket, in order."""
        rows = await self._database.read(PICTURES, (scope, member_id, now - BASKET_LIFE))
        return [Collected(id=row["id"], reference=_REFERENCE.validate_json(row["reference_json"])) for row in rows]

    async def add(self, scope: str, member_id: int, found: Sequence[Reference], most: int, now: float) -> int:
        """Put pictures at the end, each once; returns how many were new. All or none."""

        def work(connection: sqlite3.Connection) -> int:
            connection.execute(SWEEP_BASKETS, (now - BASKET_LIFE,))
            count, place = connection.execute(LAST, (scope, member_id)).fetchone()
            new = [one for one in found if not connection.execute(HAS, (scope, member_id, address(one))).fetchone()]
            if count + len(new) > most:
                raise BasketFullError(limit=most, held=count, more=len(new))
            for step, one in enumerate(new, start=1):
                kept = _REFERENCE.dump_json(one).decode()
                connection.execute(PUT, (scope, member_id, place + step, address(one), kept, now))
            return len(new)

        return await self._database.write(work)

    async def take_out(self, scope: str, member_id: int, ids: Sequence[int]) -> None:
        """Remove these; those that are gone already are well."""
        rows = [(one, scope, member_id) for one in ids]
        await self._database.write(lambda connection: connection.executemany(TAKE, rows) and None)

    async def clear(self, scope: str, member_id: int) -> None:
        """Remove all."""
        await self._database.write(lambda connection: connection.execute(CLEAR, (scope, member_id)) and None)

    async def move_up(self, scope: str, member_id: int, picture_id: int) -> None:
        """Change places with the one before; the first stays."""

        def work(connection: sqlite3.Connection) -> None:
            own = connection.execute(PLACE, (picture_id, scope, member_id)).fetchone()
            before = connection.execute(BEFORE, (scope, member_id, own["place"])).fetchone() if own else None
            if before is not None:
                connection.execute(MOVE, (own["place"], before["id"]))
                connection.execute(MOVE, (before["place"], picture_id))

        await self._database.write(work)


def address(reference: Reference) -> str:
    """What tells two pictures apart."""
    made = reference.made
    return f"{made.job_id}:{made.position}" if made else unsigned(reference.url)
