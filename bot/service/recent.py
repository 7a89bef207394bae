"""What was done a moment ago, so that ten clicks do it once."""

from collections.abc import Generator, Hashable
from contextlib import contextmanager

from bot.domain.errors import JustBroughtBackError
from bot.service.ports import Clock

REST = 10.0
"""Seconds before the same is posted again in the same channel."""


class Recent:
    """In memory alone: after a restart everything may be done again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._done: dict[Hashable, float] = {}

    @contextmanager
    def once(self, what: Hashable) -> Generator[None]:
        """Do this now; what fails may be done again. Raises JustBroughtBackError when it was done a moment ago."""
        now = self._clock()
        self._done = {one: at for one, at in self._done.items() if now - at < REST}
        if what in self._done:
            raise JustBroughtBackError
        self._done[what] = now
        try:
            yield
        except BaseException:  # what is called off may be done again, too
            self._done.pop(what, None)
            raise
