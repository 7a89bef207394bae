"""The desk: an order is checked, priced and held in the books before anything else happens to it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.domain.asking import Asker, Where
from bot.domain.catalogue import Catalogue
from bot.domain.errors import BooksBusyError, PictureKeptError
from bot.domain.job import Job, Reply
from bot.domain.ledger import Limits, Standing
from bot.domain.order import Order, Request
from bot.domain.policy import authors_asked, objections
from bot.domain.references import check_declared
from bot.domain.rules import Rules
from bot.service.points import Point, nothing
from bot.service.ports import Clock, JobStore, PictureKeepers, RulesStore
from bot.service.racing import within

BOOKS_TIMEOUT = 1.0
"""Seconds for the hold, or for a look at the books; Discord wants its first answer within three."""
SEEDS = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The operator's rules for every order."""

    limits: Limits
    max_tolerance: int


class Desk:
    """Takes orders in."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        store: JobStore,
        rules: RulesStore,
        keepers: PictureKeepers,
        house: House,
        clock: Clock,
        new_id: Callable[[], str],
        new_seed: Callable[[], int],
        reached: Callable[[Point], None] = nothing,
    ) -> None:
        self.catalogue = catalogue
        self._store = store
        self._rules = rules
        self._keepers = keepers
        self._house = house
        self._clock = clock
        self._new_id = new_id
        self._new_seed = new_seed
        self._reached = reached

    async def take(self, order: Order, asker: Asker, where: Where, reply: Reply | None = None) -> Job:
        """Check the order and hold its credits. Raises RefusedError; then nothing is held."""
        request, credit = await self._checked(order, asker, where)
        job = Job(
            id=self._new_id(),
            order=replace(order, prompt=order.prompt.strip()),
            request=request,
            credits=credit,
            created_at=self._clock(),
            reply=reply,
        )
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            held = await self._store.hold(job, self._house.limits)
        self._reached(Point.HELD)
        return held

    async def price(self, order: Order, asker: Asker, where: Where) -> int:
        """Credits that the order would hold now. Raises RefusedError when it would not be taken, whatever is left."""
        _, credit = await self._checked(order, asker, where)
        return credit

    async def _checked(self, order: Order, asker: Asker, where: Where) -> tuple[Request, int]:
        """The order's request and price; everything but the books. Raises RefusedError."""
        rules = await self.rules(order.scope)
        order = replace(order, prompt=order.prompt.strip())
        for reference in order.references:
            check_declared(reference)
        request = self.catalogue.request(order, max_tolerance=self._house.max_tolerance, seed=self._new_seed())
        credit = self.catalogue.model(order.model).cost(request.arguments, request.images)
        for objection in objections(order, request, credit, rules=rules, asker=asker, where=where):
            raise objection
        if authors := authors_asked(order, asker):
            async with within(BOOKS_TIMEOUT, BooksBusyError()):
                if await self._keepers.keepers(authors):
                    raise PictureKeptError
        return request, credit

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
