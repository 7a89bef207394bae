"""/mydata: everything stored about a member, to take along or to have forgotten."""

from io import BytesIO

import discord
from discord import app_commands
from discord.ext import commands

from bot import texts, views
from bot.domain.errors import ExportTooLargeError
from bot.service.privacy import Privacy
from cogs.answering import answer, answer_error, answer_view, answered


class MyData(commands.Cog):
    """Private answers about one's own data."""

    def __init__(self, privacy: Privacy) -> None:
        self._privacy = privacy

    mydata = app_commands.Group(name="mydata", description=texts.COMMANDS["mydata"])

    @mydata.command(description=texts.COMMANDS["mydata export"])
    async def export(self, interaction: discord.Interaction) -> None:
        """A ZIP, for the member alone."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        packed = await self._privacy.export(interaction.user.id, interaction.user.name)
        if len(packed) > interaction.filesize_limit:
            raise ExportTooLargeError
        file = discord.File(BytesIO(packed), filename="my-data.zip")
        try:
            view = views.report(texts.EXPORTED, chart=None, table=file)
            await interaction.edit_original_response(view=view, attachments=[file], allowed_mentions=views.NOBODY)
        finally:
            file.close()

    @mydata.command(description=texts.COMMANDS["mydata erase"])
    async def erase(self, interaction: discord.Interaction) -> None:
        """Asks once more: nothing brings it back."""
        await answer_view(interaction, views.erasure(interaction.user.id))

    @commands.Cog.listener()
    @answered
    async def on_panel_mydata(
        self, interaction: discord.Interaction, _action: str, member_id: str, _values: list[str]
    ) -> None:
        """The button forgets whoever clicks it, and only when it was theirs."""
        if member_id == str(interaction.user.id):
            await self._privacy.ask(interaction.user.id)
            await answer(interaction, texts.ERASURE_ASKED)

    async def cog_app_command_error(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError
    ) -> None:
        """Whatever happens, the member gets a sentence."""
        await answer_error(interaction, error)
