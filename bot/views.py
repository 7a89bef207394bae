"""What the bot's messages look like: every message is rendered here, in Components V2.

Results and progress hold DynamicItems only. discord.py 2.7.1 forgets a DynamicItem's class for every message when a
view that mixes it with ordinary items ends, so they are never mixed.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

import discord
from discord import ui

from bot import texts
from bot.domain.catalogue import Catalogue
from bot.domain.errors import BotError, UnknownModelError
from bot.domain.job import IN_FLIGHT, Job, State
from bot.service.ports import Phase, Resuming, Searching

NOBODY = discord.AllowedMentions.none()
MARKDOWN = re.compile(r"([\\`*_~|>#\[\]()<-])")
"""What Markdown is made of. discord.utils.escape_markdown leaves out what stands in a link, and all links but one."""
PROMPT_SHOWN = 600
"""Characters of a prompt in a message; the rest is in the recipe."""


class JobButton(
    ui.DynamicItem[ui.Button[Any]],
    template=r"v1:(?P<action>cancel|original|again|fetch):(?P<job>[0-9a-f]{16}):(?P<position>\d)",
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
    return discord.utils.escape_mentions(MARKDOWN.sub(r"\\\1", shown))


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
    """The progress message, with Cancel where something can be cancelled."""
    view = _about(job, texts.progress(job, title_of(job, catalogue), phase), 300)
    if not isinstance(phase, Searching | Resuming):
        view.add_item(_row(JobButton("cancel", job.id, label=texts.CANCEL, danger=True)))
    return view


def result(
    job: Job, catalogue: Catalogue, filenames: Sequence[str], remark: str | None, originals: Sequence[int]
) -> ui.LayoutView:
    """The final message. `originals`: the positions of images whose untouched file differs from what is shown."""
    took = (job.rendered_at or job.created_at) - job.created_at
    said = texts.result(job, title_of(job, catalogue), took)
    view = _about(job, said if remark is None else f"{said}\n{remark}")
    gallery = ui.MediaGallery[ui.LayoutView]()
    for position, name in enumerate(filenames, start=1):
        alt = texts.alt_text(job.order.prompt, position, len(filenames), edit=job.order.is_edit)
        gallery.add_item(media=f"attachment://{name}", description=alt)
    view.add_item(gallery)
    buttons = [JobButton("again", job.id, label=texts.AGAIN)]
    buttons += [
        JobButton("original", job.id, position, label=texts.original_label(position, len(filenames)))
        for position in originals
    ]
    view.add_item(_row(*buttons))
    return view


def cancelled(job: Job) -> ui.LayoutView:
    """In place of the progress message."""
    return _about(job, texts.CANCELLED, 300)


def failure(job: Job, error: BotError) -> ui.LayoutView:
    """What went wrong, for the requester alone; with a way to try again where that may help."""
    view = note(texts.explain(error))
    if error.again:
        view.add_item(_row(JobButton("again", job.id, label=texts.TRY_AGAIN)))
    return view


def failed(job: Job, error: BotError) -> ui.LayoutView:
    """The same in the channel, when there is no private way left."""
    view = _about(job, texts.failed(texts.explain(error), job.order.member_id), 300)
    if error.again:
        view.add_item(_row(JobButton("again", job.id, label=texts.TRY_AGAIN)))
    return view


def jobs(found: Sequence[Job], catalogue: Catalogue) -> ui.LayoutView:
    """A member's jobs, with what can be done about each."""
    view = note(texts.JOBS_TITLE if found else texts.NO_JOBS)
    for job in found:
        view.add_item(ui.TextDisplay(texts.job_line(job, title_of(job, catalogue), quiet(job.order.prompt, 80))))
        if job.state in IN_FLIGHT:
            view.add_item(_row(JobButton("cancel", job.id, label=texts.CANCEL, danger=True)))
        elif job.state in {State.RENDERED, State.DELIVERED}:
            view.add_item(_row(JobButton("fetch", job.id, label=texts.FETCH)))
    return view


def pictures(text: str, files: Sequence[discord.File]) -> ui.LayoutView:
    """Pictures with a sentence."""
    view = note(text)
    gallery = ui.MediaGallery[ui.LayoutView]()
    for file in files:
        gallery.add_item(media=f"attachment://{file.filename}", description=file.description)
    view.add_item(gallery)
    return view


def only(member_id: int) -> discord.AllowedMentions:
    """One member may be pinged, and nobody else."""
    return discord.AllowedMentions(everyone=False, roles=False, users=[discord.Object(member_id)])


def custom_ids(components: Iterable[Any]) -> Iterator[str]:
    """The custom_ids in a message, however deep."""
    for component in components:
        if custom_id := getattr(component, "custom_id", None):
            yield custom_id
        yield from custom_ids(getattr(component, "children", []))


def has_pictures(components: Iterable[Any]) -> bool:
    """Whether a message shows pictures."""
    return any(
        isinstance(component, discord.MediaGalleryComponent) or has_pictures(getattr(component, "children", []))
        for component in components
    )


def _about(job: Job, text: str, shown: int = PROMPT_SHOWN) -> ui.LayoutView:
    """A message about a job: its prompt, then the text. Apart, because a quote may run on into what follows it."""
    view = note(texts.quoted(quiet(job.order.prompt, shown)))
    view.add_item(ui.TextDisplay(text[:2000]))
    return view


def _row(*buttons: JobButton) -> ui.ActionRow[ui.LayoutView]:
    row = ui.ActionRow[ui.LayoutView]()
    for button in buttons:
        row.add_item(button)
    return row
