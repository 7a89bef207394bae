"""Results that people delete, noticed: their images are not brought back."""

from collections.abc import Sequence
from typing import Protocol

import discord
from discord.ext import commands

from bot.service.ports import Clock


class DeletedMessages(Protocol):
    """Who remembers what was deleted."""

    async def mark_messages_deleted(self, message_ids: Sequence[int], at: float) -> None:
        """Messages that are gone since then (unix seconds); most of them are other people's."""
        ...


class Deletions(commands.Cog):
    """Listens; Discord tells of every message, and by its id alone."""

    def __init__(self, messages: DeletedMessages, clock: Clock) -> None:
        self._messages = messages
        self._clock = clock

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """One message."""
        await self._messages.mark_messages_deleted([payload.message_id], self._clock())

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Many at once."""
        await self._messages.mark_messages_deleted(sorted(payload.message_ids), self._clock())
