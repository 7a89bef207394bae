"""Which waiting order goes to fal next: first come, first served."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An order in our own line."""

    job_id: str
    number: int
    """The order of arrival."""
    ready: bool
    """Whether its pictures are prepared; until then others may pass it."""


def next_turn(line: Iterable[Waiting]) -> Waiting | None:
    """The order that goes next, or None when none is ready."""
    return min((one for one in line if one.ready), key=lambda one: one.number, default=None)


def place_in_line(line: Iterable[Waiting], number: int) -> int:
    """How many orders are ahead of this one."""
    return sum(1 for one in line if one.number < number)
