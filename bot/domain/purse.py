"""The operator's purse: what a server may cost, when to warn, and who may use the bot at all."""

from dataclasses import dataclass

MARKS = (50, 80, 100)
"""Per cent of the month's stop at which the operator is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server as the operator sees it."""

    guild_id: int
    name: str = ""
    left_at: float | None = None
    """Unix seconds; None while the bot is in it."""
    monthly: int | None = None
    """The operator's cap in credits; None: the default of the settings."""
    suspended: bool = False
    allowed: bool = False
    """Counts only where the allow list is on."""
    leave_wanted: bool = False
    """Whether the running bot is yet to leave it."""


def marks_reached(spent: int, stop: int) -> tuple[int, ...]:
    """The marks that a month has reached; all of them when nothing may be spent at all."""
    return tuple(mark for mark in MARKS if spent * 100 >= stop * mark)
