"""The Copies port: an earlier result posted again, from the files on disk."""

from pathlib import Path

import discord

from bot import texts, views
from bot.adapters.discord_files import Packer
from bot.domain.catalogue import Catalogue
from bot.domain.errors import DeliveryError, OriginalGoneError
from bot.domain.job import Job
from bot.service.stores import CopyBook


class Copies:
    """Regular messages with the same buttons."""

    def __init__(
        self, client: discord.Client, packer: Packer, catalogue: Catalogue, book: CopyBook, jobs_dir: Path
    ) -> None:
        self._client = client
        self._packer = packer
        self._catalogue = catalogue
        self._book = book
        self._dir = jobs_dir

    async def bring_back(self, job: Job, *, guild_id: int | None, channel_id: int, by: int) -> int:
        """Post it; returns the message's id. Nobody is pinged."""
        guild = self._client.get_guild(guild_id) if guild_id else None
        limit = guild.filesize_limit if guild else discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES
        try:
            packed = await self._packer.pack(job, self._dir / job.id, limit)
            remark = "\n".join(filter(None, [packed.remark, texts.brought_back(by)]))
            async with packed.files(job) as files:
                message = await self._client.get_partial_messageable(channel_id, guild_id=guild_id).send(
                    view=views.result(job, self._catalogue, packed.names, remark, packed.originals),
                    files=files,
                    allowed_mentions=views.NOBODY,
                )
        except DeliveryError:
            raise OriginalGoneError from None
        await self._book.add_copy(job.id, channel_id, message.id)
        return message.id
