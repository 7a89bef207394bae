"""The two bots as processes, with all that they need to know."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from bot.settings import ROOT
from tests.bench.plan import Side
from tests.bench.stage import STARTS_WITHIN, BenchError, Stage
from tests.loopback.certificates import Certificates

MODULES = {Side.OURS: "bot", Side.NAIVE: "tests.bench.naive_bot"}
WIDE = {
    "BOT_FAL__MAX_CONCURRENT": "1000",
    "BOT_QUOTA__SERVER_DAILY_CREDITS": "100000000",
    "BOT_QUOTA__MEMBER_DAILY_CREDITS": "100000000",
    "BOT_QUOTA__TOTAL_MONTHLY_CREDITS": "100000000",
    "BOT_QUOTA__MEMBER_JOBS": "10000",
    "BOT_QUOTA__SERVER_JOBS": "100000",
}
"""Settings under which no order is refused."""
LOG_SHOWN = 3000
"""Characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A bot that runs."""

    process: asyncio.subprocess.Process
    lag_file: Path
    log: Path

    def check_alive(self) -> None:
        """Raises BenchError."""
        if self.process.returncode is not None:
            raise BenchError(
                f"the bot ended with {self.process.returncode}:\n{self.log.read_text(encoding='utf-8')[-LOG_SHOWN:]}"
            )


@asynccontextmanager
async def online(
    side: Side, stage: Stage, folder: Path, certificates: Certificates, settings: Mapping[str, str]
) -> AsyncGenerator[Bot]:
    """Start one and wait until it is connected. `settings`: of ours, beside the wide ones. Raises BenchError."""
    lag_file, log = folder / f"{side}.lag", folder / f"{side}.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.bench.watched",
            str(lag_file),
            MODULES[side],
            cwd=ROOT,
            env={**_environment(side, stage, folder, certificates), **settings},
            stdout=errors,
            stderr=errors,
        )
    bot = Bot(process=process, lag_file=lag_file, log=log)
    try:
        await _connected(bot, stage)
        yield bot
    finally:
        await _killed(process)


async def _killed(process: asyncio.subprocess.Process) -> None:
    """With its workers. A stop would wait for orders that nobody looks at any more."""
    with suppress(psutil.NoSuchProcess):
        bot = psutil.Process(process.pid)
        for one in (*bot.children(recursive=True), bot):
            one.kill()
    await process.wait()


async def _connected(bot: Bot, stage: Stage) -> None:
    connecting = asyncio.create_task(stage.discord("online", within=STARTS_WITHIN))
    dying = asyncio.create_task(bot.process.wait())
    try:
        await asyncio.wait({connecting, dying}, return_when=asyncio.FIRST_COMPLETED)
        bot.check_alive()
        await connecting
    finally:
        for task in (connecting, dying):
            task.cancel()


def _environment(side: Side, stage: Stage, folder: Path, certificates: Certificates) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BOT_", "FAL_", "COV_"))}
    common: dict[str, str] = {
        "SSL_CERT_FILE": str(certificates.authority),
        "DISCORD_TOKEN": stage.about["token"],
        "FAL_KEY": "loopback",
    }
    if side is Side.NAIVE:
        own: dict[str, str] = {
            "DISCORD_API_URL": stage.about["api_url"],
            "DISCORD_GATEWAY_URL": stage.about["gateway_url"],
            "FAL_QUEUE_RUN_HOST": stage.fal_url.removeprefix("https://"),
        }
    else:
        own = {
            **WIDE,
            "BOT_DATA_DIR": str(folder / "data"),
            "BOT_DISCORD__API_URL": stage.about["api_url"],
            "BOT_DISCORD__GATEWAY_URL": stage.about["gateway_url"],
            **{f"BOT_FAL__{name}_URL": stage.fal_url for name in ("QUEUE", "REST", "CDN", "API")},
        }
    return inherited | common | own
