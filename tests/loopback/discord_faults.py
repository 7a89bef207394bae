"""The fault script: the next request of a kind goes wrong in a chosen way."""

import asyncio
import socket
import struct
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from enum import StrEnum

from aiohttp import web

from tests.loopback.discord_errors import ERRORS, DiscordError, plain_error
from tests.loopback.discord_limits import too_many


class Fault(StrEnum):
    """What can go wrong; an int instead of a Fault is a JSON error code, such as 50013 or 10008."""

    INTERNAL_ERROR = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    TOO_LARGE = "413"
    FORBIDDEN = "403"
    RATE_LIMITED = "429"  # retry_after 0.3 s
    BANNED = "banned"  # a 429 by Cloudflare: HTML and no Via header, so discord.py does not retry
    RESET = "reset"  # the connection is reset before anything is processed
    ANSWER_LOST = "answer-lost"  # processed, then the connection is reset
    DONE_BUT_502 = "done-502"  # processed, but the answer is a 502
    HANG = "hang"  # not processed, never answered (until the server closes)
    HANG_AFTER = "hang-after"  # processed, never answered


_CODES = {Fault.TOO_LARGE: 40005, Fault.FORBIDDEN: 50013}
_PROCESSED_FIRST = (Fault.ANSWER_LOST, Fault.DONE_BUT_502, Fault.HANG_AFTER)
Process = Callable[[], Awaitable[web.StreamResponse]]


class FaultScript:
    def __init__(self) -> None:
        self.outage = False
        self.played: list[tuple[str, Fault | int]] = []
        self._planned: dict[str, deque[Fault | int]] = defaultdict(deque[Fault | int])
        self._released = asyncio.Event()

    def plan(self, kind: str, fault: Fault | int, times: int) -> None:
        if isinstance(fault, int) and fault not in ERRORS:
            raise ValueError(f"unknown error code {fault}; known: {sorted(ERRORS)}")
        self._planned[kind].extend([fault] * times)

    def clear(self) -> None:
        self._planned.clear()
        self.release()

    def release(self) -> None:
        """Let every hanging request end (its connection is reset)."""
        self._released.set()
        self._released = asyncio.Event()

    def take(self, kind: str) -> Fault | int | None:
        """Return the fault for this request; "any" plans apply to every kind."""
        for planned_for in (kind, "any"):
            if self._planned[planned_for]:
                fault = self._planned[planned_for].popleft()
                self.played.append((kind, fault))
                return fault
        return None

    async def play(self, fault: Fault | int, request: web.Request, process: Process) -> web.StreamResponse:
        if fault in _PROCESSED_FIRST:
            await process()
        if fault in (Fault.HANG, Fault.HANG_AFTER):
            await self._released.wait()
            return reset(request)
        if fault in (Fault.RESET, Fault.ANSWER_LOST):
            return reset(request)
        return _refusal(fault)


def _refusal(fault: Fault | int) -> web.Response:
    """The answer of a fault that does answer."""
    match fault:
        case Fault.INTERNAL_ERROR:
            return plain_error(500, "500: Internal Server Error")
        case Fault.BAD_GATEWAY | Fault.DONE_BUT_502:
            return web.Response(status=502, text="<html>502 Bad Gateway</html>", content_type="text/html")
        case Fault.UNAVAILABLE:
            return web.Response(status=503, text="upstream connect error", content_type="text/plain")
        case Fault.BANNED:
            return web.Response(status=429, text="<html>error code: 1015</html>", content_type="text/html")
        case Fault.RATE_LIMITED:
            return too_many(0.3, scope="shared", headers={})
        case Fault():
            return DiscordError(_CODES[fault]).response()
        case code:
            return DiscordError(code).response()


def reset(request: web.Request) -> web.Response:
    """Reset the client's connection (RST); the returned response goes nowhere."""
    if request.transport is not None:
        raw = request.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response(status=500)
