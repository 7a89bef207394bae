"""A studio at work between doubles and real books, and what a test does with it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from doubles import (
    CATALOGUE,
    WIDE,
    Books,
    FakeFal,
    FakeIntake,
    FakeQuestions,
    FakeStage,
    HandClock,
    a_job,
    an_order,
    until,
)

from bot.domain.errors import BotError
from bot.domain.job import Job, State
from bot.domain.order import Choices, Order
from bot.service.alerts import Alerts, Subject
from bot.service.approvals import Approvals
from bot.service.points import Point, nothing
from bot.service.ports import JobStore
from bot.service.run import Parts
from bot.service.studio import Studio


class Scene:
    """One process of the bot, as far as the service goes."""

    def __init__(self, books: Books, clock: HandClock, parts: Parts, questions: FakeQuestions) -> None:
        self.books = books
        self.clock = clock
        self.approvals = Approvals(questions)
        self.studio = Studio(parts, self.approvals)
        self.news: list[tuple[Subject, bool]] = []
        """What the operator heard."""

    async def order(self, prompt: str = "a fox", *, choices: Choices | None = None, references: int = 0) -> Job:
        """Order something, as a command does it."""
        return await self.take(an_order(prompt, choices=choices, references=references))

    async def take(self, order: Order) -> Job:
        job = await self.books.store.hold(a_job(order, at=self.clock.now, token="t"), WIDE)
        self.studio.accept(job, 4242)
        return job

    async def becomes(self, job: Job, state: State) -> Job:
        """Wait until the row says so."""
        await until(lambda: self.books.state_of(job) == state)
        return await self.stored(job)

    async def over(self, job: Job) -> Job:
        """Wait until the last word on a job was said, and return it as the file has it."""
        await until(lambda: self.books.rows("SELECT told FROM jobs WHERE id = ?", job.id) == [(1,)])
        return await self.stored(job)

    async def stored(self, job: Job) -> Job:
        stored = await self.books.store.job(job.id)
        assert stored is not None
        return stored

    async def pass_time(self, fact: Callable[[], object], step: float = 60.0) -> None:
        """Let hours pass in moments, until something is true."""
        async with asyncio.timeout(5):
            while not fact():
                self.clock.turn(step)
                await asyncio.sleep(0.002)

    async def tell_operator(self, subject: Subject, up: bool) -> None:  # noqa: FBT001 - the signature of Alerts.run
        self.news.append((subject, up))


class House:
    """What outlives a process: the books, fal, Discord and the disk."""

    def __init__(self, books: Books, clock: HandClock, folder: Path) -> None:
        self.books = books
        self.store: JobStore = books.store
        self.clock = clock
        self.folder = folder
        self.fal = FakeFal()
        self.intake = FakeIntake()
        self.stage = FakeStage(clock)
        self.questions = FakeQuestions()
        self.catalogue = CATALOGUE
        self.max_concurrent = 2
        self.weights: dict[str, float] = {}
        self.max_wait = 3600.0
        self.operator_month = 100_000
        self.reached: Callable[[Point], None] = nothing

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Scene]:
        """One process, from its start to a death that nobody prepared."""
        alerts = Alerts()
        parts = Parts(
            backend=self.fal,
            store=self.store,
            timings=self.books.timings,
            intake=self.intake,
            stage=self.stage,
            catalogue=self.catalogue,
            alerts=alerts,
            clock=self.clock,
            sleep=self.clock.sleep,
            new_seed=lambda: 4711,
            jobs_dir=self.folder,
            max_concurrent=self.max_concurrent,
            weights=self.weights,
            max_wait=self.max_wait,
            find_lost=3600.0,
            keep_outputs=7 * 86400.0,
            operator_month=self.operator_month,
            reached=self._reach,
        )
        scene = Scene(self.books, self.clock, parts, self.questions)
        await scene.studio.take_up()
        tasks = [asyncio.create_task(scene.studio.run()), asyncio.create_task(alerts.run(scene.tell_operator))]
        try:
            yield scene
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    def _reach(self, point: Point) -> None:
        """Looked up at each point, so that a test may set `reached` at any time."""
        self.reached(point)

    def plan(self, prompt: str = "a fox") -> None:
        """Have fal take its time with a prompt."""
        self.fal.plan(prompt).working = asyncio.Event()

    def finish(self, *prompts: str) -> None:
        for prompt in prompts:
            working = self.fal.plan(prompt).working
            assert working is not None
            working.set()

    def told(self) -> list[tuple[str, type[BotError]]]:
        """Whom was said what."""
        return [(job.id, type(error)) for job, error in self.stage.told]
