"""What moderators do about a member: block, strike, grant; how that member stands, and that they are told."""

import asyncio
from typing import Protocol

from bot.domain.conduct import DAY, Block, Conduct, News, StrikeRules
from bot.domain.errors import BooksBusyError, MayNotBlockError
from bot.service.ports import Clock
from bot.service.racing import within
from bot.service.stores import RulesStore

BOOKS_TIMEOUT = 1.0
"""Seconds for a look at the books, or a change; Discord wants its first answer within three."""
TELL_TIMEOUT = 10.0
"""Seconds until a member counts as one who could not be told."""


class PeopleStore(Protocol):
    """What moderators did, kept."""

    async def block_of(self, scope: str, member_id: int, now: float) -> Block | None:
        """The block that holds at that time (unix seconds)."""
        ...

    async def conduct(self, scope: str, member_id: int, now: float, rules: StrikeRules) -> Conduct:
        """What holds for a member at that time (unix seconds)."""
        ...

    async def block(self, scope: str, member_id: int, *, by: int, at: float, until: float | None, reason: str) -> None:
        """Replaces an earlier block; ends by itself at `until`."""
        ...

    async def unblock(self, scope: str, member_id: int, *, by: int, at: float) -> None:
        """Also takes the strikes away."""
        ...

    async def strike(self, scope: str, member_id: int, *, by: int, at: float, reason: str, rules: StrikeRules) -> None:
        """Add a strike; the last one that is needed blocks, never for less time than a block that stands."""
        ...

    async def grant(self, scope: str, member_id: int, credit: int, *, by: int, at: float, reason: str) -> None:
        """Add credits to what a member may spend on that day (UTC)."""
        ...

    async def reset(self, scope: str, member_id: int, *, by: int, at: float) -> int:
        """Grant what was spent that day and not granted yet; the credits."""
        ...


class Teller(Protocol):
    """Reaches members privately."""

    async def tell(self, guild_id: int, member_id: int, news: News) -> bool:
        """Whether a member of that server got it. Never raises for Discord's sake."""
        ...


class People:
    """Every change is answered with how the member stands after it. All of it may raise BooksBusyError."""

    def __init__(self, store: PeopleStore, rules: RulesStore, teller: Teller, clock: Clock) -> None:
        self._store = store
        self._rules = rules
        self._teller = teller
        self._clock = clock

    async def conduct(self, scope: str, member_id: int) -> Conduct:
        """Read anew each time, so that a change holds at once."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return await self._store.conduct(scope, member_id, self._clock(), await self._strike_rules(scope))

    async def block_of(self, scope: str, member_id: int) -> Block | None:
        """What keeps a member from ordering, if anything does."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return await self._store.block_of(scope, member_id, self._clock())

    async def block(
        self, scope: str, member_id: int, *, is_bot: bool, by: int, days: int | None, reason: str
    ) -> Conduct:
        """Raises MayNotBlockError. `days` None: until somebody ends it."""
        check_target(member_id, is_bot=is_bot, by=by)
        at = self._clock()
        until = None if days is None else at + days * DAY
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            await self._store.block(scope, member_id, by=by, at=at, until=until, reason=reason)
        return await self.conduct(scope, member_id)

    async def unblock(self, scope: str, member_id: int, *, by: int) -> bool:
        """Whether there was anything to take away."""
        before = await self.conduct(scope, member_id)
        if before.block is None and not before.strikes:
            return False
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            await self._store.unblock(scope, member_id, by=by, at=self._clock())
        return True

    async def strike(self, scope: str, member_id: int, *, is_bot: bool, by: int, reason: str) -> Conduct:
        """Raises MayNotBlockError."""
        check_target(member_id, is_bot=is_bot, by=by)
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            rules = await self._strike_rules(scope)
            await self._store.strike(scope, member_id, by=by, at=self._clock(), reason=reason, rules=rules)
        return await self.conduct(scope, member_id)

    async def tell(self, scope: str, member_id: int, news: News) -> bool:
        """Whether the member could be told; it may take TELL_TIMEOUT, so the moderator is answered before."""
        kind, _, number = scope.partition(":")
        if kind != "guild":
            return False
        try:
            async with asyncio.timeout(TELL_TIMEOUT):
                return await self._teller.tell(int(number), member_id, news)
        except TimeoutError:
            return False

    async def grant(self, scope: str, member_id: int, credit: int, *, by: int, reason: str) -> Conduct:
        """For today."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            await self._store.grant(scope, member_id, credit, by=by, at=self._clock(), reason=reason)
        return await self.conduct(scope, member_id)

    async def reset(self, scope: str, member_id: int, *, by: int) -> int:
        """The credits that were given back for today."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return await self._store.reset(scope, member_id, by=by, at=self._clock())

    async def _strike_rules(self, scope: str) -> StrikeRules:
        return (await self._rules.rules(scope)).rules.strikes


def check_target(member_id: int, *, is_bot: bool, by: int) -> None:
    """Nobody locks themself out, and bots order nothing. Raises MayNotBlockError."""
    if is_bot or member_id == by:
        raise MayNotBlockError(oneself=not is_bot)
