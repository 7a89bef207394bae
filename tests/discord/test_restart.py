"""The bot ends, gently or not, and starts again: what was on its way arrives, once."""

import pytest
from discord_acts import (
    Books,
    buttons,
    delivered,
    eventually,
    finish,
    generating,
    phase,
    pinged,
    private,
    public,
    results,
    told,
    waiting,
)
from discord_pictures import picture
from discord_restart import Restart

from bot.sandbox.fal_faults import Fault, Step
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import text_of
from bot.sandbox.world import World

STUCK = Fault.RUN_STUCK_IN_PROGRESS


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "stopped"])
async def test_an_order_at_fal_is_finished_by_the_next_process(
    here: World, fal: LoopbackFal, books: Books, restart: Restart, *, killed: bool
) -> None:
    fal.fail_next(STUCK)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await generating(here)
    async with restart(killed=killed) as after:
        await finish(fal)
        (result,) = await delivered(after)
        assert pinged(after, result) == [here.member.id]
        await eventually(lambda: books.states() == ["delivered"])
    assert len(fal.seen(Step.SUBMIT)) == 1
    assert (books.spent("customer"), books.spent("operator"), fal.spent * 100) == (8, 8, 8)


async def test_a_bot_that_stops_says_that_the_work_goes_on(here: World, fal: LoopbackFal) -> None:
    fal.fail_next(STUCK)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await generating(here)
    await here.app.studio.stop()
    (progress,) = public(here)
    assert "**The bot is restarting; this goes on right after**" in text_of(progress)
    assert buttons(progress) == {}


@pytest.mark.settings(fal={"max_concurrent": 1})
async def test_orders_that_waited_keep_their_places(
    here: World, fal: LoopbackFal, books: Books, restart: Restart
) -> None:
    fal.fail_next(STUCK)
    for actor, prompt in ((here.member, "first"), (here.other, "second"), (here.moderator, "third")):
        await actor.slash(here.channel, "imagine", prompt=prompt)
    await generating(here)
    async with restart(killed=True) as after:
        await phase(after, "Waiting: 1 order before this one")
        await finish(fal)
        await delivered(after, 3)
        await eventually(lambda: books.states() == ["delivered"] * 3)
    assert [job.prompt for job in fal.jobs.values()] == ["first", "second", "third"]
    assert books.open_holds() == []


async def test_images_that_were_ready_are_posted_without_asking_fal_again(
    here: World, fal: LoopbackFal, books: Books, restart: Restart
) -> None:
    here.env.inject_error("POST", "/channels/*/messages", status=503, times=None)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await eventually(lambda: books.states() == ["rendered"])
    asked = len(fal.requests)
    async with restart(killed=True) as after:
        here.env.backend.faults.clear()
        await delivered(after)
        await eventually(lambda: books.states() == ["delivered"])
    assert len(fal.requests) == asked


async def test_an_order_that_stopped_while_its_pictures_were_read_goes_on(
    here: World, fal: LoopbackFal, books: Books, restart: Restart
) -> None:
    await here.member.slash(here.channel, "edit", prompt="warmer", image=("a.png", picture("PNG")))
    assert books.states() == ["held"]
    async with restart(killed=True) as after:
        await delivered(after)
    assert len(fal.jobs) == 1


async def test_cancel_works_on_a_progress_message_of_an_earlier_process(
    here: World, fal: LoopbackFal, books: Books, restart: Restart
) -> None:
    fal.fail_next(STUCK)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await generating(here)
    async with restart(killed=True) as after:
        (progress,) = waiting(after)
        await after.moderator.click(progress, label="Cancel")
        await eventually(lambda: "**Cancelled.**" in text_of(public(after)[0]))
        await eventually(lambda: books.states() == ["cancelled"])
    assert (books.spent("customer"), books.spent("operator")) == (0, 0)


async def test_images_that_fal_made_during_a_long_downtime_come_and_the_progress_message_goes(
    here: World, fal: LoopbackFal, books: Books, restart: Restart
) -> None:
    fal.fail_next(STUCK)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await generating(here)
    async with restart(killed=True, downtime=3600, meanwhile=lambda: finish(fal)) as after:
        (result,) = await delivered(after)
        assert pinged(after, result) == [here.member.id]
        await eventually(lambda: books.states() == ["delivered"])
    assert books.spent("customer") == 8


async def test_a_request_that_outlived_its_deadline_meanwhile_is_told_in_the_channel(
    here: World, fal: LoopbackFal, books: Books, restart: Restart
) -> None:
    fal.fail_next(STUCK)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await generating(here)
    async with restart(killed=True, downtime=3600):
        await eventually(lambda: books.states() == ["failed"])
        (said,) = await eventually(lambda: [one for one in public(here) if "fal took too long" in text_of(one)])
        assert answer.response is not None
        assert said.id == answer.response.id
    assert private(answer) == []
    assert (books.spent("customer"), books.spent("operator")) == (0, 0)


@pytest.mark.settings(fal={"find_lost": 1})
async def test_a_lost_request_is_still_looked_for(
    here: World, fal: LoopbackFal, books: Books, restart: Restart
) -> None:
    fal.fail_next(Fault.SUBMIT_DROP_AFTER)
    fal.fail_next(STUCK)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await phase(here, "Looking for the order there", among=public)
    await eventually(lambda: books.states() == ["lost"])
    async with restart(killed=True) as after:
        await finish(fal)
        await delivered(after)
        await eventually(lambda: books.states() == ["delivered"])
    assert len(fal.seen(Step.SUBMIT)) == 1


async def test_what_is_left_today_survives(here: World, restart: Restart) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await delivered(here)
    before = await here.member.slash(here.channel, "quota")
    async with restart() as after:
        assert private(await after.member.slash(after.channel, "quota")) == private(before)


async def test_again_works_on_a_result_of_an_earlier_process(here: World, fal: LoopbackFal, restart: Restart) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (first,) = await delivered(here)
    async with restart() as after:
        await after.other.click(first, label="Again")
        await delivered(after, 2)
        assert pinged(after, results(after)[-1]) == [here.other.id]
    assert [job.prompt for job in fal.jobs.values()] == ["a lighthouse"] * 2


async def test_a_failure_that_was_told_is_not_told_again(
    here: World, fal: LoopbackFal, books: Books, restart: Restart
) -> None:
    fal.fail_next(Fault.RUN_CONTENT_POLICY, times=2)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await told(answer)
    async with restart(killed=True) as after:
        await eventually(lambda: public(after) == [])
    assert books.states() == ["failed"]
    assert len(private(answer)) == 1
