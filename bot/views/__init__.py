"""What the bot's messages look like: every message is rendered here, in Components V2."""

from bot.views.ages import is_hidden, is_restricted
from bot.views.approval import approval, refuse_form
from bot.views.basket import basket
from bot.views.edit_form import edit_form, filled, refused_form
from bot.views.forms import Form, form_id, read_form
from bot.views.history import Entry, Page, history
from bot.views.items import JOB_BUTTON, PANEL, JobButton, PanelItem, panel_button, panel_id, panel_select, row
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
from bot.views.log import ask_delete_and_release, log_line, log_page, log_without_images, strike_form
from bot.views.offers import ALL, choice, offer
from bot.views.reading import custom_ids, has_pictures
from bot.views.recipe import command, recipe
from bot.views.reports import erasure, report
from bot.views.settings import PLAIN
from bot.views.settings import history as settings_history
from bot.views.settings import saved as settings_saved
from bot.views.settings_forms import numbers_form, role_form, words_form
from bot.views.settings_panel import Shown as SettingsShown
from bot.views.settings_panel import page_of
from bot.views.settings_panel import panel as settings_panel
from bot.views.words import MARKDOWN, NOBODY, PROMPT_SHOWN, note, only, quiet, text_file, title_of

__all__ = [
    "ALL",
    "JOB_BUTTON",
    "MARKDOWN",
    "NOBODY",
    "PANEL",
    "PLAIN",
    "PROMPT_SHOWN",
    "Entry",
    "Form",
    "JobButton",
    "Page",
    "PanelItem",
    "SettingsShown",
    "approval",
    "ask_delete",
    "ask_delete_and_release",
    "basket",
    "cancelled",
    "choice",
    "command",
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
    "is_hidden",
    "is_restricted",
    "jobs",
    "log_line",
    "log_page",
    "log_without_images",
    "note",
    "numbers_form",
    "offer",
    "only",
    "page_of",
    "panel_button",
    "panel_id",
    "panel_select",
    "pictures",
    "progress",
    "quiet",
    "read_form",
    "recipe",
    "refuse_form",
    "refused_form",
    "report",
    "result",
    "role_form",
    "row",
    "settings_history",
    "settings_panel",
    "settings_saved",
    "strike_form",
    "text_file",
    "title_of",
    "upscale_offers",
    "which",
    "words_form",
]
