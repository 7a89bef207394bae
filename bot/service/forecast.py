"""What the bot expects of fal's time, and what it learns from each request."""

from bot.domain.catalogue import Catalogue
from bot.domain.eta import Spread, Times, kind_of
from bot.domain.job import Job
from bot.service.ports import Clock, Expected, Timings
from bot.service.run import Run

LEAST_GIVE, GIVE = 5.0, 0.25
"""Seconds, and share of the wait, that an expected moment may wander before it is said anew."""


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

    async def learn(self, run: Run) -> None:
        """Remember how long a request took; after its job is over, so that nobody waits for the file."""
        if run.took:
            kind = kind_of(run.job.request)
            self._times.add(kind, run.took)
            await self._timings.keep(kind, run.took)

    def usual(self, job: Job) -> Spread:
        """How long such a request takes at fal."""
        return self._times.usual(kind_of(job.request))

    def left(self, job: Job, since: float) -> Spread:
        """How long a request takes yet that began then (unix seconds)."""
        return self._times.left(kind_of(job.request), max(0.0, self._clock() - since))

    def expected(self, seconds: float | None) -> Expected | None:
        """The moment in so many seconds, to be told."""
        if seconds is None:
            return None
        return Expected(at=round(self._clock() + seconds), give=round(max(LEAST_GIVE, seconds * GIVE)))
