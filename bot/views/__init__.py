"""What the bot's messages look like: every message is rendered here, in Components V2."""

from bot.views.basket import basket
from bot.views.edit_form import edit_form, filled, refused_form
from bot.views.forms import Form, form_id, read_form
from bot.views.history import Entry, Page, history
from bot.views.items import JOB_BUTTON, PANEL, JobButton, PanelItem, panel_button, panel_select, row
from bot.views.jobs import (
    ask_delete,
    cancelled,
    failed,
    failure,
    go_ahead,
    jobs,
    pictures,
    progress,
    result,
    upscale_offers,
    which,
)
from bot.views.offers import ALL, choice, offer
from bot.views.reading import custom_ids, has_pictures
from bot.views.recipe import recipe
from bot.views.reports import erasure, report
from bot.views.words import MARKDOWN, NOBODY, PROMPT_SHOWN, note, only, quiet, title_of

__all__ = [
    "ALL",
    "JOB_BUTTON",
    "MARKDOWN",
    "NOBODY",
    "PANEL",
    "PROMPT_SHOWN",
    "Entry",
    "Form",
    "JobButton",
    "Page",
    "PanelItem",
    "ask_delete",
    "basket",
    "cancelled",
    "choice",
    "custom_ids",
    "edit_form",
    "erasure",
    "failed",
    "failure",
    "filled",
    "form_id",
    "go_ahead",
    "has_pictures",
    "history",
    "jobs",
    "note",
    "offer",
    "only",
    "panel_button",
    "panel_select",
    "pictures",
    "progress",
    "quiet",
    "read_form",
    "recipe",
    "refused_form",
    "report",
    "result",
    "row",
    "title_of",
    "upscale_offers",
    "which",
]
