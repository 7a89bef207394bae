"""A server's log channel. Its calls wait behind final messages, as all of the bot's other calls do."""

import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import discord

from bot import views
from bot.adapters.discord_delivery import NONCE_LIFE
from bot.adapters.discord_routes import TROUBLES, described, insist
from bot.domain.job import Job
from bot.service.journal import Page
from bot.service.ports import Clock, Sleep

_log = logging.getLogger(__name__)

Channel = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread


class LogChannels:
    """Posts pages of the journal."""

    def __init__(
        self,
        client: discord.Client,
        thumbnail: Callable[[Job], Awaitable[Path | None]],
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        """`thumbnail` makes a small copy of a job's first image, or None."""
        self._client = client
        self._thumbnail = thumbnail
        self._clock = clock
        self._sleep = sleep
        self._unusable: set[int] = set()

    async def post(self, guild_id: int, channel_id: int, page: Page) -> None:
        """Once, as people see it: it is tried no longer than Discord knows its nonce. Then it is left out."""
        guild = self._client.get_guild(guild_id)
        channel = guild.get_channel_or_thread(channel_id) if guild else None
        if not isinstance(channel, Channel):  # another server's, too: ids can be crafted
            return self._skipped(guild_id, channel_id, "not there")
        nonce = f"lg-{secrets.token_hex(8)}"
        try:
            await insist(lambda: self._send(channel, page, nonce), self._clock, self._sleep, patience=NONCE_LIFE)
        except TROUBLES as error:
            return self._skipped(guild_id, channel_id, described(error))
        self._unusable.discard(channel_id)
        return None

    async def _send(self, channel: Channel, page: Page, nonce: str) -> None:
        path = await self._thumbnail(page.result) if page.result else None
        with ExitStack() as stack:
            files = list[discord.File]()
            if path is not None:
                files.append(discord.File(path))
                stack.callback(files[0].close)
            name = files[0].filename if files else None
            result = page.result
            spoiler = result is not None and (result.order.spoiler or views.is_hidden(channel, result.order))
            view = views.log_page(page, name, spoiler=spoiler)
            await channel.send(view=view, files=files, nonce=nonce, allowed_mentions=views.NOBODY)

    def _skipped(self, guild_id: int, channel_id: int, why: str) -> None:
        """Said once, until it works again."""
        if channel_id not in self._unusable:
            self._unusable.add(channel_id)
            _log.warning("the log channel %d of server %d cannot be used (%s)", channel_id, guild_id, why)
