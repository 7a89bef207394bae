"""Approve and Refuse under orders that wait for a moderator."""

import discord
from discord.ext import commands

from bot import texts, views
from bot.domain.conduct import REASON_LENGTH
from bot.domain.errors import AnsweredAlreadyError, JobGoneError, NotWaitingError
from bot.domain.job import Job
from bot.service.approvals import Answer, Approvals
from bot.service.desk import Desk
from bot.service.people import People
from bot.service.studio import Studio
from cogs.answering import answer, answered
from cogs.moderating import check_moderator


class ApprovalButtons(commands.Cog):
    """Who clicked is checked anew every time."""

    def __init__(self, desk: Desk, studio: Studio, approvals: Approvals, people: People) -> None:
        self._desk = desk
        self._studio = studio
        self._approvals = approvals
        self._people = people

    @commands.Cog.listener()
    @answered
    async def on_panel_approval(
        self, interaction: discord.Interaction, action: str, job_id: str, _values: list[str]
    ) -> None:
        """A click under a question."""
        job = await self._moderated(interaction, job_id)
        match action:
            case "approve":
                await self._approve(interaction, job)
            case "refuse" if job.awaits_approval:
                await interaction.response.send_modal(views.refuse_form(job))
            case "refuse":
                await self._answer(interaction, job, Answer(by=interaction.user.id, given=False))
            case _:
                view, file = views.recipe(job, self._desk.catalogue, None)
                files = [file] if file else []
                await interaction.response.send_message(
                    view=view, files=files, ephemeral=True, allowed_mentions=views.NOBODY
                )

    @commands.Cog.listener()
    @answered
    async def on_form_approval(self, interaction: discord.Interaction, form: views.Form) -> None:
        """The reason of a refusal."""
        job = await self._moderated(interaction, form.argument)
        reason = views.quiet(form.texts.get("reason", ""), REASON_LENGTH)
        await self._answer(interaction, job, Answer(by=interaction.user.id, given=False, reason=reason))

    async def _moderated(self, interaction: discord.Interaction, job_id: str) -> Job:
        job = await self._studio.job(job_id)
        await check_moderator(interaction, job)
        if job.order.private:  # those are never asked about
            raise JobGoneError
        return job

    async def _approve(self, interaction: discord.Interaction, job: Job) -> None:
        """What the rules allowed when it was ordered is approved; whoever was blocked since then gets nothing."""
        given = Answer(by=interaction.user.id, given=True)
        if job.awaits_approval and await self._people.block_of(job.order.scope, job.order.member_id):
            given = Answer(by=interaction.user.id, given=False, reason=texts.BLOCKED_MEANWHILE)
        await self._answer(interaction, job, given)

    async def _answer(self, interaction: discord.Interaction, job: Job, given: Answer) -> None:
        """The question shows how it ended; to whoever comes late, too."""
        try:
            job, late = await self._approvals.answer(job, given), None
        except (AnsweredAlreadyError, NotWaitingError) as error:
            job, late = await self._studio.job(job.id), error
        if interaction.message is not None and not job.awaits_approval:
            hidden = views.is_hidden(interaction.channel, job.order)
            view = views.approval(job, self._desk.catalogue, hidden=hidden)
            await interaction.response.edit_message(view=view, allowed_mentions=views.NOBODY)
        if late is not None:
            await answer(interaction, texts.explain(late))
