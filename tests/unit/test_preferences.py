"""Preferences are filled in where an order is open, one by one, and never against what is taken."""

from dataclasses import replace

import pytest
from doubles import CATALOGUE, an_order

from bot.domain.errors import BadChoiceError, UnknownModelError
from bot.domain.order import Choices, Order
from bot.domain.preferences import Preferences, check_preferences, filled

ALL = Preferences(model="nano-banana-pro", aspect_ratio="16:9", resolution="2K", format="jpeg", images=2)


def taken(_order: Order) -> bool:
    return True


def test_everything_open_is_filled_in() -> None:
    made = filled(replace(an_order(), model=""), ALL, taken)
    assert made.model == "nano-banana-pro"
    assert made.choices == Choices(aspect_ratio="16:9", resolution="2K", format="jpeg", images=2)
    assert made.filled


def test_what_was_chosen_stays() -> None:
    chosen = Choices(aspect_ratio="1:1", images=1)
    made = filled(replace(an_order(choices=chosen), model="nano-banana-2"), ALL, taken)
    assert made.model == "nano-banana-2"
    assert made.choices == replace(chosen, resolution="2K", format="jpeg")


def test_one_that_would_be_refused_is_left_out_and_the_others_stay() -> None:
    def no_two(order: Order) -> bool:
        return order.choices.images is None and order.model == ""

    made = filled(replace(an_order(), model=""), ALL, no_two)
    assert made.model == ""
    assert made.choices == Choices(aspect_ratio="16:9", resolution="2K", format="jpeg")


def test_an_edit_keeps_its_pictures_shape() -> None:
    assert filled(an_order(references=1), ALL, taken).choices.aspect_ratio is None


def test_values_that_some_model_has_may_be_stored_and_others_not() -> None:
    check_preferences(ALL, CATALOGUE)
    with pytest.raises(UnknownModelError):
        check_preferences(Preferences(model="dall-e"), CATALOGUE)
    with pytest.raises(BadChoiceError):
        check_preferences(Preferences(aspect_ratio="circle"), CATALOGUE)
