"""The basket: "Add to blend" on every message, /blend, and the controls of the basket's own message."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

import discord
from discord import app_commands
from discord.ext import commands

from bot import texts, views
from bot.domain.drafts import Draft
from bot.domain.errors import BasketEmptyError
from bot.domain.order import Choices, Order
from bot.service.baskets import Baskets
from bot.service.desk import Desk
from bot.service.drafts import Drafts
from bot.service.studio import Studio
from cogs.answering import answer_error, answer_view, answered
from cogs.asking import asker_of, where_of
from cogs.editing import depth_of, images_of
from cogs.imagine import Imagine, Prompt, complete
from cogs.orders import place, scope_of

C = TypeVar("C", bound=Callable[..., Any])


def with_options_of(command: app_commands.Command[Any, ..., Any]) -> Callable[[C], C]:
    """Give a command that takes `**options` the options of another one, so that there is one list of them."""
    options = list(inspect.signature(command.callback).parameters.values())

    def changed(function: C) -> C:
        own = inspect.signature(function).parameters
        named = [one for one in own.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
        shared = [one for one in options if one.name not in own]
        function.__signature__ = inspect.Signature([*named, *shared])  # pyright: ignore[reportFunctionMemberAccess] - what inspect reads
        return function

    return changed


class Blending(commands.Cog):
    """Collects pictures and combines them."""

    def __init__(self, client: commands.Bot, desk: Desk, studio: Studio, drafts: Drafts, baskets: Baskets) -> None:
        self._client = client
        self._desk = desk
        self._studio = studio
        self._drafts = drafts
        self._baskets = baskets
        complete(self.blend, desk)
        self._menu = app_commands.ContextMenu(name=texts.ADD_TO_BLEND, callback=self.add_message)

    async def cog_load(self) -> None:
        """A context menu belongs to the tree, not to a cog."""
        self._client.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """The same the other way."""
        self._client.tree.remove_command(self._menu.name, type=self._menu.type)

    @answered
    async def add_message(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Every image of a message goes into the basket."""
        images = images_of(message, self._client)
        new = await self._baskets.add(scope_of(interaction), interaction.user.id, images)
        await answer_view(interaction, await self._shown(interaction, said=texts.added(new, len(images))))

    @app_commands.command(description=texts.COMMANDS["blend"])
    @app_commands.describe(**{name: text for name, text in texts.OPTIONS.items() if name != "image"})
    @with_options_of(Imagine.imagine)
    async def blend(self, interaction: discord.Interaction, prompt: Prompt | None = None, **options: Any) -> None:  # noqa: ANN401 - the options of /imagine
        """The basket is emptied once the order was accepted."""
        scope, member_id = scope_of(interaction), interaction.user.id
        pictures = await self._baskets.pictures(scope, member_id)
        if not pictures:
            raise BasketEmptyError
        if prompt is None:
            await answer_view(interaction, await self._shown(interaction))
            return
        references = tuple(one.reference for one in pictures)
        order = Order(
            scope=scope,
            guild_id=interaction.guild_id,
            channel_id=interaction.channel_id or 0,
            member_id=member_id,
            prompt=prompt,
            model=options.get("model") or "",
            choices=Choices(**{one.name: options.get(one.name) for one in fields(Choices)}),
            references=references,
            parent=next((one.made for one in references if one.made is not None), None),
            depth=await depth_of(references, self._studio),
            private=bool(options.get("private")),
        )
        await place(interaction, self._desk, self._studio, order)
        await self._baskets.take_out(scope, member_id, [one.id for one in pictures])

    @commands.Cog.listener()
    @answered
    async def on_panel_basket(
        self, interaction: discord.Interaction, action: str, argument: str, values: list[str]
    ) -> None:
        """A control of the basket's message, which its member alone sees: it always means the clicker's own basket."""
        scope, member_id = scope_of(interaction), interaction.user.id
        chosen = [int(value) for value in values if value.isdecimal()]
        match action:
            case "blend":
                await self._form(interaction)
                return
            case "remove":
                await self._baskets.take_out(scope, member_id, chosen)
            case "up":
                await self._baskets.move_up(scope, member_id, *chosen[:1])
            case "clear":
                await self._baskets.clear(scope, member_id)
            case _:
                pass
        page = int(argument) if argument.isdecimal() else 0
        view = await self._shown(interaction, page=page)
        await interaction.response.edit_message(view=view, allowed_mentions=views.NOBODY)

    async def _form(self, interaction: discord.Interaction) -> None:
        """The same form as for an edit, with the basket's pictures chosen."""
        pictures = await self._baskets.pictures(scope_of(interaction), interaction.user.id)
        if not pictures:
            raise BasketEmptyError
        images = tuple(one.reference for one in pictures)
        draft = await self._drafts.begin(
            Draft(
                id="",
                scope=scope_of(interaction),
                member_id=interaction.user.id,
                images=images,
                depth=await depth_of(images, self._studio),
                picked=tuple(range(1, len(pictures) + 1)),
                model=(await self._desk.models(scope_of(interaction), asker_of(interaction), where_of(interaction)))[0],
                basket=tuple(one.id for one in pictures),
            )
        )
        await interaction.response.send_modal(views.edit_form(draft, self._desk.catalogue))

    async def _shown(
        self, interaction: discord.Interaction, *, page: int = 0, said: str | None = None
    ) -> discord.ui.LayoutView:
        pictures = await self._baskets.pictures(scope_of(interaction), interaction.user.id)
        if not pictures:
            return views.note(texts.explain(BasketEmptyError()))
        return views.basket(pictures, self._baskets.most, guild_id=interaction.guild_id, page=page, said=said)

    async def cog_app_command_error(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError
    ) -> None:
        """Whatever happens, the member gets a sentence."""
        await answer_error(interaction, error)
