"""The studio walks every job through its life: the good end, the line, the cancels, and the bad ends."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest
from doubles import NOON, WIDE, FakeFal, a_job, until
from scenes import House, Scene

from bot.domain.catalogue import Catalogue
from bot.domain.errors import (
    AccountError,
    BrokenPictureError,
    CancelledAtFalError,
    ClosedError,
    ContentRefusedError,
    DeliveryError,
    EndpointGoneError,
    FalBusyError,
    FalDownError,
    GenerationError,
    GenerationTimeoutError,
    InvalidRequestError,
    JobGoneError,
    NoImageMadeError,
    NothingToCancelError,
    PictureRefusedError,
    ResultGoneError,
    UnexpectedError,
    WaitedTooLongError,
)
from bot.domain.job import NO_MESSAGE, Job, State, Ticket
from bot.domain.order import Choices
from bot.service.alerts import Subject
from bot.service.points import Point
from bot.service.ports import (
    Cancelling,
    Expected,
    Fetching,
    Generating,
    InLine,
    InProgress,
    InQueue,
    Late,
    Preparing,
    Status,
)

ALL, NOTHING, OPERATOR = (8, 8), (0, 0), (0, 8)
"""What one order costs in the customer's and in the operator's book."""


# --- the good end ---------------------------------------------------------------------------------


async def test_every_state_is_in_the_file_before_the_step_that_it_announces(house: House, scene: Scene) -> None:
    """But for the last: a message that stands is found again."""
    story: list[str] = []

    def note(what: str) -> None:
        """What another process would read in the file at this moment."""
        [(state, booked)] = house.books.rows("SELECT state, (SELECT sum(credits) FROM ledger) FROM jobs")
        story.append(f"{what}: {state}, {booked}")

    house.fal.at_submit = lambda: note("fal gets the request")
    house.stage.at_deliver = lambda: note("Discord gets the images")
    house.reached = lambda point: note(point.value)
    job = await scene.order()
    await scene.over(job)
    assert story == [
        "answered: held, 16",
        "submitting: submitting, 16",
        "fal gets the request: submitting, 16",
        "submitted: submitting, 16",
        "queued: queued, 16",
        "completed: queued, 16",
        "collected: queued, 16",
        "rendered: rendered, 16",
        "Discord gets the images: rendered, 16",
        "posted: rendered, 16",
        "told: rendered, 16",
        "delivered: delivered, 16",
    ]


async def test_what_came_of_an_order_is_in_its_row(house: House, scene: Scene) -> None:
    job = await scene.order(choices=Choices(images=2))
    scene.clock.turn(3)
    done = await scene.over(job)
    assert (done.state, done.message_id, done.charged, done.units) == (State.DELIVERED, 900_001, 16, 2.0)
    assert [picture.filename for picture in done.pictures] == ["1.png", "2.png"]
    assert done.reply is not None
    assert done.reply.message_id == 4242
    assert done.error is None
    assert house.books.charged(job) == (16, 16)
    assert [one.id for one in house.stage.delivered] == [one.id for one in house.stage.cleared] == [job.id]
    assert house.stage.looked_first == [False]


async def test_pictures_are_prepared_uploaded_and_written_down_before_the_request_goes(
    house: House, scene: Scene
) -> None:
    addresses: list[object] = []
    house.fal.at_submit = lambda: addresses.extend(
        house.books.rows("SELECT json_extract(request_json, '$.arguments.image_urls') FROM jobs")[0]
    )
    job = await scene.order(references=2)
    await scene.over(job)
    assert [reference.filename for reference in house.intake.prepared] == ["1.png", "2.png"]
    assert [path.parent.name for path in house.fal.uploads] == [job.id, job.id]
    assert addresses == ['["https://fal.invalid/uploads/1.png","https://fal.invalid/uploads/2.png"]']
    assert house.fal.submitted[0].arguments["image_urls"] == [
        "https://fal.invalid/uploads/1.png",
        "https://fal.invalid/uploads/2.png",
    ]


async def test_fewer_images_than_asked_for_are_delivered_and_settled_for_less(house: House, scene: Scene) -> None:
    house.fal.plan("a fox").images = 3
    done = await scene.over(await scene.order(choices=Choices(images=4)))
    assert (done.state, len(done.pictures), done.charged) == (State.DELIVERED, 3, 24)
    assert house.books.charged(done) == (24, 24)


async def test_more_images_than_asked_for_are_neither_fetched_nor_charged(house: House, scene: Scene) -> None:
    house.fal.plan("a fox").images = 3
    done = await scene.over(await scene.order())
    assert (len(done.pictures), done.charged) == (1, 8)
    assert house.intake.collected == [(done.id, 1, "https://fal.invalid/0.png")]


# --- the line -------------------------------------------------------------------------------------


async def test_orders_beyond_the_places_at_fal_wait_in_order_of_arrival(house: House, scene: Scene) -> None:
    names = ["1", "2", "3", "4", "5"]
    for name in names:
        house.plan(name)
    jobs = [await scene.order(name) for name in names]
    await until(lambda: house.fal.prompts == ["1", "2"])
    in_a_minute = Expected(at=int(NOON) + 60, give=15)  # two of 20 s run, two more go before it
    assert scene.studio.first_phase(jobs[4]) == InLine(ahead=2, full=True, expected=in_a_minute)
    house.finish("2")
    await until(lambda: house.fal.prompts == ["1", "2", "3"])
    house.finish("1", "3", "4", "5")
    for job in jobs:
        await scene.over(job)
    assert house.fal.prompts == names
    assert house.fal.most_at_once == 2


async def test_an_order_whose_pictures_take_long_does_not_hold_up_the_others(house: House, scene: Scene) -> None:
    house.intake.reading = asyncio.Event()
    slow = await scene.order("slow", references=1)
    await scene.over(await scene.order("quick"))
    house.intake.reading.set()
    await scene.over(slow)
    assert house.fal.prompts == ["quick", "slow"]


async def test_an_order_that_fails_gives_its_place_to_the_next(house: House, scene: Scene) -> None:
    for name in ("1", "2"):
        house.plan(name)
        house.fal.plan(name).endings = [FalDownError()]
    jobs = [await scene.order(name) for name in ("1", "2", "3")]
    house.finish("1", "2")
    assert (await scene.over(jobs[2])).state is State.DELIVERED


async def test_an_order_that_waited_too_long_is_given_back(house: House) -> None:
    house.max_concurrent, house.max_wait = 1, 0.05
    house.plan("first")
    async with house.open() as scene:
        first = await scene.order("first")
        late = await scene.over(await scene.order("late"))
        assert house.told() == [(late.id, WaitedTooLongError)]
        assert (late.state, house.books.charged(late)) == (State.FAILED, NOTHING)
        house.finish("first")
        await scene.over(first)
    assert house.fal.prompts == ["first"]


# --- cancels --------------------------------------------------------------------------------------


async def test_a_cancel_while_waiting_gives_everything_back_and_never_reaches_fal(house: House, scene: Scene) -> None:
    for name in ("1", "2", "4"):
        house.plan(name)
    first, second, third, fourth = [await scene.order(name) for name in ("1", "2", "3", "4")]
    await until(lambda: house.fal.prompts == ["1", "2"])
    scene.studio.cancel(third)
    cancelled = await scene.over(third)
    assert (cancelled.state, cancelled.charged) == (State.CANCELLED, 0)
    assert house.books.charged(third) == NOTHING
    assert [job.id for job in house.stage.called_off] == [third.id]
    house.finish("1", "2", "4")
    for job in (first, second, fourth):
        await scene.over(job)
    assert house.fal.prompts == ["1", "2", "4"]
    assert house.fal.cancels == []


async def test_a_cancel_while_pictures_are_read_gives_everything_back(house: House, scene: Scene) -> None:
    house.intake.reading = asyncio.Event()
    job = await scene.order(references=1)
    await until(lambda: scene.clock.asleep)
    scene.studio.cancel(job)
    assert (await scene.over(job)).state is State.CANCELLED
    assert house.books.charged(job) == NOTHING
    assert (house.fal.submitted, house.fal.uploads) == ([], [])


async def test_a_cancel_that_fal_confirms_gives_everything_back(house: House, scene: Scene) -> None:
    house.plan()
    job = await scene.order()
    await scene.becomes(job, State.QUEUED)
    scene.studio.cancel(job)
    cancelled = await scene.over(job)
    assert (cancelled.state, cancelled.cancel_wanted, cancelled.charged) == (State.CANCELLED, True, 0)
    assert house.fal.cancels == ["r1"]
    assert house.books.charged(job) == NOTHING
    assert [one.id for one in house.stage.called_off] == [job.id]
    assert house.stage.told == []


async def test_a_cancel_is_written_down_before_fal_hears_of_it(house: House, scene: Scene) -> None:
    seen: list[object] = []
    house.reached = lambda point: (
        seen.append((house.books.rows("SELECT cancel_wanted FROM jobs"), list(house.fal.cancels)))
        if point is Point.CANCELLING
        else None
    )
    house.plan()
    job = await scene.order()
    await scene.becomes(job, State.QUEUED)
    scene.studio.cancel(job)
    await scene.over(job)
    assert seen == [([(1,)], [])]


async def test_a_cancel_that_fal_did_not_hear_is_said_again(house: House, scene: Scene) -> None:
    house.plan()
    house.fal.plan("a fox").deaf = 2
    job = await scene.order()
    await scene.becomes(job, State.QUEUED)
    scene.studio.cancel(job)
    await scene.pass_time(lambda: house.books.state_of(job) == State.CANCELLED, step=1)
    assert house.fal.cancels == ["r1", "r1", "r1"]


async def test_a_cancel_that_comes_too_late_is_charged_and_delivered_and_says_so(house: House, scene: Scene) -> None:
    house.plan()
    house.fal.plan("a fox").cancels = False
    job = await scene.order()
    await scene.becomes(job, State.QUEUED)
    scene.studio.cancel(job)
    await until(lambda: house.fal.cancels)
    house.finish("a fox")
    done = await scene.over(job)
    assert (done.state, done.cancel_wanted, done.charged) == (State.DELIVERED, True, 8)
    assert house.stage.delivered[0].cancel_wanted
    assert house.books.charged(job) == ALL


async def test_a_cancel_while_the_images_are_fetched_is_too_late(house: House, scene: Scene) -> None:
    house.intake.fetching = asyncio.Event()
    reached: list[Point] = []
    house.reached = reached.append
    job = await scene.order()
    await until(lambda: Point.COMPLETED in reached)
    scene.studio.cancel(job)
    house.intake.fetching.set()
    done = await scene.over(job)
    assert (done.state, done.cancel_wanted) == (State.DELIVERED, True)
    assert house.stage.delivered[0].cancel_wanted


async def test_a_cancel_during_the_submit_is_passed_on_once_fal_has_answered(house: House, scene: Scene) -> None:
    house.plan()
    house.fal.plan("a fox").answering = answering = asyncio.Event()
    job = await scene.order()
    await until(lambda: house.fal.submitted)
    scene.studio.cancel(job)
    await asyncio.sleep(0.01)
    assert house.books.state_of(job) == State.SUBMITTING
    answering.set()
    assert (await scene.over(job)).state is State.CANCELLED
    assert house.fal.cancels == ["r1"]


@dataclass(slots=True)
class HesitantFal(FakeFal):
    """Begins with a request only when it is told to."""

    begins: asyncio.Event = field(default_factory=asyncio.Event)

    async def watch(self, ticket: Ticket) -> AsyncGenerator[Status]:  # noqa: ARG002 - it has one request alone
        yield InQueue(3)
        await self.begins.wait()
        yield InProgress()
        await asyncio.Event().wait()


async def test_what_fal_does_after_a_cancel_was_asked_for_is_not_told_in_its_place(house: House) -> None:
    house.fal = fal = HesitantFal()
    async with house.open() as scene:
        job = await scene.order()
        await scene.pass_time(lambda: house.stage.phases(job), step=1)
        scene.studio.cancel(job)
        await until(lambda: fal.cancels)
        fal.begins.set()
        await scene.pass_time(lambda: Cancelling() in house.stage.phases(job), step=1)
    assert house.stage.phases(job)[-1] == Cancelling()


async def test_the_place_at_fal_is_free_while_the_images_are_posted(house: House) -> None:
    house.max_concurrent = 1
    house.stage.posting = asyncio.Event()
    async with house.open() as scene:
        first, second = await scene.order("first"), await scene.order("second")
        await until(lambda: house.fal.prompts == ["first", "second"])
        assert house.books.state_of(first) != State.DELIVERED
        house.stage.posting.set()
        await scene.over(second)


async def test_what_has_ended_or_is_unknown_cannot_be_cancelled(scene: Scene) -> None:
    done = await scene.over(await scene.order())
    with pytest.raises(NothingToCancelError):
        scene.studio.check_cancel(done)
    assert await scene.studio.job(done.id) == done
    with pytest.raises(JobGoneError):
        await scene.studio.job("0" * 16)


async def test_images_that_are_being_posted_cannot_be_cancelled(house: House, scene: Scene) -> None:
    house.stage.posting = asyncio.Event()
    began = asyncio.Event()
    house.stage.at_deliver = began.set
    job = await scene.order()
    await began.wait()
    with pytest.raises(NothingToCancelError):
        scene.studio.check_cancel(job)
    house.stage.posting.set()
    await scene.over(job)


# --- bad ends -------------------------------------------------------------------------------------

FINAL = (
    PictureRefusedError,
    InvalidRequestError,
    EndpointGoneError,
    FalBusyError,
    FalDownError,
    CancelledAtFalError,
    GenerationTimeoutError,
    ResultGoneError,
)
"""What ends a job at its first try."""


@pytest.mark.parametrize("billed", [False, True])
@pytest.mark.parametrize("kind", FINAL)
async def test_what_fal_did_not_make_is_free_and_the_operators_book_counts_what_fal_may_have_charged(
    kind: type[GenerationError], *, billed: bool, house: House, scene: Scene
) -> None:
    house.fal.plan("a fox").endings = [kind(may_be_billed=billed)]
    failed = await scene.over(await scene.order())
    assert (failed.state, failed.charged) == (State.FAILED, 0)
    assert house.books.charged(failed) == (OPERATOR if billed else NOTHING)
    assert house.told() == [(failed.id, kind)]
    assert house.stage.delivered == []


async def test_what_fal_finds_wrong_with_a_request_is_in_the_log(
    house: House, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    house.fal.plan("a fox").refusals = [InvalidRequestError(kinds=("body.seed:int_type",))]
    await scene.over(await scene.order())
    assert "body.seed:int_type" in caplog.text


@pytest.mark.parametrize("kind", [*FINAL, AccountError, ContentRefusedError])
async def test_a_request_that_fal_did_not_take_ends_and_is_free(
    kind: type[GenerationError], house: House, scene: Scene
) -> None:
    house.fal.plan("a fox").refusals = [kind()]
    failed = await scene.over(await scene.order())
    assert (failed.state, house.books.charged(failed)) == (State.FAILED, NOTHING)
    assert house.told() == [(failed.id, kind)]
    assert len(house.fal.submitted) == 1


async def test_a_picture_that_cannot_be_used_ends_the_order_before_anything_is_paid(house: House, scene: Scene) -> None:
    house.intake.refuse = BrokenPictureError(position=2)
    failed = await scene.over(await scene.order(references=2))
    assert (failed.state, house.books.charged(failed)) == (State.FAILED, NOTHING)
    assert house.fal.submitted == []
    [(_, error)] = house.stage.told
    assert isinstance(error, BrokenPictureError)
    assert error.position == 2


async def test_images_that_cannot_be_fetched_are_not_charged_to_the_member(house: House, scene: Scene) -> None:
    house.intake.lose = ResultGoneError(may_be_billed=True)
    failed = await scene.over(await scene.order())
    assert (failed.state, house.books.charged(failed)) == (State.FAILED, OPERATOR)


async def test_the_row_says_how_it_ended_before_the_member_hears_it(house: House, scene: Scene) -> None:
    seen: list[object] = []
    house.reached = lambda point: (
        seen.append((house.books.rows("SELECT state, told FROM jobs")[0], len(house.stage.told)))
        if point is Point.ENDED
        else None
    )
    house.fal.plan("a fox").endings = [FalDownError()]
    await scene.over(await scene.order())
    assert seen == [(("failed", 0), 0)]


async def test_images_that_can_be_posted_nowhere_stay_paid_and_wait_for_their_member(
    house: House, scene: Scene
) -> None:
    house.stage.refuse = DeliveryError()
    job = await scene.order()
    await until(lambda: house.books.rows("SELECT error FROM jobs") != [(None,)])
    waiting = await scene.stored(job)
    assert (waiting.state, house.books.charged(job)) == (State.RENDERED, ALL)
    await asyncio.sleep(0.02)  # its run ends
    await scene.studio.fetched(waiting)
    done = await scene.stored(job)
    assert (done.state, done.message_id, done.error, done.told) == (State.DELIVERED, NO_MESSAGE, None, True)


# --- tried once more ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ContentRefusedError, NoImageMadeError])
@pytest.mark.parametrize("billed", [False, True])
async def test_a_first_refusal_is_tried_once_more_at_no_cost_to_the_member(
    kind: type[GenerationError], *, billed: bool, house: House, scene: Scene
) -> None:
    house.fal.plan("a fox").endings = [kind(may_be_billed=billed)]
    done = await scene.over(await scene.order())
    assert (done.state, done.retried, done.charged) == (State.DELIVERED, True, 8)
    assert house.books.charged(done) == (8, 16 if billed else 8)
    assert [request.arguments["seed"] for request in house.fal.submitted] == [1, 4711]


async def test_a_second_refusal_is_final(house: House, scene: Scene) -> None:
    house.fal.plan("a fox").endings = [
        ContentRefusedError(may_be_billed=True),
        NoImageMadeError(may_be_billed=True),
        NoImageMadeError(),
    ]
    failed = await scene.over(await scene.order())
    assert (failed.state, house.books.charged(failed)) == (State.FAILED, (0, 16))
    assert house.told() == [(failed.id, NoImageMadeError)]
    assert len(house.fal.submitted) == 2


async def test_a_members_own_seed_is_kept_at_the_second_try(house: House, scene: Scene) -> None:
    house.fal.plan("a fox").endings = [NoImageMadeError()]
    await scene.over(await scene.order(choices=Choices(seed=5)))
    assert [request.arguments["seed"] for request in house.fal.submitted] == [5, 5]


async def test_a_refusal_after_a_cancel_is_not_tried_again(house: House, scene: Scene) -> None:
    house.plan()
    house.fal.plan("a fox").cancels = False
    house.fal.plan("a fox").endings = [NoImageMadeError()]
    job = await scene.order()
    await scene.becomes(job, State.QUEUED)
    scene.studio.cancel(job)
    await until(lambda: house.fal.cancels)
    house.finish("a fox")
    assert (await scene.over(job)).state is State.FAILED
    assert len(house.fal.submitted) == 1


async def test_what_fal_surely_did_not_take_waits_and_goes_again(house: House, scene: Scene) -> None:
    house.fal.plan("a fox").refusals = [FalBusyError(unsent=True), FalDownError(unsent=True)]
    job = await scene.order()
    await until(lambda: len(house.fal.submitted) == 1 and house.books.state_of(job) == State.HELD)
    await until(lambda: scene.news == [(Subject.FAL_AWAY, True)])
    before = scene.clock.now
    await scene.pass_time(lambda: house.stage.delivered, step=1)
    assert (await scene.over(job)).state is State.DELIVERED
    assert len(house.fal.submitted) == 3
    assert scene.clock.now - before >= 15
    assert house.books.charged(job) == ALL
    assert scene.news == [(Subject.FAL_AWAY, True), (Subject.FAL_AWAY, False)]


async def test_an_upload_that_fal_turned_away_goes_again(house: House, scene: Scene) -> None:
    house.fal.upload_refusals = [FalDownError()]
    job = await scene.order(references=1)
    await scene.pass_time(lambda: house.stage.delivered, step=1)
    assert (await scene.over(job)).state is State.DELIVERED
    assert len(house.fal.uploads) == len(house.fal.submitted) == 1


async def test_an_order_that_waits_at_the_gate_can_be_cancelled(house: House, scene: Scene) -> None:
    house.fal.plan("a fox").refusals = [FalBusyError(unsent=True)]
    job = await scene.order()
    await until(lambda: house.fal.submitted and house.books.state_of(job) == State.HELD)
    scene.studio.cancel(job)
    assert (await scene.over(job)).state is State.CANCELLED
    assert house.books.charged(job) == NOTHING


async def test_while_fal_refuses_the_account_no_new_orders_are_taken(house: House, scene: Scene) -> None:
    house.fal.plan("a fox").refusals = [AccountError(unsent=True)]
    job = await scene.order()
    await until(lambda: scene.news == [(Subject.ACCOUNT, True)])
    with pytest.raises(ClosedError):
        scene.studio.check_open()
    await scene.pass_time(lambda: house.stage.delivered, step=1)
    scene.studio.check_open()
    await scene.over(job)
    assert scene.news == [(Subject.ACCOUNT, True), (Subject.ACCOUNT, False)]


async def test_a_running_request_outlives_trouble_with_the_account(house: House, scene: Scene) -> None:
    """It is paid already: the result is asked for again later."""
    house.fal.plan("a fox").endings = [AccountError(may_be_billed=True), AccountError(may_be_billed=True)]
    job = await scene.order()
    await scene.pass_time(lambda: house.stage.delivered, step=5)
    assert (await scene.over(job)).charged == 8
    assert len(house.fal.submitted) == 1


# --- defects --------------------------------------------------------------------------------------


async def a_bystander_is_well(house: House, scene: Scene) -> None:
    assert (await scene.over(await scene.order("bystander"))).state is State.DELIVERED
    assert house.stage.delivered[-1].order.prompt == "bystander"


async def test_a_defect_after_the_submit_ends_nothing_and_the_job_is_taken_up_again(house: House, scene: Scene) -> None:
    house.fal.plan("a fox").endings = [RuntimeError("a defect")]
    job = await scene.order()
    await scene.becomes(job, State.QUEUED)
    await until(lambda: house.fal.plan("a fox").endings == [])
    await asyncio.sleep(0.05)  # the progress has ended, and only the pause after the defect is left
    scene.clock.turn(5)
    assert (await scene.over(job)).state is State.DELIVERED
    assert len(house.fal.submitted) == 1
    await a_bystander_is_well(house, scene)


async def test_a_defect_before_the_submit_costs_nobody_anything(house: House, scene: Scene) -> None:
    house.intake.refuse = RuntimeError("a defect")
    failed = await scene.over(await scene.order(references=1))
    assert (failed.state, house.books.charged(failed)) == (State.FAILED, NOTHING)
    assert house.told() == [(failed.id, UnexpectedError)]
    await a_bystander_is_well(house, scene)


async def test_a_defect_while_posting_leaves_the_images_for_the_next_start(house: House) -> None:
    async with house.open() as scene:
        house.stage.refuse = RuntimeError("a defect")
        job = await scene.order()
        await scene.becomes(job, State.RENDERED)
        house.stage.refuse = None
        await a_bystander_is_well(house, scene)
        assert house.books.charged(job) == ALL
    async with house.open() as scene:
        assert (await scene.over(job)).state is State.DELIVERED
    assert len(house.fal.submitted) == 2


async def test_a_defect_while_telling_ends_only_its_own_job(house: House) -> None:
    house.plan("bystander")
    house.fal.plan("a fox").endings = [FalDownError()]
    house.stage.stumble = RuntimeError("a defect")
    async with house.open() as scene:
        bystander = await scene.order("bystander")
        job = await scene.order()
        await scene.becomes(job, State.FAILED)
        await asyncio.sleep(0.02)  # it is told, and that fails
        house.finish("bystander")
        async with asyncio.timeout(0.5):
            assert (await scene.over(bystander)).state is State.DELIVERED


async def test_a_model_that_left_the_catalogue_loses_no_job_that_is_on_its_way(house: House) -> None:
    """The operator edits config/models.toml and starts again while a paid request is at fal."""
    house.plan()
    async with house.open() as scene:
        job = await scene.order()
        await scene.becomes(job, State.QUEUED)
    models = {name: model for name, model in house.catalogue.models.items() if name != "nano-banana-2"}
    house.catalogue = Catalogue(models=models, default_model="nano-banana")
    house.finish("a fox")
    async with house.open() as scene:
        done = await scene.over(job)
    assert (done.state, done.charged) == (State.DELIVERED, 8)


# --- what the progress message says ----------------------------------------------------------------


async def test_progress_follows_the_job_and_never_repeats_what_stands_there(house: House, scene: Scene) -> None:
    house.plan()
    house.intake.fetching = asyncio.Event()
    job = await scene.order(references=1)
    await scene.becomes(job, State.QUEUED)
    await until(lambda: scene.clock.asleep == 2)  # the line, and the progress message
    scene.clock.turn(1)
    await until(lambda: len(house.stage.shown) == 1)
    house.finish("a fox")
    await asyncio.sleep(0.01)
    scene.clock.turn(1)
    await asyncio.sleep(0.01)
    scene.clock.turn(1)
    await until(lambda: len(house.stage.shown) == 2)
    house.intake.fetching.set()
    await scene.over(job)
    generating, fetching = house.stage.phases(job)
    assert isinstance(generating, Generating)
    assert fetching == Fetching()
    assert scene.studio.first_phase(job) == Preparing()


async def test_the_message_is_edited_at_most_every_two_seconds_and_the_latest_wins(house: House) -> None:
    house.max_concurrent = 0
    async with house.open() as scene:
        *others, last = [await scene.order(str(n)) for n in range(12)]

        async def move_up(jobs: list[Job]) -> None:
            for job in jobs:
                scene.studio.cancel(job)
                await scene.over(job)
                scene.clock.turn(0.25)

        await move_up(others[:8])
        await asyncio.sleep(0.01)  # told, and held back for a second
        scene.clock.turn(1)
        await until(lambda: house.stage.phases(last))
        await move_up(others[8:])
        scene.clock.turn(0.25)
        await asyncio.sleep(0.01)
        assert len(house.stage.phases(last)) == 1
        scene.clock.turn(1)
        await until(lambda: len(house.stage.phases(last)) == 2)
    shown = [(at, phase) for at, job_id, phase in house.stage.shown if job_id == last.id]
    assert shown == [(NOON + 3, InLine(ahead=3, full=True)), (NOON + 5, InLine(ahead=0, full=True))]


async def test_a_cancel_shows_until_fal_confirms_it(house: House, scene: Scene) -> None:
    house.plan()
    house.fal.plan("a fox").cancels = False
    job = await scene.order()
    await scene.becomes(job, State.QUEUED)
    scene.studio.cancel(job)
    await scene.pass_time(lambda: house.stage.phases(job), step=1)
    assert house.stage.phases(job) == [Cancelling()]
    house.finish("a fox")
    await scene.over(job)


async def test_no_edit_comes_after_the_images(house: House, scene: Scene) -> None:
    """An edit that hangs at Discord is dropped, not waited for."""
    house.stage.showing = asyncio.Event()
    house.plan()
    job = await scene.order(references=1)
    await scene.becomes(job, State.QUEUED)
    await scene.pass_time(lambda: house.stage.shown, step=1)
    house.finish("a fox")
    await scene.over(job)
    shown = len(house.stage.shown)
    house.stage.showing.set()
    scene.clock.turn(60)
    await asyncio.sleep(0.01)
    assert len(house.stage.shown) == shown
    assert scene.clock.asleep == 0


async def test_while_the_images_wait_for_discord_nothing_is_shown_but_that_they_are_late(
    house: House, scene: Scene
) -> None:
    house.stage.posting = asyncio.Event()
    job = await scene.order()
    await scene.becomes(job, State.RENDERED)
    await until(lambda: scene.clock.asleep == 2)  # the line, and who tells that it is late
    scene.studio.cancel(job)
    scene.clock.turn(59)
    await asyncio.sleep(0.01)
    assert house.stage.phases(job) == []
    scene.clock.turn(1)
    await until(lambda: house.stage.phases(job) == [Late()])
    house.stage.posting.set()
    await scene.over(job)
    assert house.stage.phases(job) == [Late()]


async def test_a_last_word_in_the_messages_place_comes_after_the_edit_that_was_in_the_air(
    house: House, scene: Scene
) -> None:
    house.stage.showing = asyncio.Event()
    house.plan()
    job = await scene.order()
    await scene.becomes(job, State.QUEUED)
    scene.studio.cancel(job)
    await until(lambda: scene.clock.asleep == 2)  # the line, and the edit
    scene.clock.turn(1)
    await scene.becomes(job, State.CANCELLED)
    await until(lambda: house.stage.shown)
    await asyncio.sleep(0.01)
    assert house.stage.called_off == []
    house.stage.showing.set()
    await scene.over(job)
    assert [one.id for one in house.stage.called_off] == [job.id]


# --- an order that is withdrawn -------------------------------------------------------------------


async def test_an_order_whose_member_never_saw_an_answer_is_given_back(house: House, scene: Scene) -> None:
    job = await house.books.store.hold(a_job(), WIDE)
    await scene.studio.withdraw(job)
    gone = await scene.over(job)
    assert (gone.state, house.books.charged(job)) == (State.CANCELLED, NOTHING)
    assert house.stage.called_off == house.stage.told == []
