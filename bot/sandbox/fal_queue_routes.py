"""The HTTP face of the queue, as at queue.fal.run: submit, status, stream, result, cancel."""

import asyncio
import json
import time
from contextlib import suppress
from typing import Final, cast

from aiohttp import web

from bot.sandbox.fal_answers import Answer, by_status, dropped, locked, request_error, unprocessable
from bot.sandbox.fal_faults import Fault, Faults, Script, Step, said
from bot.sandbox.fal_files import BadLifecycleError, lifecycle_seconds
from bot.sandbox.fal_queue import JobState, LoopbackJob, Queue
from bot.sandbox.fal_schema import ENDPOINTS, problems

KEEP_ALIVE_SECONDS: Final = 15.0
"""Between comments in a silent stream. Source: fal's page "queue/status-stream"."""
POSITION_SECONDS: Final = 0.25
"""How soon a stream tells a new place in the queue."""


class QueueRoutes:
    """Handlers; each gets the request and what is to go wrong with it."""

    def __init__(self, queue: Queue, faults: Faults, *, validates_at_submit: bool) -> None:
        self.base_url = ""
        """This server's own address, known once it listens."""
        self._queue = queue
        self._faults = faults
        self._validates_at_submit = validates_at_submit

    async def submit(self, request: web.Request, script: Script | None) -> web.StreamResponse:
        refused, job = await self._read(request)
        if job is None:
            return refused.response()
        script = script or said(Step.SUBMIT, job.prompt)
        fault = script.fault if script else None
        if fault is Fault.SUBMIT_LOCKED:
            return locked().response()
        job.script = self._faults.take(Step.RUN) or said(Step.RUN, job.prompt)
        self._queue.add(job)
        if refused.status >= 400:  # noqa: PLR2004 - HTTP: an error, told at the result
            self._queue.end(job, refused)
        if fault is Fault.SUBMIT_DROP_AFTER:
            return dropped(request)
        if fault is Fault.SUBMIT_HANG:
            _ = await asyncio.Event().wait()  # until the client or the server closes
        body = self._status_body(job, with_logs=False)
        body |= {"status": JobState.IN_QUEUE.value, "queue_position": body.get("queue_position", 0)}
        return Answer(status=200, body=body).response(job.id)

    async def status(self, request: web.Request, _script: Script | None) -> web.StreamResponse:
        job = self._job(request)
        if job is None:
            return Answer(status=404, body={"status": "NOT_FOUND"}).response()
        code = 200 if job.state is JobState.COMPLETED else 202
        return Answer(status=code, body=self._status_body(job, with_logs=_wants_logs(request))).response(job.id)

    async def stream(self, request: web.Request, script: Script | None) -> web.StreamResponse:
        """Send the status now and at every change, and end after COMPLETED."""
        job = self._job(request)
        if job is None:
            return Answer(status=404, body={"status": "NOT_FOUND"}).response()
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "x-fal-request-id": job.id}
        stream = web.StreamResponse(headers=headers)
        _ = await stream.prepare(request)
        if script is not None and script.fault is Fault.STREAM_SILENT:
            _ = await asyncio.Event().wait()  # until the client or the server closes
        if script is not None and script.fault is Fault.STREAM_BROKEN:
            await stream.write(b'data: {"status": "IN_')
            return _closed(request, stream)
        with suppress(ConnectionError):  # whoever watched may go away at any moment
            await self._send_changes(stream, job, with_logs=_wants_logs(request))
        return stream

    async def result(self, request: web.Request, _script: Script | None) -> web.StreamResponse:
        job = self._job(request)
        if job is None:
            return Answer(status=404, body={"detail": "Request not found"}).response()
        if job.answer is None:
            return Answer(status=400, body={"detail": "Request is still in progress"}).response(job.id)
        response = job.answer.response(job.id)
        if response.status in {200, 422}:
            response.headers["X-Fal-Billable-Units"] = str(job.units)
        return response

    async def cancel(self, request: web.Request, script: Script | None) -> web.StreamResponse:
        job = self._job(request)
        if job is None:
            return Answer(status=404, body={"status": "NOT_FOUND"}).response()
        script = script or said(Step.CANCEL, job.prompt)
        too_late = script is not None and script.fault is Fault.CANCEL_TOO_LATE
        if job.state is JobState.COMPLETED or too_late:
            return Answer(status=400, body={"status": "ALREADY_COMPLETED"}).response(job.id)
        if script is None:
            self._queue.cancel(job)
        return Answer(status=202, body={"status": "CANCELLATION_REQUESTED"}).response(job.id)

    async def _read(self, request: web.Request) -> tuple[Answer, LoopbackJob | None]:
        """Return the job a submit asks for, and the error its result will be; without a job, the submit's error."""
        name = request.match_info["endpoint"]
        endpoint = ENDPOINTS.get(name)
        if endpoint is None:
            return by_status(404), None
        if request.content_type != "application/json":
            return request_error("bad_request", "The body must be application/json"), None
        try:
            arguments = cast("object", await request.json())
            job = LoopbackJob(
                endpoint=name,
                arguments=cast("dict[str, object]", arguments),
                output_seconds=lifecycle_seconds(request.headers.get("X-Fal-Object-Lifecycle-Preference")),
                start_within=_start_within(request),
                priority=request.headers.get("X-Fal-Queue-Priority", "normal"),
                stores_payloads=request.headers.get("X-Fal-Store-IO") != "0",
            )
        except BadLifecycleError:
            return request_error("bad_request", "Invalid X-Fal-Object-Lifecycle-Preference"), None
        except ValueError:  # no JSON, or no number where one belongs
            return request_error("bad_request"), None
        if job.priority not in {"normal", "low"}:
            return request_error("bad_request", "Invalid X-Fal-Queue-Priority"), None
        if not isinstance(arguments, dict):
            return request_error("bad_request", "The body must be a JSON object"), None
        found = problems(endpoint, job.arguments)
        answer = unprocessable(found) if found else Answer(status=200, body={})
        return answer, None if found and self._validates_at_submit else job

    def _job(self, request: web.Request) -> LoopbackJob | None:
        """Return the job of the address, which may name the app or the whole endpoint id."""
        job = self._queue.jobs.get(request.match_info["request_id"])
        if job is None or request.match_info["app"] not in {job.schema.app, job.endpoint}:
            return None
        return job

    def _status_body(self, job: LoopbackJob, *, with_logs: bool) -> dict[str, object]:
        address = f"{self.base_url}/{job.schema.app}/requests/{job.id}"
        body: dict[str, object] = {
            "status": job.state.value,
            "request_id": job.id,
            "response_url": address,
            "status_url": f"{address}/status",
            "cancel_url": f"{address}/cancel",
            "logs": _logs(job) if with_logs and job.state is not JobState.IN_QUEUE else None,
            "metrics": {},
        }
        if job.state is JobState.IN_QUEUE:
            body["queue_position"] = self._queue.position(job)
        if job.state is JobState.COMPLETED and job.started_at is not None and job.ended_at is not None:
            body["metrics"] = {"inference_time": round(job.ended_at - job.started_at, 3)}
        if job.answer is not None and job.answer.error_type is not None:
            body |= {"error": f"Invalid status code: {job.answer.status}", "error_type": job.answer.error_type}
        return body

    async def _send_changes(self, stream: web.StreamResponse, job: LoopbackJob, *, with_logs: bool) -> None:
        sent: dict[str, object] = {}
        sent_at = time.perf_counter()
        while sent.get("status") != JobState.COMPLETED:
            changed = job.changed
            body = self._status_body(job, with_logs=with_logs)
            if body != sent:
                await stream.write(f"data: {json.dumps(body)}\n\n".encode())
                sent, sent_at = body, time.perf_counter()
            elif time.perf_counter() - sent_at >= KEEP_ALIVE_SECONDS:
                await stream.write(b": keep-alive\n\n")
                sent_at = time.perf_counter()
            else:
                await _either(changed, POSITION_SECONDS if job.state is JobState.IN_QUEUE else KEEP_ALIVE_SECONDS)


async def _either(changed: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            _ = await changed.wait()
    except TimeoutError:
        return


def _closed(request: web.Request, stream: web.StreamResponse) -> web.StreamResponse:
    """Close the connection after what was written, in the middle of the answer."""
    if request.transport is not None:
        request.transport.close()
    return stream


def _start_within(request: web.Request) -> float | None:
    header = request.headers.get("X-Fal-Request-Timeout")
    return None if header is None else float(header)


def _wants_logs(request: web.Request) -> bool:
    """Take both spellings: fal's pages say logs=1, fal-client sends logs=true."""
    return request.query.get("logs", "").lower() in {"1", "true"}


def _logs(job: LoopbackJob) -> list[dict[str, object]]:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(job.started_at))
    return [{"message": f"Painting {job.endpoint}", "timestamp": stamp, "level": "INFO", "source": "USER"}]
