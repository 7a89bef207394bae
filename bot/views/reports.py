"""Reports: a text, a chart and a file to take along."""

import discord
from discord import ui

from bot.views.words import note


def report(text: str, *, chart: discord.File | None, table: discord.File | None) -> ui.LayoutView:
    """What /usage and /mydata show; the files are attached to the same message."""
    view = note(text)
    if chart is not None:
        gallery = ui.MediaGallery[ui.LayoutView]()
        gallery.add_item(media=f"attachment://{chart.filename}", description=chart.description)
        view.add_item(gallery)
    if table is not None:
        view.add_item(ui.File[ui.LayoutView](f"attachment://{table.filename}"))
    return view
