"""The log channel: lines, and a result with its thumbnail and what a moderator can do about it."""

from contextlib import suppress

import discord
from discord import ui

from bot import texts
from bot.domain.catalogue import Catalogue
from bot.domain.conduct import REASON_LENGTH
from bot.domain.errors import UnknownModelError
from bot.domain.job import Job
from bot.domain.journal import Acted, Deleted, Failed, Finished, LeftOut, Ordered, Refused
from bot.domain.order import Order
from bot.service.journal import Event, Page
from bot.service.ruling import Changed
from bot.views.forms import empty_form
from bot.views.items import panel_button, row
from bot.views.words import note, quiet, title_of

PROMPT_LOGGED = 300


def log_line(event: Event, at: float, catalogue: Catalogue) -> str:
    """An event in words. `at`: when it happened, in unix seconds."""
    match event:
        case Refused(order=order, error=error):
            return _with_prompt(texts.log_refused(order, error, _model_of(order, catalogue), at), order)
        case Acted(reason=reason):
            return texts.log_acted(event, at, quiet(reason, REASON_LENGTH))
        case Changed():
            return texts.log_changed(event, at)
        case LeftOut(count=count):
            return texts.log_left_out(count)
        case Ordered(job=job) | Finished(job=job) | Failed(job=job) | Deleted(job=job):
            return _with_prompt(_of_job(event, at, title_of(job, catalogue)), job.order)


def _of_job(event: Ordered | Finished | Failed | Deleted, at: float, model: str) -> str:
    match event:
        case Ordered(job=job):
            return texts.log_ordered(job, model, at)
        case Finished(job=job):
            return texts.log_finished(job, model, at)
        case Failed(job=job):
            return texts.log_failed(job, model, at)
        case Deleted(job=job, by=by, given_back=credit):
            return texts.log_deleted(job, model, at, by=by, given_back=credit)


def _with_prompt(line: str, order: Order) -> str:
    """Last, because a quote may run on into what follows it."""
    return line if order.private else f"{line}\n{texts.quoted(quiet(order.title, PROMPT_LOGGED))}"


def _model_of(order: Order, catalogue: Catalogue) -> str:
    """Nothing for an order that left it open."""
    with suppress(UnknownModelError):
        return catalogue.model(order.model).title
    return ""


def log_page(page: Page, thumbnail: str | None, *, spoiler: bool) -> ui.LayoutView:
    """One message of the log; `thumbnail` is the name of the attached file."""
    view = ui.LayoutView(timeout=None)
    for line in page.lines:
        text = ui.TextDisplay[ui.LayoutView](line)
        if page.result is None or thumbnail is None:
            view.add_item(text)
        else:
            picture = ui.Thumbnail[ui.LayoutView](
                f"attachment://{thumbnail}", description=_alt(page.result), spoiler=spoiler
            )
            view.add_item(ui.Section[ui.LayoutView](text, accessory=picture))
    if page.result is not None:
        view.add_item(
            row(
                panel_button(
                    "log",
                    "delete",
                    page.result.id,
                    label=texts.DELETE_AND_RELEASE,
                    style=discord.ButtonStyle.danger,
                ),
                panel_button("log", "strike", page.result.id, label=texts.STRIKE),
            )
        )
    return view


def _alt(job: Job) -> str:
    return texts.alt_text(job.order.title, 1, len(job.pictures), edit=job.order.is_edit)


def log_without_images(line: str, job: Job) -> ui.LayoutView:
    """An entry whose images were deleted."""
    view = note(line)
    view.add_item(row(panel_button("log", "strike", job.id, label=texts.STRIKE)))
    return view


def ask_delete_and_release(job: Job, message_id: int, credit: int) -> ui.LayoutView:
    """Asks before what cannot be undone; `message_id` is the entry whose button was clicked."""
    view = note(texts.ask_delete_and_release(credit))
    sure = panel_button(
        "log",
        "release",
        f"{job.id}.{message_id}",
        label=texts.DELETE_AND_RELEASE,
        style=discord.ButtonStyle.danger,
    )
    view.add_item(row(sure))
    return view


def strike_form(job: Job) -> ui.Modal:
    """Asks for a reason, which may stay empty."""
    made = empty_form("log", job.id, texts.STRIKE_FORM)
    field = ui.TextInput[ui.View](custom_id="reason", required=False, max_length=REASON_LENGTH)
    made.add_item(ui.Label(text=texts.STRIKE_REASON, description=texts.STRIKE_HINT, component=field))
    return made
