"""The studio walks every job through its life. Read this file first: it tells the whole story, in order."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from bot.domain.errors import (
    BotError,
    CancelledAtFalError,
    DeliveryError,
    JobGoneError,
    NothingToCancelError,
    StoppingError,
    SubmitUnansweredError,
    UnexpectedError,
)
from bot.domain.job import NEXT, Job, State
from bot.domain.ledger import FREE, Closing, closing_after
from bot.service.generation import Generation
from bot.service.line import Line
from bot.service.ports import Cancelling, Fetching, ImageLink, InLine, Phase, Preparing
from bot.service.progress import Progress
from bot.service.run import Parts, Run

_log = logging.getLogger(__name__)

STOP_GRACE = 8.0
"""Seconds that running steps get to reach a safe state when the bot stops."""


class Studio:
    """Every job on its way. `run` works until it is cancelled; the other methods may be called meanwhile."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._line = Line(parts.max_concurrent)
        self._generation = Generation(parts, self._line, self._uncut)
        self._arrivals: asyncio.Queue[Run] = asyncio.Queue()
        self._runs: dict[str, Run] = {}
        self._uncut_jobs: set[str] = set()
        self._all_safe = asyncio.Event()
        self._all_safe.set()
        self._stopping = False

    # --- the doors --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Take up what an earlier process left, then work until cancelled."""
        async with asyncio.TaskGroup() as jobs:
            for job in await self._parts.store.unfinished():
                self.accept(job)
            while True:
                run = await self._arrivals.get()
                jobs.create_task(self._live(run), name=f"job-{run.job.id}")

    def check_open(self) -> None:
        """Raises StoppingError when no new orders are taken."""
        if self._stopping:
            raise StoppingError

    def first_phase(self, job: Job) -> Phase:
        """What the first answer to an order says."""
        return Preparing() if job.order.is_edit else InLine(ahead=self._line.ahead(job.number))

    def accept(self, job: Job, message_id: int | None = None) -> None:
        """Take over a held job, whose progress message stands; returns at once."""
        if message_id is not None and job.reply is not None:
            job = job.but(reply=replace(job.reply, message_id=message_id))
        run = Run(job, Progress(self._parts.stage, job, self._parts.sleep, self.first_phase(job)), self._parts.store)
        if job.cancel_wanted:
            run.called_off.set()
        self._runs[job.id] = run
        if job.state is State.HELD:
            self._line.join(job, lambda: self._generation.show_line(run))
        self._arrivals.put_nowait(run)

    async def withdraw(self, job: Job) -> None:
        """Release an order whose member never saw an answer."""
        await self._parts.store.save(job.to(State.CANCELLED, charged=0), FREE)

    async def job(self, job_id: str) -> Job:
        """The job of a button. Raises JobGoneError."""
        run = self._runs.get(job_id)
        job = run.job if run else await self._parts.store.job(job_id)
        if job is None:
            raise JobGoneError
        return job

    def cancel(self, job: Job) -> None:
        """Ask for a cancel; returns before it happened. Raises NothingToCancelError."""
        run = self._runs.get(job.id)
        if run is None or run.job.state not in {State.HELD, State.SUBMITTING, State.QUEUED}:
            raise NothingToCancelError
        run.progress.show(Cancelling())
        run.called_off.set()

    async def stop(self) -> None:
        """Take no new orders, and wait until no step is under way that must not be cut."""
        self._stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_GRACE):
                await self._all_safe.wait()

    # --- one job ----------------------------------------------------------------------------------

    async def _live(self, run: Run) -> None:
        """The boundary of one job: whatever happens in it ends it, its books and its message, and nothing else."""
        showing = asyncio.create_task(run.progress.run(), name=f"progress-{run.job.id}")
        try:
            await self._walk(run, showing)
        except BotError as error:
            await Progress.stop(showing)
            await self._end(run, error)
        except Exception:  # noqa: BLE001 - the boundary of one job, as said above
            _log.exception("job %s: a defect in state %s", run.job.id, run.job.state)
            await Progress.stop(showing)
            await self._end(run, UnexpectedError())
        finally:
            await Progress.stop(showing)
            self._line.leave(run.job)
            del self._runs[run.job.id]

    async def _walk(self, run: Run, showing: asyncio.Task[None]) -> None:
        """From whatever state the job is in to its end."""
        try:
            links = await self._generation.make(run)
        except SubmitUnansweredError as error:
            await self._say_lost(run, error)
            await self._generation.find(run)
            links = await self._generation.make(run)
        if run.job.state is State.QUEUED:
            run.progress.show(Fetching())
            await self._collect(run, links)
        await Progress.stop(showing)
        await self._deliver(run)

    async def _collect(self, run: Run, links: tuple[ImageLink, ...]) -> None:
        """Images from fal to complete files. RENDERED is only said when all of them are on disk."""
        folder, request = self._folder(run.job), run.job.request
        pictures = [
            await self._parts.intake.collect(link, position, folder)
            for position, link in enumerate(links[: request.images], start=1)
        ]
        model = self._parts.catalogue.model_of(request.endpoint)
        charged = min(run.job.credits, model.cost(request.arguments, len(pictures)))
        rendered = run.job.to(
            State.RENDERED, pictures=tuple(pictures), rendered_at=self._parts.clock(), charged=charged
        )
        await run.save(rendered, Closing(customer=charged, operator=charged))

    async def _deliver(self, run: Run) -> None:
        took = (run.job.rendered_at or self._parts.clock()) - run.job.created_at
        async with self._uncut(run.job):
            try:
                message_id = await self._parts.stage.deliver(run.job, self._folder(run.job), took)
            except DeliveryError:
                _log.exception("job %s: its images could not be posted; they stay on disk", run.job.id)
                return
            await run.save(run.job.to(State.DELIVERED, message_id=message_id))

    # --- the bad ends -----------------------------------------------------------------------------

    async def _say_lost(self, run: Run, error: SubmitUnansweredError) -> None:
        if run.job.state is State.SUBMITTING:
            await run.save(run.job.to(State.LOST, error=error.code))
            await self._parts.stage.tell(run.job, error)

    async def _end(self, run: Run, error: BotError) -> None:
        """Books first, talk second."""
        called_off = isinstance(error, CancelledAtFalError) and run.called_off.is_set()
        state = State.CANCELLED if called_off else State.FAILED
        _log.info("job %s: %s, %s", run.job.id, state, error.code)
        if state not in NEXT[run.job.state]:
            return  # its images are paid and on disk: it stays RENDERED, and the next start delivers it
        await run.save(run.job.to(state, error=error.code, charged=0), closing_after(run.job, error))
        if called_off:
            await self._parts.stage.cancelled(run.job)
        else:
            await self._parts.stage.tell(run.job, error)

    # --- small things -----------------------------------------------------------------------------

    @asynccontextmanager
    async def _uncut(self, job: Job) -> AsyncGenerator[None]:
        """A step that a stop waits for; while the bot stops none begins, and the next process takes the job up."""
        if self._stopping:
            await asyncio.Event().wait()
        self._uncut_jobs.add(job.id)
        self._all_safe.clear()
        try:
            yield
        finally:
            self._uncut_jobs.discard(job.id)
            if not self._uncut_jobs:
                self._all_safe.set()

    def _folder(self, job: Job) -> Path:
        return self._parts.jobs_dir / job.id
