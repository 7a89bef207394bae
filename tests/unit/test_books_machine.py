"""Random orders, failures, cancels and restarts against the real store; after each step the books are added up again."""

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from doubles import Books, HandClock, a_job, a_picture, a_ticket, an_order, open_books
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.adapters.sqlite_audit import audit
from bot.domain.errors import (
    BotError,
    CancelledAtFalError,
    ContentRefusedError,
    FalBusyError,
    LostError,
    RefusedError,
    UnexpectedError,
)
from bot.domain.job import IN_FLIGHT, Job, State
from bot.domain.ledger import Closing, Limits, closing_after

TIGHT = Limits(member_day=40, server_day=60, server_month=10**6, operator_month=150, member_jobs=3, server_jobs=5)
BAD_ENDS: tuple[BotError, ...] = (
    FalBusyError(),
    ContentRefusedError(may_be_billed=True),
    LostError(may_be_billed=True),
    CancelledAtFalError(),
    UnexpectedError(),
)
DAY, MONTH = slice(0, 10), slice(0, 7)
MEMBERS = st.integers(1, 3)
GUILDS = st.integers(1, 2)


def utc(job: Job) -> str:
    return datetime.fromtimestamp(job.created_at, UTC).isoformat()


class BooksMachine(RuleBasedStateMachine):
    """The model is a dictionary: what each order's customer and the operator pay so far."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.file = self.folder / "bot.sqlite3"
        self.clock = HandClock()
        self.runner = asyncio.Runner()
        self.jobs: dict[str, Job] = {}
        self.pays: dict[str, tuple[int, int]] = {}

    @initialize()
    def open(self) -> None:
        self.stack = AsyncExitStack()
        self.books: Books = self.runner.run(self.stack.enter_async_context(open_books(self.file, self.clock)))

    @rule()
    def restart(self) -> None:
        self.runner.run(self.stack.aclose())
        self.open()
        unfinished = self.runner.run(self.books.store.unfinished())
        assert [job.id for job in unfinished] == [job.id for job in self.jobs.values() if not job.ended]

    @rule(member=MEMBERS, guild=GUILDS, credit=st.integers(1, 16))
    def order(self, member: int, guild: int, credit: int) -> None:
        job = a_job(an_order(guild=guild, member=member), credit=credit, at=self.clock.now)
        try:
            stored = self.runner.run(self.books.store.hold(job, TIGHT))
        except RefusedError:
            assert not self._room_for(job)
        else:
            assert self._room_for(job)
            self.jobs[job.id] = stored
            self.pays[job.id] = (credit, credit)

    @precondition(lambda self: self._open())
    @rule(data=st.data(), images=st.integers(1, 2))
    def go_on(self, data: st.DataObject, images: int) -> None:
        job = data.draw(st.sampled_from(self._open()))
        match job.state:
            case State.HELD:
                self._save(job.to(State.SUBMITTING, submitted_at=self.clock.now))
            case State.SUBMITTING if images == 1:
                self._save(job.to(State.LOST))
            case State.SUBMITTING | State.LOST:
                self._save(job.to(State.QUEUED, ticket=a_ticket(job.id)))
            case State.QUEUED:
                charged = max(1, job.credits // images)
                pictures = (a_picture(1),)
                rendered = job.to(State.RENDERED, pictures=pictures, rendered_at=self.clock.now, charged=charged)
                self._save(rendered, Closing(customer=charged, operator=charged + job.wasted))
            case _:
                self._save(job.to(State.DELIVERED, message_id=1, told=True))

    @precondition(lambda self: self._open(State.QUEUED))
    @rule(data=st.data())
    def free_retry(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self._open(State.QUEUED)))
        if not job.retried:
            self._save(job.to(State.HELD, ticket=None, retried=True, wasted=job.credits))

    @precondition(lambda self: self._open(State.HELD, State.SUBMITTING, State.QUEUED, State.LOST))
    @rule(data=st.data(), error=st.sampled_from(BAD_ENDS))
    def end_badly(self, data: st.DataObject, error: BotError) -> None:
        job = data.draw(st.sampled_from(self._open(State.HELD, State.SUBMITTING, State.QUEUED, State.LOST)))
        self._save(job.to(State.FAILED, charged=0), closing_after(job, error))

    @rule(hours=st.integers(1, 30))
    def wait(self, hours: int) -> None:
        self.clock.turn(hours * 3600.0)

    @invariant()
    def the_books_agree(self) -> None:
        if hasattr(self, "books"):
            assert list(audit(self.file)) == []
            for job in self.jobs.values():
                assert self.books.charged(job) == self.pays[job.id]

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()
        shutil.rmtree(self.folder)

    def _open(self, *states: State) -> list[Job]:
        return [job for job in self.jobs.values() if not job.ended and (not states or job.state in states)]

    def _save(self, job: Job, closing: Closing | None = None) -> None:
        self.runner.run(self.books.store.save(job, closing))
        self.jobs[job.id] = job
        if closing is not None:
            self.pays[job.id] = (closing.customer, closing.operator)

    def _room_for(self, new: Job) -> bool:
        def paid(book: int, window: slice, *, member: bool = False, scope: bool = False) -> int:
            return sum(
                self.pays[job.id][book]
                for job in self.jobs.values()
                if utc(job)[window] == utc(new)[window]
                and (not scope or job.order.scope == new.order.scope)
                and (not member or job.order.member_id == new.order.member_id)
            )

        flying = [job for job in self.jobs.values() if job.state in IN_FLIGHT and job.order.scope == new.order.scope]
        wasted = sum(job.wasted for job in self._open() if job.state is not State.RENDERED)
        return (
            sum(job.order.member_id == new.order.member_id for job in flying) < TIGHT.member_jobs
            and len(flying) < TIGHT.server_jobs
            and paid(0, DAY, member=True, scope=True) + new.credits <= TIGHT.member_day
            and paid(0, DAY, scope=True) + new.credits <= TIGHT.server_day
            and paid(1, MONTH) + wasted + new.credits <= TIGHT.operator_month
        )


BooksMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=40)
TestTheBooks = BooksMachine.TestCase
