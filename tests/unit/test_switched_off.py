"""A server that the operator closes while its orders are on their way: what waits is not sent to fal any more."""

from dataclasses import replace

import pytest
from doubles import WIDE, a_job, an_order, until
from scenes import House, Scene

from bot.domain.errors import ContentRefusedError, FalDownError, SwitchedOffError
from bot.domain.job import Approval, State

CLOSED = {"guild:1"}


async def test_what_waits_in_line_ends_at_once_and_free(house: House) -> None:
    house.max_concurrent = 1
    house.plan("first")
    async with house.open() as scene:
        first = await scene.order("first")
        await until(lambda: house.fal.prompts == ["first"])
        late = await scene.order("late")
        other = await scene.take(an_order("elsewhere", guild=2))
        assert scene.studio.runs.scopes() == {"guild:1", "guild:2"}
        scene.studio.runs.switch_off(CLOSED)
        refused = await scene.over(late)
        assert (refused.state, house.books.charged(late)) == (State.FAILED, (0, 0))
        assert house.told() == [(late.id, SwitchedOffError)]
        house.finish("first")
        assert (await scene.over(first)).state is State.DELIVERED, "it was at fal, and is paid"
        assert (await scene.over(other)).state is State.DELIVERED
    assert house.fal.prompts == ["first", "elsewhere"]
    assert house.fal.cancels == []


async def test_what_fal_turned_away_is_not_sent_again(house: House, scene: Scene) -> None:
    house.fal.plan("a fox").refusals = [FalDownError(unsent=True)]
    job = await scene.order()
    await until(lambda: house.fal.prompts == ["a fox"] and scene.studio.runs[job.id].job.state is State.HELD)
    scene.studio.runs.switch_off(CLOSED)
    assert (await scene.over(job)).state is State.FAILED
    scene.clock.turn(600)
    assert house.fal.prompts == ["a fox"]
    assert house.told() == [(job.id, SwitchedOffError)]


@pytest.mark.parametrize(("closed", "tries"), [(CLOSED, 1), (set[str](), 2)])
async def test_what_was_at_fal_gets_no_free_retry_until_the_server_is_open_again(
    closed: set[str], tries: int, house: House, scene: Scene
) -> None:
    house.plan()
    house.fal.plan("a fox").endings = [ContentRefusedError()]
    job = await scene.order()
    await scene.becomes(job, State.QUEUED)
    scene.studio.runs.switch_off(CLOSED)
    scene.studio.runs.switch_off(closed)
    house.finish("a fox")
    await scene.over(job)
    assert len(house.fal.submitted) == tries


async def test_what_waits_for_a_moderator_ends_and_its_question_is_closed(house: House, scene: Scene) -> None:
    wanted = replace(a_job(at=scene.clock.now, token="t"), approval=Approval(channel_id=900))
    job = await scene.books.store.hold(wanted, WIDE)
    scene.studio.accept(job, 4242)
    await until(lambda: house.questions.asked)
    scene.studio.runs.switch_off(CLOSED)
    assert (await scene.over(job)).state is State.FAILED
    assert house.told() == [(job.id, SwitchedOffError)]
    assert [one.id for one in house.questions.closed] == [job.id]
    assert house.fal.prompts == []


async def test_whose_member_cancels_what_is_at_fal_hears_of_their_own_cancel(house: House, scene: Scene) -> None:
    house.plan()
    job = await scene.order()
    await scene.becomes(job, State.QUEUED)
    scene.studio.runs.switch_off(CLOSED)
    scene.studio.cancel(job)
    assert (await scene.over(job)).state is State.CANCELLED
    assert house.told() == []


async def test_what_was_just_leaving_and_was_turned_away_is_not_sent_once_fal_takes_others(
    house: House, scene: Scene
) -> None:
    house.fal.plan("a fox").refusals = [FalDownError(unsent=True)]
    house.fal.at_submit = lambda: scene.studio.runs.switch_off(CLOSED)
    job = await scene.order()
    await until(lambda: house.fal.prompts == ["a fox"] and scene.studio.runs[job.id].job.state is State.HELD)
    scene.clock.turn(600)
    assert (await scene.over(job)).state is State.FAILED
    assert house.fal.prompts == ["a fox"]
    assert house.told() == [(job.id, SwitchedOffError)]
