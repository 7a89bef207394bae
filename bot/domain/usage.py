"""What was used in a server or by a member: sums for tables, a chart and a forecast."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from bot.domain.ledger import DAY, next_month

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """One member's use of one model on one UTC day."""

    day: str
    """Such as `2026-11-21`."""
    member_id: int
    """Negative for a person who was forgotten."""
    model: str
    delivered: int
    """Orders that yielded images."""
    images: int
    credits: int
    seconds: float
    """From order to images, of all delivered orders together."""
    failed: int
    cancelled: int


COLUMNS = tuple(one.name for one in fields(UsageRow))
"""Of a table of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Everything that /usage tells."""

    since: str
    until: str
    """The first and the last UTC day, both included."""
    rows: tuple[UsageRow, ...]
    refusals: Mapping[str, int]
    """How often the desk said no, by the error's code."""

    @property
    def days(self) -> tuple[str, ...]:
        """Every day, also those without use."""
        first, last = date.fromisoformat(self.since), date.fromisoformat(self.until)
        return tuple((first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1))

    @property
    def credits(self) -> int:
        """All together."""
        return sum(row.credits for row in self.rows)

    @property
    def images(self) -> int:
        """All together."""
        return sum(row.images for row in self.rows)

    @property
    def delivered(self) -> int:
        """Orders that yielded images."""
        return sum(row.delivered for row in self.rows)

    @property
    def failed(self) -> int:
        """Orders that failed."""
        return sum(row.failed for row in self.rows)

    @property
    def cancelled(self) -> int:
        """Orders that were called off."""
        return sum(row.cancelled for row in self.rows)

    @property
    def refused(self) -> int:
        """How often the desk said no."""
        return sum(self.refusals.values())

    @property
    def seconds_each(self) -> float | None:
        """The mean time from order to images; None while nothing was delivered."""
        return sum(row.seconds for row in self.rows) / self.delivered if self.delivered else None

    def by_model(self) -> Sequence[tuple[str, int]]:
        """Credits of each model, the highest first."""
        return _summed((row.model, row.credits) for row in self.rows)

    def by_member(self) -> Sequence[tuple[int, int]]:
        """Credits of each member, the highest first."""
        return _summed((row.member_id, row.credits) for row in self.rows)

    def by_day(self, model: str) -> Sequence[int]:
        """Credits of one model on each of `days`."""
        spent = Counter[str]()
        for row in self.rows:
            if row.model == model:
                spent[row.day] += row.credits
        return [spent[day] for day in self.days]


def _summed(pairs: Iterable[tuple[K, int]]) -> Sequence[tuple[K, int]]:
    summed = Counter[K]()
    for key, count in pairs:
        summed[key] += count
    return summed.most_common()


def forecast(spent: int, last_days: Sequence[int], now: float) -> int:
    """The operator's credits at the end of this UTC month, if it goes on as in the last days.

    `spent`: of the month so far; `last_days`: of whole days before today, in any order (empty: the month's own mean).
    """
    left_days = (next_month(now) - now) / DAY
    if last_days:
        pace = sum(last_days) / len(last_days)
    else:
        moment = datetime.fromtimestamp(now, UTC)
        first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        pace = spent / max(1.0, (moment - first).total_seconds() / DAY)
    return round(spent + pace * left_days)
