"""The RulesStore port over the same database: every change of a server's rules is a row of its own."""

import sqlite3

from pydantic import TypeAdapter

from bot.adapters.sqlite_connection import Database
from bot.domain.errors import RulesChangedError
from bot.domain.rules import Rules, RulesRecord

_RULES = TypeAdapter(Rules)

NEWEST_RULES = "SELECT * FROM rules WHERE scope = ? ORDER BY version DESC LIMIT 1"
LATEST_RULES = "SELECT * FROM rules WHERE scope = ? AND version <= ? ORDER BY version DESC LIMIT ?"
ADD_RULES = """
    INSERT INTO rules (scope, version, rules_json, changed_by, changed_at)
    VALUES (:scope, :version, :rules_json, :changed_by, :changed_at)
"""


class SqliteRules:
    """Reads are made anew each time, so that a change holds for the very next order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rules(self, scope: str) -> RulesRecord:
        """The newest version."""
        rows = await self._database.read(NEWEST_RULES, (scope,))
        return _record(rows[0]) if rows else RulesRecord()

    async def history(self, scope: str, most: int, *, up_to: int | None = None) -> list[RulesRecord]:
        """The latest versions, the newest first."""
        newest = 2**62 if up_to is None else up_to
        return [_record(row) for row in await self._database.read(LATEST_RULES, (scope, newest, most))]

    async def change_rules(self, scope: str, old: RulesRecord, new: Rules, *, by: int, at: float) -> RulesRecord:
        """Store the next version."""
        row = {
            "scope": scope,
            "version": old.version + 1,
            "rules_json": _RULES.dump_json(new).decode(),
            "changed_by": by,
            "changed_at": at,
        }

        def work(connection: sqlite3.Connection) -> None:
            newest = connection.execute(NEWEST_RULES, (scope,)).fetchone()
            if (newest["version"] if newest else 0) != old.version:
                raise RulesChangedError
            connection.execute(ADD_RULES, row)

        await self._database.write(work)
        return RulesRecord(version=old.version + 1, rules=new, changed_by=by, changed_at=at)


def _record(row: sqlite3.Row) -> RulesRecord:
    return RulesRecord(
        version=row["version"],
        rules=_RULES.validate_json(row["rules_json"]),
        changed_by=row["changed_by"],
        changed_at=row["changed_at"],
    )
