"""Steps that must not be cut in the middle: a stop waits for those under way, and lets none begin."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from bot.domain.job import Job


class UncutSteps:
    """Those of all jobs."""

    def __init__(self) -> None:
        self.stopping = False
        self._jobs: set[str] = set()
        self._all_safe = asyncio.Event()
        self._all_safe.set()

    @asynccontextmanager
    async def step(self, job: Job) -> AsyncGenerator[None]:
        """A step that a stop waits for; while the bot stops none begins, and the next process takes the job up."""
        if self.stopping:
            await asyncio.Event().wait()
        self._jobs.add(job.id)
        self._all_safe.clear()
        try:
            yield
        finally:
            self._jobs.discard(job.id)
            if not self._jobs:
                self._all_safe.set()

    async def stop(self, grace: float) -> None:
        """Let none begin, and wait for those under way, at most so many seconds."""
        self.stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._all_safe.wait()
