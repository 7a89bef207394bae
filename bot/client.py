"""The Discord client: the least intents that work, commands registered when they changed."""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

import discord
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL

from bot import views

_log = logging.getLogger(__name__)

COMMANDS_NOTE = "registered_commands_sha256"


class Notes(Protocol):
    """Small facts that outlive the process."""

    async def note(self, name: str) -> str | None:
        """What was kept under that name."""
        ...

    async def write_note(self, name: str, value: str) -> None:
        """Keep it."""
        ...


def intents(*, message_content: bool) -> discord.Intents:
    """Servers and messages. What mentions the bot comes with its content, all else with the privileged intent alone."""
    wanted = discord.Intents.none()
    wanted.guilds = True
    wanted.guild_messages = wanted.dm_messages = True
    wanted.message_content = message_content
    return wanted


def use_addresses(api_url: str, gateway_url: str) -> None:
    """Where discord.py finds Discord. The library keeps these on classes, for the whole process."""
    Route.BASE = api_url
    DiscordWebSocket.DEFAULT_GATEWAY = URL(gateway_url)


class BotClient(commands.Bot):
    """The bot on Discord. It knows no member and keeps no message: memory stays small with many servers."""

    def __init__(self, notes: Notes, *, message_content: bool) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=intents(message_content=message_content),
            allowed_mentions=views.NOBODY,
            max_messages=None,
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
        )
        self._notes = notes
        self.make_cogs: Callable[[], Sequence[commands.Cog]] = tuple
        """Set once by the composition root, before the client starts."""

    async def setup_hook(self) -> None:
        """Before the gateway: commands, buttons, registration."""
        self.add_dynamic_items(views.JobButton, views.PanelItem)
        for cog in self.make_cogs():
            await self.add_cog(cog)
        await self._register_commands()

    async def on_message(self, message: discord.Message, /) -> None:
        """There are no commands by prefix."""

    async def _register_commands(self) -> None:
        """Only when they changed: Discord limits how often, and clients reload them each time."""
        payload = [command.to_dict(self.tree) for command in self.tree.get_commands()]
        digest = hashlib.sha256(json.dumps([self.application_id, payload], sort_keys=True).encode()).hexdigest()
        if digest == await self._notes.note(COMMANDS_NOTE):
            return
        await self.tree.sync()
        await self._notes.write_note(COMMANDS_NOTE, digest)
        _log.info("registered %d commands", len(payload))
