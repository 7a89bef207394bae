"""The panel of /settings: one message, a page at a time, with every value as it is now."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import discord
from discord import ui

from bot import texts
from bot.domain.catalogue import Catalogue
from bot.domain.policy import House
from bot.domain.rules import RulesRecord
from bot.domain.ruling import SETTINGS, Page, Takes, Target, cap, choices_of, setting_of, value_of
from bot.domain.words import WordsRecord
from bot.service.ruling import Changed
from bot.service.wording import line_of
from bot.views.items import PanelItem, panel_button, panel_id, panel_select, row
from bot.views.settings import undo_button
from bot.views.words import note

MOST_CHOSEN = 25
"""Channels or roles in one select of Discord's."""
CHANNEL_KINDS = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
    discord.ChannelType.forum,
]
FIELDS = {
    "credits": ("server_day", "server_month", "member_day", "confirm_above"),
    "orders": ("member_jobs", "server_jobs", "most_images"),
    "strikes": ("strikes_to_block", "strike_days", "strike_block_days"),
}
"""The settings of each form of numbers."""
View = ui.LayoutView


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a panel shows."""

    page: Page
    record: RulesRecord
    words: WordsRecord
    ticket: str
    """The pass of whoever opened it."""
    catalogue: Catalogue
    house: House
    """The operator's rules for this server."""
    notice: str = ""
    """What has just happened."""
    undo: Changed | None = None
    channel_id: int | None = None
    """The channel whose own rules are shown."""
    changes: Sequence[Changed] = ()
    """The latest, for the log page."""

    def cap(self, target: Target) -> int | None:
        """The largest number that can be set there."""
        return cap(target, self.record.rules, self.house, self.catalogue)

    def argument(self, *parts: object) -> str:
        """Of a control: the pass, the page and more."""
        return ".".join((self.ticket, self.page.value, *(str(part) for part in parts)))

    def setting(self, target: Target) -> str:
        """Of a control that sets a value: with the version that was seen, and the channel."""
        more = () if target.channel_id is None else (f"{target.channel_id:x}",)
        return ".".join((self.ticket, f"{self.record.version:x}", target.name, *more))


def panel(shown: Shown) -> View:
    """The whole message."""
    view = note(texts.panel_title(shown.page))
    if shown.notice:
        view.add_item(ui.TextDisplay(shown.notice[:1600]))
    if shown.undo is not None:
        view.add_item(undo_button(shown.ticket, shown.page, shown.undo))
    for some in (list(Page)[:3], list(Page)[3:]):
        view.add_item(row(*(_page_button(shown, page) for page in some)))
    for item in PAGE_VIEWS[shown.page](shown):
        view.add_item(item)
    return view


def page_of(name: str) -> Page:
    """The page on which a setting stands. Raises UnknownSettingError."""
    return setting_of(Target(name)).page


def _page_button(shown: Shown, page: Page) -> PanelItem:
    here = page is shown.page and shown.channel_id is None
    style = discord.ButtonStyle.primary if here else discord.ButtonStyle.secondary
    argument = f"{shown.ticket}.{page.value}"
    return panel_button("settings", "page", argument, label=texts.PAGES[page], style=style, disabled=here)


def _models(shown: Shown) -> Iterable[ui.Item[Any]]:
    yield from _choice(shown, Target("models"), several=True)
    yield from _choice(shown, Target("default_model"))


def _limits(shown: Shown) -> Iterable[ui.Item[Any]]:
    names = [name for form in texts.LIMIT_FORMS for name in FIELDS[form]]
    yield ui.TextDisplay(texts.limits_said(shown.record.rules, names, shown.cap))
    yield row(*(_button(shown, "form", form, label=label) for form, label in texts.LIMIT_FORMS.items()))
    yield from _choice(shown, Target("largest_resolution"))
    yield ui.TextDisplay(texts.roles_said(shown.record.rules))
    yield row(_role_select(shown))
    yield row(_toggle(shown, Target("roles_only")))


def _channels(shown: Shown) -> Iterable[ui.Item[Any]]:
    if shown.channel_id is not None:
        yield ui.TextDisplay(texts.channel_said(shown.channel_id))
        for name in (one.name for one in SETTINGS.values() if one.by_channel):
            yield from _choice(shown, Target(name, channel_id=shown.channel_id), several=name == "models")
        look = panel_id("settings", "look", shown.argument(f"{shown.channel_id:x}"))
        yield row(PanelItem(ui.UserSelect[Any](custom_id=look, placeholder=texts.PICK_MEMBER)))
        return
    yield from _choice(shown, Target("channels"))
    yield from _picked(shown, Target("listed_channels"))
    yield ui.TextDisplay(texts.channels_said(shown.record.rules))
    pick = ui.ChannelSelect[Any](
        custom_id=panel_id("settings", "own", shown.ticket),
        channel_types=CHANNEL_KINDS,
        placeholder=texts.PICK_CHANNEL,
    )
    yield row(PanelItem(pick))


def _words(shown: Shown) -> Iterable[ui.Item[Any]]:
    lines = [line_of(rule) for rule in shown.words.rules]
    yield ui.TextDisplay(texts.words_said(lines))
    yield row(*(_button(shown, "form", form, label=label) for form, label in texts.WORD_FORMS.items()))
    yield row(_button(shown, "list", label=texts.LIST_WORDS, disabled=not lines))
    yield row(_toggle(shown, Target("names_word")))


def _safety(shown: Shown) -> Iterable[ui.Item[Any]]:
    for name in ("safety", "replies", "editable"):
        yield from _choice(shown, Target(name))
    yield ui.TextDisplay(texts.numbers_said(shown.record.rules, FIELDS["strikes"], shown.cap))
    forms = (_button(shown, "form", form, label=label) for form, label in texts.SAFETY_FORMS.items())
    yield row(_toggle(shown, Target("private")), *forms)
    yield from _picked(shown, Target("approval_channels"))
    yield from _picked(shown, Target("approval_roles"))


def _log(shown: Shown) -> Iterable[ui.Item[Any]]:
    yield from _picked(shown, Target("log_channel"), most=1)
    yield ui.TextDisplay(texts.latest_said(shown.changes))


PAGE_VIEWS: dict[Page, Callable[[Shown], Iterable[ui.Item[Any]]]] = {
    Page.MODELS: _models,
    Page.LIMITS: _limits,
    Page.CHANNELS: _channels,
    Page.WORDS: _words,
    Page.SAFETY: _safety,
    Page.LOG: _log,
}


def _button(shown: Shown, action: str, *parts: str, label: str, disabled: bool = False) -> PanelItem:
    return panel_button("settings", action, shown.argument(*parts), label=label, disabled=disabled)


def _toggle(shown: Shown, target: Target) -> PanelItem:
    """A button that says what is, and changes it."""
    now = bool(value_of(shown.record.rules, target))
    label = f"{texts.SETTING_TITLES[target.name]}: {'on' if now else 'off'}"
    style = discord.ButtonStyle.success if now else discord.ButtonStyle.secondary
    action = "off" if now else "on"
    return panel_button("settings", action, shown.setting(target), label=label, style=style)


def _choice(shown: Shown, target: Target, *, several: bool = False) -> Iterable[ui.Item[Any]]:
    """A title with the value, and a select."""
    now = value_of(shown.record.rules, target)
    yield ui.TextDisplay(texts.setting_line(target, now))
    chosen = {str(one) for one in now} if isinstance(now, frozenset) else {str(now)}
    words = _words_of(shown, target)
    if several:
        chosen = chosen if now is not None else set(words)
        options = [_option(word, texts.choice_said(target, word, shown.catalogue), word in chosen) for word in words]
    else:
        unset = texts.setting_value(target, None)
        options = (
            []
            if target.name in texts.ALWAYS_SET and target.channel_id is None
            else [_option("default", f"{unset[:1].upper()}{unset[1:]}", now is None)]
        )
        options += [_option(word, texts.choice_said(target, word, shown.catalogue), word in chosen) for word in words]
    most, said = len(options) if several else 1, texts.setting_value(target, now)[:150]
    argument = shown.setting(target)
    yield row(panel_select("settings", "set", argument, options=options, placeholder=said, at_most=most))


def _words_of(shown: Shown, target: Target) -> tuple[str, ...]:
    """What can be chosen."""
    if target.name == "safety":
        return tuple(str(number) for number in range(1, (shown.cap(target) or 0) + 1))
    return choices_of(SETTINGS[target.name], shown.catalogue)


def _option(value: str, label: str, chosen: bool) -> discord.SelectOption:  # noqa: FBT001 - Discord's own field
    return discord.SelectOption(value=value, label=label[:100], default=chosen)


def _picked(shown: Shown, target: Target, most: int = MOST_CHOSEN) -> Iterable[ui.Item[Any]]:
    """A title with the value, and Discord's own select of channels or roles."""
    now = value_of(shown.record.rules, target)
    ids = sorted(int(one) for one in now) if isinstance(now, frozenset) else [now] if isinstance(now, int) else []
    yield ui.TextDisplay(texts.setting_line(target, now))
    if len(ids) > most:
        yield ui.TextDisplay(texts.too_many_for_panel(target.name))
        return
    of_roles = SETTINGS[target.name].takes is Takes.ROLES
    kind = discord.SelectDefaultValueType.role if of_roles else discord.SelectDefaultValueType.channel
    custom_id = panel_id("settings", "set", shown.setting(target))
    chosen = [discord.SelectDefaultValue(id=one, type=kind) for one in ids]
    if of_roles:
        yield row(
            PanelItem(ui.RoleSelect[Any](custom_id=custom_id, min_values=0, max_values=most, default_values=chosen))
        )
        return
    select = ui.ChannelSelect[Any](
        channel_types=CHANNEL_KINDS, custom_id=custom_id, min_values=0, max_values=most, default_values=chosen
    )
    yield row(PanelItem(select))


def _role_select(shown: Shown) -> PanelItem:
    """A role whose allowance is then asked for in a form."""
    select = ui.RoleSelect[Any](custom_id=panel_id("settings", "role", shown.argument()), placeholder=texts.PICK_ROLE)
    return PanelItem(select)
