"""Letters that look like others: Unicode's list of confusables, as confusable-homoglyphs carries it."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from confusable_homoglyphs.confusables import (
    confusables_data,  # pyright: ignore[reportUnknownVariableType] - it has no types
)

_EMOJI_LETTERS = (0x1F130, 0x1F150, 0x1F170, 0x1F1E6)
"""Where the alphabets of squared, circled and regional letters begin; Unicode does not list them."""


def lookalikes() -> dict[str, str]:
    """A character that is not ASCII, and the lower-case ASCII letters it looks like."""
    data = cast("Mapping[str, list[dict[str, str]]]", confusables_data)
    found = {chr(start + place): chr(ord("a") + place) for start in _EMOJI_LETTERS for place in range(26)}
    for character, alike in data.items():
        if len(character) == 1 and not character.isascii():
            letters = next(_letters(one["c"] for one in alike), None)
            if letters is not None:
                found[character] = letters
    return found


def _letters(candidates: Iterable[str]) -> Iterator[str]:
    """Those that are ASCII letters, apart from strokes through them."""
    for candidate in candidates:
        decomposed = unicodedata.normalize("NFKD", candidate)
        bare = "".join(one for one in decomposed if not unicodedata.combining(one)).casefold()
        if bare.isascii() and bare.isalpha():
            yield bare
