"""Fair turns and told times in the studio, over real books: what a restart keeps, what is learned, what is said."""

import asyncio
import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from doubles import NOON, WIDE, Books, HandClock, a_job, an_order, until
from scenes import House, Scene

from bot.domain.catalogue import Catalogue
from bot.domain.errors import FalBusyError
from bot.domain.eta import ENOUGH, Kind
from bot.domain.job import Job, State
from bot.domain.order import Choices
from bot.service.ports import Expected, Generating, InLine

ONE = Kind(endpoint="fal-ai/nano-banana-2", resolution="1K", images=1)


@pytest.fixture
def house(books: Books, clock: HandClock, tmp_path: Path) -> House:
    house = House(books, clock, tmp_path / "jobs")
    house.max_concurrent = 1
    return house


async def ordered(house: House, scene: Scene, name: str, guild: int, member: int = 1, images: int = 1) -> Job:
    """One order, a second after the one before; fal takes its time with it."""
    house.plan(name)
    house.clock.turn(1)
    return await scene.take(an_order(name, guild=guild, member=member, choices=Choices(images=images)))


async def crowd(house: House, scene: Scene) -> list[Job]:
    """A server with two members of whom one floods, one with dear orders, one with a single order, in this order."""
    jobs = [await ordered(house, scene, "first", 9)]
    await until(lambda: house.fal.prompts == ["first"])
    jobs += [await ordered(house, scene, f"flood-{n}", 1) for n in range(6)]
    jobs += [await ordered(house, scene, f"other-{n}", 1, member=2) for n in range(2)]
    jobs += [await ordered(house, scene, f"dear-{n}", 2, images=3) for n in range(2)]
    return [*jobs, await ordered(house, scene, "single", 3)]


EXPECTED = [
    *("first", "flood-0", "dear-0", "single", "other-0"),
    *("flood-1", "other-1", "dear-1", "flood-2", "flood-3", "flood-4", "flood-5"),
]


async def finish(house: House, scene: Scene, jobs: list[Job], names: list[str]) -> None:
    """fal is done with these, one after the other."""
    for name in names:
        await until(lambda name=name: name in house.fal.prompts)
        house.clock.turn(1)
        house.finish(name)
        await scene.over(next(job for job in jobs if job.order.prompt == name))


async def test_servers_and_members_take_turns_by_credits(house: House) -> None:
    async with house.open() as scene:
        await finish(house, scene, await crowd(house, scene), EXPECTED)
    assert house.fal.prompts == EXPECTED


@pytest.mark.parametrize("before", range(1, 11))
async def test_a_restart_keeps_the_order_of_turns(house: House, before: int) -> None:
    async with house.open() as scene:
        jobs = await crowd(house, scene)
        await finish(house, scene, jobs, EXPECTED[:before])
        await until(lambda: len(house.fal.prompts) == before + 1)
        last = next(job for job in jobs if job.order.prompt == EXPECTED[before])
        await scene.becomes(last, State.QUEUED)
    async with house.open() as scene:
        await finish(house, scene, jobs, EXPECTED[before:])
    assert house.fal.prompts == EXPECTED


async def test_a_server_with_more_weight_has_more_turns(house: House) -> None:
    house.weights = {"guild:1": 3.0}
    async with house.open() as scene:
        jobs = [await ordered(house, scene, "first", 9)]
        names = [f"{guild}-{n}" for guild, n in itertools.product((1, 2), range(4))]
        jobs += [await ordered(house, scene, name, int(name[0])) for name in names]
        await finish(house, scene, jobs, ["first", "1-0", "2-0", "1-1", "1-2", "1-3", "2-1", "2-2", "2-3"])


async def test_who_was_turned_away_by_fal_goes_first_after_a_restart_and_pays_no_second_turn(house: House) -> None:
    house.max_concurrent = 2
    house.fal.plan("dear").refusals = [FalBusyError(unsent=True)]
    async with house.open() as scene:
        first = await scene.becomes(await ordered(house, scene, "first", 9), State.QUEUED)
        dear = await ordered(house, scene, "dear", 1, images=4)
        await until(lambda: house.fal.prompts == ["first", "dear"])
        await scene.becomes(dear, State.HELD)
        others = [await ordered(house, scene, name, 1 + number % 2) for number, name in enumerate("abc")]
    house.max_concurrent = 1
    async with house.open() as scene:
        await asyncio.sleep(0.02)  # everyone stands in line again, ready
        await finish(house, scene, [first, dear, *others], ["first", "dear", "a", "b", "c"])
    assert house.fal.prompts == ["first", "dear", "dear", "a", "b", "c"]


# --- times ----------------------------------------------------------------------------------------


async def test_what_fal_took_is_learned_kept_and_told(house: House) -> None:
    async with house.open() as scene:
        for n in range(ENOUGH):
            job = await ordered(house, scene, f"{n}", 1)
            await scene.becomes(job, State.QUEUED)
            house.clock.turn(42)
            house.finish(f"{n}")
            await scene.over(job)
        await until(lambda: house.books.rows("SELECT count(*) FROM timings") == [(ENOUGH,)])
    assert await house.books.timings.times() == [(ONE, 42.0)] * ENOUGH
    async with house.open() as scene:
        first = await house.books.store.hold(a_job(), WIDE)
        assert scene.studio.first_phase(first) == Generating(since=int(house.clock.now), usual=42.0)
        await scene.studio.withdraw(first)
        await scene.becomes(await ordered(house, scene, "next", 1), State.QUEUED)
        second = await house.books.store.hold(a_job(), WIDE)
        now = int(house.clock.now)
        assert scene.studio.first_phase(second) == InLine(ahead=0, full=True, expected=Expected(at=now + 84, give=21))
        house.finish("next")


async def test_a_request_that_went_on_while_the_bot_was_away_teaches_nothing(house: House) -> None:
    async with house.open() as scene:
        job = await scene.becomes(await ordered(house, scene, "a fox", 1), State.QUEUED)
    house.clock.turn(3000)
    house.finish("a fox")
    async with house.open() as scene:
        assert (await scene.over(job)).state is State.DELIVERED
        await asyncio.sleep(0.01)
    assert await house.books.timings.times() == []


async def test_a_model_of_which_nothing_is_known_is_told_without_a_time(house: House) -> None:
    models = {name: replace(model, rough_seconds=None) for name, model in house.catalogue.models.items()}
    house.catalogue = Catalogue(models=models, default_model=house.catalogue.default_model)
    async with house.open() as scene:
        job = await house.books.store.hold(a_job(), WIDE)
        assert scene.studio.first_phase(job) == Generating(since=int(house.clock.now), usual=None)


async def test_a_moment_that_wanders_a_little_is_no_edit_and_one_that_wanders_far_is(house: House) -> None:
    async with house.open() as scene:
        await ordered(house, scene, "runs", 1)
        await until(lambda: house.fal.prompts == ["runs"])
        waits = await ordered(house, scene, "waits", 2)
        house.clock.turn(4)
        await asyncio.sleep(0.01)
        assert house.stage.phases(waits) == []  # its first answer said so already
        for _ in range(40):  # the other should be done after 20 s and is not
            house.clock.turn(2)
            await asyncio.sleep(0.002)
        phases = house.stage.phases(waits)
        assert 1 < len(phases) <= 8
        for phase in phases:
            assert isinstance(phase, InLine)
            assert phase.expected is not None
            assert phase.expected.at > NOON + 40
        house.finish("runs", "waits")
