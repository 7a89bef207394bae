"""Forms (Discord's modals): what a submitted one holds, read from the raw answer, so that it outlives a restart.

discord.py hands a submission to the Modal instance that was opened, and drops it when the process has restarted since.
So no instance is asked: every submission is read here.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import discord
from discord import ui

from bot.domain.order import Reference

FORM = re.compile(r"m1:(?P<subject>[a-z]+):(?P<argument>[\w.,:-]{0,80})", re.ASCII)
"""A form, by its custom_id."""
SPOILER = discord.AttachmentFlags(spoiler=True).value
FORM_LIFE = 20 * 60.0
"""Seconds that discord.py keeps an opened form; Discord tells nobody when one is dismissed."""


@dataclass(frozen=True, slots=True)
class Form:
    """A submitted form, by the custom_ids of its fields."""

    subject: str
    argument: str
    texts: dict[str, str] = field(default_factory=dict[str, str])
    """Of text inputs, and of radio groups."""
    choices: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Of selects and checkbox groups: values, or ids as text."""
    files: dict[str, list[Reference]] = field(default_factory=dict[str, list[Reference]])
    """Of uploads."""


def empty_form(subject: str, argument: str, title: str) -> ui.Modal:
    """A form to put fields into; of the title the first 45 characters are shown."""
    return ui.Modal(title=title[:45], custom_id=form_id(subject, argument), timeout=FORM_LIFE)


def form_id(subject: str, argument: str = "") -> str:
    """The custom_id of a form. Raises ValueError for what could not be read back."""
    made = f"m1:{subject}:{argument}"
    if FORM.fullmatch(made) is None:
        raise ValueError("an unreadable custom_id")
    return made


def read_form(data: Any) -> Form | None:  # noqa: ANN401 - raw JSON of Discord's
    """A submission; None when it is no form of this version."""
    match = FORM.fullmatch(str(data.get("custom_id", "")))
    if match is None:
        return None
    form = Form(match["subject"], match["argument"])
    uploads = data.get("resolved", {}).get("attachments", {})
    for outer in data.get("components", []):
        for part in outer.get("components", []) or [outer.get("component", {})]:
            _read(part, uploads, form)
    return form


def _read(part: dict[str, Any], uploads: dict[str, Any], form: Form) -> None:
    name = str(part.get("custom_id", ""))
    values = part.get("values")
    if isinstance(part.get("value"), str):
        form.texts[name] = part["value"]
    elif isinstance(values, list):
        chosen = [str(one) for one in values]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - raw JSON
        files = [_reference(uploads[one]) for one in chosen if one in uploads]
        if files:
            form.files[name] = files
        else:
            form.choices[name] = chosen


def _reference(raw: dict[str, Any]) -> Reference:
    return Reference(
        url=raw["url"],
        filename=raw["filename"],
        content_type=raw.get("content_type"),
        size=int(raw.get("size", 0)),
        spoiler=raw["filename"].startswith("SPOILER_") or bool(int(raw.get("flags", 0)) & SPOILER),
    )
