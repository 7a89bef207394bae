"""Posting a job's images so that they arrive, once, in the first of its places that takes them."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import discord

from bot import views
from bot.adapters.discord_files import Packed, Packer
from bot.adapters.discord_routes import (
    LOOKED_BEFORE,
    OUTAGE,
    TROUBLES,
    Verdict,
    channel_of,
    described,
    first_answer,
    interaction_route,
    pause_after,
    posted_message,
    reference_to,
    verdict,
)
from bot.domain.catalogue import Catalogue
from bot.domain.errors import DeliveryError
from bot.domain.job import Job
from bot.domain.packing import REQUEST_BUDGET
from bot.domain.places import Place, places
from bot.service.alerts import Alerts, Subject
from bot.service.ports import Clock, Sleep

_log = logging.getLogger(__name__)

NONCE_LIFE = 120.0
"""Seconds within which a send repeated with its nonce makes no second message; Discord says "a few minutes"."""
STEPS_DOWN = 4
"""Times that the files are made smaller."""
ALERT_AFTER = 3
"""Failed tries before the operator hears of it."""


Elsewhere = Callable[[Job, int], Awaitable[None]]
"""Told of a job whose images stand in another channel than the order's, and of that channel's id."""


class _ElsewhereError(Exception):
    """Not in this place."""


class _Place(Protocol):
    """Where images can be posted."""

    async def find(self, *, nonce_alive: bool) -> int | None:
        """The message that an earlier try may have made. Raises what Discord raises.

        `nonce_alive`: where nothing can be seen, sending again is safe.
        """
        ...

    async def post(self, packed: Packed) -> int:
        """Make the message; returns its id. Raises what Discord raises."""
        ...


@dataclass(frozen=True, slots=True)
class _Content:
    """What is posted, whatever the place."""

    job: Job
    catalogue: Catalogue

    def view(self, packed: Packed) -> discord.ui.LayoutView:
        return views.result(self.job, self.catalogue, packed.names, packed.remark, packed.originals)


@dataclass(frozen=True, slots=True)
class _Messageable:
    """A channel, or a member's direct messages."""

    client: discord.Client
    content: _Content
    channel: discord.PartialMessageable | discord.DMChannel

    async def find(self, *, nonce_alive: bool) -> int | None:
        job = self.content.job
        if not await self._sees_history():
            if nonce_alive:
                return None
            raise _ElsewhereError
        since = (job.rendered_at or job.created_at) - LOOKED_BEFORE
        return await posted_message(self.client, self.channel, job.id, since, pictures=True)

    async def _sees_history(self) -> bool:
        """Without Read Message History Discord answers with an empty list, as if nothing had been posted."""
        if not isinstance(self.channel, discord.PartialMessageable) or self.channel.guild_id is None:
            return True  # direct messages
        channel = self.client.get_channel(self.channel.id) or await self.client.fetch_channel(self.channel.id)
        if not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
            return True
        # None while the server is not in the cache, as during an outage of Discord's.
        us = self.client.user and channel.guild.get_member(self.client.user.id)
        return us is not None and channel.permissions_for(us).read_message_history

    async def _answered(self) -> discord.MessageReference | None:
        """An order by a message is answered as a reply to it, where the bot may read what was said."""
        order = self.content.job.order
        if order.message_id is None or self.channel.id != order.channel_id or not await self._sees_history():
            return None
        return reference_to(order)

    async def post(self, packed: Packed) -> int:
        job = self.content.job
        reference: Any = await self._answered()  # discord.py takes None, but its overloads do not say so
        async with packed.files(job) as files:
            message = await self.channel.send(
                view=self.content.view(packed),
                files=files,
                reference=reference,
                nonce=f"nb-{job.id}",  # with it, Discord answers a send repeated within minutes with the first message
                allowed_mentions=views.only(job.order.member_id),
            )
        return message.id


@dataclass(frozen=True, slots=True)
class _Direct:
    """The member's direct messages; opening them may go wrong as well."""

    client: discord.Client
    content: _Content
    elsewhere: Elsewhere

    async def find(self, *, nonce_alive: bool) -> int | None:
        place = await self._opened()
        found = await place.find(nonce_alive=nonce_alive)
        if found is not None:
            await self.elsewhere(self.content.job, place.channel.id)
        return found

    async def post(self, packed: Packed) -> int:
        place = await self._opened()
        message_id = await place.post(packed)
        await self.elsewhere(self.content.job, place.channel.id)
        return message_id

    async def _opened(self) -> _Messageable:
        member = discord.Object(self.content.job.order.member_id)
        return _Messageable(self.client, self.content, await self.client.create_dm(member))


@dataclass(frozen=True, slots=True)
class _FirstAnswer:
    """The interaction's own message: an edit, so doing it twice changes nothing."""

    webhook: discord.Webhook
    content: _Content

    async def find(self, *, nonce_alive: bool) -> int | None:  # noqa: ARG002 - an edit needs neither
        return None

    async def post(self, packed: Packed) -> int:
        job = self.content.job
        async with packed.files(job) as files:
            message = await self.webhook.edit_message(
                first_answer(job),
                view=self.content.view(packed),
                attachments=files,
                allowed_mentions=views.NOBODY,
            )
        return message.id


class Delivery:
    """Posts results."""

    def __init__(
        self,
        client: discord.Client,
        packer: Packer,
        catalogue: Catalogue,
        alerts: Alerts,
        clock: Clock,
        sleep: Sleep,
        elsewhere: Elsewhere,
    ) -> None:
        self._client = client
        self._packer = packer
        self._catalogue = catalogue
        self._alerts = alerts
        self._clock = clock
        self._sleep = sleep
        self._elsewhere = elsewhere

    async def post(self, job: Job, folder: Path, *, again: bool, at_progress: Callable[[], object]) -> int:
        """Through the places in turn. Raises DeliveryError when none takes it, or when the files are gone.

        `at_progress` is called before the progress message is made the result.
        """
        content = _Content(job, self._catalogue)
        try:
            for kind in places(job):
                place = self._place(kind, content, at_progress)
                if place is None:
                    continue
                with suppress(_ElsewhereError):
                    return await self._insist(place, job, folder, again=again)
        finally:
            self._packer.fresh.drop(folder)
            self._alerts.over(Subject.DELIVERY, job.id)  # also when it was given up: else no later outage would be told
        raise DeliveryError

    async def _insist(self, place: _Place, job: Job, folder: Path, *, again: bool) -> int:
        """In one place, as long as its troubles may pass. A message that may stand already is looked for first."""
        began, budget, tries, smaller = self._clock(), REQUEST_BUDGET, 0, 0
        while True:
            try:
                first = (job.rendered_at or 0.0) if again else began  # no try of an earlier process was before
                nonce_alive = self._clock() < first + NONCE_LIFE
                if (again or tries) and (found := await place.find(nonce_alive=nonce_alive)) is not None:
                    return found
                packed = await self._packer.pack(job, folder, min(self._file_limit(job), budget), budget)
                return await place.post(packed)
            except TROUBLES as error:
                tries += 1
                _log.warning("job %s: %s, try %d: %s", job.id, type(place).__name__, tries, described(error))
                match verdict(error):
                    case Verdict.SMALLER if smaller < STEPS_DOWN:
                        smaller, budget = smaller + 1, budget // 2
                    case Verdict.LATER if self._clock() < began + OUTAGE:
                        await self._wait(job, tries)
                    case _ if (found := await _after_all(place)) is not None:
                        return found
                    case _:
                        raise _ElsewhereError from None

    async def _wait(self, job: Job, tries: int) -> None:
        if tries == ALERT_AFTER:
            self._alerts.up(Subject.DELIVERY, job.id)
        await self._sleep(pause_after(tries))

    def _place(self, kind: Place, content: _Content, at_progress: Callable[[], object]) -> _Place | None:
        """None when the interaction's token is dead."""
        match kind:
            case Place.CHANNEL:
                return _Messageable(self._client, content, channel_of(self._client, content.job))
            case Place.ANSWER:
                webhook = interaction_route(self._client, content.job, self._clock())
                if webhook is None:
                    return None
                at_progress()
                return _FirstAnswer(webhook, content)
            case Place.DIRECT:
                return _Direct(self._client, content, self._elsewhere)

    def _file_limit(self, job: Job) -> int:
        guild = self._client.get_guild(job.order.guild_id) if job.order.guild_id else None
        return guild.filesize_limit if guild else discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES


async def _after_all(place: _Place) -> int | None:
    """The message, where discord.py had repeated a try that did arrive and only the repetition was refused."""
    try:
        return await place.find(nonce_alive=True)
    except (*TROUBLES, _ElsewhereError):
        return None
