"""The loopback fal's queue: so many requests in progress at once, the others waiting in order."""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from bot.sandbox.fal_answers import Answer, request_error
from bot.sandbox.fal_faults import Fault, Script
from bot.sandbox.fal_schema import ENDPOINTS, Endpoint

log = logging.getLogger(__name__)


class JobState(StrEnum):
    """fal's only three: a request that failed or was cancelled is COMPLETED too."""

    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"


@dataclass(slots=True, eq=False, kw_only=True)
class LoopbackJob:
    """One request; times in unix seconds."""

    endpoint: str
    """The full id, with "/edit" where that was called."""
    arguments: dict[str, object]
    script: Script | None = None
    """What goes wrong with its generation."""
    output_seconds: float | None = None
    """How long its outputs live; None for ever."""
    start_within: float | None = None
    """Seconds it may wait in the queue; None for ever."""
    priority: str = "normal"
    stores_payloads: bool = True
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: JobState = JobState.IN_QUEUE
    images: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    cancelled: bool = False
    answer: Answer | None = None
    """What the result request gets once COMPLETED."""
    units: Decimal = Decimal(0)
    """What fal charged, in units of the endpoint's price."""
    sent_at: float = field(default_factory=time.time)
    started_at: float | None = None
    ended_at: float | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    """Set at every change of state, and then replaced by a new one."""
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def schema(self) -> Endpoint:
        return ENDPOINTS[self.endpoint]

    @property
    def prompt(self) -> str:
        return str(self.arguments.get("prompt", ""))

    def goes_wrong(self, fault: Fault) -> bool:
        return self.script is not None and self.script.fault is fault

    def move(self, state: JobState) -> None:
        self.state = state
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()


class Queue:
    """Jobs in the order they came. `generate` must set images and units and return the result's answer."""

    def __init__(self, generate: Callable[[LoopbackJob], Awaitable[Answer]], *, concurrency: int) -> None:
        self.concurrency = concurrency
        self.jobs: dict[str, LoopbackJob] = {}
        self._generate = generate
        self._waiting: list[LoopbackJob] = []
        self._running: set[LoopbackJob] = set()
        self._tasks: asyncio.TaskGroup | None = None
        self._closing = asyncio.Event()

    async def run(self) -> None:
        """Own every generation until `close`, and leave none behind."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._start_next()
            await self._closing.wait()
            self._tasks = None
            for job in self.jobs.values():
                if job.task is not None:
                    _ = job.task.cancel()

    def close(self) -> None:
        self._closing.set()

    def add(self, job: LoopbackJob) -> None:
        self.jobs[job.id] = job
        self._waiting.append(job)
        self._start_next()
        if job.state is JobState.IN_QUEUE and job.start_within is not None and self._tasks is not None:
            job.task = self._tasks.create_task(self._give_up(job, job.start_within), name=f"fal-wait-{job.id}")

    def position(self, job: LoopbackJob) -> int:
        """Return how many requests are ahead; 0 means this one is next."""
        return self._waiting.index(job)

    def cancel(self, job: LoopbackJob) -> None:
        """End a request that is not COMPLETED; nothing is charged."""
        job.cancelled = True
        if job.task is not None:
            _ = job.task.cancel()
        self.end(job, request_error("client_cancelled", "Request was cancelled by the client"))

    def end(self, job: LoopbackJob, answer: Answer) -> None:
        """Complete a request with what its result will say, and let the next one start."""
        if job in self._waiting:
            self._waiting.remove(job)
        self._running.discard(job)
        job.answer = answer
        job.ended_at = time.time()
        job.move(JobState.COMPLETED)
        self._start_next()

    def _start_next(self) -> None:
        ready = [job for job in self._waiting if not job.goes_wrong(Fault.RUN_STUCK_IN_QUEUE)]
        for job in ready[: max(self.concurrency - len(self._running), 0)]:
            if self._tasks is None:
                return
            if job.task is not None:
                _ = job.task.cancel()  # it was waiting for its start_within
            self._waiting.remove(job)
            self._running.add(job)
            job.started_at = time.time()
            job.move(JobState.IN_PROGRESS)
            job.task = self._tasks.create_task(self._work(job), name=f"fal-run-{job.id}")

    async def _work(self, job: LoopbackJob) -> None:
        try:
            answer = await self._generate(job)
        except Exception:  # the boundary of one generation: fal says 500 and goes on
            log.exception("generation %s", job.id)
            answer = request_error("internal_error")
        self.end(job, answer)

    async def _give_up(self, job: LoopbackJob, seconds: float) -> None:
        await asyncio.sleep(seconds)
        timed_out = request_error("request_timeout", "Request timed out")
        headers = {**timed_out.headers, "X-Fal-Request-Timeout-Type": "user"}
        self.end(job, Answer(status=timed_out.status, body=timed_out.body, headers=headers))
