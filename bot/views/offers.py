"""Questions with a price that only one member may answer: go ahead, or which image."""

from typing import Final

import discord
from discord import ui

from bot import texts
from bot.views.items import panel_button, panel_select, row
from bot.views.words import note

ALL: Final = "all"
"""The value that stands for every image of a set."""


def offer(text: str, offer_id: str, label: str) -> ui.LayoutView:
    """One button."""
    view = note(text)
    view.add_item(row(panel_button("offer", "go", offer_id, label=label, style=discord.ButtonStyle.primary)))
    return view


def choice(text: str, offer_id: str, images: int) -> ui.LayoutView:
    """One image of a set, or all of them."""
    options = [discord.SelectOption(label=texts.image_label(n), value=str(n)) for n in range(1, images + 1)]
    options.append(discord.SelectOption(label=texts.ALL_IMAGES, value=ALL))
    view = note(text)
    argument = f"{offer_id}.{images}"
    view.add_item(row(panel_select("pick", "image", argument, options=options, placeholder=texts.WHICH_IMAGE)))
    return view
