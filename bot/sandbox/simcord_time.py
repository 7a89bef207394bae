"""simcord's clock, set to the time of the world: without it every message would say 1 January.

Private name: simcord._clock.Clock (simcord 3.2.1), the class of `env.backend.clock`.
"""

import datetime as dt
from collections.abc import Callable

from simcord import Env
from simcord._clock import Clock as SimcordClock  # pyright: ignore[reportPrivateUsage] - as said above


class WorldClock(SimcordClock):
    """simcord's view of the same time."""

    def __init__(self, world_time: Callable[[], float]) -> None:
        super().__init__()
        self._time = world_time

    def now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self._time(), dt.UTC) + dt.timedelta(seconds=self.elapsed)


def use_time(env: Env, world_time: Callable[[], float]) -> None:
    """From now on simcord's messages and interactions carry this time (unix seconds)."""
    env.backend.clock = WorldClock(world_time)
