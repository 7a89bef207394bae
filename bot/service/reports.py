"""Reports: what was used, as sums, as a chart and as a table to take along."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Protocol

from bot.domain.catalogue import Catalogue
from bot.domain.errors import BooksBusyError
from bot.domain.usage import COLUMNS, Usage, UsageRow
from bot.service.ports import Clock
from bot.service.racing import within

LOOK_TIMEOUT = 2.0
"""Seconds for the sums."""


class UsageStore(Protocol):
    """Sums of what was used."""

    async def of_server(self, scope: str, now: float, days: int) -> Usage:
        """The last `days` UTC days of a server, today included."""
        ...

    async def of_member(self, scope: str, member_id: int, now: float, days: int) -> Usage:
        """The same of one member there."""
        ...


class Draws(Protocol):
    """Draws charts."""

    async def bars(
        self, *, title: str, unit: str, days: Sequence[str], series: Mapping[str, Sequence[int]]
    ) -> bytes | None:
        """Stacked bars by day as a PNG; None when it could not be drawn."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What /usage shows."""

    usage: Usage
    chart: bytes | None
    """A PNG; None when there is nothing to draw, or it could not be drawn."""
    table: str
    """CSV with a row for a member, a model and a day."""


class Reports:
    """Makes them."""

    def __init__(
        self,
        store: UsageStore,
        draws: Draws,
        catalogue: Catalogue,
        clock: Clock,
        words: Callable[[Usage], tuple[str, str]],
    ) -> None:
        """`words` gives the chart's title and unit."""
        self._store = store
        self._draws = draws
        self.catalogue = catalogue
        self._clock = clock
        self._words = words

    async def of_server(self, scope: str, days: int) -> Report:
        """Of everybody there. Raises BooksBusyError."""
        async with within(LOOK_TIMEOUT, BooksBusyError()):
            usage = await self._store.of_server(scope, self._clock(), days)
        return await self._report(usage)

    async def of_member(self, scope: str, member_id: int, days: int) -> Report:
        """Of one member there. Raises BooksBusyError."""
        async with within(LOOK_TIMEOUT, BooksBusyError()):
            usage = await self._store.of_member(scope, member_id, self._clock(), days)
        return await self._report(usage)

    async def _report(self, usage: Usage) -> Report:
        return Report(usage=usage, chart=await self._chart(usage) if usage.rows else None, table=_table(usage.rows))

    async def _chart(self, usage: Usage) -> bytes | None:
        title, unit = self._words(usage)
        return await self._draws.bars(
            title=title,
            unit=unit,
            days=[day[5:] for day in usage.days],
            series={self.catalogue.title_of(model): usage.by_day(model) for model, _ in usage.by_model()},
        )


def _table(rows: Sequence[UsageRow]) -> str:
    made = StringIO()
    writer = csv.writer(made)
    writer.writerow(COLUMNS)
    writer.writerows([getattr(row, name) for name in COLUMNS] for row in rows)
    return made.getvalue()
