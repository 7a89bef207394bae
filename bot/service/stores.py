"""What is kept beside jobs and books: rules, words, preferences, history, times."""

from collections.abc import Collection
from typing import Protocol

from bot.domain.job import Job
from bot.domain.preferences import Preferences
from bot.domain.rules import Rules, RulesRecord


class RulesStore(Protocol):
    """What servers have set, with its history."""

    async def rules(self, scope: str) -> RulesRecord:
        """The newest version; the defaults for a scope that has set nothing."""
        ...

    async def change_rules(self, scope: str, old: RulesRecord, new: Rules, *, by: int, at: float) -> RulesRecord:
        """Store the next version. Raises RulesChangedError when `old` is not the newest one any more."""
        ...

    async def history(self, scope: str, most: int, *, up_to: int | None = None) -> list[RulesRecord]:
        """The latest versions, the newest first; `up_to`: that version and older ones."""
        ...


class History(Protocol):
    """What members have made."""

    async def finished(self, scope: str, member_id: int, words: str, *, most: int, skipped: int) -> list[Job]:
        """The newest first; with words only those whose prompt has all of them, each as the beginning of a word."""
        ...


class PreferencesStore(Protocol):
    """What members usually want."""

    async def preferences(self, member_id: int) -> Preferences:
        """A member's; the defaults for somebody who has set nothing."""
        ...

    async def set_preferences(self, member_id: int, preferences: Preferences) -> None:
        """Store them in place of what was there."""
        ...


class CopyBook(Protocol):
    """Where else the images of jobs stand."""

    async def add_copy(self, job_id: str, channel_id: int, message_id: int) -> None:
        """A job's images stand in one more message."""
        ...

    async def copies(self, job_id: str) -> list[tuple[int, int]]:
        """Channel id and message id of each copy that was not deleted yet."""
        ...


class PictureKeepers(Protocol):
    """Members who let nobody else edit the pictures that they post."""

    async def keepers(self, member_ids: Collection[int]) -> frozenset[int]:
        """Those of them."""
        ...
