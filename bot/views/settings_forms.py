"""The forms of /settings: numbers, and word rules."""

import discord
from discord import ui

from bot import texts
from bot.domain.ruling import Target, value_of
from bot.views.forms import empty_form
from bot.views.settings_panel import FIELDS, Shown


def numbers_form(shown: Shown, form: str) -> ui.Modal:
    """Several limits at once, as they are now; an empty field sets one back."""
    made = _form(shown, form, texts.NUMBER_FORMS[form])
    for name in FIELDS[form]:
        target = Target(name)
        cap = shown.cap(target)
        made.add_item(
            _field(target, value_of(shown.record.rules, target), texts.up_to(target, cap), texts.SETTING_TITLES[name])
        )
    return made


def role_form(shown: Shown, role_id: int, role: str) -> ui.Modal:
    """One role's allowance."""
    target = Target("member_day", role_id=role_id)
    made = _form(shown, f"r{role_id:x}", texts.ROLE_FORM)
    label = texts.role_label(role)
    made.add_item(_field(target, value_of(shown.record.rules, target), texts.ROLE_HINT, label))
    return made


def words_form(shown: Shown, form: str) -> ui.Modal:
    """Rules to add or to remove, or a prompt to test."""
    made = _form(shown, form, texts.WORD_FORMS[form])
    field = ui.TextInput[ui.View](custom_id="text", style=discord.TextStyle.paragraph, max_length=4000)
    hint = texts.WORD_HINTS[form]
    made.add_item(ui.Label(text=texts.WORD_LABELS[form], description=hint, component=field))
    return made


def _form(shown: Shown, form: str, title: str) -> ui.Modal:
    argument = f"{shown.ticket}.{shown.record.version:x}.{form}"
    return empty_form("settings", argument, title)


def _field(target: Target, now: object, hint: str, label: str) -> ui.Label[ui.View]:
    field = ui.TextInput[ui.View](
        custom_id=target.name,
        default=None if now is None else str(now),
        placeholder=hint[:100],
        required=False,
        max_length=12,
    )
    return ui.Label(text=label[:45], component=field)
