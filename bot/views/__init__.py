"""What the bot's messages look like: every message is rendered here, in Components V2."""

from bot.views.forms import Form, form_id, read_form
from bot.views.items import JOB_BUTTON, PANEL, JobButton, PanelItem, panel_button, panel_select, row
from bot.views.jobs import cancelled, failed, failure, go_ahead, jobs, pictures, progress, result
from bot.views.reading import custom_ids, has_pictures
from bot.views.settings import PLAIN
from bot.views.settings import history as settings_history
from bot.views.settings import saved as settings_saved
from bot.views.settings_forms import numbers_form, role_form, words_form
from bot.views.settings_panel import Shown as SettingsShown
from bot.views.settings_panel import page_of
from bot.views.settings_panel import panel as settings_panel
from bot.views.words import MARKDOWN, NOBODY, PROMPT_SHOWN, note, only, quiet, text_file, title_of

__all__ = [
    "JOB_BUTTON",
    "MARKDOWN",
    "NOBODY",
    "PANEL",
    "PLAIN",
    "PROMPT_SHOWN",
    "Form",
    "JobButton",
    "PanelItem",
    "SettingsShown",
    "cancelled",
    "custom_ids",
    "failed",
    "failure",
    "form_id",
    "go_ahead",
    "has_pictures",
    "jobs",
    "note",
    "numbers_form",
    "only",
    "page_of",
    "panel_button",
    "panel_select",
    "pictures",
    "progress",
    "quiet",
    "read_form",
    "result",
    "role_form",
    "row",
    "settings_history",
    "settings_panel",
    "settings_saved",
    "text_file",
    "title_of",
    "words_form",
]
