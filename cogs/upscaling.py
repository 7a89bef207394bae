"""The Upscale button: the same image at the next size, its price first."""

import discord
from discord.ext import commands

from bot import texts, views
from bot.domain.errors import JobGoneError, LargestAlreadyError
from bot.domain.job import Job
from bot.domain.order import Choices, Order
from bot.domain.upscaling import Size, next_sizes
from bot.service.desk import Desk
from bot.service.offers import Offers
from bot.service.studio import Studio
from cogs.answering import answer_view, answered
from cogs.asking import asker_of, where_of
from cogs.orders import scope_of
from cogs.results import clicked, position_of

OFFER_LIFE = 10 * 60.0
"""Seconds that the price may be looked at."""


class Upscaling(commands.Cog):
    """Offers larger sizes."""

    def __init__(self, desk: Desk, studio: Studio, offers: Offers) -> None:
        self._desk = desk
        self._studio = studio
        self._offers = offers

    @commands.Cog.listener()
    @answered
    async def on_job_button(self, interaction: discord.Interaction, action: str, job_id: str, position: int) -> None:
        """A click on Upscale."""
        if action == "upscale":
            job = await clicked(interaction, self._studio, job_id, action)
            await self._offer(interaction, job, position)

    @commands.Cog.listener()
    @answered
    async def on_panel_which(
        self, interaction: discord.Interaction, action: str, job_id: str, values: list[str]
    ) -> None:
        """One image of several was chosen."""
        if action == "upscale":
            job = await clicked(interaction, self._studio, job_id, action)
            await self._offer(interaction, job, position_of(job, values))

    async def _offer(self, interaction: discord.Interaction, job: Job, position: int) -> None:
        if not job.pictures or position > len(job.pictures):
            raise JobGoneError
        if position == 0:
            await answer_view(interaction, views.which("upscale", job))
            return
        sizes = next_sizes(self._desk.catalogue, job, position)
        if not sizes:
            raise LargestAlreadyError
        orders = [_order(interaction, job, position, size) for size in sizes]
        asker, where = asker_of(interaction), where_of(interaction)
        prices = [await self._desk.price(order, asker, where) for order in orders]
        own = sizes[0].model.name == job.order.model
        lines = [(size.model.title, size.resolution, price) for size, price in zip(sizes, prices, strict=True)]
        text = texts.upscale_offer(lines, own=own, model=views.title_of(job, self._desk.catalogue))
        offers = [
            (
                self._offers.make(order, OFFER_LIFE).id,
                texts.go_ahead(price) if own else texts.size_option(size.model.title, size.resolution, price),
            )
            for order, size, price in zip(orders, sizes, prices, strict=True)
        ]
        await answer_view(interaction, views.upscale_offers(text, offers))


def _order(interaction: discord.Interaction, job: Job, position: int, size: Size) -> Order:
    reference = job.reference(position)
    return Order(
        scope=scope_of(interaction),
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id or 0,
        member_id=interaction.user.id,
        prompt=texts.UPSCALE_PROMPT,
        caption=texts.upscaled(job.order.title),
        model=size.model.name,
        choices=Choices(resolution=size.resolution, format=job.order.choices.format, safety=job.order.choices.safety),
        references=(reference,),
        parent=reference.made,
        depth=job.order.depth + 1,
        private=job.order.private,
        filled=True,
    )
