"""What moderators do about a member: block, strike, grant; how that member stands, and that they are told."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from bot.domain.conduct import Act, Block, Conduct, News, StrikeRules
from bot.domain.errors import ActUnsureError, AlreadyGoneError, BooksBusyError, MayNotBlockError
from bot.domain.job import Job
from bot.domain.journal import Acted, Deleted
from bot.domain.ledger import DAY, charged_today
from bot.service.ports import Clock
from bot.service.racing import BOOKS_TIMEOUT, within
from bot.service.ruling import unheard
from bot.service.stores import RulesStore

T = TypeVar("T")

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

    async def block(
        self, scope: str, member_id: int, *, by: int, at: float, until: float | None, reason: str, rules: StrikeRules
    ) -> Conduct:
        """Replaces an earlier block; ends by itself at `until`. Returns what holds for the member then, as the next two do."""
        ...

    async def unblock(self, scope: str, member_id: int, *, by: int, at: float) -> None:
        """Also takes the strikes away."""
        ...

    async def strike(
        self, scope: str, member_id: int, *, by: int, at: float, reason: str, rules: StrikeRules
    ) -> Conduct:
        """Add a strike; the last one that is needed blocks, never for less time than a block that stands."""
        ...

    async def grant(
        self, scope: str, member_id: int, credit: int, *, by: int, at: float, reason: str, rules: StrikeRules
    ) -> Conduct:
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
        """`note` hears of every change once it is stored, however late; it neither waits nor raises."""
        self._store = store
        self._rules = rules
        self._teller = teller
        self._clock = clock
        self._note = note
        self._acting = dict[tuple[object, ...], asyncio.Task[Any]]()

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

        async def block() -> Conduct:
            rules = await self._strike_rules(scope)
            return await self._store.block(scope, member_id, by=by, at=at, until=until, reason=reason, rules=rules)

        act = Acted(scope=scope, act=Act.BLOCK, member_id=member_id, by=by, reason=reason)
        return await self._done(act, block(), lambda now: replace(act, conduct=now))

    async def unblock(self, scope: str, member_id: int, *, by: int) -> bool:
        """Whether there was anything to take away."""
        before = await self.conduct(scope, member_id)
        if before.block is None and not before.strikes:
            return False
        act = Acted(scope=scope, act=Act.UNBLOCK, member_id=member_id, by=by)
        await self._done(act, self._store.unblock(scope, member_id, by=by, at=self._clock()), lambda _: act)
        return True

    async def strike(self, scope: str, member_id: int, *, is_bot: bool, by: int, reason: str) -> Conduct:
        """Raises MayNotBlockError."""
        check_target(member_id, is_bot=is_bot, by=by)

        async def strike() -> Conduct:
            rules = await self._strike_rules(scope)
            return await self._store.strike(scope, member_id, by=by, at=self._clock(), reason=reason, rules=rules)

        act = Acted(scope=scope, act=Act.STRIKE, member_id=member_id, by=by, reason=reason)
        return await self._done(act, strike(), lambda now: replace(act, conduct=now))

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

        async def grant() -> Conduct:
            rules, at = await self._strike_rules(scope), self._clock()
            return await self._store.grant(scope, member_id, credit, by=by, at=at, reason=reason, rules=rules)

        act = Acted(scope=scope, act=Act.GRANT, member_id=member_id, by=by, reason=reason, credits=credit)
        return await self._done(act, grant(), lambda now: replace(act, conduct=now))

    async def reset(self, scope: str, member_id: int, *, by: int) -> int:
        """The credits that were given back for today."""
        act = Acted(scope=scope, act=Act.RESET, member_id=member_id, by=by)
        return await self._done(
            act,
            self._store.reset(scope, member_id, by=by, at=self._clock()),
            lambda credit: replace(act, credits=credit) if credit else None,
        )

    async def delete_and_give_back(self, job: Job, *, by: int) -> int:
        """Mark a job's images as deleted, once, and grant its member what they cost; returns the credits.

        None when it was not charged today, as a grant lifts the limit of the day on which it is given and nothing else;
        and none when earlier grants have given it back already.
        Raises AlreadyGoneError.
        """
        at = self._clock()
        async with within(BOOKS_TIMEOUT, ActUnsureError()):  # not finished late: the messages would still stand
            credit = await self._store.delete_and_grant(job, charged_today(job, at), by=by, at=at)
        if credit is None:
            raise AlreadyGoneError
        self._note(Deleted(job=job, by=by, given_back=credit))
        return credit

    async def _done(self, act: Acted, doing: Coroutine[Any, Any, T], event: Callable[[T], Acted | None]) -> T:
        """What came of it. Its line is written once it is stored, even if its moderator heard by then that nobody knows.

        The same is not begun again while that is not known. Raises ActUnsureError.
        """
        whom = (act.scope, act.member_id, act.act)
        if whom in self._acting:
            doing.close()
            raise ActUnsureError

        async def noted() -> T:
            done = await doing
            if (said := event(done)) is not None:
                self._note(said)
            return done

        task = asyncio.create_task(noted(), name="act")
        self._acting[whom] = task  # the one reference to those that are late; the database's end is theirs, too
        task.add_done_callback(lambda _: self._acting.pop(whom))
        async with within(BOOKS_TIMEOUT, ActUnsureError()):
            return await asyncio.shield(task)

    async def _strike_rules(self, scope: str) -> StrikeRules:
        return (await self._rules.rules(scope)).rules.strikes


def check_target(member_id: int, *, is_bot: bool, by: int) -> None:
    """Nobody locks themself out, and bots order nothing. Raises MayNotBlockError."""
    if is_bot or member_id == by:
        raise MayNotBlockError(oneself=not is_bot)
