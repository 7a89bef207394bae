"""Our own line before fal: everyone in turn, nobody keeps a place that they do not use, and what is said is so."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import pytest
from doubles import CATALOGUE, NOON, FakeTimings, HandClock, a_job, an_order, until

from bot.domain.errors import FalDownError, LostError
from bot.domain.job import Job
from bot.service.alerts import Alerts
from bot.service.forecast import Forecast
from bot.service.gate import Gate
from bot.service.line import Line
from bot.service.ports import Expected, Generating, InLine
from bot.service.racing import unless


class Crowd:
    """Jobs that stand in a line, and the order in which they got their turns."""

    def __init__(self, places: int) -> None:
        self.clock = HandClock()
        self.gate = Gate(self.clock, self.clock.sleep, Alerts())
        self.line = Line(places, {}, Forecast(FakeTimings(), CATALOGUE, self.clock), self.gate, self.clock)
        self._at_fal: list[Job] = []
        self.turns: list[int] = []
        self.told: list[tuple[int, int]] = []
        """Numbers, and how many were said to be ahead."""
        self._waiting: dict[int, asyncio.Task[bool]] = {}
        self._served: Job | None = None

    def fill(self) -> None:
        """Somebody takes a place at fal."""
        self._at_fal.append(a_job(at=self.clock.now))
        self.line.there_already(self._at_fal[-1])

    def free(self) -> None:
        """And is done there; whoever is called has not run yet when this returns."""
        self.line.done(self._at_fal.pop())

    def new(self, number: int, guild: int = 1, member: int = 7) -> Job:
        return a_job(an_order(guild=guild, member=member), at=self.clock.now).but(number=number)

    def arrive(self, number: int, guild: int = 1, member: int = 7) -> Job:
        job = self.new(number, guild, member)
        self.line.join(job, lambda phase: self.told.append((number, phase.ahead)))
        return job

    async def ready(self, job: Job) -> None:
        self._waiting[job.number] = asyncio.create_task(self._turn(job))
        await asyncio.sleep(0)

    async def _turn(self, job: Job) -> bool:
        turn = await self.line.turn(job)
        self.turns.append(job.number)
        self._served = job
        return turn

    def done(self) -> None:
        """Who was served last is done at fal."""
        assert self._served is not None
        self.line.done(self._served)

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[None]:
        telling = asyncio.create_task(self.line.keep_told(self.clock.sleep))
        try:
            yield
        finally:
            telling.cancel()
            await asyncio.wait({telling})

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
            people.fill()
        yield people
    finally:
        await people.leave_all()


async def test_who_comes_first_is_served_first_whoever_is_asked_first() -> None:
    async with crowd(places=3, free=0) as people:
        first, second, third = (people.arrive(number) for number in (1, 2, 3))
        for job in (third, first, second):
            await people.ready(job)
        for turns in ([1], [1, 2], [1, 2, 3]):
            people.free()
            await until(lambda turns=turns: people.turns == turns)


async def test_no_more_are_at_fal_than_there_are_places() -> None:
    async with crowd(places=3, free=2) as people:
        for number in range(1, 6):
            await people.ready(people.arrive(number))
        await asyncio.sleep(0.01)
        assert people.turns == [1, 2]
        people.free()
        await until(lambda: people.turns == [1, 2, 3])


async def test_an_order_whose_pictures_are_not_ready_is_passed_and_loses_nothing() -> None:
    async with crowd(places=2, free=1) as people:
        slow, quick, third = people.arrive(1), people.arrive(2), people.arrive(3)
        await people.ready(quick)
        await until(lambda: people.turns == [2])
        await people.ready(third)
        await people.ready(slow)
        people.free()
        await until(lambda: people.turns == [2, 1])


async def test_who_gives_up_waiting_leaves_the_line() -> None:
    async with crowd(places=3, free=0) as people:
        first, second = people.arrive(1), people.arrive(2)
        await people.ready(first)
        await people.ready(second)
        assert people.line.phase(second).ahead == 1
        await people.give_up(first)
        assert people.line.phase(second).ahead == 0
        people.free()
        await until(lambda: people.turns == [2])


async def test_who_is_called_and_cancelled_at_once_gives_the_place_back() -> None:
    async with crowd(places=3, free=0) as people:
        first, second = people.arrive(1), people.arrive(2)
        await people.ready(first)
        await people.ready(second)
        people.free()  # calls the first, who has not run yet
        await people.give_up(first)
        await until(lambda: people.turns == [2])


async def test_who_has_just_been_given_a_turn_and_dies_before_hearing_of_it_gives_the_place_back() -> None:
    """As the studio does it: the turn races a cancel, may be cut off by a timeout, and `leave` comes last."""
    async with crowd(places=3, free=0) as people:
        first, second = people.arrive(1), people.arrive(2)
        racing = asyncio.create_task(unless(asyncio.Event(), people.line.turn(first)))
        await asyncio.sleep(0)
        await people.ready(second)
        people.free()
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
        assert people.line.phase(second).ahead == 0
        await people.ready(second)
        await until(lambda: people.turns == [2])
        people.line.leave(second)  # harmless for whoever had a turn


async def test_what_is_at_fal_already_takes_a_place_even_when_none_is_free() -> None:
    async with crowd(places=1) as people:
        for _ in range(2):
            people.fill()
        await people.ready(people.arrive(1))
        people.free()
        await asyncio.sleep(0.01)
        assert people.turns == []
        people.free()
        await until(lambda: people.turns == [1])


async def test_what_is_said_twice_to_be_at_fal_takes_one_place() -> None:
    async with crowd(places=2) as people:
        there = a_job()
        people.line.there_already(there)
        people.line.there_already(there)
        await people.ready(people.arrive(1))
        await until(lambda: people.turns == [1])
        await people.ready(people.arrive(2))
        people.line.done(there)
        await until(lambda: people.turns == [1, 2])


async def test_what_may_be_at_fal_has_a_place_as_long_as_such_requests_take() -> None:
    async with crowd(places=1) as people:
        lost = a_job(at=people.clock.now)
        people.clock.turn(5)
        async with people.line.maybe_there(lost, people.clock.sleep):
            await people.ready(people.arrive(1))
            people.clock.turn(14)  # of 20
            await asyncio.sleep(0.01)
            assert people.turns == []
            people.clock.turn(1)
            await until(lambda: people.turns == [1])


async def test_what_may_be_at_fal_has_its_place_no_longer_when_the_clock_was_set_back() -> None:
    async with crowd(places=1) as people:
        lost = a_job(at=people.clock.now)
        people.clock.now -= 86_400
        async with people.line.maybe_there(lost, people.clock.sleep):
            await people.ready(people.arrive(1))
            people.clock.turn(20)
            await until(lambda: people.turns == [1])


async def test_what_was_found_at_fal_keeps_its_place_and_what_was_not_gives_it_back() -> None:
    async with crowd(places=2) as people:
        found, not_found = a_job(at=people.clock.now), a_job(at=people.clock.now)
        async with people.line.maybe_there(found, people.clock.sleep):
            pass
        with pytest.raises(LostError):
            async with people.line.maybe_there(not_found, people.clock.sleep):
                raise LostError
        for number in (1, 2):
            await people.ready(people.arrive(number))
        people.clock.turn(60)
        await asyncio.sleep(0.01)
        assert people.turns == [1]
        assert people.clock.asleep == 0


async def test_only_as_many_are_promised_to_go_at_once_as_there_are_places() -> None:
    async with crowd(places=2, free=1) as people:
        first, second = people.new(1), people.new(2)
        assert people.line.first_phase(first) == Generating(since=int(NOON), usual=20.0)
        assert isinstance(people.line.first_phase(second), InLine)
        people.line.join(first, lambda _: None)
        assert isinstance(people.line.first_phase(people.new(3)), InLine)
        people.line.leave(first)
        assert isinstance(people.line.first_phase(people.new(4)), Generating)


async def test_what_was_said_first_stays_said() -> None:
    async with crowd(places=1) as people:
        job = people.new(1)
        said = people.line.first_phase(job)
        people.fill()
        assert people.line.first_phase(job) == said


async def test_servers_take_turns_and_so_do_their_members() -> None:
    async with crowd(places=1, free=0) as people:
        for number, guild, member in ((1, 1, 1), (2, 1, 1), (3, 1, 2), (4, 2, 3), (5, 2, 3)):
            await people.ready(people.arrive(number, guild, member))
        people.free()
        for turns in ([1], [1, 4], [1, 4, 3], [1, 4, 3, 5], [1, 4, 3, 5, 2]):
            await until(lambda turns=turns: people.turns == turns)
            people.done()


# --- what is said ---------------------------------------------------------------------------------


async def test_everyone_who_waits_hears_where_they_stand_every_two_seconds() -> None:
    async with crowd(places=3, free=0) as people, people.listening():
        for number in (1, 2, 3):
            await people.ready(people.arrive(number))
        people.told.clear()
        people.clock.turn(2)
        await until(lambda: people.told == [(1, 0), (2, 1), (3, 2)])
        people.told.clear()
        people.free()
        await until(lambda: people.turns == [1])
        assert people.told == []
        people.clock.turn(2)
        await until(lambda: people.told == [(2, 0), (3, 1)])


async def test_who_is_still_reading_pictures_is_not_told_that_it_waits() -> None:
    async with crowd(places=1, free=0) as people, people.listening():
        people.arrive(1)
        await people.ready(people.arrive(2))
        people.clock.turn(2)
        await until(lambda: people.told == [(2, 1)])


async def test_a_newcomer_is_told_its_fair_place_not_the_end_of_the_line() -> None:
    async with crowd(places=1, free=0) as people:
        for number in range(1, 51):
            people.arrive(number)
        newcomer = a_job(an_order(guild=2)).but(number=51)
        assert people.line.phase(newcomer).ahead == 1


async def test_the_moment_told_counts_what_runs_what_goes_before_and_the_order_itself() -> None:
    async with crowd(places=2) as people:
        for number in (1, 2, 3):
            await people.ready(people.arrive(number))
        people.clock.turn(15)  # of 20; then the third, then this one
        assert people.line.phase(people.arrive(4)).expected == Expected(at=int(NOON) + 20 + 20, give=6)


async def test_while_fal_takes_nothing_no_moment_is_told() -> None:
    async with crowd(places=1, free=0) as people:
        job = people.arrive(1)
        assert people.line.phase(job).expected is not None
        people.gate.shut(FalDownError(unsent=True))
        assert people.line.phase(job) == InLine(ahead=0, full=True)
