"""The progress message: how often it is edited, what ends it, and what it says of a late delivery."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from doubles import CATALOGUE, NOON, FakeStage, HandClock, a_job, until

from bot import views
from bot.service.ports import Fetching, Generating, InLine, Late, Phase, Preparing, Resuming
from bot.service.progress import Progress, pause_between
from bot.views.items import JobButton

JOB = a_job(token="t")
FIRST = InLine(ahead=0)


class Room:
    """One job's progress, with hands on its clock and on how many jobs there are."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.stage = FakeStage(self.clock)
        self.jobs = 1
        self.say_first(FIRST)

    def say_first(self, phase: Phase) -> None:
        self.progress = Progress(self.stage, JOB, self.clock.sleep, lambda: pause_between(self.jobs), phase)

    @property
    def shown(self) -> list[tuple[float, object]]:
        """Seconds since the start, and what was shown then."""
        return [(at - NOON, phase) for at, _, phase in self.stage.shown]

    async def pass_time(self, seconds: float, step: float = 0.5) -> None:
        for _ in range(round(seconds / step)):
            await settled()
            self.clock.turn(step)
        await settled()


async def settled() -> None:
    """Everything that is ready has run."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    made = Room()
    yield made
    await made.progress.stop()


# --- how often ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("jobs", "seconds"), [(1, 2), (200, 2), (201, 2.01), (1000, 10)])
def test_the_more_jobs_there_are_the_longer_is_the_pause(jobs: int, seconds: float) -> None:
    assert pause_between(jobs) == seconds


async def test_a_message_is_edited_once_per_pause_and_what_changed_meanwhile_is_never_shown(room: Room) -> None:
    room.progress.start()
    for ahead in range(40, 0, -1):
        room.progress.show(InLine(ahead=ahead))
        await room.pass_time(0.5)
    assert room.shown == [(1 + 2 * n, InLine(ahead=39 - 4 * n)) for n in range(10)]


async def test_what_goes_on_by_channel_says_how_things_are_once_and_then_little(room: Room) -> None:
    room.progress.start()
    for _ in range(2):  # a lost request is made again
        room.progress.go_on_by_channel()
        for ahead in (3, 2, 1):
            room.progress.show(InLine(ahead=ahead))
            await room.pass_time(4)
    for since in range(0, 50, 10):
        room.progress.show(Generating(since=since))
        await room.pass_time(4)
    assert [phase for _, phase in room.shown] == [InLine(ahead=3), Generating(since=0), Generating(since=10)]


async def test_the_pause_follows_the_load_from_edit_to_edit(room: Room) -> None:
    room.progress.start()
    room.jobs = 1000
    for ahead in range(60, 0, -1):
        room.progress.show(InLine(ahead=ahead))
        await room.pass_time(0.5)
        if ahead == 43:
            room.jobs = 1
    assert [at for at, _ in room.shown] == [5, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29]


async def test_what_changes_back_before_its_turn_needs_no_edit(room: Room) -> None:
    room.progress.start()
    room.progress.show(Preparing())
    room.progress.show(FIRST)
    await room.pass_time(10)
    assert room.shown == []


async def test_what_is_over_within_half_a_pause_needs_no_edit(room: Room) -> None:
    """Most images are fetched at once: nobody needs to read of it."""
    room.progress.start()
    room.progress.show(Fetching())
    await room.pass_time(0.5)
    await room.progress.stop()
    await room.pass_time(10)
    assert room.shown == []


async def test_what_was_said_to_begin_at_once_needs_an_edit_only_when_it_did_not(room: Room) -> None:
    room.say_first(Generating(since=100))
    room.progress.start()
    room.progress.show(InLine(ahead=0, at_fal=True))
    room.progress.show(Generating(since=103))
    await room.pass_time(4)
    assert room.shown == []
    room.progress.show(Generating(since=104))
    await room.pass_time(4)
    assert [phase for _, phase in room.shown] == [Generating(since=104)]


async def test_no_edit_begins_while_another_is_in_the_air(room: Room) -> None:
    room.stage.showing = asyncio.Event()
    room.progress.start()
    for since in range(0, 100, 10):
        room.progress.show(Generating(since=since))
        await room.pass_time(2)
    assert room.shown == [(1, Generating(since=0))]
    room.stage.showing.set()
    await room.pass_time(4)
    assert room.shown == [(1, Generating(since=0)), (22, Generating(since=90))]


# --- its end --------------------------------------------------------------------------------------


async def test_the_end_waits_for_no_edit(room: Room) -> None:
    room.stage.showing = asyncio.Event()
    room.progress.start()
    room.progress.show(Preparing())
    await room.pass_time(1)
    await room.progress.stop()
    room.progress.show(Fetching())
    await room.pass_time(10)
    assert room.shown == [(1, Preparing())]
    assert room.clock.asleep == 0


async def test_before_a_last_word_in_its_place_an_edit_in_the_air_may_arrive(room: Room) -> None:
    room.stage.showing = asyncio.Event()
    room.progress.start()
    room.progress.show(Preparing())
    await room.pass_time(1)
    ending = asyncio.create_task(room.progress.stop(60))
    await settled()
    assert not ending.done()
    room.progress.show(Fetching())
    room.stage.showing.set()
    await until(ending.done)
    await room.pass_time(10)
    assert room.shown == [(1, Preparing())]


async def test_the_last_thing_said_waits_for_an_edit_in_the_air_and_nothing_comes_after_it(room: Room) -> None:
    room.stage.showing = asyncio.Event()
    room.progress.start()
    room.progress.show(Preparing())
    await room.pass_time(1)
    ending = asyncio.create_task(room.progress.end_with(Resuming()))
    await settled()
    assert room.shown == [(1, Preparing())]
    room.progress.show(Fetching())
    room.stage.showing.set()
    await until(ending.done)
    await room.pass_time(10)
    assert room.shown == [(1, Preparing()), (1, Resuming())]


async def test_an_edit_that_does_not_arrive_is_cut_off(room: Room) -> None:
    room.stage.showing = asyncio.Event()
    room.progress.start()
    room.progress.show(Preparing())
    await room.pass_time(1)
    await room.progress.stop(0.01)
    assert room.clock.asleep == 0


# --- a late delivery ------------------------------------------------------------------------------


async def test_a_delivery_that_takes_a_minute_is_told_once(room: Room) -> None:
    async with room.progress.posting():
        await room.pass_time(59.5)
        assert room.shown == []
        await room.pass_time(600)
    assert room.shown == [(60, Late())]


async def test_a_delivery_in_time_is_not_told(room: Room) -> None:
    async with room.progress.posting():
        await room.pass_time(59.5)
    await room.pass_time(60)
    assert room.shown == []
    assert room.clock.asleep == 0


async def test_the_end_of_a_delivery_waits_for_no_remark_about_it(room: Room) -> None:
    room.stage.showing = asyncio.Event()
    async with room.progress.posting():
        await room.pass_time(60)
    assert room.shown == [(60, Late())]


@pytest.mark.parametrize(("phase", "offered"), [(Generating(since=1), True), (Late(), False)])
def test_a_late_delivery_cannot_be_cancelled(phase: Phase, *, offered: bool) -> None:
    buttons = [item for item in views.progress(JOB, CATALOGUE, phase).walk_children() if isinstance(item, JobButton)]
    assert bool(buttons) == offered
