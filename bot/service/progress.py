"""The progress message of one job: edited when something visible changed, never often, never in the job's way."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.domain.job import Job
from bot.service.ports import Generating, Phase, Resuming, Searching, Shut, Stage

EDIT_EVERY = 2.0
"""Seconds between two edits of one message, at least."""
NOTICE_EDITS = 2
"""Edits of a progress message in a channel, where all of a channel's edits share one narrow limit; the last word is one more."""

Sleep = Callable[[float], Awaitable[None]]


class Progress:
    """Latest wins: what was not shown in time is never shown."""

    def __init__(self, stage: Stage, job: Job, sleep: Sleep, first: Phase | None) -> None:
        """`first` is what the message says already; None when that is not known."""
        self._stage = stage
        self._job = job
        self._sleep = sleep
        self._shown = first
        self._wanted: Phase | None = first
        self._changed = asyncio.Event()
        by_channel = job.reply is None
        self._worth = Generating | Searching | Shut | Resuming if by_channel else Phase
        # What an earlier process edited is not known, so this one only says the last word.
        self._left = (NOTICE_EDITS if first is not None else 0) if by_channel else None

    def show(self, phase: Phase) -> None:
        """Say this soon; returns at once."""
        self._wanted = phase
        self._changed.set()

    async def run(self) -> None:
        """Edit until cancelled."""
        while True:
            await self._sleep(EDIT_EVERY)
            await self._changed.wait()
            self._changed.clear()
            if self._wanted is not None and self._wanted != self._shown:
                await self.say(self._wanted)

    async def say(self, phase: Phase) -> None:
        """Edit now, where the phase is worth one of the edits that are left."""
        if not isinstance(phase, self._worth) or self._left == 0:
            return
        self._shown = phase
        if self._left is not None:
            self._left -= 1
        await self._stage.show(self._job, phase)

    @staticmethod
    async def stop(task: asyncio.Task[None]) -> None:
        """End `run`, an edit in the air included, so that nothing comes after the last word."""
        task.cancel()
        await asyncio.wait({task})
