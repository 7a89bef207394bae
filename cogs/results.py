"""The buttons of a job's messages, for ever: a click is an event with the job's id."""

import discord
from discord.ext import commands

from bot import texts, views
from bot.domain.errors import NotYoursError
from bot.domain.job import Job
from bot.service.gallery import Gallery
from bot.service.studio import Studio
from cogs.answering import answer, answer_error


class Results(commands.Cog):
    """Cancel and Original."""

    def __init__(self, studio: Studio, gallery: Gallery) -> None:
        self._studio = studio
        self._gallery = gallery

    @commands.Cog.listener()
    async def on_job_button(self, interaction: discord.Interaction, action: str, job_id: str, position: int) -> None:
        """A click on any message of ours; who clicked is checked here, every time."""
        try:
            job = await self._studio.job(job_id)
            if action == "cancel":
                await self._cancel(interaction, job)
            else:
                await self._original(interaction, job, position)
        except Exception as error:  # noqa: BLE001 - the boundary of one click
            await answer_error(interaction, error)

    async def _cancel(self, interaction: discord.Interaction, job: Job) -> None:
        if interaction.user.id != job.order.member_id and not interaction.permissions.manage_messages:
            raise NotYoursError
        self._studio.cancel(job)
        await answer(interaction, texts.CANCEL_SENT)

    async def _original(self, interaction: discord.Interaction, job: Job, position: int) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        limit = interaction.filesize_limit
        original = await self._gallery.original(job, position, limit)
        remark = texts.ORIGINAL if original.untouched else texts.original_reencoded(limit)
        alt_text = texts.alt_text(job.order.prompt, position, len(job.pictures), edit=job.order.is_edit)
        file = discord.File(original.path, description=alt_text)
        try:
            view = views.single_file(remark, file.filename, alt_text)
            await interaction.followup.send(view=view, file=file, ephemeral=True)
        finally:
            file.close()
