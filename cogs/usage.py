"""/usage: what was spent, by whom, with which model, how fast and how often it was refused."""

from io import BytesIO

import discord
from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot import texts, views
from bot.domain.errors import NotModeratorError
from bot.service.reports import Report, Reports
from cogs.answering import answer_error
from cogs.moderating import in_servers
from cogs.orders import scope_of

Days = Range[int, 1, 90]
USUAL_DAYS = 30


class UsageReports(commands.Cog):
    """Private reports."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports

    usage = in_servers(app_commands.Group(name="usage", description=texts.COMMANDS["usage"]))

    @usage.command(description=texts.COMMANDS["usage me"])
    @app_commands.describe(days=texts.DAYS)
    async def me(self, interaction: discord.Interaction, days: Days = USUAL_DAYS) -> None:
        """One's own."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        report = await self._reports.of_member(scope_of(interaction), interaction.user.id, days)
        await self._show(interaction, report, of_server=False)

    @usage.command(description=texts.COMMANDS["usage server"])
    @app_commands.describe(days=texts.DAYS)
    async def server(self, interaction: discord.Interaction, days: Days = USUAL_DAYS) -> None:
        """Everybody's, for moderators."""
        if not (interaction.permissions.manage_messages or interaction.permissions.manage_guild):
            raise NotModeratorError
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._show(interaction, await self._reports.of_server(scope_of(interaction), days), of_server=True)

    async def cog_app_command_error(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError
    ) -> None:
        """Whatever happens, the member gets a sentence."""
        await answer_error(interaction, error)

    async def _show(self, interaction: discord.Interaction, report: Report, *, of_server: bool) -> None:
        said = texts.usage(report.usage, self._reports.catalogue.title_of, of_server=of_server)
        files = [discord.File(BytesIO(report.table.encode()), filename="usage.csv")]
        if report.chart is not None:
            alt = texts.usage_alt(report.usage, self._reports.catalogue.title_of)
            files.insert(0, discord.File(BytesIO(report.chart), filename="usage.png", description=alt))
        try:
            view = views.report(said, chart=files[0] if report.chart else None, table=files[-1])
            await interaction.edit_original_response(view=view, attachments=files, allowed_mentions=views.NOBODY)
        finally:
            for file in files:
                file.close()
