"""Offers: orders with a price that wait for their member's click before they become jobs."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.errors import NotYoursError, OfferGoneError
from bot.domain.order import Order
from bot.service.ports import Clock

MOST = 10_000
"""Offers kept at once; the oldest go first. Nothing is held for them, so a lost one costs nobody anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An order that was not placed yet."""

    id: str
    """16 lower-case hexadecimal characters; part of a button."""
    order: Order
    until: float
    """Unix seconds."""


class Offers:
    """In memory alone: after a restart an offer is gone, and its button says so."""

    def __init__(self, clock: Clock, new_id: Callable[[], str]) -> None:
        self._clock = clock
        self._new_id = new_id
        self._open: dict[str, Offer] = {}

    def make(self, order: Order, seconds: float) -> Offer:
        """Offer an order to its member for so long."""
        offer = Offer(id=self._new_id(), order=order, until=self._clock() + seconds)
        self._open[offer.id] = offer
        while len(self._open) > MOST:
            del self._open[next(iter(self._open))]
        return offer

    def take(self, offer_id: str, member_id: int) -> Order:
        """The order, once, for the member it was offered to. Raises OfferGoneError, NotYoursError."""
        offer = self._open.get(offer_id)
        if offer is None or self._clock() > offer.until:
            self._open.pop(offer_id, None)
            raise OfferGoneError
        if offer.order.member_id != member_id:
            raise NotYoursError
        del self._open[offer_id]
        return offer.order
