"""How a member stands with a server's moderators: blocks, strikes and granted credits."""

from dataclasses import dataclass
from enum import Enum, auto

REASON_LENGTH = 200
"""Characters of a moderator's reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrikeRules:
    """What strikes lead to in one server."""

    to_block: int = 3
    """So many block a member."""
    days: int = 30
    """How long one counts."""
    block_days: int = 7
    """How long they block for."""


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
    """Those that count: of the last `strike_rules.days`, since the last block or its end."""
    strike_rules: StrikeRules = StrikeRules()
    granted: int = 0
    """Credits that a moderator added for today."""


class Act(Enum):
    """What a moderator did about a member."""

    BLOCK = auto()
    UNBLOCK = auto()
    STRIKE = auto()
    GRANT = auto()
    RESET = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a member is told about it."""

    act: Act
    conduct: Conduct
    """After it."""
    reason: str = ""
    """As the moderator typed it."""


def later(first: float | None, second: float | None) -> float | None:
    """Of two ends of a block the later one; None is never."""
    return None if first is None or second is None else max(first, second)
