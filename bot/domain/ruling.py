"""The settings that a server's moderators have: their names, what each takes, and what may not be."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, cast

from bot.domain.catalogue import Catalogue
from bot.domain.errors import (
    BadNumberError,
    BadValueError,
    NotForOneError,
    TooManyValuesError,
    UnknownSettingError,
)
from bot.domain.policy import House
from bot.domain.rules import ChannelRules, Channels, Editable, Replies, Rules

MOST_LISTED = 100
"""Channels or roles in one setting; channels with rules of their own."""
UNLIMITED = "unlimited"
DEFAULT = frozenset({"", "default", "none", "reset"})
"""Words for: whatever it is when nobody has set it."""

Value = int | bool | str | frozenset[str] | frozenset[int] | None


class Takes(StrEnum):
    """What a setting's value is."""

    NUMBER = "number"
    FLAG = "flag"
    WORD = "word"
    RESOLUTION = "resolution"
    MODEL = "model"
    MODELS = "models"
    CHANNEL = "channel"
    CHANNELS = "channels"
    ROLES = "roles"


class Page(StrEnum):
    """Where it stands in the panel."""

    MODELS = "models"
    LIMITS = "limits"
    CHANNELS = "channels"
    WORDS = "words"
    SAFETY = "safety"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: the name of its field in Rules."""

    name: str
    page: Page
    takes: Takes
    smallest: int = 1
    """Of a number."""
    largest: int | None = None
    """The same; None where it is the operator who says, or nobody."""
    words: type[StrEnum] | None = None
    by_channel: bool = False
    by_role: bool = False


SETTINGS: Mapping[str, Setting] = {
    one.name: one
    for one in (
        Setting("models", Page.MODELS, Takes.MODELS, by_channel=True),
        Setting("default_model", Page.MODELS, Takes.MODEL),
        Setting("server_day", Page.LIMITS, Takes.NUMBER),
        Setting("server_month", Page.LIMITS, Takes.NUMBER),
        Setting("member_day", Page.LIMITS, Takes.NUMBER, by_role=True),
        Setting("confirm_above", Page.LIMITS, Takes.NUMBER, smallest=0),
        Setting("member_jobs", Page.LIMITS, Takes.NUMBER),
        Setting("server_jobs", Page.LIMITS, Takes.NUMBER),
        Setting("most_images", Page.LIMITS, Takes.NUMBER),
        Setting("largest_resolution", Page.LIMITS, Takes.RESOLUTION, by_channel=True),
        Setting("roles_only", Page.LIMITS, Takes.FLAG),
        Setting("channels", Page.CHANNELS, Takes.WORD, words=Channels),
        Setting("listed_channels", Page.CHANNELS, Takes.CHANNELS),
        Setting("names_word", Page.WORDS, Takes.FLAG),
        Setting("safety", Page.SAFETY, Takes.NUMBER, by_channel=True),
        Setting("replies", Page.SAFETY, Takes.WORD, words=Replies, by_channel=True),
        Setting("editable", Page.SAFETY, Takes.WORD, words=Editable),
        Setting("private", Page.SAFETY, Takes.FLAG),
        Setting("strikes_to_block", Page.SAFETY, Takes.NUMBER, largest=20),
        Setting("strike_days", Page.SAFETY, Takes.NUMBER, largest=365),
        Setting("strike_block_days", Page.SAFETY, Takes.NUMBER, largest=365),
        Setting("approval_channels", Page.SAFETY, Takes.CHANNELS),
        Setting("approval_roles", Page.SAFETY, Takes.ROLES),
        Setting("log_channel", Page.LOG, Takes.CHANNEL),
    )
}
"""Every setting by its name, in the order they are shown."""


@dataclass(frozen=True, slots=True)
class Target:
    """One value that can be set: of the server, of one channel or of one role."""

    name: str
    channel_id: int | None = None
    role_id: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What was, and what is now."""

    target: Target
    before: Value
    after: Value


def setting_of(target: Target) -> Setting:
    """Raises UnknownSettingError, NotForOneError."""
    setting = SETTINGS.get(target.name)
    if setting is None:
        raise UnknownSettingError(given=target.name[:40])
    if target.channel_id is not None and not setting.by_channel:
        raise NotForOneError(name=target.name, by="channel")
    if target.role_id is not None and (not setting.by_role or target.channel_id is not None):
        raise NotForOneError(name=target.name, by="role")
    return setting


def value_of(rules: Rules, target: Target) -> Value:
    """The value that was set there; None where nothing was."""
    if target.channel_id is not None:
        return getattr(rules.channel_rules.get(target.channel_id, ChannelRules()), target.name)
    if target.role_id is not None:
        credit = rules.role_allowances.get(target.role_id, 0)
        return UNLIMITED if credit is None else credit or None
    return getattr(rules, target.name)


def with_value(rules: Rules, target: Target, value: Value) -> Rules:
    """The rules with another value there. Raises TooManyValuesError."""
    if target.channel_id is not None:
        own = cast("Any", replace)(rules.channel_rules.get(target.channel_id, ChannelRules()), **{target.name: value})
        channels = {**rules.channel_rules, target.channel_id: own}
        return replace(rules, channel_rules=_bounded({k: v for k, v in channels.items() if v != ChannelRules()}))
    if target.role_id is not None:
        roles = {role: credit for role, credit in rules.role_allowances.items() if role != target.role_id}
        if value is not None:
            roles[target.role_id] = None if value == UNLIMITED else cast("int", value)
        return replace(rules, role_allowances=_bounded(roles))
    return cast("Any", replace)(rules, **{target.name: value})


def default_of(target: Target) -> Value:
    """What holds where nobody has set it."""
    return value_of(Rules(), target)


def cap(target: Target, rules: Rules, house: House, catalogue: Catalogue) -> int | None:
    """The largest number that can be set there; None where there is no such thing. `house` is this server's own."""
    limits = house.limits
    server_day = limits.server_day if rules.server_day is None else min(rules.server_day, limits.server_day)
    months = [one for one in (limits.server_month, limits.operator_month) if one is not None]
    caps = {
        "server_day": limits.server_day,
        "server_month": min(months),
        "member_day": server_day,
        "member_jobs": limits.member_jobs,
        "server_jobs": limits.server_jobs,
        "safety": house.max_tolerance,
        "most_images": _most_images(catalogue),
    }
    return caps.get(target.name, setting_of(target).largest)


def differences(old: Rules, new: Rules) -> tuple[Change, ...]:
    """Every value that differs."""
    changes = (Change(target, value_of(old, target), value_of(new, target)) for target in _targets(old, new))
    return tuple(change for change in changes if change.before != change.after)


def read_value(target: Target, text: str, catalogue: Catalogue) -> Value:
    """A value as a person writes it. Raises BadNumberError, BadValueError, TooManyValuesError."""
    setting, text = setting_of(target), text.strip()
    if text.casefold() in DEFAULT:
        return default_of(target)
    match setting.takes:
        case Takes.NUMBER:
            return _number(setting, target, text)
        case Takes.FLAG:
            return _flag(setting, text)
        case Takes.MODELS:
            return _models(setting, re.split(r"[\s,]+", text), catalogue)
        case Takes.CHANNELS | Takes.ROLES:
            return _ids(setting, text)
        case Takes.CHANNEL:
            return next(iter(_ids(setting, text)))
        case Takes.WORD | Takes.RESOLUTION | Takes.MODEL:
            word = _one_of(setting, text, choices_of(setting, catalogue))
            return setting.words(word) if setting.words else word


def choices_of(setting: Setting, catalogue: Catalogue) -> tuple[str, ...]:
    """The words that a setting takes; none where they are endless."""
    match setting.takes:
        case Takes.FLAG:
            return ("on", "off")
        case Takes.WORD:
            return tuple(one.value for one in setting.words or ())
        case Takes.RESOLUTION:
            return resolutions(catalogue)
        case Takes.MODEL | Takes.MODELS:
            return tuple(catalogue.models)
        case _:
            return ()


def resolutions(catalogue: Catalogue) -> tuple[str, ...]:
    """Of all models, the smallest first."""
    found = [model.generate.parameters.get("resolution") for model in catalogue.models.values()]
    values = {value for parameter in found if parameter is not None for value in parameter.values}
    return tuple(sorted(values, key=lambda value: float(value.removesuffix("K"))))


def _most_images(catalogue: Catalogue) -> int:
    counts = [model.generate.parameters.get("num_images") for model in catalogue.models.values()]
    return max((one.maximum or 1 for one in counts if one is not None), default=1)


def _targets(*both: Rules) -> Iterator[Target]:
    names = {one.name for one in fields(Rules)}
    yield from (Target(name) for name in SETTINGS if name in names)
    for channel in sorted({channel for rules in both for channel in rules.channel_rules}):
        yield from (Target(one.name, channel_id=channel) for one in SETTINGS.values() if one.by_channel)
    for role in sorted({role for rules in both for role in rules.role_allowances}):
        yield Target("member_day", role_id=role)


def _bounded(values: dict[int, Any]) -> dict[int, Any]:
    if len(values) > MOST_LISTED:
        raise TooManyValuesError(limit=MOST_LISTED)
    return values


def _number(setting: Setting, target: Target, text: str) -> Value:
    if target.role_id is not None and text.casefold() == UNLIMITED:
        return UNLIMITED
    digits = text.replace(",", "").replace("_", "").replace(" ", "")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9 or int(digits) < setting.smallest:  # noqa: PLR2004 - beyond any limit
        raise BadNumberError(name=setting.name, given=text[:40], smallest=setting.smallest)
    return int(digits)


def _flag(setting: Setting, text: str) -> bool:
    words = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
    if (found := words.get(text.casefold())) is None:
        raise BadValueError(name=setting.name, given=text[:40], allowed=("on", "off"))
    return found


def _one_of(setting: Setting, text: str, choices: tuple[str, ...]) -> str:
    found = next((one for one in choices if one.casefold() == text.casefold()), None)
    if found is None:
        raise BadValueError(name=setting.name, given=text[:40], allowed=choices)
    return found


def _models(setting: Setting, words: list[str], catalogue: Catalogue) -> frozenset[str] | None:
    """All of them are as if none were named: a model that comes later is allowed, too."""
    found = frozenset(_one_of(setting, word, tuple(catalogue.models)) for word in words if word)
    return None if found == frozenset(catalogue.models) else found


def _ids(setting: Setting, text: str) -> frozenset[int]:
    parts = [part for part in re.split(r"[\s,]+|(?<=>)(?=<)", text) if part]
    mark = "@&" if setting.takes is Takes.ROLES else "#"
    found = [re.fullmatch(rf"<{mark}(\d{{1,20}})>|(\d{{1,20}})", part) for part in parts]
    if not parts or not all(found):
        raise BadValueError(name=setting.name, given=text[:40], allowed=())
    if len(parts) > MOST_LISTED:
        raise TooManyValuesError(limit=MOST_LISTED)
    return frozenset(int(one[1] or one[2]) for one in found if one)
