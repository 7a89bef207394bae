"""The named points of a job's life at which a process may die: the end-to-end tests kill it at every one of them."""

import os
import signal
from collections.abc import Callable
from enum import StrEnum


class Point(StrEnum):
    """A moment between two steps that others can see."""

    HELD = "held"
    """The credits are held; nobody was answered."""
    ANSWERED = "answered"
    """The progress message stands; the studio does not know."""
    PREPARED = "prepared"
    """The pictures are on disk; fal does not have them."""
    SUBMITTING = "submitting"
    """The row says so; nothing was sent."""
    SUBMITTED = "submitted"
    """fal has the request; the row does not know its id."""
    QUEUED = "queued"
    """The row has the id."""
    COMPLETED = "completed"
    """fal is done; the result was not read."""
    COLLECTED = "collected"
    """The files are on disk; the row does not know."""
    RENDERED = "rendered"
    """The books are settled; nothing was posted."""
    POSTED = "posted"
    """The images stand in the channel; the row does not know."""
    DELIVERED = "delivered"
    """The row knows; the progress message may still stand."""
    CANCELLING = "cancelling"
    """A cancel was written down; fal has not heard of it."""
    LOST = "lost"
    """The row says lost; nobody has looked for the request."""
    ENDED = "ended"
    """The books are closed; the member was not told."""
    TOLD = "told"
    """The member was told; the row does not know."""


DIE_AT = "BOT_TEST_DIE_AT"
"""The environment variable by which the end-to-end tests name the point where the process dies."""


def points_from_environment() -> Callable[[Point], None]:
    """What is told each point: nobody, or, in tests, the executioner."""
    wanted = os.environ.get(DIE_AT)
    if not wanted:
        return nothing

    def die(point: Point) -> None:
        if point.value == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return die


def nothing(_point: Point) -> None:
    """What a running bot does at these points."""
