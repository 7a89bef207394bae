"""Offers: taken once, by their member, in time."""

import itertools

import pytest
from doubles import an_order

from bot.domain.errors import NotYoursError, OfferGoneError
from bot.service import offers as module
from bot.service.offers import Offers


class World:
    def __init__(self) -> None:
        self.now = 1000.0
        numbers = itertools.count()
        self.offers = Offers(lambda: self.now, lambda: f"{next(numbers):016x}")


@pytest.fixture
def here() -> World:
    return World()


def test_an_offer_is_taken_once(here: World) -> None:
    order = an_order("a fox", member=7)
    offer = here.offers.make(order, 120)
    assert here.offers.take(offer.id, 7) == order
    with pytest.raises(OfferGoneError):
        here.offers.take(offer.id, 7)


def test_an_offer_is_not_for_others_and_stays_for_its_member(here: World) -> None:
    offer = here.offers.make(an_order("a fox", member=7), 120)
    with pytest.raises(NotYoursError):
        here.offers.take(offer.id, 8)
    assert here.offers.take(offer.id, 7).prompt == "a fox"


def test_an_offer_runs_out(here: World) -> None:
    offer = here.offers.make(an_order(member=7), 120)
    here.now += 121
    with pytest.raises(OfferGoneError):
        here.offers.take(offer.id, 7)


def test_the_oldest_offers_go_when_there_are_too_many(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    first, second, third = (here.offers.make(an_order(member=7), 120) for _ in range(3))
    with pytest.raises(OfferGoneError):
        here.offers.take(first.id, 7)
    assert here.offers.take(second.id, 7)
    assert here.offers.take(third.id, 7)
