"""The buttons of a job's messages, for ever: a click is an event with the job's id."""

from dataclasses import replace
from pathlib import Path

import discord
from discord.ext import commands

from bot import texts, views
from bot.domain.asking import is_person
from bot.domain.errors import AlreadyGoneError, JobGoneError, NotYoursError, OriginalGoneError
from bot.domain.job import Job
from bot.domain.order import Made
from bot.domain.packing import REQUEST_BUDGET
from bot.service.desk import Desk
from bot.service.gallery import Gallery
from bot.service.ports import Cancelling
from bot.service.studio import Studio
from cogs.answering import answer, answer_view, answered
from cogs.orders import place, scope_of

ACTIONS = frozenset({"cancel", "again", "fetch", "original", "recipe"})

WITHOUT_IMAGES = frozenset({"cancel", "again", "recipe", "strike"})
"""What can be done after the images were deleted."""


class Results(commands.Cog):
    """Cancel, Again, Original, Recipe, and the images of an earlier order."""

    def __init__(self, desk: Desk, studio: Studio, gallery: Gallery) -> None:
        self._desk = desk
        self._studio = studio
        self._gallery = gallery

    @commands.Cog.listener()
    @answered
    async def on_job_button(self, interaction: discord.Interaction, action: str, job_id: str, position: int) -> None:
        """A click on any message of ours; who clicked, and where, is checked here, every time."""
        if action not in ACTIONS:
            return
        job = await clicked(interaction, self._studio, job_id, action)
        match action:
            case "cancel":
                await self._cancel(interaction, job)
            case "again":
                await self._again(interaction, job)
            case "fetch":
                await self._fetch(interaction, job)
            case "recipe":
                await self._recipe(interaction, job)
            case _:
                await self._original(interaction, job, position)

    @commands.Cog.listener()
    @answered
    async def on_panel_which(
        self, interaction: discord.Interaction, action: str, job_id: str, values: list[str]
    ) -> None:
        """One image of several was chosen."""
        if action == "original":
            job = await clicked(interaction, self._studio, job_id, action)
            await self._original(interaction, job, position_of(job, values))

    async def _cancel(self, interaction: discord.Interaction, job: Job) -> None:
        if interaction.user.id != job.order.member_id and not interaction.permissions.manage_messages:
            raise NotYoursError(moderators=True)
        self._studio.check_cancel(job)
        try:  # answered first: the last word of a job that ends at once must come after it
            known = job.reply.message_id if job.reply else job.notice_id
            if interaction.message is not None and interaction.message.id == known:
                view = views.progress(job, self._desk.catalogue, Cancelling())
                await interaction.response.edit_message(view=view, allowed_mentions=views.NOBODY)
            else:  # a list of orders stays as it is
                await answer(interaction, texts.CANCEL_SENT)
        finally:
            self._studio.cancel(job, interaction.user.id)

    async def _again(self, interaction: discord.Interaction, job: Job) -> None:
        """The same order, by and for whoever clicked. A chosen seed would make the same image, so a new one is drawn."""
        choices = replace(job.order.choices, seed=None) if job.pictures else job.order.choices
        place_here = {"member_id": interaction.user.id, "channel_id": interaction.channel_id or 0}
        kept = [
            replace(one, kept=one.kept or Made(job_id=job.id, position=position))
            for position, one in enumerate(job.order.references, start=1)
        ]
        order = replace(job.order, choices=choices, references=tuple(kept), message_id=None, **place_here)
        await place(interaction, self._desk, self._studio, order)

    async def _recipe(self, interaction: discord.Interaction, job: Job) -> None:
        view, file = views.recipe(job, self._desk.catalogue, await self._parent_link(job, interaction.user.id))
        files = [file] if file else []
        await interaction.response.send_message(view=view, files=files, ephemeral=True, allowed_mentions=views.NOBODY)

    async def _parent_link(self, job: Job, member_id: int) -> str | None:
        """To the image that it changed, for that member; into direct messages for whose they are alone."""
        if job.order.parent is None:
            return None
        try:
            parent = await self._studio.job(job.order.parent.job_id)
        except JobGoneError:
            return None
        is_open = parent.posted_in is None or parent.order.member_id == member_id
        return texts.address_of_result(parent) if parent.message_id and is_open else None

    async def _original(self, interaction: discord.Interaction, job: Job, position: int) -> None:
        if position == 0:
            await answer_view(interaction, views.which("original", job))
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        limit = min(interaction.filesize_limit, REQUEST_BUDGET)
        original = await self._gallery.original(job, position, limit)
        remark = texts.ORIGINAL if original.untouched else texts.original_reencoded(limit)
        await show(interaction, job, remark, {position: original.path})

    async def _fetch(self, interaction: discord.Interaction, job: Job) -> None:
        """An earlier order's images, for its member alone."""
        if interaction.user.id != job.order.member_id:
            raise NotYoursError
        await interaction.response.defer(ephemeral=True, thinking=True)
        paths = await self._gallery.all(job, interaction.filesize_limit)
        await show(interaction, job, texts.FETCHED, dict(enumerate(paths, start=1)))
        await self._studio.fetched(job)


async def clicked(interaction: discord.Interaction, studio: Studio, job_id: str, action: str) -> Job:
    """The job of a click, by somebody who may see it. Raises JobGoneError, NotYoursError, AlreadyGoneError."""
    job = await studio.job(job_id)
    check_place(interaction, job, action)
    if job.deleted_at is not None and action not in WITHOUT_IMAGES:
        raise AlreadyGoneError
    return job


async def show(interaction: discord.Interaction, job: Job, remark: str, paths: dict[int, Path]) -> None:
    """Images of a job in the private message that waits for them. Raises OriginalGoneError."""
    try:
        files = [
            discord.File(
                path,
                description=texts.alt_text(job.order.title, position, len(job.pictures), edit=job.order.is_edit),
            )
            for position, path in paths.items()
        ]
    except FileNotFoundError:
        raise OriginalGoneError from None
    try:
        await interaction.edit_original_response(view=views.pictures(remark, files), attachments=files)
    finally:
        for file in files:
            file.close()


def position_of(job: Job, values: list[str]) -> int:
    """The image that was selected, from 1. Raises JobGoneError for what that job never had."""
    value = values[0] if values else ""
    if not value.isdecimal() or not 1 <= int(value) <= len(job.pictures):
        raise JobGoneError
    return int(value)


def check_place(interaction: discord.Interaction, job: Job, action: str) -> None:
    """A button works where its order was made: ids can be crafted. Raises NotYoursError.

    What somebody ordered is theirs outside servers, too, and their files are everywhere. What is private is the
    requester's alone.
    """
    here, own = scope_of(interaction), interaction.user.id == job.order.member_id
    if job.order.private and not own:
        raise NotYoursError
    if own and (action in {"original", "fetch"} or is_person(here)):
        return
    if job.order.scope != here:
        raise NotYoursError
