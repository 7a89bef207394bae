"""The way every request takes: the log, the outage switch, the fault script, the token, the rate limits, the route."""

import logging
import time
import traceback
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import hdrs, web

from tests.loopback.discord_errors import DiscordError, plain_error
from tests.loopback.discord_faults import FaultScript, reset
from tests.loopback.discord_limits import RateLimits

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
REQUESTS_KEPT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route of the API; kind is its name in the log, the fault script and the limits."""

    kind: str
    method: str
    path: str
    handler: Handler
    needs_token: bool = True


@dataclass(slots=True, kw_only=True)
class RequestLine:
    """One request as it was seen; status 0 means the connection was cut instead of an answer."""

    kind: str
    method: str
    path: str
    at: float  # epoch seconds
    authorized: bool
    status: int = 0
    seconds: float = 0.0
    bytes: int = 0  # Content-Length of the request


@dataclass(slots=True)
class RequestLog:
    lines: deque[RequestLine] = field(default_factory=lambda: deque[RequestLine](maxlen=REQUESTS_KEPT))
    counts: Counter[str] = field(default_factory=Counter[str])  # by kind
    statuses: Counter[int] = field(default_factory=Counter[int])
    unknown_routes: list[str] = field(default_factory=list[str])
    crashes: list[str] = field(default_factory=list[str])  # tracebacks of this server's own failures

    @property
    def invalid_requests(self) -> int:
        """What Discord counts towards its ban at 10,000 in 10 minutes."""
        return sum(self.statuses[status] for status in (401, 403, 429))


class Door:
    def __init__(self, token: str, faults: FaultScript, limits: RateLimits) -> None:
        self.token = token
        self.faults = faults
        self.limits = limits
        self.log = RequestLog()

    def guard(self, route: Route) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            if self.faults.outage:
                return reset(request)
            authorization = request.headers.get(hdrs.AUTHORIZATION)
            line = RequestLine(
                kind=route.kind,
                method=request.method,
                path=request.path_qs,
                at=time.time(),
                authorized=authorization is not None,
                bytes=request.content_length or 0,
            )
            self.log.lines.append(line)
            self.log.counts[route.kind] += 1
            started = time.perf_counter()
            response = await self._admit(route, request, authorization)
            cut = request.transport is None or request.transport.is_closing()
            line.status, line.seconds = (0 if cut else response.status), time.perf_counter() - started
            self.log.statuses[line.status] += 1
            return response

        return handle

    async def _admit(self, route: Route, request: web.Request, authorization: str | None) -> web.StreamResponse:
        if route.needs_token and authorization != f"Bot {self.token}":
            return plain_error(401, "401: Unauthorized")

        async def process() -> web.StreamResponse:
            admitted = self.limits.admit(route.kind, request, authorized=authorization is not None)
            if isinstance(admitted, web.Response):
                return admitted
            response = await self._run(route, request)
            if not response.prepared:
                response.headers.update(admitted)
            return response

        fault = self.faults.take(route.kind)
        return await process() if fault is None else await self.faults.play(fault, request, process)

    async def _run(self, route: Route, request: web.Request) -> web.StreamResponse:
        try:
            return await route.handler(request)
        except DiscordError as error:
            return error.response()
        except (web.HTTPException, ConnectionError):
            raise
        except Exception:  # the boundary of one request: a fault of this server must not look like a refusal
            self.log.crashes.append(traceback.format_exc())
            log.exception("%s %s", request.method, request.path)
            return plain_error(500, "loopback Discord failed; see crashes")

    async def unknown(self, request: web.Request) -> web.Response:
        if self.faults.outage:
            return reset(request)
        self.log.unknown_routes.append(f"{request.method} {request.path_qs}")
        log.error("unknown route: %s %s", request.method, request.path_qs)
        return plain_error(404, f"404: Not Found (the loopback Discord has no {request.method} {request.path})")
