"""/quota, /jobs and /help: where a member and their orders stand, and what the bot offers."""

import discord
from discord import app_commands
from discord.ext import commands

from bot import texts, views
from bot.domain.asking import is_person
from bot.service.desk import Desk
from cogs.answering import answer, answer_error, answer_view
from cogs.asking import asker_of, where_of
from cogs.orders import scope_of

MOST_JOBS = 10
"""In one list; Discord takes 40 components in a message."""


class Guide(commands.Cog):
    """Private answers to questions."""

    def __init__(self, desk: Desk, *, keep_days: int) -> None:
        self._desk = desk
        self._keep_days = keep_days

    @app_commands.command(description=texts.COMMANDS["quota"])
    async def quota(self, interaction: discord.Interaction) -> None:
        """What is left today."""
        scope = scope_of(interaction)
        standing = await self._desk.standing(scope, asker_of(interaction), where_of(interaction))
        await answer(interaction, texts.standing_of_person(standing) if is_person(scope) else texts.standing(standing))

    @app_commands.command(description=texts.COMMANDS["jobs"])
    async def jobs(self, interaction: discord.Interaction) -> None:
        """The member's latest orders, with what can be done about each."""
        found = await self._desk.jobs(scope_of(interaction), interaction.user.id, MOST_JOBS)
        await answer_view(interaction, views.jobs(found, self._desk.catalogue))

    @app_commands.command(description=texts.COMMANDS["help"])
    async def help(self, interaction: discord.Interaction) -> None:
        """The one page."""
        rules = await self._desk.rules(scope_of(interaction))
        page = texts.help_page(self._desk.catalogue, self._keep_days, logged=rules.log_channel is not None)
        await answer(interaction, page)

    async def cog_app_command_error(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError
    ) -> None:
        """Whatever happens, the member gets a sentence."""
        await answer_error(interaction, error)
