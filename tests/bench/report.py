"""The figures as a table, the targets as plain lines, and what must be said beside them."""

import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.fairness import FIRST, SERVERS, SINGLES, Fairness
from tests.bench.figures import Figures
from tests.bench.plan import Load, Plan, Side

Results = Mapping[Load, Mapping[Side, Figures]]


@dataclass(frozen=True, slots=True)
class Column:
    """One figure as people read it."""

    title: str
    unit: str
    value: Callable[[Figures], float | None]
    """In that unit."""

    def shown(self, figures: Figures) -> str:
        return number(self.value(figures))


def _milliseconds(value: float | None) -> float | None:
    return None if value is None else value * 1000


COLUMNS = (
    Column("CPU per order", "ms", lambda one: one.cpu_ms),
    Column("COMPLETED to posted, p50", "ms", lambda one: _milliseconds(one.posted_p50)),
    Column("COMPLETED to posted, p99", "ms", lambda one: _milliseconds(one.posted_p99)),
    Column("answered, p99", "ms", lambda one: _milliseconds(one.ack_p99)),
    Column("fal calls per order", "", lambda one: one.fal_calls),
    Column("Discord calls per order", "", lambda one: one.discord_calls),
    Column("memory per order", "MB", lambda one: one.memory_mb),
    Column("its workers' memory per order", "MB", lambda one: one.worker_mb),
    Column("event loop late, p99", "ms", lambda one: _milliseconds(one.lag_p99)),
    Column("finished", "", lambda one: one.finished),
    Column("429s", "", lambda one: one.limited),
)
NOT_COVERED = """\
Not covered: the network (everything is on one machine, so a call costs microseconds where the real one costs tens of
milliseconds), fal's and Discord's own speed, Discord's real limits (the loopback enforces 50 requests a second on bot
routes, five in five seconds per channel and per token), reconnects, edits with pictures, and more than one process.
Figures per order count what was ordered, whether it was finished within the round (the naive bot is stopped after two
minutes) or not. Memory is the peak of the bot's process above its idle base; a re-encoding worker has its own line. 4 × 10 MB goes
through a loopback Discord that takes 64 MiB in a request, as the naive bot sends all in one."""
NAIVE = """\
The naive bot is `tests/bench/naive_bot.py`: fal's public example (`fal_client.subscribe_async` with its default
polling), an awaited edit per update, the whole picture in memory, sent as a `discord.File`."""


def number(value: float | None) -> str:
    """Three digits, and no more than they are worth."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(results: Results) -> str:
    """Markdown: two lines and their ratio for each load."""
    heads = ["orders", "", *(f"{one.title}{f' ({one.unit})' if one.unit else ''}" for one in COLUMNS)]
    lines = [heads, ["---"] * 2 + ["--:"] * len(COLUMNS)]
    for load, sides in results.items():
        for side, figures in sides.items():
            lines.append([load.name, side, *(column.shown(figures) for column in COLUMNS)])
        if len(sides) == len(Side):
            ratios = (ratio(column.value(sides[Side.OURS]), column.value(sides[Side.NAIVE])) for column in COLUMNS)
            lines.append([load.name, "ratio", *map(number, ratios)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def ratio(ours: float | None, naive: float | None) -> float | None:
    return ours / naive if ours is not None and naive else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A number to reach."""

    said: str
    met: bool | None
    """None when it was not measured."""
    found: str

    def __str__(self) -> str:
        return f"{ {True: 'yes', False: 'NO', None: '-'}[self.met]:4}{self.said}: {self.found}"


def targets(results: Results, fairness: Fairness | None) -> list[Target]:
    """All of them, measured or not."""
    by_name = {("large" if load.is_large else str(load.orders)): sides for load, sides in results.items()}
    return [
        *_beside_naive(by_name.get("50", {})),
        _at_most("memory per order at 4 × 10 MB", by_name.get("large", {}), lambda one: one.memory_mb, 1 / 10),
        _no_429(results),
        _below("event loop late at 200 orders, p99 in ms", by_name.get("200", {}), lambda one: one.lag_p99, 0.050),
        *_at_a_thousand(by_name.get("1000", {})),
        *_fair(fairness),
    ]


Value = Callable[[Figures], float | None]
Sides = Mapping[Side, Figures]


def _beside_naive(sides: Sides) -> Iterator[Target]:
    yield _at_most("CPU per order at 50 orders", sides, lambda one: one.cpu_ms, 1 / 4)
    yield _at_most("COMPLETED to posted at 50 orders, p50", sides, lambda one: one.posted_p50, 1 / 50)
    yield _below("COMPLETED to posted at 50 orders, p50 in ms", sides, lambda one: one.posted_p50, 0.050)
    yield _at_most("COMPLETED to posted at 50 orders, p99", sides, lambda one: one.posted_p99, 1 / 30)
    ours = sides[Side.OURS].fal_calls if Side.OURS in sides else None
    yield Target(
        said="fal calls per order of one image, at most 5",
        met=None if ours is None else ours <= 5,
        found=_or_not(ours),
    )
    yield _at_most("memory per order at 50 orders", sides, lambda one: one.memory_mb, 1 / 2)


def _at_most(said: str, sides: Sides, value: Value, part: float) -> Target:
    """Against the naive bot."""
    ours, naive = (value(sides[side]) if side in sides else None for side in (Side.OURS, Side.NAIVE))
    of_it = ratio(ours, naive)
    return Target(
        said=f"{said}, at most 1/{1 / part:.0f} of the naive bot's",
        met=None if of_it is None else of_it <= part,
        found="not measured" if of_it is None else f"{of_it:.3f}, that is 1/{1 / of_it:.1f}" if of_it else "0",
    )


def _below(said: str, sides: Sides, value: Value, limit: float) -> Target:
    """Seconds."""
    ours = value(sides[Side.OURS]) if Side.OURS in sides else None
    return Target(
        said=f"{said}, under {limit * 1000:.0f}",
        met=None if ours is None else ours < limit,
        found=_or_not(_milliseconds(ours)),
    )


def _or_not(value: float | None) -> str:
    return "not measured" if value is None else number(value)


def _no_429(results: Results) -> Target:
    seen = [sides[Side.OURS].limited or 0 for sides in results.values() if Side.OURS in sides]
    return Target(said="no 429 in any load", met=not any(seen) if seen else None, found=number(sum(seen)))


def _at_a_thousand(sides: Sides) -> Iterator[Target]:
    finished = sides[Side.OURS].finished if Side.OURS in sides else None
    yield Target(
        said="all of 1000 orders finish",
        met=None if finished is None else finished >= 1000,
        found=_or_not(finished),
    )
    yield _below("answered at 1000 orders, p99 in ms", sides, lambda one: one.ack_p99, 0.250)
    yield _below("COMPLETED to posted at 1000 orders, p99 in ms", sides, lambda one: one.posted_p99, 2.0)


def _fair(fairness: Fairness | None) -> Iterator[Target]:
    singles = fairness.singles if fairness else None
    index = fairness.least_jain if fairness else None
    yield Target(
        said=f"{SINGLES} servers with one order each, beside one with 200, are among the first {FIRST} submissions",
        met=None if singles is None else singles == SINGLES,
        found="not measured" if singles is None else f"{singles} of {SINGLES}",
    )
    yield Target(
        said=f"Jain's index over credits in every 100 submissions with {SERVERS} servers waiting, at least 0.95",
        met=None if index is None else index >= 0.95,
        found=_or_not(index),
    )


def machine() -> str:
    """What it ran on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} cores ({model}), {platform.system()} {platform.release()}, Python {platform.python_version()}"


def markdown(plan: Plan, results: Results, fairness: Fairness | None, troubles: Sequence[str], picture: str) -> str:
    """The whole page."""
    rounds = ", ".join(f"{load.rounds} of {load.name}" for load in results)
    seconds = ", ".join(sorted({f"{load.seconds:g} s" for load in results}))
    how = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}; {seconds} at fal for each order, over TLS; rounds, by turns (the table has their medians): {rounds}."
    if plan.quick:
        how += " A quick run: shorter and smaller than the one that the targets are meant for."
    said = [str(target) for target in targets(results, fairness)]
    parts = ["# Beside a naive bot", how, table(results), f"![the same as a picture]({picture})", "## Numbers to reach"]
    parts += ["\n".join(["```", *said, "```"]), *(f"**Went wrong:** {one}" for one in troubles), NAIVE, NOT_COVERED]
    return "\n\n".join(parts) + "\n"
