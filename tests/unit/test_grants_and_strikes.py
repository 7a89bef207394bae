"""Grants are checked in the transaction that holds, and blocks end by themselves."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from doubles import BOT_TOKEN, NOON, WIDE, Books, HandClock, a_job, open_books

from bot.adapters.persons import Persons
from bot.adapters.sqlite_people import SqlitePeople
from bot.adapters.sqlite_rules import SqliteRules
from bot.domain.conduct import Act, Conduct, News, StrikeRules
from bot.domain.errors import AlreadyGoneError, QuotaExceededError
from bot.domain.journal import Deleted
from bot.service import people as people_service
from bot.service.people import People

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
        await people.grant(SCOPE, MEMBER, CREDIT, by=1, at=NOON, reason="")
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
    await people.block(SCOPE, MEMBER, by=1, at=NOON, until=NOON + 1, reason="")
    assert (await people.block_of("guild:2000", MEMBER, NOON)) is None
    assert (await people.block_of(SCOPE, MEMBER, NOON)) is not None
    assert (await people.block_of(SCOPE, MEMBER, NOON + 1)) is None


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
