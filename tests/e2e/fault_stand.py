"""The whole bot in this process, between a loopback Discord and a loopback fal over real sockets, with short pauses."""

import asyncio
import functools
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import discord.gateway
import discord.http
import pytest

from bot import app, process, tools
from bot.sandbox.fal_paint import Painting, Picture, plain
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.world import at_loopback
from bot.settings import MODELS_FILE, SETTINGS_FILE, Settings, load_settings
from tests.loopback.discord_bodies import Upload
from tests.loopback.discord_interaction import Interaction
from tests.loopback.discord_server import REQUEST_LIMIT, LoopbackDiscord
from tests.loopback.discord_state import Channel, Message, Person

PACE = 0.01
"""Seconds that one second of a pause takes here, the bot's own and discord.py's between two tries."""
PATIENCE = 20.0
"""Seconds until something that must come counts as missing."""
OPERATOR = "operators"
"""The channel that hears alerts."""


class Hurried:
    """asyncio with a shorter sleep, for the modules whose pauses nobody here wants to wait for."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever asyncio has
        return getattr(asyncio, name)

    @staticmethod
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds * PACE)


class Impatient(Hurried):
    """Waits shorter, too: discord.py gives the servers of its list two seconds to appear."""

    @staticmethod
    async def wait_for(awaitable: Any, timeout: float) -> Any:  # noqa: ANN401, ASYNC109 - asyncio's own signature
        return await asyncio.wait_for(awaitable, timeout * PACE)


@dataclass(slots=True)
class BotClock:
    """The real time, plus what a test let pass."""

    passed: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.passed


@dataclass(slots=True, kw_only=True)
class Stand:
    """The bot and both servers, seen from all sides."""

    discord: LoopbackDiscord
    fal: LoopbackFal
    clock: BotClock
    settings: Settings
    data_dir: Path
    operators: Channel
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _running: asyncio.Task[None] | None = None

    # --- its life -----------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the bot and wait until it is online."""
        self._stop = asyncio.Event()
        work = process.run(
            self.settings, token=self.discord.token, fal_key="loopback", data_dir=self.data_dir, stop=self._stop
        )
        self._running = asyncio.create_task(work, name="bot")
        await self.discord.online()

    async def stop(self) -> None:
        """SIGTERM, as it were."""
        if self._running is not None:
            self._stop.set()
            await self._running
            self._running = None

    def pass_time(self, seconds: float) -> None:
        """Move the bot's clock and Discord's."""
        self.clock.passed += seconds
        self.discord.advance_clock(seconds)

    # --- people -------------------------------------------------------------------------------

    async def order(
        self, command: str = "imagine", *, by: Person | None = None, channel: Channel | None = None, **options: object
    ) -> Interaction:
        """Order as a member does."""
        member, place = by or self.discord.member, channel or self.discord.channel
        pictures = {"image": picture()} if command == "edit" else None
        return await self.discord.slash(member, place, command, {"prompt": "a cat"} | options, attachments=pictures)

    def standing(self, channel: Channel | None = None) -> list[str]:
        """The texts of the messages that stand in a channel for everyone."""
        return [one.text for one in self.discord.messages(channel or self.discord.channel)]

    def pictured(self, channel: Channel) -> list[Message]:
        """The messages with pictures that stand there for everyone."""
        return [one for one in self.discord.messages(channel) if one.attachments]

    async def eventually(self, look: Callable[[], Any]) -> Any:  # noqa: ANN401 - what `look` finds
        return await self.discord.eventually(look, within=PATIENCE)

    def creates(self) -> int:
        """Requests that were to make a message for members."""
        asked = [one for one in self.discord.requests if one.kind in {"create_message", "create_followup"}]
        return sum(1 for one in asked if f"/channels/{self.operators.id}/" not in one.path)

    # --- the books ----------------------------------------------------------------------------

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What another process reads in the database."""
        with closing(sqlite3.connect(f"file:{self.data_dir / 'bot.sqlite3'}?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchall()

    def charged(self) -> tuple[int, int]:
        """Credits in the customer's and the operator's book, all jobs together, holds included."""
        found = dict(self.rows("SELECT book, sum(credits) FROM ledger GROUP BY book"))
        return found.get("customer", 0), found.get("operator", 0)

    async def over(self) -> str:
        """Wait until nothing more is done for any job; the state of the first."""
        undone = "SELECT 1 FROM jobs WHERE told = 0"
        await self.eventually(lambda: self.rows("SELECT 1 FROM jobs") and not self.rows(undone))
        return self.rows("SELECT state FROM jobs ORDER BY number")[0][0]


@asynccontextmanager
async def stand(
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    deadline: float = 900.0,
    picture_bytes: int = 5_000,
    request_limit: int = REQUEST_LIMIT,
    painter: Callable[[Painting], Picture] | None = None,
    **sections: dict[str, object],
) -> AsyncGenerator[Stand]:
    """A bot at work; `deadline` in seconds, `sections` change the settings. Afterwards nothing runs any more.

    `picture_bytes` is the size of what fal makes, `request_limit` what Discord takes at once.
    `painter` makes other pictures than the blank ones, which are all alike.
    """
    clock = BotClock()
    for module in ("bot.process", "discord.client", "discord.http", "discord.webhook.async_"):
        monkeypatch.setattr(f"{module}.asyncio", Hurried())
    monkeypatch.setattr("discord.state.asyncio", Impatient())
    monkeypatch.setattr("bot.tools.MODELS_FILE", models_with(data_dir, deadline))
    monkeypatch.setattr("bot.process.opened", functools.partial(app.opened, clock=clock, sleep=Hurried.sleep))
    monkeypatch.setattr("bot.tools.Fal", functools.partial(tools.Fal, submit_timeout=0.3))
    monkeypatch.setattr(discord.http.Route, "BASE", "")  # the bot sets both; this sets them back
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", None)
    async with (
        LoopbackFal(painter=painter or plain(picture_bytes)) as fal,
        LoopbackDiscord(request_limit=request_limit) as server,
    ):
        operators = server.seed_channel(server.guild, OPERATOR)
        settings = short(at_loopback(load_settings(SETTINGS_FILE), fal.url), server, operators, sections)
        here = Stand(discord=server, fal=fal, clock=clock, settings=settings, data_dir=data_dir, operators=operators)
        await here.start()
        try:
            yield here
        finally:
            server.clear_faults()
            server.end_outage()
            await here.stop()
        server.check()


def short(
    settings: Settings, server: LoopbackDiscord, operators: Channel, sections: dict[str, dict[str, object]]
) -> Settings:
    """The settings of a test: loopback addresses, a lost request looked for 18 of these short seconds."""
    changes: dict[str, dict[str, object]] = {
        "discord": {"api_url": server.api_url, "gateway_url": server.gateway_url},
        "operator": {"channel_id": operators.id},
        "fal": {"find_lost": 0.3},
    }
    for name, values in sections.items():
        changes[name] = changes.get(name, {}) | values
    updated = {name: getattr(settings, name).model_copy(update=values) for name, values in changes.items()}
    return settings.model_copy(update=updated)


def models_with(folder: Path, deadline: float) -> Path:
    """The model catalogue with another deadline, in seconds."""
    lines = [
        f"deadline_minutes = {deadline / 60}" if line.startswith("deadline_minutes") else line
        for line in MODELS_FILE.read_text(encoding="utf-8").splitlines()
    ]
    file = folder / "models.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def picture() -> Upload:
    """A photo as members attach it."""
    made = plain(10)
    return Upload("photo.png", made(None).data, "image/png")  # pyright: ignore[reportArgumentType] - a blank picture looks at no order
