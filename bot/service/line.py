"""Our own line before fal: at most so many requests there at once, the rest wait here for their fair turns."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from bot.domain.eta import done_in
from bot.domain.job import Job
from bot.domain.turns import Turns, Waiting
from bot.service.forecast import Forecast, Timings
from bot.service.gate import Gate
from bot.service.ports import Clock, Generating, InLine, Sleep

TELL_EVERY, TOLD_A_SECOND = 2.0, 100
"""Seconds between two looks at where everyone stands, at least, and how many are told in a second, at most."""
TOLD_AT_ONCE = 100
"""How many are told before others get a word in. Only for speed: a look at 1,000 who wait stopped the loop for 9 to 17 ms,
and now for 2 to 6."""
MAY_RUN = 60.0
"""Seconds that a request may take at fal of which no times are known."""

Moved = Callable[[InLine], None]
"""Told where an order stands now."""


@dataclass(slots=True)
class _Place:
    job: Job
    waiting: Waiting
    moved: Moved
    called: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class _AtFal:
    job: Job
    since: float
    """Unix seconds."""


class Line:
    """Who waits, who is at fal, and whose turn it is."""

    def __init__(
        self, places_at_fal: int, weights: Mapping[str, float], forecast: Forecast, gate: Gate, clock: Clock
    ) -> None:
        self._places = places_at_fal
        self._turns = Turns(weights)
        self._forecast = forecast
        self._clock = clock
        self._gate = gate
        self._line: dict[str, _Place] = {}
        self._said: dict[str, InLine | Generating] = {}
        self._somebody = asyncio.Event()
        self._at_fal: dict[str, _AtFal] = {}

    async def resume(self, timings: Timings) -> None:
        """Go on with the turns as an earlier process left them, once everyone from then stands in line again."""
        await self._forecast.load()
        if self._line:
            self._turns.resume(await timings.turns(), self._waiting())

    def phase(self, job: Job) -> InLine:
        """How many orders go before this one, whether it could go at once, and when it should be done."""
        place = self._line.get(job.id) or _Place(job, _waiting(job), lambda _: None)
        places = self._line | {job.id: place}
        return next(phase for one, phase in self._phases(places) if one is place)

    def first_phase(self, job: Job) -> InLine | Generating:
        """What is said first of an order, which has not joined yet; one that nothing keeps is as good as at fal.

        Remembered until it has its place or leaves: what was said tells what needs an edit, and is asked for twice.
        """
        if job.id not in self._said:
            goes_now = self.lets_through(job) and self._promised < self._free
            self._said[job.id] = self._forecast.generating(job) if goes_now else self.phase(job)
        return self._said[job.id]

    def join(self, job: Job, moved: Moved) -> None:
        """Stand in line; not called before `turn`."""
        self._line[job.id] = _Place(job, _waiting(job), moved)
        self._somebody.set()

    def leave(self, job: Job) -> None:
        """Go away without a turn."""
        self._step_out(job.id)
        self.done(job)

    def lets_through(self, job: Job) -> bool:
        """Whether nothing keeps it: it is ready, a place is free, and the gate is open.

        The row of such an order need not be written before it says SUBMITTING, only for speed: 0.4 ms of CPU.
        """
        is_ready = not (job.order.is_edit or job.unapproved)
        return is_ready and self._free > 0 and not self._gate.is_shut

    async def turn(self, job: Job) -> bool:
        """Wait, ready, until it is this job's turn; True then, and it occupies a place at fal until `done`."""
        place = self._line[job.id]
        place.waiting = replace(place.waiting, ready=True)
        self._call()
        try:
            await place.called.wait()
        except asyncio.CancelledError:
            self.leave(job)
            raise
        return True

    def there_already(self, job: Job) -> None:
        """Occupy a place for a request that is at fal already, or may be, until `done`; even when none is free."""
        self._at_fal.setdefault(job.id, _AtFal(job, job.sent_at))

    def done(self, job: Job) -> None:
        """Free the job's place; harmless for one that has none."""
        if self._at_fal.pop(job.id, None) is not None:
            self._call()

    @asynccontextmanager
    async def maybe_there(self, job: Job, sleep: Sleep) -> AsyncGenerator[None]:
        """While nobody knows whether fal has the request, it has a place as long as almost all such requests take.

        It keeps the place when it is found.
        """
        self.there_already(job)
        letting_go = asyncio.create_task(self._let_go(job, sleep), name=f"maybe-{job.id}")
        try:
            yield
        except BaseException:
            self.done(job)
            raise
        finally:
            letting_go.cancel()
            await asyncio.wait({letting_go})

    async def _let_go(self, job: Job, sleep: Sleep) -> None:
        longest = max(self._forecast.usual(job), default=MAY_RUN)
        left = job.sent_at + longest - self._clock()
        await sleep(min(left, longest))  # a clock may be set back
        self.done(job)

    async def keep_told(self, sleep: Sleep) -> None:
        """Tell everyone where they stand, now and then, until cancelled.

        Not at each move, only for speed: a look at 1,000 who wait takes some 10 ms, and they move 1,000 times.
        """
        while True:
            await self._somebody.wait()
            for told, (place, phase) in enumerate(self._phases(self._line), start=1):
                if place.waiting.ready and self._line.get(place.job.id) is place:  # who left meanwhile hears nothing
                    place.moved(phase)
                if told % TOLD_AT_ONCE == 0:
                    await asyncio.sleep(0)
            await sleep(max(TELL_EVERY, len(self._line) / TOLD_A_SECOND))

    @property
    def _free(self) -> int:
        return self._places - len(self._at_fal)

    @property
    def _promised(self) -> int:
        """Free places of which somebody has read already that they are theirs."""
        return sum(isinstance(said, Generating) for said in self._said.values())

    def _waiting(self) -> Iterable[Waiting]:
        return (place.waiting for place in self._line.values())

    def _phases(self, places: dict[str, _Place]) -> Iterator[tuple[_Place, InLine]]:
        """Everybody in the order of their turns."""
        full, shut = self._free <= 0, self._gate.is_shut
        order = [places[one.job_id] for one in self._turns.order(place.waiting for place in places.values())]
        # Only for speed: where all find a free place, those at fal are not asked; 4 % of an order's CPU with 100 there.
        asked = self._at_fal.values() if len(order) > self._free else ()
        left = [self._forecast.left(one.job, one.since) for one in asked]
        at_once = self._places if asked else self._free
        done = done_in((self._forecast.usual(place.job) for place in order), left, at_once)
        for ahead, (place, seconds) in enumerate(zip(order, done, strict=True)):
            expected = None if shut else self._forecast.expected(seconds)
            yield place, InLine(ahead=ahead, full=full, expected=expected)

    def _call(self) -> None:
        while self._free > 0:
            ready = self._turns.order(one for one in self._waiting() if one.ready)
            if not ready:
                return
            following = ready[0]
            place = self._line[following.job_id]
            self._step_out(following.job_id)
            self._turns.give(following, self._waiting())
            self._at_fal[following.job_id] = _AtFal(place.job, self._clock())
            place.called.set()

    def _step_out(self, job_id: str) -> None:
        self._said.pop(job_id, None)
        self._line.pop(job_id, None)
        if not self._line:
            self._somebody.clear()


def _waiting(job: Job) -> Waiting:
    return Waiting(
        job_id=job.id,
        number=job.number,
        scope=job.order.scope,
        member_id=job.order.member_id,
        credits=job.credits,
        created_at=job.ready_at,
        ready=False,
        had_turn=job.submitted_at is not None,
    )
