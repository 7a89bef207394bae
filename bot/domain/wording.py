"""What a member writes in a message: the prompt, options at its end, and which picture of a set is meant."""

import re
from collections.abc import Iterator, Mapping
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
        "search": ("web_search", True),
    }
)
"""Words after two dashes that stand alone."""
NUMBERS = frozenset({"images", "seed", "safety"})
ORDINALS: Mapping[str, int] = MappingProxyType({"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1})
_OPTION = re.compile(r"(?:^|\s)(?:--|\u2014)([A-Za-z0-9_.]+)(?:[ =]+([^\s-][^\s]*))?", re.ASCII)
_WHICH = re.compile(
    r"\b(?:image|picture|pic|photo|number)\s*#?([1-9])\b"
    r"|\b(?:the\s+)?(first|second|third|fourth|last)\s+(?:one|image|picture|pic|photo)\b"
    r"|^\s*#([1-9])\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What a message asks for."""

    prompt: str
    model: str | None
    choices: Choices
    which: int | None
    """The picture that is named, from 1; -1 for the last; None when none is."""

    @property
    def has_options(self) -> bool:
        """Whether the message is clearly meant for the bot."""
        return self.model is not None or bool(self.choices.made())


def read(text: str, catalogue: Catalogue) -> Wording:
    """Read a message. Raises UnknownOptionsError that names every option it does not know."""
    start = _options_start(text)
    prompt, tail = text[:start].strip(), text[start:]
    model: str | None = None
    choices, unknown = Choices(), list[str]()
    for word, value in _options(tail):
        option, chosen = _meaning(word, value)
        if option is None or chosen is None:
            unknown.append(f"--{word}" if value is None else f"--{word} {value}")
        elif option == "model":
            model = _model_named(str(chosen), catalogue)
        else:
            choices = replace(choices, **{option: chosen})
    if unknown:
        raise UnknownOptionsError(given=tuple(unknown))
    return Wording(prompt=prompt, model=model, choices=choices, which=_which(prompt))


def is_talk(prompt: str) -> bool:
    """One word, one emoji or nothing is talk between people, not an order."""
    return len(re.findall(r"\w+", prompt)) < 2  # noqa: PLR2004 - a prompt has two words


def _options_start(text: str) -> int:
    found = _OPTION.search(text)
    return found.start() if found else len(text)


def _options(tail: str) -> Iterator[tuple[str, str | None]]:
    for match in _OPTION.finditer(tail):
        word, value = match[1].lower(), match[2]
        yield (word, None) if word in ALONE else (word, value)


def _meaning(word: str, value: str | None) -> tuple[str | None, str | int | bool | None]:
    if word in ALONE:
        return ALONE[word]
    option = VALUED.get(word)
    if option is None or value is None:
        return None, None
    if option in NUMBERS:
        return (option, int(value)) if value.isdecimal() else (None, None)
    return option, value.lower() if option in {"format", "thinking", "model"} else value.upper()


def _model_named(given: str, catalogue: Catalogue) -> str:
    """A model by its name or by the end of it: `pro` is `nano-banana-pro`. What is unknown stays for the catalogue."""
    if given in catalogue.models:
        return given
    return next((name for name in catalogue.models if name.endswith(f"-{given}")), given)


def _which(prompt: str) -> int | None:
    found = _WHICH.search(prompt)
    if found is None:
        return None
    digit = found[1] or found[3]
    return int(digit) if digit else ORDINALS[found[2].lower()]
