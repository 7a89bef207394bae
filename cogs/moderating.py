"""What moderators do is for servers; whether somebody may do it there is asked anew at every click."""

from contextlib import suppress
from typing import TypeVar

import discord
from discord import app_commands

from bot.domain.errors import JobGoneError, NotModeratorError, NotModeratorThereError
from bot.domain.job import Job
from cogs.answering import TROUBLES
from cogs.asking import channel_at
from cogs.orders import scope_of

T = TypeVar("T")


def in_servers(command: T) -> T:
    """A command for members of servers that the bot is in, and nowhere else.

    `app_commands.guild_only` leaves direct messages open: discord.py 2.7.1 adds what the tree allows all commands. There
    Discord asks nobody for permissions.
    """
    in_them = app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    return app_commands.allowed_installs(guilds=True, users=False)(in_them(command))


async def check_moderator(interaction: discord.Interaction, job: Job) -> None:
    """Manage Messages where it was ordered, as ids can be crafted; in the whole server once that channel is gone, or silent.

    An interaction's own permissions are those of the channel it comes from. Raises JobGoneError for an order of another
    server, NotModeratorError, NotModeratorThereError.
    """
    guild, member = interaction.guild, interaction.user
    if guild is None or not isinstance(member, discord.Member):
        raise NotModeratorError
    if job.order.scope != scope_of(interaction):
        raise JobGoneError
    channel = None
    with suppress(*TROUBLES):
        channel = await channel_at(guild, job.order.channel_id)
    if isinstance(channel, discord.Thread) and channel.parent is None:
        channel = None
    if channel is None and not member.guild_permissions.manage_messages:
        raise NotModeratorError
    if channel is not None and not channel.permissions_for(member).manage_messages:
        raise NotModeratorThereError(channel_id=channel.id)
