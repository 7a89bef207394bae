"""The operator's purse and house rules: caps of servers, the month's marks, servers to leave and notices to post."""

import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from bot.domain.errors import BooksBusyError, NotAllowedHereError, RefusedError, SuspendedError
from bot.domain.policy import House
from bot.domain.purse import MARKS, Server, marks_reached
from bot.domain.usage import forecast
from bot.service.alerts import Alerts, Subject
from bot.service.ports import Clock
from bot.service.racing import BOOKS_TIMEOUT, within

_log = logging.getLogger(__name__)

LOOK_EVERY = 3.0
"""Seconds between looks at what the command line wrote; it promises five."""
LEAVE_AGAIN, LEAVE_AGAIN_MOST = 60.0, 3600.0
"""Seconds until a server that could not be left is tried again: doubled each time, up to an hour."""
SUBJECTS = dict(zip(MARKS, (Subject.PURSE_HALF, Subject.PURSE_LOW, Subject.PURSE_EMPTY), strict=True))


class ServerStore(Protocol):
    """What the operator has set for servers."""

    async def server(self, guild_id: int) -> Server:
        """The defaults for one that was never seen."""
        ...

    async def some(self, guild_ids: Collection[int]) -> list[Server]:
        """These; the defaults for those that were never seen."""
        ...

    async def servers(self, now: float, most: int) -> list[tuple[Server, int]]:
        """Servers with their credits of this month, the costliest first."""
        ...

    async def change(self, guild_id: int, name: str, value: int | bool | None) -> None:  # noqa: FBT001 - a column's value
        """Set `monthly`, `suspended`, `allowed` or `leave_wanted`."""
        ...

    async def to_leave(self) -> list[int]:
        """Servers that the operator wants the bot to leave."""
        ...

    async def left(self, guild_id: int, at: float) -> None:
        """The bot is no longer in it."""
        ...

    async def add_notice(self, said: str, at: float) -> None:
        """Something for all log channels."""
        ...

    async def notices(self) -> list[tuple[int, str]]:
        """Number and words of what was not posted yet."""
        ...

    async def notice_posted(self, number: int, at: float) -> None:
        """It is said."""
        ...

    async def log_channels(self) -> list[int]:
        """The log channel of every server that has one."""
        ...


class OperatorsBook(Protocol):
    """The operator's own spending."""

    async def operators_month(self, now: float) -> tuple[int, list[int]]:
        """Credits of this UTC month, and of each of up to seven whole days before today."""
        ...


class OpenOrders(Protocol):
    """Orders on their way."""

    def scopes(self) -> set[str]:
        """Whose they are."""
        ...

    def switch_off(self, scopes: Collection[str]) -> None:
        """Send nothing more to fal for these, and call off what waits; for all others again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PurseRules:
    """What the settings say."""

    monthly: int
    """Credits: the stop over everything."""
    server_monthly: int | None
    """Credits: the cap of a server that has none of its own; None: only the stop counts."""
    allow_list: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PurseState:
    """Credits of the month."""

    spent: int
    stop: int
    forecast: int
    """At the end of the month, if it goes on as in the last days."""


@dataclass(frozen=True, slots=True)
class _Tried:
    """When something failed (unix seconds), and how long it is left alone."""

    at: float
    pause: float


class Purse:
    """What the operator allows."""

    def __init__(
        self,
        servers: ServerStore,
        book: OperatorsBook,
        rules: PurseRules,
        orders: OpenOrders,
        alerts: Alerts,
        clock: Clock,
    ) -> None:
        self._servers = servers
        self._book = book
        self._rules = rules
        self._orders = orders
        self._alerts = alerts
        self._clock = clock
        self._not_left: dict[int, _Tried] = {}

    async def server(self, scope: str) -> Server | None:
        """What the operator has set for a server; None for a person's own books. Raises BooksBusyError."""
        guild_id = _guild_of(scope)
        if guild_id is None:
            return None
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return await self._servers.server(guild_id)

    def check(self, server: Server | None) -> None:
        """Whether orders are taken there at all. Raises SuspendedError, NotAllowedHereError."""
        if server is not None and server.suspended:
            raise SuspendedError
        if server is not None and self._rules.allow_list and not server.allowed:
            raise NotAllowedHereError

    def bound(self, house: House, scope: str, server: Server | None) -> House:
        """The operator's rules as they hold for these books."""
        if server is None:
            return house.of(scope).capped(None)
        return house.of(scope).capped(self._rules.server_monthly if server.monthly is None else server.monthly)

    async def house(self, scope: str, house: House) -> House:
        """The same, with what is set for the server now. Raises BooksBusyError."""
        return self.bound(house, scope, await self.server(scope))

    async def state(self) -> PurseState:
        """Where the month stands."""
        now = self._clock()
        spent, days = await self._book.operators_month(now)
        return PurseState(spent=spent, stop=self._rules.monthly, forecast=forecast(spent, days, now))

    async def servers(self, most: int) -> list[tuple[Server, int]]:
        """Servers with their credits of this month, the costliest first."""
        return await self._servers.servers(self._clock(), most)

    async def change(self, guild_id: int, name: str, value: int | bool | None) -> None:  # noqa: FBT001 - a column's value
        """Set `monthly`, `suspended`, `allowed` or `leave_wanted` of a server."""
        _log.info("the operator sets %s of server %d to %s", name, guild_id, value)
        await self._servers.change(guild_id, name, value)
        self._not_left.pop(guild_id, None)
        try:
            await self.follow()
        except Exception as error:  # noqa: BLE001 - it is set all the same, and the next look follows
            _log.warning("what waits was not looked at yet", exc_info=error)

    async def say(self, words: str) -> None:
        """Have something posted to all log channels."""
        await self._servers.add_notice(words, self._clock())

    async def look(self) -> None:
        """Raise or end the alerts of the month's marks."""
        state = await self.state()
        reached = marks_reached(state.spent, state.stop)
        for mark, subject in SUBJECTS.items():
            (self._alerts.up if mark in reached else self._alerts.over)(subject)

    async def follow(self) -> None:
        """Have nothing sent to fal any more for servers that the operator has closed since their orders were taken."""
        guild_ids = {one for scope in self._orders.scopes() if (one := _guild_of(scope)) is not None}
        servers = await self._servers.some(guild_ids) if guild_ids else []
        self._orders.switch_off({f"guild:{one.guild_id}" for one in servers if not self._is_open(one)})

    def _is_open(self, server: Server) -> bool:
        try:
            self.check(server)
        except RefusedError:
            return False
        return True

    async def carry_out(
        self, leave: Callable[[int], Awaitable[None]], post: Callable[[int, str], Awaitable[None]]
    ) -> None:
        """Do what the operator asked for at the command line: leave servers, post notices to log channels."""
        for guild_id in await self._servers.to_leave():
            tried = self._not_left.get(guild_id)
            if tried is not None and tried.at <= self._clock() < tried.at + tried.pause:
                continue
            try:
                await leave(guild_id)
            except Exception as error:  # noqa: BLE001 - the boundary of one server: the others and the notices go on
                self._leave_later(guild_id, tried, error)
            else:
                self._not_left.pop(guild_id, None)
                await self._servers.left(guild_id, self._clock())
        for number, said in await self._servers.notices():
            await self._servers.notice_posted(number, self._clock())  # first: said once, whatever happens
            for channel_id in await self._servers.log_channels():
                await post(channel_id, said)

    def _leave_later(self, guild_id: int, before: _Tried | None, error: Exception) -> None:
        """Told in full once, then in one line each time."""
        pause = LEAVE_AGAIN if before is None else min(LEAVE_AGAIN_MOST, before.pause * 2)
        self._not_left[guild_id] = _Tried(self._clock(), pause)
        if before is None:
            _log.error("server %d could not be left", guild_id, exc_info=error)
        else:
            _log.warning("server %d could still not be left (%s)", guild_id, type(error).__name__)


def _guild_of(scope: str) -> int | None:
    """None for a person's own books."""
    kind, _, number = scope.partition(":")
    return int(number) if kind == "guild" else None
