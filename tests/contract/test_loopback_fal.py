"""The loopback fal through the real fal-client over real HTTP, and its protocol by plain requests."""

import json
from decimal import Decimal
from typing import cast

import aiohttp
import fal_client
import httpx
import pytest
from loopback_fal_acts import EDIT, GENERATE, SMALL, Json, completed, result, submitted, uploaded

from bot.sandbox.fal_faults import Fault, Script, Step
from bot.sandbox.fal_queue import JobState
from bot.sandbox.fal_server import LoopbackFal

pytest_plugins = ["loopback_fal_fixtures"]


async def test_fal_client_submits_watches_and_fetches_a_result(
    fal: LoopbackFal, client: fal_client.AsyncClient
) -> None:
    fal.generation.seconds = 0.2
    handle = await client.submit(GENERATE, {"prompt": "a cat", "num_images": 2})
    seen = [type(status).__name__ async for status in handle.iter_events(with_logs=True, interval=0.02)]
    found = await handle.get()
    assert (seen[0], seen[-1]) == ("InProgress", "Completed")
    assert len(found["images"]) == 2
    assert found["description"] == ""
    assert fal.jobs[handle.request_id].units == Decimal(2)


async def test_a_handle_made_from_a_stored_id_finds_its_request(
    fal: LoopbackFal, client: fal_client.AsyncClient
) -> None:
    handle = await client.submit(GENERATE, {"prompt": "a cat"})
    found = await client.result(GENERATE, handle.request_id)
    assert found["images"][0]["url"].startswith(fal.url)


async def test_fal_client_uploads_a_picture_and_an_edit_uses_it(
    fal: LoopbackFal, client: fal_client.AsyncClient, picture: bytes
) -> None:
    url = await client.upload(picture, "image/png", "red.png", fallback_repository="fal_v3")
    found = await client.result(EDIT, (await client.submit(EDIT, {"prompt": "a hat", "image_urls": [url]})).request_id)
    assert url.endswith("/red.png")
    assert len(found["images"]) == 1
    assert len(fal.seen(Step.UPLOAD)) == 1


async def test_fal_client_sees_a_cancelled_request_as_completed_with_499(
    fal: LoopbackFal, client: fal_client.AsyncClient
) -> None:
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    handle = await client.submit(GENERATE, {"prompt": "a cat"})
    await handle.cancel()
    status = await handle.status()
    with pytest.raises(fal_client.FalClientHTTPError) as raised:
        _ = await handle.get()
    assert isinstance(status, fal_client.Completed)
    assert (status.error_type, raised.value.status_code) == ("client_cancelled", 499)
    assert fal.jobs[handle.request_id].cancelled
    assert fal.billed == {}


async def test_cancelling_a_completed_request_is_a_400(fal: LoopbackFal, client: fal_client.AsyncClient) -> None:
    handle = await client.submit(GENERATE, {"prompt": "a cat"})
    _ = await handle.get()
    with pytest.raises(fal_client.FalClientHTTPError) as raised:
        await handle.cancel()
    assert raised.value.status_code == 400
    assert raised.value.response.json() == {"status": "ALREADY_COMPLETED"}
    assert len(fal.billed) == 1


async def test_the_paid_post_of_an_unguarded_client_is_paid_again_when_its_answer_is_lost(
    fal: LoopbackFal, client: fal_client.AsyncClient
) -> None:
    fal.fail_next(Fault.SUBMIT_DROP_AFTER)
    handle = await client.submit(GENERATE, {"prompt": "a cat"})
    _ = await handle.get()
    for job in fal.jobs.values():
        await completed(job)
    assert len(fal.billed) == 2


async def test_a_dropped_submit_that_was_not_read_makes_no_job(fal: LoopbackFal, http: aiohttp.ClientSession) -> None:
    fal.fail_next(Fault.SUBMIT_DROP_BEFORE)
    with pytest.raises(aiohttp.ClientConnectionError):
        _ = await http.post(f"{fal.url}/{GENERATE}", json=SMALL)
    assert fal.jobs == {}


async def test_a_hanging_submit_has_made_its_job(fal: LoopbackFal, client: fal_client.AsyncClient) -> None:
    fal.fail_next(Fault.SUBMIT_HANG)
    client.default_timeout = 0.2
    with pytest.raises(httpx.TimeoutException):
        _ = await client.submit(GENERATE, {"prompt": "a cat"}, start_timeout=5)
    assert len(fal.jobs) == 1


@pytest.mark.parametrize(
    ("script", "code", "detail"),
    [
        (Script(fault=Fault.SUBMIT_ERROR, status=401), 401, "invalid key credentials"),
        (
            Script(fault=Fault.SUBMIT_LOCKED),
            403,
            "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing.",
        ),
        (Script(fault=Fault.SUBMIT_ERROR), 500, "Internal error"),
        (Script(fault=Fault.SUBMIT_ERROR, status=503), 503, "Runner scheduling failure"),
    ],
)
async def test_a_scripted_submit_error_reaches_fal_client_and_makes_no_job(
    fal: LoopbackFal, client: fal_client.AsyncClient, script: Script, code: int, detail: str
) -> None:
    fal.fail_next(script)
    with pytest.raises(fal_client.FalClientHTTPError) as raised:
        _ = await client.submit(GENERATE, {"prompt": "a cat"})
    assert (raised.value.status_code, raised.value.message) == (code, detail)
    assert fal.jobs == {}


@pytest.mark.parametrize(
    "script", [Script(fault=Fault.SUBMIT_INGRESS_ERROR), Script(fault=Fault.SUBMIT_ERROR, status=429)]
)
async def test_fal_client_tries_again_by_itself_after_a_refusal_that_made_nothing(
    fal: LoopbackFal, client: fal_client.AsyncClient, script: Script
) -> None:
    fal.fail_next(script)
    _ = await client.submit(GENERATE, {"prompt": "a cat"})
    assert (len(fal.seen(Step.SUBMIT)), len(fal.jobs)) == (2, 1)


async def test_a_submit_answers_in_queue_with_addresses_of_the_app(
    fal: LoopbackFal, http: aiohttp.ClientSession, picture: bytes
) -> None:
    body = {"prompt": "a hat", "image_urls": [await uploaded(http, fal, picture)]}
    async with http.post(f"{fal.url}/{EDIT}", json=body) as answer:
        told = cast("Json", await answer.json())
    address = f"{fal.url}/{GENERATE}/requests/{told['request_id']}"
    assert answer.headers["x-fal-request-id"] == told["request_id"]
    assert told == {
        "status": "IN_QUEUE",
        "request_id": told["request_id"],
        "response_url": address,
        "status_url": f"{address}/status",
        "cancel_url": f"{address}/cancel",
        "logs": None,
        "metrics": {},
        "queue_position": 0,
    }


async def test_only_so_many_run_at_once_and_the_others_know_their_place(
    fal: LoopbackFal, http: aiohttp.ClientSession
) -> None:
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS, times=2)
    jobs = [await submitted(http, fal, SMALL) for _ in range(4)]
    places: list[object] = []
    for job in jobs:
        async with http.get(f"{fal.url}/{GENERATE}/requests/{job.id}/status") as answer:
            told = cast("Json", await answer.json())
            places.append((answer.status, told["status"], told.get("queue_position")))
    fal.queue.cancel(jobs[0])
    await completed(jobs[3])
    assert places == [(202, "IN_PROGRESS", None)] * 2 + [(202, "IN_QUEUE", 0), (202, "IN_QUEUE", 1)]
    assert jobs[2].state is JobState.COMPLETED


@pytest.mark.parametrize("suffix", ["", "/response"])
@pytest.mark.parametrize("name", [GENERATE, EDIT])
async def test_a_result_is_served_under_the_app_the_full_id_and_the_documented_suffix(
    fal: LoopbackFal, http: aiohttp.ClientSession, picture: bytes, name: str, suffix: str
) -> None:
    job = await submitted(http, fal, {**SMALL, "image_urls": [await uploaded(http, fal, picture)]}, EDIT)
    await completed(job)
    async with http.get(f"{fal.url}/{name}/requests/{job.id}{suffix}") as answer:
        assert answer.status == 200
        assert answer.headers["X-Fal-Billable-Units"] == "0.75"
        assert answer.headers["x-fal-request-id"] == job.id


async def test_unknown_and_unfinished_requests_have_their_own_answers(
    fal: LoopbackFal, http: aiohttp.ClientSession
) -> None:
    fal.fail_next(Fault.RUN_STUCK_IN_QUEUE)
    job = await submitted(http, fal, SMALL)
    asked = [
        ("GET", f"{GENERATE}/requests/nothing/status", 404, {"status": "NOT_FOUND"}),
        ("GET", f"{GENERATE}/requests/nothing", 404, {"detail": "Request not found"}),
        ("PUT", f"{GENERATE}/requests/nothing/cancel", 404, {"status": "NOT_FOUND"}),
        ("GET", f"fal-ai/nano-banana/requests/{job.id}", 404, {"detail": "Request not found"}),
        ("GET", f"{GENERATE}/requests/{job.id}", 400, {"detail": "Request is still in progress"}),
        ("POST", "fal-ai/nano-banana-9", 404, {"detail": "Application not found"}),
    ]
    for method, path, code, body in asked:
        async with http.request(method, f"{fal.url}/{path}", json={} if method == "POST" else None) as answer:
            assert (answer.status, await answer.json()) == (code, body), path


async def test_the_stream_tells_every_change_and_ends_after_completed(
    fal: LoopbackFal, http: aiohttp.ClientSession
) -> None:
    fal.generation.seconds = 0.1
    fal.queue.concurrency = 1
    first, second = await submitted(http, fal, SMALL), await submitted(http, fal, SMALL)
    async with http.get(f"{fal.url}/{GENERATE}/requests/{second.id}/status/stream?logs=1") as answer:
        assert answer.content_type == "text/event-stream"
        lines = (await answer.text()).splitlines()
    told = [cast("Json", json.loads(line.removeprefix("data: "))) for line in lines if line]
    assert [each["status"] for each in told] == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert first.state is JobState.COMPLETED
    assert told[2]["logs"]


async def test_a_silent_stream_says_nothing_and_a_broken_one_stops_in_the_middle(
    fal: LoopbackFal, http: aiohttp.ClientSession
) -> None:
    job = await submitted(http, fal, SMALL)
    address = f"{fal.url}/{GENERATE}/requests/{job.id}/status/stream"
    for fault in (Fault.STREAM_REFUSED, Fault.STREAM_BROKEN, Fault.STREAM_SILENT):
        fal.fail_next(fault)
    async with http.get(address) as refused:
        assert refused.status == 404
    async with http.get(address) as broken:
        with pytest.raises(aiohttp.ClientPayloadError):
            _ = await broken.read()
    with pytest.raises(TimeoutError):
        async with http.get(address, timeout=aiohttp.ClientTimeout(sock_read=0.1)) as silent:
            _ = await silent.read()


async def test_a_request_that_waited_longer_than_its_start_timeout_ends_with_504(
    fal: LoopbackFal, http: aiohttp.ClientSession
) -> None:
    fal.fail_next(Fault.RUN_STUCK_IN_QUEUE)
    job = await submitted(http, fal, SMALL, **{"X-Fal-Request-Timeout": "0.05"})
    code, body = await result(http, fal, job)
    assert (code, body["error_type"]) == (504, "request_timeout")
    assert job.answer is not None
    assert job.answer.headers["X-Fal-Request-Timeout-Type"] == "user"
