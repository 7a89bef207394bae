"""Where images may be shown, in order."""

from dataclasses import replace

import pytest
from doubles import a_job, an_order

from bot.domain.job import Reply
from bot.domain.places import Place, places

REPLY = Reply(application_id=1, token="t", created_at=0)
CHANNEL, ANSWER, DIRECT = Place.CHANNEL, Place.ANSWER, Place.DIRECT


@pytest.mark.parametrize(
    ("order", "by_interaction", "expected"),
    [
        ({}, True, (CHANNEL, ANSWER, DIRECT)),
        ({}, False, (CHANNEL, DIRECT)),
        ({"private": True}, True, (ANSWER, DIRECT)),
        ({"private": True}, False, (DIRECT,)),
        ({"outside": True}, True, (ANSWER, DIRECT)),
        ({"outside": True, "guild_id": None}, True, (ANSWER, DIRECT)),
        ({"guild_id": None}, True, (CHANNEL, ANSWER)),
        ({"guild_id": None, "private": True}, True, (ANSWER, DIRECT)),
    ],
)
def test_what_is_private_or_outside_never_goes_to_the_channel(
    order: dict[str, object], *, by_interaction: bool, expected: tuple[Place, ...]
) -> None:
    made = a_job(an_order())
    made = made.but(order=replace(made.order, **order), reply=REPLY if by_interaction else None)  # pyright: ignore[reportArgumentType] - its fields
    assert places(made) == expected
