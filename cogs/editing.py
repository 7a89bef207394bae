"""Edits by form: the Edit button of a result and the context menu "Edit image" of every message."""

from collections.abc import Sequence
from dataclasses import replace

import discord
from discord import app_commands
from discord.ext import commands

from bot import texts, views
from bot.domain.drafts import Draft
from bot.domain.errors import JobGoneError, NoImageThereError, RefusedError
from bot.domain.job import Job
from bot.domain.order import Choices, Order, Reference
from bot.service.baskets import Baskets
from bot.service.desk import Desk
from bot.service.drafts import Drafts
from bot.service.studio import Studio
from cogs.answering import answer_error, answer_view, answered
from cogs.asking import asker_of, where_of
from cogs.finding import found_images
from cogs.orders import place, scope_of
from cogs.results import clicked


class Editing(commands.Cog):
    """Opens forms and takes what they hold."""

    def __init__(self, client: commands.Bot, desk: Desk, studio: Studio, drafts: Drafts, baskets: Baskets) -> None:
        self._client = client
        self._desk = desk
        self._studio = studio
        self._drafts = drafts
        self._baskets = baskets
        self._menu = app_commands.ContextMenu(name=texts.EDIT_IMAGE, callback=self.edit_message)

    async def cog_load(self) -> None:
        """A context menu belongs to the tree, not to a cog."""
        self._client.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """The same the other way."""
        self._client.tree.remove_command(self._menu.name, type=self._menu.type)

    @answered
    async def edit_message(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """The form is the first answer: nothing is fetched before it."""
        draft = await self._draft(interaction, images_of(message, self._client))
        await self._open(interaction, replace(draft, depth=await depth_of(draft.images, self._studio)))

    @commands.Cog.listener()
    @answered
    async def on_job_button(self, interaction: discord.Interaction, action: str, job_id: str, position: int) -> None:
        """A click on Edit: the form knows the order that made the image."""
        if action != "edit":
            return
        job = await clicked(interaction, self._studio, job_id, action)
        if not job.pictures:
            raise JobGoneError
        await self._open(interaction, await self._draft_of(interaction, job, position))

    @commands.Cog.listener()
    @answered
    async def on_panel_draft(
        self, interaction: discord.Interaction, _action: str, draft_id: str, _values: list[str]
    ) -> None:
        """The form again, with what was typed."""
        draft = await self._drafts.draft(draft_id, scope_of(interaction), interaction.user.id)
        await interaction.response.send_modal(views.edit_form(draft, self._desk.catalogue))

    @commands.Cog.listener()
    @answered
    async def on_form_edit(self, interaction: discord.Interaction, form: views.Form) -> None:
        """A submitted form; a refusal keeps what was typed."""
        draft = await self._drafts.draft(form.argument, scope_of(interaction), interaction.user.id)
        draft = views.filled(draft, form)
        try:
            await place(interaction, self._desk, self._studio, order_of(interaction, draft))
        except RefusedError as error:
            if interaction.response.is_done():
                await answer_error(interaction, error)
                return
            await self._drafts.keep(draft)
            await answer_view(interaction, views.refused_form(texts.explain(error), draft.id))
        else:
            used = [draft.basket[position - 1] for position in draft.picked if draft.basket]
            if used:
                await self._baskets.take_out(draft.scope, draft.member_id, used)

    async def _open(self, interaction: discord.Interaction, draft: Draft) -> None:
        draft = await self._drafts.begin(draft)
        await interaction.response.send_modal(views.edit_form(draft, self._desk.catalogue))

    async def _draft(self, interaction: discord.Interaction, images: tuple[Reference, ...]) -> Draft:
        return Draft(
            id="",
            scope=scope_of(interaction),
            member_id=interaction.user.id,
            images=images,
            model=(await self._desk.models(scope_of(interaction), asker_of(interaction), where_of(interaction)))[0],
        )

    async def _draft_of(self, interaction: discord.Interaction, job: Job, position: int) -> Draft:
        every = range(1, len(job.pictures) + 1)
        images = tuple(job.reference(one) for one in ([position] if position in every else every))
        draft = await self._draft(interaction, images)
        known = job.order.model in self._desk.catalogue.models
        return replace(
            draft,
            prompt="" if job.order.caption else job.order.prompt,
            model=job.order.model if known else draft.model,
            choices=Choices(
                resolution=job.order.choices.resolution,
                format=job.order.choices.format,
                safety=job.order.choices.safety,
            ),
            private=job.order.private,
            depth=job.order.depth + 1,
        )


async def depth_of(images: Sequence[Reference], studio: Studio) -> int:
    """How deep in the tree an edit of these stands: one below the first image of ours. Raises BooksBusyError."""
    made = next((one.made for one in images if one.made is not None), None)
    if made is None:
        return 0
    try:
        return (await studio.job(made.job_id)).order.depth + 1
    except JobGoneError:
        return 1


def images_of(message: discord.Message, client: commands.Bot) -> tuple[Reference, ...]:
    """The images of a menu's message. Raises NoImageThereError."""
    images = found_images(message, client.user.id if client.user else 0)
    if not images:
        raise NoImageThereError
    return tuple(images)


def order_of(interaction: discord.Interaction, draft: Draft) -> Order:
    """What was asked for; the first image of ours is its parent."""
    return Order(
        scope=draft.scope,
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id or 0,
        member_id=draft.member_id,
        prompt=draft.prompt,
        model=draft.model,
        choices=draft.choices,
        references=draft.references,
        parent=next((one.made for one in draft.references if one.made is not None), None),
        depth=draft.depth,
        private=draft.private,
    )
