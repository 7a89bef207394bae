"""Ruling: moderators read and change what holds in their server; the panel and the commands both come here."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.domain.catalogue import Catalogue
from bot.domain.errors import (
    BadValueError,
    BooksBusyError,
    NoLogThereError,
    NothingLeftError,
    NothingToUndoError,
    OverCapError,
    RulesChangedError,
    UnchangedError,
)
from bot.domain.policy import House
from bot.domain.rules import Channels, Rules, RulesRecord
from bot.domain.ruling import (
    Change,
    Target,
    Value,
    cap,
    differences,
    read_value,
    setting_of,
    value_of,
    with_value,
)
from bot.domain.words import WordRule
from bot.service.ports import Clock
from bot.service.racing import BOOKS_TIMEOUT, within
from bot.service.stores import RulesStore

NO_CHANNELS: Mapping[int, bool] = MappingProxyType({})
"""Nothing is known of the server's channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What a moderator changed, for their own eyes and for the log channel."""

    scope: str
    version: int
    """Of the rules, or of the word rules."""
    by: int
    """Member id."""
    at: float
    """Unix seconds."""
    changes: tuple[Change, ...] = ()
    words_added: tuple[WordRule, ...] = ()
    words_removed: tuple[WordRule, ...] = ()


def unheard(_news: object) -> None:
    """Nobody listens."""


class Ruling:
    """What moderators may do with a server's rules."""

    def __init__(
        self,
        store: RulesStore,
        house_of: Callable[[str], Awaitable[House]],
        catalogue: Catalogue,
        clock: Clock,
        on_change: Callable[[Changed], None] = unheard,
    ) -> None:
        """`house_of`: the operator's rules for a server. `on_change` hears of each stored change, and never raises."""
        self.catalogue = catalogue
        self._house_of = house_of
        self._store = store
        self._clock = clock
        self._on_change = on_change

    async def record(self, scope: str) -> RulesRecord:
        """What holds now."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return await self._store.rules(scope)

    async def house(self, scope: str) -> House:
        """The operator's rules for this server."""
        return await self._house_of(scope)

    async def change(
        self,
        scope: str,
        wanted: Mapping[Target, str],
        *,
        by: int,
        seen: int | None = None,
        channels: Mapping[int, bool] = NO_CHANNELS,
    ) -> Changed:
        """Set values, written as a person writes them; all of them or none. `default`: as if nobody had set it.

        `seen`: the version that they saw; when one of the values was changed since, nothing is. `channels`: all ids of
        the server's own, so that none of them can be left without, and whether the bot can write there. Raises
        RefusedError.
        """
        record, house = await self.record(scope), await self.house(scope)
        then = record.rules if seen is None or seen == record.version else await self._rules_of(scope, seen)
        new = record.rules
        for target, text in wanted.items():
            value = read_value(target, text, self.catalogue)
            if value == value_of(then, target) and len(wanted) > 1:
                continue  # a field of a form that was left as it was
            if value_of(then, target) != value_of(record.rules, target):
                raise RulesChangedError
            new = with_value(new, target, value)
            self._check(target, value, new, house, channels)
        if new == record.rules:
            raise UnchangedError
        return await self._store_next(scope, record, new, by)

    async def reset_all(self, scope: str, *, by: int) -> Changed:
        """As if nobody had set anything; word rules stay."""
        record = await self.record(scope)
        if record.rules == Rules():
            raise UnchangedError
        return await self._store_next(scope, record, Rules(), by)

    async def undo(self, scope: str, version: int, *, by: int, channels: Mapping[int, bool] = NO_CHANNELS) -> Changed:
        """Take one change back, whatever else was changed since. Raises NothingToUndoError, RulesChangedError."""
        records = await self._versions(scope, version)
        if version < 1 or not records:
            raise NothingToUndoError
        record, house, new = await self.record(scope), await self.house(scope), None
        for change in differences(records[1].rules if len(records) > 1 else Rules(), records[0].rules):
            now = value_of(record.rules, change.target)
            if now == change.before:
                continue
            if now != change.after:
                raise RulesChangedError
            new = with_value(new or record.rules, change.target, change.before)
            self._check(change.target, change.before, new, house, channels)
        if new is None:
            raise NothingToUndoError
        return await self._store_next(scope, record, new, by)

    async def history(self, scope: str, most: int) -> list[Changed]:
        """The latest changes, the newest first."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            records = await self._store.history(scope, most + 1)
        pairs = zip(records, [*records[1:], RulesRecord()], strict=False)  # an empty history has no pairs
        return [_changed(scope, old, new) for new, old in pairs][:most]

    async def _versions(self, scope: str, version: int) -> list[RulesRecord]:
        """That version and the one before."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return await self._store.history(scope, 2, up_to=version)

    async def _rules_of(self, scope: str, version: int) -> Rules:
        found = await self._versions(scope, version) if version > 0 else []
        return found[0].rules if found else Rules()

    async def _store_next(self, scope: str, record: RulesRecord, new: Rules, by: int) -> Changed:
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            stored = await self._store.change_rules(scope, record, new, by=by, at=self._clock())
        changed = _changed(scope, record, stored)
        self._on_change(changed)
        return changed

    def _check(self, target: Target, value: Value, new: Rules, house: House, channels: Mapping[int, bool]) -> None:
        """What a moderator may not do: go beyond the operator, or lock everybody out."""
        most = cap(target, new, house, self.catalogue)
        if isinstance(value, int) and not isinstance(value, bool) and most is not None and value > most:
            raise OverCapError(name=target.name, cap=most)
        if target.name == "default_model" and value is not None and new.models is not None and value not in new.models:
            raise BadValueError(name=target.name, given=str(value), allowed=tuple(sorted(new.models)))
        if target.name == "log_channel" and isinstance(value, int) and not channels.get(value, not channels):
            raise NoLogThereError(channel_id=value)
        allowed = value if setting_of(target).name == "models" else None
        if isinstance(allowed, frozenset) and not allowed & self.catalogue.models.keys():
            raise NothingLeftError(of="models")
        if target.name in {"roles_only", "member_day"} and new.roles_only and not new.role_allowances:
            raise NothingLeftError(of="roles")
        if target.name in {"channels", "listed_channels"} and _is_shut(new, channels):
            raise NothingLeftError(of="channels")


def _is_shut(rules: Rules, channels: Collection[int]) -> bool:
    """Whether no channel is left for images; `channels` are all of the server's, empty when they are not known."""
    match rules.channels:
        case Channels.EVERY:
            return False
        case Channels.ONLY:
            return not (rules.listed_channels.intersection(channels) if channels else rules.listed_channels)
        case Channels.EXCEPT:
            return bool(channels) and rules.listed_channels.issuperset(channels)


def _changed(scope: str, old: RulesRecord, new: RulesRecord) -> Changed:
    return Changed(
        scope=scope,
        version=new.version,
        by=new.changed_by or 0,
        at=new.changed_at or 0.0,
        changes=differences(old.rules, new.rules),
    )
