"""What the bot's messages look like: every message is rendered here, in Components V2."""

from bot.views.forms import Form, form_id, read_form
from bot.views.items import JOB_BUTTON, PANEL, JobButton, PanelItem, panel_button, panel_select, row
from bot.views.jobs import cancelled, failed, failure, go_ahead, jobs, pictures, progress, result
from bot.views.reading import custom_ids, has_pictures
from bot.views.settings import history as settings_history
from bot.views.settings import saved as settings_saved
from bot.views.words import MARKDOWN, NOBODY, PROMPT_SHOWN, note, only, quiet, text_file, title_of

__all__ = [
    "JOB_BUTTON",
    "MARKDOWN",
    "NOBODY",
    "PANEL",
    "PROMPT_SHOWN",
    "Form",
    "JobButton",
    "PanelItem",
    "cancelled",
    "custom_ids",
    "failed",
    "failure",
    "form_id",
    "go_ahead",
    "has_pictures",
    "jobs",
    "note",
    "only",
    "panel_button",
    "panel_select",
    "pictures",
    "progress",
    "quiet",
    "read_form",
    "result",
    "row",
    "settings_history",
    "settings_saved",
    "text_file",
    "title_of",
]
