"""What a member writes in a message: the prompt, options at its end, and which picture of a set is meant."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from bot.domain.catalogue import Catalogue
from bot.domain.errors import UnknownOptionsError
from bot.domain.order import Choices

VALUED: Mapping[str, str] = MappingProxyType(
    {
        "ar": "aspect_ratio",
        "aspect": "aspect_ratio",
        "aspect_ratio": "aspect_ratio",
        "ratio": "aspect_ratio",
        "model": "model",
        "m": "model",
        "res": "resolution",
        "resolution": "resolution",
        "size": "resolution",
        "images": "images",
        "n": "images",
        "format": "format",
        "seed": "seed",
        "safety": "safety",
        "thinking": "thinking",
    }
)
"""Words after two dashes that take a value."""
ALONE: Mapping[str, tuple[str, str | bool]] = MappingProxyType(
    {
        "0.5k": ("resolution", "0.5K"),
        "1k": ("resolution", "1K"),
        "2k": ("resolution", "2K"),
        "4k": ("resolution", "4K"),
        "png": ("format", "png"),
        "jpeg": ("format", "jpeg"),
        "jpg": ("format", "jpeg"),
        "webp": ("format", "webp"),
        "web": ("web_search", True),
        "web_search": ("web_search", True),
        "search": ("web_search", True),
    }
)
"""Words after two dashes that stand alone."""
NUMBERS = frozenset({"images", "seed", "safety"})
LOWER = frozenset({"format", "thinking", "model"})
ORDINALS: Mapping[str, int] = MappingProxyType(
    {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "last": -1}
)
# A phone makes one long dash of two.
_DASHES = r"(?:--|\u2014|\u2013)"
_OPTION = re.compile(rf"{_DASHES}(?P<word>[A-Za-z0-9_.-]+)(?:[ =]+(?P<value>(?!{_DASHES})\S+))?", re.ASCII)
_START = re.compile(rf"(?:^|(?<=\s)){_DASHES}[A-Za-z0-9]", re.ASCII)
_WHICH = re.compile(
    r"\b(?:image|picture|pic|photo|number)\s*#?(?P<number>[1-9])\b"
    rf"|\b(?P<ordinal>{'|'.join(ORDINALS)})\s+(?:one|image|picture|pic|photo)\b"
    r"|^\s*#(?P<hash>[1-9])\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What a message asks for."""

    prompt: str
    model: str | None
    choices: Choices
    which: int | None
    """The picture that is named, from 1; -1 for the last; None when none is, or several are."""

    @property
    def has_options(self) -> bool:
        """Whether the message is clearly meant for the bot."""
        return self.model is not None or bool(self.choices.made())

    @property
    def is_talk(self) -> bool:
        """One word, one emoji or nothing is talk between people, not an order."""
        return not self.has_options and len(re.findall(r"\w+", self.prompt)) < 2  # noqa: PLR2004 - a prompt has two words


def read(text: str, catalogue: Catalogue) -> Wording:
    """Read a message. Raises UnknownOptionsError that names every option it does not know, and what follows one."""
    found = _START.search(text)
    prompt, tail = (text[: found.start()], text[found.start() :]) if found else (text, "")
    model: str | None = None
    choices, unknown = Choices(), list[str]()
    while tail := tail.strip():
        match = _OPTION.match(tail)
        if match is None:  # words after the options: swallowed, they would change the order unseen
            word, _, tail = tail.partition(" ")
            unknown.append(word)
            continue
        option, chosen, used = _meaning(match)
        tail = tail[match.end() if used else match.end("word") :]
        if option is None or chosen is None:
            unknown.append(" ".join(match[0].split()) if used else f"--{match['word']}")
        elif option == "model":
            model = _model_named(str(chosen), catalogue)
        else:
            choices = replace(choices, **{option: chosen})
    if unknown:
        raise UnknownOptionsError(given=tuple(unknown))
    prompt = prompt.strip()
    return Wording(prompt=prompt, model=model, choices=choices, which=_which(prompt))


def _meaning(match: re.Match[str]) -> tuple[str | None, str | int | bool | None, bool]:
    """An option, its value, and whether the word after it belongs to it."""
    word, value = match["word"].lower().replace("-", "_"), match["value"]
    if word in ALONE:
        return *ALONE[word], False
    option = VALUED.get(word)
    if option is None or value is None:
        return None, None, True
    if option in NUMBERS:
        return (option, int(value), True) if value.isascii() and value.isdecimal() else (None, None, True)
    return option, value.lower() if option in LOWER else value.upper(), True


def _model_named(given: str, catalogue: Catalogue) -> str:
    """A model by its name or by the end of it: `pro` is `nano-banana-pro`. What is unknown stays for the catalogue."""
    if given in catalogue.models:
        return given
    return next((name for name in catalogue.models if name.endswith(f"-{given}")), given)


def _which(prompt: str) -> int | None:
    named = {
        ORDINALS[match["ordinal"].lower()] if match["ordinal"] else int(match["number"] or match["hash"])
        for match in _WHICH.finditer(prompt)
    }
    return named.pop() if len(named) == 1 else None
