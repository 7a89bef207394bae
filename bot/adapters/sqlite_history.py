"""The History port over the same database: a member's finished orders, by the words of their prompts."""

import re

from bot.adapters.sealing import Seal
from bot.adapters.sqlite_connection import Database
from bot.adapters.sqlite_rows import from_row
from bot.domain.job import Job

RECENT = """
    SELECT * FROM jobs INDEXED BY jobs_of_history
    WHERE member_id = :member_id AND scope = :scope AND state IN ('rendered', 'delivered')
    ORDER BY number DESC LIMIT :most OFFSET :skipped
"""
WITH_WORDS = """
    SELECT jobs.* FROM prompts JOIN jobs ON jobs.number = prompts.rowid
    WHERE prompts MATCH :expression AND jobs.member_id = :member_id AND jobs.scope = :scope
        AND jobs.state IN ('rendered', 'delivered')
    ORDER BY prompts.rowid DESC LIMIT :most OFFSET :skipped
"""
WORD = re.compile(r"\w+")


class SqliteHistory:
    """Beside the store, over the same database."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    async def finished(self, scope: str, member_id: int, words: str, *, most: int, skipped: int) -> list[Job]:
        """The newest first; with words only those whose prompt has all of them, each as the beginning of a word."""
        asked = {"scope": scope, "member_id": member_id, "most": most, "skipped": skipped}
        if not words.strip():
            rows = await self._database.read(RECENT, asked)
        elif found := WORD.findall(words):
            asked["expression"] = _expression(scope, member_id, found)
            rows = await self._database.read(WITH_WORDS, asked)
        else:
            rows = []  # signs alone stand in no index
        return [from_row(row, self._seal) for row in rows]


def _expression(scope: str, member_id: int, words: list[str]) -> str:
    """In FTS5's language; quoted words have no meaning in it, and what WORD finds has no quotes."""
    wanted = " AND ".join(f'"{word}"*' for word in words)
    return f'owner : "m{member_id}{scope.replace(":", "")}" AND prompt : ({wanted})'
