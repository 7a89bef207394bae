"""Whose turn it is: the order in which the bot submits to fal while servers compete for ten places."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bots import online
from tests.bench.figures import jain
from tests.bench.plan import Side
from tests.bench.rounds import order, settle
from tests.bench.stage import BenchError, Json, staged
from tests.loopback.certificates import Certificates

AT_ONCE = 10
PICTURE = 20_000
"""Bytes; what is posted does not matter here."""
PEOPLE = 4
"""Members of each server who order, by turns."""
BUSY, SINGLES, FIRST = 200, 20, 30
"""Orders of the busy server; servers with one order each; the submissions among which those are looked for."""
LONG = 6.0
"""Seconds at fal: all orders must stand in line before the first place becomes free."""
SERVERS, WINDOW = 10, 100
EACH, COSTLY_IMAGES = 36, 4
"""Orders of each server: enough that nobody runs out; images in an order of every other server, the rest want one.

By turns, or first come first served, half of the servers would get four times as much as the others: 0.74.
"""
SUBMISSIONS = 150
"""That are looked at."""
SHORT = 1.0
PACE = 0.015
"""Seconds between two orders: as fast as the bot can answer them all in time."""
PATIENCE = 120.0
OWNER = re.compile(r"server (\d+)")

Wanted = tuple[int, int]
"""An order: the number of its server, and its images, which are also its price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fairness:
    """What came out; None where the orders came too slowly to tell."""

    singles: int | None
    """How many of the servers with a single order had their turn within the first submissions."""
    least_jain: float | None
    """The least of Jain's index over credits in windows of a hundred submissions with ten servers waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """The servers, in the order in which their orders were submitted."""

    before: Sequence[int]
    """Until everybody had ordered."""
    after: Sequence[int]


async def measure_fairness(folder: Path, certificates: Certificates, settings: Mapping[str, str]) -> Fairness:
    """Both scenes. Raises BenchError."""
    busy = [(0, 1)] * BUSY + [(server, 1) for server in range(1, SINGLES + 1)]
    scene = Scene(folder=folder / "singles", certificates=certificates, settings=settings, seconds=LONG)
    turns = await scene.play(busy, lambda turns: len(turns.before) + len(turns.after) >= FIRST)
    first = {*turns.before, *turns.after[: FIRST - len(turns.before)]}

    backlog = [(server, COSTLY_IMAGES if server % 2 else 1) for _ in range(EACH) for server in range(SERVERS)]
    scene = Scene(folder=folder / "backlog", certificates=certificates, settings=settings, seconds=SHORT)
    rivalry = await scene.play(backlog, lambda turns: len(turns.after) >= SUBMISSIONS)
    return Fairness(
        singles=len(first - {0}) if len(turns.before) <= AT_ONCE else None,
        least_jain=least_jain(rivalry, backlog),
    )


def least_jain(turns: Turns, wanted: Sequence[Wanted]) -> float | None:
    """Over all windows in which everybody has orders waiting; when there is none, that of the first window."""
    cost = dict(wanted)
    waiting = Counter(server for server, _ in wanted)
    waiting.subtract(turns.before)
    indices: list[float] = []
    for start in range(len(turns.after) - WINDOW + 1):
        window = Counter(turns.after[start : start + WINDOW])
        if indices and any(waiting[server] <= window[server] for server in cost):
            break
        indices.append(jain([window[server] * cost[server] for server in cost]))
        waiting.subtract([turns.after[start]])
    return min(indices, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Our bot with ten places at fal; `seconds`: what fal takes."""

    folder: Path
    certificates: Certificates
    settings: Mapping[str, str]
    seconds: float

    async def play(self, wanted: Sequence[Wanted], enough: Callable[[Turns], bool]) -> Turns:
        """Place all orders, then watch the submissions. Raises BenchError."""
        (self.folder / "data").mkdir(parents=True)
        settings = {"BOT_FAL__MAX_CONCURRENT": str(AT_ONCE), **self.settings}
        servers = len({server for server, _ in wanted})
        async with staged(self.folder, self.certificates, seconds=self.seconds, picture_bytes=PICTURE) as stage:
            places = await settle(stage, servers, servers * PEOPLE)
            async with online(Side.OURS, stage, self.folder, self.certificates, settings) as bot:
                for number, (server, images) in enumerate(wanted):
                    place = places[server + servers * (number % PEOPLE)]
                    await order(stage, place, f"a boat, order {number:04} of server {server}", images)
                    await asyncio.sleep(PACE)
                before = len(await stage.fal_jobs())
                until = time.monotonic() + PATIENCE
                while True:
                    jobs = await stage.fal_jobs()
                    turns = Turns(before=owners(jobs[:before]), after=owners(jobs[before:]))
                    if enough(turns):
                        return turns
                    if time.monotonic() > until:
                        raise BenchError(f"only {len(jobs)} of {len(wanted)} orders were submitted in time")
                    bot.check_alive()
                    await asyncio.sleep(self.seconds / 4)


def owners(jobs: Sequence[Json]) -> list[int]:
    """The servers that the requests are for."""
    return [int(found[1]) for job in jobs if (found := OWNER.search(job["arguments"]["prompt"]))]
