"""A job: an order on its way. It has exactly one state, and `Job.to` is the only way to another."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from bot.domain.order import Made, Order, Origin, Reference, Request


class State(StrEnum):
    """Where a job stands. The books move with it; see `bot/README.md`."""

    HELD = "held"
    SUBMITTING = "submitting"
    QUEUED = "queued"
    RENDERED = "rendered"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


NEXT: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.HELD: frozenset({State.SUBMITTING, State.FAILED, State.CANCELLED}),
        State.SUBMITTING: frozenset({State.QUEUED, State.HELD, State.LOST, State.FAILED}),
        State.QUEUED: frozenset({State.RENDERED, State.HELD, State.FAILED, State.CANCELLED}),
        State.LOST: frozenset({State.QUEUED, State.FAILED}),
        State.RENDERED: frozenset({State.DELIVERED}),
        State.DELIVERED: frozenset(),
        State.FAILED: frozenset(),
        State.CANCELLED: frozenset(),
    }
)

ENDED = frozenset(state for state, following in NEXT.items() if not following)
NO_MESSAGE = 0
"""In place of a final message, of images that could be posted nowhere and were handed to their member."""
IN_FLIGHT = frozenset({State.HELD, State.SUBMITTING, State.QUEUED})
"""States that count against the limits of orders on their way."""


class WrongStepError(Exception):
    """A defect: a state was asked for that does not follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """fal's receipt of a submitted request."""

    request_id: str
    status_url: str
    response_url: str
    cancel_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One finished image: where fal keeps it for a while, and the complete file of ours (a name in the job's folder)."""

    url: str = field(repr=False)
    filename: str
    content_type: str
    width: int
    height: int
    size: int
    """Bytes."""


TOKEN_LIFE = 14.5 * 60
"""Seconds an interaction's token is used; Discord's own limit is 15 minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How to reach the interaction that ordered: usable for 15 minutes from `created_at` (unix seconds)."""

    application_id: int
    token: str = field(repr=False)
    created_at: float
    message_id: int | None = None
    """The progress message, once it stands."""

    def is_over(self, now: float) -> bool:
        """Whether the token is used no more, at that moment (unix seconds)."""
        return now > self.created_at + TOKEN_LIFE


class Word(StrEnum):
    """What moderators say to an order that needs their approval."""

    WANTED = "wanted"
    """Nothing yet."""
    GIVEN = "given"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Of an order that moderators have to approve."""

    word: Word = Word.WANTED
    channel_id: int
    """The log channel in which they are asked."""
    message_id: int | None = None
    """The question there, once it stands."""
    by: int | None = None
    """The moderator who answered."""
    at: float | None = None
    """Unix seconds of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An order on its way."""

    id: str
    """16 lower-case hexadecimal characters, made once; part of buttons and of the nonce."""
    number: int = 0
    """The order of arrival, given by the store; 0 before it is stored."""
    state: State = State.HELD
    order: Order
    request: Request
    credits: int
    """Held for this job."""
    created_at: float
    """Unix seconds."""
    reply: Reply | None = None
    notice_id: int | None = None
    """The progress message of an order without an interaction, once it is known."""
    approval: Approval | None = None
    """None where nobody has to approve."""
    ticket: Ticket | None = None
    submitted_at: float | None = None
    rendered_at: float | None = None
    pictures: tuple[Picture, ...] = ()
    charged: int | None = None
    """Credits settled in the end; None while open."""
    message_id: int | None = None
    """The final message, or NO_MESSAGE."""
    posted_in: int | None = None
    """The channel of that message where it is its member's direct messages instead of the order's. Written by the store alone."""
    error: str | None = None
    """What went wrong, as `errors.packed` wrote it."""
    cancel_wanted: bool = False
    retried: bool = False
    """Whether its one free retry has been used."""
    wasted: int = 0
    """Credits that fal may have charged for a first try that came to nothing; the operator's book alone counts them."""
    units: float | None = None
    """fal's billable units of the result, where it names them."""
    told: bool = False
    """Whether the last word was said: the member told, the progress message gone."""
    deleted_at: float | None = None
    """When its final message was deleted; its images are not brought back. Written by the store alone."""

    @property
    def sent_at(self) -> float:
        """When it was submitted or, where that is not known, ordered (unix seconds)."""
        return self.submitted_at or self.created_at

    def to(self, state: State, **changes: Any) -> "Job":  # noqa: ANN401 - the fields of Job, checked by replace()
        """This job in its next state. Raises WrongStepError when that state does not follow."""
        if state not in NEXT[self.state]:
            raise WrongStepError(f"job {self.id}: {self.state} -> {state}")
        return replace(self, state=state, **changes)

    def but(self, **changes: Any) -> "Job":  # noqa: ANN401 - the fields of Job, checked by replace()
        """This job with more known about it, in the same state."""
        if "state" in changes:
            raise WrongStepError("a state changes by Job.to only")
        return replace(self, **changes)

    def reference(self, position: int) -> Reference:
        """One of its finished images as a picture of another order."""
        picture = self.pictures[position - 1]
        return Reference(
            url=picture.url,
            filename=picture.filename,
            content_type=picture.content_type,
            size=None,  # what a member may send is limited, what fal made is not
            made=Made(job_id=self.id, position=position),
            origin=Origin(channel_id=self.order.channel_id, message_id=self.message_id, author_id=None)
            if self.message_id and self.posted_in is None  # what one person alone can open leads nobody back
            else None,
            spoiler=self.order.spoiler,
        )

    @property
    def unapproved(self) -> bool:
        """Whether it may not stand in line: a moderator has to approve it, and has not."""
        return self.state is State.HELD and self.approval is not None and self.approval.word is not Word.GIVEN

    @property
    def awaits_approval(self) -> bool:
        """Whether a moderator may still answer."""
        return self.unapproved and self.approval is not None and self.approval.word is Word.WANTED

    @property
    def ready_at(self) -> float:
        """From when on its waiting counts (unix seconds): from the order, or from its approval."""
        return self.created_at if self.approval is None or self.approval.at is None else self.approval.at

    @property
    def stands_in(self) -> int:
        """The channel of its final message."""
        return self.order.channel_id if self.posted_in is None else self.posted_in

    @property
    def cost(self) -> int:
        """Credits that it was charged, or holds while it is open."""
        return self.credits if self.charged is None else self.charged

    @property
    def ended(self) -> bool:
        """Whether nothing follows."""
        return self.state in ENDED
