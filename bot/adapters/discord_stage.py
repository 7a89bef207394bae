"""The Stage port: progress through the interaction's token, results as ordinary messages of the channel."""

import logging
from pathlib import Path

import aiohttp
import discord

from bot import texts, views
from bot.adapters.discord_files import Packed, Packer
from bot.domain.catalogue import Catalogue
from bot.domain.errors import BotError, DeliveryError
from bot.domain.job import Job
from bot.service.ports import Clock, Phase

_log = logging.getLogger(__name__)

TOKEN_LIFE = 14.5 * 60
"""Seconds an interaction's token is used; Discord's own limit is 15 minutes."""
TROUBLES = (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError)
"""What a call to Discord can end in."""


class DiscordStage:
    """What people see of a job."""

    def __init__(self, client: discord.Client, packer: Packer, catalogue: Catalogue, clock: Clock) -> None:
        self._client = client
        self._packer = packer
        self._catalogue = catalogue
        self._clock = clock
        self._closed: set[str] = set()  # jobs whose progress message cannot be edited any more

    async def show(self, job: Job, phase: Phase) -> None:
        """Edit the progress message, through the interaction only: channel routes are kept for results."""
        webhook = self._webhook(job)
        if webhook is None or job.reply is None or job.reply.message_id is None or job.id in self._closed:
            return
        try:
            await webhook.edit_message(
                job.reply.message_id,
                view=views.progress(job, self._catalogue, phase),
                allowed_mentions=views.NOBODY,
            )
        except discord.HTTPException as error:
            if error.status in {401, 403, 404}:
                self._closed.add(job.id)
            _log.info("job %s: progress not shown (%s)", job.id, error.status)
        except TROUBLES as error:
            _log.info("job %s: progress not shown (%s)", job.id, type(error).__name__)

    async def deliver(self, job: Job, folder: Path, took: float) -> int:
        """Post the images in the channel, then take the progress message away."""
        packed = await self._packer.pack(job, folder, self._file_limit(job))
        try:
            message_id = await self._post(job, packed, took)
        except TROUBLES as error:
            _log.warning("job %s: not posted (%s)", job.id, _described(error))
            raise DeliveryError from None
        await self._clear(job)
        return message_id

    async def tell(self, job: Job, error: BotError) -> None:
        """Privately while the interaction lives; else in place of the progress message; else directly."""
        sentence = texts.explain(error)
        if (webhook := self._webhook(job)) is not None:
            try:
                await webhook.send(view=views.note(sentence), ephemeral=True, wait=True)
            except TROUBLES as trouble:
                _log.info("job %s: no private answer (%s)", job.id, _described(trouble))
            else:
                await self._clear(job)
                return
        told = views.note(texts.failed(sentence, views.quiet(job.order.prompt, 300), job.order.member_id))
        if not await self._replace(job, told):
            await self._write_to(job, sentence)

    async def cancelled(self, job: Job) -> None:
        """Say "Cancelled" in place of the progress message."""
        if not await self._replace(job, views.cancelled(job)):
            _log.info("job %s: nowhere to say that it was cancelled", job.id)

    # --- routes ------------------------------------------------------------------------------------

    async def _post(self, job: Job, packed: Packed, took: float) -> int:
        view = views.result(job, self._catalogue, took, packed.names, packed.remark, packed.originals)
        channel = self._channel(job)
        files = packed.files(job)
        try:
            message = await channel.send(
                view=view,
                files=files,
                nonce=f"nb-{job.id}",  # with it, Discord answers a repeated send with the first message
                allowed_mentions=discord.AllowedMentions(
                    everyone=False, roles=False, users=[discord.Object(job.order.member_id)]
                ),
            )
        finally:
            for file in files:
                file.close()
        return message.id

    async def _clear(self, job: Job) -> None:
        """Take the progress message away, by the interaction or, once its token is dead, by the channel."""
        self._closed.discard(job.id)
        if job.reply is None or job.reply.message_id is None:
            return
        webhook = self._webhook(job)
        try:
            if webhook is not None:
                await webhook.delete_message(job.reply.message_id)
            else:
                await self._channel(job).get_partial_message(job.reply.message_id).delete()
        except TROUBLES as error:
            _log.info("job %s: progress message stays (%s)", job.id, _described(error))

    async def _replace(self, job: Job, view: discord.ui.LayoutView) -> bool:
        self._closed.discard(job.id)
        if job.reply is None or job.reply.message_id is None:
            return False
        webhook = self._webhook(job)
        try:
            if webhook is not None:
                await webhook.edit_message(job.reply.message_id, view=view, allowed_mentions=views.NOBODY)
            else:
                message = self._channel(job).get_partial_message(job.reply.message_id)
                await message.edit(view=view, allowed_mentions=views.NOBODY)
        except TROUBLES as error:
            _log.info("job %s: message not replaced (%s)", job.id, _described(error))
            return False
        return True

    async def _write_to(self, job: Job, sentence: str) -> None:
        """The last way to reach a member."""
        try:
            user = await self._client.fetch_user(job.order.member_id)
            await user.send(view=views.note(sentence), allowed_mentions=views.NOBODY)
        except TROUBLES as error:
            _log.warning("job %s: its member could not be told (%s)", job.id, _described(error))

    def _webhook(self, job: Job) -> discord.Webhook | None:
        """The interaction's own route, or None when its token is dead."""
        if job.reply is None or self._clock() > job.reply.created_at + TOKEN_LIFE:
            return None
        webhook = discord.Webhook.partial(job.reply.application_id, job.reply.token, client=self._client)
        webhook.type = discord.WebhookType.application  # only this kind may answer privately
        return webhook

    def _channel(self, job: Job) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(job.order.channel_id, guild_id=job.order.guild_id)

    def _file_limit(self, job: Job) -> int:
        guild = self._client.get_guild(job.order.guild_id) if job.order.guild_id else None
        return guild.filesize_limit if guild else discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES


def _described(error: BaseException) -> str:
    """For the log: kind and numbers, never a body or an address."""
    if isinstance(error, discord.HTTPException):
        return f"HTTP {error.status}, code {error.code}"
    return type(error).__name__
