"""The progress message of one job: edited when something visible changed, never often, never in the job's way."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.domain.job import Job
from bot.service.ports import InLine, Phase, Stage

EDIT_EVERY = 2.0
"""Seconds between two edits of one message, at least."""

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

    def show(self, phase: Phase) -> None:
        """Say this soon; returns at once."""
        if self._wanted is None or _is_news(self._wanted, phase):
            self._wanted = phase
            self._changed.set()

    async def run(self) -> None:
        """Edit until cancelled."""
        while True:
            await self._sleep(EDIT_EVERY)
            await self._changed.wait()
            self._changed.clear()
            if self._wanted is not None and self._wanted != self._shown:
                self._shown = self._wanted
                await self._stage.show(self._job, self._wanted)

    @staticmethod
    async def stop(task: asyncio.Task[None]) -> None:
        """End `run`, an edit in the air included, so that nothing comes after the last word."""
        task.cancel()
        await asyncio.wait({task})


def _is_news(said: Phase, now: Phase) -> bool:
    """Whether an edit would tell something: an expected moment may wander a little."""
    if isinstance(said, InLine) and isinstance(now, InLine) and said.expected and now.expected:
        wandered = abs(now.expected.at - said.expected.at)
        return wandered > now.expected.give or replace(said, expected=now.expected) != now
    return said != now
