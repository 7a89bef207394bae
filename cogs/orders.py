"""From a checked order to its first answer: the one way in for every command and button."""

import discord

from bot import views
from bot.domain.errors import MissingPermissionsError
from bot.domain.job import Reply
from bot.domain.order import Order
from bot.service.desk import Desk
from bot.service.studio import Studio
from cogs.answering import TROUBLES
from cogs.asking import asker_of, where_of

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
    check_permissions(interaction)
    reply = reply_to(interaction)
    job = await desk.take(order, asker_of(interaction), where_of(interaction), reply, confirmed=confirmed)
    try:
        message_id = await _answered(interaction, views.progress(job, desk.catalogue, studio.first_phase(job)))
    except BaseException:
        await studio.withdraw(job)
        raise
    studio.accept(job, message_id)


async def _answered(interaction: discord.Interaction, view: discord.ui.LayoutView) -> int | None:
    """Give the first answer; the message's id, or None when it may stand but cannot be seen.

    A failed call is no proof that the member saw nothing. Raises what Discord raises when nothing stands.
    """
    try:
        return (await interaction.response.send_message(view=view, allowed_mentions=views.NOBODY)).message_id
    except TROUBLES as trouble:
        try:
            return (await interaction.original_response()).id
        except discord.NotFound:
            raise trouble from None
        except TROUBLES:
            return None


def check_permissions(interaction: discord.Interaction) -> None:
    """The bot must be able to post images here. Raises MissingPermissionsError."""
    needed = NEEDED_IN_THREAD if isinstance(interaction.channel, discord.Thread) else NEEDED
    missing = tuple(label for name, label in needed.items() if not getattr(interaction.app_permissions, name))
    if missing:
        raise MissingPermissionsError(names=missing)


def scope_of(interaction: discord.Interaction) -> str:
    """Whose books."""
    return f"guild:{interaction.guild_id}"


def reply_to(interaction: discord.Interaction) -> Reply:
    """How to answer this interaction later."""
    return Reply(
        application_id=interaction.application_id,
        token=interaction.token,
        created_at=interaction.created_at.timestamp(),
    )
