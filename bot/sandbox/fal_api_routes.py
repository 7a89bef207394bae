"""The HTTP face of the platform API, as at api.fal.ai: prices and the list of past requests."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from bot.sandbox.fal_faults import Script
from bot.sandbox.fal_queue import LoopbackJob, Queue
from bot.sandbox.fal_schema import ENDPOINTS

_CODES: Final = {"success": range(200, 300), "user_error": range(400, 500), "error": range(500, 600)}


class ListingQuery(BaseModel):
    """The query of GET /v1/models/requests/by-endpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint_id: Annotated[list[str], Field(min_length=1)]
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    expand: Literal["payloads"] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[int, Field(ge=0)] | None = None
    """How many of the oldest requests are still to come."""
    request_id: str | None = None
    status: Literal["success", "error", "user_error"] | None = None


class ApiRoutes:
    """Handlers; each gets the request and what is to go wrong with it (nothing of its own here)."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    async def pricing(self, request: web.Request, _script: Script | None) -> web.StreamResponse:
        """List prices; an unknown endpoint is a 404, which makes this a probe of whether one is still there."""
        names = _endpoint_ids(request) or list(ENDPOINTS)
        if not set(names) <= ENDPOINTS.keys():
            return api_error(404, "not_found", "Endpoint not found")
        prices = [
            {
                "endpoint_id": name,
                "unit_price": float(ENDPOINTS[name].unit_price),
                "unit": "images",
                "currency": "USD",
            }
            for name in names
        ]
        return web.json_response({"prices": prices, "next_cursor": None, "has_more": False})

    async def listing(self, request: web.Request, _script: Script | None) -> web.StreamResponse:
        """List ended requests, newest first; fal does not say that it lists others, so nothing may rely on it."""
        plain = {name: value for name, value in request.query.items() if name != "endpoint_id"}
        try:
            query = ListingQuery.model_validate({**plain, "endpoint_id": _endpoint_ids(request)})
        except ValidationError as error:
            return api_error(422, "validation_error", str(error))
        numbered = list(enumerate(self._queue.jobs.values()))[: query.cursor]
        matching = [(number, job) for number, job in reversed(numbered) if _matches(job, query)]
        page = matching[: query.limit]
        more = len(matching) > len(page)
        return web.json_response(
            {
                "items": [_item(job, payloads=query.expand == "payloads") for _, job in page],
                "next_cursor": str(page[-1][0]) if more else None,
                "has_more": more,
            }
        )


def api_error(status: int, kind: str, message: str) -> web.Response:
    """Return an error in the platform API's own form."""
    return web.json_response({"error": {"type": kind, "message": message}}, status=status)


def _endpoint_ids(request: web.Request) -> list[str]:
    """Return the ids of the query, which may be repeated or separated by commas."""
    return [name for value in request.query.getall("endpoint_id", []) for name in value.split(",") if name]


def _matches(job: LoopbackJob, query: ListingQuery) -> bool:
    return (
        job.answer is not None
        and job.endpoint in query.endpoint_id
        and (query.request_id is None or job.id == query.request_id)
        and (query.start is None or job.sent_at >= query.start.timestamp())
        and (query.end is None or job.sent_at <= query.end.timestamp())
        and (query.status is None or job.answer.status in _CODES[query.status])
    )


def _item(job: LoopbackJob, *, payloads: bool) -> dict[str, object]:
    item: dict[str, object] = {
        "request_id": job.id,
        "endpoint_id": job.endpoint,
        "sent_at": _iso(job.sent_at),
        "started_at": _iso(job.started_at),
        "ended_at": _iso(job.ended_at),
        "status_code": job.answer.status if job.answer else None,
        "duration": (job.ended_at or job.sent_at) - (job.started_at or job.ended_at or job.sent_at),
    }
    if payloads and job.stores_payloads:
        hidden = job.arguments.get("sync_mode") is True or job.answer is None
        item |= {"json_input": job.arguments, "json_output": None if hidden or job.answer is None else job.answer.body}
    return item


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
