"""Everything that can be made to go wrong at the loopback fal, as a client sees it."""

import asyncio
import time
from decimal import Decimal
from typing import cast

import aiohttp
import pytest
from loopback_fal_acts import GENERATE, SMALL, Json, completed, result, submitted

from bot.sandbox.fal_faults import PHRASES, Fault, Script, Step, said
from bot.sandbox.fal_server import LoopbackFal

pytest_plugins = ["loopback_fal_fixtures"]


@pytest.mark.parametrize(
    ("script", "code", "kind"),
    [
        (Script(fault=Fault.RUN_NO_MEDIA), 422, "no_media_generated"),
        (Script(fault=Fault.RUN_CONTENT_POLICY), 422, "content_policy_violation"),
        (Script(fault=Fault.RUN_MODEL_ERROR, error_type="image_too_large"), 422, "image_too_large"),
        (Script(fault=Fault.RUN_MODEL_ERROR, error_type="generation_timeout"), 504, "generation_timeout"),
        (Script(fault=Fault.RUN_REQUEST_ERROR), 500, "runner_server_error"),
        (Script(fault=Fault.RUN_REQUEST_ERROR, error_type="startup_timeout"), 504, "startup_timeout"),
    ],
)
async def test_a_failed_generation_completes_and_fails_at_the_result(
    fal: LoopbackFal, http: aiohttp.ClientSession, script: Script, code: int, kind: str
) -> None:
    fal.fail_next(script)
    job = await submitted(http, fal, SMALL)
    told, body = await result(http, fal, job)
    detail = body["detail"]
    found = cast("list[Json]", detail)[0]["type"] if isinstance(detail, list) else body["error_type"]
    assert (told, found) == (code, kind)
    async with http.get(f"{fal.url}/{GENERATE}/requests/{job.id}/status") as answer:
        status = cast("Json", await answer.json())
    assert (answer.status, status["status"], status["error_type"]) == (200, "COMPLETED", kind)
    assert fal.billed == {}


async def test_a_refusal_is_charged_only_when_the_script_says_so(fal: LoopbackFal, http: aiohttp.ClientSession) -> None:
    fal.fail_next(Script(fault=Fault.RUN_NO_MEDIA, billed=True))
    job = await submitted(http, fal, {"prompt": "a cat", "num_images": 3})
    await completed(job)
    async with http.get(f"{fal.url}/{GENERATE}/requests/{job.id}") as answer:
        assert answer.headers["X-Fal-Billable-Units"] == "3"
    assert fal.billed == {job.id: Decimal(3)}
    assert fal.spent == Decimal("0.24")


async def test_fewer_images_are_charged_as_made_and_an_empty_list_is_not(
    fal: LoopbackFal, http: aiohttp.ClientSession
) -> None:
    fal.fail_next(Script(fault=Fault.RUN_FEWER, images=2))
    fal.fail_next(Fault.RUN_EMPTY)
    fewer, empty = [await submitted(http, fal, {"prompt": "a cat", "num_images": 4}) for _ in range(2)]
    _, body = await result(http, fal, empty)
    await completed(fewer)
    assert body == {"images": [], "description": ""}
    assert len(fewer.images) == 2
    assert fal.billed == {fewer.id: Decimal(2)}


async def test_an_error_at_the_result_passes_and_the_images_are_there(
    fal: LoopbackFal, http: aiohttp.ClientSession
) -> None:
    job = await submitted(http, fal, SMALL)
    fal.fail_next(Fault.RESULT_ERROR)
    assert (await result(http, fal, job))[0] == 504
    assert (await result(http, fal, job))[0] == 200


async def test_status_errors_and_drops_pass_too(fal: LoopbackFal, http: aiohttp.ClientSession) -> None:
    job = await submitted(http, fal, SMALL)
    address = f"{fal.url}/{GENERATE}/requests/{job.id}/status"
    fal.fail_next(Fault.STATUS_ERROR)
    fal.fail_next(Fault.STATUS_INGRESS_ERROR)
    fal.fail_next(Fault.STATUS_DROP, times=2)  # aiohttp asks a second time when a kept connection was closed
    async with http.get(address) as first:
        assert (first.status, "x-fal-request-id" in first.headers) == (500, True)
    async with http.get(address) as second:
        assert (second.status, "x-fal-request-id" in second.headers) == (503, False)
        assert "nginx" in await second.text()
    with pytest.raises(aiohttp.ClientConnectionError):
        _ = await http.get(address)
    async with http.get(address) as last:
        assert last.status in {200, 202}


async def test_an_ignored_cancel_is_accepted_and_the_images_come_and_cost(
    fal: LoopbackFal, http: aiohttp.ClientSession
) -> None:
    fal.generation.seconds = 0.1
    fal.fail_next(Fault.CANCEL_IGNORED)
    fal.fail_next(Fault.CANCEL_TOO_LATE)
    job = await submitted(http, fal, SMALL)
    codes: list[int] = []
    for _ in range(2):
        async with http.put(f"{fal.url}/{GENERATE}/requests/{job.id}/cancel") as answer:
            codes.append(answer.status)
    await completed(job)
    assert codes == [202, 400]
    assert (len(job.images), job.cancelled, len(fal.billed)) == (1, False, 1)


async def test_a_cancelled_generation_never_finishes_and_is_never_charged(
    fal: LoopbackFal, http: aiohttp.ClientSession
) -> None:
    fal.generation.seconds = 0.1
    job = await submitted(http, fal, SMALL)
    async with http.put(f"{fal.url}/{GENERATE}/requests/{job.id}/cancel") as answer:
        assert (answer.status, await answer.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
    await asyncio.sleep(0.2)
    assert (await result(http, fal, job))[0] == 499
    assert (job.images, fal.billed) == ([], {})


async def test_downloads_can_break_in_every_way(fal: LoopbackFal, http: aiohttp.ClientSession) -> None:
    job = await submitted(http, fal, SMALL)
    await completed(job)
    url = str(job.images[0]["url"])
    for fault in (Fault.FILE_TRUNCATED, Fault.FILE_MISSING, Fault.FILE_HTML, Fault.FILE_LYING_TYPE):
        fal.fail_next(fault)
    fal.fail_next(Script(fault=Fault.FILE_SLOW, seconds=0.2))
    async with http.get(url) as truncated:
        assert truncated.content_length == job.images[0]["file_size"]
        with pytest.raises(aiohttp.ClientPayloadError):
            _ = await truncated.read()
    async with http.get(url) as missing:
        assert missing.status == 404
    async with http.get(url) as page:
        assert (page.status, page.content_type, b"html" in await page.read()) == (200, "image/png", True)
    async with http.get(url) as lying:
        assert (lying.content_type, (await lying.read())[1:4]) == ("image/jpeg", b"PNG")
    begun = time.perf_counter()
    async with http.get(url) as slow:
        assert len(await slow.read()) == job.images[0]["file_size"]
    assert time.perf_counter() - begun >= 0.2


async def test_a_phrase_in_the_prompt_makes_its_fault_happen(fal: LoopbackFal, http: aiohttp.ClientSession) -> None:
    job = await submitted(http, fal, {"prompt": "A cat. Sandbox: refuse"})
    assert (await result(http, fal, job))[0] == 422
    async with http.post(f"{fal.url}/{GENERATE}", json={"prompt": "sandbox: locked"}) as locked:
        assert locked.status == 403
    job = await submitted(http, fal, {"prompt": "sandbox: truncated"})
    await completed(job)
    with pytest.raises(aiohttp.ClientPayloadError):
        async with http.get(str(job.images[0]["url"])) as truncated:
            _ = await truncated.read()


def test_every_phrase_works_at_its_own_step_only() -> None:
    for phrase, script in PHRASES.items():
        assert {step for step in Step if said(step, f"A cat, {phrase.upper()}!") is script} == {script.fault.step}
        assert {step for step in Step if said(step, phrase)} == {script.fault.step}
