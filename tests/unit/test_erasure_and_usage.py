"""People and servers can be forgotten, and what was used is counted, in a real SQLite file."""

import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from doubles import BOT_TOKEN, NOON, WIDE, Books, HandClock, a_job, a_picture, a_ticket, an_order
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.persons import Persons
from bot.adapters.sealing import Seal
from bot.adapters.sqlite_audit import audit
from bot.adapters.sqlite_baskets import SqliteBaskets
from bot.adapters.sqlite_erasure import SqliteErasure
from bot.adapters.sqlite_people import SqlitePeople
from bot.adapters.sqlite_rules import SqliteRules
from bot.adapters.sqlite_servers import SqliteServers
from bot.adapters.sqlite_usage import SqliteUsage
from bot.adapters.sqlite_words import SqliteWords
from bot.domain.conduct import StrikeRules
from bot.domain.errors import Allowance, ApprovalRefusedError, QuotaExceededError, packed
from bot.domain.job import Approval, Job, State, Word
from bot.domain.ledger import DAY, FREE, Closing
from bot.domain.purse import marks_reached
from bot.domain.rules import Rules, RulesRecord
from bot.domain.usage import forecast
from bot.domain.words import WordKind
from bot.service.privacy import Privacy, Retention

TABLES_OF_SERVERS = """
    SELECT name FROM sqlite_master WHERE type = 'table' AND EXISTS (
        SELECT 1 FROM pragma_table_info(sqlite_master.name) WHERE pragma_table_info.name = 'scope'
    )
"""
WORDS = "a heron that nobody else thought of"


@pytest.fixture
def erasure(books: Books) -> SqliteErasure:
    return SqliteErasure(books.database, Seal(BOT_TOKEN), Persons(BOT_TOKEN))


async def delivered(books: Books, *, member: int = 7, guild: int = 1, credit: int = 8) -> Job:
    job = a_job(an_order(WORDS, member=member, guild=guild), credit=credit, token="t")
    job = await books.store.hold(job, WIDE)
    submitting = job.to(State.SUBMITTING, submitted_at=NOON)
    await books.store.save(submitting)
    queued = submitting.to(State.QUEUED, ticket=a_ticket())
    await books.store.save(queued)
    rendered = queued.to(State.RENDERED, pictures=(a_picture(),), rendered_at=NOON + 10, charged=credit)
    await books.store.save(rendered, Closing(customer=credit, operator=credit))
    done = rendered.to(State.DELIVERED, message_id=99, told=True)
    await books.store.save(done)
    return done


def everything(path: Path) -> bytes:
    """The file's content without what SQLite has freed but not overwritten."""
    with closing(sqlite3.connect(path)) as connection:
        return "\n".join(connection.iterdump()).encode()


# --- forgetting -----------------------------------------------------------------------------------


async def test_counts_are_kept_for_as_many_days_as_the_operator_set(
    books: Books, erasure: SqliteErasure, clock: HandClock, tmp_path: Path
) -> None:
    await SqliteUsage(books.database).count_refusal("guild:1", 7, "EmptyPrompt", NOON)
    retention = Retention(prompts=365, counts=90, left_servers=30)
    privacy = Privacy(erasure, SqliteServers(books.database), retention, tmp_path, clock, str)
    clock.turn(90 * DAY)
    await privacy.sweep()
    assert books.rows("SELECT times FROM refusals") == [(1,)]
    clock.turn(DAY)
    await privacy.sweep()
    assert books.rows("SELECT times FROM refusals") == []


async def test_who_is_forgotten_stands_nowhere_and_the_books_agree(
    books: Books, erasure: SqliteErasure, tmp_path: Path
) -> None:
    jobs = [await delivered(books, member=123456789), await delivered(books, member=8)]
    await SqliteUsage(books.database).count_refusal("guild:1", 123456789, "EmptyPrompt", NOON)
    await books.store.mark_posted_in(jobs[0], 987654321)
    before = everything(tmp_path / "bot.sqlite3").count(WORDS.encode())
    await erasure.want(123456789, NOON)
    assert await erasure.erase_member(123456789, NOON) == [jobs[0].id]
    assert await erasure.erase_member(123456789, NOON) == []
    assert await erasure.finish_member(123456789)
    assert await erasure.wanted() == []
    assert b"123456789" not in everything(tmp_path / "bot.sqlite3")
    assert books.rows("SELECT posted_in FROM jobs") == [(None,)] * 2, "a person's direct messages"
    assert list(audit(tmp_path / "bot.sqlite3")) == []
    assert await books.store.job(jobs[0].id) is None
    assert await books.store.job(jobs[1].id) == jobs[1]
    assert everything(tmp_path / "bot.sqlite3").count(WORDS.encode()) == before / 2, "the other's words stay"


async def test_being_forgotten_gives_no_credits_back(books: Books, erasure: SqliteErasure) -> None:
    await delivered(books, credit=150)
    tight = WIDE.__class__(
        member_day=200, server_day=10**6, server_month=10**6, operator_month=10**6, member_jobs=9, server_jobs=9
    )
    await erasure.erase_member(7, NOON)
    assert (await books.store.standing("guild:1", 7, tight, NOON)).member_left == 50
    with pytest.raises(QuotaExceededError) as refused:
        await books.store.hold(a_job(credit=51), tight)
    assert (refused.value.allowance, refused.value.left) == (Allowance.MEMBER_DAY, 50)
    await books.store.hold(a_job(credit=50), tight)


@pytest.mark.parametrize("forgotten", ["member", "moderator"])
async def test_who_was_refused_and_who_refused_can_both_be_forgotten(
    books: Books, erasure: SqliteErasure, tmp_path: Path, forgotten: str
) -> None:
    asked = replace(a_job(an_order(member=111222333)), approval=Approval(channel_id=9, message_id=10))
    job = await books.store.hold(asked, WIDE)
    refused = Approval(word=Word.REFUSED, channel_id=9, message_id=10, by=444555666, at=NOON)
    error = packed(ApprovalRefusedError(reason="no herons"))
    await books.store.save(job.to(State.FAILED, approval=refused, error=error, charged=0, told=True), FREE)
    member = 111222333 if forgotten == "member" else 444555666
    await erasure.erase_member(member, NOON)
    assert await erasure.finish_member(member)
    left = everything(tmp_path / "bot.sqlite3")
    assert str(member).encode() not in left
    assert (b"no herons" in left) == (forgotten == "moderator")
    assert b"444555666" not in left, "an order without its person needs no moderator either"
    assert list(audit(tmp_path / "bot.sqlite3")) == []


async def test_an_order_on_its_way_is_finished_before_its_member_is_forgotten(
    books: Books, erasure: SqliteErasure
) -> None:
    job = await books.store.hold(a_job(), WIDE)
    await erasure.want(7, NOON)
    assert await erasure.erase_member(7, NOON) == []
    assert not await erasure.finish_member(7)
    assert await erasure.wanted() == [7]
    await books.store.save(job.to(State.CANCELLED, charged=0, told=True), FREE)
    assert await erasure.erase_member(7, NOON) == [job.id]
    assert await erasure.finish_member(7)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger SET credits = 1",
        "UPDATE ledger SET member_id = 8",
        "UPDATE ledger SET job_id = 'another'",
        "UPDATE ledger SET member_id = -5 WHERE member_id < 0",
    ],
)
async def test_the_ledger_forgets_a_person_once_and_changes_in_nothing_else(
    books: Books, erasure: SqliteErasure, change: str
) -> None:
    await delivered(books, member=7)
    await delivered(books, member=9)
    await erasure.erase_member(9, NOON)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        books.outside.execute(change)


async def test_old_orders_lose_their_words_and_young_ones_keep_them(books: Books, erasure: SqliteErasure) -> None:
    job = await delivered(books)
    assert await erasure.erase_before(job.created_at, NOON) == []
    assert await erasure.erase_before(job.created_at + 1, NOON) == [job.id]


async def test_a_server_that_was_left_is_forgotten_alone(
    books: Books, erasure: SqliteErasure, clock: HandClock
) -> None:
    servers = SqliteServers(books.database)
    await servers.present({1: "one", 2: "two"}, clock.now)
    await servers.present({2: "two"}, clock.now + 60)
    assert await servers.left_before(clock.now + 61) == [1]
    gone, stays = await delivered(books, guild=1), await delivered(books, guild=2)
    assert await erasure.erase_scope("guild:1", NOON) == [gone.id]
    await erasure.finish_scope("guild:1")
    await servers.forget(1)
    assert await servers.left_before(clock.now + 61) == []
    assert await books.store.job(stays.id) == stays


async def test_of_a_server_that_is_forgotten_nothing_stays_but_its_books(
    books: Books, erasure: SqliteErasure, tmp_path: Path
) -> None:
    job = await delivered(books)
    await books.tree.add_copy(job.id, 10, 11)
    scope, database = job.order.scope, books.database
    await SqliteUsage(database).count_refusal(scope, 7, "EmptyPrompt", NOON)
    await SqliteRules(database).change_rules(scope, RulesRecord(), Rules(roles_only=True), by=8, at=NOON)
    await SqliteWords(database).change_words(scope, add=[(WordKind.WORDS, "ass")], by=8, at=NOON)
    await SqlitePeople(database, Persons(BOT_TOKEN)).block(
        scope, 7, by=8, at=NOON, until=None, reason="spam", rules=StrikeRules()
    )
    await SqliteBaskets(database).add(scope, 7, an_order(references=1).references, 14, NOON)
    tables = {str(row[0]) for row in books.rows(TABLES_OF_SERVERS)}

    def about_it() -> set[str]:
        return {table for table in tables if books.rows(f"SELECT 1 FROM {table} WHERE scope = ?", scope)}  # noqa: S608 - tables of ours

    assert about_it() == tables
    await erasure.erase_scope(scope, NOON)
    await erasure.finish_scope(scope)
    assert about_it() == {"jobs", "ledger"}
    assert books.rows("SELECT 1 FROM copies") == []
    assert list(audit(tmp_path / "bot.sqlite3")) == []


def test_a_stand_in_is_the_same_each_time_and_no_discord_id() -> None:
    persons, others = Persons("one"), Persons("two")
    assert persons.stand_in(7) == persons.stand_in(7) != others.stand_in(7)
    assert persons.stand_in(7) < 0


# --- usage ----------------------------------------------------------------------------------------


async def test_usage_counts_what_came_what_failed_and_what_was_refused(books: Books) -> None:
    usage = SqliteUsage(books.database)
    await delivered(books, member=7)
    await delivered(books, member=8)
    failed = await books.store.hold(a_job(), WIDE)
    await books.store.save(failed.to(State.FAILED, charged=0), FREE)
    await usage.count_refusal("guild:1", 7, "EmptyPrompt", NOON)
    await usage.count_refusal("guild:1", 7, "EmptyPrompt", NOON)
    server = await usage.of_server("guild:1", NOON, 30)
    assert (server.credits, server.images, server.delivered, server.failed, server.refused) == (16, 2, 2, 1, 2)
    assert server.seconds_each == 10
    assert server.by_member() == [(7, 8), (8, 8)]
    assert server.by_day("nano-banana-2")[-1] == 16
    mine = await usage.of_member("guild:1", 8, NOON, 30)
    assert (mine.credits, mine.refused) == (8, 0)
    assert (await usage.of_server("guild:2", NOON, 30)).rows == ()


async def test_who_is_refused_while_the_file_is_locked_hears_why_and_not_that_it_is_locked(books: Books) -> None:
    usage = SqliteUsage(books.database)
    books.outside.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    await usage.count_refusal("guild:1", 7, "EmptyPrompt", NOON)
    assert time.monotonic() - began < 2
    books.outside.execute("ROLLBACK")
    await usage.count_refusal("guild:1", 7, "EmptyPrompt", NOON)
    assert (await usage.of_server("guild:1", NOON, 30)).refused >= 1  # the first may be counted late


async def test_a_cap_of_a_server_holds_in_the_hold_itself(books: Books) -> None:
    tight = WIDE.__class__(
        member_day=10**6, server_day=10**6, server_month=15, operator_month=10**6, member_jobs=9, server_jobs=9
    )
    await books.store.hold(a_job(credit=8), tight)
    with pytest.raises(QuotaExceededError) as refused:
        await books.store.hold(a_job(credit=8), tight)
    assert refused.value.allowance is Allowance.SERVER_MONTH


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_marks_are_reached_in_order_and_never_lost_by_spending_more(spent: int, stop: int) -> None:
    assert set(marks_reached(spent, stop)) <= set(marks_reached(spent + 1, stop))
    assert (100 in marks_reached(spent, stop)) == (spent >= stop)


def test_the_forecast_goes_on_as_in_the_last_days() -> None:
    assert forecast(100, [10, 20, 30], NOON) == round(100 + 20 * 7.5), (
        "noon of the 23rd: seven and a half days are left"
    )
    assert forecast(0, [], NOON) == 0
