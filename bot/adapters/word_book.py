"""The WordBook port: word rules compiled once per version, regular expressions in linear time by RE2.

RE2 has no look-around and no back-references, so no expression can explode: the time it takes grows with the text
alone. Each may be so large only, they are asked many at once, and a look at all of them is bounded.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import re2  # pyright: ignore[reportMissingTypeStubs] - it has no types

from bot.adapters.sqlite_words import SqliteWords
from bot.domain.errors import BadPatternError, NoWordError, WordsSlowError
from bot.domain.words import MOST_IN_PHRASE, Folding, WordKind, WordRule, WordTree

KEPT = 100
"""Servers whose compiled rules are kept; the others are compiled again. Only for speed: each order would compile them, in
3 ms a hundred and 36 ms five hundred."""
TOGETHER = 50
"""Expressions asked at once."""
ONE_PROGRAM, TOGETHER_PROGRAM = 32 * 1024, 4 * 1024 * 1024
"""Bytes of memory for one expression, which bounds its size and so its time; and for many at once."""
LOOK = 0.7
"""Seconds for a look at all of a server's rules; beyond that the order is refused, not let through."""


class Pattern(Protocol):
    """A compiled expression of RE2."""

    def search(self, text: str) -> object | None:
        """The first match."""
        ...


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Some regular expressions: whether any matches is asked first."""

    any: Pattern | None
    """None where together they are too large."""
    each: tuple[tuple[WordRule, Pattern], ...]


class Compiled:
    """All rules of a server, ready to be asked."""

    def __init__(self, folding: Folding, rules: Sequence[WordRule]) -> None:
        patterns = [rule for rule in rules if rule.kind is WordKind.PATTERN]
        self._folding = folding
        self._tree = WordTree(folding, (rule for rule in rules if rule.kind is WordKind.WORDS))
        self._patterns = [_together(patterns[at : at + TOGETHER]) for at in range(0, len(patterns), TOGETHER)]

    def found(self, text: str, now: Callable[[], float] = time.monotonic) -> Iterator[WordRule]:
        """The rules that a text breaks, some perhaps more than once. Raises WordsSlowError."""
        end = now() + LOOK
        yield from self._tree.found(text)
        visible = self._folding.visible(text)
        for seen in dict.fromkeys((text, visible, self._folding.folded(visible))):
            for some in self._patterns:
                if some.any is None or some.any.search(seen):
                    yield from _broken(some, seen, lambda: now() > end)
                if now() > end:
                    raise WordsSlowError


def _broken(some: _Patterns, text: str, is_late: Callable[[], bool]) -> Iterator[WordRule]:
    for rule, pattern in some.each:
        if is_late():
            raise WordsSlowError
        if pattern.search(text):
            yield rule


class WordBook:
    """What a server's word rules say to a prompt."""

    def __init__(self, store: SqliteWords, folding: Folding) -> None:
        self._store = store
        self._folding = folding
        self._compiled: OrderedDict[tuple[str, int], Compiled] = OrderedDict()

    async def first(self, scope: str, text: str) -> WordRule | None:
        """The first rule that a text breaks. Raises WordsSlowError."""
        compiled = await self._of(scope)
        return None if compiled is None else await asyncio.to_thread(lambda: next(compiled.found(text), None))

    async def all(self, scope: str, text: str) -> list[WordRule]:
        """Every rule that a text breaks, each once. Raises WordsSlowError."""
        compiled = await self._of(scope)
        found = [] if compiled is None else await asyncio.to_thread(lambda: list(compiled.found(text)))
        return list(dict.fromkeys(found))

    def check(self, kind: WordKind, text: str) -> None:
        """Whether this can be a rule. Raises BadPatternError, NoWordError."""
        if kind is WordKind.PATTERN:
            pattern = _compile(text, ONE_PROGRAM)
            if pattern is None:
                raise BadPatternError(text=text[:40])
            if pattern.search(""):
                raise BadPatternError(text=text[:40], matches_everything=True)
        elif not 0 < len(self._folding.words(text)) <= MOST_IN_PHRASE:
            raise NoWordError(text=text[:40], most=MOST_IN_PHRASE)

    async def _of(self, scope: str) -> Compiled | None:
        version = await self._store.words_version(scope)
        if version == 0:
            return None
        if (compiled := self._compiled.get((scope, version))) is None:
            record = await self._store.words(scope)
            compiled = await asyncio.to_thread(Compiled, self._folding, record.rules)
            version = record.version
            self._compiled[scope, version] = compiled
        self._compiled.move_to_end((scope, version))
        while len(self._compiled) > KEPT:
            self._compiled.popitem(last=False)
        return compiled


def _together(rules: Sequence[WordRule]) -> _Patterns:
    """A rule that this version of RE2 does not take any more is left out: it was checked when it was saved."""
    each = tuple((rule, one) for rule in rules if (one := _compile(rule.text, ONE_PROGRAM)) is not None)
    return _Patterns(_compile("|".join(f"(?:{rule.text})" for rule, _ in each), TOGETHER_PROGRAM), each)


def _compile(text: str, memory: int) -> Pattern | None:
    options: Any = re2.Options()
    options.max_mem = memory
    options.case_sensitive = False
    options.never_capture = True
    options.log_errors = False
    try:
        return cast("Pattern", re2.compile(text, options))  # pyright: ignore[reportUnknownMemberType] - as said above
    except re2.error:  # pyright: ignore[reportUnknownMemberType] - as said above
        return None
