"""One round: one bot under one load, on fresh servers."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bots import Bot, online
from tests.bench.figures import Figures, Seen, lags_between, prompt_of
from tests.bench.meter import Meter
from tests.bench.plan import Load, Side
from tests.bench.stage import Stage, staged
from tests.loopback.certificates import Certificates
from tests.loopback.discord_seed import ADMIN_ID

IDLE = 2.5
"""Seconds from the connection to the base: discord.py waits two for more servers before it says that it is ready."""
LOOK_EVERY = 5.0
STALLED = 60.0
"""Seconds without another picture after which what is left will not come: an order may have been refused."""


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody in a channel."""

    person: str
    channel: str


async def measure(
    side: Side, load: Load, folder: Path, certificates: Certificates, settings: Mapping[str, str]
) -> Figures:
    """Raises BenchError."""
    folder.mkdir(parents=True)
    (folder / "data").mkdir()
    async with staged(folder, certificates, seconds=load.seconds, picture_bytes=load.picture_bytes) as stage:
        places = await settle(stage, load.servers, load.channels)
        async with online(side, stage, folder, certificates, settings) as bot:
            await asyncio.sleep(IDLE)
            meter, before, begin = Meter(bot.process.pid), await stage.calls(), time.time()
            await _ordered(stage, load, places)
            finished = await _posted(stage, bot, load, until=begin + load.patience(side))
            end = time.time()
            calls = await (stage.settled() if finished else stage.calls())
            usage = meter.read()
            return Seen(
                count=load.orders,
                answers=await stage.discord("answers"),
                pictured=await stage.discord("pictured"),
                jobs=await stage.fal_jobs(),
                calls=calls.since(before),
                usage=usage,
                lags=lags_between(bot.lag_file, begin, end),
            ).figures()


async def settle(stage: Stage, servers: int, channels: int) -> list[Place]:
    """Servers with channels, and in each channel a member who orders there."""
    guilds = [(await stage.discord("seed_guild", name=f"server {n}", owner=ADMIN_ID))["id"] for n in range(servers)]
    places: list[Place] = []
    for number in range(channels):
        guild = guilds[number % servers]
        channel = await stage.discord("seed_channel", guild=guild, name=f"channel-{number}")
        person = await stage.discord("seed_person", name=f"member {number}", guild=guild)
        places.append(Place(person["id"], channel["id"]))
    return places


async def order(stage: Stage, place: Place, prompt: str, images: int = 1) -> None:
    """One slash command."""
    options: dict[str, object] = {"prompt": prompt}
    if images > 1:
        options["images"] = images
    await stage.discord("slash", person=place.person, channel=place.channel, command="imagine", options=options)


async def _ordered(stage: Stage, load: Load, places: list[Place]) -> None:
    """All orders, each at its time, whatever became of those before it."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for number in range(load.orders):
            await asyncio.sleep(began + number * load.over / load.orders - time.monotonic())
            place = places[number % len(places)]
            tasks.create_task(order(stage, place, prompt_of(number), load.images))


async def _posted(stage: Stage, bot: Bot, load: Load, *, until: float) -> bool:
    """Wait for all pictures; False when not all of them came. Begins when the last order was placed."""
    stand, changed = 0, time.time() + load.seconds
    while (left := min(until, changed + STALLED) - time.time()) > 0:
        found = await stage.discord("wait_for_pictures", count=load.orders, within=min(left, LOOK_EVERY))
        if found >= load.orders:
            return True
        if found > stand:
            stand, changed = found, max(changed, time.time())
        bot.check_alive()
    return False
