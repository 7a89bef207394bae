"""A job outlives its process: restarts, stops, lost answers and deadlines."""

import asyncio
import sqlite3
from dataclasses import dataclass, replace

import pytest
from doubles import BOT_TOKEN, NOON, WIDE, FakeFal, a_job, a_picture, a_ticket, an_order, until
from scenes import House, Scene

from bot.adapters.persons import Persons
from bot.adapters.sealing import Seal
from bot.adapters.sqlite_store import SqliteStore
from bot.domain.errors import (
    ContentRefusedError,
    DeliveryError,
    FalDownError,
    GenerationTimeoutError,
    LostError,
    StoppingError,
    SubmitUnansweredError,
    packed,
)
from bot.domain.job import Job, State, Ticket
from bot.domain.ledger import FREE, Closing
from bot.domain.order import Request
from bot.service.alerts import Subject
from bot.service.ports import Resuming, Searching

ALL, NOTHING, OPERATOR = (8, 8), (0, 0), (0, 8)
"""What one order costs in the customer's and in the operator's book."""
UNANSWERED = SubmitUnansweredError(may_be_billed=True)


async def left_behind(house: House, state: State, prompt: str = "a fox", *, cancel_wanted: bool = False) -> Job:
    """A job as a dead process left it in the file."""
    save = house.books.store.save
    job = (await house.books.store.hold(a_job(an_order(prompt), token="t"), WIDE)).but(cancel_wanted=cancel_wanted)
    ticket = house.fal.knows(job.request, f"of-{prompt}")
    steps: dict[State, tuple[Job, Closing | None]] = {}
    submitting = job.to(State.SUBMITTING, submitted_at=NOON)
    queued = submitting.to(State.QUEUED, ticket=ticket)
    made = queued.to(State.RENDERED, pictures=(a_picture(),), rendered_at=NOON, charged=job.credits)
    steps[State.HELD] = job, None
    steps[State.SUBMITTING] = submitting, None
    steps[State.LOST] = submitting.to(State.LOST, error=packed(UNANSWERED)), None
    steps[State.QUEUED] = queued, None
    steps[State.RENDERED] = made, Closing(customer=job.credits, operator=job.credits)
    steps[State.DELIVERED] = made.to(State.DELIVERED, message_id=1), None
    steps[State.FAILED] = queued.to(State.FAILED, charged=0, error=packed(FalDownError())), FREE
    steps[State.CANCELLED] = job.to(State.CANCELLED, charged=0), FREE
    ways: dict[State, tuple[State, ...]] = {
        State.LOST: (State.SUBMITTING,),
        State.QUEUED: (State.SUBMITTING,),
        State.RENDERED: (State.SUBMITTING, State.QUEUED),
        State.DELIVERED: (State.SUBMITTING, State.QUEUED, State.RENDERED),
        State.FAILED: (State.SUBMITTING, State.QUEUED),
    }
    for one in (*ways.get(state, ()), state):
        await save(*steps[one])
    return steps[state][0]


# --- restart --------------------------------------------------------------------------------------


async def test_an_order_that_was_only_held_is_made_after_a_restart(house: House) -> None:
    job = await left_behind(house, State.HELD)
    async with house.open() as scene:
        done = await scene.over(job)
    assert (done.state, house.books.charged(job)) == (State.DELIVERED, ALL)
    assert house.fal.prompts == ["a fox"]


async def test_a_request_at_fal_is_watched_on_and_not_sent_again(house: House) -> None:
    job = await left_behind(house, State.QUEUED)
    async with house.open() as scene:
        done = await scene.over(job)
    assert (done.state, house.books.charged(job)) == (State.DELIVERED, ALL)
    assert house.fal.submitted == []


async def test_finished_images_are_delivered_and_not_paid_again(house: House) -> None:
    job = await left_behind(house, State.RENDERED)
    async with house.open() as scene:
        done = await scene.over(job)
    assert (done.state, house.books.charged(job)) == (State.DELIVERED, ALL)
    assert (house.fal.submitted, house.intake.collected) == ([], [])
    assert house.stage.looked_first == [True]


async def test_a_job_caught_submitting_becomes_lost_and_is_never_sent_again(house: House) -> None:
    job = await left_behind(house, State.SUBMITTING)
    async with house.open() as scene:
        lost = await scene.becomes(job, State.LOST)
        assert house.books.entries(lost) == {book: [("hold", 8)] for book in ("customer", "operator")}
        await scene.pass_time(lambda: house.books.state_of(job) == State.FAILED)
        await scene.over(job)
    assert house.fal.submitted == []
    assert house.books.charged(job) == OPERATOR
    assert house.told() == [(job.id, LostError)]


async def test_a_lost_job_is_looked_for_again_after_a_restart(house: House) -> None:
    job = await left_behind(house, State.LOST)
    house.fal.listed = [a_ticket("found")]
    async with house.open() as scene:
        await scene.pass_time(lambda: house.stage.delivered)
        done = await scene.over(job)
    assert (done.state, done.error, house.books.charged(job)) == (State.DELIVERED, None, ALL)
    assert house.fal.submitted == []


async def test_a_real_death_in_the_middle_of_a_submit_is_a_lost_request(house: House) -> None:
    house.fal.plan("a fox").answering = asyncio.Event()
    async with house.open() as scene:
        job = await scene.order()
        await until(lambda: house.fal.submitted)
    assert house.books.state_of(job) == State.SUBMITTING
    async with house.open() as scene:
        await scene.becomes(job, State.LOST)
    assert house.fal.prompts == ["a fox"]


async def test_a_wish_to_cancel_outlives_the_process(house: House) -> None:
    job = await left_behind(house, State.QUEUED, cancel_wanted=True)
    house.plan()
    async with house.open() as scene:
        assert (await scene.over(job)).state is State.CANCELLED
    assert house.fal.cancels == ["of-a fox"]
    assert house.books.charged(job) == NOTHING


async def test_what_is_at_fal_already_takes_its_place_before_new_orders(house: House) -> None:
    house.max_concurrent = 1
    house.plan("old")
    old = await left_behind(house, State.QUEUED, "old")
    async with house.open() as scene:
        new = await scene.order("new")
        await scene.becomes(old, State.QUEUED)
        await asyncio.sleep(0.02)
        assert house.fal.prompts == []
        house.finish("old")
        await scene.over(old)
        await scene.over(new)
    assert house.fal.prompts == ["new"]


@pytest.mark.parametrize("state", [State.SUBMITTING, State.LOST, State.QUEUED])
async def test_what_is_or_may_be_at_fal_has_its_place_before_who_waited_longer(state: State, house: House) -> None:
    house.max_concurrent = 1
    house.plan("at fal")
    waits = await left_behind(house, State.HELD, "waits")
    at_fal = await left_behind(house, state, "at fal")
    async with house.open() as scene:
        await asyncio.sleep(0.02)
        assert house.fal.prompts == []
        if state is State.QUEUED:
            house.finish("at fal")
        else:
            await scene.becomes(at_fal, State.LOST)
            scene.clock.turn(20)
        await scene.over(waits)


async def test_waiting_orders_keep_their_order_of_arrival_over_a_restart(house: House) -> None:
    house.max_concurrent = 1
    jobs = [await left_behind(house, State.HELD, name) for name in ("1", "2", "3")]
    async with house.open() as scene:
        for job in jobs:
            await scene.over(job)
    assert house.fal.prompts == ["1", "2", "3"]


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED, State.DELIVERED])
async def test_a_last_word_that_was_not_said_is_said_after_a_restart(state: State, house: House) -> None:
    job = await left_behind(house, state)
    async with house.open() as scene:
        done = await scene.over(job)
    assert done.state is state
    assert [one.id for one in house.stage.cleared] == ([job.id] if state is State.DELIVERED else [])
    assert [one.id for one in house.stage.called_off] == ([job.id] if state is State.CANCELLED else [])
    assert house.told() == ([(job.id, FalDownError)] if state is State.FAILED else [])
    assert house.stage.told_again == [True] * len(house.stage.told)


async def test_a_delivery_that_was_not_written_down_in_passing_is_written_down_after_all(
    house: House, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Job) -> asyncio.Future[None]:
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        never.set_exception(sqlite3.OperationalError("database or disk is full"))
        return never

    monkeypatch.setattr(house.store, "save_soon", full)
    job = await scene.order()
    done = await scene.over(job)
    assert (done.state, done.message_id) == (State.DELIVERED, 900_001)


async def test_a_last_word_that_was_said_is_not_said_again(house: House) -> None:
    for state in (State.FAILED, State.CANCELLED, State.DELIVERED):
        job = await left_behind(house, state)
        await house.books.store.save(job.but(told=True))
    async with house.open() as scene:
        await scene.over(await scene.order("bystander"))
    assert house.stage.told == house.stage.called_off == []
    assert [job.order.prompt for job in house.stage.cleared] == ["bystander"]


async def test_what_could_be_posted_nowhere_is_not_tried_at_every_start(house: House) -> None:
    job = await left_behind(house, State.RENDERED)
    await house.books.store.save(job.but(error=packed(DeliveryError())))
    async with house.open() as scene:
        await scene.over(await scene.order("bystander"))
    assert [one.order.prompt for one in house.stage.delivered] == ["bystander"]


async def test_a_free_retry_that_was_used_stays_used_over_a_restart(house: House) -> None:
    job = await left_behind(house, State.HELD)
    await house.books.store.save(job.but(retried=True, wasted=8))
    house.fal.plan("a fox").endings = [ContentRefusedError()]
    async with house.open() as scene:
        failed = await scene.over(job)
    assert (failed.state, len(house.fal.submitted)) == (State.FAILED, 1)
    assert house.books.charged(job) == OPERATOR


async def test_an_order_that_waited_too_long_while_the_bot_was_away_is_given_back(house: House) -> None:
    job = await left_behind(house, State.HELD)
    house.clock.now += 2 * 3600
    async with house.open() as scene:
        assert (await scene.over(job)).state is State.FAILED
    assert (house.fal.submitted, house.books.charged(job)) == ([], NOTHING)


# --- the answer never came ------------------------------------------------------------------------


async def test_an_unanswered_submit_that_is_found_at_fal_is_delivered(house: House, scene: Scene) -> None:
    house.fal.plan("a fox").refusals = [UNANSWERED]
    house.fal.listed = [None, FalDownError(), a_ticket("found")]
    job = await scene.order()
    await scene.becomes(job, State.LOST)
    assert house.books.entries(job) == {book: [("hold", 8)] for book in ("customer", "operator")}
    await scene.pass_time(lambda: house.stage.delivered, step=20)
    done = await scene.over(job)
    assert (done.state, done.ticket, done.error) == (State.DELIVERED, a_ticket("found"), None)
    assert house.books.charged(job) == ALL
    assert house.fal.prompts == ["a fox"]
    assert house.fal.looks == [(NOON - 60, NOON + 180)] * 3
    assert house.stage.told == []
    await until(lambda: scene.news == [(Subject.LOST, True), (Subject.LOST, False)])


async def test_an_unanswered_submit_that_is_never_found_is_free_for_the_member_and_counted_for_the_operator(
    house: House, scene: Scene
) -> None:
    house.fal.plan("a fox").refusals = [UNANSWERED]
    job = await scene.order()
    await scene.pass_time(lambda: house.books.state_of(job) == State.FAILED)
    assert house.books.charged(job) == OPERATOR
    await scene.over(job)
    assert house.told() == [(job.id, LostError)]
    assert house.fal.prompts == ["a fox"]
    assert scene.clock.now - NOON >= 3600
    assert len(house.fal.looks) >= 5


@dataclass(slots=True)
class TwinFal(FakeFal):
    """Lists two requests alike."""

    async def find(self, request: Request, since: float, until: float) -> tuple[Ticket, ...]:
        self.looks.append((since, until))
        return self.knows(request, "one"), self.knows(request, "other")


async def test_of_two_requests_that_may_be_the_lost_one_neither_is_taken(house: House) -> None:
    house.fal = TwinFal()
    house.fal.plan("a fox").refusals = [UNANSWERED]
    async with house.open() as scene:
        job = await scene.order()
        await scene.pass_time(lambda: house.books.state_of(job) == State.FAILED)
        await scene.over(job)
    assert house.told() == [(job.id, LostError)]


async def test_a_request_found_after_its_deadline_is_delivered_all_the_same(house: House, scene: Scene) -> None:
    house.fal.plan("a fox").refusals = [UNANSWERED]
    house.fal.listed = [None, None, None, None, None, None, a_ticket("found")]
    job = await scene.order()
    await scene.pass_time(lambda: house.stage.delivered, step=120)
    assert (await scene.over(job)).state is State.DELIVERED
    assert scene.clock.now - NOON > 15 * 60


async def test_a_lost_request_says_that_it_is_looked_for_and_holds_nobody_up_for_longer_than_it_may_run(
    house: House,
) -> None:
    house.max_concurrent = 1
    house.fal.plan("lost").refusals = [UNANSWERED]
    async with house.open() as scene:
        lost = await scene.order("lost")
        await scene.becomes(lost, State.LOST)
        bystander = await scene.order("bystander")
        scene.clock.turn(19)  # of 20
        await until(lambda: house.stage.phases(lost) == [Searching()])
        await asyncio.sleep(0.01)
        assert house.fal.prompts == ["lost"]
        scene.clock.turn(1)
        await scene.over(bystander)


class StumblingStore(SqliteStore):
    """Cannot write down fal's receipt of the first request."""

    stumbled = False

    async def save(self, job: Job, closing: Closing | None = None) -> None:
        if job.state is State.QUEUED and not self.stumbled:
            self.stumbled = True
            raise sqlite3.OperationalError("database is locked")
        await super().save(job, closing)


async def test_a_receipt_that_could_not_be_written_down_loses_no_images(house: House) -> None:
    """A write that fails is no word from fal: the request is there, and may be paid."""
    house.store = StumblingStore(house.books.database, Seal(BOT_TOKEN), Persons(BOT_TOKEN), house.clock)
    house.fal.listed = [a_ticket("r1")]
    async with house.open() as scene:
        job = await scene.order()
        await scene.pass_time(lambda: house.books.state_of(job) in {State.DELIVERED, State.FAILED}, step=5)
    assert house.books.state_of(job) == State.DELIVERED
    assert house.fal.prompts == ["a fox"]


class LingeringStore(SqliteStore):
    """Writes that a member was told, and takes its time to say that it is written."""

    lingering: asyncio.Event

    async def save(self, job: Job, closing: Closing | None = None) -> None:
        await super().save(job, closing)
        if job.told and job.state is State.RENDERED:
            await self.lingering.wait()


async def test_images_fetched_while_their_job_is_just_ending_count_as_delivered(house: House) -> None:
    store = LingeringStore(house.books.database, Seal(BOT_TOKEN), Persons(BOT_TOKEN), house.clock)
    store.lingering = asyncio.Event()
    house.store, house.stage.refuse = store, DeliveryError()
    async with house.open() as scene:
        job = await scene.order()
        told = await scene.over(job)
        assert told.state is State.RENDERED
        await scene.studio.fetched(told)
        assert (await scene.stored(job)).state is State.DELIVERED
        store.lingering.set()
    assert house.books.state_of(job) == State.DELIVERED


# --- deadlines ------------------------------------------------------------------------------------


async def overdue(house: House) -> Job:
    """A request that has been at fal for longer than its model's deadline, and that fal still works on."""
    house.plan()
    job = await left_behind(house, State.QUEUED)
    house.clock.now += 15 * 60 + 1
    return job


async def test_a_request_past_its_deadline_is_cancelled_at_fal_and_free(house: House) -> None:
    job = await overdue(house)
    async with house.open() as scene:
        failed = await scene.over(job)
    assert (failed.state, house.books.charged(job)) == (State.FAILED, NOTHING)
    assert house.fal.cancels == ["of-a fox"]
    assert house.told() == [(job.id, GenerationTimeoutError)]


async def test_without_fals_word_a_request_past_its_deadline_counts_for_the_operator(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.service.generation.CANCEL_GRACE", 0.05)
    job = await overdue(house)
    house.fal.plan("a fox").cancels = False
    async with house.open() as scene:
        failed = await scene.over(job)
    assert (failed.state, house.books.charged(job)) == (State.FAILED, OPERATOR)
    assert house.told() == [(job.id, GenerationTimeoutError)]


async def test_images_that_come_in_spite_of_the_deadline_are_delivered(house: House) -> None:
    job = await overdue(house)
    house.fal.plan("a fox").cancels = False
    async with house.open() as scene:
        await until(lambda: house.fal.cancels)
        house.finish("a fox")
        done = await scene.over(job)
    assert (done.state, house.books.charged(job)) == (State.DELIVERED, ALL)


async def test_a_request_runs_into_its_deadline_while_it_is_watched(house: House) -> None:
    model = house.catalogue.model("nano-banana-2")
    models = dict(house.catalogue.models) | {model.name: replace(model, deadline=0.05)}
    house.catalogue = replace(house.catalogue, models=models)
    house.plan()
    async with house.open() as scene:
        failed = await scene.over(await scene.order())
    assert (failed.state, house.fal.cancels) == (State.FAILED, ["r1"])


# --- stop -----------------------------------------------------------------------------------------


async def test_a_stop_waits_for_a_submit_in_progress(house: House, scene: Scene) -> None:
    house.plan()
    house.fal.plan("a fox").answering = answering = asyncio.Event()
    job = await scene.order()
    await until(lambda: house.fal.submitted)
    stop = asyncio.create_task(scene.studio.stop())
    await asyncio.sleep(0.02)
    assert not stop.done()
    answering.set()
    await stop
    assert house.books.state_of(job) == State.QUEUED


async def test_a_stop_waits_for_the_last_of_several_steps(house: House, scene: Scene) -> None:
    answering = dict[str, asyncio.Event]()
    for prompt in ("slow", "quick"):
        house.plan(prompt)
        house.fal.plan(prompt).answering = answering[prompt] = asyncio.Event()
    slow, quick = await scene.order("slow"), await scene.order("quick")
    await until(lambda: len(house.fal.submitted) == 2)
    stop = asyncio.create_task(scene.studio.stop())
    answering["quick"].set()
    await scene.becomes(quick, State.QUEUED)
    await asyncio.sleep(0.02)
    assert not stop.done()
    answering["slow"].set()
    await stop
    assert house.books.state_of(slow) == State.QUEUED


async def test_a_stop_waits_for_images_that_are_being_posted(house: House, scene: Scene) -> None:
    house.stage.posting = posting = asyncio.Event()
    began = asyncio.Event()
    house.stage.at_deliver = began.set
    job = await scene.order()
    await began.wait()
    stop = asyncio.create_task(scene.studio.stop())
    await asyncio.sleep(0.02)
    assert not stop.done()
    posting.set()
    await stop
    assert house.books.state_of(job) == State.DELIVERED


async def test_a_stop_does_not_wait_for_ever(house: House, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.service.studio.STOP_GRACE", 0.05)
    monkeypatch.setattr("bot.service.studio.GOODBYE_GRACE", 0.05)
    house.stage.showing = asyncio.Event()
    house.fal.plan("a fox").answering = asyncio.Event()
    job = await scene.order()
    await until(lambda: house.fal.submitted)
    async with asyncio.timeout(2):
        await scene.studio.stop()
    assert house.books.state_of(job) == State.SUBMITTING


async def test_nothing_new_begins_once_the_bot_stops(house: House) -> None:
    house.max_concurrent = 1
    house.plan("1")
    async with house.open() as scene:
        first = await scene.order("1")
        waiting = await scene.order("2")
        await scene.becomes(first, State.QUEUED)
        await scene.studio.stop()
        with pytest.raises(StoppingError):
            scene.studio.check_open()
        house.finish("1")
        await scene.becomes(first, State.RENDERED)
        await asyncio.sleep(0.02)
        assert (house.books.state_of(first), house.books.state_of(waiting)) == (State.RENDERED, State.HELD)
    async with house.open() as scene:
        await scene.over(first)
        await scene.over(waiting)
    assert house.fal.prompts == ["1", "2"]


async def test_whoever_waits_hears_that_the_work_goes_on_later(house: House, scene: Scene) -> None:
    house.plan()
    job = await scene.order()
    await scene.becomes(job, State.QUEUED)
    await scene.studio.stop()
    assert house.stage.phases(job) == [Resuming()]
