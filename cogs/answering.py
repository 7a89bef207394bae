"""The one answer to anything that goes wrong in a command, a button or a listener."""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import aiohttp
import discord
from discord import app_commands

from bot import texts, views
from bot.domain.errors import BotError, NeedsGoAheadError, RefusedError, UnexpectedError

_log = logging.getLogger(__name__)

C = TypeVar("C")
P = ParamSpec("P")

TOO_LATE = frozenset({10062, 40060, 50027, 10015})
"""Discord's codes for an interaction that is over or answered already: there is nobody left to tell."""

TROUBLES = (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError)
"""What a call to Discord can end in."""


def is_passing(error: BaseException) -> bool:
    """Whether Discord or the network failed, and not our request."""
    return not isinstance(error, discord.HTTPException) or error.status == 429 or error.status >= 500  # noqa: PLR2004 - rate limits and server errors


async def answer_error(interaction: discord.Interaction, error: BaseException) -> None:
    """Say privately what went wrong; what is no BotError is a defect of ours and goes to the log."""
    if isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    if isinstance(error, discord.HTTPException) and error.code in TOO_LATE:
        _log.info("interaction %s is over (code %s)", interaction.id, error.code)
        return
    if isinstance(error, TROUBLES) and is_passing(error):
        _log.warning("interaction %s: %s", interaction.id, type(error).__name__)
        error = UnexpectedError()
    elif not isinstance(error, BotError):
        _log.error("interaction %s: a defect", interaction.id, exc_info=error)
        error = UnexpectedError()
    elif isinstance(error, RefusedError):
        _log.info("interaction %s refused: %s", interaction.id, error.code)
    if isinstance(error, NeedsGoAheadError):
        await answer_view(interaction, views.go_ahead(error))
    else:
        await answer(interaction, texts.explain(error))


def answered(
    listener: Callable[Concatenate[C, discord.Interaction, P], Awaitable[None]],
) -> Callable[Concatenate[C, discord.Interaction, P], Coroutine[Any, Any, None]]:
    """The boundary of one click or form: whatever goes wrong in its listener, the person gets a sentence."""

    @wraps(listener)
    async def bounded(cog: C, interaction: discord.Interaction, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await listener(cog, interaction, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the boundary, as said above
            await answer_error(interaction, error)

    return bounded


async def answer(interaction: discord.Interaction, sentence: str) -> None:
    """One private sentence, as the first answer or after it."""
    await answer_view(interaction, views.note(sentence))


async def answer_view(interaction: discord.Interaction, view: discord.ui.LayoutView) -> None:
    """One private message, as the first answer or after it."""
    try:
        if interaction.response.type is discord.InteractionResponseType.deferred_channel_message:
            # Discord lets a followup fill the waiting message, too, but then refuses components in it.
            await interaction.edit_original_response(view=view, allowed_mentions=views.NOBODY)
        elif interaction.response.is_done():
            await interaction.followup.send(view=view, ephemeral=True, allowed_mentions=views.NOBODY)
        else:
            await interaction.response.send_message(view=view, ephemeral=True, allowed_mentions=views.NOBODY)
    except TROUBLES as trouble:
        _log.warning("interaction %s could not be answered (%s)", interaction.id, type(trouble).__name__)
