"""The ImageBackend port over the real fal adapter and real HTTP: watching, cancelling, finding what was lost."""

import time
from pathlib import Path

import pytest
from fal_backend_acts import TEXT, Pauses, backend_at, failure, made, nothing, ordered, seen, simple
from hostile_server import Conduct, HostileServer, answer
from loopback_fal_acts import completed

from bot.adapters.fal import Fal, ticket_from_id
from bot.domain.errors import (
    CancelledAtFalError,
    EndpointGoneError,
    FalDownError,
    SubmitUnansweredError,
)
from bot.domain.order import Choices, Request
from bot.sandbox.fal_answers import Answer
from bot.sandbox.fal_faults import Fault, Script, Step
from bot.sandbox.fal_queue import LoopbackJob
from bot.sandbox.fal_server import LoopbackFal
from bot.service.ports import Completed, InProgress, InQueue

pytest_plugins = ["loopback_fal_fixtures", "fal_backend_fixtures"]


# --- watching -------------------------------------------------------------------------------------


async def test_a_watch_tells_every_change_once_and_ends_with_completed(
    backend: Fal, keyed_fal: LoopbackFal, pauses: Pauses
) -> None:
    keyed_fal.queue.concurrency = 1
    keyed_fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS, times=3)
    tickets = [await backend.submit(simple(f"number {number}")) for number in range(3)]
    jobs = list(keyed_fal.jobs.values())

    pauses.meanwhile = [
        nothing,
        lambda: keyed_fal.queue.cancel(jobs[0]),
        nothing,
        lambda: keyed_fal.queue.cancel(jobs[1]),
        nothing,
        lambda: keyed_fal.queue.cancel(jobs[2]),
    ]
    assert await seen(backend, tickets[2]) == [InQueue(1), InQueue(0), InProgress(), Completed()]
    assert pauses.slept == pytest.approx([0.5, 0.65, 0.845, 1.0985, 1.42805, 1.856465])


async def test_looks_are_never_further_apart_than_two_seconds(
    backend: Fal, keyed_fal: LoopbackFal, pauses: Pauses
) -> None:
    keyed_fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    ticket = await backend.submit(simple())
    pauses.meanwhile = [nothing] * 12 + [lambda: keyed_fal.queue.cancel(keyed_fal.jobs[ticket.request_id])]
    assert await seen(backend, ticket) == [InProgress(), Completed()]
    assert max(pauses.slept) == 2.0


@pytest.mark.parametrize(
    ("script", "times"),
    [
        (Script(fault=Fault.STATUS_ERROR, status=500), 12),
        (Script(fault=Fault.STATUS_ERROR, status=429), 12),
        (Script(fault=Fault.STATUS_ERROR, status=400), 2),
        (Script(fault=Fault.STATUS_INGRESS_ERROR, status=502), 12),
        (Script(fault=Fault.STATUS_INGRESS_ERROR), 12),
        (Script(fault=Fault.STATUS_DROP), 24),
        (Script(fault=Fault.STATUS_ERROR, status=404), 9),
    ],
    ids=lambda one: f"{one.fault}-{one.status}" if isinstance(one, Script) else "",
)
async def test_troubles_of_the_status_that_pass_are_waited_out(
    backend: Fal, keyed_fal: LoopbackFal, pauses: Pauses, script: Script, times: int
) -> None:
    ticket, _ = await made(backend, keyed_fal, simple())
    keyed_fal.fail_next(script, times=times)
    assert await seen(backend, ticket) == [Completed()]
    assert keyed_fal.faults.waiting == []
    assert all(0.5 <= pause <= 10.0 for pause in pauses.slept)


async def test_an_unknown_request_is_gone_after_ten_looks_and_not_at_once(
    backend: Fal, keyed_fal: LoopbackFal, pauses: Pauses
) -> None:
    with pytest.raises(EndpointGoneError) as raised:
        await seen(backend, ticket_from_id(TEXT, "nobody", keyed_fal.url))
    assert raised.value.may_be_billed
    assert len(keyed_fal.seen(Step.STATUS)) == 10
    assert sum(pauses.slept) > 60


async def test_only_looks_in_a_row_make_a_request_unknown(backend: Fal, keyed_fal: LoopbackFal) -> None:
    ticket, _ = await made(backend, keyed_fal, simple())
    for status in (*[404] * 9, 503, *[404] * 9):
        keyed_fal.fail_next(Script(fault=Fault.STATUS_ERROR, status=status))
    assert await seen(backend, ticket) == [Completed()]


@pytest.mark.parametrize("said", [b"", b"[]", b'{"status": null}', b"\xff\xfe", b"<html>nginx</html>", b"[" * 100_000])
async def test_a_status_that_cannot_be_read_is_a_trouble_that_passes(pauses: Pauses, said: bytes) -> None:
    async with (
        HostileServer(Conduct(says=answer(200, said)), Conduct(says=answer(200, {"status": "COMPLETED"}))) as server,
        backend_at(server.url, pauses) as backend,
    ):
        assert await seen(backend, ticket_from_id(TEXT, "r-1", server.url)) == [Completed()]


@pytest.mark.parametrize(
    "odd",
    [
        {"error": {"type": "runner_disconnected"}},
        {"error": ["no"]},
        {"queue_position": "soon"},
        {"queue_position": 1.5},
        {"logs": 7, "metrics": []},
    ],
    ids=str,
)
async def test_what_is_odd_beside_the_status_does_not_hide_that_a_request_is_done(
    pauses: Pauses, odd: dict[str, object]
) -> None:
    """Otherwise it would be watched for ever, and what was paid never fetched."""
    async with (
        HostileServer(Conduct(says=answer(200, {"status": "COMPLETED", **odd}))) as server,
        backend_at(server.url, pauses) as backend,
    ):
        assert await seen(backend, ticket_from_id(TEXT, "r-1", server.url)) == [Completed()]


@pytest.mark.parametrize(("said", "ahead"), [(3, 3), (0, 0), (None, None), (-2, None), ("3", None), (2.5, None)])
async def test_a_place_in_fals_queue_that_is_no_number_of_requests_is_not_told(
    pauses: Pauses, said: object, ahead: int | None
) -> None:
    queued, done = {"status": "IN_QUEUE", "queue_position": said}, {"status": "COMPLETED"}
    async with (
        HostileServer(Conduct(says=answer(202, queued)), Conduct(says=answer(200, done))) as server,
        backend_at(server.url, pauses) as backend,
    ):
        told = await seen(backend, ticket_from_id(TEXT, "r-1", server.url))
    assert told == [InQueue(ahead), Completed()]


# --- cancelling -----------------------------------------------------------------------------------


async def test_a_confirmed_cancel_is_the_result(backend: Fal, keyed_fal: LoopbackFal) -> None:
    keyed_fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    ticket = await backend.submit(simple())
    await backend.cancel(ticket)
    assert (await seen(backend, ticket))[-1] == Completed()
    error = await failure(backend, ticket)
    assert (type(error), error.may_be_billed) == (CancelledAtFalError, False)
    assert keyed_fal.billed == {}


async def test_after_a_cancel_that_fal_ignores_the_images_come(backend: Fal, keyed_fal: LoopbackFal) -> None:
    keyed_fal.generation.seconds = 0.1
    keyed_fal.fail_next(Fault.CANCEL_IGNORED)
    ticket = await backend.submit(simple())
    await backend.cancel(ticket)
    await completed(keyed_fal.jobs[ticket.request_id])
    assert len((await backend.result(ticket)).images) == 1


async def test_a_cancel_that_comes_too_late_is_no_error_and_the_images_stay(
    backend: Fal, keyed_fal: LoopbackFal
) -> None:
    ticket, _ = await made(backend, keyed_fal, simple())
    await backend.cancel(ticket)
    assert len((await backend.result(ticket)).images) == 1


async def test_a_cancel_of_a_request_that_fal_does_not_know_is_no_error(backend: Fal, keyed_fal: LoopbackFal) -> None:
    await backend.cancel(ticket_from_id(TEXT, "nobody", keyed_fal.url))
    assert len(keyed_fal.seen(Step.CANCEL)) == 1


async def test_a_cancel_whose_connection_drops_is_sent_again(backend: Fal, keyed_fal: LoopbackFal) -> None:
    keyed_fal.fail_next(Fault.RUN_STUCK_IN_QUEUE)
    keyed_fal.fail_next(Fault.CANCEL_DROP, times=2)
    ticket = await backend.submit(simple())
    await backend.cancel(ticket)
    assert keyed_fal.jobs[ticket.request_id].cancelled


async def test_a_cancel_that_fal_did_not_hear_says_so(backend: Fal, keyed_fal: LoopbackFal) -> None:
    keyed_fal.fail_next(Fault.RUN_STUCK_IN_QUEUE)
    ticket = await backend.submit(simple())
    keyed_fal.fail_next(Fault.CANCEL_ERROR)
    with pytest.raises(FalDownError):
        await backend.cancel(ticket)
    keyed_fal.fail_next(Fault.CANCEL_DROP, times=20)  # fal-client tries ten times, aiohttp each of them twice
    with pytest.raises(FalDownError):
        await backend.cancel(ticket)
    assert not keyed_fal.jobs[ticket.request_id].cancelled


# --- finding what was lost ------------------------------------------------------------------------


async def lost(backend: Fal, keyed_fal: LoopbackFal, request: Request) -> LoopbackJob:
    """A request that arrived at fal and whose answer did not."""
    keyed_fal.fail_next(Fault.SUBMIT_DROP_AFTER)
    with pytest.raises(SubmitUnansweredError):
        await backend.submit(request)
    return list(keyed_fal.jobs.values())[-1]


def window() -> tuple[float, float]:
    """A minute before and after now, in unix seconds."""
    return time.time() - 60, time.time() + 60


async def test_a_request_whose_answer_was_lost_is_found_and_its_images_come_without_a_second_payment(
    backend: Fal, keyed_fal: LoopbackFal
) -> None:
    for number in range(3):
        await made(backend, keyed_fal, simple(f"number {number}"))
    job = await lost(backend, keyed_fal, simple())
    await completed(job)
    [ticket] = await backend.find(simple(), *window())
    assert ticket == ticket_from_id(TEXT, job.id, keyed_fal.url)
    assert await seen(backend, ticket) == [Completed()]
    assert len((await backend.result(ticket)).images) == 1
    assert len(keyed_fal.billed) == 4


async def test_a_lost_edit_is_found_by_its_pictures_too(
    backend: Fal, keyed_fal: LoopbackFal, picture_file: Path
) -> None:
    requests = [
        ordered("nano-banana-2", Choices(), pictures=1).with_pictures([await backend.upload(picture_file, "image/png")])
        for _ in range(2)
    ]
    jobs = [await lost(backend, keyed_fal, request) for request in requests]
    for job in jobs:
        await completed(job)
    tickets = [await backend.find(request, *window()) for request in requests]
    assert [[one.request_id for one in found] for found in tickets] == [[job.id] for job in jobs]


async def test_a_lost_request_that_fal_does_not_list_yet_is_found_later(backend: Fal, keyed_fal: LoopbackFal) -> None:
    keyed_fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    job = await lost(backend, keyed_fal, simple())
    assert await backend.find(simple(), *window()) == ()
    keyed_fal.queue.cancel(job)
    assert len(await backend.find(simple(), *window())) == 1


async def test_all_requests_that_fit_are_found(backend: Fal, keyed_fal: LoopbackFal) -> None:
    request = simple(images=2)  # several images have no seed of ours that tells them apart
    for _ in range(2):
        await made(backend, keyed_fal, request)
    assert len(await backend.find(request, *window())) == 2


async def test_nothing_else_is_taken_for_the_lost_request(backend: Fal, keyed_fal: LoopbackFal) -> None:
    begun = time.time()
    ticket, _ = await made(backend, keyed_fal, simple())
    ended = time.time()
    near = [
        simple("a quiet harbor"),
        simple(images=2),
        Request(endpoint=TEXT, arguments={**simple().arguments, "seed": 42}, images=1),
        ordered("nano-banana-pro", Choices()),
    ]
    assert [await backend.find(request, *window()) for request in near] == [()] * 4
    assert await backend.find(simple(), begun - 60, begun - 1) == ()
    assert await backend.find(simple(), ended + 1, ended + 60) == ()
    assert await backend.find(simple(), begun - 1, ended + 1) == (ticket,)


async def test_every_page_of_the_list_is_read(backend: Fal, keyed_fal: LoopbackFal) -> None:
    ticket, _ = await made(backend, keyed_fal, simple())
    for number in range(210):
        job = LoopbackJob(endpoint=TEXT, arguments={"prompt": f"number {number}"})
        keyed_fal.queue.jobs[job.id] = job
        keyed_fal.queue.end(job, Answer(status=200, body={}))
    assert await backend.find(simple(), *window()) == (ticket,)
    assert len(keyed_fal.seen(Step.LISTING)) == 3


async def test_a_list_that_cannot_be_read_says_so(backend: Fal, keyed_fal: LoopbackFal, pauses: Pauses) -> None:
    keyed_fal.fail_next(Fault.LISTING_ERROR)
    with pytest.raises(FalDownError):
        await backend.find(simple(), *window())
    for said in (b"", b"[]", b'{"items": 7}', b"<html>nginx</html>"):
        async with HostileServer(Conduct(says=answer(200, said))) as server, backend_at(server.url, pauses) as other:
            with pytest.raises(FalDownError):
                await other.find(simple(), *window())


@pytest.mark.parametrize(
    "odd", [None, 7, {}, {"request_id": None}, {"request_id": "r-2", "json_input": "text"}], ids=str
)
async def test_an_entry_of_the_list_that_cannot_be_read_hides_no_lost_request(pauses: Pauses, odd: object) -> None:
    ours = {"request_id": "r-1", "json_input": dict(simple().arguments)}
    page = {"items": [odd, ours], "next_cursor": None, "has_more": False}
    async with HostileServer(Conduct(says=answer(200, page))) as server, backend_at(server.url, pauses) as backend:
        assert [one.request_id for one in await backend.find(simple(), *window())] == ["r-1"]


async def test_what_fal_adds_to_its_record_does_not_hide_a_lost_request(backend: Fal, keyed_fal: LoopbackFal) -> None:
    job = await lost(backend, keyed_fal, simple())
    await completed(job)
    job.arguments["added_by_fal"] = True
    job.arguments["aspect_ratio"] = "spelled otherwise"  # the seed of ours and the prompt still tell
    [ticket] = await backend.find(simple(), *window())
    assert ticket.request_id == job.id
