"""The journal of a server: bounded, merged, in order, and never in anybody's way."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from doubles import CATALOGUE, NOON, HandClock, a_job, an_order, until

from bot import views
from bot.adapters.sqlite_connection import Database
from bot.adapters.sqlite_rules import SqliteRules
from bot.adapters.sqlite_schema import migrate
from bot.domain.conduct import Act
from bot.domain.errors import BadChoiceError, EmptyPromptError, packed
from bot.domain.job import State
from bot.domain.journal import Acted, Deleted, Failed, Finished, LeftOut, Ordered, Refused
from bot.domain.order import Origin
from bot.domain.rules import Rules, RulesRecord
from bot.domain.ruling import SETTINGS, Change, Target
from bot.domain.words import WordKind, WordRule
from bot.service.journal import GRACE, KNOWN, MOST_CHARACTERS, MOST_LINES, Event, Journal, Page
from bot.service.ruling import Changed

LOG, OTHER_LOG = 900, 901
SERVER, OTHER = "guild:1", "guild:2"


def said(event: Event, _at: float) -> str:
    """An event as a short line."""
    match event:
        case Ordered(job=job) | Finished(job=job) | Failed(job=job) | Deleted(job=job):
            return f"{type(event).__name__} {job.order.prompt}"
        case Acted(reason=reason):
            return f"Acted {reason}"
        case LeftOut(count=count):
            return f"LeftOut {count}"
        case _:
            return type(event).__name__


def ordered(prompt: str, guild: int = 1) -> Ordered:
    return Ordered(job=a_job(an_order(prompt, guild=guild)))


def acted(reason: str = "") -> Acted:
    return Acted(scope=SERVER, act=Act.STRIKE, member_id=7, by=8, reason=reason)


class Wall:
    """Log channels in memory."""

    def __init__(self) -> None:
        self.pages: list[tuple[int, int, Page]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.stuck: set[int] = set()

    async def post(self, guild_id: int, channel_id: int, page: Page) -> None:
        if guild_id in self.stuck:
            await asyncio.Event().wait()
        await self.open.wait()
        self.pages.append((guild_id, channel_id, page))

    @property
    def lines(self) -> list[str]:
        return [line for _, _, page in self.pages for line in page.lines]


@pytest.fixture
async def rules(tmp_path: Path) -> AsyncGenerator[SqliteRules]:
    migrate(tmp_path / "bot.sqlite3")
    database = await Database.open(tmp_path / "bot.sqlite3")
    store = SqliteRules(database)
    for scope, channel in ((SERVER, LOG), (OTHER, OTHER_LOG)):
        await store.change_rules(scope, RulesRecord(), Rules(log_channel=channel), by=1, at=NOON)
    yield store
    await database.close()


@asynccontextmanager
async def running(journal: Journal, post: Callable[[int, int, Page], Awaitable[None]]) -> AsyncGenerator[None]:
    task = asyncio.create_task(journal.run(post))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def in_its_channel(_job_id: str) -> None:
    """Where the images of every job stand."""


def journal_of(rules: SqliteRules, most: int = 500) -> Journal:
    return Journal(rules, said, lambda: NOON, in_its_channel, most)


# --- pages ----------------------------------------------------------------------------------------


async def test_what_waits_shares_messages_in_order_and_a_result_has_its_own(rules: SqliteRules) -> None:
    journal, wall = journal_of(rules), Wall()
    result = Finished(job=a_job(an_order("c"), state=State.DELIVERED))
    for event in (ordered("a"), ordered("b"), result, ordered("d"), acted("e")):
        journal.put(event)
    async with running(journal, wall.post):
        await until(lambda: len(wall.lines) == 5)
    assert [page.lines for _, _, page in wall.pages] == [
        ("Ordered a", "Ordered b"),
        ("Finished c",),
        ("Ordered d", "Acted e"),
    ]
    assert [page.result for _, _, page in wall.pages] == [None, result.job, None]
    assert {(guild, channel) for guild, channel, _ in wall.pages} == {(1, LOG)}


async def test_a_private_result_is_a_line_among_others(rules: SqliteRules) -> None:
    journal, wall = journal_of(rules), Wall()
    journal.put(Finished(job=a_job(replace(an_order("a"), private=True))))
    journal.put(ordered("b"))
    async with running(journal, wall.post):
        await until(lambda: len(wall.lines) == 2)
    assert [(len(page.lines), page.result) for _, _, page in wall.pages] == [(2, None)]


@pytest.mark.parametrize(("length", "together"), [(1, MOST_LINES), (900, 4), (3800, 1)])
async def test_a_message_has_ten_lines_and_3800_characters_at_most(
    rules: SqliteRules, length: int, together: int
) -> None:
    wall = Wall()
    journal = Journal(rules, lambda _event, _at: "x" * length, lambda: NOON, in_its_channel)
    for _ in range(25):
        journal.put(acted())
    async with running(journal, wall.post):
        await until(lambda: len(wall.lines) == 25)
    sizes = [len(page.lines) for _, _, page in wall.pages]
    assert max(sizes) == together
    assert all(sum(map(len, page.lines)) <= MOST_CHARACTERS for _, _, page in wall.pages)


async def test_a_move_of_the_log_is_told_in_both_channels_and_in_a_message_of_its_own(rules: SqliteRules) -> None:
    journal, wall = journal_of(rules), Wall()
    target = Target("log_channel")
    journal.put(acted("a"))
    journal.put(Changed(scope=SERVER, version=2, by=1, at=NOON, changes=(Change(target, 899, LOG),)))
    journal.put(acted("b"))
    async with running(journal, wall.post):
        await until(lambda: len(wall.lines) == 4)
    assert [(channel, page.lines) for _, channel, page in wall.pages] == [
        (LOG, ("Acted a",)),
        (LOG, ("Changed",)),
        (899, ("Changed",)),
        (LOG, ("Acted b",)),
    ]


class Counted:
    """The rules, and how often they were read."""

    def __init__(self, rules: SqliteRules) -> None:
        self.history, self.change_rules, self._rules = rules.history, rules.change_rules, rules
        self.reads = 0

    async def rules(self, scope: str) -> RulesRecord:
        self.reads += 1
        return await self._rules.rules(scope)


async def test_where_the_log_is_is_read_once_a_minute(rules: SqliteRules) -> None:
    counted, clock, wall = Counted(rules), HandClock(), Wall()
    journal = Journal(counted, said, clock, in_its_channel)

    async def told(word: str) -> None:
        journal.put(acted(word))
        await until(lambda: wall.lines[-1:] == [f"Acted {word}"])

    async with running(journal, wall.post):
        await told("a")
        clock.turn(KNOWN)
        await told("b")
        assert counted.reads == 1
        await rules.change_rules(SERVER, await rules.rules(SERVER), Rules(log_channel=OTHER_LOG), by=1, at=NOON)
        clock.turn(1)
        await told("c")
        clock.turn(-2 * KNOWN)  # set back
        await told("d")
    assert counted.reads == 3
    assert [channel for _, channel, _ in wall.pages] == [LOG, LOG, OTHER_LOG, OTHER_LOG]


async def test_a_change_of_the_rules_holds_at_once_in_the_log(rules: SqliteRules) -> None:
    journal, wall = journal_of(rules), Wall()
    async with running(journal, wall.post):
        journal.put(acted("a"))
        await until(lambda: len(wall.lines) == 1)
        await rules.change_rules(SERVER, await rules.rules(SERVER), Rules(log_channel=OTHER_LOG), by=1, at=NOON)
        journal.put(Changed(scope=SERVER, version=2, by=1, at=NOON, changes=()))
        journal.put(acted("b"))
        await until(lambda: len(wall.lines) == 3)
    assert [channel for _, channel, _ in wall.pages] == [LOG, OTHER_LOG]


# --- bounds ---------------------------------------------------------------------------------------


async def test_beyond_the_bound_the_oldest_orders_go_and_one_line_says_how_many(rules: SqliteRules) -> None:
    journal, wall = journal_of(rules, most=5), Wall()
    journal.put(acted("strike"))
    for number in range(10):
        journal.put(ordered(str(number)))
    async with running(journal, wall.post):
        await until(lambda: "Ordered 9" in wall.lines)
    assert wall.lines == ["LeftOut 6", "Acted strike", "Ordered 6", "Ordered 7", "Ordered 8", "Ordered 9"]


async def test_where_nothing_is_common_the_oldest_goes(rules: SqliteRules) -> None:
    journal, wall = journal_of(rules, most=3), Wall()
    for number in range(5):
        journal.put(acted(str(number)))
    async with running(journal, wall.post):
        await until(lambda: "Acted 4" in wall.lines)
    assert wall.lines == ["LeftOut 2", "Acted 2", "Acted 3", "Acted 4"]


async def test_a_server_whose_log_is_stuck_holds_up_no_other(rules: SqliteRules) -> None:
    journal, wall = journal_of(rules), Wall()
    wall.stuck = {1}
    async with running(journal, wall.post):
        journal.put(ordered("a"))
        journal.put(ordered("b", guild=2))
        await until(lambda: wall.lines == ["Ordered b"])
        wall.stuck = set()


async def test_what_people_order_outside_servers_is_nobodys_log(rules: SqliteRules) -> None:
    journal = journal_of(rules)
    journal.put(Ordered(job=a_job(replace(an_order("a"), scope="person:7", guild_id=None))))
    journal.put(Refused(order=replace(an_order("a"), scope="person:7"), error=EmptyPromptError()))
    async with asyncio.timeout(GRACE / 2):
        await journal.drain()


async def test_a_page_that_fails_takes_no_other_with_it(rules: SqliteRules, caplog: pytest.LogCaptureFixture) -> None:
    journal, wall = journal_of(rules), Wall()

    async def post(guild_id: int, channel_id: int, page: Page) -> None:
        if page.result is not None:
            raise RuntimeError("a secret prompt")
        await wall.post(guild_id, channel_id, page)

    journal.put(Finished(job=a_job()))
    journal.put(acted("after"))
    async with running(journal, post):
        await until(lambda: wall.lines == ["Acted after"])
    assert "was not written" in caplog.text


# --- the end --------------------------------------------------------------------------------------


async def test_at_the_end_what_waits_is_posted_still(rules: SqliteRules) -> None:
    journal, wall = journal_of(rules), Wall()
    wall.open.clear()
    async with running(journal, wall.post):
        journal.put(acted("a"))
        journal.put(ordered("b", guild=2))
        await asyncio.sleep(0.01)
        journal.put(acted("c"))
        asyncio.get_running_loop().call_later(0.05, wall.open.set)
    assert sorted(wall.lines) == ["Acted a", "Acted c", "Ordered b"]


async def test_the_end_waits_for_a_stuck_channel_no_longer_than_the_grace(
    rules: SqliteRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.service.journal.GRACE", 0.05)
    journal, wall = journal_of(rules), Wall()
    wall.stuck = {1}
    journal.put(acted("a"))
    async with asyncio.timeout(1), running(journal, wall.post):
        await asyncio.sleep(0.01)
    assert wall.lines == []


# --- lines ----------------------------------------------------------------------------------------

LONG = "*" * 4000


def extremes() -> list[Event]:
    order = replace(
        an_order(LONG, references=14), parent=None, depth=3, caption=None, member_id=2**63, channel_id=2**63
    )
    origin = Origin(channel_id=2**63, message_id=2**63, author_id=2**63)
    order = replace(order, references=tuple(replace(one, origin=origin) for one in order.references))
    error = BadChoiceError(model="Nano Banana Pro", option="aspect_ratio", given=LONG, allowed=("21:9",) * 20)
    job = a_job(order, pictures=4).but(error=packed(error), message_id=2**63, charged=10**6)
    many = frozenset(2**63 + number for number in range(100))
    return [
        Ordered(job=job),
        Finished(job=job),
        Failed(job=job),
        Deleted(job=job, by=2**63, given_back=10**6),
        Refused(order=order, error=error),
        *(Acted(scope=SERVER, act=act, member_id=2**63, by=2**63, reason="*" * 200, credits=10**6) for act in Act),
        LeftOut(scope=SERVER, count=10**6),
        Changed(
            scope=SERVER,
            version=1,
            by=2**63,
            at=NOON,
            changes=tuple(
                Change(Target(name), many, frozenset()) for name, one in SETTINGS.items() if one.takes == "channels"
            )
            * 50,
        ),
        Changed(
            scope=SERVER,
            version=1,
            by=2**63,
            at=NOON,
            words_added=tuple(WordRule(number=number, kind=WordKind.WORDS, text=LONG) for number in range(5000)),
        ),
    ]


@pytest.mark.parametrize("event", extremes(), ids=lambda event: type(event).__name__)
def test_every_line_fits_a_message(event: Event) -> None:
    line = views.log_line(event, NOON, CATALOGUE)
    assert 0 < len(line) <= MOST_CHARACTERS


@pytest.mark.parametrize("event", extremes()[:5], ids=lambda event: type(event).__name__)
def test_of_what_is_private_no_line_has_prompt_place_or_reason(event: Event) -> None:
    if isinstance(event, Refused):
        event = replace(event, order=replace(event.order, private=True))
    else:
        assert isinstance(event, Ordered | Finished | Failed | Deleted)
        event = replace(event, job=replace(event.job, order=replace(event.job.order, private=True)))
    line = views.log_line(event, NOON, CATALOGUE)
    assert "rivate" in line
    assert not any(hint in line for hint in ("\\*", "<#", "http", "aspect_ratio", "picture", "\n"))


@pytest.mark.parametrize(("private", "message_id", "shown"), [(False, 5, 77), (True, 5, None), (False, None, None)])
async def test_a_result_is_told_with_where_it_stands(
    rules: SqliteRules, *, private: bool, message_id: int | None, shown: int | None
) -> None:
    async def elsewhere(_job_id: str) -> int:
        return 77

    told, wall = list[Event](), Wall()
    journal = Journal(rules, lambda event, _at: str(told.append(event)), lambda: NOON, elsewhere)
    order = replace(an_order("c"), private=private)
    journal.put(Finished(job=replace(a_job(order, state=State.DELIVERED), message_id=message_id)))
    async with running(journal, wall.post):
        await until(lambda: len(wall.lines) == 1)
    (event,) = told
    assert isinstance(event, Finished)
    assert event.job.posted_in == shown
