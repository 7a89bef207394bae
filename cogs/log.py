"""The buttons of the log channel: who may see the log need not moderate the channel that an entry is about."""

import logging

import discord
from discord.ext import commands

from bot import texts, views
from bot.domain.catalogue import Catalogue
from bot.domain.conduct import REASON_LENGTH, Act, News
from bot.domain.errors import JobGoneError
from bot.domain.job import Job
from bot.domain.journal import Finished
from bot.domain.ledger import charged_today
from bot.service.gallery import Gallery
from bot.service.people import People
from bot.service.ports import Clock
from bot.service.stores import CopyBook
from bot.service.studio import Studio
from cogs.answering import TROUBLES, answer_view, answered
from cogs.moderating import check_moderator
from cogs.results import clicked
from cogs.telling import answer_and_tell
from cogs.tree import take_away

_log = logging.getLogger(__name__)


class Log(commands.Cog):
    """Delete and release, and Strike: authorised again at each click, as ids can be crafted."""

    def __init__(
        self,
        client: commands.Bot,
        studio: Studio,
        people: People,
        gallery: Gallery,
        copies: CopyBook,
        catalogue: Catalogue,
        clock: Clock,
    ) -> None:
        self._client = client
        self._studio = studio
        self._people = people
        self._gallery = gallery
        self._copies = copies
        self._catalogue = catalogue
        self._clock = clock

    @commands.Cog.listener()
    @answered
    async def on_panel_log(
        self, interaction: discord.Interaction, action: str, argument: str, _values: list[str]
    ) -> None:
        """A click under an entry, or under the question that follows it."""
        job_id, _, entry = argument.partition(".")
        job = await self._checked(interaction, job_id, action)
        match action:
            case "delete":
                entry_id = interaction.message.id if interaction.message else 0
                credit = charged_today(job, self._clock())
                await answer_view(interaction, views.ask_delete_and_release(job, entry_id, credit))
            case "release":
                await self._release(interaction, job, int(entry) if entry.isdecimal() else 0)
            case "strike":
                await interaction.response.send_modal(views.strike_form(job))
            case _:
                raise JobGoneError

    @commands.Cog.listener()
    @answered
    async def on_form_log(self, interaction: discord.Interaction, form: views.Form) -> None:
        """The reason of a strike."""
        job = await self._checked(interaction, form.argument, "strike")
        reason = form.texts.get("reason", "").strip()[:REASON_LENGTH]
        conduct = await self._people.strike(
            job.order.scope, job.order.member_id, is_bot=False, by=interaction.user.id, reason=reason
        )
        said = texts.conduct(job.order.member_id, conduct, views.quiet(reason, REASON_LENGTH))
        news = News(act=Act.STRIKE, conduct=conduct, reason=reason)
        await answer_and_tell(interaction, said, self._people.tell(job.order.scope, job.order.member_id, news))

    async def _checked(self, interaction: discord.Interaction, job_id: str, action: str) -> Job:
        """The job, which is of this server. Raises RefusedError for whoever does not moderate its channel."""
        job = await clicked(interaction, self._studio, job_id, action)
        await check_moderator(interaction, job)
        if not job.pictures or job.order.private:
            raise JobGoneError
        return job

    async def _release(self, interaction: discord.Interaction, job: Job, entry_id: int) -> None:
        """What is known first, then the messages, then the files."""
        by = interaction.user.id
        credit = await self._people.delete_and_give_back(job, by=by)
        said = views.note(texts.deleted_and_released(job.order.member_id, credit))
        try:
            await interaction.response.edit_message(view=said, allowed_mentions=views.NOBODY)
        finally:  # an answer that is lost must not leave standing what counts as deleted
            await take_away(self._client, self._gallery, self._copies, job)
            await self._take_out(interaction.channel_id or 0, entry_id, job)

    async def _take_out(self, channel_id: int, entry_id: int, job: Job) -> None:
        """The copy in the log goes, too; the entry stays, and says what happened."""
        try:
            entry = await self._client.get_partial_messageable(channel_id).fetch_message(entry_id)
            if views.panel_id("log", "delete", job.id) in views.custom_ids(entry.components):  # ids can be crafted
                line = views.log_line(Finished(job=job), entry.created_at.timestamp(), self._catalogue)
                view = views.log_without_images(f"{line}\n{texts.LOG_DELETED}", job)
                await entry.edit(view=view, attachments=[], allowed_mentions=views.NOBODY)
        except TROUBLES as trouble:
            _log.warning("job %s: its entry in the log stays (%s)", job.id, type(trouble).__name__)
