"""How Discord's refusals are read, and the interaction's own route."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from enum import Enum, auto
from typing import TypeVar

import aiohttp
import discord

from bot import views
from bot.domain.job import Job
from bot.domain.order import Order
from bot.service.ports import Clock, Sleep

T = TypeVar("T")

TROUBLES = (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError)
"""What a call to Discord can end in."""
TOO_LARGE_STATUS, TOO_LARGE_CODE = 413, 40005
OUTAGE = 3600.0
"""Seconds that Discord's troubles are waited out in one place before the next is tried."""
LOOKED_THROUGH = 300
"""Messages after the job's time that are searched for its own."""
LOOKED_BEFORE = 60.0
"""Seconds before that time at which the search begins: Discord's clock may differ."""
LONGEST_PAUSE = 60.0
"""Seconds between two tries, at most."""


class Verdict(Enum):
    """What a failed call means for the next try."""

    LATER = auto()
    """It may pass: the network, Discord's own trouble, a rate limit."""
    SMALLER = auto()
    """The files are too large."""
    ELSEWHERE = auto()
    """Not here: gone, forbidden, archived, refused."""


def verdict(error: BaseException) -> Verdict:
    """Read a failure. discord.py repeats some of them itself, but not a reset connection, nor every 503 or 429."""
    if not isinstance(error, discord.HTTPException):
        return Verdict.LATER
    if error.status == TOO_LARGE_STATUS or error.code == TOO_LARGE_CODE:
        return Verdict.SMALLER
    if error.status == 429 or error.status >= 500:  # noqa: PLR2004 - rate limits and server errors
        return Verdict.LATER
    return Verdict.ELSEWHERE


def pause_after(tries: int) -> float:
    """Seconds until the next try."""
    return min(LONGEST_PAUSE, 0.5 * 2**tries)


async def insist(
    call: Callable[[], Awaitable[T]],
    clock: Clock,
    sleep: Sleep,
    patience: float = OUTAGE,
) -> T:
    """Do what may be done twice, until it is done; troubles that pass are waited out, for `patience` seconds.

    Raises what Discord refuses.
    """
    until, tries = clock() + patience, 0
    while True:
        try:
            return await call()
        except TROUBLES as error:
            if verdict(error) is not Verdict.LATER or clock() > until:
                raise
        tries += 1
        await sleep(pause_after(tries))


def described(error: BaseException) -> str:
    """For the log: kind and numbers, never a body or an address."""
    if isinstance(error, discord.HTTPException):
        return f"HTTP {error.status}, code {error.code}"
    return type(error).__name__


def interaction_route(client: discord.Client, job: Job, now: float) -> discord.Webhook | None:
    """The interaction's own route, or None when its token is dead."""
    if job.reply is None or job.reply.is_over(now):
        return None
    webhook = discord.Webhook.partial(job.reply.application_id, job.reply.token, client=client)
    webhook.type = discord.WebhookType.application  # only this kind may answer privately
    return webhook


def first_answer(job: Job) -> int:
    """The progress message's id for the interaction's route, which also knows it as @original."""
    known = job.reply.message_id if job.reply else None
    return known or "@original"  # pyright: ignore[reportReturnType] - discord.py only writes it into the address


def reference_to(order: Order) -> discord.MessageReference:
    """The member's own message, to be replied to; that it is gone is no failure. Raises TypeError without one."""
    if order.message_id is None:
        raise TypeError("an order by a message has its id")
    return discord.MessageReference(message_id=order.message_id, channel_id=order.channel_id, fail_if_not_exists=False)


async def posted_message(
    client: discord.Client, channel: discord.abc.Messageable, job_id: str, since: float, *, pictures: bool
) -> int | None:
    """The bot's message with a job's buttons, with or without pictures, posted since then (unix seconds)."""
    async for message in own_messages(client, channel, since):
        found = map(views.JOB_BUTTON.fullmatch, views.custom_ids(message.components))  # entries of the log have others
        of_job = any(one is not None and one["job"] == job_id for one in found)
        if of_job and views.has_pictures(message.components) == pictures:
            return message.id
    return None


async def own_messages(
    client: discord.Client, channel: discord.abc.Messageable, since: float
) -> AsyncGenerator[discord.Message]:
    """The bot's messages since then (unix seconds), the oldest first, as far as it looks."""
    after = discord.Object(discord.utils.time_snowflake(datetime.fromtimestamp(since, UTC)))
    async for message in channel.history(after=after, limit=LOOKED_THROUGH, oldest_first=True):
        if client.user is not None and message.author.id == client.user.id:
            yield message


def channel_of(client: discord.Client, job: Job) -> discord.PartialMessageable:
    """The channel of the order."""
    return client.get_partial_messageable(job.order.channel_id, guild_id=job.order.guild_id)
