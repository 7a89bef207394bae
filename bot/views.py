"""What the bot's messages look like: every message is rendered here, in Components V2.

Results and progress hold DynamicItems only. discord.py 2.7.1 forgets a DynamicItem's class for every message when a
view that mixes it with ordinary items ends, so they are never mixed.
"""

import re
from collections.abc import Sequence
from typing import Any, Self

import discord
from discord import ui

from bot import texts
from bot.domain.catalogue import Catalogue
from bot.domain.errors import UnknownModelError
from bot.domain.job import Job
from bot.service.ports import Phase

NOBODY = discord.AllowedMentions.none()
PROMPT_SHOWN = 600
"""Characters of a prompt in a message; the rest is in the recipe."""


class JobButton(
    ui.DynamicItem[ui.Button[Any]], template=r"v1:(?P<action>cancel|original):(?P<job>[0-9a-f]{16}):(?P<position>\d)"
):
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


def quiet(text: str, limit: int = PROMPT_SHOWN) -> str:
    """A member's words on one line, shortened, without effect as Markdown or mention."""
    line = " ".join(text.split())
    shown = line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
    return discord.utils.escape_mentions(discord.utils.escape_markdown(shown, ignore_links=False))


def title_of(job: Job, catalogue: Catalogue) -> str:
    """The model's title, or its name once it has left the catalogue."""
    try:
        return catalogue.model(job.order.model).title
    except UnknownModelError:
        return job.order.model


def note(text: str) -> ui.LayoutView:
    """A message of one text."""
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay(text[:4000]))
    return view


def progress(job: Job, catalogue: Catalogue, phase: Phase) -> ui.LayoutView:
    """The progress message, with Cancel."""
    view = note(texts.progress(job, title_of(job, catalogue), quiet(job.order.prompt, 300), phase))
    row = ui.ActionRow[ui.LayoutView]()
    row.add_item(JobButton("cancel", job.id, label=texts.CANCEL, danger=True))
    view.add_item(row)
    return view


def result(
    job: Job, catalogue: Catalogue, took: float, filenames: Sequence[str], remark: str | None, originals: Sequence[int]
) -> ui.LayoutView:
    """The final message. `originals`: the positions of images whose untouched file differs from what is shown."""
    said = texts.result(job, title_of(job, catalogue), quiet(job.order.prompt), took)
    view = note(said if remark is None else f"{said}\n{remark}")
    gallery = ui.MediaGallery[ui.LayoutView]()
    for position, name in enumerate(filenames, start=1):
        alt = texts.alt_text(job.order.prompt, position, len(filenames), edit=job.order.is_edit)
        gallery.add_item(media=f"attachment://{name}", description=alt)
    view.add_item(gallery)
    if originals:
        row = ui.ActionRow[ui.LayoutView]()
        for position in originals:
            label = texts.original_label(position, len(filenames))
            row.add_item(JobButton("original", job.id, position, label=label))
        view.add_item(row)
    return view


def cancelled(job: Job) -> ui.LayoutView:
    """In place of the progress message."""
    return note(texts.cancelled(quiet(job.order.prompt, 300)))


def single_file(text: str, filename: str, alt_text: str) -> ui.LayoutView:
    """One picture with a sentence."""
    view = note(text)
    gallery = ui.MediaGallery[ui.LayoutView]()
    gallery.add_item(media=f"attachment://{filename}", description=alt_text)
    view.add_item(gallery)
    return view
