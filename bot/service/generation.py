"""A job's way to fal and back: prepare, wait for its turn, submit once, watch and cancel."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import replace
from typing import TypeVar

from bot.domain.errors import (
    AccountError,
    BotError,
    CancelledAtFalError,
    ContentRefusedError,
    FalDownError,
    GenerationError,
    GenerationTimeoutError,
    NoImageMadeError,
    PictureRefusedError,
    SubmitUnansweredError,
    UnknownModelError,
    WaitedTooLongError,
)
from bot.domain.eta import middle
from bot.domain.job import Job, State, Ticket
from bot.domain.order import Request
from bot.service.alerts import Subject
from bot.service.forecast import Forecast
from bot.service.gate import Gate
from bot.service.line import Line
from bot.service.points import Point
from bot.service.ports import Completed, InLine, InProgress, InQueue, Preparing, Result, Shut
from bot.service.preparing import Pictures
from bot.service.racing import unless, within
from bot.service.run import Parts, Run

_log = logging.getLogger(__name__)

CANCEL_GRACE = 60.0
"""Seconds that fal gets to confirm the cancel of a request past its deadline."""
CANCEL_TRIES, CANCEL_PATIENCE = 5, 30.0
"""Tries, and seconds for each."""
FORGOTTEN_DEADLINE = 1200.0
"""Seconds for a request whose model has left the catalogue."""
LOOK_PATIENCE, SILENCE_PAUSE = 20.0, 60.0
"""Seconds for one look at a request past its deadline, and until the next while fal is silent."""
ACCOUNT_PAUSE = 15.0
"""Seconds between looks at a running request while fal refuses the account."""
LAST_LOOKS = 3600.0
"""Seconds, at least, that a request is looked at after a start, however old it is."""

T = TypeVar("T")
Uncut = Callable[[Job], AbstractAsyncContextManager[None]]
"""Marks a step that a stop of the bot waits for."""


class _OverdueError(Exception):
    """The request is past its deadline."""


class Generation:
    """From HELD (or wherever an earlier process left it) to the links of finished images."""

    def __init__(self, parts: Parts, line: Line, gate: Gate, forecast: Forecast, uncut: Uncut) -> None:
        self._parts = parts
        self._line = line
        self._gate = gate
        self._forecast = forecast
        self._uncut = uncut
        self._pictures = Pictures(parts, gate)

    async def make(self, run: Run) -> Result | None:
        """The finished images; None for a job that has its files already. Raises BotError."""
        if run.job.approval is not None and run.job.reply is not None and run.job.reply.is_over(self._parts.clock()):
            run.progress.go_on_by_channel()
        match run.job.state:
            case State.HELD:
                await self._turn(run)
                made = await self._at_fal(run)
                run.took = self._parts.clock() - run.job.sent_at
                return made
            case State.QUEUED:
                self._line.there_already(run.job)
                return await self._at_fal(run)
            case State.SUBMITTING | State.LOST:  # an earlier process ended before the answer came
                raise SubmitUnansweredError(may_be_billed=True)
            case _:
                return None

    def stand_in_line(self, run: Run) -> None:
        """From here on its turn may come; what moderators have approved shows its place at once."""
        self._line.join(run.job, lambda phase: self.show_line(run, phase))
        if run.job.approval is not None:
            self.show_line(run, self._line.phase(run.job))

    def show_line(self, run: Run, phase: InLine) -> None:
        """Say where it stands."""
        if run.job.state is State.HELD and not run.called_off.is_set():
            run.progress.show(phase)

    async def _turn(self, run: Run) -> None:
        """Prepare the pictures, then wait in line for a place at fal. Raises CancelledAtFalError when called off."""
        async with within(self._patience(run), WaitedTooLongError()):
            ready = True
            if run.job.order.is_edit and (ready := await unless(run.called_off, self._prepare(run))):
                self.show_line(run, self._line.phase(run.job))
            turn = ready and await unless(run.called_off, self._line.turn(run.job))
        if not turn:
            raise CancelledAtFalError

    async def _at_fal(self, run: Run) -> Result:
        """The place at fal is free once the request is over there; not while that is unknown."""
        try:
            made = await self._until_made(run)
        except SubmitUnansweredError:
            raise
        except BotError:
            self._line.done(run.job)
            raise
        finally:
            self._parts.alerts.over(Subject.ACCOUNT, run.job.id)
        self._line.done(run.job)
        return made

    async def _until_made(self, run: Run) -> Result:
        """Submit and watch; once more when fal turned the request away, or refused it for the first time."""
        while True:
            if run.job.state is State.HELD and not await self._submitted(run):
                continue
            try:
                async with within(self._kept(run.job), GenerationTimeoutError(may_be_billed=True)):
                    return await self._result(run)
            except (ContentRefusedError, NoImageMadeError) as error:
                if run.job.retried or run.called_off.is_set():
                    raise
                await self._free_retry(run, error)
            except PictureRefusedError as error:
                if run.called_off.is_set() or not await self._pictures.upload_after_all(run, error):
                    raise

    async def _submitted(self, run: Run) -> bool:
        """Pass the gate and submit; False when fal surely did not take it, and the job waits again."""
        if self._gate.is_shut:
            run.progress.show(Shut())
            async with within(self._patience(run), WaitedTooLongError()):
                await unless(run.called_off, self._gate.passage())
        if run.called_off.is_set() or run.switched_off:
            raise CancelledAtFalError
        try:
            await self._submit(run)
        except GenerationError as error:
            if not error.unsent:
                raise
            _log.warning("job %s: fal turned it away (%s)", run.job.id, error.code)
            await run.save(run.job.to(State.HELD))
            self._gate.shut(error)
            return False
        self._gate.opened()
        return True

    async def _prepare(self, run: Run) -> bool:
        """Fetch, check and upload the order's pictures; the request is then complete."""
        run.progress.show(Preparing())
        await self._pictures.prepare(run)
        return True

    async def _submit(self, run: Run) -> None:
        """The row says SUBMITTING before the request leaves: found so after a crash, it is never sent again."""
        async with self._uncut(run.job):
            submitting = run.job.to(State.SUBMITTING, submitted_at=self._parts.clock())
            await run.save(submitting, point=Point.SUBMITTING)
            try:
                ticket = await self._parts.backend.submit(run.job.request)
                self._parts.reached(Point.SUBMITTED)
                await run.save(run.job.to(State.QUEUED, ticket=ticket), point=Point.QUEUED)
            except BotError:
                raise
            except Exception as error:
                raise SubmitUnansweredError(may_be_billed=True) from error

    async def _free_retry(self, run: Run, error: GenerationError) -> None:
        """These refusals often pass at a second try."""
        # The first try's receipt stays: what is looked for later, with the same chosen seed, is not that one.
        if not await run.hold_again(error, retried=True, request=self._reseeded(run.job)):
            raise error
        _log.info("job %s: %s, tried once more", run.job.id, error.code)

    def _reseeded(self, job: Job) -> Request:
        """A seed of ours is drawn anew: it tells the two tries apart in fal's list."""
        if job.order.choices.seed is not None or "seed" not in job.request.arguments:
            return job.request
        return replace(job.request, arguments={**job.request.arguments, "seed": self._parts.new_seed()})

    async def _result(self, run: Run) -> Result:
        """Watch the request until it is done, pass a cancel on, and read what came of it."""
        ticket = run.job.ticket
        if ticket is None:
            raise TypeError("a queued job has its ticket")
        cancelling = asyncio.create_task(self._pass_cancel_on(run, ticket), name=f"cancel-{run.job.id}")
        try:
            given_up = await self._finished(run, ticket)
        finally:
            cancelling.cancel()
            await asyncio.wait({cancelling})
        self._parts.reached(Point.COMPLETED)
        try:
            return await self._despite_account(run, lambda: self._parts.backend.result(ticket))
        except CancelledAtFalError:
            if given_up:
                raise GenerationTimeoutError from None
            raise

    async def _finished(self, run: Run, ticket: Ticket) -> bool:
        """Until fal says that it is done; True when it was cancelled for being past its deadline.

        The deadline counts while fal says that it still works. Its silence proves nothing: what it made is paid.
        """
        left = run.job.sent_at + self._deadline(run.job) - self._parts.clock()
        while True:
            try:
                async with within(max(0.0, left), _OverdueError()):
                    await self._despite_account(run, lambda: self._watch(run, ticket))
                    return False
            except _OverdueError:
                if await self._is_unfinished(ticket):
                    break
                self._line.done(run.job)  # it runs no longer, whatever came of it
                left = SILENCE_PAUSE
        await self._cancel(ticket)
        async with within(CANCEL_GRACE, GenerationTimeoutError(may_be_billed=True)):
            await self._despite_account(run, lambda: self._watch(run, ticket))
        return True

    async def _despite_account(self, run: Run, look: Callable[[], Awaitable[T]]) -> T:
        """While fal refuses the account, look again later. It may be this request alone, so the gate stays as it is."""
        while True:
            try:
                return await look()
            except AccountError:
                self._parts.alerts.up(Subject.ACCOUNT, run.job.id)
                await self._parts.sleep(ACCOUNT_PAUSE)

    async def _is_unfinished(self, ticket: Ticket) -> bool:
        """Whether fal says that it still works on it. Its silence proves nothing: the images may be made and paid."""
        try:
            async with (
                within(LOOK_PATIENCE, FalDownError()),
                aclosing(self._parts.backend.watch(ticket)) as statuses,
            ):
                async for status in statuses:
                    return not isinstance(status, Completed)
        except GenerationError as error:
            _log.warning("request %s: past its deadline, and fal is silent (%s)", ticket.request_id, error.code)
        return False

    async def _watch(self, run: Run, ticket: Ticket) -> None:
        async for status in self._parts.backend.watch(ticket):
            if run.called_off.is_set():
                continue
            match status:
                case InQueue(ahead=ahead):
                    left = self._forecast.left(run.job, run.job.sent_at)
                    expected = self._forecast.expected(middle(left))
                    run.progress.show(InLine(ahead=ahead or 0, at_fal=True, expected=expected))
                case InProgress():
                    run.progress.show(self._forecast.generating(run.job))
                case _:
                    pass

    async def _pass_cancel_on(self, run: Run, ticket: Ticket) -> None:
        await run.called_off.wait()
        await run.save(run.job.but(cancel_wanted=True), point=Point.CANCELLING)
        await self._cancel(ticket)

    async def _cancel(self, ticket: Ticket) -> None:
        for attempt in range(CANCEL_TRIES):
            try:
                async with within(CANCEL_PATIENCE, FalDownError()):
                    return await self._parts.backend.cancel(ticket)
            except GenerationError as error:
                _log.warning("cancel of %s: %s", ticket.request_id, error.code)
                await self._parts.sleep(2.0**attempt)
        return None

    def _kept(self, job: Job) -> float:
        """Seconds from now on in which fal may still have what the request made."""
        return max(LAST_LOOKS, job.sent_at + self._parts.keep_outputs - self._parts.clock())

    def _deadline(self, job: Job) -> float:
        try:
            return self._parts.catalogue.model(job.order.model).deadline
        except UnknownModelError:  # it left the catalogue; the request is at fal all the same
            return FORGOTTEN_DEADLINE

    def _patience(self, run: Run) -> float:
        """Seconds that the order may still wait for its turn."""
        return max(0.0, run.job.ready_at + self._parts.max_wait - self._parts.clock())
