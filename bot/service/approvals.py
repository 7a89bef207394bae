"""Orders that wait for a moderator: the question is put up once, the first answer counts, and a day is the longest."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Protocol

from bot.domain.errors import (
    AnsweredAlreadyError,
    ApprovalExpiredError,
    ApprovalRefusedError,
    ApprovalUnaskedError,
    BooksBusyError,
    CancelledAtFalError,
    NotWaitingError,
    RefusedError,
    StoppingError,
    packed,
    unpacked,
)
from bot.domain.job import Approval, Job, Word
from bot.service.racing import BOOKS_TIMEOUT, unless, within
from bot.service.run import Run

PATIENCE = 24 * 3600.0
"""Seconds from the order until it is given up unanswered."""
LOOK_EVERY = 60.0
"""Seconds between looks at the clock and at the log channel; a machine that slept notices late by no more."""


class Questions(Protocol):
    """What moderators see of orders that wait for them, in their log channel."""

    async def ask(self, job: Job, *, again: bool) -> int:
        """Put the question up; returns its message's id. Troubles that pass are waited out.

        `again`: an earlier process may have put it up already, so look first. Raises ApprovalUnaskedError.
        """
        ...

    def is_gone(self, job: Job) -> bool:
        """Whether the log channel is known to be gone."""
        ...

    async def close(self, job: Job, *, by: int | None) -> None:
        """Show in the question how it ended, if it stands; `by`: who called it off. Never raises for Discord's sake."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A moderator's."""

    by: int
    """Member id."""
    given: bool
    """Whether they approve."""
    reason: str = ""
    """Why not; made quiet already."""


@dataclass(slots=True)
class _Asked:
    run: Run
    answer: Answer | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    stored: asyncio.Event = field(default_factory=asyncio.Event)


class Approvals:
    """Those of all jobs."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._asked: dict[str, _Asked] = {}

    async def wait(self, run: Run) -> None:
        """Until a moderator approves. The job's own task alone writes its row, so an answer and a cancel never cross.

        Raises ApprovalRefusedError, ApprovalExpiredError, ApprovalUnaskedError, CancelledAtFalError when called off.
        """
        asked = self._asked[run.job.id] = _Asked(run)
        try:
            while asked.answer is None and _approval(run).word is Word.WANTED:
                await self._look(run, asked)
            if asked.answer is not None:
                await _store(run, asked.answer)
        finally:
            del self._asked[run.job.id]
        asked.stored.set()
        if _approval(run).word is Word.REFUSED:
            raise unpacked(run.job.error or "")

    async def answer(self, job: Job, answer: Answer) -> Job:
        """The job once the answer is stored. Raises AnsweredAlreadyError, NotWaitingError, StoppingError, BooksBusyError."""
        asked = self._asked.get(job.id)
        if asked is None:
            raise _too_late(job)
        if asked.answer is not None:
            raise AnsweredAlreadyError(by=asked.answer.by, given=asked.answer.given)
        asked.answer = answer
        asked.answered.set()
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            await asked.stored.wait()
        return asked.run.job

    async def close(self, run: Run) -> None:
        """The order ended unanswered: the moderators need not look at it any more.

        Where it was called off while they were being asked, nobody knows whether the question stands.
        """
        approval = run.job.approval
        may_stand = approval is not None and (approval.message_id is not None or run.called_off.is_set())
        if approval is not None and approval.word is Word.WANTED and may_stand:
            await self._questions.close(run.job, by=run.called_off_by)

    async def _look(self, run: Run, asked: _Asked) -> None:
        """Put the question up where it does not stand yet, and wait for news."""
        left = run.job.created_at + PATIENCE - run.parts.clock()
        if run.called_off.is_set():
            raise CancelledAtFalError
        if left <= 0:
            raise ApprovalExpiredError
        if self._questions.is_gone(run.job):
            raise ApprovalUnaskedError
        if _approval(run).message_id is None:
            message_id = await unless(run.called_off, self._questions.ask(run.job, again=run.taken_up))
            await run.save(run.job.but(approval=replace(_approval(run), message_id=message_id)))
        else:
            await unless(run.called_off, unless(asked.answered, _pause(run, min(left, LOOK_EVERY))))


async def _pause(run: Run, seconds: float) -> None:
    await run.parts.sleep(seconds)


async def _store(run: Run, answer: Answer) -> None:
    word = Word.GIVEN if answer.given else Word.REFUSED
    approval = replace(_approval(run), word=word, by=answer.by, at=run.parts.clock())
    error = None if answer.given else packed(ApprovalRefusedError(reason=answer.reason))
    await run.save(run.job.but(approval=approval, error=error))


def _approval(run: Run) -> Approval:
    if run.job.approval is None:
        raise TypeError("a job that nobody has to approve")
    return run.job.approval


def _too_late(job: Job) -> RefusedError:
    if job.approval is not None and job.approval.by is not None:
        return AnsweredAlreadyError(by=job.approval.by, given=job.approval.word is Word.GIVEN)
    return StoppingError() if job.awaits_approval else NotWaitingError()
