"""Alerts for the operator: always in the log, and in a channel of theirs where one is set."""

import logging

import discord

from bot import texts, views
from bot.adapters.discord_routes import TROUBLES, described
from bot.service.alerts import Subject

_log = logging.getLogger(__name__)


class Operator:
    """Tells the operator."""

    def __init__(self, client: discord.Client, channel_id: int | None) -> None:
        self._client = client
        self._channel_id = channel_id

    async def tell(self, subject: Subject, up: bool) -> None:  # noqa: FBT001 - the news itself
        """Log it, then post it; a channel that cannot be reached is itself only logged."""
        sentence = texts.alert(subject, up=up)
        _log.log(logging.ERROR if up else logging.INFO, "%s", sentence)
        if self._channel_id is None:
            return
        try:
            await self._client.get_partial_messageable(self._channel_id).send(
                view=views.note(sentence), allowed_mentions=views.NOBODY
            )
        except TROUBLES as error:
            _log.warning("the operator's channel cannot be reached (%s)", described(error))
