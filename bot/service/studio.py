"""The studio walks every job through its life. Read this file first: it tells the whole story, in order."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace

from bot.domain.errors import (
    BooksBusyError,
    BotError,
    CancelledAtFalError,
    DeliveryError,
    EndpointGoneError,
    InvalidRequestError,
    JobGoneError,
    NothingToCancelError,
    StoppingError,
    SubmitUnansweredError,
    UnexpectedError,
    packed,
    unpacked,
)
from bot.domain.job import NEXT, NO_MESSAGE, Job, State
from bot.domain.journal import Failed, Finished, Ordered
from bot.domain.ledger import FREE, Closing, closing_after
from bot.service.alerts import Subject
from bot.service.approvals import Approvals
from bot.service.collecting import collect, price
from bot.service.forecast import Forecast
from bot.service.gate import Gate
from bot.service.generation import Generation
from bot.service.line import Line
from bot.service.lost import find_lost
from bot.service.points import Point
from bot.service.ports import AwaitingApproval, Fetching, Phase, Preparing, Result, Resuming, Searching
from bot.service.progress import LANDING, Progress, pause_between
from bot.service.racing import BOOKS_TIMEOUT, within
from bot.service.run import Parts, Run, Runs
from bot.service.uncut import UncutSteps

_log = logging.getLogger(__name__)

AT_FAL = {State.SUBMITTING, State.QUEUED, State.LOST}
"""A request in one of these is at fal, or may be."""
AFTER_DEFECTS = (5.0, 60.0, 600.0, 3600.0)
"""Seconds until a job that a defect left open is taken up again."""
STOP_GRACE = 6.0
"""Seconds that running steps get to reach a safe state when the bot stops."""
GOODBYE_GRACE = 2.0
"""Seconds for telling the waiting that the work goes on later."""


class Studio:
    """Every job on its way. `run` works until it is cancelled; the other methods may be called meanwhile."""

    def __init__(self, parts: Parts, approvals: Approvals) -> None:
        self._parts = parts
        self._approvals = approvals
        self._gate = Gate(parts.clock, parts.sleep, parts.alerts)
        self._forecast = Forecast(parts.timings, parts.catalogue, parts.clock)
        self._line = Line(parts.max_concurrent, parts.weights, self._forecast, self._gate, parts.clock)
        self._uncut = UncutSteps()
        self._generation = Generation(parts, self._line, self._gate, self._forecast, self._uncut.step)
        self._arrivals: asyncio.Queue[Run] = asyncio.Queue()
        self.runs = Runs()

    # --- the doors --------------------------------------------------------------------------------

    async def take_up(self) -> None:
        """Take over what an earlier process left; before any door opens, so that no new order is among it."""
        for job in (*await self._parts.store.untold(), *await self._parts.store.unfinished()):
            self._admit(self._run_of(job, taken_up=True))
        await self._line.resume(self._parts.timings)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as jobs:
            jobs.create_task(self._line.keep_told(self._parts.sleep), name="line")
            while True:
                run = await self._arrivals.get()
                jobs.create_task(self._live(run), name=f"job-{run.job.id}")

    def check_open(self) -> None:
        """Raises StoppingError or ClosedError when no new orders are taken."""
        if self._uncut.stopping:
            raise StoppingError
        self._gate.check()

    def first_phase(self, job: Job) -> Phase:
        """What the first answer to an order says."""
        if job.unapproved:
            return AwaitingApproval()
        return Preparing() if job.order.is_edit else self._line.first_phase(job)

    def accept(self, job: Job, message_id: int | None = None) -> None:
        """Take over a held job, whose progress message stands; returns at once."""
        self._parts.reached(Point.ANSWERED)
        if job.reply is None:
            job = job.but(notice_id=message_id)
        elif message_id is not None:
            job = job.but(reply=replace(job.reply, message_id=message_id))
        self._parts.note(Ordered(job=job))
        self._admit(self._run_of(job))

    async def withdraw(self, job: Job) -> None:
        """Release an order whose member never saw an answer."""
        self._line.leave(job)
        await self._parts.store.save(job.to(State.CANCELLED, charged=0, told=True), FREE)

    async def job(self, job_id: str) -> Job:
        """The job of a button. Raises JobGoneError, BooksBusyError."""
        run = self.runs.get(job_id)
        if run is not None and not run.job.ended:
            return run.job
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            job = await self._parts.store.job(job_id)
        if job is None:
            raise JobGoneError
        return run.job.but(posted_in=job.posted_in, deleted_at=job.deleted_at) if run else job

    def check_cancel(self, job: Job) -> None:
        """Raises NothingToCancelError when the images are on their way, or the job is over."""
        run = self.runs.get(job.id)
        if run is None or run.job.state not in {State.HELD, State.SUBMITTING, State.QUEUED}:
            raise NothingToCancelError

    def cancel(self, job: Job, by: int | None = None) -> None:
        """Ask for a cancel; returns before it happened, and does nothing when it is too late. `by`: whose wish it is."""
        if (run := self.runs.get(job.id)) is not None:
            run.call_off(by)

    async def fetched(self, job: Job) -> None:
        """What could be posted nowhere was handed to its member."""
        stored = await self._parts.store.job(job.id)  # once it says told, a run that still stands writes no more
        if stored is not None and stored.state is State.RENDERED and stored.told:
            await self._parts.store.save(stored.to(State.DELIVERED, message_id=NO_MESSAGE, error=None))

    async def stop(self) -> None:
        """Take no new orders, wait for steps that must not be cut, and say that the work goes on later."""
        await self._uncut.stop(STOP_GRACE)
        waiting = [run for run in self.runs.values() if not (run.job.ended or run.job.unapproved)]
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_GRACE), asyncio.TaskGroup() as goodbyes:
                for run in waiting:
                    goodbyes.create_task(run.progress.end_with(Resuming()))

    # --- one job ----------------------------------------------------------------------------------

    async def _live(self, run: Run) -> None:
        """The boundary of one job: whatever happens in it ends it, its books and its message, and nothing else.

        A defect after the request has left ends nothing: what may be paid is taken up again, later.
        """
        try:
            for pause in (*AFTER_DEFECTS, None):
                if await self._lived(run):
                    return
                if pause is not None:
                    await self._parts.sleep(pause)
            _log.error("job %s: left for the next start, in state %s", run.job.id, run.job.state)
        finally:
            self._line.leave(run.job)
            del self.runs[run.job.id]

    async def _lived(self, run: Run) -> bool:
        """Walk the job to its end; False when a defect left it open."""
        run.progress.start()
        try:
            try:
                await self._walk(run)
            except BotError as error:
                await self._end(run, run.reason(error))
            except Exception:
                if run.job.state is not State.HELD:
                    raise
                _log.exception("job %s: a defect before anything was sent", run.job.id)
                await self._end(run, UnexpectedError())
        except Exception:  # noqa: BLE001 - the boundary of one job, as said above
            _log.exception("job %s: a defect in state %s", run.job.id, run.job.state)
            return False
        else:
            return True
        finally:
            await run.progress.stop()

    async def _walk(self, run: Run) -> None:
        """From whatever state the job is in to its end."""
        if run.job.ended:
            await self._say_last_word(run)
            return
        if not (run.taken_up or self._line.lets_through(run.job)):
            await run.save(run.job)  # with the progress message's id; else the step that follows writes it
        if run.job.unapproved:
            await self._approvals.wait(run)
            self._generation.stand_in_line(run)
        result = await self._result(run)
        if result is not None:
            run.progress.show(Fetching())
            await self._collect(run, result)
        await run.progress.stop()
        self._forecast.learn(run.job, run.took)
        await self._deliver(run)

    async def _result(self, run: Run) -> Result | None:
        """What fal made; both tries of an order may be lost, and looked for."""
        while True:
            try:
                return await self._generation.make(run)
            except SubmitUnansweredError as error:
                await self._find(run, error)

    async def _collect(self, run: Run, result: Result) -> None:
        """Images from fal to complete files. RENDERED is only said when all of them are on disk."""
        pictures = await collect(self._parts, run, result)
        self._parts.reached(Point.COLLECTED)
        self._parts.alerts.over(Subject.INVALID_REQUESTS)
        charged = price(self._parts.catalogue, run.job, len(pictures))
        made = price(self._parts.catalogue, run.job, len(result.images))  # fal charges for what is gone, too
        rendered = run.job.to(
            State.RENDERED,
            pictures=tuple(pictures),
            rendered_at=self._parts.clock(),
            charged=charged,
            units=result.units,
            cancel_wanted=run.called_off.is_set(),
        )
        await run.save(rendered, Closing(customer=charged, operator=made + run.job.wasted), Point.RENDERED)

    async def _deliver(self, run: Run) -> None:
        """Post, have it written down that it stands, then take the progress message away."""
        async with self._uncut.step(run.job):
            try:
                async with run.progress.posting():
                    message_id = await self._parts.stage.deliver(run.job, run.folder, again=run.was_rendered)
            except DeliveryError as error:
                _log.warning("job %s: its images could be posted nowhere; they wait for /jobs", run.job.id)
                await self._parts.stage.tell(run.job, error, again=run.taken_up)
                await run.save(run.job.but(error=packed(error), told=True))
                self._parts.note(Finished(job=run.job))
                return
            self._parts.reached(Point.POSTED)
            run.save_soon(run.job.to(State.DELIVERED, message_id=message_id), Point.DELIVERED)
            self._parts.note(Finished(job=run.job))
            await self._say_last_word(run)

    async def _find(self, run: Run, error: SubmitUnansweredError) -> None:
        """The submit's answer never came: say so, and look for the request."""
        run.progress.show(Searching())
        if run.job.state is State.SUBMITTING:
            await run.save(run.job.to(State.LOST, error=packed(error)), point=Point.LOST)
        self._parts.alerts.up(Subject.LOST, run.job.id)
        try:
            async with self._line.maybe_there(run.job, self._parts.sleep):
                await find_lost(self._parts, run)
        finally:
            self._parts.alerts.over(Subject.LOST, run.job.id)

    # --- the ends ---------------------------------------------------------------------------------

    async def _end(self, run: Run, error: BotError) -> None:
        """Books first, talk second."""
        called_off = isinstance(error, CancelledAtFalError) and run.called_off.is_set()
        state = State.CANCELLED if called_off and State.CANCELLED in NEXT[run.job.state] else State.FAILED
        _log.info("job %s: %s, %s", run.job.id, state, error.code)
        if isinstance(error, InvalidRequestError | EndpointGoneError):
            _log.warning("job %s: %s", run.job.id, packed(error))  # the alert sends the operator to the log
            self._parts.alerts.up(Subject.INVALID_REQUESTS)
        ended = run.job.to(state, error=packed(error), charged=0)
        await run.save(ended, closing_after(run.job, error), Point.ENDED)
        self._parts.note(Failed(job=run.job))
        run.taken_up = False  # the last word is this process's own
        await run.progress.stop(LANDING)
        await self._say_last_word(run)

    async def _say_last_word(self, run: Run) -> None:
        """After it nothing more is said of the job."""
        match run.job.state:
            case State.DELIVERED:
                await self._parts.stage.clear(run.job)
            case State.CANCELLED:
                await self._parts.stage.cancelled(run.job)
            case _:
                await self._parts.stage.tell(run.job, unpacked(run.job.error or ""), again=run.taken_up)
        await self._approvals.close(run)
        self._parts.reached(Point.TOLD)
        await run.save_told()

    def _run_of(self, job: Job, *, taken_up: bool = False) -> Run:
        first = None if taken_up else self.first_phase(job)
        progress = Progress(self._parts.stage, job, self._parts.sleep, lambda: pause_between(len(self.runs)), first)
        return Run(job, progress, self._parts, taken_up, was_rendered=taken_up and job.state is State.RENDERED)

    def _admit(self, run: Run) -> None:
        self.runs[run.job.id] = run
        if run.job.state is State.HELD and not run.job.unapproved:
            self._generation.stand_in_line(run)
        elif run.job.state in AT_FAL:
            self._line.there_already(run.job)
        self._arrivals.put_nowait(run)
