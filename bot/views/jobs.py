"""A job's messages: progress, the result, and how it ended."""

from collections.abc import Iterator, Sequence

import discord
from discord import ui

from bot import texts
from bot.domain.catalogue import Catalogue
from bot.domain.errors import BotError, NeedsGoAheadError
from bot.domain.job import IN_FLIGHT, Job, State
from bot.service.ports import Late, Phase, Resuming, Searching
from bot.views.items import JobButton, panel_button, panel_select, row
from bot.views.words import PROMPT_SHOWN, note, quiet, title_of


def progress(job: Job, catalogue: Catalogue, phase: Phase) -> ui.LayoutView:
    """The progress message, with Cancel where something can be cancelled."""
    view = _about(job, texts.progress(job, title_of(job, catalogue), phase), 300)
    if not isinstance(phase, Searching | Late | Resuming):
        view.add_item(row(JobButton("cancel", job.id, label=texts.CANCEL, danger=True)))
    return view


def result(
    job: Job, catalogue: Catalogue, filenames: Sequence[str], remark: str | None, originals: Sequence[int]
) -> ui.LayoutView:
    """The final message. `originals`: the positions of images whose untouched file differs from what is shown."""
    took = (job.rendered_at or job.ready_at) - job.ready_at
    said = texts.result(job, title_of(job, catalogue), took)
    view = _about(job, said if remark is None else f"{said}\n{remark}")
    gallery = ui.MediaGallery[ui.LayoutView]()
    for position, name in enumerate(filenames, start=1):
        alt = texts.alt_text(job.order.title, position, len(filenames), edit=job.order.is_edit)
        gallery.add_item(media=f"attachment://{name}", description=alt, spoiler=job.order.spoiler)
    view.add_item(gallery)
    for buttons in _result_rows(job, len(filenames), originals):
        view.add_item(row(*buttons))
    return view


def _result_rows(job: Job, images: int, originals: Sequence[int]) -> Iterator[list[JobButton]]:
    """Four in a row at most, so that a phone does not break them; at position 0 a click asks which image."""
    one = 1 if images == 1 else 0
    yield [
        JobButton("edit", job.id, one, label=texts.EDIT),
        JobButton("upscale", job.id, one, label=texts.UPSCALE),
        JobButton("again", job.id, label=texts.AGAIN),
        JobButton("recipe", job.id, label=texts.RECIPE),
    ]
    last = list[JobButton]()
    if originals:
        position = originals[0] if len(originals) == 1 else 0
        last.append(JobButton("original", job.id, position, label=texts.ORIGINAL_BUTTON))
    if job.order.parent is not None:
        last.append(JobButton("undo", job.id, label=texts.UNDO))
    if job.order.is_edit:
        last.append(JobButton("compare", job.id, label=texts.COMPARE))
    yield [*last, JobButton("delete", job.id, label=texts.DELETE, danger=True)]


def which(action: str, job: Job) -> ui.LayoutView:
    """Asks which image of a result is meant."""
    view = note(texts.WHICH)
    options = [
        discord.SelectOption(
            label=texts.image_option(position, one.filename, made=True),
            value=str(position),
            description=f"{one.width} × {one.height}",
        )
        for position, one in enumerate(job.pictures, start=1)
    ]
    view.add_item(row(panel_select("which", action, job.id, options=options, placeholder=texts.WHICH)))
    return view


def ask_delete(job: Job, message_id: int) -> ui.LayoutView:
    """Asks before what cannot be undone; `message_id` is where the button was clicked."""
    view = note(texts.ask_delete(job.cost))
    delete = panel_button(
        "result", "delete", f"{job.id}.{message_id}", label=texts.DELETE, style=discord.ButtonStyle.danger
    )
    view.add_item(row(delete))
    return view


def upscale_offers(text: str, offers: Sequence[tuple[str, str]]) -> ui.LayoutView:
    """Each offer's id and label."""
    view = note(text)
    buttons = [
        panel_button("offer", "go", offer_id, label=label, style=discord.ButtonStyle.primary)
        for offer_id, label in offers[:5]
    ]
    view.add_item(row(*buttons))
    return view


def cancelled(job: Job) -> ui.LayoutView:
    """In place of the progress message."""
    return _about(job, texts.CANCELLED, 300)


def failure(job: Job, error: BotError) -> ui.LayoutView:
    """What went wrong, for the requester alone; with a way to try again where that may help."""
    view = note(texts.explain(error))
    if job.approval is not None:  # it may have been ordered a while ago, and others since
        view.add_item(ui.TextDisplay(texts.quoted(quiet(job.order.title, 300))))
    if error.again:
        view.add_item(row(JobButton("again", job.id, label=texts.TRY_AGAIN)))
    return view


def failed(job: Job, error: BotError) -> ui.LayoutView:
    """The same in the channel, when there is no private way left."""
    view = _about(job, texts.failed(texts.explain(error), job.order.member_id), 300)
    if error.again:
        view.add_item(row(JobButton("again", job.id, label=texts.TRY_AGAIN)))
    return view


def jobs(found: Sequence[Job], catalogue: Catalogue) -> ui.LayoutView:
    """A member's jobs, with what can be done about each."""
    view = note(texts.JOBS_TITLE if found else texts.NO_JOBS)
    for job in found:
        view.add_item(ui.TextDisplay(texts.job_line(job, title_of(job, catalogue), quiet(job.order.title, 80))))
        if job.state in IN_FLIGHT:
            view.add_item(row(JobButton("cancel", job.id, label=texts.CANCEL, danger=True)))
        elif job.state in {State.RENDERED, State.DELIVERED} and not texts.given_up(job):
            view.add_item(row(JobButton("fetch", job.id, label=texts.FETCH)))
    return view


def go_ahead(error: NeedsGoAheadError) -> ui.LayoutView:
    """The question before a costly order."""
    view = note(texts.explain(error))
    view.add_item(row(panel_button("offer", "go", error.offer_id, label=texts.go_ahead(error.credits))))
    return view


def pictures(text: str, files: Sequence[discord.File], *, spoiler: bool = False) -> ui.LayoutView:
    """Pictures with a sentence."""
    view = note(text)
    gallery = ui.MediaGallery[ui.LayoutView]()
    for file in files:
        gallery.add_item(media=f"attachment://{file.filename}", description=file.description, spoiler=spoiler)
    view.add_item(gallery)
    return view


def _about(job: Job, text: str, shown: int = PROMPT_SHOWN) -> ui.LayoutView:
    """A message about a job: its prompt, then the text. Apart, because a quote may run on into what follows it."""
    view = note(texts.quoted(quiet(job.order.title, shown)))
    view.add_item(ui.TextDisplay(text[:2000]))
    return view
