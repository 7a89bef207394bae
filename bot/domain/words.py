"""Word rules: what a prompt must not say, matched on whole words through accents, look-alike letters and tricks."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MOST_WORDS = 5000
"""Word rules of one server."""
MOST_PATTERNS = 500
"""Regular expressions among them."""
WORD_LENGTH = 200
"""Characters of one rule."""
MOST_IN_PHRASE = 10
"""Words of one phrase."""

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
"""Unicode's Default_Ignorable_Code_Point."""
_MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)
"""Accents and other signs that words are also written without; not the vowel signs of Indic scripts."""
_ALONE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
"""Scripts without spaces between words, and Hangul with its endings: each character is a word of its own."""
_TOKEN = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}](?:[^\W_{_ALONE}]|[\u0900-\u0dff\u0f00-\u0fff])*")
_CHUNK = re.compile(r"\S+")
_JOINED = re.compile(r"[-_*'’~|+^]")
"""Signs that are put into a word to hide it."""
_SIGNS = str.maketrans({"@": "a", "$": "s", "€": "e"})
_DIGITS = tuple(str.maketrans({"0": "o", "1": one, "3": "e", "4": "a", "5": "s", "7": "t"}) for one in "il")
_SPELLED = 3
"""So many single letters in a row are read as one word."""


class WordKind(StrEnum):
    """How a rule is matched."""

    WORDS = "words"
    """A word or a phrase, on whole words."""
    PATTERN = "pattern"
    """A regular expression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordRule:
    """One rule of a server."""

    number: int
    """Counted in its server; never given twice."""
    kind: WordKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsRecord:
    """A server's word rules as they are stored: each change makes the next version."""

    version: int = 0
    """0 for a server that never had any."""
    rules: tuple[WordRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsChange:
    """One change of a server's word rules."""

    version: int
    added: tuple[WordRule, ...] = ()
    removed: tuple[WordRule, ...] = ()
    changed_by: int
    """Member id."""
    changed_at: float
    """Unix seconds."""


class Folding:
    """Reads text as a person sees it."""

    def __init__(self, lookalikes: Mapping[str, str]) -> None:
        """`lookalikes`: a character that is not ASCII, and the lower-case ASCII letters it looks like."""
        self._lookalikes = str.maketrans(dict(lookalikes))
        self._signs = str.maketrans({sign: word for sign, word in lookalikes.items() if not sign.isalnum()})

    def visible(self, text: str) -> str:
        """Without what cannot be seen, and without accents; signs that look like letters are letters."""
        decomposed = unicodedata.normalize("NFKD", _INVISIBLE.sub("", text).translate(self._signs))
        return unicodedata.normalize("NFKC", _INVISIBLE.sub("", _MARKS.sub("", decomposed)))

    def folded(self, text: str) -> str:
        """Visible text in lower case, look-alike letters replaced."""
        return _MARKS.sub("", text.casefold()).translate(self._lookalikes)

    def readings(self, token: str) -> set[str]:
        """Everything that one visible word may be read as."""
        first = self.folded(token)
        found = {first}
        if not token.isascii():  # a capital may look like another letter than its small one does
            found.add(self.folded(token.translate(self._lookalikes)))
        if any(one.isdigit() for one in token) and sum(one.isalpha() for one in token) > 1:
            found.update(first.translate(one) for one in _DIGITS)
        return found

    def words(self, text: str) -> list[str]:
        """A rule's words, folded."""
        return [self.folded(token) for token in _TOKEN.findall(self.visible(text))]


@dataclass(slots=True)
class _Node:
    """A place in the tree of rules, after some of their words."""

    following: dict[str, "_Node"] = field(default_factory=dict[str, "_Node"])
    rule: WordRule | None = None


class WordTree:
    """The words and phrases of a server; looking through a prompt takes the same time for one and for thousands."""

    def __init__(self, folding: Folding, rules: Iterable[WordRule]) -> None:
        self._folding = folding
        self._root = _Node()
        for rule in rules:
            self._add(rule)

    def _add(self, rule: WordRule) -> None:
        node = self._root
        for word in self._folding.words(rule.text):
            node = node.following.setdefault(word, _Node())
        if node is not self._root and node.rule is None:
            node.rule = rule

    def found(self, text: str) -> Iterator[WordRule]:
        """The rules that a text breaks, some perhaps more than once."""
        visible = self._folding.visible(text)
        tokens = _TOKEN.findall(visible)
        read = [self._folding.readings(token) for token in tokens]
        for start in range(len(read)):
            yield from self._from(read, start)
        for hidden in (*_spelled(tokens), *_disguised(visible)):
            for reading in self._folding.readings(hidden):
                node = self._root.following.get(reading)
                if node is not None and node.rule is not None:
                    yield node.rule

    def _from(self, read: list[set[str]], start: int) -> Iterator[WordRule]:
        """Rules whose first word stands at `start`."""
        nodes = [self._root]
        for readings in read[start:]:
            nodes = [next_one for node in nodes for one in readings if (next_one := node.following.get(one))]
            if not nodes:
                return
            yield from (node.rule for node in nodes if node.rule is not None)


def _spelled(tokens: list[str]) -> Iterator[str]:
    """Words written letter by letter, such as `b a d`."""
    letters = ""
    for token in (*tokens, ""):
        if len(token) == 1 and not re.match(f"[{_ALONE}]", token):
            letters += token
            continue
        if len(letters) >= _SPELLED:
            yield letters
        letters = ""


def _disguised(visible: str) -> Iterator[str]:
    """Words with signs in them, such as `b*ad` or `b@d`."""
    for chunk in _CHUNK.findall(visible):
        plain = _JOINED.sub("", chunk.translate(_SIGNS))
        if plain != chunk:
            yield from _TOKEN.findall(plain)
