"""The loopback fal's own addresses under /_loopback/, for tests that run it as another process."""

from collections import Counter
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.sandbox.fal_faults import Fault, Faults, Script, Step
from bot.sandbox.fal_queue import LoopbackJob, Queue


class FaultOrder(BaseModel):
    """The body of POST /_loopback/faults: the fields of a `Script`, and how often."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: Fault
    times: Annotated[int, Field(ge=1)] = 1
    status: int | None = None
    error_type: str | None = None
    images: int = 1
    seconds: float = 30.0
    billed: bool = False

    def script(self) -> Script:
        return Script(**self.model_dump(exclude={"times"}))


class ControlRoutes:
    """Handlers without a key: they are reachable from this machine only."""

    def __init__(self, queue: Queue, faults: Faults, counts: Counter[Step]) -> None:
        self._queue = queue
        self._faults = faults
        self._counts = counts

    def add_to(self, router: web.UrlDispatcher) -> None:
        _ = router.add_get("/_loopback/jobs", self.jobs)
        _ = router.add_get("/_loopback/counts", self.counts)
        _ = router.add_get("/_loopback/faults", self.faults)
        _ = router.add_post("/_loopback/faults", self.fail_next)
        _ = router.add_delete("/_loopback/faults", self.clear)

    async def jobs(self, _request: web.Request) -> web.Response:
        return web.json_response({"jobs": [_shown(job) for job in self._queue.jobs.values()]})

    async def counts(self, _request: web.Request) -> web.Response:
        """How many requests of each kind arrived."""
        return web.json_response({"counts": self._counts})

    async def faults(self, _request: web.Request) -> web.Response:
        return web.json_response({"waiting": [script.fault.value for script in self._faults.waiting]})

    async def fail_next(self, request: web.Request) -> web.Response:
        try:
            order = FaultOrder.model_validate_json(await request.read())
        except ValidationError as error:
            return web.json_response({"error": str(error)}, status=422)
        self._faults.fail_next(order.script(), times=order.times)
        return await self.faults(request)

    async def clear(self, request: web.Request) -> web.Response:
        self._faults.clear()
        return await self.faults(request)


def _shown(job: LoopbackJob) -> dict[str, object]:
    return {
        "id": job.id,
        "endpoint": job.endpoint,
        "arguments": job.arguments,
        "state": job.state.value,
        "images": job.images,
        "cancelled": job.cancelled,
        "status": job.answer.status if job.answer else None,
        "units": str(job.units),
        "sent_at": job.sent_at,
        "ended_at": job.ended_at,
    }
