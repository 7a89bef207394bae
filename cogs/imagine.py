"""/imagine and /edit: from a member's words and pictures to an order on its way."""

from typing import Any, Final

import discord
from discord import app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from bot import texts
from bot.domain.catalogue import check_edit
from bot.domain.errors import BooksBusyError
from bot.domain.order import PROMPT_LIMIT, Choices, Order
from bot.domain.suggestions import suggest
from bot.service.desk import Desk
from bot.service.studio import Studio
from cogs.answering import answer_error
from cogs.asking import asker_of, where_of
from cogs.finding import attached
from cogs.orders import place, scope_of

COMPLETED: Final = ("model", "aspect_ratio", "resolution", "format", "thinking")

Prompt = Range[str, 1, PROMPT_LIMIT]
Seed = Range[int, 0, 2**31 - 1]
Count = Range[int, 1, 4]
Tolerance = Range[int, 1, 6]
Picture = discord.Attachment | None


class Imagine(commands.Cog):
    """Takes orders."""

    def __init__(self, desk: Desk, studio: Studio) -> None:
        self._desk = desk
        self._studio = studio
        for command in (self.imagine, self.edit):
            complete(command, desk)

    @app_commands.command(description=texts.COMMANDS["imagine"])
    @app_commands.describe(**{name: text for name, text in texts.OPTIONS.items() if name != "image"})
    async def imagine(
        self,
        interaction: discord.Interaction,
        prompt: Prompt,
        model: str | None = None,
        aspect_ratio: str | None = None,
        resolution: str | None = None,
        images: Count | None = None,
        format: str | None = None,  # noqa: A002 - the option's name, fal's word
        seed: Seed | None = None,
        safety: Tolerance | None = None,
        web_search: bool | None = None,  # noqa: FBT001 - an option
        thinking: str | None = None,
        private: bool = False,  # noqa: FBT001, FBT002 - an option
    ) -> None:
        """Make images from words."""
        choices = Choices(
            aspect_ratio=aspect_ratio,
            resolution=resolution,
            images=images,
            format=format,
            seed=seed,
            safety=safety,
            web_search=web_search,
            thinking=thinking,
        )
        order = _order(interaction, prompt, model, choices, (), private=private)
        await place(interaction, self._desk, self._studio, order)

    @app_commands.command(description=texts.COMMANDS["edit"])
    @app_commands.describe(**texts.OPTIONS, **{f"image{number}": texts.MORE_IMAGE for number in range(2, 15)})
    async def edit(
        self,
        interaction: discord.Interaction,
        prompt: Prompt,
        image: discord.Attachment,
        image2: Picture = None,
        image3: Picture = None,
        image4: Picture = None,
        image5: Picture = None,
        image6: Picture = None,
        image7: Picture = None,
        image8: Picture = None,
        image9: Picture = None,
        image10: Picture = None,
        image11: Picture = None,
        image12: Picture = None,
        image13: Picture = None,
        image14: Picture = None,
        model: str | None = None,
        aspect_ratio: str | None = None,
        resolution: str | None = None,
        images: Count | None = None,
        format: str | None = None,  # noqa: A002 - the option's name, fal's word
        seed: Seed | None = None,
        safety: Tolerance | None = None,
        web_search: bool | None = None,  # noqa: FBT001 - an option
        thinking: str | None = None,
        private: bool = False,  # noqa: FBT001, FBT002 - an option
    ) -> None:
        """Change or combine pictures with words."""
        choices = Choices(
            aspect_ratio=aspect_ratio,
            resolution=resolution,
            images=images,
            format=format,
            seed=seed,
            safety=safety,
            web_search=web_search,
            thinking=thinking,
        )
        pictures = (image, image2, image3, image4, image5, image6, image7, image8, image9, image10, image11, image12,
                    image13, image14)  # fmt: skip
        order = _order(interaction, prompt, model, choices, pictures, private=private)
        check_edit(order)
        await place(interaction, self._desk, self._studio, order)

    async def cog_app_command_error(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError
    ) -> None:
        """Whatever happens, the member gets a sentence."""
        await answer_error(interaction, error)


def complete(command: app_commands.Command[Any, ..., Any], desk: Desk) -> None:
    """Let a command's options suggest their values."""

    async def suggested(interaction: discord.Interaction, current: str) -> list[Choice[str]]:
        """Follows what was already chosen and what is allowed here; never fails in the member's face."""
        option = next((one["name"] for one in _given(interaction) if one.get("focused")), "")
        chosen = {one["name"]: one.get("value") for one in _given(interaction)}
        try:
            usable = await desk.models(scope_of(interaction), asker_of(interaction), where_of(interaction))
        except BooksBusyError:
            usable = tuple(desk.catalogue.models)
        found = suggest(desk.catalogue, usable, option, current, chosen, edit=command.name != "imagine")
        return [Choice(name=label, value=value) for value, label in found]

    for option in COMPLETED:
        command.autocomplete(option)(suggested)


def _given(interaction: discord.Interaction) -> list[dict[str, Any]]:
    data: Any = interaction.data or {}
    return data.get("options", [])


def _order(
    interaction: discord.Interaction,
    prompt: str,
    model: str | None,
    choices: Choices,
    pictures: tuple[discord.Attachment | None, ...],
    *,
    private: bool,
) -> Order:
    return Order(
        scope=scope_of(interaction),
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id or 0,
        member_id=interaction.user.id,
        prompt=prompt,
        model=model or "",
        choices=choices,
        private=private,
        references=tuple(attached(one) for one in pictures if one is not None),
    )
