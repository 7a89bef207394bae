"""Our own line before fal: at most so many requests there at once, the rest wait here."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.domain.job import Job
from bot.domain.turns import Waiting, next_turn, place_in_line
from bot.service.ports import InLine

Moved = Callable[[], None]
"""Called when the line has moved."""


@dataclass(slots=True)
class _Place:
    waiting: Waiting
    moved: Moved
    called: asyncio.Event = field(default_factory=asyncio.Event)


class Line:
    """Who waits, who is at fal, and whose turn it is."""

    def __init__(self, places_at_fal: int) -> None:
        self._free = places_at_fal
        self._line: dict[str, _Place] = {}
        self._called: set[str] = set()

    def phase(self, number: int) -> InLine:
        """How many orders go before the one with this number, and whether it could go at once."""
        ahead = place_in_line((one.waiting for one in self._line.values()), number)
        return InLine(ahead=ahead, full=self._free <= 0)

    def join(self, job: Job, moved: Moved) -> None:
        """Stand in line; not called before `ready`."""
        waiting = Waiting(job_id=job.id, number=job.number, ready=False)
        self._line[job.id] = _Place(waiting, moved)

    def leave(self, job: Job) -> None:
        """Go away without a turn."""
        if self._line.pop(job.id, None) is not None:
            self._tell()
        self.done(job)

    async def turn(self, job: Job) -> bool:
        """Wait, ready, until it is this job's turn; True then, and it occupies a place at fal until `done`."""
        place = self._line[job.id]
        place.waiting = Waiting(job_id=job.id, number=job.number, ready=True)
        self._call()
        try:
            await place.called.wait()
        except asyncio.CancelledError:
            self.leave(job)
            raise
        return True

    def done(self, job: Job) -> None:
        """Free the place of a job that was called; harmless for any other."""
        if job.id in self._called:
            self._called.discard(job.id)
            self._give_back()

    def _give_back(self) -> None:
        self._free += 1
        self._call()

    @asynccontextmanager
    async def there_already(self) -> AsyncGenerator[None]:
        """Occupy a place for a request that is at fal already, even when none is free."""
        self._free -= 1
        try:
            yield
        finally:
            self._give_back()

    def _call(self) -> None:
        moved = False
        while self._free > 0 and (following := next_turn(one.waiting for one in self._line.values())) is not None:
            self._free -= 1
            self._called.add(following.job_id)
            self._line.pop(following.job_id).called.set()
            moved = True
        if moved:
            self._tell()

    def _tell(self) -> None:
        for one in list(self._line.values()):
            one.moved()
