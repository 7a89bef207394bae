"""Grants are checked in the transaction that holds, and blocks end by themselves."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from doubles import BOT_TOKEN, NOON, WIDE, Books, HandClock, a_job, open_books, until

from bot.adapters.persons import Persons
from bot.adapters.sqlite_people import SqlitePeople
from bot.adapters.sqlite_rules import SqliteRules
from bot.domain.conduct import Act, Block, Conduct, News, StrikeRules
from bot.domain.errors import ActUnsureError, AlreadyGoneError, QuotaExceededError
from bot.domain.journal import Acted, Deleted
from bot.domain.ledger import DAY
from bot.service import people as people_service
from bot.service.people import People

T = TypeVar("T")

CLICKS = 1000
SCOPE = a_job().order.scope
MEMBER = a_job().order.member_id
CREDIT = a_job().credits


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[Books]:
    async with open_books(tmp_path / "bot.sqlite3", HandClock()) as opened:
        yield opened


async def test_a_thousand_clicks_cannot_overrun_a_limit_with_its_grants(books: Books) -> None:
    people, limits = (
        SqlitePeople(books.database, Persons(BOT_TOKEN)),
        replace(WIDE, member_day=CREDIT * 2, member_jobs=CLICKS),
    )
    for _ in range(3):
        await people.grant(SCOPE, MEMBER, CREDIT, by=1, at=NOON, reason="", rules=StrikeRules())
    holds = [books.store.hold(a_job(), limits) for _ in range(CLICKS)]
    ends = await asyncio.gather(*holds, return_exceptions=True)
    refused = [end for end in ends if isinstance(end, BaseException)]
    assert {type(end) for end in refused} == {QuotaExceededError}
    assert len(ends) - len(refused) == 5


async def test_two_resets_at_once_give_back_once(books: Books) -> None:
    people = SqlitePeople(books.database, Persons(BOT_TOKEN))
    await books.store.hold(a_job(), WIDE)
    given = await asyncio.gather(*(people.reset(SCOPE, MEMBER, by=1, at=NOON) for _ in range(2)))
    assert sorted(given) == [0, CREDIT]


async def test_two_who_delete_and_give_back_at_once_give_back_once(books: Books) -> None:
    noted = list[object]()
    store = SqlitePeople(books.database, Persons(BOT_TOKEN))
    people = People(store, SqliteRules(books.database), SilentTeller(), HandClock(), noted.append)
    held = await books.store.hold(a_job(), WIDE)
    job = held.but(charged=CREDIT)
    ends = await asyncio.gather(*(people.delete_and_give_back(job, by=1) for _ in range(3)), return_exceptions=True)
    assert ends.count(CREDIT) == 1
    assert [type(end) for end in ends if end != CREDIT] == [AlreadyGoneError] * 2
    assert books.rows("SELECT credits FROM member_acts") == [(CREDIT,)]
    assert books.rows("SELECT deleted_at FROM jobs") == [(NOON,)]
    assert noted == [Deleted(job=job, by=1, given_back=CREDIT)]


async def test_three_strikes_at_once_block_once(books: Books) -> None:
    people = SqlitePeople(books.database, Persons(BOT_TOKEN))
    await asyncio.gather(
        *(people.strike(SCOPE, MEMBER, by=1, at=NOON, reason="", rules=StrikeRules()) for _ in range(3))
    )
    assert books.rows("SELECT count(*) FROM member_acts WHERE kind = 'block'") == [(1,)]


async def test_a_block_holds_in_its_own_server_alone(books: Books) -> None:
    people = SqlitePeople(books.database, Persons(BOT_TOKEN))
    await people.block(SCOPE, MEMBER, by=1, at=NOON, until=NOON + 1, reason="", rules=StrikeRules())
    assert (await people.block_of("guild:2000", MEMBER, NOON)) is None
    assert (await people.block_of(SCOPE, MEMBER, NOON)) is not None
    assert (await people.block_of(SCOPE, MEMBER, NOON + 1)) is None


class LatePeople(SqlitePeople):
    """Acts are stored at once, and answered when they are let go; nothing is read afterwards."""

    def __init__(self, books: Books) -> None:
        super().__init__(books.database, Persons(BOT_TOKEN))
        self.go = asyncio.Event()

    async def block(self, *whom: Any, **how: Any) -> Conduct:  # noqa: ANN401 - the store's own
        return await self._late(super().block(*whom, **how))

    async def strike(self, *whom: Any, **how: Any) -> Conduct:  # noqa: ANN401 - the same
        return await self._late(super().strike(*whom, **how))

    async def grant(self, *whom: Any, **how: Any) -> Conduct:  # noqa: ANN401 - the same
        return await self._late(super().grant(*whom, **how))

    async def unblock(self, *whom: Any, **how: Any) -> None:  # noqa: ANN401 - the same
        await self._late(super().unblock(*whom, **how))

    async def reset(self, *whom: Any, **how: Any) -> int:  # noqa: ANN401 - the same
        return await self._late(super().reset(*whom, **how))

    async def delete_and_grant(self, *whom: Any, **how: Any) -> int | None:  # noqa: ANN401 - the same
        await self.go.wait()  # not even begun
        return await super().delete_and_grant(*whom, **how)

    async def _late(self, doing: Coroutine[Any, Any, T]) -> T:
        done = await doing
        await self.go.wait()
        return done


ACTS: dict[str, Callable[[People], Coroutine[Any, Any, object]]] = {
    "block": lambda people: people.block(SCOPE, MEMBER, is_bot=False, by=1, days=2, reason="spam"),
    "unblock": lambda people: people.unblock(SCOPE, MEMBER, by=1),
    "strike": lambda people: people.strike(SCOPE, MEMBER, is_bot=False, by=1, reason="spam"),
    "grant": lambda people: people.grant(SCOPE, MEMBER, 50, by=1, reason="spam"),
    "reset": lambda people: people.reset(SCOPE, MEMBER, by=1),
}


@pytest.mark.parametrize("name", ACTS)
async def test_the_line_of_an_act_comes_once_it_is_stored_however_late(
    books: Books, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(people_service, "BOOKS_TIMEOUT", 0.2)
    noted, store = list[Acted | Deleted](), LatePeople(books)
    await books.store.hold(a_job(), WIDE)
    if name == "unblock":
        await SqlitePeople.strike(store, SCOPE, MEMBER, by=1, at=NOON, reason="", rules=StrikeRules())
    people = People(store, SqliteRules(books.database), SilentTeller(), HandClock(), noted.append)
    with pytest.raises(ActUnsureError):
        await ACTS[name](people)
    if name != "unblock":  # which finds nothing to take away
        with pytest.raises(ActUnsureError):  # nor is it done twice by whoever does not wait
            await ACTS[name](people)
    assert noted == []
    store.go.set()
    await until(lambda: len(noted) == 1)
    await asyncio.sleep(0.01)
    assert [one.act.name.lower() for one in noted if isinstance(one, Acted)] == [name]


async def test_a_deletion_that_comes_too_late_leaves_the_images_as_they_are(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_service, "BOOKS_TIMEOUT", 0.05)
    job, noted, store = await books.store.hold(a_job(), WIDE), list[Acted | Deleted](), LatePeople(books)
    people = People(store, SqliteRules(books.database), SilentTeller(), HandClock(), noted.append)
    with pytest.raises(ActUnsureError):
        await people.delete_and_give_back(job.but(charged=CREDIT), by=1)
    store.go.set()
    await asyncio.sleep(0.05)
    assert (noted, books.rows("SELECT deleted_at FROM jobs")) == ([], [(None,)])


async def test_an_act_is_answered_with_how_the_member_stands_without_another_look(books: Books) -> None:
    class Unread(SqlitePeople):
        async def conduct(self, *_: Any, **__: Any) -> Conduct:  # noqa: ANN401 - the store's own
            raise AssertionError("it is known already")

    noted, store = list[Acted | Deleted](), Unread(books.database, Persons(BOT_TOKEN))
    people = People(store, SqliteRules(books.database), SilentTeller(), HandClock(), noted.append)
    given = await people.grant(SCOPE, MEMBER, 50, by=1, reason="")
    struck = [await people.strike(SCOPE, MEMBER, is_bot=False, by=1, reason="spam") for _ in range(3)]
    blocked = await people.block(SCOPE, MEMBER, is_bot=False, by=1, days=None, reason="spam")
    assert (given.granted, given.block, [one.strikes for one in struck]) == (50, None, [1, 2, 0])
    assert struck[2].block == Block(until=NOON + 7 * DAY, reason="spam", done_by=1)
    assert blocked.block == Block(until=None, reason="spam", done_by=1)
    assert [one.conduct for one in noted if isinstance(one, Acted)] == [given, *struck, blocked]


async def test_what_was_not_stored_has_no_line(books: Books) -> None:
    class Broken(SqlitePeople):
        async def grant(self, *_: Any, **__: Any) -> Conduct:  # noqa: ANN401 - the store's own
            raise sqlite3.OperationalError("database is locked")

    noted = list[Acted | Deleted]()
    store = Broken(books.database, Persons(BOT_TOKEN))
    people = People(store, SqliteRules(books.database), SilentTeller(), HandClock(), noted.append)
    with pytest.raises(sqlite3.OperationalError):
        await people.grant(SCOPE, MEMBER, 50, by=1, reason="")
    assert noted == []


class SilentTeller:
    def __init__(self) -> None:
        self.asked: list[tuple[int, int, Act]] = []

    async def tell(self, guild_id: int, member_id: int, news: News) -> bool:
        self.asked.append((guild_id, member_id, news.act))
        return await asyncio.Event().wait()


async def test_a_direct_message_that_never_ends_counts_as_not_told(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_service, "TELL_TIMEOUT", 0.01)
    store, teller = SqlitePeople(books.database, Persons(BOT_TOKEN)), SilentTeller()
    people = People(store, SqliteRules(books.database), teller, HandClock())
    news = News(act=Act.BLOCK, conduct=Conduct())
    assert await people.tell("guild:1", MEMBER, news) is False
    assert await people.tell("person:7", MEMBER, news) is False
    assert teller.asked == [(1, MEMBER, Act.BLOCK)]
