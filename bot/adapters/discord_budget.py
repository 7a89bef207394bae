"""The order and the pace of calls to Discord's bot routes: final messages first, and never more than Discord takes.

discord.py 2.7.1 lets calls to one bucket go in the order they came, and none of it knows Discord's limit for all bot
routes together; after the last call that a bucket allows it sleeps inside that call. There is no public way to change
that, so this file, and no other, reaches inside; the version is pinned, and tests/contract/test_discord_names.py holds
the names. The interaction's own routes have buckets of their own and are not counted by Discord.
"""

import asyncio
import bisect
import itertools
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, cast

import aiohttp
import discord
from discord.http import Ratelimit
from discord.webhook import async_

PER_SECOND = 45
"""Calls to bot routes; Discord takes 50 a second of one bot. Source: facts of topics/rate-limits."""
AT_ONCE = 32
"""Final messages on their way at once, and as many other calls: a call keeps its place until it is answered, and an upload
may take minutes. So the slow ones of one kind always leave PER_SECOND - AT_ONCE places to the other."""
SECOND = 1.0
"""After the answer. Discord counts a call somewhere between its start and its answer, so however long calls are on
their way, no second of Discord's own has more than PER_SECOND of them. The pace of the starts alone would not do: 50 calls
a second were refused that came closer together than they had left. Source: discord-api-docs, issue 5144."""
MARGIN = 0.02
"""Seconds after which a bucket counts as full again; Discord rounds to milliseconds."""
FORGET_AFTER = 300.0
"""Seconds until discord.py forgets an idle bucket."""

FINAL, OTHER = 0, 1
"""Ranks of calls."""


@dataclass(order=True, slots=True)
class _Call:
    """A call that waits; those of final messages first, each kind in the order they came."""

    rank: int
    number: int
    lane: "Lane" = field(compare=False)
    go: asyncio.Future[None] = field(compare=False)


class Budget:
    """Lets bot-route calls of one client go. Must be made within a running event loop."""

    def __init__(self, per_second: int = PER_SECOND) -> None:
        self._loop = asyncio.get_running_loop()
        self._free = per_second
        self._on_their_way = {FINAL: 0, OTHER: 0}
        self._waiting: list[_Call] = []
        self._numbers = itertools.count()
        self._first: set[asyncio.Task[Any] | None] = set()
        self.open = asyncio.Event()
        """Not set while Discord refuses all calls; discord.py's own, once it has one."""
        self.open.set()

    @contextmanager
    def first(self) -> Generator[None]:
        """Calls that this task makes meanwhile go before all others."""
        task = asyncio.current_task()
        self._first.add(task)
        try:
            yield
        finally:
            self._first.discard(task)

    def lane(self) -> "Lane":
        """A bucket of which nothing is known yet."""
        return Lane(self)

    async def start(self, lane: "Lane") -> None:
        """Wait until a call to this bucket may go; then it counts until `end`."""
        rank = self._rank()
        call = _Call(rank, next(self._numbers), lane, self._loop.create_future())
        bisect.insort(self._waiting, call)
        self.pump()
        try:
            await call.go
        except asyncio.CancelledError:
            if not call.go.cancelled():  # it was let go, but has not gone
                self._on_their_way[rank] -= 1
                lane.returned()
                self._give_back()
            raise

    def end(self) -> None:
        """A call of this task was answered; for a second it still counts."""
        self._on_their_way[self._rank()] -= 1
        self._loop.call_later(SECOND, self._give_back)
        self.pump()

    def pump(self) -> None:
        """Let go whoever may go now.

        While Discord refuses all calls nobody: the refused one waits that out inside its call, and its end comes here.
        """
        if not self._free or not self.open.is_set():
            return
        waiting = list[_Call]()
        for call in self._waiting:
            if call.go.cancelled():
                continue
            if self._free and self._on_their_way[call.rank] < AT_ONCE and call.lane.takes_one():
                self._free -= 1
                self._on_their_way[call.rank] += 1
                call.go.set_result(None)
            else:
                waiting.append(call)
        self._waiting = waiting

    def _rank(self) -> int:
        return FINAL if asyncio.current_task() in self._first else OTHER

    def _give_back(self) -> None:
        self._free += 1
        self.pump()


class Lane:
    """One bucket as Discord's answers describe it, under the names by which discord.py uses its Ratelimit."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._loop = asyncio.get_running_loop()
        self._limit = self.remaining = 1  # until an answer says more, one call at a time
        self._under_way = 0
        self._full_at: float | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._used_at = self._loop.time()
        self._waiting = 0

    async def __aenter__(self) -> Self:
        self._used_at = self._loop.time()
        self._waiting += 1
        try:
            await self._budget.start(self)
        finally:
            self._waiting -= 1
        return self

    async def __aexit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        if kind is asyncio.CancelledError:
            self._budget.open.set()  # discord.py never does when the call that was refused is cut off: all would hang
        self.returned()
        self._budget.end()

    def takes_one(self) -> bool:
        """Whether a call may go; it is then under way until `returned`. When it may not, the budget is woken in time."""
        if self._full_at is not None and self._loop.time() >= self._full_at:
            self._full_at = None
            self.remaining = self._limit - self._under_way
        if self.remaining > 0:
            self.remaining -= 1
            self._under_way += 1
            return True
        if self._full_at is not None and self._alarm is None:
            self._alarm = self._loop.call_at(self._full_at, self._wake)
        return False

    def _wake(self) -> None:
        self._alarm = None
        self._budget.pump()

    def returned(self) -> None:
        """A call is no longer under way."""
        self._under_way -= 1
        if self._full_at is None and not self._under_way:
            self.remaining = self._limit  # nothing was said of a limit

    def update(self, response: aiohttp.ClientResponse, *, use_clock: bool = False) -> None:  # noqa: ARG002 - discord.py's own call
        """What an answer says. Others that are under way may not be counted in it yet."""
        headers = response.headers
        self._limit = int(headers.get("X-Ratelimit-Limit", 1))
        left = int(headers["X-Ratelimit-Remaining"]) - (self._under_way - 1)
        self.remaining = left if self._full_at is None else min(self.remaining, left)
        self._full_at = self._loop.time() + float(headers.get("X-Ratelimit-Reset-After", 1)) + MARGIN

    def is_inactive(self) -> bool:
        """Whether discord.py may forget it."""
        idle = self._loop.time() - self._used_at >= FORGET_AFTER
        return idle and not self._under_way and not self._waiting


class _Http(Protocol):
    """What is used of discord.py's HTTPClient."""

    _buckets: dict[str, Lane]
    """By Discord's name of the bucket and what it is of (a channel, say); by the route until that name is known."""
    _bucket_hashes: dict[str, str]
    """By route, Discord's name of its bucket."""
    _global_over: asyncio.Event
    get_ratelimit: Callable[[str], Ratelimit]

    def _try_clear_expired_ratelimits(self) -> None: ...


def govern(client: discord.Client, budget: Budget) -> None:
    """Have a client's bot routes go by this budget, and its interaction routes hold nothing while they wait."""
    http = cast("_Http", client.http)

    def get_ratelimit(key: str) -> Ratelimit:
        buckets = http._buckets  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - see the file's first lines
        if key not in buckets:
            buckets[key] = _under_its_route(http, key) or budget.lane()
            http._try_clear_expired_ratelimits()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the same
        budget.open = http._global_over  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the login makes it
        return cast("Ratelimit", buckets[key])

    http.get_ratelimit = get_ratelimit
    async_.AsyncDeferredLock = UnheldLock


def _under_its_route(http: _Http, key: str) -> Lane | None:
    """The lane that this bucket had before its name was known: calls may wait in it, and others must not pass them.

    discord.py forgets all of them but the first when it learns the name, and would then call the same bucket twice.
    """
    name, _, of = key.partition(":")
    routes = (route for route, known in http._bucket_hashes.items() if known == name)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - see the file's first lines
    lanes = (http._buckets.get(f"{route}:{of}") for route in routes)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the same
    return next(filter(None, lanes), None)


class UnheldLock(async_.AsyncDeferredLock):
    """The lock of an interaction's routes; when their bucket is used up, it opens later, and nobody sleeps in a call.

    The library's own is never opened again when a call is cancelled in that sleep: the next call with that token then
    waits for ever. Seen with a progress edit that was cancelled for the final message.
    """

    async def __aexit__(self, *_: object) -> None:
        if self.delta:
            asyncio.get_running_loop().call_later(self.delta, self.lock.release)
        else:
            self.lock.release()
