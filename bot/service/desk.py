"""The desk: an order is checked, priced and held in the books before anything else happens to it."""

from collections.abc import Callable
from dataclasses import replace

from bot.domain.asking import Asker, Where
from bot.domain.catalogue import Catalogue
from bot.domain.errors import BlockedError, BooksBusyError, NeedsGoAheadError
from bot.domain.job import Job, Reply
from bot.domain.ledger import Standing
from bot.domain.order import Order, Request
from bot.domain.policy import Effective, House, effective, objections, settled
from bot.domain.references import check_declared
from bot.domain.rules import Rules
from bot.service.offers import Offers
from bot.service.people import People
from bot.service.points import Point, nothing
from bot.service.ports import Clock, JobStore, RulesStore
from bot.service.racing import within
from bot.service.word_ports import Words

__all__ = ["BOOKS_TIMEOUT", "SEEDS", "Desk", "House"]

BOOKS_TIMEOUT = 1.0
"""Seconds for the hold, or for a look at the books; Discord wants its first answer within three."""
SEEDS = 2**31
ASKED_FOR = 300.0
"""Seconds that a costly order waits for its member's word."""


class Desk:
    """Takes orders in."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        store: JobStore,
        rules: RulesStore,
        words: Words,
        people: People,
        offers: Offers,
        house: House,
        clock: Clock,
        new_id: Callable[[], str],
        new_seed: Callable[[], int],
        reached: Callable[[Point], None] = nothing,
    ) -> None:
        self.catalogue = catalogue
        self._store = store
        self._rules = rules
        self._words = words
        self._people = people
        self._offers = offers
        self._house = house
        self._clock = clock
        self._new_id = new_id
        self._new_seed = new_seed
        self._reached = reached

    async def take(
        self, order: Order, asker: Asker, where: Where, reply: Reply | None = None, *, confirmed: bool = False
    ) -> Job:
        """Check the order and hold its credits. Raises RefusedError; then nothing is held.

        `order.model` may be empty: the one that is usual there. `confirmed`: its member has seen the price and goes
        ahead; else a costly order becomes an offer, and NeedsGoAheadError has its id.
        """
        await self._check_block(order.scope, asker.member_id)
        holds = await self.effective(order.scope, asker, where)
        order = settled(replace(order, prompt=order.prompt.strip()), holds, self.catalogue)
        request, credit = self._priced(order, holds)
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            word = await self._words.first(order.scope, order.prompt)
        for objection in objections(order, request, holds=holds, catalogue=self.catalogue, word=word):
            raise objection
        if holds.confirm_above is not None and credit > holds.confirm_above and not confirmed:
            offer = self._offers.make(order, ASKED_FOR)
            raise NeedsGoAheadError(credits=credit, above=holds.confirm_above, offer_id=offer.id)
        job = Job(
            id=self._new_id(),
            order=order,
            request=request,
            credits=credit,
            created_at=self._clock(),
            reply=reply,
        )
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            held = await self._store.hold(job, holds.limits)
        self._reached(Point.HELD)
        return held

    def _priced(self, order: Order, holds: Effective) -> tuple[Request, int]:
        """The request and its credits. A tolerance that nobody chose is made stricter quietly."""
        for reference in order.references:
            check_declared(reference)
        tolerance = holds.safety.value if order.choices.safety is None else self._house.max_tolerance
        request = self.catalogue.request(order, max_tolerance=tolerance, seed=self._new_seed())
        return request, self.catalogue.model(order.model).cost(request.arguments, request.images)

    async def _check_block(self, scope: str, member_id: int) -> None:
        block = (await self._people.conduct(scope, member_id)).block
        if block is not None:
            raise BlockedError(until=None if block.until is None else int(block.until), reason=block.reason)

    async def rules(self, scope: str) -> Rules:
        """What a server's moderators have set; read anew, so that a change holds at once."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return (await self._rules.rules(scope)).rules

    async def effective(self, scope: str, asker: Asker, where: Where) -> Effective:
        """What holds for a member in a channel, and where each value comes from."""
        rules = await self.rules(scope)
        return effective(rules, asker=asker, where=where, house=self._house, catalogue=self.catalogue)

    async def jobs(self, scope: str, member_id: int, most: int) -> list[Job]:
        """A member's jobs, the newest first."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return await self._store.of_member(scope, member_id, most)

    async def standing(self, scope: str, asker: Asker, where: Where) -> Standing:
        """What a member and their server have left."""
        limits = (await self.effective(scope, asker, where)).limits
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return await self._store.standing(scope, asker.member_id, limits, self._clock())
