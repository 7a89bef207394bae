"""Discord's rate limits as a bot meets them: five per five seconds, fifty per second, and the headers that tell."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from tests.loopback.discord_errors import json_response
from tests.loopback.discord_state import Json

GLOBAL_PER_SECOND = 50
MANY_WINDOWS = 5000  # past windows are forgotten then

# Requests and seconds per window. Discord publishes none of them: facts/discord.md part 6 (observed values).
CHANNEL_WINDOWS: dict[str, tuple[int, float]] = {
    "create_message": (5, 5.0),
    "edit_message": (5, 5.0),
    "delete_message": (5, 1.0),
    "list_messages": (5, 1.0),
    "typing": (5, 5.0),
}
TOKEN_WINDOW = (5, 5.0)


@dataclass(slots=True)
class Window:
    """One fixed window; times are monotonic seconds."""

    limit: int
    length: float
    ends: float = 0.0
    used: int = 0

    def take(self, now: float) -> bool:
        if now >= self.ends:
            self.ends, self.used = now + self.length, 0
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    def headers(self, now: float, bucket: str) -> dict[str, str]:
        reset_after = max(self.ends - now, 0.0)
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.limit - self.used),
            "X-RateLimit-Reset": f"{time.time() + reset_after:.3f}",
            "X-RateLimit-Reset-After": f"{reset_after:.3f}",
            "X-RateLimit-Bucket": bucket,
        }


def too_many(retry_after: float, *, scope: str, headers: dict[str, str]) -> web.Response:
    """A 429; the Via header is what tells discord.py that this is Discord and not a ban."""
    body: Json = {
        "message": "You are being rate limited.",
        "retry_after": round(retry_after, 3),
        "global": scope == "global",
    }
    response = json_response(body, status=429)
    response.headers.update(headers)
    response.headers["Retry-After"] = str(int(retry_after) + 1)
    response.headers["X-RateLimit-Scope"] = scope
    response.headers["Via"] = "1.1 google"
    if scope == "global":
        response.headers["X-RateLimit-Global"] = "true"
    return response


@dataclass(slots=True)
class RateLimits:
    """All windows. Switched off it neither limits nor sends headers."""

    enabled: bool = False
    monotonic: Callable[[], float] = time.monotonic
    hits: Counter[str] = field(default_factory=Counter[str])  # 429s by route kind, "global" apart
    _windows: dict[str, Window] = field(default_factory=dict[str, Window])
    _everything: Window = field(default_factory=lambda: Window(GLOBAL_PER_SECOND, 1.0))

    def admit(self, kind: str, request: web.Request, *, authorized: bool) -> web.Response | dict[str, str]:
        """Return the headers to put on the answer, or the 429 to give instead."""
        if not self.enabled:
            return {}
        now = self.monotonic()
        if authorized and not self._everything.take(now):
            self.hits["global"] += 1
            return too_many(self._everything.ends - now, scope="global", headers={})
        window, bucket = self._window(kind, request)
        if window is None:
            return {}
        admitted = window.take(now)
        headers = window.headers(now, bucket)
        if admitted:
            return headers
        self.hits[kind] += 1
        return too_many(window.ends - now, scope="user", headers=headers)

    def _window(self, kind: str, request: web.Request) -> tuple[Window | None, str]:
        """Find the bucket; the callback route itself has none, all webhook routes of a token share one."""
        info = request.match_info
        if kind in CHANNEL_WINDOWS:
            limit, length = CHANNEL_WINDOWS[kind]
            return self._at(f"{kind}:{info['channel_id']}", limit, length), f"loopback-{kind}"
        if "token" in info and kind != "callback":
            return self._at(f"token:{info['token']}", *TOKEN_WINDOW), "loopback-webhook"
        return None, ""

    def _at(self, key: str, limit: int, length: float) -> Window:
        if len(self._windows) > MANY_WINDOWS:
            now = self.monotonic()
            self._windows = {name: window for name, window in self._windows.items() if window.ends > now}
        return self._windows.setdefault(key, Window(limit, length))
