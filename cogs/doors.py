"""What comes in by no door of its own: submitted forms, and controls that this version does not know."""

from typing import Any

import discord
from discord.ext import commands

from bot import texts, views
from cogs.answering import answer, answered


class Doors(commands.Cog):
    """Hands forms to the cogs that opened them, as `form_<subject>` events, and answers what nobody listens to."""

    def __init__(self, client: commands.Bot) -> None:
        self._client = client

    @commands.Cog.listener()
    @answered
    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Every interaction passes here, after discord.py has handed out what it knows."""
        data: Any = interaction.data or {}
        if interaction.type is discord.InteractionType.modal_submit:
            form = views.read_form(data)
            if form is not None and self._is_heard(f"form_{form.subject}"):
                self._client.dispatch(f"form_{form.subject}", interaction, form)
            else:
                await answer(interaction, texts.OLD_FORM)
        elif interaction.type is discord.InteractionType.component and not self._is_known(str(data.get("custom_id"))):
            await answer(interaction, texts.OLD_CONTROL)

    def _is_known(self, custom_id: str) -> bool:
        panel = views.PANEL.fullmatch(custom_id)
        if panel is not None:
            return self._is_heard(f"panel_{panel['subject']}")
        return views.JOB_BUTTON.fullmatch(custom_id) is not None

    def _is_heard(self, event: str) -> bool:
        return bool(self._client.extra_events.get(f"on_{event}"))
