"""An event loop whose time stands while something is ready, and jumps to the next thing that waits when nothing is."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Hours pass in moments, and in the order in which they would."""

    _ready: list[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        ahead = [handle.when() for handle in self._scheduled if not handle.cancelled()]
        if not self._ready and ahead:
            self.now = max(self.now, min(ahead))
        super()._run_once()  # pyright: ignore[reportAttributeAccessIssue,reportUnknownMemberType] - what run_forever calls


def simulate(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(work)
