"""The panel of /settings: every click and form is authorised again, then goes where the commands go."""

from dataclasses import dataclass
from typing import Any

import discord
from discord.ext import commands

from bot import texts, views
from bot.domain.asking import Asker, Where
from bot.domain.errors import BotError, PanelOverError, RefusedError
from bot.domain.ruling import Page, Target
from bot.service.desk import Desk
from bot.service.passes import Passes
from bot.service.ruling import Changed, Ruling
from bot.service.wording import Wording
from cogs.answering import answer, answered
from cogs.orders import scope_of
from cogs.settings import channels_of, latest, list_words, visitor_of

LATEST = 5
"""Changes on the log page."""
LARGEST_ID = 2**63
"""Beyond what Discord and the database number things with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the panel something is done."""

    page: Page = Page.MODELS
    channel_id: int | None = None


class SettingsPanel(commands.Cog):
    """Opens the panel, and answers its controls. Nothing is kept: all comes from the control and the database."""

    def __init__(self, desk: Desk, ruling: Ruling, wording: Wording, passes: Passes) -> None:
        self._desk = desk
        self._ruling = ruling
        self._wording = wording
        self._passes = passes

    async def open(self, interaction: discord.Interaction) -> None:
        """For whoever Discord lets run the command."""
        shown = await self._shown(interaction, self._passes.issue(visitor_of(interaction)), Place())
        view = views.settings_panel(shown)
        await interaction.response.send_message(view=view, ephemeral=True, allowed_mentions=views.NOBODY)

    @commands.Cog.listener()
    @answered
    async def on_panel_settings(
        self, interaction: discord.Interaction, action: str, argument: str, values: list[str]
    ) -> None:
        """A click; the pass comes first in every control."""
        ticket, *parts = argument.split(".")
        try:
            self._passes.check(ticket, visitor_of(interaction))
        except PanelOverError as error:
            return await _end(interaction, error)
        match action, parts:
            case "page", [page]:
                await self._show(interaction, ticket, Place(page=page_called(page)))
            case "own", []:
                channel = int(next(iter(values), "0"))
                await self._show(interaction, ticket, Place(page=Page.CHANNELS, channel_id=channel))
            case "role", [_page]:
                await self._ask_role(interaction, ticket, values)
            case "form", [page, form]:
                await self._ask(interaction, ticket, page_called(page), form)
            case "look", [_page, channel]:
                await self._look(interaction, ticket, number_in(channel), values)
            case "list", [_page]:
                await list_words(interaction, self._wording)
            case "undo", [place, version]:
                await self._undo(interaction, ticket, place, version)
            case (("set" | "on" | "off"), [seen, name, *channel]):
                text = " ".join(values) if action == "set" else action
                await self._set(interaction, ticket, seen, name, channel, text)
            case _:
                raise PanelOverError
        return None

    @commands.Cog.listener()
    @answered
    async def on_form_settings(self, interaction: discord.Interaction, form: views.Form) -> None:
        """A form; it carries the same pass."""
        ticket, seen, name = (*form.argument.split("."), "", "")[:3]
        try:
            self._passes.check(ticket, visitor_of(interaction))
        except PanelOverError as error:
            return await _end(interaction, error)
        if name in texts.WORD_FORMS:
            return await self._words(interaction, ticket, name, form.texts.get("text", ""))
        role = number_in(name[1:]) if name.startswith("r") else None
        wanted = {Target(field, role_id=role): text for field, text in form.texts.items()}
        page = Page.SAFETY if name in texts.SAFETY_FORMS else Page.LIMITS
        return await self._change(interaction, ticket, Place(page=page), wanted, number_in(seen))

    async def _set(
        self, interaction: discord.Interaction, ticket: str, seen: str, name: str, channel: list[str], text: str
    ) -> None:
        channel_id = number_in(channel[0]) if channel else None
        target = Target(name, channel_id=channel_id)
        page = Page.CHANNELS if channel_id else views.page_of(name)
        await self._change(
            interaction, ticket, Place(page=page, channel_id=channel_id), {target: text}, number_in(seen)
        )

    async def _change(
        self, interaction: discord.Interaction, ticket: str, place: Place, wanted: dict[Target, str], seen: int
    ) -> None:
        """What is refused is said in the panel, which then shows what holds."""
        try:
            changed = await self._ruling.change(
                scope_of(interaction), wanted, by=interaction.user.id, seen=seen, channels=channels_of(interaction)
            )
        except RefusedError as error:
            return await self._show(interaction, ticket, place, texts.explain(error))
        return await self._show(interaction, ticket, place, texts.saved(changed), changed)

    async def _words(self, interaction: discord.Interaction, ticket: str, form: str, text: str) -> None:
        scope, by, place = scope_of(interaction), interaction.user.id, Place(page=Page.WORDS)
        try:
            if form == "test":
                said = texts.tested(await self._wording.test(scope, text))
                return await self._show(interaction, ticket, place, f"{texts.quoted(views.quiet(text, 200))}\n\n{said}")
            work = self._wording.add if form == "add" else self._wording.remove
            changed = await work(scope, text, by=by)
        except RefusedError as error:
            return await self._show(interaction, ticket, place, texts.explain(error))
        return await self._show(interaction, ticket, place, texts.saved(changed), changed)

    async def _undo(self, interaction: discord.Interaction, ticket: str, place: str, version: str) -> None:
        """In the panel, or under the answer of a command."""
        scope, by, number = scope_of(interaction), interaction.user.id, number_in(version[1:])
        said, changed = "", None
        try:
            if version.startswith("w"):
                changed = await self._wording.undo(scope, number, by=by)
            else:
                changed = await self._ruling.undo(scope, number, by=by, channels=channels_of(interaction))
            said = texts.undone(changed)
        except RefusedError as error:
            said = texts.explain(error)
        if place == views.PLAIN:
            return await answer(interaction, said)
        return await self._show(interaction, ticket, Place(page=page_called(place)), said, changed)

    async def _look(self, interaction: discord.Interaction, ticket: str, channel_id: int, values: list[str]) -> None:
        """What a member may do in a channel, with every value's source."""
        member_id = int(next(iter(values), "0"))
        holds = await self._desk.effective(
            scope_of(interaction),
            Asker(member_id=member_id, roles=roles_of(interaction, member_id)),
            where_is(interaction, channel_id),
        )
        said = texts.preview_said(member_id, channel_id, holds, self._ruling.catalogue)
        await self._show(interaction, ticket, Place(page=Page.CHANNELS, channel_id=channel_id), said)

    async def _ask(self, interaction: discord.Interaction, ticket: str, page: Page, form: str) -> None:
        if form not in texts.WORD_FORMS and form not in texts.NUMBER_FORMS:
            raise PanelOverError
        shown = await self._shown(interaction, ticket, Place(page=page))
        made = views.words_form(shown, form) if form in texts.WORD_FORMS else views.numbers_form(shown, form)
        await interaction.response.send_modal(made)

    async def _ask_role(self, interaction: discord.Interaction, ticket: str, values: list[str]) -> None:
        role_id = int(next(iter(values), "0"))
        role = interaction.guild.get_role(role_id) if interaction.guild else None
        shown = await self._shown(interaction, ticket, Place(page=Page.LIMITS))
        await interaction.response.send_modal(views.role_form(shown, role_id, role.name if role else ""))

    async def _show(
        self,
        interaction: discord.Interaction,
        ticket: str,
        place: Place,
        notice: str = "",
        undo: Changed | None = None,
    ) -> None:
        shown = await self._shown(interaction, ticket, place, notice, undo)
        view = views.settings_panel(shown)
        await interaction.response.edit_message(view=view, allowed_mentions=views.NOBODY)

    async def _shown(
        self,
        interaction: discord.Interaction,
        ticket: str,
        place: Place,
        notice: str = "",
        undo: Changed | None = None,
    ) -> views.SettingsShown:
        scope = scope_of(interaction)
        return views.SettingsShown(
            page=place.page,
            channel_id=place.channel_id,
            record=await self._ruling.record(scope),
            words=await self._wording.record(scope),
            ticket=ticket,
            catalogue=self._ruling.catalogue,
            house=await self._ruling.house(scope),
            notice=notice,
            undo=undo,
            changes=await latest(self._ruling, self._wording, scope, LATEST) if place.page is Page.LOG else (),
        )


def page_called(name: str) -> Page:
    """Raises PanelOverError for what no control of ours carries."""
    try:
        return Page(name)
    except ValueError:
        raise PanelOverError from None


def number_in(text: str) -> int:
    """A hexadecimal number. Raises PanelOverError for what no control of ours carries."""
    try:
        number = int(text, 16)
    except ValueError:
        raise PanelOverError from None
    if not 0 <= number < LARGEST_ID:
        raise PanelOverError
    return number


def roles_of(interaction: discord.Interaction, member_id: int) -> frozenset[int]:
    """Of a member who was selected."""
    data: Any = interaction.data or {}
    member = data.get("resolved", {}).get("members", {}).get(str(member_id), {})
    return frozenset(int(role) for role in member.get("roles", []))


def where_is(interaction: discord.Interaction, channel_id: int) -> Where:
    """A channel of the server."""
    channel = interaction.guild.get_channel(channel_id) if interaction.guild else None
    return Where(guild_id=interaction.guild_id, channel_id=channel_id, age_restricted=views.is_restricted(channel))


async def _end(interaction: discord.Interaction, error: BotError) -> None:
    """The panel says that it is over, and has no controls any more; others get a sentence of their own."""
    message = interaction.message
    if message is not None and message.flags.ephemeral:
        view = views.note(texts.explain(error))
        await interaction.response.edit_message(view=view, allowed_mentions=views.NOBODY)
    else:
        await answer(interaction, texts.explain(error))
