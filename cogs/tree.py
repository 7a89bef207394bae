"""Undo, Compare and Delete: what can be done with an edit and its parent without making anything new."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import discord
from discord.ext import commands

from bot import texts, views
from bot.domain.errors import AlreadyGoneError, BooksBusyError, JobGoneError, NothingBeforeError, NotYoursError
from bot.domain.job import Job
from bot.domain.journal import Deleted
from bot.service.gallery import Copies, Gallery
from bot.service.ports import Clock
from bot.service.racing import BOOKS_TIMEOUT, within
from bot.service.recent import Recent
from bot.service.stores import CopyBook
from bot.service.studio import Studio
from cogs.answering import TROUBLES, answer, answer_view, answered
from cogs.finding import result_of
from cogs.orders import check_age, check_postable
from cogs.results import clicked

_log = logging.getLogger(__name__)


class DeletedJobs(CopyBook, Protocol):
    """Who remembers what was deleted, and where else it stands."""

    async def mark_deleted(self, job_id: str, at: float) -> bool:
        """A job's images are gone since then (unix seconds). Whether this was the first time.

        A caller that leaves before the answer leaves nothing marked.
        """
        ...


class Tree(commands.Cog):
    """Free of charge, all of it."""

    def __init__(
        self,
        client: commands.Bot,
        studio: Studio,
        gallery: Gallery,
        copies: Copies,
        recent: Recent,
        deleted: DeletedJobs,
        clock: Clock,
        note: Callable[[Deleted], None],
    ) -> None:
        self._client = client
        self._studio = studio
        self._gallery = gallery
        self._copies = copies
        self._recent = recent
        self._deleted = deleted
        self._clock = clock
        self._note = note

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
                await self._ask_delete(interaction, job_id, interaction.message.id if interaction.message else 0)
            case _:
                pass

    @commands.Cog.listener()
    @answered
    async def on_panel_result(
        self, interaction: discord.Interaction, _action: str, argument: str, _values: list[str]
    ) -> None:
        """Delete was meant: what is known first, then the messages, then the files."""
        job_id, _, number = argument.partition(".")
        job = await clicked(interaction, self._studio, job_id, "delete")
        check_deleter(interaction, job)
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            if not await self._deleted.mark_deleted(job.id, self._clock()):
                raise AlreadyGoneError
        self._note(Deleted(job=job, by=interaction.user.id))
        try:
            await interaction.response.edit_message(view=views.note(texts.DELETED), allowed_mentions=views.NOBODY)
        finally:  # an answer that is lost must not leave standing what counts as deleted
            await self._take_clicked_away(interaction, job_id, int(number) if number.isdecimal() else 0)
            await take_away(self._client, self._gallery, self._deleted, job)

    async def _ask_delete(self, interaction: discord.Interaction, job_id: str, message_id: int) -> None:
        """What was deleted and stands all the same, as Discord failed or the bot ended meanwhile, goes now."""
        try:
            job = await clicked(interaction, self._studio, job_id, "delete")
        except AlreadyGoneError as gone:
            await answer(interaction, texts.explain(gone))
            await self._take_clicked_away(interaction, job_id, message_id)
            return
        check_deleter(interaction, job)
        await answer_view(interaction, views.ask_delete(job, message_id))

    async def _take_clicked_away(self, interaction: discord.Interaction, job_id: str, message_id: int) -> None:
        """The message whose Delete was clicked; ids can be crafted, so it must show this job and be ours."""
        channel = self._client.get_partial_messageable(interaction.channel_id or 0, guild_id=interaction.guild_id)
        with suppress(*TROUBLES):
            message = await channel.fetch_message(message_id)
            if result_of(message, self._client.user.id if self._client.user else 0) == job_id:
                await message.delete()

    async def _undo(self, interaction: discord.Interaction, job: Job) -> None:
        """The parent stands here again, with its buttons."""
        parent = await self._parent(interaction, job)
        if parent is None:
            raise NothingBeforeError
        await check_postable(interaction, parent)
        await self._check_seen(interaction, job, parent)
        channel_id = interaction.channel_id or 0
        with self._recent.once(("undo", parent.id, channel_id)):
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
        if not job.order.private:
            for one in filter(None, (job, parent)):
                await check_age(interaction, one)
        await self._check_seen(interaction, job, parent)
        sides = await self._gallery.sides(job, parent)  # before the answer for everyone: what is gone is told privately
        with self._recent.once(("compare", job.id, interaction.channel_id)):
            await interaction.response.defer(ephemeral=job.order.private, thinking=True)
            path = await self._gallery.compare(sides, (texts.BEFORE, texts.AFTER))
        file = discord.File(path, description=texts.compared(job.order.title))
        try:
            said = texts.compare_line(views.quiet(job.order.title, 300))
            view = views.pictures(said, [file], spoiler=job.order.spoiler)
            message = await interaction.edit_original_response(
                view=view, attachments=[file], allowed_mentions=views.NOBODY
            )
        finally:
            file.close()
        for shown in () if job.order.private else filter(None, (job, parent)):
            await self._deleted.add_copy(shown.id, message.channel.id, message.id)

    async def _check_seen(self, interaction: discord.Interaction, job: Job, parent: Job | None) -> None:
        """What went in is shown by whoever put it in, or whose it is; by others only where everyone has seen it.

        What somebody attached to a command was seen by nobody else, and a blend may hold images of hidden channels.
        Raises NotYoursError, JobGoneError.
        """
        here, first = interaction.channel_id, job.order.references[0]
        if parent is None:
            seen = {first.origin.channel_id} if first.origin is not None else set[int]()
        else:
            async with within(BOOKS_TIMEOUT, BooksBusyError()):
                copies = await self._deleted.copies(parent.id)
            seen = {parent.stands_in, *(channel_id for channel_id, _ in copies)}
        if here in seen or (parent is not None and parent.order.member_id == interaction.user.id):
            return
        put_in = job if first.kept is None else await self._studio.job(first.kept.job_id)  # Again may be anybody's
        if put_in.order.member_id != interaction.user.id:
            raise NotYoursError

    async def _parent(self, interaction: discord.Interaction, job: Job) -> Job | None:
        if job.order.parent is None:
            return None
        return await clicked(interaction, self._studio, job.order.parent.job_id, "undo")


def check_deleter(interaction: discord.Interaction, job: Job) -> None:
    """The requester and the moderators. Raises NotYoursError, JobGoneError when there is nothing to delete."""
    if interaction.user.id != job.order.member_id and not interaction.permissions.manage_messages:
        raise NotYoursError(moderators=True)
    if not job.pictures:
        raise JobGoneError


async def take_away(client: discord.Client, gallery: Gallery, copies: CopyBook, job: Job) -> None:
    """A job's final message, wherever else it was shown, and its files."""
    final = [(job.stands_in, job.message_id)] if job.message_id else []
    for channel_id, message_id in {*final, *await copies.copies(job.id)}:
        try:
            await client.get_partial_messageable(channel_id).get_partial_message(message_id).delete()
        except discord.NotFound:
            pass
        except TROUBLES as trouble:
            _log.warning("job %s: message %s was not deleted (%s)", job.id, message_id, type(trouble).__name__)
    await gallery.remove(job)
