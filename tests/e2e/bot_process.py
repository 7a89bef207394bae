"""The bot as in production: its own process, real sockets, a loopback Discord and a loopback fal."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.sandbox.fal_paint import plain
from bot.sandbox.fal_server import LoopbackFal
from bot.settings import ROOT
from tests.loopback.discord_server import LoopbackDiscord
from tests.loopback.discord_state import Message

STOP_WITHIN = 12.0
"""Seconds; the bot promises ten."""


@dataclass(slots=True)
class BotProcess:
    """`python -m bot`, started and killed at will on one data folder."""

    discord: LoopbackDiscord
    fal: LoopbackFal
    data_dir: Path
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    process: asyncio.subprocess.Process | None = None
    log: str = ""

    async def start(self, **environment: str) -> None:
        """Start and wait until it is online."""
        await self.launch(**environment)
        await self.discord.online()

    async def launch(self, *arguments: str, **environment: str) -> None:
        """Start without waiting."""
        with (self.data_dir / "bot.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                *arguments,
                cwd=ROOT,
                env=self._environment() | environment,
                stdout=log,
                stderr=log,
            )

    async def ended(self, within: float = STOP_WITHIN) -> int:
        """Wait for its end; the exit code."""
        assert self.process is not None
        code = await asyncio.wait_for(self.process.wait(), within)
        self.log = (self.data_dir / "bot.log").read_text(encoding="utf-8")
        return code

    async def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.kill()
        await self.ended()
        await self.discord.offline()

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def run(self, *arguments: str) -> tuple[int, str]:
        """Run another command of the bot on the same data; its exit code and what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *arguments,
            cwd=ROOT,
            env=self._environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, output.decode()

    def results(self) -> list[Message]:
        """The messages with pictures that stand in the channel."""
        return [one for one in self.discord.messages(self.discord.channel) if one.attachments and not one.ephemeral]

    async def result(self, count: int = 1, within: float = 20.0) -> Message:
        """Wait until so many results stand; the last."""

        def enough() -> list[Message] | None:
            found = self.results()
            return found if len(found) >= count else None

        return (await self.discord.eventually(enough, within))[-1]

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BOT_", "COV_"))}
        return inherited | {
            "DISCORD_TOKEN": self.discord.token,
            "FAL_KEY": "loopback",
            "BOT_DATA_DIR": str(self.data_dir),
            "BOT_DISCORD__API_URL": self.discord.api_url,
            "BOT_DISCORD__GATEWAY_URL": self.discord.gateway_url,
            **{f"BOT_FAL__{name}_URL": self.fal.url for name in ("QUEUE", "REST", "CDN", "API")},
            **self.settings,
        }


@asynccontextmanager
async def bot_process(
    data_dir: Path, *, seconds: float = 0.3, picture_bytes: int = 20_000, **settings: str
) -> AsyncGenerator[BotProcess]:
    """Both servers, and a bot that is not started yet; everything is over afterwards, and the log holds no secret."""
    fal = LoopbackFal(seconds=seconds, painter=plain(picture_bytes))
    async with fal, LoopbackDiscord() as discord:
        bot = BotProcess(discord, fal, data_dir, settings)
        try:
            yield bot
        finally:
            if bot.process is not None and bot.process.returncode is None:
                bot.process.kill()
                await bot.ended()
    discord.check()
    log = "".join(one.read_text(encoding="utf-8") for one in data_dir.glob("bot.log"))
    for interaction in discord.world.interactions.values():
        assert interaction.token not in log
    assert discord.token not in log
