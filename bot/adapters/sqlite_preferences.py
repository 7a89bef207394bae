"""The PreferencesStore port over the same database."""

import sqlite3

from pydantic import TypeAdapter

from bot.adapters.sqlite_connection import Database
from bot.domain.preferences import Preferences

_PREFERENCES = TypeAdapter(Preferences)

PREFERENCES = """
    SELECT
        (SELECT preferences_json FROM preferences WHERE member_id = :member_id) AS preferences_json,
        EXISTS (SELECT 1 FROM picture_keepers WHERE member_id = :member_id) AS keeps
"""
SET_PREFERENCES = """
    INSERT INTO preferences (member_id, preferences_json) VALUES (:member_id, :preferences_json)
    ON CONFLICT DO UPDATE SET preferences_json = excluded.preferences_json
"""
KEEPS = "INSERT OR IGNORE INTO picture_keepers (member_id) VALUES (:member_id)"
KEEPS_NO_MORE = "DELETE FROM picture_keepers WHERE member_id = :member_id"


class SqlitePreferences:
    """Whose pictures are their own stands in `picture_keepers`, where every edit looks; all else in one row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def preferences(self, member_id: int) -> Preferences:
        """A member's; the defaults for somebody who has set nothing."""
        (row,) = await self._database.read(PREFERENCES, {"member_id": member_id})
        stored = _PREFERENCES.validate_json(row["preferences_json"] or "{}")
        return Preferences(
            model=stored.model,
            aspect_ratio=stored.aspect_ratio,
            resolution=stored.resolution,
            format=stored.format,
            images=stored.images,
            others_may_edit=not row["keeps"],
        )

    async def set_preferences(self, member_id: int, preferences: Preferences) -> None:
        """Store them in place of what was there."""
        row = {
            "member_id": member_id,
            "preferences_json": _PREFERENCES.dump_json(preferences, exclude={"others_may_edit"}).decode(),
        }

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(SET_PREFERENCES, row)
            connection.execute(KEEPS_NO_MORE if preferences.others_may_edit else KEEPS, {"member_id": member_id})

        await self._database.write(work)
