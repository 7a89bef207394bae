"""Wording: moderators change and try out their server's word rules."""

import re
from collections.abc import Callable, Iterable
from typing import Protocol

from bot.domain.errors import BooksBusyError, NothingToUndoError, UnchangedError, WordTooLongError
from bot.domain.words import WORD_LENGTH, WordKind, WordRule, WordsChange, WordsRecord
from bot.service.ports import Clock
from bot.service.racing import BOOKS_TIMEOUT, within
from bot.service.ruling import Changed, unheard
from bot.service.word_ports import WordsStore

_PATTERN = re.compile(r"/(.+)/")
"""A line that is a regular expression."""


class Book(Protocol):
    """Compiled word rules."""

    async def all(self, scope: str, text: str) -> list[WordRule]:
        """Every rule that a text breaks. Raises WordsSlowError."""
        ...

    def check(self, kind: WordKind, text: str) -> None:
        """Whether this can be a rule. Raises BadPatternError, NoWordError."""
        ...


class Wording:
    """What moderators may do with word rules. In text each line is a rule; `/…/` is a regular expression."""

    def __init__(
        self, store: WordsStore, book: Book, clock: Clock, on_change: Callable[[Changed], None] = unheard
    ) -> None:
        self._store = store
        self._book = book
        self._clock = clock
        self._on_change = on_change

    async def record(self, scope: str) -> WordsRecord:
        """What holds now."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return await self._store.words(scope)

    async def add(self, scope: str, text: str, *, by: int) -> Changed:
        """Add rules; those that are there stay. Raises RefusedError, and then none was added."""
        words = lines_of(text)
        for kind, word in words:
            if len(word) > WORD_LENGTH:
                raise WordTooLongError(text=word[:40], limit=WORD_LENGTH)
            self._book.check(kind, word)
        return await self._change(scope, by, add=words)

    async def remove(self, scope: str, text: str, *, by: int) -> Changed:
        """Take rules away. Raises UnchangedError when none of them is there."""
        return await self._change(scope, by, remove=lines_of(text))

    async def test(self, scope: str, text: str) -> list[WordRule]:
        """The rules that a prompt like this would break."""
        return await self._book.all(scope, text)

    async def undo(self, scope: str, version: int, *, by: int) -> Changed:
        """Take the latest change back. Raises NothingToUndoError, RulesChangedError when it is not the latest."""
        changes = await self._store.word_changes(scope, 1)
        if not changes:
            raise NothingToUndoError
        add, remove = _pairs(changes[0].removed), _pairs(changes[0].added)
        return await self._change(scope, by, add=add, remove=remove, seen=version)

    async def history(self, scope: str, most: int) -> list[Changed]:
        """The latest changes, the newest first."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return [_changed(scope, one) for one in await self._store.word_changes(scope, most)]

    async def _change(
        self,
        scope: str,
        by: int,
        *,
        add: list[tuple[WordKind, str]] | None = None,
        remove: list[tuple[WordKind, str]] | None = None,
        seen: int | None = None,
    ) -> Changed:
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            change = await self._store.change_words(
                scope, add=add or (), remove=remove or (), seen=seen, by=by, at=self._clock()
            )
        if change is None:
            raise UnchangedError
        changed = _changed(scope, change)
        self._on_change(changed)
        return changed


def lines_of(text: str) -> list[tuple[WordKind, str]]:
    """One rule a line: a word, a phrase, or an expression between slashes."""
    found = list[tuple[WordKind, str]]()
    for line in text.splitlines():
        if (pattern := _PATTERN.fullmatch(line.strip())) is not None:
            found.append((WordKind.PATTERN, pattern[1]))
        elif word := " ".join(line.split()):
            found.append((WordKind.WORDS, word.lower()))
    return found


def line_of(rule: WordRule) -> str:
    """A rule as it is written."""
    return f"/{rule.text}/" if rule.kind is WordKind.PATTERN else rule.text


def _pairs(rules: Iterable[WordRule]) -> list[tuple[WordKind, str]]:
    return [(rule.kind, rule.text) for rule in rules]


def _changed(scope: str, change: WordsChange) -> Changed:
    return Changed(
        scope=scope,
        version=change.version,
        by=change.changed_by,
        at=change.changed_at,
        words_added=change.added,
        words_removed=change.removed,
    )
