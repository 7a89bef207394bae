"""A small Discord server with the real bot in it, for every test anew.

`@pytest.mark.settings(quota={"member_jobs": 1})` changes the operator's settings, `@pytest.mark.fal(seconds=1)` the
loopback fal. A test fails, whatever it asserts, when a defect reached Discord's error handlers or the log.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import simcord
from discord_acts import Books, unexpected
from discord_restart import Restart, restarted, short_sleep

from bot.sandbox.fal_paint import plain
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.world import World, world
from bot.settings import SETTINGS_FILE, Settings, load_settings

SETTLED_WITHIN = 10.0
"""Seconds for the answer to a command or a click, on a machine that does other things, too."""
BLANK = plain(2000)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "settings(**sections): what differs from config/settings.toml")
    config.addinivalue_line("markers", "fal(**options): how the loopback fal is made")
    config.addinivalue_line("markers", "logs_errors: the log may hold errors, because something goes wrong on purpose")


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """fal-client's own pauses take no time, nor does what is written in passing."""

    def no_pause(*_: object) -> float:
        return 0.0

    monkeypatch.setattr("fal_client.client._get_retry_delay", no_pause)
    monkeypatch.setattr("bot.tools.SOON", 0.0)


@pytest.fixture(autouse=True)
def no_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing here is reached over TLS, and reading all the world's certificates is half of making a world."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))


@pytest.fixture(autouse=True)
def nothing_is_logged_as_a_defect(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Generator[None]:
    yield
    if request.node.get_closest_marker("logs_errors") is None:
        assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> Settings:
    standard = load_settings(SETTINGS_FILE)
    sections: dict[str, object] = {
        name: getattr(standard, name).model_copy(update=values)
        for name, values in _options(request, "settings").items()
    }
    return standard.model_copy(update=sections)


@pytest.fixture
async def fal(request: pytest.FixtureRequest) -> AsyncGenerator[LoopbackFal]:
    options: dict[str, Any] = {"painter": BLANK} | _options(request, "fal")
    async with LoopbackFal(**options) as server:
        yield server


@pytest.fixture
async def made_world(settings: Settings, fal: LoopbackFal, tmp_path: Path) -> AsyncGenerator[World]:
    async with _in_one_task(settings, tmp_path, fal) as made:
        for _ in range(
            3
        ):  # the studio's own two looks at the start are then over; see test_restart about why it matters
            await made.app.store.unfinished()
        yield made
    assert unexpected(made.env) == []


@pytest.fixture
def env(made_world: World) -> simcord.Env:
    """simcord's own plugin finds it among the fixtures, and shows what happened in Discord when a test fails."""
    return made_world.env


@pytest.fixture
def here(made_world: World, env: simcord.Env) -> World:
    """One server with one channel, two members and a moderator."""
    assert env is made_world.env
    return made_world


@pytest.fixture
def restart(here: World, settings: Settings, tmp_path: Path) -> Restart:
    """Inside it the bot has ended and started again; Discord, fal and the disk are as they were."""
    return partial(restarted, here, settings, tmp_path)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path / "bot.sqlite3")


def _options(request: pytest.FixtureRequest, marker: str) -> dict[str, Any]:
    found = request.node.get_closest_marker(marker)
    return found.kwargs if found else {}


@asynccontextmanager
async def _in_one_task(settings: Settings, data_dir: Path, fal: LoopbackFal) -> AsyncGenerator[World]:
    """A world that is entered and left by one task: simcord needs that, and pytest's fixtures do not do it."""
    opened: asyncio.Future[World] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def live() -> None:
        async with world(settings, data_dir, fal=fal, settle_timeout=SETTLED_WITHIN, sleep=short_sleep) as made:
            opened.set_result(made)
            await over.wait()

    life = asyncio.create_task(live(), name="world")
    await asyncio.wait({life, opened}, return_when=asyncio.FIRST_COMPLETED)
    if not opened.done():
        life.result()  # it says why
    try:
        yield await opened
    finally:
        over.set()
        await life
