"""Messages that go away by themselves: short refusals, and offers nobody took."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from bot.service.ports import Sleep

_log = logging.getLogger(__name__)

Remove = Callable[[], Awaitable[object]]
"""Takes a message away. What it raises is logged: it may be gone already."""
FAREWELL = 2.0
"""Seconds that the bot's stop spends on taking away what is left."""


class Fleeting:
    """`run` works until it is cancelled; what waits then is taken away at once, as nobody would come back for it."""

    def __init__(self, sleep: Sleep) -> None:
        self._sleep = sleep
        self._arrivals: asyncio.Queue[tuple[Remove, float]] = asyncio.Queue()
        self._waiting: dict[int, Remove] = {}
        self._numbers = itertools.count()

    def remove_later(self, remove: Remove, seconds: float) -> None:
        """Returns at once."""
        self._arrivals.put_nowait((remove, seconds))

    async def run(self) -> None:
        """Take away what is due."""
        try:
            async with asyncio.TaskGroup() as removals:
                while True:
                    remove, seconds = await self._arrivals.get()
                    number = next(self._numbers)
                    self._waiting[number] = remove
                    removals.create_task(self._later(number, seconds), name=f"fleeting-{number}")
        finally:
            left = [*self._waiting.values(), *(self._arrivals.get_nowait()[0] for _ in range(self._arrivals.qsize()))]
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL), asyncio.TaskGroup() as farewells:
                    for remove in left:
                        farewells.create_task(_quietly(remove), name="fleeting")

    async def _later(self, number: int, seconds: float) -> None:
        await self._sleep(seconds)
        await _quietly(self._waiting.pop(number))


async def _quietly(remove: Remove) -> None:
    try:
        await remove()
    except Exception as error:  # noqa: BLE001 - the boundary of one courtesy: most often a message that is gone already
        _log.info("a message was not taken away (%s)", type(error).__name__)
