"""A member's history: theirs alone, found by words, quick among many."""

import json
import time
from pathlib import Path

import pytest
from doubles import BOT_TOKEN, WIDE, Books, HandClock, a_job, an_order, open_books

from bot.adapters.sealing import Seal
from bot.adapters.sqlite_history import SqliteHistory
from cogs.history import kept, page_of, read_page

MANY = 100_000
WITHIN = 0.1
"""Seconds of CPU."""


def finished(books: Books, number: int, *, prompt: str, member_id: int, scope: str) -> None:
    """A delivered job, straight into the file."""
    order = {"scope": scope, "guild_id": 1, "channel_id": 2, "member_id": member_id, "prompt": prompt, "model": "m"}
    request = {"endpoint": "e", "arguments": {"prompt": prompt}, "images": 1}
    picture = {"url": "", "filename": "1.png", "content_type": "image/png", "width": 1, "height": 1, "size": 1}
    books.outside.execute(
        "INSERT INTO jobs (id, state, scope, member_id, credits, charged, order_json, request_json, pictures_json,"
        " message_id, told, created_at, rendered_at) VALUES (?, 'delivered', ?, ?, 1, 1, ?, ?, ?, 3, 1, 0, 0)",
        (f"{number:016x}", scope, member_id, json.dumps(order), json.dumps(request), json.dumps([picture])),
    )


async def test_it_is_ones_own_in_one_place_and_has_all_the_words(tmp_path: Path) -> None:
    async with open_books(tmp_path / "bot.sqlite3", HandClock()) as books:
        rows = [("a red fox", 7, "guild:1"), ("a red owl", 7, "guild:1"), ("a red fox", 8, "guild:1")]
        for number, (prompt, member_id, scope) in enumerate([*rows, ("a red fox", 7, "guild:11")]):
            finished(books, number, prompt=prompt, member_id=member_id, scope=scope)
        history = SqliteHistory(books.database, Seal(BOT_TOKEN))

        async def found(words: str) -> list[str]:
            jobs = await history.finished("guild:1", 7, words, most=9, skipped=0)
            return [job.order.prompt for job in jobs]

        assert await found("") == ["a red owl", "a red fox"]
        assert await found("Fox RED") == ["a red fox"]
        assert await found("fo") == ["a red fox"]
        assert await found("red cat") == []
        assert await found("guild1") == []
        assert await found("m8guild1") == []
        for hostile in ('" OR owner : "m8guild1', "owner:m8guild1 OR red", "NEAR(red)", "*", "red*)", "--", "';"):
            assert set(await found(hostile)) <= {"a red owl", "a red fox"}


async def test_words_follow_a_prompt_that_is_taken_out(tmp_path: Path) -> None:
    async with open_books(tmp_path / "bot.sqlite3", HandClock()) as books:
        job = await books.store.hold(a_job(an_order("a secret fox")), WIDE)
        books.outside.execute("UPDATE jobs SET order_json = json_set(order_json, '$.prompt', '')")
        assert books.rows("SELECT rowid, prompt FROM prompts") == [(job.number, "")]


async def test_a_hundred_thousand_orders_are_searched_at_once(tmp_path: Path) -> None:
    async with open_books(tmp_path / "bot.sqlite3", HandClock()) as books:
        finished(books, 0, prompt="a red fox 0", member_id=0, scope="guild:0")
        books.outside.execute(
            """
            WITH RECURSIVE numbers (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
            INSERT INTO jobs (id, state, scope, member_id, credits, charged, order_json, request_json, pictures_json,
                message_id, told, created_at, rendered_at)
            SELECT printf('%016x', n), state, 'guild:' || (n % 2), n % 40, credits, charged,
                replace(order_json, 'fox 0', 'fox ' || n), request_json, pictures_json, 3, 1, 0, 0
            FROM numbers, jobs WHERE jobs.number = 1
            """,
            (MANY,),
        )
        history = SqliteHistory(books.database, Seal(BOT_TOKEN))
        for words, skipped in (("", 0), ("", 2000), ("red fox", 0), ("fox", 2000), ("99", 0)):
            began = time.process_time()
            found = await history.finished("guild:0", 8, words, most=6, skipped=skipped)
            assert time.process_time() - began < WITHIN, (words, skipped)
            assert found


@pytest.mark.parametrize("words", ["", "cat", "Ein Café am Fluß", "日本語の長い言葉の列がここに続きます", "x" * 100])
def test_a_button_carries_page_and_words(words: str) -> None:
    argument = page_of(12_345, kept(words))
    assert len(argument) <= 70
    assert read_page(argument) == (12_345, kept(words))
    assert words.startswith(kept(words))


@pytest.mark.parametrize("argument", ["", "x", "-3", "1.x", "1.____", "99999999999999", "1.e_78"])
def test_a_crafted_button_does_no_harm(argument: str) -> None:
    page, words = read_page(argument)
    assert 0 <= page <= 100_000
    assert len(words.encode()) <= 42
