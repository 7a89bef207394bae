"""Alerts for the operator: always in the log, and in a channel of theirs where one is set."""

import asyncio
import logging
import secrets
import time

import discord

from bot import texts, views
from bot.adapters.discord_routes import TROUBLES, described, insist
from bot.service.alerts import Subject
from bot.service.ports import Clock, Sleep

_log = logging.getLogger(__name__)


class Operator:
    """Tells the operator."""

    def __init__(
        self,
        client: discord.Client,
        channel_id: int | None,
        clock: Clock = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._client = client
        self._channel_id = channel_id
        self._clock = clock
        self._sleep = sleep

    async def post(self, channel_id: int, words: str) -> None:
        """Say something of the operator's in a log channel; one that cannot be used is only logged."""
        view = views.note(texts.notice(views.quiet(words, 1900)))
        try:
            await self._client.get_partial_messageable(channel_id).send(view=view, allowed_mentions=views.NOBODY)
        except TROUBLES as error:
            _log.warning("the notice did not reach channel %d (%s)", channel_id, described(error))

    async def tell(self, subject: Subject, up: bool) -> None:  # noqa: FBT001 - the news itself
        """Log it, then post it, after an outage too; a channel that cannot be used is itself only logged."""
        sentence = texts.alert(subject, up=up)
        _log.log(logging.ERROR if up else logging.INFO, "%s", sentence)
        if self._channel_id is None:
            return
        channel = self._client.get_partial_messageable(self._channel_id)
        nonce = f"al-{secrets.token_hex(8)}"  # however often it is sent, it stands once
        try:
            await insist(
                lambda: channel.send(view=views.note(sentence), nonce=nonce, allowed_mentions=views.NOBODY),
                self._clock,
                self._sleep,
            )
        except TROUBLES as error:
            _log.warning("the operator's channel cannot be reached (%s)", described(error))
