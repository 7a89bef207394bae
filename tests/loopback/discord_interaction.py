"""One interaction as the server remembers it: who did what, and how the bot answered."""

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any

from tests.loopback.discord_state import EPHEMERAL, Channel, Json, Message, Person

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
REPLY, DEFER, DEFER_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9

ANSWER_WITHIN_S = 3.0
TOKEN_LIFE_S = 15 * 60.0
EXPIRED_TOKEN = 50027


class NoAnswerError(AssertionError):
    """The bot did not do in time what a person was waiting for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The first response: its callback type, its data and how long the person waited for it."""

    kind: int
    data: Json
    seconds: float
    message: Message | None  # the message it made or changed, as it stands now

    @property
    def content(self) -> str:
        return str(self.data.get("content") or "")

    @property
    def ephemeral(self) -> bool:
        return bool((self.data.get("flags") or 0) & EPHEMERAL)

    @property
    def choices(self) -> list[Json]:
        return list(self.data.get("choices") or [])

    @property
    def opens_modal(self) -> bool:
        return self.kind == MODAL


@dataclass(slots=True, eq=False, kw_only=True, repr=False)
class Interaction:
    id: int
    kind: int
    person: Person
    channel: Channel
    label: str  # what was used, for people: "/imagine", "button v1:redo:7"
    created_at: float
    token: str = field(default_factory=lambda: secrets.token_urlsafe(96))
    data: Json = field(default_factory=dict[str, Any])
    source: Message | None = None  # the message that held the component
    opened_by: "Interaction | None" = None  # for a modal submit: what opened the modal
    delivered: bool = False  # a gateway session was there to hear of it
    answer: Answer | None = None
    message: Message | None = None  # what @original stands for
    followups: list[Message] = field(default_factory=list[Message])
    killed_with: int | None = None  # the error code a test made its token die with
    _answered: asyncio.Event = field(default_factory=asyncio.Event)

    def __repr__(self) -> str:
        return f"<{self.label} by {self.person.name}, answered {self.answer}>"

    async def first_response(self, within: float = ANSWER_WITHIN_S) -> Answer:
        """Return how the bot answered, waiting at most so many seconds.

        Raises NoAnswerError: the person saw "The application did not respond".
        """
        try:
            await asyncio.wait_for(self._answered.wait(), within)
        except TimeoutError:
            raise NoAnswerError(f"no answer to {self.label} within {within} s") from None
        if self.answer is None:
            raise NoAnswerError(f"{self.label} is marked as answered but holds no answer")
        return self.answer

    def settle(self, answer: Answer) -> None:
        self.answer = answer
        self._answered.set()

    def is_late(self, now: float) -> bool:
        return now - self.created_at > ANSWER_WITHIN_S

    def dead_as(self, now: float) -> int | None:
        """Return the error code its token is dead with, or None while it lives."""
        if self.killed_with is None and now - self.created_at > TOKEN_LIFE_S:
            return EXPIRED_TOKEN
        return self.killed_with

    def owns(self, message: Message) -> bool:
        """Whether the webhook routes of this token may touch the message."""
        return message is self.message or message in self.followups
