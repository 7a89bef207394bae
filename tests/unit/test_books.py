"""The books in a real SQLite file: no limit is overrun, nothing is closed twice, nothing stays held for nobody."""

import asyncio
import sqlite3
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from doubles import NOON, WIDE, Books, HandClock, a_job, a_picture, a_ticket, an_order, open_books, until
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters import sqlite_connection
from bot.adapters.sqlite_connection import Database
from bot.adapters.sqlite_preferences import SqlitePreferences
from bot.adapters.sqlite_schema import migrate
from bot.domain.errors import Allowance, QuotaExceededError, RefusedError, TooManyJobsError
from bot.domain.job import NEXT, Approval, Job, Reply, State, Word, WrongStepError
from bot.domain.ledger import FREE, Closing, Limits
from bot.domain.order import Choices
from bot.domain.preferences import Preferences

CLICKS = 1000
DAY = 24 * 3600.0


async def held(books: Books, job: Job | None = None) -> Job:
    return await books.store.hold(job or a_job(), WIDE)


async def rendered(books: Books, job: Job | None = None, *, pictures: int = 1, charged: int | None = None) -> Job:
    """A job on its way to its settled images."""
    job = await held(books, job)
    for step in (
        job.to(State.SUBMITTING, submitted_at=NOON),
        queued := job.to(State.SUBMITTING, submitted_at=NOON).to(State.QUEUED, ticket=a_ticket()),
    ):
        await books.store.save(step)
    made = tuple(a_picture(n) for n in range(1, pictures + 1))
    charged = job.credits if charged is None else charged
    final = queued.to(State.RENDERED, pictures=made, rendered_at=NOON, charged=charged)
    await books.store.save(final, Closing(customer=charged, operator=charged))
    return final


def spending(books: Books) -> dict[tuple[object, object], object]:
    rows = books.rows("SELECT account, period, credits FROM spending WHERE credits <> 0")
    return {(account, period): credit for account, period, credit in rows}


def added_again(books: Books) -> dict[tuple[object, object], object]:
    """What spending must be, added up from the ledger alone."""
    sums = Counter[tuple[object, object]]()
    for book, credit, scope, member, day in books.rows("SELECT book, credits, scope, member_id, day FROM ledger"):
        month, amount = str(day)[:7], int(str(credit))
        if book == "operator":
            sums["operator", month] += amount
            sums["operator", day] += amount
        else:
            for account, period in (
                (f"scope:{scope}", day), (f"scope:{scope}", month), (f"member:{scope}:{member}", day)
            ):  # fmt: skip
                sums[account, period] += amount
    return {key: credit for key, credit in sums.items() if credit != 0}


# --- a thousand clicks at once --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rush:
    """A thousand orders against one limit."""

    limits: Limits
    fit: int
    order: Callable[[int], Job]
    refusal: Allowance | str


RUSHES = {
    "member_day": Rush(replace(WIDE, member_day=100), 12, lambda _: a_job(credit=8), Allowance.MEMBER_DAY),
    "server_day": Rush(
        replace(WIDE, server_day=100), 12, lambda n: a_job(an_order(member=n), credit=8), Allowance.SERVER_DAY
    ),
    "operator_month": Rush(
        replace(WIDE, operator_month=100),
        12,
        lambda n: a_job(an_order(guild=n, member=n), credit=8),
        Allowance.OPERATOR_MONTH,
    ),
    "member_jobs": Rush(replace(WIDE, member_jobs=3), 3, lambda _: a_job(credit=1), "member"),
    "server_jobs": Rush(replace(WIDE, server_jobs=20), 20, lambda n: a_job(an_order(member=n), credit=1), "server"),
}


def reason(refused: RefusedError) -> Allowance | str:
    match refused:
        case QuotaExceededError(allowance=allowance):
            return allowance
        case TooManyJobsError(of_member=of_member):
            return "member" if of_member else "server"
        case _:
            raise refused


@pytest.mark.parametrize("name", RUSHES)
async def test_a_thousand_holds_at_once_overrun_a_limit_by_nothing(name: str, books: Books) -> None:
    rush = RUSHES[name]
    outcomes = await asyncio.gather(
        *(books.store.hold(rush.order(n), rush.limits) for n in range(CLICKS)), return_exceptions=True
    )
    taken = [one for one in outcomes if isinstance(one, Job)]
    refused = [one for one in outcomes if isinstance(one, RefusedError)]
    assert (len(taken), len(refused)) == (rush.fit, CLICKS - rush.fit)
    assert {reason(one) for one in refused} == {rush.refusal}
    assert sorted(job.number for job in taken) == list(range(1, rush.fit + 1))
    assert books.rows("SELECT count(*) FROM jobs") == [(rush.fit,)]
    assert books.rows("SELECT count(*) FROM ledger") == [(2 * rush.fit,)]
    assert spending(books) == added_again(books)


# --- refused --------------------------------------------------------------------------------------


async def test_a_refused_hold_leaves_no_row_and_the_books_where_they_were(books: Books) -> None:
    await held(books, a_job(credit=95))
    before = (books.rows("SELECT * FROM jobs"), books.rows("SELECT * FROM ledger"), spending(books))
    for limits in (
        replace(WIDE, member_day=100),
        replace(WIDE, server_day=100),
        replace(WIDE, operator_month=100),
        replace(WIDE, member_jobs=1),
        replace(WIDE, server_jobs=1),
    ):
        with pytest.raises(RefusedError):
            await books.store.hold(a_job(credit=6), limits)
    assert (books.rows("SELECT * FROM jobs"), books.rows("SELECT * FROM ledger"), spending(books)) == before
    assert (await books.store.hold(a_job(credit=5), replace(WIDE, member_day=100))).number == 2


async def test_a_refusal_says_what_is_left_and_when_more_comes(books: Books) -> None:
    await held(books, a_job(credit=95))
    with pytest.raises(QuotaExceededError) as refused:
        await books.store.hold(a_job(credit=8), replace(WIDE, member_day=100))
    error = refused.value
    midnight = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
    assert (error.left, error.wanted, error.renews_at) == (5, 8, midnight)


async def test_the_month_of_the_operator_renews_with_the_next_one(books: Books) -> None:
    with pytest.raises(QuotaExceededError) as refused:
        await books.store.hold(a_job(credit=8), replace(WIDE, operator_month=7))
    assert refused.value.renews_at == datetime(2026, 12, 1, tzinfo=UTC).timestamp()


async def test_a_limit_that_was_lowered_below_what_is_spent_leaves_nothing_and_never_less(books: Books) -> None:
    await held(books, a_job(credit=95))
    with pytest.raises(QuotaExceededError) as refused:
        await books.store.hold(a_job(credit=1), replace(WIDE, member_day=50))
    assert refused.value.left == 0
    standing = await books.store.standing("guild:1", 7, replace(WIDE, member_day=50, server_day=50), NOON)
    assert (standing.member_left, standing.server_left) == (0, 0)


async def test_another_member_and_another_server_have_allowances_of_their_own(books: Books) -> None:
    limits = replace(WIDE, member_day=10, server_day=15, member_jobs=1)
    await books.store.hold(a_job(an_order(guild=1, member=1), credit=10), limits)
    with pytest.raises(TooManyJobsError):
        await books.store.hold(a_job(an_order(guild=1, member=1), credit=1), limits)
    with pytest.raises(QuotaExceededError):
        await books.store.hold(a_job(an_order(guild=1, member=2), credit=6), limits)
    await books.store.hold(a_job(an_order(guild=1, member=2), credit=5), limits)
    await books.store.hold(a_job(an_order(guild=2, member=1), credit=10), limits)


# --- closed once ----------------------------------------------------------------------------------


async def test_settling_the_whole_price_leaves_it_spent(books: Books) -> None:
    job = await rendered(books, a_job(credit=8))
    assert books.charged(job) == (8, 8)
    assert books.entries(job) == {book: [("hold", 8), ("settle", 0)] for book in ("customer", "operator")}


async def test_fewer_images_are_settled_for_less(books: Books) -> None:
    job = await rendered(books, a_job(an_order(choices=Choices(images=4))), pictures=3, charged=24)
    assert books.entries(job) == {book: [("hold", 32), ("settle", -8)] for book in ("customer", "operator")}
    assert spending(books)["member:guild:1:7", "2026-11-23"] == 24


async def test_what_came_to_nothing_is_released_in_both_books(books: Books) -> None:
    job = await held(books, a_job(credit=8))
    await books.store.save(job.to(State.FAILED, charged=0), FREE)
    assert books.entries(job) == {book: [("hold", 8), ("release", -8)] for book in ("customer", "operator")}
    assert spending(books) == {}


async def test_the_operators_book_keeps_what_the_customer_gets_back(books: Books) -> None:
    job = await held(books, a_job(credit=8))
    await books.store.save(job.to(State.SUBMITTING))
    await books.store.save(job.to(State.SUBMITTING).to(State.FAILED, charged=0), Closing(customer=0, operator=8))
    assert books.charged(job) == (0, 8)
    assert spending(books) == {("operator", "2026-11"): 8, ("operator", "2026-11-23"): 8}
    await books.store.hold(a_job(credit=8), replace(WIDE, member_day=8, server_day=8))
    with pytest.raises(QuotaExceededError) as refused:
        await books.store.hold(a_job(credit=8), replace(WIDE, operator_month=16))
    assert refused.value.allowance is Allowance.OPERATOR_MONTH


CLOSINGS: dict[str, Callable[[Job], Closing]] = {
    "settled": lambda job: Closing(customer=job.credits, operator=job.credits),
    "settled for less": lambda _: Closing(customer=3, operator=3),
    "released": lambda _: FREE,
}


@pytest.mark.parametrize("first", CLOSINGS)
@pytest.mark.parametrize("second", CLOSINGS)
async def test_what_was_closed_once_is_never_closed_again(first: str, second: str, books: Books) -> None:
    job = await held(books, a_job(credit=8))
    failed = job.to(State.FAILED, charged=0)
    await books.store.save(failed, CLOSINGS[first](job))
    before = (books.entries(job), spending(books))
    with pytest.raises(sqlite3.IntegrityError):
        await books.store.save(failed.but(error='{"code": "Again"}'), CLOSINGS[second](job))
    assert (books.entries(job), spending(books)) == before
    assert await books.store.job(job.id) == failed


async def test_two_closings_at_once_close_once(books: Books) -> None:
    job = await held(books, a_job(credit=8))
    failed = job.to(State.FAILED, charged=0)
    outcomes = await asyncio.gather(*(books.store.save(failed, FREE) for _ in range(20)), return_exceptions=True)
    assert outcomes.count(None) == 1
    assert books.charged(job) == (0, 0)


async def test_what_was_never_held_cannot_be_closed(books: Books) -> None:
    job = await held(books, a_job(credit=8))
    for day in (NOON, NOON + DAY):  # what could be taken instead
        await held(books, a_job(credit=20, at=day))
    with pytest.raises(sqlite3.IntegrityError):
        await books.store.save(replace(job, credits=9).to(State.FAILED), FREE)
    with pytest.raises(sqlite3.IntegrityError):
        await books.store.save(replace(job, created_at=NOON + DAY).to(State.FAILED), FREE)
    with pytest.raises(WrongStepError):
        await books.store.save(a_job().to(State.FAILED), FREE)
    assert books.entries(job) == {book: [("hold", 8)] for book in ("customer", "operator")}
    assert books.state_of(job) == "held"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET at = 0",
        "DELETE FROM ledger",
        "REPLACE INTO ledger SELECT * FROM ledger",
    ],
)
async def test_what_stands_in_the_ledger_stands_for_ever(statement: str, books: Books) -> None:
    await held(books)
    before = books.rows("SELECT * FROM ledger")
    with pytest.raises(sqlite3.IntegrityError):
        await books.database.write(lambda connection: connection.execute(statement) and None)
    assert books.rows("SELECT * FROM ledger") == before


# --- the sums -------------------------------------------------------------------------------------

ACTS = st.one_of(
    st.tuples(st.just("hold"), st.integers(1, 3), st.integers(1, 3), st.integers(1, 9)),
    st.tuples(st.just("close"), st.integers(0, 30), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.just("wait"), st.integers(1, 40), st.just(0), st.just(0)),
)
TIGHT = Limits(member_day=12, server_day=20, server_month=10**6, operator_month=60, member_jobs=4, server_jobs=7)


def day_of(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()


class Account:
    """The books as a person would keep them: one line per order."""

    def __init__(self) -> None:
        self.lines: list[tuple[Job, str, list[int]]] = []
        """Job, day, and what customer and operator pay so far."""
        self.open: list[int] = []

    def paid(self, book: int, **place: object) -> int:
        def fits(job: Job, day: str) -> bool:
            facts = {"scope": job.order.scope, "member": job.order.member_id, "day": day, "month": day[:7]}
            return all(facts[name] == value for name, value in place.items())

        return sum(pays[book] for job, day, pays in self.lines if fits(job, day))

    def takes(self, job: Job, day: str) -> bool:
        scope, member = job.order.scope, job.order.member_id
        jobs = [self.lines[n][0] for n in self.open]
        return (
            sum(one.order.scope == scope and one.order.member_id == member for one in jobs) < TIGHT.member_jobs
            and sum(one.order.scope == scope for one in jobs) < TIGHT.server_jobs
            and self.paid(0, scope=scope, member=member, day=day) + job.credits <= TIGHT.member_day
            and self.paid(0, scope=scope, day=day) + job.credits <= TIGHT.server_day
            and self.paid(1, month=day[:7]) + job.credits <= TIGHT.operator_month
        )


class Walk:
    """The same acts, done in the books and by hand."""

    def __init__(self, books: Books, clock: HandClock) -> None:
        self._books = books
        self._clock = clock
        self._account = Account()

    async def act(self, act: str, one: int, two: int, three: int) -> None:
        if act == "wait":
            self._clock.turn(one * 3600.0)
        elif act == "hold":
            await self._hold(a_job(an_order(guild=one, member=two), credit=three, at=self._clock.now))
        elif self._account.open:
            await self._close(self._account.open.pop(one % len(self._account.open)), two, three)

    async def _hold(self, job: Job) -> None:
        expected = self._account.takes(job, day_of(job.created_at))
        try:
            stored = await self._books.store.hold(job, TIGHT)
        except RefusedError:
            assert not expected
        else:
            assert expected
            self._account.open.append(len(self._account.lines))
            self._account.lines.append((stored, day_of(job.created_at), [job.credits, job.credits]))

    async def _close(self, line: int, customer: int, operator: int) -> None:
        job, _, pays = self._account.lines[line]
        pays[:] = min(customer, job.credits), operator
        await self._books.store.save(job.to(State.FAILED), Closing(customer=pays[0], operator=pays[1]))

    async def agree(self) -> None:
        assert spending(self._books) == added_again(self._books)
        day = day_of(self._clock.now)
        for job, _, _ in self._account.lines:
            scope, member = job.order.scope, job.order.member_id
            seen = await self._books.store.standing(scope, member, TIGHT, self._clock.now)
            assert seen.member_left == TIGHT.member_day - self._account.paid(0, scope=scope, member=member, day=day)
            assert seen.server_left == TIGHT.server_day - self._account.paid(0, scope=scope, day=day)
        sums = spending(self._books).items()
        assert sum(
            int(str(credit))
            for (name, period), credit in sums
            if name == "operator" and len(str(period)) == len("2026-11")
        ) == self._account.paid(1)


@settings(max_examples=40)
@given(st.lists(ACTS, min_size=1, max_size=40))
def test_the_books_agree_with_a_person_who_keeps_them_by_hand(acts: list[tuple[str, int, int, int]]) -> None:
    async def walk(file: Path) -> None:
        clock = HandClock()
        async with open_books(file, clock) as books:
            walking = Walk(books, clock)
            for act in acts:
                await walking.act(*act)
            await walking.agree()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(walk(Path(folder) / "bot.sqlite3"))


# --- windows --------------------------------------------------------------------------------------

LAST_SECOND = datetime(2026, 11, 30, 23, 59, 59, 999_000, tzinfo=UTC).timestamp()
MIDNIGHT = datetime(2026, 12, 1, tzinfo=UTC).timestamp()


async def test_an_allowance_renews_at_midnight_utc_and_not_before(books: Books, clock: HandClock) -> None:
    limits = replace(WIDE, member_day=8)
    clock.now = LAST_SECOND
    await books.store.hold(a_job(credit=8, at=LAST_SECOND), limits)
    with pytest.raises(QuotaExceededError) as refused:
        await books.store.hold(a_job(credit=1, at=LAST_SECOND), limits)
    assert refused.value.renews_at == MIDNIGHT
    await books.store.hold(a_job(credit=8, at=MIDNIGHT), limits)


async def test_a_job_is_closed_in_the_day_and_month_of_its_hold(books: Books, clock: HandClock) -> None:
    job = await held(books, a_job(credit=8, at=LAST_SECOND))
    await held(books, a_job(credit=5, at=MIDNIGHT))
    clock.now = MIDNIGHT + 60
    await books.store.save(job.to(State.FAILED), Closing(customer=0, operator=3))
    assert spending(books) == {
        ("operator", "2026-11"): 3,
        ("operator", "2026-12"): 5,
        ("operator", "2026-11-30"): 3,
        ("operator", "2026-12-01"): 5,
        ("scope:guild:1", "2026-12-01"): 5,
        ("scope:guild:1", "2026-12"): 5,
        ("member:guild:1:7", "2026-12-01"): 5,
    }
    assert books.rows("SELECT DISTINCT day FROM ledger WHERE job_id = ?", job.id) == [("2026-11-30",)]


async def test_the_standing_is_that_of_today(books: Books) -> None:
    await held(books, a_job(credit=8, at=LAST_SECOND))
    limits = replace(WIDE, member_day=10, server_day=20)
    evening = await books.store.standing("guild:1", 7, limits, LAST_SECOND)
    morning = await books.store.standing("guild:1", 7, limits, MIDNIGHT)
    assert (evening.member_left, evening.server_left, evening.renews_at) == (2, 12, MIDNIGHT)
    assert (morning.member_left, morning.server_left, morning.renews_at) == (10, 20, MIDNIGHT + DAY)
    assert (evening.jobs, morning.jobs) == (1, 1)


@pytest.mark.parametrize("state", [State.LOST, State.RENDERED, State.FAILED])
async def test_only_what_is_on_its_way_counts_against_the_number_of_orders(state: State, books: Books) -> None:
    limits = replace(WIDE, member_jobs=1, server_jobs=1)
    if state is State.RENDERED:
        await rendered(books)
    else:
        job = await held(books)
        await books.store.save(job.to(State.SUBMITTING))
        await books.store.save(job.to(State.SUBMITTING).to(state))
    await books.store.hold(a_job(), limits)
    with pytest.raises(TooManyJobsError):
        await books.store.hold(a_job(), limits)


# --- whoever gives up -----------------------------------------------------------------------------


class Plug:
    """A write that does not end before it is pulled."""

    def __init__(self, books: Books) -> None:
        self._pulled, self._in = threading.Event(), threading.Event()
        self.write = asyncio.create_task(books.database.write(self._work))

    def _work(self, _: sqlite3.Connection) -> None:
        self._in.set()
        assert self._pulled.wait(5)

    async def is_in(self) -> None:
        await asyncio.to_thread(self._in.wait, 5)

    async def pull(self) -> None:
        self._pulled.set()
        await self.write


async def nothing_is_held(books: Books, job: Job) -> None:
    await books.database.write(lambda _: None)  # whatever was to be undone goes first
    found = books.rows("SELECT state FROM jobs WHERE id = ?", job.id)
    assert found in ([], [("cancelled",)])
    assert books.charged(job) == (0, 0)
    assert spending(books) == added_again(books) == {}
    await books.store.hold(a_job(credit=8), replace(WIDE, member_day=8, member_jobs=1))


async def test_who_gives_up_before_the_writer_came_to_it_holds_nothing(books: Books) -> None:
    plug, job = Plug(books), a_job(credit=8)
    await plug.is_in()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await books.store.hold(job, WIDE)
    await plug.pull()
    await nothing_is_held(books, job)
    assert books.rows("SELECT count(*) FROM jobs WHERE id = ?", job.id) == [(0,)]


async def test_who_gives_up_while_it_is_being_written_holds_nothing(books: Books) -> None:
    """The hold is done in the same commit as a write that still lasts: it is written when nobody waits any more."""
    job = a_job(credit=8)
    hold = asyncio.create_task(books.store.hold(job, WIDE))
    plug = Plug(books)
    await plug.is_in()
    hold.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hold
    await plug.pull()
    await nothing_is_held(books, job)
    assert books.entries(job) == {book: [("hold", 8), ("release", -8)] for book in ("customer", "operator")}


async def test_what_cannot_be_undone_at_once_is_undone_later(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_connection, "UNDO_AGAIN", 0.001)
    run, troubles = sqlite_connection._run_one, [sqlite3.OperationalError("disk I/O error")]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - a disk that fails once

    def failing(connection: sqlite3.Connection, work: Callable[..., object]) -> object:
        if hold.cancelled() and troubles:
            raise troubles.pop()
        return run(connection, work)

    job = a_job(credit=8)
    hold = asyncio.create_task(books.store.hold(job, WIDE))
    plug = Plug(books)
    await plug.is_in()
    hold.cancel()
    await asyncio.wait([hold])
    monkeypatch.setattr(sqlite_connection, "_run_one", failing)
    await plug.pull()
    await until(lambda: books.rows("SELECT state FROM jobs WHERE id = ?", job.id) == [("cancelled",)])
    assert troubles == []
    await nothing_is_held(books, job)


async def test_who_gives_up_in_the_moment_of_the_answer_holds_nothing(books: Books) -> None:
    """The answer is there but not yet heard: whoever was answered first calls the other off."""
    job = a_job(credit=8)
    plug = Plug(books)
    await plug.is_in()

    async def spoil() -> None:
        await books.database.write(lambda _: None)
        hold.cancel()

    spoiling = asyncio.create_task(spoil())
    await asyncio.sleep(0)
    hold = asyncio.create_task(books.store.hold(job, WIDE))
    await asyncio.sleep(0)
    await plug.pull()
    await spoiling
    with pytest.raises(asyncio.CancelledError):
        await hold
    await nothing_is_held(books, job)


async def test_a_refused_hold_that_nobody_waits_for_needs_no_undoing(books: Books) -> None:
    job = a_job(credit=8)
    hold = asyncio.create_task(books.store.hold(job, replace(WIDE, member_day=7)))
    plug = Plug(books)
    await plug.is_in()
    hold.cancel()
    await plug.pull()
    await nothing_is_held(books, job)


async def test_closing_finishes_what_waits_and_takes_nothing_new(tmp_path: Path, clock: HandClock) -> None:
    job = a_job()
    async with open_books(tmp_path / "bot.sqlite3", clock) as books:
        hold = asyncio.create_task(books.store.hold(job, WIDE))
        await asyncio.sleep(0)
    assert (await hold).number == 1
    with pytest.raises(sqlite3.ProgrammingError):
        await books.store.hold(a_job(), WIDE)
    async with open_books(tmp_path / "bot.sqlite3", clock) as again:
        assert again.state_of(job) == "held"


# --- a group of transactions ----------------------------------------------------------------------


async def test_one_failing_transaction_leaves_its_neighbours_alone(books: Books) -> None:
    """All three go in one commit; the middle one fails after it had written."""

    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO notes VALUES ('half', 'done')")
        raise LookupError

    plug = Plug(books)
    await plug.is_in()
    writes = (books.store.hold(a_job(), WIDE), books.database.write(half), books.store.hold(a_job(), WIDE))
    group = asyncio.gather(*writes, return_exceptions=True)
    await asyncio.sleep(0)
    await plug.pull()
    first, middle, last = await group
    assert isinstance(first, Job)
    assert isinstance(middle, LookupError)
    assert isinstance(last, Job)
    assert [books.state_of(job) for job in (first, last)] == ["held", "held"]
    assert books.rows("SELECT * FROM notes") == []


async def test_a_commit_that_fails_fails_for_everyone_in_it(books: Books) -> None:
    """A transaction that ends the commit under its neighbours: nothing of the group happened, and all hear it."""

    def end_it(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")

    plug = Plug(books)
    await plug.is_in()
    job = a_job()
    group = asyncio.gather(books.store.hold(job, WIDE), books.database.write(end_it), return_exceptions=True)
    await asyncio.sleep(0)
    await plug.pull()
    assert [type(outcome) for outcome in await group] == [sqlite3.OperationalError] * 2
    assert books.rows("SELECT count(*) FROM jobs") == [(0,)]
    await held(books, job)


# --- what goes together ---------------------------------------------------------------------------


class Hops:
    """Counts what is handed to a thread of the database."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count, hop = 0, sqlite_connection._in_thread  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - where a hop begins

        async def counted(*arguments: Any) -> object:  # noqa: ANN401 - whatever is handed over
            self.count += 1
            return await hop(*arguments)

        monkeypatch.setattr(sqlite_connection, "_in_thread", counted)


async def test_what_is_read_together_takes_one_hop_and_fails_alone(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    hops, database = Hops(monkeypatch), books.database
    reads = (database.read("SELECT 1"), database.read("SELECT nothing"), database.read("SELECT 2"))
    one, none, two = await asyncio.gather(*reads, return_exceptions=True)
    assert isinstance(none, sqlite3.OperationalError)
    assert not isinstance(one, BaseException)
    assert not isinstance(two, BaseException)
    assert [tuple(row) for row in (*one, *two)] == [(1,), (2,)]
    assert hops.count == 1


async def test_what_is_in_no_hurry_goes_with_the_next_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(path := tmp_path / "bot.sqlite3")
    database = await Database.open(path, soon=60.0)
    hops = Hops(monkeypatch)
    waits = asyncio.create_task(database.write_along(noted("along")))
    nobody = database.write_for_nobody(noted("for nobody"))
    await asyncio.sleep(0.01)
    assert (hops.count, waits.done(), nobody.done()) == (0, False, False)
    await database.write(noted("in a hurry"))
    await asyncio.wait([waits, nobody], timeout=1)
    assert (hops.count, waits.done(), nobody.done()) == (1, True, True)
    assert [row[0] for row in await database.read("SELECT name FROM notes ORDER BY name")] == [
        "along",
        "for nobody",
        "in a hurry",
    ]
    await database.close()


async def test_what_is_in_no_hurry_is_written_by_itself_and_before_the_end(tmp_path: Path) -> None:
    migrate(path := tmp_path / "bot.sqlite3")
    database = await Database.open(path, soon=0.01)
    async with asyncio.timeout(5):
        await database.write_along(noted("soon"))
        with pytest.raises(LookupError):
            await database.write_along(refused)
    await database.close()
    database = await Database.open(path, soon=60.0)
    database.write_for_nobody(noted("last"))
    left = asyncio.create_task(database.write_along(noted("left alone")))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.wait([left])
    await database.close()
    database = await Database.open(path)
    assert [row[0] for row in await database.read("SELECT name FROM notes ORDER BY name")] == [
        "last",
        "left alone",
        "soon",
    ]
    await database.close()


def refused(_: sqlite3.Connection) -> None:
    raise LookupError


def noted(name: str) -> Callable[[sqlite3.Connection], None]:
    def work(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO notes VALUES (?, 'done')", (name,))

    return work


# --- a job in its row -----------------------------------------------------------------------------


def a_full_job() -> Job:
    """With every field set that an order has, and none to its default."""
    choices = Choices(
        aspect_ratio="8:1", resolution="4K", images=1, format="webp", seed=7, safety=2, web_search=True, thinking="high"
    )
    job = a_job(an_order('ein "Fuchs" 🦊\n`;--', choices=choices, references=3), credit=17, at=NOON + 0.123456)
    return replace(
        job,
        request=job.request.with_pictures(["https://fal.invalid/1", "https://fal.invalid/2"]),
        notice_id=2**61 + 2,
        approval=Approval(word=Word.GIVEN, channel_id=2**61 + 3, message_id=2**61 + 4, by=2**61 + 5, at=NOON + 0.25),
        reply=Reply(application_id=2**62, token="the-interaction-token", created_at=NOON + 0.5, message_id=2**61 + 1),
    )


async def test_a_job_comes_back_from_its_row_as_it_was(books: Books) -> None:
    job = await books.store.hold(a_full_job(), WIDE)
    assert await books.store.job(job.id) == job
    steps: tuple[Callable[[Job], Job], ...] = (
        lambda one: one.to(State.SUBMITTING, submitted_at=NOON + 1.25, cancel_wanted=True, retried=True, wasted=17),
        lambda one: one.to(State.QUEUED, ticket=a_ticket()),
        lambda one: one.to(
            State.RENDERED,
            pictures=(a_picture(1), a_picture(2)),
            rendered_at=NOON + 9.75,
            charged=11,
            error='{"code": "Odd"}',
            units=1.5,
        ),
        lambda one: one.to(State.DELIVERED, message_id=2**63 - 1),
        lambda one: one.but(told=True),
    )
    for step in steps:
        job = step(job)
        await books.store.save(job)
        assert await books.store.job(job.id) == job
    await books.store.save(job)
    await books.tree.mark_deleted(job.id, NOON + 20.5)
    await books.store.mark_posted_in(job, 2**63 - 1)
    await books.store.save(job)  # by somebody who has not heard of it
    job = replace(job, deleted_at=NOON + 20.5, posted_in=2**63 - 1)
    assert await books.store.job(job.id) == job
    plain = a_job()
    assert [one.name for one in fields(Job) if getattr(job, one.name) == getattr(plain, one.name)] == []


async def test_a_deleted_result_is_marked_once_and_other_messages_change_nothing(books: Books) -> None:
    job, other = [(await rendered(books)).to(State.DELIVERED, message_id=number) for number in (11, 12)]
    for one in (job, other):
        await books.store.save(one)
    await books.tree.mark_messages_deleted([10, 11], NOON + 1)
    await books.tree.mark_messages_deleted([11], NOON + 2)
    await books.tree.mark_deleted(job.id, NOON + 3)
    assert await books.store.job(job.id) == replace(job, deleted_at=NOON + 1)
    assert await books.store.job(other.id) == other


async def test_who_gives_up_while_a_deletion_is_being_written_leaves_the_result_as_it_was(books: Books) -> None:
    job, gone = await rendered(books), await rendered(books)
    await books.tree.mark_deleted(gone.id, NOON + 1)
    deletions = [
        asyncio.create_task(books.tree.mark_deleted(one.id, at)) for one, at in ((job, NOON), (gone, NOON + 1))
    ]
    plug = Plug(books)
    await plug.is_in()
    for one in deletions:
        one.cancel()
    await asyncio.wait(deletions)
    await plug.pull()
    await until(lambda: books.rows("SELECT deleted_at FROM jobs ORDER BY number") == [(None,), (NOON + 1,)])
    assert await books.tree.mark_deleted(job.id, NOON + 2)


async def test_a_member_keeps_their_pictures_to_themselves_until_they_change_their_mind(books: Books) -> None:
    preferences = SqlitePreferences(books.database)
    await preferences.set_preferences(7, Preferences(others_may_edit=False))
    await preferences.set_preferences(7, Preferences(others_may_edit=False))
    assert await books.tree.keepers({7, 8}) == {7}
    await preferences.set_preferences(7, Preferences())
    assert await books.tree.keepers({7, 8}) == set()


async def test_an_unknown_job_is_none(books: Books) -> None:
    assert await books.store.job("0" * 16) is None


async def test_a_members_jobs_come_newest_first_and_only_from_one_server(books: Books) -> None:
    mine = [await held(books, a_job(an_order(guild=1, member=1))) for _ in range(3)]
    await held(books, a_job(an_order(guild=1, member=2)))
    await held(books, a_job(an_order(guild=2, member=1)))
    assert await books.store.of_member("guild:1", 1, 2) == [mine[2], mine[1]]


async def test_ended_jobs_are_untold_until_the_last_word_was_said(books: Books) -> None:
    failed, cancelled, open_still = [await held(books) for _ in range(3)]
    await books.store.save(failed.to(State.FAILED, charged=0), FREE)
    await books.store.save(cancelled.to(State.CANCELLED, charged=0), FREE)
    done = (await rendered(books)).to(State.DELIVERED, message_id=1)
    await books.store.save(done)
    assert [job.id for job in await books.store.untold()] == [failed.id, cancelled.id, done.id]
    await books.store.save(done.but(told=True))
    assert [job.id for job in await books.store.untold()] == [failed.id, cancelled.id]
    assert [job.id for job in await books.store.unfinished()] == [open_still.id]


async def test_what_could_be_posted_nowhere_does_not_go_on_by_itself(books: Books) -> None:
    job = await rendered(books)
    await books.store.save(job.but(error='{"code": "Delivery"}'))
    assert await books.store.unfinished() == []


async def test_jobs_with_files_come_oldest_first(books: Books) -> None:
    jobs = [await rendered(books) for _ in range(2)]
    await books.store.save(jobs[1].but(rendered_at=NOON - 60))
    await held(books)
    assert await books.store.with_files(NOON - 60) == [jobs[1].id, jobs[0].id]
    assert await books.store.with_files(NOON - 59) == [jobs[0].id]


async def test_unfinished_jobs_come_in_order_of_arrival(books: Books) -> None:
    jobs = [await held(books) for _ in range(4)]
    await books.store.save(jobs[1].to(State.CANCELLED), FREE)
    await books.store.save(jobs[2].to(State.SUBMITTING))
    done = await rendered(books)
    assert [job.id for job in await books.store.unfinished()] == [jobs[0].id, jobs[2].id, jobs[3].id, done.id]
    await books.store.save(done.to(State.DELIVERED, message_id=1))
    assert [job.id for job in await books.store.unfinished()] == [jobs[0].id, jobs[2].id, jobs[3].id]


STALE = [(stored, saved) for stored in State for saved in State if saved is not stored and saved not in NEXT[stored]]


def walk_to(state: State) -> list[State]:
    """The shortest way there from HELD."""
    ways = [[State.HELD]]
    while all(way[-1] is not state for way in ways):
        ways = [[*way, following] for way in ways for following in NEXT[way[-1]] if following not in way]
    return next(way for way in ways if way[-1] is state)


@pytest.mark.parametrize(("stored", "saved"), STALE)
async def test_a_stale_job_is_never_saved_over_a_newer_one(stored: State, saved: State, books: Books) -> None:
    full = {"ticket": a_ticket(), "pictures": (a_picture(),), "rendered_at": NOON, "message_id": 1}
    job = (await held(books)).but(**full)
    await books.store.save(job)
    for state in walk_to(stored)[1:]:
        job = job.to(state)
        await books.store.save(job)
    with pytest.raises(WrongStepError):
        await books.store.save(replace(job, state=saved))
    assert await books.store.job(job.id) == job


async def test_a_row_cannot_say_what_is_not_so(books: Books) -> None:
    job = await held(books)
    submitting = job.to(State.SUBMITTING)
    await books.store.save(submitting)
    with pytest.raises(sqlite3.IntegrityError):
        await books.store.save(submitting.to(State.QUEUED))  # without a ticket
    queued = submitting.to(State.QUEUED, ticket=a_ticket())
    await books.store.save(queued)
    with pytest.raises(sqlite3.IntegrityError):
        await books.store.save(queued.to(State.RENDERED, rendered_at=NOON))  # without pictures
    ready = queued.to(State.RENDERED, rendered_at=NOON, pictures=(a_picture(),))
    await books.store.save(ready)
    with pytest.raises(sqlite3.IntegrityError):
        await books.store.save(ready.to(State.DELIVERED))  # without a message
    assert books.state_of(job) == "rendered"


# --- the interaction's token ----------------------------------------------------------------------


async def test_an_interactions_token_is_nowhere_in_the_file(tmp_path: Path, books: Books) -> None:
    job = await held(books, a_job(token="SECRET-INTERACTION-TOKEN"))
    files = sorted(path for path in tmp_path.iterdir() if path.is_file())
    assert {path.name for path in files} >= {"bot.sqlite3", "bot.sqlite3-wal"}
    assert any(job.id.encode() in path.read_bytes() for path in files)
    assert not any(b"SECRET-INTERACTION-TOKEN" in path.read_bytes() for path in files)
    stored = await books.store.job(job.id)
    assert stored is not None
    assert stored.reply == job.reply


async def test_another_bot_token_cannot_read_it_and_everything_else_it_can(tmp_path: Path, clock: HandClock) -> None:
    path = tmp_path / "bot.sqlite3"
    async with open_books(path, clock) as books:
        job = await held(books, a_full_job())
    async with open_books(path, clock, token="a new one") as books:
        assert await books.store.job(job.id) == job.but(reply=None)


async def test_the_same_token_is_sealed_differently_each_time(books: Books) -> None:
    for _ in range(2):
        await held(books, a_job(token="SECRET"))
    assert len(set(books.rows("SELECT reply_token FROM jobs"))) == 2


# --- small facts ----------------------------------------------------------------------------------


async def test_a_note_is_kept_and_replaced(books: Books) -> None:
    assert await books.store.note("commands") is None
    await books.store.write_note("commands", "1")
    await books.store.write_note("commands", "2")
    assert await books.store.note("commands") == "2"
