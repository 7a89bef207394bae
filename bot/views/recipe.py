"""The recipe of a result: everything that is needed to make it again."""

import io

import discord
from discord import ui

from bot import texts
from bot.domain.catalogue import PARAMETER_OF, Catalogue
from bot.domain.job import Job
from bot.views.words import note, title_of

LINE_SHOWN = 2800
"""Characters of a command in a message; Discord takes 4,000 of text in all."""


def recipe(job: Job, catalogue: Catalogue, parent: str | None) -> tuple[ui.LayoutView, discord.File | None]:
    """The message, and the file that it refers to when the command is too long. `parent`: a link."""
    took = job.rendered_at - job.ready_at if job.rendered_at else None
    view = note(texts.recipe_facts(job, title_of(job, catalogue), took, parent))
    line = command(job)
    file = None
    if len(line) <= LINE_SHOWN and "```" not in line:
        view.add_item(ui.TextDisplay(f"{texts.RECIPE_COPY}\n```\n{line}\n```"))
    else:
        file = discord.File(io.BytesIO(line.encode()), "recipe.txt")
        view.add_item(ui.TextDisplay(texts.RECIPE_FILE))
        view.add_item(ui.File("attachment://recipe.txt"))
    if job.order.is_edit:
        view.add_item(ui.TextDisplay(texts.RECIPE_PICTURES))
    return view, file


def command(job: Job) -> str:
    """The order as a command with every option, on one line, so that no default of later days changes it."""
    values = job.request.arguments
    given = {option: values[name] for option, name in PARAMETER_OF.items() if name in values}
    if job.request.images > 1:
        given.pop("seed", None)
    words = [f"/{'edit' if job.order.is_edit else 'imagine'} prompt:{' '.join(job.order.prompt.split())}"]
    words.append(f"model:{job.order.model}")
    return " ".join([*words, *(f"{option}:{value}" for option, value in given.items())])
