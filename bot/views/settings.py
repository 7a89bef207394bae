"""What /settings answers with: texts, each change with its Undo."""

from collections.abc import Sequence

from discord import ui

from bot import texts
from bot.service.ruling import Changed
from bot.views.items import panel_button, row
from bot.views.words import note

PLAIN = "plain"
"""In place of a page: the control stands in a message of its own, not in the panel."""


def undo_id(changed: Changed) -> str:
    """Which change, for a control; word rules count their versions apart."""
    return f"{'w' if changed.words_added or changed.words_removed else 'r'}{changed.version:x}"


def undo_button(ticket: str, place: str, changed: Changed) -> ui.ActionRow[ui.LayoutView]:
    """Undo, with the pass of whoever may press it."""
    return row(panel_button("settings", "undo", f"{ticket}.{place}.{undo_id(changed)}", label=texts.UNDO))


def saved(changed: Changed, ticket: str) -> ui.LayoutView:
    """The answer to a change by command."""
    view = note(texts.saved(changed))
    view.add_item(undo_button(ticket, PLAIN, changed))
    return view


def history(changes: Sequence[Changed], ticket: str) -> ui.LayoutView:
    """The latest changes, each with its Undo."""
    view = note(texts.HISTORY_TITLE if changes else texts.NO_HISTORY)
    for changed in changes:
        view.add_item(ui.TextDisplay(texts.history_line(changed)[:390]))
        view.add_item(undo_button(ticket, PLAIN, changed))
    return view
