"""/history: a page of a member's results, each with a thumbnail and a way to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from discord import ui

from bot import texts
from bot.domain.catalogue import Catalogue
from bot.domain.job import Job
from bot.views.items import JobButton, panel_button, row
from bot.views.words import note, quiet, title_of

PROMPT_LISTED = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One result in the list."""

    job: Job
    thumbnail: str | None
    """The name of the attached file; None when the files are gone."""
    postable: bool
    """Whether it can be shown to everyone here; else it can be shown to its member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the list."""

    entries: Sequence[Entry]
    words: str
    """What was searched for."""
    newer: str | None
    """The argument of the button to the page before; None on the first."""
    older: str | None


def history(page: Page, catalogue: Catalogue) -> ui.LayoutView:
    """The list; its buttons work after a restart, as they carry all that they need."""
    view = note(texts.history_title(quiet(page.words, 60), found=bool(page.entries)))
    for entry in page.entries:
        _add(view, entry, catalogue)
    turns = [
        panel_button("history", "page", argument, label=label)
        for argument, label in ((page.newer, texts.NEWER), (page.older, texts.OLDER))
        if argument is not None
    ]
    if turns:
        view.add_item(row(*turns))
    return view


def _add(view: ui.LayoutView, entry: Entry, catalogue: Catalogue) -> None:
    job = entry.job
    is_gone = job.deleted_at is not None or entry.thumbnail is None
    said = texts.history_line(job, title_of(job, catalogue), quiet(job.order.title, PROMPT_LISTED), gone=is_gone)
    if is_gone:
        view.add_item(ui.TextDisplay(said))
        return
    alt = texts.alt_text(job.order.title, 1, len(job.pictures), edit=job.order.is_edit)
    picture = ui.Thumbnail[ui.LayoutView](f"attachment://{entry.thumbnail}", description=alt)
    view.add_item(ui.Section[ui.LayoutView](ui.TextDisplay(said), accessory=picture))
    if entry.postable:
        view.add_item(row(panel_button("history", "show", job.id, label=texts.SHOW_HERE)))
    else:
        view.add_item(row(JobButton("fetch", job.id, label=texts.FETCH)))
