"""The DraftStore port: what members type into forms, for an hour."""

import sqlite3

from pydantic import TypeAdapter

from bot.adapters.sqlite_connection import Database
from bot.domain.drafts import DRAFT_LIFE, Draft

_DRAFT = TypeAdapter(Draft)

SWEEP_DRAFTS = "DELETE FROM drafts WHERE until < ?"
KEEP_DRAFT = "INSERT OR REPLACE INTO drafts (id, draft_json, until) VALUES (?, ?, ?)"
DRAFT = "SELECT draft_json FROM drafts WHERE id = ? AND until >= ?"


class SqliteDrafts:
    """Over the bot's database, so that an open form outlives a restart."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, draft: Draft, now: float) -> None:
        """Keep it for its life, from now on; what is older goes."""
        row = (draft.id, _DRAFT.dump_json(draft).decode(), now + DRAFT_LIFE)

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(SWEEP_DRAFTS, (now,))
            connection.execute(KEEP_DRAFT, row)

        await self._database.write(work)

    async def draft(self, draft_id: str, now: float) -> Draft | None:
        """What was kept under that id, while it lives."""
        rows = await self._database.read(DRAFT, (draft_id, now))
        return _DRAFT.validate_json(rows[0]["draft_json"]) if rows else None
