"""What the tests of the real fal adapter do again and again."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from loopback_fal_acts import completed

from bot.adapters.catalogue_file import load_catalogue
from bot.adapters.fal import Fal
from bot.adapters.fal_stream import StreamLimits
from bot.adapters.fal_submit import SUBMIT_TIMEOUT, Addresses
from bot.domain.errors import GenerationError
from bot.domain.job import Ticket
from bot.domain.order import Choices, Order, Reference, Request
from bot.sandbox.fal_queue import LoopbackJob
from bot.sandbox.fal_server import LoopbackFal
from bot.service.ports import Status
from bot.tools import session

KEY = "fal-key-that-goes-to-fal-only"
KEEP_DAYS = 3
POLLED = StreamLimits(most=0)
DAY = 86_400
"""Seconds."""
TEXT, EDIT = "fal-ai/nano-banana-2", "fal-ai/nano-banana-2/edit"
CATALOGUE = load_catalogue(Path(__file__).parents[2] / "config" / "models.toml")
REFERENCE = Reference(url="https://cdn.discordapp.com/a.png", filename="a.png", content_type="image/png", size=1)


def ordered(model: str, choices: Choices, *, pictures: int = 0, prompt: str = "a quiet harbour") -> Request:
    """The request that the real catalogue makes of an order; `image_urls` come when they are uploaded."""
    order = Order(
        scope="guild:1",
        guild_id=1,
        channel_id=2,
        member_id=3,
        prompt=prompt,
        model=model,
        choices=choices,
        references=(REFERENCE,) * pictures,
    )
    return CATALOGUE.request(order, max_tolerance=6, seed=41)


def simple(prompt: str = "a quiet harbour", *, images: int = 1) -> Request:
    return ordered("nano-banana-2", Choices(resolution="0.5K", images=images), prompt=prompt)


@dataclass
class Pauses:
    """Time that passes at once: what was slept, and what happens meanwhile."""

    slept: list[float] = field(default_factory=list[float])
    meanwhile: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])
    """One for each pause, in order."""

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.meanwhile:
            self.meanwhile.pop(0)()
        await asyncio.sleep(0)


def nothing() -> None:
    """Happens in a pause in which nothing happens."""


@asynccontextmanager
async def backend_at(
    queue: str,
    pauses: Pauses,
    *,
    cdn: str | None = None,
    key: str = KEY,
    patience: float = SUBMIT_TIMEOUT,
    streams: StreamLimits = POLLED,
    monotonic: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[Fal]:
    """The real adapter with its services at these addresses; `patience` in seconds."""
    async with session() as http:
        addresses = Addresses(queue=queue, rest=queue, cdn=cdn or queue, api=queue)
        yield Fal(
            key,
            addresses,
            http,
            keep_outputs_days=KEEP_DAYS,
            sleep=pauses,
            streams=streams,
            monotonic=monotonic,
            submit_timeout=patience,
        )


async def seen(backend: Fal, ticket: Ticket) -> list[Status]:
    """Every status that the watch tells."""
    async with asyncio.timeout(10):
        return [status async for status in backend.watch(ticket)]


async def made(backend: Fal, fal: LoopbackFal, request: Request) -> tuple[Ticket, LoopbackJob]:
    """Submit, and wait until fal has completed it."""
    ticket = await backend.submit(request)
    job = fal.jobs[ticket.request_id]
    await completed(job)
    return ticket, job


async def failure(backend: Fal, ticket: Ticket) -> GenerationError:
    """The error that the result is."""
    with pytest.raises(GenerationError) as raised:
        async with asyncio.timeout(10):
            await backend.result(ticket)
    return raised.value
