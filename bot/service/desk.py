"""The desk: an order is checked, priced and held in the books before anything else happens to it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from bot.domain.asking import Asker, Where
from bot.domain.catalogue import Catalogue
from bot.domain.errors import BooksBusyError, RefusedError
from bot.domain.job import Job, Reply
from bot.domain.ledger import Limits, Standing
from bot.domain.order import Order
from bot.domain.policy import objections
from bot.domain.references import check_declared
from bot.domain.rules import Rules
from bot.service.points import Point, nothing
from bot.service.ports import Clock, JobStore, RulesStore
from bot.service.purse import Purse
from bot.service.racing import within

BOOKS_TIMEOUT = 1.0
"""Seconds for the hold, or for a look at the books; Discord wants its first answer within three."""
SEEDS = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The operator's rules for every order."""

    limits: Limits
    max_tolerance: int


class Refusals(Protocol):
    """Counts how often the desk says no."""

    async def count_refusal(self, scope: str, member_id: int, code: str, now: float) -> None:
        """One more, of the error with that code."""
        ...


class Desk:
    """Takes orders in."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        store: JobStore,
        rules: RulesStore,
        purse: Purse,
        refusals: Refusals,
        house: House,
        clock: Clock,
        new_id: Callable[[], str],
        new_seed: Callable[[], int],
        reached: Callable[[Point], None] = nothing,
    ) -> None:
        self.catalogue = catalogue
        self._store = store
        self._rules = rules
        self._purse = purse
        self._refusals = refusals
        self._house = house
        self._clock = clock
        self._new_id = new_id
        self._new_seed = new_seed
        self._reached = reached

    async def take(self, order: Order, asker: Asker, where: Where, reply: Reply | None = None) -> Job:
        """Check the order and hold its credits. Raises RefusedError; then nothing is held, and it is counted."""
        try:
            return await self._take(order, asker, where, reply)
        except RefusedError as error:
            if not isinstance(error, BooksBusyError):
                await self._refusals.count_refusal(order.scope, order.member_id, error.code, self._clock())
            raise

    async def _take(self, order: Order, asker: Asker, where: Where, reply: Reply | None) -> Job:
        cap = await self._purse.cap(order.guild_id)
        rules = await self.rules(order.scope)
        order = replace(order, prompt=order.prompt.strip())
        for reference in order.references:
            check_declared(reference)
        request = self.catalogue.request(order, max_tolerance=self._house.max_tolerance, seed=self._new_seed())
        credit = self.catalogue.model(order.model).cost(request.arguments, request.images)
        for objection in objections(order, request, credit, rules=rules, asker=asker, where=where):
            raise objection
        job = Job(
            id=self._new_id(),
            order=order,
            request=request,
            credits=credit,
            created_at=self._clock(),
            reply=reply,
        )
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            held = await self._store.hold(job, replace(self._house.limits, server_month=cap))
        self._reached(Point.HELD)
        return held

    async def rules(self, scope: str) -> Rules:
        """What a server's moderators have set; read anew, so that a change holds at once."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return (await self._rules.rules(scope)).rules

    async def jobs(self, scope: str, member_id: int, most: int) -> list[Job]:
        """A member's jobs, the newest first."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return await self._store.of_member(scope, member_id, most)

    async def standing(self, scope: str, member_id: int) -> Standing:
        """What a member and their server have left."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return await self._store.standing(scope, member_id, self._house.limits, self._clock())
