"""A draft: an edit that its member is still writing in a form."""

from dataclasses import dataclass, field

from bot.domain.order import Choices, Reference

DRAFT_LIFE = 3600.0
"""Seconds that a form may stay open, and what was typed into it is kept for another try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a form shows when it opens, and what is known once it was sent."""

    id: str
    """16 lower-case hexadecimal characters; part of the form."""
    scope: str
    member_id: int
    images: tuple[Reference, ...]
    """Those to choose from."""
    picked: tuple[int, ...] = (1,)
    """Positions in `images`, from 1."""
    more: tuple[Reference, ...] = ()
    """Files that were uploaded with the form."""
    prompt: str = ""
    model: str
    choices: Choices = field(default_factory=Choices)
    private: bool = False
    depth: int = 0
    """Of the edit in its chain, as in an Order."""
    basket: tuple[int, ...] = ()
    """Ids of the basket's pictures that these images are, in the same order; they leave it once the order is accepted."""

    @property
    def references(self) -> tuple[Reference, ...]:
        """The pictures of the order."""
        return (*(self.images[position - 1] for position in self.picked), *self.more)
