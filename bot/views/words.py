"""Words in messages: what a person typed, shown without effect, and who may be pinged by it."""

import re

import discord
from discord import ui

from bot.domain.catalogue import Catalogue
from bot.domain.job import Job

NOBODY = discord.AllowedMentions.none()
MARKDOWN = re.compile(r"([\\`*_~|>#\[\]()<-])")
"""What Markdown is made of. discord.utils.escape_markdown leaves out what stands in a link, and all links but one."""
PROMPT_SHOWN = 600
"""Characters of a prompt in a message; the rest is in the recipe."""


def quiet(text: str, limit: int = PROMPT_SHOWN) -> str:
    """A member's words on one line, shortened, without effect as Markdown or mention."""
    line = " ".join(text.split())
    shown = line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
    return discord.utils.escape_mentions(MARKDOWN.sub(r"\\\1", shown))


def title_of(job: Job, catalogue: Catalogue) -> str:
    """The title of a job's model."""
    return catalogue.title_of(job.order.model)


def note(text: str) -> ui.LayoutView:
    """A message of one text."""
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay(text[:4000]))
    return view


def text_file(text: str, filename: str) -> ui.LayoutView:
    """A sentence with an attached file under it."""
    view = note(text)
    view.add_item(ui.File(f"attachment://{filename}"))
    return view


def only(member_id: int) -> discord.AllowedMentions:
    """One member may be pinged, and nobody else."""
    return discord.AllowedMentions(everyone=False, roles=False, users=[discord.Object(member_id)])
