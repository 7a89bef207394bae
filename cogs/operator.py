"""/operator: the purse and the servers, for the bot's owners in their home server alone."""

from typing import Any, Literal

import discord
from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot import texts
from bot.domain.errors import BadServerError, BooksBusyError, NotOwnerError, OperatorUnsureError
from bot.service.purse import Purse
from bot.service.racing import BOOKS_TIMEOUT, within
from cogs.answering import TROUBLES, answer, answer_error

MOST_SERVERS = 25
"""In one list."""
LONGEST_ID = 30
"""Characters, with spaces around; Python itself refuses to read thousands of digits."""
SWITCHES = {
    "suspend": ("suspended", True),
    "resume": ("suspended", False),
    "allow": ("allowed", True),
    "disallow": ("allowed", False),
    "leave": ("leave_wanted", True),
}
"""What can be done to a server: the column and its value."""


class OperatorCommands(commands.Cog):
    """Registered in the home server only; every use asks again whether an owner is typing."""

    def __init__(self, client: commands.Bot, purse: Purse) -> None:
        self._client = client
        self._purse = purse

    operator = app_commands.Group(
        name="operator",
        description=texts.COMMANDS["operator"],
        guild_only=True,
        default_permissions=discord.Permissions(administrator=True),
    )

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Raises CommandInvokeError: discord.py answers with the handler below to its own kinds of errors alone."""
        try:
            await self._check_owner(interaction.user)
        except (NotOwnerError, *TROUBLES) as error:
            command: Any = interaction.command
            raise app_commands.CommandInvokeError(command, error) from error
        return True

    async def _check_owner(self, user: discord.User | discord.Member) -> None:
        if not await self._client.is_owner(user):
            raise NotOwnerError

    @operator.command(description=texts.COMMANDS["operator purse"])
    async def purse(self, interaction: discord.Interaction) -> None:
        """The month, and how it will end."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            state = await self._purse.state()
        await answer(interaction, texts.purse(state))

    @operator.command(description=texts.COMMANDS["operator servers"])
    async def servers(self, interaction: discord.Interaction) -> None:
        """The costliest first."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            servers = await self._purse.servers(MOST_SERVERS)
        await answer(interaction, texts.servers(servers))

    @operator.command(description=texts.COMMANDS["operator server"])
    @app_commands.describe(server=texts.SERVER_ID, monthly=texts.SERVER_MONTHLY, do=texts.SERVER_DO)
    async def server(
        self,
        interaction: discord.Interaction,
        server: str,
        monthly: Range[int, -1, 100_000_000] | None = None,
        do: Literal["suspend", "resume", "allow", "disallow", "leave"] | None = None,
    ) -> None:
        """Set a cap (-1: the default again), or do something to one server."""
        guild_id = server_id(server)
        async with within(BOOKS_TIMEOUT, OperatorUnsureError()):
            if monthly is not None:
                await self._purse.change(guild_id, "monthly", None if monthly < 0 else monthly)
            if do is not None:
                await self._purse.change(guild_id, *SWITCHES[do])
        await answer(interaction, texts.SERVER_SET)

    @operator.command(description=texts.COMMANDS["operator notice"])
    @app_commands.describe(words=texts.NOTICE_WORDS)
    async def notice(self, interaction: discord.Interaction, words: Range[str, 1, 1800]) -> None:
        """Posted to all log channels by the running bot."""
        async with within(BOOKS_TIMEOUT, OperatorUnsureError()):
            await self._purse.say(words)
        await answer(interaction, texts.NOTICE_TAKEN)

    async def cog_app_command_error(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError
    ) -> None:
        """Whatever happens, the operator gets a sentence."""
        await answer_error(interaction, error)


def server_id(typed: str) -> int:
    """Raises BadServerError for what can be no Discord id."""
    if not typed.strip().isdecimal() or len(typed) > LONGEST_ID or not 0 < int(typed) < 2**63:
        raise BadServerError
    return int(typed)
