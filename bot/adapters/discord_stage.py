"""The Stage port: progress and last words through the interaction's token, results through `Delivery`."""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import discord

from bot import texts, views
from bot.adapters.discord_budget import Budget
from bot.adapters.discord_delivery import Delivery
from bot.adapters.discord_routes import (
    LOOKED_BEFORE,
    TROUBLES,
    channel_of,
    described,
    first_answer,
    insist,
    interaction_route,
    posted_message,
)
from bot.domain.catalogue import Catalogue
from bot.domain.errors import BotError
from bot.domain.job import Job
from bot.domain.places import is_posted
from bot.service.ports import Clock, Phase, Sleep

_log = logging.getLogger(__name__)

ByToken = Callable[[discord.Webhook], Awaitable[object]]
ByChannel = Callable[[discord.PartialMessage], Awaitable[object]]


class DiscordStage:
    """What people see of a job."""

    def __init__(
        self,
        client: discord.Client,
        delivery: Delivery,
        budget: Budget,
        catalogue: Catalogue,
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        self._client = client
        self._delivery = delivery
        self._budget = budget
        self._catalogue = catalogue
        self._clock = clock
        self._sleep = sleep
        self._closed: set[str] = set()  # jobs whose progress message cannot be edited any more

    async def show(self, job: Job, phase: Phase) -> None:
        """Edit the progress message: through the interaction where there was one, as channel routes are for results.

        What was approved late goes on by the channel, once the interaction is over.
        """
        webhook = interaction_route(self._client, job, self._clock())
        late = job.reply.message_id if job.reply is not None and job.approval is not None else None
        notice_id = job.notice_id or late
        if job.id in self._closed or (webhook is None and notice_id is None):
            return
        try:
            view = views.progress(job, self._catalogue, phase)
            if webhook is not None:
                await webhook.edit_message(first_answer(job), view=view, allowed_mentions=views.NOBODY)
            elif notice_id is not None:
                notice = channel_of(self._client, job).get_partial_message(notice_id)
                await notice.edit(view=view, allowed_mentions=views.NOBODY)
        except discord.HTTPException as error:
            if error.status in {401, 403, 404}:
                self._closed.add(job.id)
            _log.info("job %s: progress not shown (%s)", job.id, described(error))
        except TROUBLES as error:
            _log.info("job %s: progress not shown (%s)", job.id, described(error))

    async def deliver(self, job: Job, folder: Path, *, again: bool) -> int:
        """Post the images where they can be seen, before all else that goes to Discord."""
        with self._budget.first():
            return await self._delivery.post(job, folder, again=again, at_progress=lambda: self._closed.add(job.id))

    async def clear(self, job: Job) -> None:
        """Take the progress message away."""
        known = job.reply and job.reply.message_id
        if job.message_id is not None and job.message_id == known:
            self._closed.discard(job.id)
            return  # it has become the result

        async def by_token(webhook: discord.Webhook) -> None:
            if known is None and await _stands_as(webhook, job) == job.message_id:
                return  # the same, but an earlier process did not live to store its id
            await webhook.delete_message(first_answer(job))

        await self._at_progress(job, by_token, lambda message: message.delete())

    async def tell(self, job: Job, error: BotError, *, again: bool) -> None:
        """Privately while the interaction lives; else in place of the progress message; else directly."""
        if not again and await self._tell_privately(job, error):
            await self.clear(job)
        elif not await self._replace(job, views.failed(job, error)) and not (again and _was_answered(job)):
            await self._write_to(job, texts.explain(error))

    async def cancelled(self, job: Job) -> None:
        """Say "Cancelled" in place of the progress message."""
        await self._replace(job, views.cancelled(job))

    async def _tell_privately(self, job: Job, error: BotError) -> bool:
        """Once: a private message has no nonce, and whether one whose answer was lost stands cannot be seen."""
        webhook = interaction_route(self._client, job, self._clock())
        if webhook is None:
            return False
        try:
            await webhook.send(view=views.failure(job, error), ephemeral=True, allowed_mentions=views.NOBODY)
        except TROUBLES as trouble:
            _log.info("job %s: no private answer (%s)", job.id, described(trouble))
            return False
        return True

    async def _replace(self, job: Job, view: discord.ui.LayoutView) -> bool:
        return await self._at_progress(
            job,
            lambda webhook: webhook.edit_message(first_answer(job), view=view, allowed_mentions=views.NOBODY),
            lambda message: message.edit(view=view, allowed_mentions=views.NOBODY),
        )

    async def _at_progress(self, job: Job, by_token: ByToken, by_channel: ByChannel) -> bool:
        """Do something to the progress message: by the interaction or, once its token is dead, by the channel.

        Discord's troubles are waited out. False when there is no such message (any more), or no way to it.
        """
        self._closed.discard(job.id)
        if job.order.message_id is not None and job.reply is None:
            return await self._at_notice(job, by_channel)
        if job.reply is None:
            return False
        ways = list[Callable[[], Awaitable[object]]]()
        if (webhook := interaction_route(self._client, job, self._clock())) is not None:
            ways.append(lambda: by_token(webhook))
        if job.reply.message_id is not None and is_posted(job.order):  # elsewhere channel routes know no such message
            message = channel_of(self._client, job).get_partial_message(job.reply.message_id)
            ways.append(lambda: by_channel(message))
        for way in ways:
            try:
                await insist(way, self._clock, self._sleep)
            except TROUBLES as error:
                _log.info("job %s: progress message not reached (%s)", job.id, described(error))
            else:
                return True
        return False

    async def _at_notice(self, job: Job, act: ByChannel) -> bool:
        """The same for an order by a message: its progress message is looked for where its id was never stored."""
        channel, since = channel_of(self._client, job), job.created_at - LOOKED_BEFORE

        async def reach() -> bool:
            notice_id = job.notice_id or await posted_message(self._client, channel, job.id, since, pictures=False)
            if notice_id is not None:
                await act(channel.get_partial_message(notice_id))
            return notice_id is not None

        try:
            return await insist(reach, self._clock, self._sleep)
        except TROUBLES as error:
            _log.info("job %s: progress message not reached (%s)", job.id, described(error))
            return False

    async def _write_to(self, job: Job, sentence: str) -> None:
        """The last way to reach a member."""

        async def write() -> None:
            channel = await self._client.create_dm(discord.Object(job.order.member_id))
            await channel.send(view=views.note(sentence), nonce=f"nt-{job.id}", allowed_mentions=views.NOBODY)

        try:
            await insist(write, self._clock, self._sleep)
        except TROUBLES as error:
            _log.warning("job %s: its member could not be told (%s)", job.id, described(error))


def _was_answered(job: Job) -> bool:
    """Whether a progress message is known to have stood; where none did, nothing private was said after it either."""
    return job.notice_id is not None or (job.reply is not None and job.reply.message_id is not None)


async def _stands_as(webhook: discord.Webhook, job: Job) -> int:
    """The id of the interaction's own message."""
    return (await webhook.fetch_message(first_answer(job))).id
