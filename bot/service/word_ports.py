"""What the service needs of the outside world for word rules: where they are kept, and what they say to a prompt."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.words import WordKind, WordRule, WordsChange, WordsRecord


class WordsStore(Protocol):
    """Servers' word rules, with their history."""

    async def words(self, scope: str) -> WordsRecord:
        """The rules that hold now."""
        ...

    async def word_changes(self, scope: str, most: int) -> list[WordsChange]:
        """The latest changes, the newest first."""
        ...

    async def change_words(
        self,
        scope: str,
        *,
        add: Sequence[tuple[WordKind, str]] = (),
        remove: Sequence[tuple[WordKind, str]] = (),
        seen: int | None = None,
        by: int,
        at: float,
    ) -> WordsChange | None:
        """Add what is not there yet, take away what is; None when that changes nothing.

        Raises TooManyWordsError, and RulesChangedError when `seen` is not the newest version any more.
        """
        ...


class Words(Protocol):
    """What servers' word rules say."""

    async def first(self, scope: str, text: str) -> WordRule | None:
        """The first rule that a text breaks. Raises WordsSlowError."""
        ...
