"""The Questions port: orders that wait for a moderator, in the server's log channel."""

import logging

import discord

from bot import views
from bot.adapters.discord_routes import LOOKED_BEFORE, TROUBLES, described, insist, own_messages
from bot.domain.catalogue import Catalogue
from bot.domain.errors import ApprovalUnaskedError
from bot.domain.job import Approval, Job
from bot.service.ports import Clock, Sleep

_log = logging.getLogger(__name__)

BAD_REQUEST = 400


class Questions:
    """What moderators see of orders that wait for them."""

    def __init__(
        self,
        client: discord.Client,
        catalogue: Catalogue,
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        self._client = client
        self._catalogue = catalogue
        self._clock = clock
        self._sleep = sleep

    def can_ask(self, guild_id: int, channel_id: int) -> bool:
        """Whether the bot may post in that channel of that server; in no thread, which is forgotten once it is archived."""
        guild = self._client.get_guild(guild_id)
        channel = guild.get_channel(channel_id) if guild is not None else None
        if guild is None or not isinstance(channel, discord.abc.Messageable):
            return False
        granted = channel.permissions_for(guild.me)
        return granted.view_channel and granted.send_messages

    def is_gone(self, job: Job) -> bool:
        """Whether the log channel is known to be gone; while Discord says nothing of the server, it is not."""
        guild = self._client.get_guild(job.order.guild_id or 0)
        if guild is None or guild.unavailable:
            return False
        return guild.get_channel(_approval(job).channel_id) is None

    async def ask(self, job: Job, *, again: bool) -> int:
        """Put the question up; troubles that pass are waited out."""
        channel = self._channel(job)
        try:
            known = await insist(lambda: self._standing(job), self._clock, self._sleep) if again else None
        except TROUBLES as error:
            _log.info("job %s: the log channel cannot be looked through (%s)", job.id, described(error))
            known = None
        try:
            return known or await insist(lambda: self._posted(job, channel), self._clock, self._sleep)
        except TROUBLES as error:
            _log.warning("job %s: the moderators cannot be asked (%s)", job.id, described(error))
            raise ApprovalUnaskedError from None

    async def close(self, job: Job, *, by: int | None) -> None:
        """Show how it ended, in place of the buttons; the message is looked for where its id was never stored."""
        view = self._view(job, called_off_by=by)

        async def edit() -> None:
            message_id = _approval(job).message_id or await self._standing(job)
            if message_id is not None:
                message = self._channel(job).get_partial_message(message_id)
                await message.edit(view=view, allowed_mentions=views.NOBODY)

        try:
            await insist(edit, self._clock, self._sleep)
        except TROUBLES as error:
            _log.info("job %s: the question in the log channel was not closed (%s)", job.id, described(error))

    async def _posted(self, job: Job, channel: discord.abc.Messageable) -> int:
        """With its pictures, unless Discord does not take their addresses. The nonce lets it stand once."""
        nonce = f"ap-{job.id}"
        view = self._view(job)
        try:
            return (await channel.send(view=view, nonce=nonce, allowed_mentions=views.NOBODY)).id
        except discord.HTTPException as error:
            if error.status != BAD_REQUEST or not job.order.is_edit:
                raise
        view = self._view(job, pictures=False)
        return (await channel.send(view=view, nonce=nonce, allowed_mentions=views.NOBODY)).id

    def _view(self, job: Job, *, pictures: bool = True, called_off_by: int | None = None) -> discord.ui.LayoutView:
        hidden = views.is_hidden(self._client.get_channel(_approval(job).channel_id), job.order)
        return views.approval(job, self._catalogue, hidden=hidden, pictures=pictures, called_off_by=called_off_by)

    async def _standing(self, job: Job) -> int | None:
        """The question that an earlier process may have put up."""
        async for message in own_messages(self._client, self._channel(job), job.created_at - LOOKED_BEFORE):
            if any(
                custom_id.startswith("p1:approval:") and job.id in custom_id
                for custom_id in views.custom_ids(message.components)
            ):
                return message.id
        return None

    def _channel(self, job: Job) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(_approval(job).channel_id, guild_id=job.order.guild_id)


def _approval(job: Job) -> Approval:
    if job.approval is None:
        raise TypeError("an order that nobody has to approve")
    return job.approval
