"""Pictures of messages looked up again: Discord signs their addresses for a day or so."""

import logging
from collections.abc import Callable, Sequence

import discord

from bot.adapters.discord_routes import TROUBLES, described
from bot.domain.order import Reference
from bot.domain.references import unsigned

_log = logging.getLogger(__name__)

Find = Callable[[discord.Message, int], Sequence[Reference]]
"""The images of a message; the second argument is the bot's own user id."""


class Posts:
    """Messages as they stand now."""

    def __init__(self, client: discord.Client, find: Find) -> None:
        self._client = client
        self._find = find

    async def fresh(self, reference: Reference) -> Reference | None:
        """The same picture with an address that works again; None when its message is gone, or hides it."""
        origin, us = reference.origin, self._client.user
        if origin is None or us is None:
            return None
        channel = self._client.get_partial_messageable(origin.channel_id)
        try:
            message = await channel.fetch_message(origin.message_id)
        except TROUBLES as error:
            _log.info("a picture's message cannot be looked up (%s)", described(error))
            return None
        same = (one for one in self._find(message, us.id) if unsigned(one.url) == unsigned(reference.url))
        return next(same, None)
