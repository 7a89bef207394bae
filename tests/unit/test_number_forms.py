"""Sentences fit the numbers in them."""

import pytest

from bot import texts


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (59, "59 s"), (60, "1 min"), (61, "1 min 1 s"), (120, "2 min")]
)
def test_a_length_of_time_has_no_empty_part(seconds: float, said: str) -> None:
    assert texts.duration(seconds) == said


def test_one_credit_is_one() -> None:
    assert texts.ask_delete(1).endswith("The 1 credit that they cost is not returned.")
    assert texts.ask_delete(8).endswith("The 8 credits that they cost are not returned.")
    one, two = "1 credit of <@7> does not count any more today.", "2 credits of <@7> do not count any more today."
    assert texts.allowance_reset(7, 1) == f"{one} The server's limit still counts it."
    assert texts.allowance_reset(7, 2) == f"{two} The server's limit still counts them."
