"""Undo, Compare and Delete: what can be done with an edit and its parent without making anything new."""

import discord
from discord.ext import commands

from bot import texts, views
from bot.domain.errors import JobGoneError, NothingBeforeError, NotYoursError
from bot.domain.job import Job
from bot.service.gallery import Copies, Gallery
from bot.service.recent import Recent
from bot.service.studio import Studio
from cogs.answering import answer, answer_view, answered
from cogs.orders import check_permissions
from cogs.results import check_place, clicked


class Tree(commands.Cog):
    """Free of charge, all of it."""

    def __init__(self, studio: Studio, gallery: Gallery, copies: Copies, recent: Recent) -> None:
        self._studio = studio
        self._gallery = gallery
        self._copies = copies
        self._recent = recent

    @commands.Cog.listener()
    @answered
    async def on_job_button(self, interaction: discord.Interaction, action: str, job_id: str, _position: int) -> None:
        """A click on one of the three."""
        match action:
            case "undo":
                await self._undo(interaction, await clicked(interaction, self._studio, job_id, action))
            case "compare":
                await self._compare(interaction, await clicked(interaction, self._studio, job_id, action))
            case "delete":
                job = await clicked(interaction, self._studio, job_id, action)
                check_deleter(interaction, job)
                await answer_view(interaction, views.ask_delete(job))
            case _:
                pass

    async def _undo(self, interaction: discord.Interaction, job: Job) -> None:
        """The parent stands here again, with its buttons."""
        parent = await self._parent(interaction, job)
        if parent is None:
            raise NothingBeforeError
        check_permissions(interaction)
        channel_id = interaction.channel_id or 0
        self._recent.claim(("undo", parent.id, channel_id))
        await interaction.response.defer(ephemeral=True, thinking=True)
        message_id = await self._copies.bring_back(
            parent, guild_id=interaction.guild_id, channel_id=channel_id, by=interaction.user.id
        )
        await answer(interaction, texts.brought_back_here(interaction.guild_id, channel_id, message_id))

    async def _compare(self, interaction: discord.Interaction, job: Job) -> None:
        """Before and after, for everyone to see; privately what is private."""
        if not job.order.is_edit:
            raise NothingBeforeError
        parent = await self._parent(interaction, job)
        self._recent.claim(("compare", job.id, interaction.channel_id))
        await interaction.response.defer(ephemeral=job.order.private, thinking=True)
        path = await self._gallery.compare(job, parent, (texts.BEFORE, texts.AFTER))
        file = discord.File(path, description=texts.compared(job.order.title))
        try:
            view = views.pictures(texts.compare_line(views.quiet(job.order.title, 300)), [file])
            await interaction.edit_original_response(view=view, attachments=[file], allowed_mentions=views.NOBODY)
        finally:
            file.close()

    async def _parent(self, interaction: discord.Interaction, job: Job) -> Job | None:
        if job.order.parent is None:
            return None
        parent = await self._studio.job(job.order.parent.job_id)
        check_place(interaction, parent, "undo")
        return parent


def check_deleter(interaction: discord.Interaction, job: Job) -> None:
    """The requester and the moderators. Raises NotYoursError, JobGoneError when there is nothing to delete."""
    if interaction.user.id != job.order.member_id and not interaction.permissions.manage_messages:
        raise NotYoursError
    if not job.pictures:
        raise JobGoneError
