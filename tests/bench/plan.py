"""What is measured: the loads, in their full and their quick form."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

ORDERS_PER_CHANNEL = 5
"""Few enough that Discord's limit of a channel, five messages in five seconds, is not what bounds."""
CHANNELS_PER_SERVER = 10
PICTURE = 1_500_000
"""Bytes."""
LARGE_PICTURE = 10_000_000
NAIVE_PATIENCE = 120.0
"""Seconds from the first order on; then the naive bot is stopped."""
PATIENCE = 240.0
"""The same for ours, beyond the time that orders take to arrive."""


class Side(StrEnum):
    """Who is measured."""

    OURS = "bot"
    NAIVE = "naive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many orders, all alike; times in seconds."""

    orders: int
    seconds: float
    """What fal takes for each."""
    over: float
    """The time in which the orders arrive, evenly."""
    images: int = 1
    picture_bytes: int = PICTURE
    naive_patience: float = NAIVE_PATIENCE
    rounds: int = 1
    """The figures are their medians."""

    @property
    def name(self) -> str:
        if self.images > 1:
            return f"{self.orders} of {self.images} × {self.picture_bytes / 1e6:.0f} MB"
        return str(self.orders)

    @property
    def is_large(self) -> bool:
        """Whether its question is memory alone."""
        return self.images > 1

    @property
    def channels(self) -> int:
        return max(1, self.orders // ORDERS_PER_CHANNEL)

    @property
    def servers(self) -> int:
        return max(1, self.channels // CHANNELS_PER_SERVER)

    def patience(self, side: Side) -> float:
        """Seconds from the first order until what has not been posted counts as not finished."""
        return self.naive_patience if side is Side.NAIVE else self.over + self.seconds + PATIENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole run of the benchmark."""

    loads: Sequence[Load]
    fairness: bool
    quick: bool = False


def full_load(orders: int, seconds: float = 8.0) -> Load:
    """Arrivals spread over fal's time; beyond some hundreds over a minute."""
    return Load(orders=orders, seconds=seconds, over=60.0 if orders > 500 else seconds)


def large_load(seconds: float = 8.0, orders: int = 8) -> Load:
    """Four pictures of 10 MB in every order, all at once."""
    return Load(orders=orders, seconds=seconds, over=0.5, images=4, picture_bytes=LARGE_PICTURE)


def full() -> Plan:
    """In a quarter of an hour on two cores. Most numbers to reach are of 50 orders, so these have three rounds."""
    loads = [full_load(1), replace(full_load(50), rounds=3), full_load(200), full_load(1000), large_load()]
    return Plan(loads=loads, fairness=True)


def quick() -> Plan:
    """In two minutes on two cores."""
    loads = [full_load(1, 3.0), full_load(50, 3.0), large_load(3.0, orders=4)]
    return Plan(loads=loads, fairness=True, quick=True)
