"""An order that a moderator has to approve: the first answer counts, a day is the longest, a cancel never crosses."""

import asyncio
from dataclasses import replace

import pytest
from doubles import NOON, WIDE, Books, a_job, an_order, until
from scenes import House, Scene

from bot.domain.errors import (
    AnsweredAlreadyError,
    ApprovalExpiredError,
    ApprovalRefusedError,
    ApprovalUnaskedError,
    BooksBusyError,
    NotWaitingError,
    StoppingError,
    TooManyJobsError,
    UnexpectedError,
    packed,
)
from bot.domain.job import Approval, Job, State, Word
from bot.domain.ledger import FREE
from bot.service import approvals
from bot.service.approvals import LOOK_EVERY, PATIENCE, Answer
from bot.service.points import Point
from bot.service.ports import AwaitingApproval, InLine, Preparing, Resuming

LOG = 900
YES = Answer(by=5, given=True)
NO = Answer(by=6, given=False, reason="not here")


def to_approve(prompt: str = "a fox", *, at: float = NOON, member: int = 7, references: int = 0) -> Job:
    job = a_job(an_order(prompt, member=member, references=references), at=at, token="t")
    return replace(job, approval=Approval(channel_id=LOG))


async def ordered(scene: Scene, prompt: str = "a fox", **more: int) -> Job:
    """Ordered, and asked about."""
    job = await scene.books.store.hold(to_approve(prompt, at=scene.clock.now, **more), WIDE)
    scene.studio.accept(job, 4242)
    return await asked(scene, job)


async def asked(scene: Scene, job: Job) -> Job:
    sql = "SELECT 1 FROM jobs WHERE id = ? AND approval_message_id IS NOT NULL"
    await until(lambda: scene.books.rows(sql, job.id))
    return await scene.stored(job)


async def test_nothing_is_at_fal_until_the_answer_and_then_everything_goes_its_way(house: House, scene: Scene) -> None:
    job = await ordered(scene)
    assert job.approval == Approval(channel_id=LOG, message_id=700_000 + job.number)
    assert scene.studio.first_phase(job) == AwaitingApproval()
    await scene.order("another")
    await until(lambda: house.fal.prompts == ["another"])
    scene.clock.turn(3600)
    answered = await scene.approvals.answer(job, YES)
    assert job.approval is not None
    assert answered.approval == replace(job.approval, word=Word.GIVEN, by=5, at=NOON + 3600)
    assert (await scene.over(job)).state is State.DELIVERED
    assert house.fal.prompts == ["another", "a fox"]
    assert (house.questions.looked_first, house.questions.closed) == ([False], [])
    assert scene.books.charged(job) == (8, 8)


async def test_the_answer_is_in_the_file_before_whoever_gave_it_hears_so(house: House, scene: Scene) -> None:
    house.plan()
    job = await ordered(scene)
    await scene.approvals.answer(job, YES)
    assert scene.books.rows("SELECT approval, approval_by FROM jobs") == [("given", 5)]


async def test_an_approved_order_shows_its_place(house: House, scene: Scene) -> None:
    house.max_concurrent = 1
    for prompt in ("first", "second"):
        house.plan(prompt)
        await scene.order(prompt)
    house.plan("third")
    await scene.order("third")
    job = await ordered(scene)
    await scene.approvals.answer(job, YES)
    await scene.pass_time(
        lambda: [one for one in house.stage.phases(job) if isinstance(one, InLine) and one.ahead], 1.0
    )


async def test_what_waits_for_a_moderator_stands_before_nobody(house: House, scene: Scene) -> None:
    for prompt in ("first", "second"):
        house.plan(prompt)
        await scene.order(prompt)
    await until(lambda: len(house.fal.prompts) == 2)
    await ordered(scene)
    phase = scene.studio.first_phase(a_job().but(number=99))
    assert isinstance(phase, InLine)
    assert (phase.ahead, phase.full) == (0, True)


async def test_pictures_are_read_only_once_it_is_approved(house: House, scene: Scene) -> None:
    job = await ordered(scene, references=2)
    assert scene.studio.first_phase(job) == AwaitingApproval()
    assert house.intake.prepared == []
    await scene.approvals.answer(job, YES)
    await scene.over(job)
    assert len(house.intake.prepared) == 2


async def test_a_refusal_gives_everything_back_and_keeps_who_and_why(house: House, scene: Scene) -> None:
    job = await ordered(scene)
    await scene.approvals.answer(job, NO)
    over = await scene.over(job)
    assert (over.state, over.error, over.charged) == (State.FAILED, packed(ApprovalRefusedError(reason="not here")), 0)
    assert over.approval is not None
    assert (over.approval.word, over.approval.by) == (Word.REFUSED, 6)
    assert house.told() == [(job.id, ApprovalRefusedError)]
    assert (house.fal.submitted, scene.books.charged(job)) == ([], (0, 0))


async def test_of_a_hundred_answers_at_once_one_counts(house: House, scene: Scene) -> None:
    job = await ordered(scene)
    answers = [Answer(by=number, given=number % 2 == 0) for number in range(100, 200)]
    came = await asyncio.gather(*(scene.approvals.answer(job, one) for one in answers), return_exceptions=True)
    (first,) = [one for one in came if isinstance(one, Job)]
    assert first.approval is not None
    late = [one for one in came if isinstance(one, AnsweredAlreadyError)]
    assert len(late) == 99
    assert {(one.by, one.given) for one in late} == {(first.approval.by, first.approval.word is Word.GIVEN)}
    assert (await scene.over(job)).approval == first.approval
    assert len(house.fal.submitted) == int(first.approval.word is Word.GIVEN)


async def test_who_comes_later_is_told_who_answered_even_once_the_images_stand(scene: Scene) -> None:
    job = await ordered(scene)
    await scene.approvals.answer(job, YES)
    over = await scene.over(job)
    with pytest.raises(AnsweredAlreadyError) as late:
        await scene.approvals.answer(over, NO)
    assert (late.value.by, late.value.given) == (5, True)


async def test_a_day_is_the_longest_and_not_a_minute_less(house: House, scene: Scene) -> None:
    job = await ordered(scene)
    await until(lambda: scene.clock.asleep)
    scene.clock.turn(PATIENCE - 1)
    await asyncio.sleep(0.02)
    assert scene.books.state_of(job) == "held"
    scene.clock.turn(1)
    over = await scene.over(job)
    assert house.told() == [(job.id, ApprovalExpiredError)]
    assert [one.id for one in house.questions.closed] == [job.id]
    assert (house.fal.submitted, scene.books.charged(job)) == ([], (0, 0))
    with pytest.raises(NotWaitingError):
        await scene.approvals.answer(over, YES)


async def test_the_wait_for_a_turn_begins_with_the_approval(house: House, scene: Scene) -> None:
    job = await ordered(scene)
    scene.clock.turn(house.max_wait * 5)
    for prompt in ("first", "second"):
        house.plan(prompt)
        await scene.order(prompt)
    await until(lambda: len(house.fal.prompts) == 2)
    await scene.approvals.answer(job, YES)
    await asyncio.sleep(0.05)
    assert scene.books.state_of(job) == "held"
    house.finish("first")
    assert (await scene.over(job)).state is State.DELIVERED
    assert house.told() == []


async def test_a_cancel_while_it_waits_gives_everything_back_and_closes_the_question(
    house: House, scene: Scene
) -> None:
    job = await ordered(scene)
    scene.studio.cancel(job, 7)
    over = await scene.over(job)
    assert (over.state, scene.books.charged(job)) == (State.CANCELLED, (0, 0))
    assert [one.state for one in house.questions.closed] == [State.CANCELLED]
    assert house.questions.closed_by == [7]
    with pytest.raises(NotWaitingError):
        await scene.approvals.answer(over, YES)


@pytest.mark.parametrize("cancel_first", [True, False])
async def test_a_cancel_and_an_approval_in_the_same_moment_end_in_one_way(
    house: House, scene: Scene, *, cancel_first: bool
) -> None:
    job = await ordered(scene)
    if cancel_first:
        scene.studio.cancel(job)
    answering = asyncio.create_task(scene.approvals.answer(job, YES))
    await asyncio.sleep(0)
    if not cancel_first:
        scene.studio.cancel(job)
    answered = await answering
    assert answered.approval is not None
    assert answered.approval.word is Word.GIVEN
    assert (await scene.over(job)).state is State.CANCELLED
    assert (house.fal.submitted, scene.books.charged(job)) == ([], (0, 0))


async def test_it_can_be_cancelled_while_discord_does_not_take_the_question(house: House, scene: Scene) -> None:
    house.questions.asking = asyncio.Event()
    job = await scene.books.store.hold(to_approve(), WIDE)
    scene.studio.accept(job, 4242)
    await asyncio.sleep(0.02)
    scene.studio.cancel(job)
    assert (await scene.over(job)).state is State.CANCELLED
    assert house.questions.asked == []
    assert [one.id for one in house.questions.closed] == [job.id], "it may stand all the same"


async def test_an_order_whose_question_cannot_be_put_up_is_given_back(house: House, scene: Scene) -> None:
    house.questions.refuse = ApprovalUnaskedError()
    job = await scene.books.store.hold(to_approve(), WIDE)
    scene.studio.accept(job, 4242)
    await scene.over(job)
    assert house.told() == [(job.id, ApprovalUnaskedError)]
    assert (house.questions.closed, scene.books.charged(job)) == ([], (0, 0))


async def test_a_log_channel_that_goes_away_ends_the_wait_within_a_minute(house: House, scene: Scene) -> None:
    job = await ordered(scene)
    await until(lambda: scene.clock.asleep)
    house.questions.gone = True
    scene.clock.turn(LOOK_EVERY)
    await scene.over(job)
    assert house.told() == [(job.id, ApprovalUnaskedError)]


async def test_a_defect_while_it_waits_costs_nobody_anything(house: House, scene: Scene) -> None:
    house.questions.refuse = ValueError("a defect")
    job = await scene.books.store.hold(to_approve(), WIDE)
    scene.studio.accept(job, 4242)
    await scene.over(job)
    assert house.told() == [(job.id, UnexpectedError)]
    assert scene.books.charged(job) == (0, 0)


# --- restarts -------------------------------------------------------------------------------------


async def test_what_was_asked_before_a_restart_is_not_asked_again(house: House) -> None:
    async with house.open() as before:
        job = await ordered(before)
    async with house.open() as after:
        await until(lambda: after.clock.asleep)
        with pytest.raises(AnsweredAlreadyError):
            await asyncio.gather(after.approvals.answer(job, YES), after.approvals.answer(job, NO))
        assert (await after.over(job)).state is State.DELIVERED
    assert len(house.questions.asked) == 1


async def test_what_was_not_asked_is_asked_after_a_look(house: House) -> None:
    house.questions.asking = asyncio.Event()
    async with house.open() as before:
        job = await before.books.store.hold(to_approve(), WIDE)
        before.studio.accept(job, 4242)
        await asyncio.sleep(0.02)
    house.questions.asking = None
    async with house.open() as after:
        await asked(after, job)
    assert house.questions.looked_first == [True]


async def test_an_approval_outlives_a_restart(house: House) -> None:
    house.max_concurrent = 1
    house.plan("first")
    async with house.open() as before:
        await before.order("first")
        await until(lambda: house.fal.prompts == ["first"])
        job = await ordered(before)
        await before.approvals.answer(job, YES)
    async with house.open() as after:
        house.finish("first")
        assert (await after.over(job)).state is State.DELIVERED
    assert len(house.questions.asked) == 1
    assert house.fal.prompts == ["first", "a fox"]


async def test_a_refusal_that_was_stored_holds_after_a_crash(house: House) -> None:
    """The process ended between the answer and the end of the order."""
    job = await house.books.store.hold(to_approve(), WIDE)
    assert job.approval is not None
    refused = replace(job.approval, word=Word.REFUSED, by=6, at=NOON, message_id=1)
    error = packed(ApprovalRefusedError(reason="not here"))
    await house.books.store.save(job.but(approval=refused, error=error))
    async with house.open() as after:
        over = await after.over(job)
    assert (over.state, over.error) == (State.FAILED, error)
    assert house.told() == [(job.id, ApprovalRefusedError)]
    assert (house.fal.submitted, house.questions.asked) == ([], [])


async def test_a_question_is_closed_by_the_next_process_where_the_first_did_not_live_to(house: House) -> None:
    died = asyncio.Event()

    def die(point: Point) -> None:
        if point is Point.ENDED:
            died.set()
            raise asyncio.CancelledError

    house.reached = die
    async with house.open() as before:
        job = await ordered(before)
        before.studio.cancel(job)
        await died.wait()
    assert house.questions.closed == []
    house.reached = lambda _: None
    async with house.open() as after:
        await after.over(job)
    assert [one.id for one in house.questions.closed] == [job.id]


async def test_a_stop_says_nothing_to_whoever_waits_for_a_moderator(house: House, scene: Scene) -> None:
    """Their message stays true, and its Cancel stays."""
    job = await ordered(scene)
    await scene.studio.stop()
    assert [one for one in house.stage.phases(job) if isinstance(one, Resuming | Preparing)] == []


async def test_an_answer_that_comes_before_the_job_was_taken_up_is_asked_for_again(house: House) -> None:
    job = await house.books.store.hold(to_approve(), WIDE)
    async with house.open() as scene:
        with pytest.raises(StoppingError):
            await scene.approvals.answer(job, YES)


async def test_an_answer_that_the_disk_does_not_take_in_time_is_said_and_still_counts(
    house: House, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approvals, "BOOKS_TIMEOUT", 0.01)
    job = await ordered(scene)
    scene.books.outside.execute("BEGIN IMMEDIATE")
    with pytest.raises(BooksBusyError):
        await scene.approvals.answer(job, YES)
    with pytest.raises(AnsweredAlreadyError):
        await scene.approvals.answer(job, NO)
    scene.books.outside.execute("COMMIT")
    assert (await scene.over(job)).state is State.DELIVERED
    assert len(house.fal.submitted) == 1


# --- the books ------------------------------------------------------------------------------------


async def test_what_waits_takes_none_of_the_servers_places_but_its_members(books: Books) -> None:
    limits = replace(WIDE, member_jobs=2, server_jobs=1)
    waiting = [await books.store.hold(to_approve(), limits) for _ in range(2)]
    with pytest.raises(TooManyJobsError) as refused:
        await books.store.hold(to_approve(), limits)
    assert refused.value.of_member
    other = await books.store.hold(a_job(an_order(member=8)), limits)
    with pytest.raises(TooManyJobsError) as refused:
        await books.store.hold(a_job(an_order(member=9)), limits)
    assert not refused.value.of_member
    await books.store.save(other.to(State.CANCELLED, charged=0), FREE)
    assert waiting[0].approval is not None
    given = replace(waiting[0].approval, word=Word.GIVEN, by=5, at=NOON)
    await books.store.save(waiting[0].but(approval=given))
    with pytest.raises(TooManyJobsError):
        await books.store.hold(a_job(an_order(member=9)), limits)
