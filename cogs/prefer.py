"""/prefer: what a member usually wants, set, shown and reset."""

from dataclasses import replace
from typing import Any, Final, Literal

import discord
from discord import app_commands
from discord.app_commands import Choice
from discord.ext import commands

from bot import texts
from bot.domain.preferences import Preferences
from bot.domain.suggestions import suggest
from bot.service.desk import Desk
from cogs.answering import answer, answer_error
from cogs.imagine import Count

COMPLETED: Final = ("model", "aspect_ratio", "resolution", "format")
Preferred = Literal["model", "aspect_ratio", "resolution", "format", "images", "others_may_edit"]


class Prefer(commands.Cog):
    """Private answers, the same in every server."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        for option in COMPLETED:
            self.set.autocomplete(option)(self._suggest)

    prefer = app_commands.Group(name="prefer", description=texts.COMMANDS["prefer"])

    @prefer.command(description=texts.COMMANDS["prefer set"])
    @app_commands.describe(**{name: texts.OPTIONS[name] for name in (*COMPLETED, "images")})
    @app_commands.describe(others_may_edit=texts.OTHERS_MAY_EDIT)
    async def set(
        self,
        interaction: discord.Interaction,
        model: str | None = None,
        aspect_ratio: str | None = None,
        resolution: str | None = None,
        format: str | None = None,  # noqa: A002 - the option's name, fal's word
        images: Count | None = None,
        others_may_edit: bool | None = None,  # noqa: FBT001 - an option
    ) -> None:
        """What is given is set, the rest stays."""
        given = {
            "model": model,
            "aspect_ratio": aspect_ratio,
            "resolution": resolution,
            "format": format,
            "images": images,
            "others_may_edit": others_may_edit,
        }
        now = await self._desk.preferences(interaction.user.id)
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        await self._store(interaction, replace(now, **changes))

    @prefer.command(description=texts.COMMANDS["prefer show"])
    async def show(self, interaction: discord.Interaction) -> None:
        """Say what is set."""
        await self._answer(interaction, await self._desk.preferences(interaction.user.id))

    @prefer.command(description=texts.COMMANDS["prefer reset"])
    @app_commands.describe(option=texts.RESET_ONE)
    async def reset(self, interaction: discord.Interaction, option: Preferred | None = None) -> None:
        """One of them, or all."""
        nothing = Preferences()
        if option is not None:
            changes: dict[str, Any] = {option: getattr(nothing, option)}
            nothing = replace(await self._desk.preferences(interaction.user.id), **changes)
        await self._store(interaction, nothing)

    async def cog_app_command_error(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError
    ) -> None:
        """Whatever happens, the member gets a sentence."""
        await answer_error(interaction, error)

    async def _store(self, interaction: discord.Interaction, preferences: Preferences) -> None:
        await self._desk.prefer(interaction.user.id, preferences)
        await self._answer(interaction, preferences)

    async def _answer(self, interaction: discord.Interaction, preferences: Preferences) -> None:
        await answer(interaction, texts.preferences(preferences, self._desk.catalogue))

    async def _suggest(self, interaction: discord.Interaction, current: str) -> list[Choice[str]]:
        """Follows what was already typed into the command."""
        data: Any = interaction.data or {}
        given: list[dict[str, Any]] = [one for sub in data.get("options", []) for one in sub.get("options", [])]
        option = next((one["name"] for one in given if one.get("focused")), "")
        chosen = {one["name"]: one.get("value") for one in given}
        found = suggest(self._desk.catalogue, tuple(self._desk.catalogue.models), option, current, chosen, edit=False)
        return [Choice(name=label, value=value) for value, label in found]
