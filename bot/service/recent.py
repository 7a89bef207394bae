"""What was done a moment ago, so that ten clicks do it once."""

from collections.abc import Hashable

from bot.domain.errors import JustBroughtBackError
from bot.service.ports import Clock

REST = 10.0
"""Seconds before the same is posted again in the same channel."""


class Recent:
    """In memory alone: after a restart everything may be done again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._done: dict[Hashable, float] = {}

    def claim(self, what: Hashable) -> None:
        """Say that this is done now. Raises JustBroughtBackError when it was a moment ago."""
        now = self._clock()
        self._done = {one: at for one, at in self._done.items() if now - at < REST}
        if what in self._done:
            raise JustBroughtBackError
        self._done[what] = now
