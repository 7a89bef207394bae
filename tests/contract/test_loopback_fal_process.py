"""The loopback fal as a server: it closes cleanly, runs as its own process, and speaks TLS."""

import asyncio
import signal
import ssl
import sys
import time
from pathlib import Path
from typing import cast

import aiohttp
from loopback_fal_acts import GENERATE, KEY, SMALL, Json, submitted

from bot.sandbox.fal_faults import Fault
from bot.sandbox.fal_server import LoopbackFal
from tests.loopback.certificates import make_certificates


async def test_closing_with_stuck_jobs_and_open_streams_is_quick_and_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    async with aiohttp.ClientSession(headers=KEY) as http:
        async with LoopbackFal(concurrency=1) as fal:
            fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS, times=3)
            jobs = [await submitted(http, fal, SMALL, **{"X-Fal-Request-Timeout": "60"}) for _ in range(3)]
            stream = await http.get(f"{fal.url}/{GENERATE}/requests/{jobs[0].id}/status/stream")
            begun = time.perf_counter()
        took = time.perf_counter() - begun
        stream.close()
    assert took < 1
    assert asyncio.all_tasks() == before


async def test_a_separate_process_is_scripted_and_inspected_over_its_control_addresses(
    http: aiohttp.ClientSession,
) -> None:
    arguments = ("-m", "bot.sandbox.fal_server", "--seconds", "0", "--plain", "1000", "--key", "test")
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    async with http.post(f"{url}/_loopback/faults", json={"fault": "run_no_media", "billed": True}) as answer:
        assert await answer.json() == {"waiting": ["run_no_media"]}
    async with http.post(f"{url}/_loopback/faults", json={"fault": "nonsense"}) as answer:
        assert answer.status == 422
    async with http.post(f"{url}/{GENERATE}", json=SMALL) as answer:
        assert answer.status == 200
    async with asyncio.timeout(5):
        while True:
            async with http.get(f"{url}/_loopback/jobs") as answer:
                [job] = cast("dict[str, list[Json]]", await answer.json())["jobs"]
            if job["state"] == "COMPLETED":
                break
    async with http.get(f"{url}/_loopback/counts") as answer:
        assert await answer.json() == {"counts": {"submit": 1}}
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    assert (job["endpoint"], job["status"], job["units"]) == (GENERATE, 422, "0.75")
    assert cast("float", job["ended_at"]) >= cast("float", job["sent_at"])


async def test_it_speaks_tls_when_given_a_certificate(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate, made.key)
    trusting = ssl.create_default_context(cafile=made.authority)
    async with (
        LoopbackFal(ssl_context=context) as fal,
        aiohttp.ClientSession(headers=KEY, connector=aiohttp.TCPConnector(ssl=trusting)) as http,
        http.get(f"{fal.url}/v1/models/pricing") as answer,
    ):
        assert (fal.url[:17], answer.status) == ("https://127.0.0.1", 200)
