"""The WordsStore port over the same database: word rules, and the changes that added and removed them."""

import sqlite3
from collections.abc import Sequence

from bot.adapters.sqlite_connection import Database
from bot.domain.errors import RulesChangedError, TooManyWordsError
from bot.domain.words import MOST_PATTERNS, MOST_WORDS, WordKind, WordRule, WordsChange, WordsRecord

VERSION = "SELECT coalesce(max(version), 0) FROM word_changes WHERE scope = ?"
HELD = "SELECT number, kind, text FROM words WHERE scope = ? AND removed IS NULL ORDER BY number"
COUNTED = """
    SELECT kind, count(*) FROM words INDEXED BY words_that_hold WHERE scope = ? AND removed IS NULL GROUP BY kind
"""
HOLDS = "SELECT 1 FROM words INDEXED BY words_that_hold WHERE scope = ? AND kind = ? AND text = ? AND removed IS NULL"
LAST_NUMBER = "SELECT coalesce(max(number), 0) FROM words WHERE scope = ?"
CHANGES = "SELECT * FROM word_changes WHERE scope = ? ORDER BY version DESC LIMIT ?"
ADDED = "SELECT number, kind, text FROM words INDEXED BY words_added WHERE scope = ? AND added = ?"
REMOVED = "SELECT number, kind, text FROM words INDEXED BY words_removed WHERE scope = ? AND removed = ?"
ADD_CHANGE = "INSERT INTO word_changes VALUES (?, ?, ?, ?)"
DROP_CHANGE = "DELETE FROM word_changes WHERE scope = ? AND version = ?"
ADD = "INSERT INTO words (scope, number, kind, text, added) VALUES (?, ?, ?, ?, ?)"
REMOVE = """
    UPDATE words INDEXED BY words_that_hold SET removed = ?
    WHERE scope = ? AND kind = ? AND text = ? AND removed IS NULL
"""

Word = tuple[WordKind, str]


class SqliteWords:
    """Reads are made anew each time, so that a change holds for the very next order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def words_version(self, scope: str) -> int:
        """The newest version; 0 for a scope that never had a rule."""
        return (await self._database.read(VERSION, (scope,)))[0][0]

    async def words(self, scope: str) -> WordsRecord:
        """The rules that hold now."""
        version = await self.words_version(scope)
        rules = tuple(_rule(row) for row in await self._database.read(HELD, (scope,)))
        return WordsRecord(version=version, rules=rules)

    async def word_changes(self, scope: str, most: int) -> list[WordsChange]:
        """The latest changes, the newest first."""
        rows = await self._database.read(CHANGES, (scope, most))
        return [
            WordsChange(
                version=row["version"],
                added=tuple(_rule(one) for one in await self._database.read(ADDED, (scope, row["version"]))),
                removed=tuple(_rule(one) for one in await self._database.read(REMOVED, (scope, row["version"]))),
                changed_by=row["changed_by"],
                changed_at=row["changed_at"],
            )
            for row in rows
        ]

    async def change_words(
        self,
        scope: str,
        *,
        add: Sequence[Word] = (),
        remove: Sequence[Word] = (),
        seen: int | None = None,
        by: int,
        at: float,
    ) -> WordsChange | None:
        """Add what is not there yet, take away what is; None when that changes nothing."""

        def work(connection: sqlite3.Connection) -> int | None:
            newest: int = connection.execute(VERSION, (scope,)).fetchone()[0]
            if seen is not None and seen != newest:
                raise RulesChangedError
            version = newest + 1
            connection.execute(ADD_CHANGE, (scope, version, by, at))
            changed = sum(connection.execute(REMOVE, (version, scope, *one)).rowcount for one in remove)
            number: int = connection.execute(LAST_NUMBER, (scope,)).fetchone()[0]
            for one in dict.fromkeys(add):
                if connection.execute(HOLDS, (scope, *one)).fetchone() is None:
                    number, changed = number + 1, changed + 1
                    connection.execute(ADD, (scope, number, *one, version))
            _check_room(connection, scope)
            if not changed:
                connection.execute(DROP_CHANGE, (scope, version))
            return changed or None

        if await self._database.write(work) is None:
            return None
        return (await self.word_changes(scope, 1))[0]


def _check_room(connection: sqlite3.Connection, scope: str) -> None:
    counted: dict[str, int] = dict(connection.execute(COUNTED, (scope,)).fetchall())
    if counted.get(WordKind.PATTERN, 0) > MOST_PATTERNS:
        raise TooManyWordsError(limit=MOST_PATTERNS, patterns=True)
    if sum(counted.values()) > MOST_WORDS:
        raise TooManyWordsError(limit=MOST_WORDS)


def _rule(row: sqlite3.Row) -> WordRule:
    return WordRule(number=row["number"], kind=WordKind(row["kind"]), text=row["text"])
