"""What the bot expects of fal's time, and what it learns from each request."""

from typing import Protocol

from bot.domain.catalogue import Catalogue
from bot.domain.eta import Kind, Spread, Times, kind_of, middle
from bot.domain.job import Job
from bot.domain.turns import Turn
from bot.service.ports import Clock, Expected, Generating

LEAST_GIVE, GIVE = 5.0, 0.25
"""Seconds, and share of the wait, that an expected moment may wander before it is said anew."""


class Timings(Protocol):
    """What the line and its estimates go on from after a restart."""

    async def turns(self) -> list[Turn]:
        """The turns given lately, the oldest first."""
        ...

    async def times(self) -> list[tuple[Kind, float]]:
        """Seconds that requests took lately, the oldest first."""
        ...

    def keep(self, kind: Kind, seconds: float) -> None:
        """Keep one more, some time. An estimate is a courtesy: nobody waits for the file."""
        ...


class Forecast:
    """How long requests take. In memory, so that asking costs nothing; the file is read once and added to."""

    def __init__(self, timings: Timings, catalogue: Catalogue, clock: Clock) -> None:
        self._timings = timings
        self._clock = clock
        self._times = Times(catalogue.rough_times())

    async def load(self) -> None:
        """Go on where the last process was."""
        for kind, seconds in await self._timings.times():
            self._times.add(kind, seconds)

    def learn(self, job: Job, took: float | None) -> None:
        """Remember how many seconds fal took, if that was seen."""
        if took and took > 0:  # a clock may be set back
            self._times.add(kind_of(job.request), took)
            self._timings.keep(kind_of(job.request), took)

    def usual(self, job: Job) -> Spread:
        """How long such a request takes at fal."""
        return self._times.usual(kind_of(job.request))

    def generating(self, job: Job) -> Generating:
        """It begins now."""
        return Generating(since=int(self._clock()), usual=middle(self.usual(job)))

    def left(self, job: Job, since: float) -> Spread:
        """How long a request takes yet that began then (unix seconds)."""
        return self._times.left(kind_of(job.request), max(0.0, self._clock() - since))

    def expected(self, seconds: float | None) -> Expected | None:
        """The moment in so many seconds, to be told."""
        if seconds is None:
            return None
        return Expected(at=round(self._clock() + seconds), give=round(max(LEAST_GIVE, seconds * GIVE)))
