"""From what the servers, the kernel and the loop have seen to the figures of one round, and to medians of rounds."""

import math
import re
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from tests.bench.meter import Usage
from tests.bench.stage import Calls, Json
from tests.bench.watched import TICK

NUMBER = re.compile(r"order (\d+)")
UNANSWERED = 3.0
"""Seconds after which Discord gives an interaction up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One round, or the medians of some; None where there is nothing to measure."""

    cpu_ms: float | None
    """Milliseconds per order, children included."""
    posted_p50: float | None
    """Seconds from fal's COMPLETED until the pictures stand, over what was posted."""
    posted_p99: float | None
    ack_p99: float | None
    """Seconds from a command to its answer; what was not answered counts as three."""
    fal_calls: float | None
    """Per order, downloads included."""
    discord_calls: float | None
    memory_mb: float | None
    """Per order: the process's peak above its base."""
    worker_mb: float | None
    """Per order: the peaks of its children."""
    lag_p99: float | None
    """Seconds that the event loop is late."""
    finished: float | None
    limited: float | None
    """Answers with 429, in all."""


def prompt_of(number: int) -> str:
    """What an order says; it is found again in the message and at fal."""
    return f"a small boat, order {number:04}"


def number_in(text: str) -> int | None:
    found = NUMBER.search(text)
    return int(found[1]) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that was seen of one round; times in epoch seconds."""

    count: int
    answers: Sequence[float | None]
    pictured: Sequence[Json]
    jobs: Sequence[Json]
    calls: Calls
    usage: Usage
    lags: Sequence[float]

    def figures(self) -> Figures:
        ended = {number_in(job["arguments"]["prompt"]): job["ended_at"] for job in self.jobs}
        posted = {number_in(message["text"]): message["at"] for message in self.pictured}
        waits = [at - ended[number] for number, at in posted.items() if ended.get(number) is not None]
        return Figures(
            cpu_ms=self.usage.cpu * 1000 / self.count,
            posted_p50=percentile(waits, 0.50),
            posted_p99=percentile(waits, 0.99),
            ack_p99=percentile((UNANSWERED if one is None else one for one in self.answers), 0.99),
            fal_calls=self.calls.fal / self.count,
            discord_calls=self.calls.discord / self.count,
            memory_mb=self.usage.memory / 1e6 / self.count,
            worker_mb=self.usage.children / 1e6 / self.count,
            lag_p99=percentile(list(unhidden(self.lags)), 0.99),
            finished=len(waits),
            limited=self.calls.limited,
        )


def percentile(values: Iterable[float], part: float) -> float | None:
    """The smallest value that so large a part of all does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)] if ordered else None


def unhidden(lags: Iterable[float], tick: float = TICK) -> Iterator[float]:
    """A long lag keeps the ticks away that would have seen it, too; they are put back."""
    for lag in lags:
        yield lag
        for missed in range(1, int(lag / tick)):
            yield lag - missed * tick


def lags_between(file: Path, begin: float, end: float) -> list[float]:
    """What `watched` wrote between two moments; a line cut off by a kill is left out."""
    found: list[float] = []
    for line in file.read_text(encoding="ascii").splitlines(keepends=True):
        at, _, lag = line.partition(" ")
        if line.endswith("\n") and begin <= float(at) <= end:
            found.append(float(lag))
    return found


def medians(rounds: Sequence[Figures]) -> Figures:
    """Of each figure, over the rounds in which there was something to measure."""
    names = [one.name for one in fields(Figures)]
    columns: Mapping[str, list[float]] = {
        name: [value for figures in rounds if (value := getattr(figures, name)) is not None] for name in names
    }
    return Figures(**{name: statistics.median(column) if column else None for name, column in columns.items()})


def jain(shares: Sequence[float]) -> float:
    """Jain's index: 1 when all shares are equal, 1/n when one has everything."""
    return sum(shares) ** 2 / (len(shares) * sum(share**2 for share in shares)) if any(shares) else 0.0
