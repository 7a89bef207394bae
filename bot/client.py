"""The Discord client: the least intents that work, commands registered when they changed."""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

import discord
from discord import app_commands
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL

from bot import views

_log = logging.getLogger(__name__)

COMMANDS_NOTE = "registered_commands_sha256"
HOME_NOTE = "registered_home_commands_sha256"


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


class Presence(Protocol):
    """Which servers the bot is in."""

    async def present(self, names: dict[int, str], at: float) -> None:
        """In these, and in no other."""
        ...

    async def joined(self, guild_id: int, name: str, at: float) -> None:
        """In one more, or it has a new name."""
        ...

    async def left(self, guild_id: int, at: float) -> None:
        """No longer in it."""
        ...


class BotClient(commands.Bot):
    """The bot on Discord. It knows no member and keeps no message: memory stays small with many servers."""

    def __init__(
        self,
        notes: Notes,
        presence: Presence,
        clock: Callable[[], float],
        *,
        message_content: bool,
        user_install: bool,
        home_server: int = 0,
    ) -> None:
        """`home_server` is the id of the server with the operator's commands; 0 for none."""
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=intents(message_content=message_content),
            allowed_mentions=views.NOBODY,
            allowed_installs=app_commands.AppInstallationType(guild=True, user=user_install),
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=user_install),
            max_messages=None,
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
        )
        self._notes = notes
        self._presence = presence
        self._clock = clock
        self._home = discord.Object(home_server) if home_server else None
        self.make_cogs: Callable[[], Sequence[commands.Cog]] = tuple
        """Set once by the composition root, before the client starts."""
        self.make_home_cogs: Callable[[], Sequence[commands.Cog]] = tuple
        """The same for the operator's home server alone."""

    async def setup_hook(self) -> None:
        """Before the gateway: commands, buttons, registration."""
        self.add_dynamic_items(views.JobButton, views.PanelItem)
        for cog in self.make_cogs():
            await self.add_cog(cog)
        if self._home is not None:
            for cog in self.make_home_cogs():
                await self.add_cog(cog, guild=self._home)
        await self._register_commands()

    async def on_ready(self) -> None:
        """Connected anew: servers may have come and gone meanwhile."""
        await self._presence.present({guild.id: guild.name for guild in self.guilds}, self._clock())

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """One more."""
        await self._presence.joined(guild.id, guild.name, self._clock())

    async def on_guild_update(self, _before: discord.Guild, after: discord.Guild) -> None:
        """Perhaps a new name."""
        await self._presence.joined(after.id, after.name, self._clock())

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """One less."""
        await self._presence.left(guild.id, self._clock())

    async def leave(self, guild_id: int) -> None:
        """Leave a server; well when the bot is not in it."""
        if (guild := self.get_guild(guild_id)) is not None:
            await guild.leave()

    async def on_message(self, message: discord.Message, /) -> None:
        """There are no commands by prefix."""

    async def _register_commands(self) -> None:
        """Only when they changed: Discord limits how often, and clients reload them each time."""
        await self._register(None, COMMANDS_NOTE)
        if self._home is not None:
            await self._register(self._home, HOME_NOTE)

    async def _register(self, place: discord.Object | None, note: str) -> None:
        payload = [command.to_dict(self.tree) for command in self.tree.get_commands(guild=place)]
        where = [self.application_id, *([place.id] if place else [])]
        digest = hashlib.sha256(json.dumps([*where, payload], sort_keys=True).encode()).hexdigest()
        if digest == await self._notes.note(note):
            return
        await self.tree.sync(guild=place)
        await self._notes.write_note(note, digest)
        _log.info("registered %d commands", len(payload))
