"""The books' own rules: windows, limits, and what an ended job is charged."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.domain.errors import BotError, GenerationError
from bot.domain.job import Job, State

DAY = 86_400.0
"""Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one order is checked against, in credits and jobs."""

    member_day: int
    server_day: int
    operator_month: int
    member_jobs: int
    server_jobs: int
    server_month: int | None = None
    """None where only the operator's month counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What an order is charged in the end, in credits, in each of the two books.

    The customer's book is what the member and the server pay; the operator's is what fal (perhaps) charged.
    """

    customer: int
    operator: int


FREE = Closing(customer=0, operator=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A member's view of the books: limits and what is left, in credits."""

    member_limit: int
    member_left: int
    server_limit: int
    server_left: int
    jobs: int
    """The member's orders on their way."""
    renews_at: int
    """Unix seconds."""
    server_month_limit: int | None = None
    server_month_left: int = 0


def day_of(now: float) -> str:
    """The UTC day of a moment, such as `2026-11-21`."""
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def month_of(now: float) -> str:
    """The UTC month of a moment, such as `2026-11`."""
    return day_of(now)[:7]


def next_day(now: float) -> int:
    """When the next UTC day begins, in unix seconds."""
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((today + timedelta(days=1)).timestamp())


def next_month(now: float) -> int:
    """When the next UTC month begins, in unix seconds."""
    first = datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return int((first + timedelta(days=32)).replace(day=1).timestamp())


def charged_today(job: Job, now: float) -> int:
    """The credits that an order took of its member's present UTC day."""
    return job.charged or 0 if day_of(job.created_at) == day_of(now) else 0


def closing_after(job: Job, error: BotError) -> Closing:
    """What a job that ended badly is charged.

    Before submission nothing was paid but a first try. After it, the member and the server never pay for what they did
    not get; the operator's book counts the cost wherever fal may have charged.
    """
    unsure = job.state is not State.HELD and (not isinstance(error, GenerationError) or error.may_be_billed)
    return Closing(customer=0, operator=job.wasted + (job.credits if unsure else 0))
