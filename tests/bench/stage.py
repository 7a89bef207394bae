"""Both loopback servers as processes of their own, over TLS, and the calls that drive and read them."""

import asyncio
import ssl
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import certifi

from bot.settings import ROOT
from tests.loopback.certificates import Certificates, make_certificates

STARTS_WITHIN = 30.0
"""Seconds."""
STOPS_WITHIN = 12.0
REQUEST_LIMIT = 64 * 1024**2
"""Bytes that Discord takes in one request; its documented 25 MiB would refuse what the naive bot sends of 4 × 10 MB."""
PLACES_AT_FAL = 4000
"""More than there are orders: what bounds is the time that a generation takes."""
KEPT = 1024**4
"""Bytes of files at fal; they are all one and the same in memory."""
SETTLES_WITHIN = 6.0
QUIET = 0.5

Json = dict[str, Any]


class BenchError(Exception):
    """The benchmark itself went wrong: its numbers would mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Requests that the servers have seen."""

    fal: int
    discord: int
    limited: int
    """Answers of Discord with status 429."""

    def since(self, before: "Calls") -> "Calls":
        return Calls(
            fal=self.fal - before.fal, discord=self.discord - before.discord, limited=self.limited - before.limited
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The two servers while they run."""

    http: aiohttp.ClientSession
    fal_url: str
    discord_url: str
    about: Json
    """How a bot reaches Discord: api_url, gateway_url, token."""

    async def discord(self, method: str, **arguments: object) -> Any:  # noqa: ANN401 - JSON
        """Call a method of the loopback Discord's driver. Raises BenchError."""
        async with self.http.post(f"{self.discord_url}/_loopback/{method}", json=arguments) as response:
            answer: Json = await response.json()
        if "error" in answer:
            raise BenchError(f"{method}: {answer['error']}")
        return answer["result"]

    async def fal_jobs(self) -> list[Json]:
        """Every request that fal took, in the order they came."""
        async with self.http.get(f"{self.fal_url}/_loopback/jobs") as response:
            return (await response.json())["jobs"]

    async def fal_counts(self) -> Mapping[str, int]:
        async with self.http.get(f"{self.fal_url}/_loopback/counts") as response:
            return (await response.json())["counts"]

    async def calls(self) -> Calls:
        """Raises BenchError when a server has failed, or was asked for what it does not know."""
        summary = await self.discord("summary")
        if wrong := [*summary["unknown_routes"], *summary["crashes"]]:
            raise BenchError("\n".join(wrong))
        return Calls(
            fal=sum((await self.fal_counts()).values()),
            discord=sum(summary["counts"].values()),
            limited=sum(summary["rate_limited"].values()),
        )

    async def settled(self) -> Calls:
        """The calls once nothing more comes, or after a while."""
        async with asyncio.timeout(SETTLES_WITHIN * 10):
            for _ in range(int(SETTLES_WITHIN / QUIET)):
                before = await self.calls()
                await asyncio.sleep(QUIET)
                if await self.calls() == before:
                    break
            return await self.calls()


def trusted(folder: Path) -> Certificates:
    """An authority of our own beside all the usual ones: reading those is part of what a new connection pool costs."""
    made = make_certificates(folder)
    made.authority.write_bytes(made.authority.read_bytes() + Path(certifi.where()).read_bytes())
    return made


@asynccontextmanager
async def staged(
    folder: Path, certificates: Certificates, *, seconds: float, picture_bytes: int
) -> AsyncGenerator[Stage]:
    """Fresh servers. `seconds`: what fal takes for an order. Raises BenchError."""
    tls = ("--tls", str(certificates.certificate), str(certificates.key))
    fal = ("--seconds", str(seconds), "--concurrency", str(PLACES_AT_FAL), "--plain", str(picture_bytes))
    discord = ("--rate-limits", "--drop-bytes", "--request-limit", str(REQUEST_LIMIT))
    trusting = ssl.create_default_context(cafile=certificates.authority)
    async with AsyncExitStack() as stack:
        fal_url = await stack.enter_async_context(
            _server("bot.sandbox.fal_server", (*fal, "--keep", str(KEPT), *tls), folder / "fal.log")
        )
        discord_url = await stack.enter_async_context(
            _server("tests.loopback.discord_server", (*discord, *tls), folder / "discord.log")
        )
        http = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=trusting), timeout=aiohttp.ClientTimeout(total=None)
            )
        )
        async with http.get(f"{discord_url}/_loopback/") as response:
            about: Json = await response.json()
        yield Stage(http=http, fal_url=fal_url, discord_url=discord_url, about=about)


@asynccontextmanager
async def _server(module: str, arguments: tuple[str, ...], log: Path) -> AsyncGenerator[str]:
    """A server that says its address in its first line."""
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=errors
        )
    try:
        if process.stdout is None:
            raise TypeError("its output is a pipe")
        async with asyncio.timeout(STARTS_WITHIN):
            address = (await process.stdout.readline()).decode().strip()
        if not address:
            raise BenchError(f"{module} did not start:\n{log.read_text(encoding='utf-8')}")
        yield address
    finally:
        await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Ask a process to end, and kill it when it does not."""
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOPS_WITHIN):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
