"""A member's basket: its pictures in order, with what can be done about each."""

from collections.abc import Sequence

import discord
from discord import ui

from bot import texts
from bot.domain.baskets import Collected
from bot.views.items import panel_button, panel_select, row
from bot.views.words import note, quiet

PAGE = 7
"""Pictures on one page: a section with its thumbnail counts as three of Discord's 40 components."""


def basket(
    pictures: Sequence[Collected], most: int, *, guild_id: int | None, page: int = 0, said: str | None = None
) -> ui.LayoutView:
    """For its member alone."""
    title = texts.basket_title(len(pictures), most)
    view = note(title if said is None else f"{said}\n{title}")
    page = max(0, min(page, (len(pictures) - 1) // PAGE))
    shown = list(enumerate(pictures, start=1))[page * PAGE : (page + 1) * PAGE]
    for position, one in shown:
        view.add_item(_section(position, one, guild_id))
    options = [
        discord.SelectOption(label=f"{position}. {one.reference.filename}"[:100], value=str(one.id))
        for position, one in shown
    ]
    view.add_item(row(panel_select("basket", "remove", str(page), options=options, placeholder=texts.TAKE_OUT)))
    if movable := [one for one, (position, _) in zip(options, shown, strict=True) if position > 1]:
        view.add_item(row(panel_select("basket", "up", str(page), options=movable, placeholder=texts.MOVE_UP)))
    buttons = [panel_button("basket", "blend", label=texts.BLEND, style=discord.ButtonStyle.primary)]
    if page > 0:
        buttons.append(panel_button("basket", "page", str(page - 1), label=texts.EARLIER))
    if (page + 1) * PAGE < len(pictures):
        buttons.append(panel_button("basket", "page", str(page + 1), label=texts.LATER))
    view.add_item(row(*buttons, panel_button("basket", "clear", label=texts.CLEAR)))
    view.add_item(ui.TextDisplay(texts.BASKET_HINT))
    return view


def _section(position: int, one: Collected, guild_id: int | None) -> ui.Section[ui.LayoutView]:
    reference = one.reference
    link = None
    if reference.origin is not None:
        link = texts.address_of(guild_id, reference.origin.channel_id, reference.origin.message_id)
    line = texts.basket_line(position, quiet(reference.filename, 60), link)
    thumbnail = ui.Thumbnail[ui.LayoutView](reference.url, description=f"{position}. {reference.filename}"[:1024])
    return ui.Section(ui.TextDisplay(line), accessory=thumbnail)
