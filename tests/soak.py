"""`python -m tests.soak`: the real bot under random orders, cancels, faults and SIGKILLs; nothing may be wrong after.

Both loopback servers run in this process, the bot in its own. Ends with a table; the exit code is 0 only when every
count that should be zero is.
"""

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bot.sandbox.fal_paint import plain
from bot.sandbox.fal_server import LoopbackFal
from bot.service.points import DIE_AT, Point
from tests.e2e.bot_process import BotProcess
from tests.e2e.fault_stand import picture
from tests.loopback.discord_commands import NotPossibleError
from tests.loopback.discord_interaction import Interaction, NoAnswerError
from tests.loopback.discord_server import LoopbackDiscord
from tests.loopback.discord_state import Channel, Person
from tests.soak_verdict import Entry, Remains, Verdict, entries, tally
from tests.soak_weather import Weather

SECONDS = 0.3
"""How long fal takes for an image."""
AT_ONCE = 10
"""Requests at fal at once."""
OPEN = 40
"""Orders on their way at once, at most."""
PATIENCE = 240.0
"""Seconds that the last orders get to end by themselves, once the weather is fine."""
TROUBLES = 3.0
"""A second, on average."""
SIGKILLED = -9
SETTINGS = {
    "BOT_FAL__MAX_CONCURRENT": str(AT_ONCE),
    "BOT_FAL__FIND_LOST": "0.4",  # minutes
    "BOT_QUOTA__SERVER_DAILY_CREDITS": "1000000",
    "BOT_QUOTA__MEMBER_DAILY_CREDITS": "1000000",
    "BOT_QUOTA__TOTAL_MONTHLY_CREDITS": "1000000",
    "BOT_QUOTA__MEMBER_JOBS": "1000",
    "BOT_QUOTA__SERVER_JOBS": "1000",
}


@dataclass(slots=True)
class Soak:
    """The storm, and the calm after it."""

    bot: BotProcess
    jobs: int
    kills: int
    chance: random.Random
    weather: Weather
    orders: list[Interaction] = field(default_factory=list[Interaction])
    deaths: Counter[str] = field(default_factory=Counter[str])
    people: list[tuple[Person, list[Channel]]] = field(default_factory=list[tuple[Person, list[Channel]]])
    _killing_over: asyncio.Event = field(default_factory=asyncio.Event)

    async def storm(self) -> None:
        """Until there were enough jobs and enough kills."""
        self._settle_people()
        async with asyncio.TaskGroup() as tasks:
            weather = tasks.create_task(self.weather.rage(), name="weather")
            living = tasks.create_task(self._live_and_die(), name="lives")
            ordering = tasks.create_task(self._order(tasks), name="orders")
            await asyncio.wait({living, ordering})
            weather.cancel()
        self.weather.clear()

    async def calm(self) -> None:
        """Until every job is over, or for too long."""
        until = time.monotonic() + PATIENCE
        while self._tally()[1] and time.monotonic() < until:
            await asyncio.sleep(0.5)
            if self._exit_code() is not None:
                await self._start()
        await self.bot.stop()

    # --- people -------------------------------------------------------------------------------

    def _settle_people(self) -> None:
        discord = self.bot.discord
        for number in range(3):
            guild = discord.seed_guild(f"guild {number}", discord.admin)
            channels = [discord.seed_channel(guild, f"channel {number}-{one}") for one in range(4)]
            for one in range(6):
                self.people.append((discord.seed_person(f"member {number}-{one}", guild=guild), channels))

    async def _order(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            count, going_on = self._tally()
            if count >= self.jobs and self._killing_over.is_set():
                return
            enough = count >= self.jobs + self.kills  # a few more, so that the last kills have something to hit
            if going_on > OPEN or enough or not self.bot.discord.gateway.attached:
                await asyncio.sleep(0.1)
                continue
            for _ in range(self.chance.choice((1, 1, 2, 3))):
                await self._place(tasks)
            await asyncio.sleep(self.chance.expovariate(4))

    async def _place(self, tasks: asyncio.TaskGroup) -> None:
        member, channels = self.chance.choice(self.people)
        edit = self.chance.random() < 0.2
        options: dict[str, object] = {"prompt": f"soak {len(self.orders)}"}
        if self.chance.random() < 0.25:
            options["images"] = self.chance.choice((2, 3))
        with suppress(NotPossibleError):  # the commands are not registered yet
            placed = await self.bot.discord.slash(
                member,
                self.chance.choice(channels),
                "edit" if edit else "imagine",
                options,
                attachments={"image": picture()} if edit else None,
            )
            self.orders.append(placed)
            if self.chance.random() < 0.12:
                tasks.create_task(self._cancel(placed), name="cancel")

    async def _cancel(self, placed: Interaction) -> None:
        await asyncio.sleep(self.chance.uniform(0.1, 2.5))
        with suppress(NotPossibleError):  # there is nothing to cancel any more
            if placed.message is not None:
                await self.bot.discord.click(placed.person, placed.message, "Cancel")
                self.weather.troubles["cancels"] += 1

    # --- life and death -----------------------------------------------------------------------

    async def _live_and_die(self) -> None:
        """By turns at a random moment and at a named point."""
        points = self._points()
        for number in range(self.kills):
            point = next(points) if number % 2 else None
            await self._start(**({DIE_AT: point.value} if point else {}))
            if point is not None:
                await self._until(lambda: False, 8.0)
            else:
                due = self.jobs * (number + 1) // (self.kills + 1)
                await self._until(lambda due=due: self._tally()[0] >= due, 60.0)
                await asyncio.sleep(self.chance.uniform(0, 1.0))
            by_itself = self._exit_code()
            self.deaths[f"at {point}" if by_itself == SIGKILLED else "at a random moment"] += 1
            if by_itself not in {None, SIGKILLED}:
                self.deaths["BY ITSELF"] += 1
            await self.bot.kill()
            say(f"{number + 1} kills, {self._tally()[0]} jobs")
        await self._start()
        self._killing_over.set()

    def _points(self) -> Iterator[Point]:
        while True:
            yield from self.chance.sample(list(Point), len(Point))

    async def _start(self, **environment: str) -> None:
        """Start until it is online; in an outage it cannot, and says so by exit code 2."""
        while True:
            await self.bot.launch(**environment)
            await self._until(lambda: bool(self.bot.discord.gateway.attached), 60.0)
            if self._exit_code() in {None, SIGKILLED}:
                return
            if self._exit_code() != 2:
                self.deaths["BY ITSELF"] += 1
            await asyncio.sleep(0.3)

    async def _until(self, fact: Callable[[], bool], within: float) -> None:
        """Wait for a fact, the bot's death, or the end of the patience."""
        with suppress(NoAnswerError):
            await self.bot.discord.eventually(lambda: fact() or self._exit_code() is not None, within)

    def _exit_code(self) -> int | None:
        return self.bot.process.returncode if self.bot.process is not None else 0

    def _tally(self) -> tuple[int, int]:
        return tally(self.bot.data_dir / "bot.sqlite3")


async def soak(jobs: int, kills: int, seed: int, data_dir: Path, troubles: float = TROUBLES) -> bool:
    """Run one, print its table; True when nothing is wrong."""
    began = time.monotonic()
    fal = LoopbackFal(seconds=SECONDS, concurrency=AT_ONCE, painter=plain(3_000))
    async with fal, LoopbackDiscord() as discord:
        bot = BotProcess(discord, fal, data_dir, SETTINGS)
        chance = random.Random(seed)  # noqa: S311 - nothing secret
        run = Soak(bot, jobs, kills, chance, Weather(fal, discord, chance, troubles))
        try:
            await run.storm()
            await run.calm()
            code, said = await bot.run("audit")
        finally:
            if bot.process is not None and bot.process.returncode is None:
                bot.process.kill()
                await bot.process.wait()
        discord.check()
        found = entries(data_dir / "bot.sqlite3")
        verdict = Remains(found, run.orders, fal, discord).verdict()
    defects = [line for line in (data_dir / "bot.log").read_text(encoding="utf-8").splitlines() if "a defect" in line]
    return report(
        run, found, verdict, "" if code == 0 else said, defects, f"seed {seed}, {time.monotonic() - began:.0f} s"
    )


def report(run: Soak, found: list[Entry], verdict: Verdict, audit: str, defects: list[str], run_as: str) -> bool:
    """Print the table and all that is wrong; True when nothing is."""
    states = Counter(str(entry.job.state) for entry in found)
    zeros: dict[str, Sequence[str]] = {
        "lost": verdict.lost,
        "delivered twice": verdict.delivered_twice,
        "paid twice": verdict.paid_twice,
        "ledger difference": audit.splitlines(),
        "fal's bill not in the book": verdict.unbooked,
        "not told how it ended": verdict.untold,
        "Cancel left standing": verdict.hanging,
        "defects in the log": [*defects, *(["the bot ended by itself"] * run.deaths.pop("BY ITSELF", 0))],
    }
    lines = [f"{name}: {one}" for name, wrong in zeros.items() for one in wrong]
    lines += ["", f"soak: {run_as}, {len(run.orders)} orders"]
    lines += [f"{'jobs':28}{len(found):5}   {said(states)}"]
    lines += [f"{'kills':28}{run.deaths.total():5}   {said(run.deaths)}"]
    lines += [f"{'faults':28}{run.weather.troubles.total():5}   {said(run.weather.troubles)}"]
    lines += [f"{name:28}{len(wrong):5}" for name, wrong in zeros.items()]
    say("\n".join(lines))
    return not any(zeros.values())


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the command's answer


def said(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


def main() -> int:
    """The command line; 0 when nothing is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--jobs", type=int, default=500, help="orders that were taken, at least")
    parser.add_argument("--kills", type=int, default=20, help="SIGKILLs, half of them at named points")
    parser.add_argument("--troubles", type=float, default=TROUBLES, help="a second, at fal and at Discord together")
    parser.add_argument("--seed", type=int, default=None, help="of the chances; the moments are never the same")
    parser.add_argument("--data", type=Path, default=None, help="an empty folder to keep; by default a temporary one")
    chosen = parser.parse_args()
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # a killed bot leaves the servers in mid-sentence
    seed = random.randrange(10**6) if chosen.seed is None else chosen.seed  # noqa: S311 - nothing secret
    with tempfile.TemporaryDirectory() as folder:
        data_dir = chosen.data or Path(folder)
        well = asyncio.run(soak(chosen.jobs, chosen.kills, seed, data_dir, chosen.troubles))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
