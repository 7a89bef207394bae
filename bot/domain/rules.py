"""Rules: what the moderators of a server have set with /settings."""

from dataclasses import dataclass
from enum import StrEnum


class Replies(StrEnum):
    """How a plain reply to one of the bot's images is taken."""

    AS_SAID = "as_said"
    """At once from whoever ordered that image, mentioned the bot or wrote options; others are asked first."""
    EVERYONE = "everyone"
    """At once, from everyone."""
    MENTION = "mention"
    """Only when the bot is mentioned by hand."""
    OFF = "off"


class Editable(StrEnum):
    """Whose pictures may be edited."""

    EVERYONES = "everyones"
    OWN = "own"
    """One's own and the bot's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One server's rules; the defaults are a server that has set nothing."""

    replies: Replies = Replies.AS_SAID
    editable: Editable = Editable.EVERYONES
    private: bool = True
    """Whether members may have results shown to themselves alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesRecord:
    """Rules as they are stored: each change makes the next version."""

    version: int = 0
    """0 for a server that has set nothing."""
    rules: Rules = Rules()
    changed_by: int | None = None
    """Member id."""
    changed_at: float | None = None
    """Unix seconds."""
