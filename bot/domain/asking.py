"""Who asks, and where: what rules and limits are looked up by."""

from dataclasses import dataclass

PERSON = "person:"


def person_scope(member_id: int) -> str:
    """The books of a person, for what is ordered outside the bot's servers."""
    return f"{PERSON}{member_id}"


def is_person(scope: str) -> bool:
    """Whether these are a person's books."""
    return scope.startswith(PERSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """A member who wants something, in one channel."""

    member_id: int
    roles: frozenset[int] = frozenset()
    moderator: bool = False
    """Whether they have Manage Messages in that channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The channel in which they want it."""

    guild_id: int | None
    """None in direct messages and groups."""
    channel_id: int
    parent_id: int | None = None
    """Of a thread: its channel."""
    age_restricted: bool = False

    @property
    def home(self) -> int:
        """The channel whose rules hold here: a thread has those of its parent."""
        return self.channel_id if self.parent_id is None else self.parent_id
