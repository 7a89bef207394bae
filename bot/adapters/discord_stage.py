"""The Stage port: progress and last words through the interaction's token, results through `Delivery`."""

import logging
from pathlib import Path

import discord

from bot import texts, views
from bot.adapters.discord_delivery import Delivery
from bot.adapters.discord_routes import TROUBLES, channel_of, described, first_answer, interaction_route
from bot.domain.catalogue import Catalogue
from bot.domain.errors import BotError
from bot.domain.job import Job
from bot.service.ports import Clock, Phase

_log = logging.getLogger(__name__)


class DiscordStage:
    """What people see of a job."""

    def __init__(self, client: discord.Client, delivery: Delivery, catalogue: Catalogue, clock: Clock) -> None:
        self._client = client
        self._delivery = delivery
        self._catalogue = catalogue
        self._clock = clock
        self._closed: set[str] = set()  # jobs whose progress message cannot be edited any more

    async def show(self, job: Job, phase: Phase) -> None:
        """Edit the progress message, through the interaction only: channel routes are kept for results."""
        webhook = interaction_route(self._client, job, self._clock())
        if webhook is None or job.id in self._closed:
            return
        try:
            view = views.progress(job, self._catalogue, phase)
            await webhook.edit_message(first_answer(job), view=view, allowed_mentions=views.NOBODY)
        except discord.HTTPException as error:
            if error.status in {401, 403, 404}:
                self._closed.add(job.id)
            _log.info("job %s: progress not shown (%s)", job.id, described(error))
        except TROUBLES as error:
            _log.info("job %s: progress not shown (%s)", job.id, described(error))

    async def deliver(self, job: Job, folder: Path, *, again: bool) -> int:
        """Post the images where they can be seen."""
        return await self._delivery.post(job, folder, again=again)

    async def clear(self, job: Job) -> None:
        """Take the progress message away, by the interaction or, once its token is dead, by the channel."""
        self._closed.discard(job.id)
        if job.reply is None or job.message_id == job.reply.message_id:
            return  # there is none, or it has become the result
        webhook = interaction_route(self._client, job, self._clock())
        try:
            if webhook is not None:
                await webhook.delete_message(first_answer(job))
            elif job.reply.message_id is not None:
                await channel_of(self._client, job).get_partial_message(job.reply.message_id).delete()
        except TROUBLES as error:
            _log.info("job %s: progress message not taken away (%s)", job.id, described(error))

    async def tell(self, job: Job, error: BotError, *, again: bool) -> None:
        """Privately while the interaction lives; else in place of the progress message; else directly."""
        if again:  # a private answer may have been given; the message it takes away tells
            await self._replace(job, views.failed(job, error))
            return
        webhook = interaction_route(self._client, job, self._clock())
        if webhook is not None:
            try:
                await webhook.send(view=views.failure(job, error), ephemeral=True, allowed_mentions=views.NOBODY)
            except TROUBLES as trouble:
                _log.info("job %s: no private answer (%s)", job.id, described(trouble))
            else:
                await self.clear(job)
                return
        if not await self._replace(job, views.failed(job, error)):
            await self._write_to(job, texts.explain(error))

    async def cancelled(self, job: Job) -> None:
        """Say "Cancelled" in place of the progress message."""
        await self._replace(job, views.cancelled(job))

    async def _replace(self, job: Job, view: discord.ui.LayoutView) -> bool:
        self._closed.discard(job.id)
        if job.reply is None:
            return False
        webhook = interaction_route(self._client, job, self._clock())
        try:
            if webhook is not None:
                await webhook.edit_message(first_answer(job), view=view, allowed_mentions=views.NOBODY)
            elif job.reply.message_id is not None:
                message = channel_of(self._client, job).get_partial_message(job.reply.message_id)
                await message.edit(view=view, allowed_mentions=views.NOBODY)
            else:
                return False
        except TROUBLES as error:
            _log.info("job %s: message not replaced (%s)", job.id, described(error))
            return False
        return True

    async def _write_to(self, job: Job, sentence: str) -> None:
        """The last way to reach a member."""
        try:
            user = await self._client.fetch_user(job.order.member_id)
            await user.send(view=views.note(sentence), allowed_mentions=views.NOBODY)
        except TROUBLES as error:
            _log.warning("job %s: its member could not be told (%s)", job.id, described(error))
