"""The progress message of one job: edited when something visible changed, never often, never in the job's way."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from bot.domain.job import Job
from bot.service.ports import Expected, Generating, InLine, Late, Phase, Resuming, Searching, Shut, Sleep, Stage

SHORTEST_PAUSE = 2.0
"""Seconds between two edits of one message, at least."""
EDITS_PER_SECOND = 100
"""Of all messages together, at most. Only for speed: of 600 orders, 30 at a time at fal, each is edited 4.4 times instead
of 7.7, for 5 % less CPU."""
LANDING = 1.0
"""Seconds that an edit in the air gets to arrive before a last word that takes its place."""
LATE_AFTER = 60.0
"""Seconds that the final message may wait before the member hears of it."""
AS_GOOD_AS_THEN = 3
"""Seconds between fal's begin as it was said and as it is, at most, for which nobody needs an edit.

An order that goes to fal at once is said to be generating in its first answer: that spares it one of 4 calls to Discord.
"""
NOTICE_EDITS = 2
"""Edits of a progress message in a channel, where all of a channel's edits share one narrow limit; the last word is one more."""

WORTH_AN_EDIT = Generating | Searching | Shut | Late | Resuming
"""What is said there."""


def pause_between(jobs: int) -> float:
    """Seconds between two edits of one message while so many jobs are on their way."""
    return max(SHORTEST_PAUSE, jobs / EDITS_PER_SECOND)


class Progress:
    """Latest wins: what was not shown in time is never shown."""

    def __init__(
        self, stage: Stage, job: Job, sleep: Sleep, pause: Callable[[], float], first: Phase | None = None
    ) -> None:
        """`first` is what the message says already; None when that is not known."""
        self._stage = stage
        self._job = job
        self._sleep = sleep
        self._pause = pause
        self._shown = first
        self._wanted: Phase | None = first
        self._changed = asyncio.Event()
        self._landed = asyncio.Event()
        self._landed.set()
        self._task: asyncio.Task[None] | None = None
        by_channel = job.reply is None
        self._worth = WORTH_AN_EDIT if by_channel else Phase
        # What an earlier process edited is not known, so this one only says the last word.
        self._left = (NOTICE_EDITS if first is not None else 0) if by_channel else None

    def show(self, phase: Phase) -> None:
        """Say this soon; returns at once."""
        self._wanted = phase
        if _is_news(self._shown, phase):
            self._changed.set()

    def go_on_by_channel(self) -> None:
        """From now on edits are as few as in a channel, but for one that says how things are."""
        if self._left is None:
            self._worth, self._left = WORTH_AN_EDIT, NOTICE_EDITS + 1

    def start(self) -> None:
        """Edit from now on, until `stop`."""
        self._task = asyncio.create_task(self._run(), name=f"progress-{self._job.id}")

    async def say(self, phase: Phase) -> None:
        """Edit now, where the phase is worth one of the edits that are left."""
        is_worth_it = isinstance(phase, self._worth) or (self._left or 0) > NOTICE_EDITS
        if not is_worth_it or self._left == 0:
            return
        self._shown = phase
        if self._left is not None:
            self._left -= 1
        self._landed.clear()
        try:
            await self._stage.show(self._job, phase)
        finally:
            self._landed.set()

    async def stop(self, patience: float = 0.0) -> None:
        """Nothing is shown any more.

        An edit in the air has `patience` seconds to arrive: one that is cut off may arrive later than the last word.
        """
        if self._task is None:
            return
        task, self._task = self._task, None
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._landed.wait()
        task.cancel()
        await asyncio.wait({task})

    async def end_with(self, phase: Phase) -> None:
        """Say this now, after an edit in the air, and nothing any more."""
        await self.stop(LANDING)
        await self.say(phase)

    @asynccontextmanager
    async def posting(self) -> AsyncGenerator[None]:
        """The final message is on its way; when that takes long, this says so."""
        task = asyncio.create_task(self._admit_delay(), name=f"late-{self._job.id}")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _run(self) -> None:
        """Edit until cancelled. What changes again within half a pause needs no edit of its own.

        Half the pause before an edit is only for speed: an order takes 3 calls to Discord instead of 4.
        """
        while True:
            await self._changed.wait()
            await self._sleep(self._pause() / 2)
            self._changed.clear()
            if self._wanted is not None and _is_news(self._shown, self._wanted):
                await self.say(self._wanted)
            await self._sleep(self._pause() / 2)

    async def _admit_delay(self) -> None:
        await self._sleep(LATE_AFTER)
        await self.say(Late())


def _is_news(said: Phase | None, now: Phase) -> bool:
    """Whether an edit would tell something: a moment may wander a little."""
    match said, now:
        case InLine(expected=Expected(at=told)), InLine(expected=Expected(at=at, give=give)):
            return abs(at - told) > give or replace(said, expected=now.expected) != now
        case Generating(since=told), Generating(since=since):
            return abs(since - told) > AS_GOOD_AS_THEN
        case _:
            return said != now
