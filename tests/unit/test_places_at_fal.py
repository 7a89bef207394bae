"""Never more of our requests at fal than there are places, whatever becomes of them, and of the bot meanwhile."""

import asyncio
import random
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from doubles import FakeFal, HandClock, an_order, open_books
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import House, Scene

from bot.domain.errors import ContentRefusedError, FalBusyError, FalDownError, SubmitUnansweredError
from bot.domain.job import Job
from bot.domain.order import Request
from bot.service.ports import Ticket

KINDS = ("plain", "tried again", "turned away", "lost", "called off", "called off in vain", "unwell")


@dataclass(slots=True)
class ForgetfulFal(FakeFal):
    """Takes some requests whose answer never arrives; all that it took are in its list."""

    taken: dict[str, Ticket] = field(default_factory=dict[str, Ticket])
    """By prompt."""

    async def submit(self, request: Request) -> Ticket:
        ticket = await super(ForgetfulFal, self).submit(request)
        prompt = str(request.arguments["prompt"])
        first, self.taken[prompt] = prompt not in self.taken, ticket
        if prompt.startswith("lost") and first:
            raise SubmitUnansweredError(may_be_billed=True)
        return ticket

    async def find(self, request: Request, since: float, until: float) -> tuple[Ticket, ...]:
        self.looks.append((since, until))
        prompt = str(request.arguments["prompt"])
        return (self.taken[prompt],) if prompt in self.taken else ()


@dataclass(slots=True)
class Afternoon:
    """Orders of all kinds, and a bot that dies now and then."""

    house: House
    fal: ForgetfulFal
    chance: random.Random
    jobs: list[Job] = field(default_factory=list[Job])

    async def play(self, kinds: list[str], restarts: set[int]) -> None:
        number = 0
        while number < len(kinds) or not self._all_over():
            async with self.house.open() as scene:
                while number < len(kinds) or not self._all_over():
                    if number < len(kinds):
                        await self._order(scene, f"{kinds[number]} {number}")
                    number += 1
                    await self._go_on(scene, 2 if number < 60 else 60)
                    if number in restarts:
                        break
            await self.house.books.database.write(lambda _: None)  # a process that died writes nothing more

    async def _order(self, scene: Scene, prompt: str) -> None:
        plan = self.fal.plan(prompt)
        plan.working = asyncio.Event()
        match prompt.rpartition(" ")[0]:
            case "tried again":
                plan.endings = [ContentRefusedError()]
            case "turned away":
                plan.refusals = [FalBusyError(unsent=True)]
            case "called off in vain":
                plan.cancels = False
            case "unwell":
                plan.endings = [FalDownError()]
            case _:
                pass
        self.jobs.append(await scene.take(an_order(prompt, guild=self.chance.randrange(1, 4))))

    async def _go_on(self, scene: Scene, seconds: float) -> None:
        """Time passes, one of those that were submitted is done, and one may be called off."""
        self.house.clock.turn(seconds)
        await asyncio.sleep(0.002)
        prompt = self.chance.choice([None, *dict.fromkeys(self.fal.prompts)])
        if prompt is not None:
            self.house.finish(str(prompt))
        called_off = [job for job in self.jobs if job.order.prompt.startswith("called off")]
        if called_off and self.chance.random() < 0.3:
            scene.studio.cancel(self.chance.choice(called_off))
        await asyncio.sleep(0.002)

    def _all_over(self) -> bool:
        return self.house.books.rows("SELECT count(*) FROM jobs WHERE told = 0") == [(0,)]


@settings(max_examples=15)
@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=2, max_size=9),
    restarts=st.sets(st.integers(1, 12), max_size=2),
    places=st.integers(1, 3),
    seed=st.integers(0),
)
def test_never_more_are_at_fal_than_there_are_places(
    kinds: list[str], restarts: set[int], places: int, seed: int
) -> None:
    async def afternoon(folder: Path) -> ForgetfulFal:
        clock, fal = HandClock(), ForgetfulFal()
        async with AsyncExitStack() as stack:
            books = await stack.enter_async_context(open_books(folder / "bot.sqlite3", clock))
            house = House(books, clock, folder / "jobs")
            house.fal, house.max_concurrent = fal, places
            async with asyncio.timeout(20):
                await Afternoon(house, fal, random.Random(seed)).play(kinds, restarts)  # noqa: S311 - nothing secret
        return fal

    with tempfile.TemporaryDirectory() as folder:
        fal = asyncio.run(afternoon(Path(folder)))
    assert fal.most_at_once <= places
    assert fal.at_work == 0
