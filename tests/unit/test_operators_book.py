"""The operator's book counts whatever fal may have charged, and its month is never overrun."""

import pytest
from doubles import until
from scenes import House

from bot.domain.errors import ContentRefusedError
from bot.domain.job import State

PRICE = 8


@pytest.mark.parametrize(("room", "tries"), [(0, 2), (1, 3), (2, 4)])
async def test_tries_that_nobody_pays_overrun_the_month_by_nothing_when_many_come_at_once(
    room: int, tries: int, house: House
) -> None:
    """Both are refused in the same moment, and fal may have charged for both."""
    house.operator_month = (2 + room) * PRICE
    for prompt in ("a fox", "a hen"):
        house.plan(prompt)
        house.fal.plan(prompt).endings = [ContentRefusedError(may_be_billed=True)]
    async with house.open() as scene:
        jobs = [await scene.order("a fox"), await scene.order("a hen")]
        await until(lambda: len(house.fal.submitted) == len(jobs))
        house.finish("a fox", "a hen")
        ended = [await scene.over(job) for job in jobs]
    assert len(house.fal.submitted) == tries
    assert sum(house.books.charged(job)[1] for job in jobs) == house.operator_month
    assert [job.state for job in ended].count(State.DELIVERED) == room
