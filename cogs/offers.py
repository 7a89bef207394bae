"""The button under an offer: its member goes ahead, and the order is placed like any other."""

import discord
from discord.ext import commands

from bot.service.desk import Desk
from bot.service.offers import Offers
from bot.service.studio import Studio
from cogs.answering import answered
from cogs.orders import place, take_away


class OfferButtons(commands.Cog):
    """Takes offers up."""

    def __init__(self, desk: Desk, studio: Studio, offers: Offers) -> None:
        self._desk = desk
        self._studio = studio
        self._offers = offers

    @commands.Cog.listener()
    @answered
    async def on_panel_offer(
        self, interaction: discord.Interaction, _action: str, offer_id: str, _values: list[str]
    ) -> None:
        """One click counts: an offer is gone once it was taken."""
        order = self._offers.take(offer_id, interaction.user.id)
        await place(interaction, self._desk, self._studio, order, confirmed=True)
        await take_away(interaction)
