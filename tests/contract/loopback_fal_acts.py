"""What the tests of the loopback fal do again and again."""

import asyncio
from typing import cast

import aiohttp

from bot.sandbox.fal_queue import JobState, LoopbackJob
from bot.sandbox.fal_server import LoopbackFal

Json = dict[str, object]

GENERATE = "fal-ai/nano-banana-2"
EDIT = "fal-ai/nano-banana-2/edit"
SMALL: Json = {"prompt": "a quiet harbour", "resolution": "0.5K"}
KEY = {"Authorization": "Key test"}


async def submitted(
    http: aiohttp.ClientSession, fal: LoopbackFal, body: Json, endpoint: str = GENERATE, **headers: str
) -> LoopbackJob:
    async with http.post(f"{fal.url}/{endpoint}", json=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        return fal.jobs[str(cast("Json", await answer.json())["request_id"])]


async def completed(job: LoopbackJob) -> None:
    async with asyncio.timeout(5):
        while job.state is not JobState.COMPLETED:
            _ = await job.changed.wait()


async def result(http: aiohttp.ClientSession, fal: LoopbackFal, job: LoopbackJob) -> tuple[int, Json]:
    await completed(job)
    async with http.get(f"{fal.url}/{job.schema.app}/requests/{job.id}") as answer:
        return answer.status, cast("Json", await answer.json())


async def images(http: aiohttp.ClientSession, fal: LoopbackFal, body: Json, endpoint: str = GENERATE) -> list[bytes]:
    job = await submitted(http, fal, body, endpoint)
    await completed(job)
    assert job.answer is not None
    assert job.answer.status == 200, job.answer.body
    fetched: list[bytes] = []
    for image in job.images:
        async with http.get(str(image["url"])) as answer:
            fetched.append(await answer.read())
    return fetched


async def uploaded(http: aiohttp.ClientSession, fal: LoopbackFal, data: bytes, **headers: str) -> str:
    async with http.post(f"{fal.url}/storage/auth/token?storage_type=fal-cdn-v3", json={}) as answer:
        token = cast("dict[str, str]", await answer.json())
    headers |= {"Authorization": f"{token['token_type']} {token['token']}", "Content-Type": "image/png"}
    async with http.post(f"{fal.url}/files/upload", data=data, headers=headers) as answer:
        return cast("dict[str, str]", await answer.json())["access_url"]
