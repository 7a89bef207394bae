"""Results that people delete, noticed: their images are not brought back."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

import discord
from discord.ext import commands

from bot.domain.errors import RefusedError
from bot.domain.job import Job
from bot.domain.journal import Deleted
from bot.service.ports import Clock


class DeletedMessages(Protocol):
    """Who remembers what was deleted."""

    async def mark_messages_deleted(self, message_ids: Sequence[int], at: float) -> list[str]:
        """Messages that are gone since then (unix seconds), most of them other people's; ids of jobs newly deleted."""
        ...


class Deletions(commands.Cog):
    """Listens; Discord tells of every message, and by its id alone."""

    def __init__(
        self,
        messages: DeletedMessages,
        jobs: Callable[[str], Awaitable[Job]],
        clock: Clock,
        note: Callable[[Deleted], None],
    ) -> None:
        """`jobs` finds a job by its id. Raises RefusedError."""
        self._messages = messages
        self._jobs = jobs
        self._clock = clock
        self._note = note

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """One message."""
        await self._mark([payload.message_id])

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Many at once."""
        await self._mark(sorted(payload.message_ids))

    async def _mark(self, message_ids: Sequence[int]) -> None:
        for job_id in await self._messages.mark_messages_deleted(message_ids, self._clock()):
            with suppress(RefusedError):  # forgotten meanwhile
                self._note(Deleted(job=await self._jobs(job_id)))
