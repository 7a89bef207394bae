"""Buttons and selects that work on every message and after every restart.

They are DynamicItems only. discord.py 2.7.1 forgets a DynamicItem's class for every message when a view that mixes it
with ordinary items ends, so they are never mixed. discord.py only logs what goes wrong in a callback, so nothing is
done there: a click becomes an event of the client, and a cog's listener answers it.
"""

import re
from collections.abc import Sequence
from typing import Any, Self

import discord
from discord import ui

JOB_BUTTON = re.compile(
    r"v1:(?P<action>cancel|original|again|fetch|edit|upscale|recipe|undo|compare|delete)"
    r":(?P<job>[0-9a-f]{16}):(?P<position>\d)"
)
"""A button that belongs to a job, by its custom_id."""
PANEL = re.compile(r"p1:(?P<subject>[a-z]+):(?P<action>[a-z_]+):(?P<argument>[\w.,-]{0,70})", re.ASCII)
"""A control of a panel, by its custom_id."""


class JobButton(ui.DynamicItem[ui.Button[Any]], template=JOB_BUTTON):
    """A button that belongs to a job, on every message and after every restart. A click becomes a `job_button` event."""

    def __init__(self, action: str, job_id: str, position: int = 0, *, label: str = "", danger: bool = False) -> None:
        """`position` is the image's, from 1; 0 where it does not matter."""
        style = discord.ButtonStyle.danger if danger else discord.ButtonStyle.secondary
        super().__init__(ui.Button(label=label or action, style=style, custom_id=f"v1:{action}:{job_id}:{position}"))
        self.action = action
        self.job_id = job_id
        self.position = position

    @classmethod
    async def from_custom_id(cls, _interaction: discord.Interaction, _item: ui.Item[Any], match: re.Match[str]) -> Self:
        """Read the button back from any message."""
        return cls(match["action"], match["job"], int(match["position"]))

    async def callback(self, interaction: discord.Interaction) -> None:
        """Hand over: discord.py only logs what goes wrong in here, so nothing is done here."""
        interaction.client.dispatch("job_button", interaction, self.action, self.job_id, self.position)


class PanelItem(ui.DynamicItem[ui.Item[Any]], template=PANEL):
    """A button or a select of a panel.

    Using it becomes a `panel_<subject>` event with the interaction, the action, the argument and what was selected
    (values or ids as text; empty for a button). The argument is at most 70 of `A-Za-z0-9_.,-`. Whoever listens checks it, and who clicked, every time.
    """

    def __init__(self, item: ui.Item[Any], action: str = "", argument: str = "") -> None:
        super().__init__(item)
        self.action = action
        self.argument = argument

    @classmethod
    async def from_custom_id(cls, _interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        """Read the control back from any message."""
        return cls(item, match["action"], match["argument"])

    async def callback(self, interaction: discord.Interaction) -> None:
        """Hand over."""
        data: Any = interaction.data or {}
        subject = data["custom_id"].split(":")[1]
        values: list[str] = data.get("values", [])
        interaction.client.dispatch(f"panel_{subject}", interaction, self.action, self.argument, values)


def panel_id(subject: str, action: str, argument: str = "") -> str:
    """The custom_id of a control. Raises ValueError for what could not be read back."""
    made = f"p1:{subject}:{action}:{argument}"
    if PANEL.fullmatch(made) is None:
        raise ValueError("an unreadable custom_id")
    return made


def panel_button(
    subject: str,
    action: str,
    argument: str = "",
    *,
    label: str,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    disabled: bool = False,
) -> PanelItem:
    """A button of a panel."""
    custom_id = panel_id(subject, action, argument)
    return PanelItem(ui.Button(label=label[:80], style=style, disabled=disabled, custom_id=custom_id))


def panel_select(
    subject: str,
    action: str,
    argument: str = "",
    *,
    options: Sequence[discord.SelectOption],
    placeholder: str | None = None,
    at_least: int = 1,
    at_most: int = 1,
) -> PanelItem:
    """A select of at most 25 options."""
    select = ui.Select[Any](
        custom_id=panel_id(subject, action, argument),
        options=list(options)[:25],
        placeholder=placeholder,
        min_values=at_least,
        max_values=at_most,
    )
    return PanelItem(select)


def row(*items: JobButton | PanelItem) -> ui.ActionRow[ui.LayoutView]:
    """A row of one select or up to five buttons."""
    made = ui.ActionRow[ui.LayoutView]()
    for item in items:
        made.add_item(item)
    return made
