"""Our own line before fal: first come, first served, and nobody keeps a place that they do not use."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import pytest
from doubles import a_job, until
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.job import Job
from bot.domain.turns import Waiting, next_turn, place_in_line
from bot.service.line import Line
from bot.service.racing import unless

lines = st.lists(
    st.builds(Waiting, job_id=st.just("x"), number=st.integers(1, 50), ready=st.booleans()),
    unique_by=lambda one: one.number,
)


@given(lines)
def test_the_first_who_is_ready_goes_next(line: list[Waiting]) -> None:
    ready = sorted(one.number for one in line if one.ready)
    turn = next_turn(line)
    assert (turn.number if turn else None) == (ready[0] if ready else None)


@given(lines, st.integers(1, 51))
def test_everyone_who_came_earlier_is_ahead_ready_or_not(line: list[Waiting], number: int) -> None:
    assert place_in_line(line, number) == len([one for one in line if one.number < number])


# --- the line at work -----------------------------------------------------------------------------


class Crowd:
    """Jobs that stand in a line, and the order in which they got their turns."""

    def __init__(self, places: int) -> None:
        self.line = Line(places)
        self._at_fal: list[AbstractAsyncContextManager[None]] = []
        self.turns: list[int] = []
        self.moves: list[int] = []
        self._waiting: dict[int, asyncio.Task[bool]] = {}

    async def fill(self) -> None:
        """Somebody takes a place at fal."""
        self._at_fal.append(self.line.there_already())
        await self._at_fal[-1].__aenter__()

    async def free(self) -> None:
        """And is done there; whoever is called has not run yet when this returns."""
        await self._at_fal.pop().__aexit__(None, None, None)

    def arrive(self, number: int) -> Job:
        job = a_job().but(number=number)
        self.line.join(job, lambda: self.moves.append(number))
        return job

    async def ready(self, job: Job) -> None:
        self._waiting[job.number] = asyncio.create_task(self._turn(job))
        await asyncio.sleep(0)

    async def _turn(self, job: Job) -> bool:
        turn = await self.line.turn(job)
        self.turns.append(job.number)
        return turn

    async def give_up(self, job: Job) -> None:
        task = self._waiting[job.number]
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def leave_all(self) -> None:
        for task in self._waiting.values():
            task.cancel()
        await asyncio.gather(*self._waiting.values(), return_exceptions=True)


@asynccontextmanager
async def crowd(*, places: int, free: int | None = None) -> AsyncGenerator[Crowd]:
    people = Crowd(places)
    try:
        for _ in range(places - (places if free is None else free)):
            await people.fill()
        yield people
    finally:
        await people.leave_all()


async def test_who_comes_first_is_served_first_whoever_is_asked_first() -> None:
    async with crowd(places=3, free=0) as people:
        first, second, third = (people.arrive(number) for number in (1, 2, 3))
        for job in (third, first, second):
            await people.ready(job)
        for turns in ([1], [1, 2], [1, 2, 3]):
            await people.free()
            await until(lambda turns=turns: people.turns == turns)


async def test_no_more_are_at_fal_than_there_are_places() -> None:
    async with crowd(places=3, free=2) as people:
        for number in range(1, 6):
            await people.ready(people.arrive(number))
        await asyncio.sleep(0.01)
        assert people.turns == [1, 2]
        await people.free()
        await until(lambda: people.turns == [1, 2, 3])


async def test_an_order_whose_pictures_are_not_ready_is_passed_and_loses_nothing() -> None:
    async with crowd(places=2, free=1) as people:
        slow, quick, third = people.arrive(1), people.arrive(2), people.arrive(3)
        await people.ready(quick)
        await until(lambda: people.turns == [2])
        await people.ready(third)
        await people.ready(slow)
        await people.free()
        await until(lambda: people.turns == [2, 1])


async def test_who_gives_up_waiting_leaves_the_line() -> None:
    async with crowd(places=3, free=0) as people:
        first, second = people.arrive(1), people.arrive(2)
        await people.ready(first)
        await people.ready(second)
        assert people.line.phase(2).ahead == 1
        await people.give_up(first)
        assert people.line.phase(2).ahead == 0
        assert people.moves == [2]
        await people.free()
        await until(lambda: people.turns == [2])


async def test_who_is_called_and_cancelled_at_once_gives_the_place_back() -> None:
    async with crowd(places=3, free=0) as people:
        first, second = people.arrive(1), people.arrive(2)
        await people.ready(first)
        await people.ready(second)
        await people.free()  # calls the first, who has not run yet
        await people.give_up(first)
        await until(lambda: people.turns == [2])


async def test_who_has_just_been_given_a_turn_and_dies_before_hearing_of_it_gives_the_place_back() -> None:
    """As the studio does it: the turn races a cancel, may be cut off by a timeout, and `leave` comes last."""
    async with crowd(places=3, free=0) as people:
        first, second = people.arrive(1), people.arrive(2)
        racing = asyncio.create_task(unless(asyncio.Event(), people.line.turn(first)))
        await asyncio.sleep(0)
        await people.ready(second)
        await people.free()
        await asyncio.sleep(0)  # the turn is taken; `unless` has not heard of it yet
        racing.cancel()
        with suppress(asyncio.CancelledError):
            await racing
        people.line.leave(first)
        await until(lambda: people.turns == [2], seconds=0.2)


async def test_leaving_before_being_ready_is_leaving() -> None:
    async with crowd(places=1) as people:
        first, second = people.arrive(1), people.arrive(2)
        people.line.leave(first)
        assert people.line.phase(2).ahead == 0
        await people.ready(second)
        await until(lambda: people.turns == [2])
        people.line.leave(second)  # harmless for whoever had a turn
        assert people.moves == [2]


async def test_what_is_at_fal_already_takes_a_place_even_when_none_is_free() -> None:
    async with crowd(places=1) as people:
        async with people.line.there_already(), people.line.there_already():
            await people.ready(people.arrive(1))
            await asyncio.sleep(0.01)
            assert people.turns == []
        await until(lambda: people.turns == [1])


async def test_two_leftovers_in_one_place_free_it_only_when_both_are_gone() -> None:
    async with crowd(places=1) as people:
        async with people.line.there_already():
            async with people.line.there_already():
                await people.ready(people.arrive(1))
            await asyncio.sleep(0.01)
            assert people.turns == []
        await until(lambda: people.turns == [1])


async def test_a_place_is_given_back_even_when_the_work_fails() -> None:
    async with crowd(places=1) as people:
        with pytest.raises(RuntimeError):
            async with people.line.there_already():
                raise RuntimeError
        await people.ready(people.arrive(1))
        await until(lambda: people.turns == [1])


async def test_everyone_who_still_waits_hears_that_the_line_moved() -> None:
    async with crowd(places=3, free=0) as people:
        for number in (1, 2, 3):
            await people.ready(people.arrive(number))
        await people.free()
        await until(lambda: people.turns == [1])
        assert people.moves == [2, 3]
        assert [people.line.phase(number).ahead for number in (2, 3)] == [0, 1]
