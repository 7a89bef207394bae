"""What the bot's messages look like: every message is rendered here, in Components V2."""

from bot.views.forms import Form, form_id, read_form
from bot.views.items import JOB_BUTTON, PANEL, JobButton, PanelItem, panel_button, panel_select, row
from bot.views.jobs import cancelled, failed, failure, go_ahead, jobs, pictures, progress, result
from bot.views.offers import ALL, choice, offer
from bot.views.reading import custom_ids, has_pictures
from bot.views.reports import erasure, report
from bot.views.words import MARKDOWN, NOBODY, PROMPT_SHOWN, note, only, quiet, title_of

__all__ = [
    "ALL",
    "JOB_BUTTON",
    "MARKDOWN",
    "NOBODY",
    "PANEL",
    "PROMPT_SHOWN",
    "Form",
    "JobButton",
    "PanelItem",
    "cancelled",
    "choice",
    "custom_ids",
    "erasure",
    "failed",
    "failure",
    "form_id",
    "go_ahead",
    "has_pictures",
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
    "report",
    "result",
    "row",
    "title_of",
]
