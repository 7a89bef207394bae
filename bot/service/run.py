"""One job in this process, and what the service works with."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.domain.catalogue import Catalogue
from bot.domain.errors import BotError, CancelledAtFalError, GenerationError, SwitchedOffError
from bot.domain.job import Job, State
from bot.domain.ledger import Closing
from bot.service.alerts import Alerts
from bot.service.forecast import Timings
from bot.service.journal import Event
from bot.service.points import Point, nothing
from bot.service.ports import Cancelling, Clock, ImageBackend, JobStore, PictureIntake, Sleep, Stage
from bot.service.progress import Progress
from bot.service.ruling import unheard


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the service works with."""

    backend: ImageBackend
    store: JobStore
    timings: Timings
    intake: PictureIntake
    stage: Stage
    catalogue: Catalogue
    alerts: Alerts
    clock: Clock
    sleep: Sleep
    new_seed: Callable[[], int]
    jobs_dir: Path
    """Each job has a folder here."""
    max_concurrent: int
    """Requests at fal at once."""
    weights: Mapping[str, float]
    """Of servers in the fair turns, by scope; 1 for all others."""
    max_wait: float
    """Seconds that an order may wait for its turn."""
    keep_outputs: float
    """Seconds that fal keeps a result's images."""
    operator_month: int
    """Credits: the operator's stop over everything."""
    find_lost: float
    """Seconds that a request whose answer was lost is looked for."""
    note: Callable[[Event], None] = unheard
    """Told what the log channel is about; returns at once."""
    reached: Callable[[Point], None] = nothing
    """Told each point of a job's life; tests end the process there."""


@dataclass(slots=True)
class Run:
    """One job in this process: its newest state, and what people want of it meanwhile."""

    job: Job
    progress: Progress
    parts: Parts
    taken_up: bool = False
    """Whether an earlier process began it."""
    was_rendered: bool = False
    """Whether that process may have posted its images."""
    called_off: asyncio.Event = field(default_factory=asyncio.Event)
    called_off_by: int | None = None
    """The member or moderator who did, where this process saw it."""
    switched_off: bool = False
    """Whether the operator wants nothing sent to fal any more for the server of this order."""
    took: float | None = None
    """Seconds that fal took, where this process saw all of it."""

    def __post_init__(self) -> None:
        """What was called off before a restart still is."""
        if self.job.cancel_wanted:
            self.called_off.set()

    def call_off(self, by: int | None) -> None:
        """Somebody wants no images any more."""
        self.called_off_by = by
        self.progress.show(Cancelling())
        self.called_off.set()

    def reason(self, error: BotError) -> BotError:
        """Why it ends: when the operator called off what waited, that is what its member hears."""
        called_off = self.switched_off and self.job.state is State.HELD and isinstance(error, CancelledAtFalError)
        return SwitchedOffError() if called_off else error

    async def save(self, job: Job, closing: Closing | None = None, point: Point | None = None) -> None:
        """The row first, then the memory."""
        await self.parts.store.save(job, closing)
        self.job = job
        if point is not None:
            self.parts.reached(point)

    def save_soon(self, job: Job, point: Point | None = None) -> asyncio.Future[None]:
        """The memory first, for what is found again should the process end before the row says it: a message that stands.

        Only for speed: written together with other rows, it takes 0.7 ms of CPU less.
        """

        def written(done: asyncio.Future[None]) -> None:
            if point is not None and done.exception() is None:
                self.parts.reached(point)

        self.job = job
        soon = self.parts.store.save_soon(job)
        soon.add_done_callback(written)
        return soon

    async def save_told(self) -> None:
        """The last word was said. From here on the row says what the memory says."""
        told = self.job.but(told=True)
        if told.state is State.DELIVERED:  # then the last word may be said again, too
            await asyncio.wait([soon := self.save_soon(told)])
            if soon.exception() is None:
                return
        await self.save(told)

    async def hold_again(self, error: GenerationError, **changes: Any) -> bool:  # noqa: ANN401 - as Job.to has it
        """Back to HELD for another try; what the first may have cost stays in the operator's book alone.

        False, and nothing has changed, when the server is switched off, or the operator's month has no room for a try
        that nobody pays.
        """
        if self.switched_off:
            return False
        wasted = self.job.credits if error.may_be_billed else 0
        again = self.job.to(State.HELD, wasted=self.job.wasted + wasted, **changes)
        if not wasted:
            await self.save(again)
        elif await self.parts.store.waste(again, wasted, self.parts.operator_month):
            self.job = again
        else:
            return False
        return True

    @property
    def folder(self) -> Path:
        """Where the job's files are."""
        return self.parts.jobs_dir / self.job.id


class Runs(dict[str, Run]):
    """Those of all jobs on their way, by the job's id."""

    def scopes(self) -> set[str]:
        """Whose orders they are."""
        return {run.job.order.scope for run in self.values()}

    def switch_off(self, scopes: Collection[str]) -> None:
        """Send nothing to fal for these, and call off what waits; for all others again. What is at fal is paid."""
        for run in self.values():
            run.switched_off = run.job.order.scope in scopes
            if run.switched_off and run.job.state is State.HELD:
                run.called_off.set()
