"""What moderators see of an order that waits for them."""

import discord
from discord import ui

from bot import texts
from bot.domain.catalogue import Catalogue
from bot.domain.conduct import REASON_LENGTH
from bot.domain.job import Job
from bot.views.forms import empty_form
from bot.views.items import panel_button, row
from bot.views.words import note, quiet, title_of

PROMPT_SHOWN = 1500
"""Characters of the prompt; quiet ones may be twice as long, and Discord takes 4,000 in all."""
PICTURES_SHOWN = 4


def approval(
    job: Job, catalogue: Catalogue, *, hidden: bool, pictures: bool = True, called_off_by: int | None = None
) -> ui.LayoutView:
    """The question; once it is over, how it ended in place of the buttons.

    `hidden`: its pictures stand behind a spoiler, because not everybody who looks there may see them.
    No buttons of a job's own are on it: what carries those is taken for a progress message or a result.
    """
    view = note(texts.approval(job, title_of(job, catalogue), called_off_by))
    view.add_item(ui.TextDisplay(texts.quoted(quiet(job.order.title, PROMPT_SHOWN))))
    shown = [one for one in job.order.references if one.url.startswith(("https://", "http://"))]
    if shown and pictures:
        if hidden:
            view.add_item(ui.TextDisplay(texts.APPROVAL_HIDDEN))
        gallery = ui.MediaGallery[ui.LayoutView]()
        for one in shown[:PICTURES_SHOWN]:
            gallery.add_item(media=one.url, description=texts.APPROVAL_PICTURE, spoiler=one.spoiler or hidden)
        view.add_item(gallery)
    if job.awaits_approval:
        view.add_item(
            row(
                panel_button("approval", "approve", job.id, label=texts.APPROVE, style=discord.ButtonStyle.success),
                panel_button("approval", "refuse", job.id, label=texts.REFUSE, style=discord.ButtonStyle.danger),
                panel_button("approval", "recipe", job.id, label=texts.RECIPE),
            )
        )
    return view


def refuse_form(job: Job) -> ui.Modal:
    """Asks for a reason, which may be left out."""
    form = empty_form("approval", job.id, texts.REFUSE_FORM)
    field = ui.TextInput[ui.View](
        custom_id="reason", style=discord.TextStyle.paragraph, required=False, max_length=REASON_LENGTH
    )
    form.add_item(ui.Label(text=texts.REFUSE_REASON, description=texts.REFUSE_HINT, component=field))
    return form
