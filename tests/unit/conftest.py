"""What most tests begin with: a clock moved by hand, open books, and the service over them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from doubles import Books, HandClock, open_books
from scenes import House, Scene


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def books(tmp_path: Path, clock: HandClock) -> AsyncIterator[Books]:
    async with open_books(tmp_path / "bot.sqlite3", clock) as opened:
        yield opened


@pytest.fixture
def house(books: Books, clock: HandClock, tmp_path: Path) -> House:
    return House(books, clock, tmp_path / "jobs")


@pytest.fixture
async def scene(house: House) -> AsyncIterator[Scene]:
    async with house.open() as opened:
        yield opened
