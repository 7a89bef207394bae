"""The answer to a moderator who did something about a member, who is told of it."""

import logging
from collections.abc import Awaitable

import discord

from bot import texts, views
from cogs.answering import TROUBLES, answer

_log = logging.getLogger(__name__)


async def answer_and_tell(interaction: discord.Interaction, sentence: str, telling: Awaitable[bool]) -> None:
    """Answer at once, as a member's direct messages may take long; then say there whether they were told."""
    await answer(interaction, f"{sentence}\n{texts.TELLING}")
    said = texts.TOLD if await telling else texts.NOT_TOLD
    try:
        await interaction.edit_original_response(view=views.note(f"{sentence}\n{said}"), allowed_mentions=views.NOBODY)
    except TROUBLES as trouble:
        _log.info("interaction %s: its answer was not completed (%s)", interaction.id, type(trouble).__name__)
