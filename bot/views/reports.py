"""Reports: a text, a chart and a file to take along."""

import discord
from discord import ui

from bot import texts
from bot.views.items import panel_button, row
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


def erasure(member_id: int) -> ui.LayoutView:
    """The question before everything about a member is forgotten."""
    view = note(texts.ERASURE_QUESTION)
    view.add_item(
        row(panel_button("mydata", "erase", str(member_id), label=texts.ERASE, style=discord.ButtonStyle.danger))
    )
    return view
