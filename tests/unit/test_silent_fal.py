"""A running request of which fal says nothing, or will not speak to us, keeps nobody else waiting and ends one day."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest
from doubles import WIDE, FakeFal, a_job, an_order, until
from scenes import House

from bot.domain.errors import AccountError, GenerationTimeoutError
from bot.domain.job import Job, State, Ticket
from bot.service.alerts import Subject
from bot.service.ports import Status

DAY = 86_400.0
ALL, OPERATOR = (8, 8), (0, 8)


@dataclass(slots=True)
class DeafFal(FakeFal):
    """Says nothing of one request, or refuses to."""

    speaks: asyncio.Event = field(default_factory=asyncio.Event)
    refuses: bool = False

    async def watch(self, ticket: Ticket) -> AsyncGenerator[Status]:
        if self._known[ticket.request_id][0].arguments["prompt"] == "stale" and not self.speaks.is_set():
            if self.refuses:
                raise AccountError
            await self.speaks.wait()
        async for status in super(DeafFal, self).watch(ticket):
            yield status


@pytest.fixture
def fal(house: House) -> DeafFal:
    house.fal = fal = DeafFal()
    house.max_concurrent = 1
    return fal


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a request past its deadline, in moments instead of minutes."""
    for name in ("LOOK_PATIENCE", "SILENCE_PAUSE", "LAST_LOOKS"):
        monkeypatch.setattr(f"bot.service.generation.{name}", 0.02)


async def stale(house: House, *, for_seconds: float) -> Job:
    """A request that an earlier process left at fal so long ago."""
    job = await house.books.store.hold(a_job(an_order("stale"), at=house.clock.now, token="t"), WIDE)
    submitting = job.to(State.SUBMITTING, submitted_at=house.clock.now)
    await house.books.store.save(submitting)
    await house.books.store.save(submitting.to(State.QUEUED, ticket=house.fal.knows(job.request, "of-stale")))
    house.clock.now += for_seconds
    return job


async def test_a_request_that_fal_refuses_to_speak_of_closes_the_bot_for_nobody(house: House, fal: DeafFal) -> None:
    """As after a change of keys: the new account may do everything, but knows nothing of the old one's requests."""
    fal.refuses, house.max_concurrent = True, 2
    job = await stale(house, for_seconds=0)
    async with house.open() as scene:
        await until(lambda: scene.news == [(Subject.ACCOUNT, True)])
        for _ in range(20):
            scene.clock.turn(15)
            await asyncio.sleep(0.005)
            scene.studio.check_open()
        assert (await scene.over(await scene.order())).state is State.DELIVERED
        assert scene.news == [(Subject.ACCOUNT, True)]
        fal.speaks.set()
        await scene.pass_time(lambda: house.books.state_of(job) == State.DELIVERED, step=15)
        await until(lambda: scene.news == [(Subject.ACCOUNT, True), (Subject.ACCOUNT, False)])


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("refuses", [False, True])
async def test_after_its_deadline_a_request_that_fal_is_silent_about_keeps_no_place(
    house: House, fal: DeafFal, *, refuses: bool
) -> None:
    fal.refuses = refuses
    job = await stale(house, for_seconds=DAY)
    async with house.open() as scene:
        assert (await scene.over(await scene.order())).state is State.DELIVERED
        assert house.books.state_of(job) == State.QUEUED
        fal.speaks.set()
        await scene.pass_time(lambda: house.books.state_of(job) == State.DELIVERED, step=15)
    assert house.books.charged(job) == ALL


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("refuses", [False, True])
async def test_a_request_ends_when_fal_was_silent_for_as_long_as_it_keeps_results(
    house: House, fal: DeafFal, *, refuses: bool
) -> None:
    fal.refuses = refuses
    job = await stale(house, for_seconds=7 * DAY)
    async with house.open() as scene:
        failed = await scene.over(job)
    assert (failed.state, house.books.charged(job)) == (State.FAILED, OPERATOR)
    assert house.told() == [(job.id, GenerationTimeoutError)]


async def test_what_fal_made_while_the_bot_was_away_for_longer_than_that_is_asked_for_all_the_same(
    house: House, fal: DeafFal
) -> None:
    fal.speaks.set()
    job = await stale(house, for_seconds=30 * DAY)
    async with house.open() as scene:
        await scene.over(job)
    assert house.books.charged(job) == ALL
