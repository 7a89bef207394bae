"""Rules: what the moderators of a server have set with /settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.conduct import StrikeRules


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


class Channels(StrEnum):
    """In which channels members may order."""

    EVERY = "every"
    ONLY = "only"
    """In the listed ones alone."""
    EXCEPT = "except"
    """Everywhere but in the listed ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRules:
    """What differs in one channel and its threads; None where the server's own value holds."""

    models: frozenset[str] | None = None
    largest_resolution: str | None = None
    safety: int | None = None
    replies: Replies | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One server's rules; the defaults are a server that has set nothing.

    None means: whatever the operator allows. Models, roles and channels that are gone do no harm here.
    """

    # --- models
    models: frozenset[str] | None = None
    """Names of those that may be used; None: all."""
    default_model: str | None = None

    # --- limits, in credits and orders
    server_day: int | None = None
    server_month: int | None = None
    member_day: int | None = None
    member_jobs: int | None = None
    server_jobs: int | None = None
    largest_resolution: str | None = None
    """Such as `2K`."""
    most_images: int | None = None
    """Of one order."""
    confirm_above: int | None = None
    """Credits above which an order asks its member once more."""
    role_allowances: Mapping[int, int | None] = field(default_factory=dict[int, int | None])
    """Credits a day by role id, the best of a member's counts; None: as much as the server has."""
    roles_only: bool = False
    """Whether only members with one of those roles may order."""

    # --- channels
    channels: Channels = Channels.EVERY
    listed_channels: frozenset[int] = frozenset()
    channel_rules: Mapping[int, ChannelRules] = field(default_factory=dict[int, ChannelRules])

    # --- safety
    safety: int | None = None
    """The laxest tolerance of fal's content check: 1 is the strictest."""
    replies: Replies = Replies.AS_SAID
    editable: Editable = Editable.EVERYONES
    private: bool = True
    """Whether members may have results shown to themselves alone."""
    names_word: bool = True
    """Whether a refusal tells the member which word rule it was."""
    strikes_to_block: int = StrikeRules().to_block
    strike_days: int = StrikeRules().days
    strike_block_days: int = StrikeRules().block_days

    # --- approval
    approval_channels: frozenset[int] = frozenset()
    """Where orders wait until a moderator approves them in the log channel; threads follow their channel."""
    approval_roles: frozenset[int] = frozenset()
    """Members with one of these roles wait everywhere; the server's own id stands for everyone."""

    # --- log
    log_channel: int | None = None
    """Where moderators read what happens and approve orders, and where the operator's notices are."""

    @property
    def strikes(self) -> StrikeRules:
        """What strikes lead to."""
        return StrikeRules(to_block=self.strikes_to_block, days=self.strike_days, block_days=self.strike_block_days)


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
