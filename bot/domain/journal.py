"""What a server's moderators read in their log channel."""

from dataclasses import dataclass, field

from bot.domain.conduct import Act, Conduct
from bot.domain.errors import RefusedError
from bot.domain.job import Job
from bot.domain.order import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfJob:
    """Something about one order. Of a private one only who, when, model and price are told."""

    job: Job

    @property
    def scope(self) -> str:
        """In whose log it belongs."""
        return self.job.order.scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered(_OfJob):
    """An order was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(_OfJob):
    """Its images are made, and posted where the job has a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(_OfJob):
    """It was called off, or ended badly; the job says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted(_OfJob):
    """Its images were deleted."""

    by: int | None = None
    """Member id; None where Discord does not say."""
    given_back: int | None = None
    """Credits granted to its member for today; None where nobody asked for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An order was not taken."""

    order: Order
    error: RefusedError

    @property
    def scope(self) -> str:
        """In whose log it belongs."""
        return self.order.scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """A moderator did something about a member."""

    scope: str
    act: Act
    member_id: int
    by: int
    """Member id."""
    reason: str = ""
    credits: int = 0
    """Granted, or given back by a reset."""
    conduct: Conduct = field(default_factory=Conduct)
    """How the member stands after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """There were too many entries at once."""

    scope: str
    count: int
