"""Whether somebody may moderate where an order was made; asked anew at every click, as ids can be crafted."""

import discord

from bot.domain.errors import JobGoneError, NotModeratorError, NotModeratorThereError
from bot.domain.job import Job
from cogs.orders import scope_of


def check_moderator(interaction: discord.Interaction, job: Job) -> None:
    """Manage Messages where it was ordered; in the whole server once that channel is gone.

    An interaction's own permissions are those of the channel it comes from. Raises JobGoneError for an order of another
    server, NotModeratorError, NotModeratorThereError.
    """
    guild, member = interaction.guild, interaction.user
    if guild is None or not isinstance(member, discord.Member):
        raise NotModeratorError
    if job.order.scope != scope_of(interaction):
        raise JobGoneError
    channel = guild.get_channel_or_thread(job.order.channel_id)
    if isinstance(channel, discord.Thread) and channel.parent is None:
        channel = None
    if channel is None and not member.guild_permissions.manage_messages:
        raise NotModeratorError
    if channel is not None and not channel.permissions_for(member).manage_messages:
        raise NotModeratorThereError(channel_id=channel.id)
