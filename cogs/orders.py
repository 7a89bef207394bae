"""From a checked order to its first answer: the one way in for every command, button and message."""

import logging
from dataclasses import replace
from typing import Any

import discord

from bot import texts, views
from bot.domain.asking import person_scope
from bot.domain.errors import AgeRestrictedError, MissingPermissionsError, OutsideError, StaysPrivateError
from bot.domain.job import Job, Reply
from bot.domain.order import Order
from bot.domain.places import is_posted
from bot.service.desk import Desk
from bot.service.studio import Studio
from cogs.answering import TROUBLES, is_passing
from cogs.asking import asker_in, asker_of, is_outside, is_tamer, where_in, where_of

_log = logging.getLogger(__name__)

NEEDED = {"view_channel": "View Channel", "send_messages": "Send Messages", "attach_files": "Attach Files"}
NEEDED_IN_THREAD = {
    "view_channel": "View Channel",
    "send_messages_in_threads": "Send Messages in Threads",
    "attach_files": "Attach Files",
}


async def place(
    interaction: discord.Interaction, desk: Desk, studio: Studio, order: Order, *, confirmed: bool = False
) -> None:
    """Hold, then answer, then hand over: the first answer is already the right one. Raises RefusedError.

    `confirmed`: its member has seen the price.
    """
    studio.check_open()
    order = _at(interaction, order)
    if order.guild_id is not None and is_posted(order):
        check_permissions(interaction)
    reply = reply_to(interaction)
    job = await desk.take(order, asker_of(interaction), where_of(interaction), reply, confirmed=confirmed)
    try:
        view = views.progress(job, desk.catalogue, studio.first_phase(job))
        message_id = await _answered(interaction, view, ephemeral=order.private)
    except BaseException:
        await studio.withdraw(job)
        raise
    studio.accept(job, message_id)


async def place_by_message(message: discord.Message, desk: Desk, studio: Studio, order: Order) -> None:
    """The same for an order by a message: its answer, and later its progress, is one message of the channel."""
    studio.check_open()
    check_permissions_in(message)
    job = await desk.take(order, asker_in(message), where_in(message))
    try:
        view = views.progress(job, desk.catalogue, studio.first_phase(job))
        notice = await reply_to_message(message, view, nonce=f"pr-{job.id}")
    except BaseException:
        await studio.withdraw(job)
        raise
    studio.accept(job, notice.id)


async def reply_to_message(
    message: discord.Message, view: discord.ui.LayoutView, *, nonce: str | None = None
) -> discord.Message:
    """Answer under a message, pinging nobody. With a nonce a failed call is repeated: it makes no second message."""
    # discord.py takes None for both, but its overloads do not say so
    reference: Any = message.to_reference(fail_if_not_exists=False) if _sees_history(message) else None
    told: Any = nonce
    for is_last in (False, True):
        try:
            return await message.channel.send(
                view=view,
                reference=reference,
                nonce=told,
                allowed_mentions=views.NOBODY,
            )
        except TROUBLES as trouble:
            if is_last or nonce is None or not is_passing(trouble):
                raise
    raise AssertionError("a loop that returns or raises")


async def answer_elsewhere(message: discord.Message) -> None:
    """Where the bot may read and not write: say so to its author directly, else show by a reaction that it was read."""
    view = views.note(texts.cannot_answer_in(message.channel.id, missing_in(message)))
    for way in (
        lambda: message.author.send(view=view, allowed_mentions=views.NOBODY),
        lambda: message.add_reaction(texts.MAY_NOT_SPEAK),
    ):
        try:
            await way()
        except TROUBLES as trouble:
            _log.info("message %s: not answered elsewhere either (%s)", message.id, type(trouble).__name__)
        else:
            return


async def take_away(interaction: discord.Interaction) -> None:
    """Delete the public message whose control was used; it would go away by itself, too."""
    message = interaction.message
    if message is None or message.flags.ephemeral:
        return
    try:
        await message.delete()
    except TROUBLES as trouble:
        _log.info("message %s was not taken away (%s)", message.id, type(trouble).__name__)


def _at(interaction: discord.Interaction, order: Order) -> Order:
    """The order as it is placed here and now, whoever ordered it before."""
    return replace(
        order,
        scope=scope_of(interaction),
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id or 0,
        member_id=interaction.user.id,
        outside=is_outside(interaction),
    )


async def _answered(interaction: discord.Interaction, view: discord.ui.LayoutView, *, ephemeral: bool) -> int | None:
    """Give the first answer; the message's id, or None when it may stand but cannot be seen.

    A failed call is no proof that the member saw nothing. Raises what Discord raises when nothing stands.
    """
    try:
        answer = await interaction.response.send_message(view=view, ephemeral=ephemeral, allowed_mentions=views.NOBODY)
    except TROUBLES as trouble:
        try:
            return (await interaction.original_response()).id
        except discord.NotFound:
            raise trouble from None
        except TROUBLES:
            return None
    return answer.message_id


async def check_postable(interaction: discord.Interaction, job: Job) -> None:
    """An earlier result may be posted here.

    Raises StaysPrivateError, OutsideError, AgeRestrictedError, MissingPermissionsError.
    """
    if job.order.private:
        raise StaysPrivateError
    if is_outside(interaction):
        raise OutsideError
    await check_age(interaction, job)
    if interaction.guild_id is not None:
        check_permissions(interaction)


async def check_age(interaction: discord.Interaction, job: Job) -> None:
    """What is for adults is not shown where everybody looks. Raises AgeRestrictedError."""
    if await is_tamer(interaction, job.order):
        raise AgeRestrictedError


def check_permissions(interaction: discord.Interaction) -> None:
    """The bot must be able to post images here. Raises MissingPermissionsError."""
    needed = NEEDED_IN_THREAD if isinstance(interaction.channel, discord.Thread) else NEEDED
    missing = tuple(label for name, label in needed.items() if not getattr(interaction.app_permissions, name))
    if missing:
        raise MissingPermissionsError(names=missing)


def check_permissions_in(message: discord.Message) -> None:
    """The same for a message. Raises MissingPermissionsError."""
    if missing := missing_in(message):
        raise MissingPermissionsError(names=missing)


def missing_in(message: discord.Message) -> tuple[str, ...]:
    """What the bot would have to be granted, to post images in the channel of a message; nothing where that is not known."""
    granted = _granted(message)
    needed = NEEDED_IN_THREAD if isinstance(message.channel, discord.Thread) else NEEDED
    return tuple(label for name, label in needed.items() if granted is not None and not getattr(granted, name))


def _granted(message: discord.Message) -> discord.Permissions | None:
    """What the bot may do in the channel of a message; None where that is not known."""
    channel = message.channel
    if message.guild is None or not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return None
    return channel.permissions_for(message.guild.me)


def _sees_history(message: discord.Message) -> bool:
    """Discord refuses replies of those who may not read what was said."""
    granted = _granted(message)
    return granted is None or granted.read_message_history


def scope_in(message: discord.Message) -> str:
    """Whose books, of an order by a message."""
    return person_scope(message.author.id) if message.guild is None else f"guild:{message.guild.id}"


def scope_of(interaction: discord.Interaction) -> str:
    """Whose books: the server's where the bot is a member, else the person's."""
    if interaction.guild_id is None or is_outside(interaction):
        return person_scope(interaction.user.id)
    return f"guild:{interaction.guild_id}"


def reply_to(interaction: discord.Interaction) -> Reply:
    """How to answer this interaction later."""
    return Reply(
        application_id=interaction.application_id,
        token=interaction.token,
        created_at=interaction.created_at.timestamp(),
    )
