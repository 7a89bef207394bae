"""Who asks and where, read from an interaction or from a message."""

import asyncio
from typing import Any

import discord

from bot import views
from bot.domain.asking import Asker, Where
from bot.domain.order import Order
from cogs.answering import TROUBLES

LOOKED_UP_WITHIN = 1.0
"""Seconds for a look at Discord; it wants its first answer within three."""


def asker_of(interaction: discord.Interaction) -> Asker:
    """The member of a command, a click or a form, as Discord describes them in it."""
    return Asker(
        member_id=interaction.user.id,
        roles=roles_of(interaction.user),
        moderator=interaction.permissions.manage_messages,
    )


def asker_in(message: discord.Message) -> Asker:
    """The author of a message in a server or in direct messages."""
    moderator = (
        isinstance(message.author, discord.Member)
        and message.channel.permissions_for(
            message.author  # pyright: ignore[reportArgumentType] - a member, as asked before
        ).manage_messages
    )
    return Asker(member_id=message.author.id, roles=roles_of(message.author), moderator=moderator)


def where_of(interaction: discord.Interaction) -> Where:
    """The channel of an interaction."""
    return _where(interaction.guild_id, interaction.channel_id or 0, interaction.channel)


def where_in(message: discord.Message) -> Where:
    """The channel of a message."""
    return _where(message.guild.id if message.guild else None, message.channel.id, message.channel)


async def channel_at(guild: discord.Guild, channel_id: int) -> discord.abc.GuildChannel | discord.Thread | None:
    """A channel or thread of that server, looked up where it is an archived thread, which no cache holds.

    None when it is gone, or another server's. Raises TROUBLES, TimeoutError after a second among them.
    """
    if (known := guild.get_channel_or_thread(channel_id)) is not None:
        return known
    try:
        async with asyncio.timeout(LOOKED_UP_WITHIN):
            return await guild.fetch_channel(channel_id)
    except (discord.NotFound, discord.InvalidData):
        return None


async def look_up_channel(message: discord.Message) -> None:
    """Of a message in a thread that no cache holds: its channel is an id alone. Raises TROUBLES."""
    if message.guild is not None and isinstance(message.channel, discord.PartialMessageable):
        found: Any = await channel_at(message.guild, message.channel.id)
        message.channel = found or message.channel


async def is_tamer(interaction: discord.Interaction, order: Order) -> bool:
    """Whether an interaction comes from a channel for all ages, and that order was taken in one of its server for adults.

    A channel of which Discord says nothing now is for adults; one that is gone is what it was then.
    """
    if interaction.guild is None or where_of(interaction).age_restricted:
        return False
    if order.age_restricted:
        return True
    try:
        return views.is_restricted(await channel_at(interaction.guild, order.channel_id))
    except TROUBLES:
        return True


def is_outside(interaction: discord.Interaction) -> bool:
    """Whether a person alone brought the bot here, as an app of theirs: then it can neither look nor post.

    `Interaction.is_user_integration` says no as soon as somebody else clicks.
    """
    if interaction.guild_id is None:
        return not interaction.context.dm_channel
    return not interaction.is_guild_integration() and interaction.client.get_guild(interaction.guild_id) is None


def roles_of(user: discord.User | discord.Member) -> frozenset[int]:
    """Without @everyone, whose id is the server's; none of somebody who is not in it."""
    if not isinstance(user, discord.Member):
        return frozenset()
    return frozenset(role.id for role in user.roles if not role.is_default())


def _where(guild_id: int | None, channel_id: int, channel: Any) -> Where:  # noqa: ANN401 - every kind of channel
    is_thread = isinstance(channel, discord.Thread)
    return Where(
        guild_id=guild_id,
        channel_id=channel_id,
        parent_id=channel.parent_id if is_thread else None,
        age_restricted=views.is_restricted(channel),
    )
