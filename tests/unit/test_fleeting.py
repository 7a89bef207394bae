"""Messages that go away by themselves."""

import asyncio

from doubles import HandClock, until

from bot.service.fleeting import Fleeting


class Wall:
    """Messages that stand, by name."""

    def __init__(self, *names: str) -> None:
        self.standing = set(names)

    async def remove(self, name: str) -> None:
        self.standing.remove(name)


async def test_each_message_goes_when_its_time_is_over() -> None:
    clock, wall = HandClock(), Wall("short", "long")
    fleeting = Fleeting(clock.sleep)
    task = asyncio.create_task(fleeting.run())
    fleeting.remove_later(lambda: wall.remove("short"), 15)
    fleeting.remove_later(lambda: wall.remove("long"), 120)
    await until(lambda: clock.asleep == 2)
    clock.turn(15)
    await until(lambda: wall.standing == {"long"})
    clock.turn(105)
    await until(lambda: wall.standing == set())
    task.cancel()
    await asyncio.wait({task})


async def test_one_that_cannot_be_removed_stops_no_other() -> None:
    clock, wall = HandClock(), Wall("there")
    fleeting = Fleeting(clock.sleep)
    task = asyncio.create_task(fleeting.run())
    for name in ("gone", "there"):
        fleeting.remove_later(lambda name=name: wall.remove(name), 15)
    await until(lambda: clock.asleep == 2)
    clock.turn(15)
    await until(lambda: wall.standing == set())
    assert not task.done()
    task.cancel()
    await asyncio.wait({task})


async def test_when_the_bot_stops_they_all_go_at_once() -> None:
    clock, wall = HandClock(), Wall("waiting", "just said")
    fleeting = Fleeting(clock.sleep)
    task = asyncio.create_task(fleeting.run())
    fleeting.remove_later(lambda: wall.remove("waiting"), 15)
    await until(lambda: clock.asleep == 1)
    fleeting.remove_later(lambda: wall.remove("just said"), 15)
    task.cancel()
    await asyncio.wait({task})
    assert wall.standing == set()
