"""How a member stands with a server's moderators: blocks, strikes and granted credits."""

from dataclasses import dataclass

STRIKES_TO_BLOCK = 3
"""So many strikes block a member."""
STRIKE_DAYS = 30
"""A strike counts for so long."""
BLOCK_DAYS = 7
"""How long strikes block for."""
DAY = 86_400.0
"""Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A member may not order."""

    until: float | None
    """Unix seconds; None: until a moderator ends it."""
    reason: str
    done_by: int
    """Member id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """One member in one server, now."""

    block: Block | None = None
    strikes: int = 0
    """Those that count: of the last `STRIKE_DAYS`, since the last block or its end."""
    granted: int = 0
    """Credits that a moderator added for today."""


def later(first: float | None, second: float | None) -> float | None:
    """Of two ends of a block the later one; None is never."""
    return None if first is None or second is None else max(first, second)
