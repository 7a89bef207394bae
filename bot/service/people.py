"""What moderators do about a member: block, strike, grant; how that member stands, and that they are told."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from bot.domain.conduct import Act, Block, Conduct, News, StrikeRules
from bot.domain.errors import ActUnsureError, AlreadyGoneError, BooksBusyError, MayNotBlockError
from bot.domain.job import Job
from bot.domain.journal import Acted, Deleted
from bot.domain.ledger import DAY, charged_today
from bot.service.ports import Clock
from bot.service.racing import BOOKS_TIMEOUT, within
from bot.service.ruling import unheard
from bot.service.stores import RulesStore

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

    async def delete_and_grant(self, job: Job, credit: int, *, by: int, at: float) -> int | None:
        """Mark a job's images as deleted and grant credits to its member; how many, None when they were marked already.

        Never more than what the member spent that day and was not granted yet.
        """
        ...


class Teller(Protocol):
    """Reaches members privately."""

    async def tell(self, guild_id: int, member_id: int, news: News) -> bool:
        """Whether a member of that server got it. Never raises for Discord's sake."""
        ...


class People:
    """Every change is answered with how the member stands after it. All of it may raise BooksBusyError."""

    def __init__(
        self,
        store: PeopleStore,
        rules: RulesStore,
        teller: Teller,
        clock: Clock,
        note: Callable[[Acted | Deleted], None] = unheard,
    ) -> None:
        """`note` hears of every change once it is stored; it neither waits nor raises."""
        self._store = store
        self._rules = rules
        self._teller = teller
        self._clock = clock
        self._note = note

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
        async with within(BOOKS_TIMEOUT, ActUnsureError()):
            await self._store.block(scope, member_id, by=by, at=at, until=until, reason=reason)
        return await self._noted(scope, member_id, Act.BLOCK, by=by, reason=reason)

    async def unblock(self, scope: str, member_id: int, *, by: int) -> bool:
        """Whether there was anything to take away."""
        before = await self.conduct(scope, member_id)
        if before.block is None and not before.strikes:
            return False
        async with within(BOOKS_TIMEOUT, ActUnsureError()):
            await self._store.unblock(scope, member_id, by=by, at=self._clock())
        self._note(Acted(scope=scope, act=Act.UNBLOCK, member_id=member_id, by=by))
        return True

    async def strike(self, scope: str, member_id: int, *, is_bot: bool, by: int, reason: str) -> Conduct:
        """Raises MayNotBlockError."""
        check_target(member_id, is_bot=is_bot, by=by)
        async with within(BOOKS_TIMEOUT, ActUnsureError()):
            rules = await self._strike_rules(scope)
            await self._store.strike(scope, member_id, by=by, at=self._clock(), reason=reason, rules=rules)
        return await self._noted(scope, member_id, Act.STRIKE, by=by, reason=reason)

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
        async with within(BOOKS_TIMEOUT, ActUnsureError()):
            await self._store.grant(scope, member_id, credit, by=by, at=self._clock(), reason=reason)
        return await self._noted(scope, member_id, Act.GRANT, by=by, reason=reason, credit=credit)

    async def reset(self, scope: str, member_id: int, *, by: int) -> int:
        """The credits that were given back for today."""
        async with within(BOOKS_TIMEOUT, ActUnsureError()):
            credit = await self._store.reset(scope, member_id, by=by, at=self._clock())
        if credit:
            self._note(Acted(scope=scope, act=Act.RESET, member_id=member_id, by=by, credits=credit))
        return credit

    async def delete_and_give_back(self, job: Job, *, by: int) -> int:
        """Mark a job's images as deleted, once, and grant its member what they cost; returns the credits.

        None when it was not charged today, as a grant lifts the limit of the day on which it is given and nothing else;
        and none when earlier grants have given it back already.
        Raises AlreadyGoneError.
        """
        at = self._clock()
        async with within(BOOKS_TIMEOUT, ActUnsureError()):
            credit = await self._store.delete_and_grant(job, charged_today(job, at), by=by, at=at)
        if credit is None:
            raise AlreadyGoneError
        self._note(Deleted(job=job, by=by, given_back=credit))
        return credit

    async def _noted(
        self, scope: str, member_id: int, act: Act, *, by: int, reason: str = "", credit: int = 0
    ) -> Conduct:
        """How the member stands now. Raises ActUnsureError."""
        try:
            now = await self.conduct(scope, member_id)
        except BooksBusyError:
            raise ActUnsureError from None
        self._note(Acted(scope=scope, act=act, member_id=member_id, by=by, reason=reason, credits=credit, conduct=now))
        return now

    async def _strike_rules(self, scope: str) -> StrikeRules:
        return (await self._rules.rules(scope)).rules.strikes


def check_target(member_id: int, *, is_bot: bool, by: int) -> None:
    """Nobody locks themself out, and bots order nothing. Raises MayNotBlockError."""
    if is_bot or member_id == by:
        raise MayNotBlockError(oneself=not is_bot)
