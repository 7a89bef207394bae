"""Where a job's images may be shown, in the order in which the places are tried."""

from enum import Enum, auto

from bot.domain.job import Job
from bot.domain.order import Order


class Place(Enum):
    """One way to show images. When none is left they are kept, for /jobs."""

    CHANNEL = auto()
    """A regular message of the bot in the order's channel, or in the member's direct messages when ordered there."""
    ANSWER = auto()
    """The interaction's own message, which knows whether everyone sees it; only while its token lives."""
    DIRECT = auto()
    """The member's direct messages."""


def places(job: Job) -> tuple[Place, ...]:
    """What is private goes nowhere that others can look; where the bot itself cannot post only the answer is left."""
    order = job.order
    found = list[Place]()
    if is_posted(order):
        found.append(Place.CHANNEL)
    if job.reply is not None:
        found.append(Place.ANSWER)
    if order.private or order.outside or order.guild_id is not None:
        found.append(Place.DIRECT)
    return tuple(found)


def is_posted(order: Order) -> bool:
    """Whether the order's channel is used: the bot can post there, and everyone there may see it."""
    return not order.private and not order.outside
