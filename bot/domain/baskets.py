"""A basket: pictures that a member collects from messages, to blend them."""

from dataclasses import dataclass

from bot.domain.order import Reference

BASKET_LIFE = 7 * 24 * 3600.0
"""Seconds that a picture stays in a basket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """One picture in a basket."""

    id: int
    reference: Reference
