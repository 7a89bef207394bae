"""/settings: a server's rules as plain commands, for phones, screen readers and scripts.

Who may run them is Discord's business: Manage Server by default, and whoever admins let in besides. So it is not asked
again here; clicks and forms carry a pass instead (`bot/service/passes.py`).
"""

import io
from collections.abc import Awaitable, Callable
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Choice
from discord.ext import commands

from bot import texts, views
from bot.domain.errors import NotTextError, NoWordsGivenError, UnknownSettingError
from bot.domain.ruling import Target, choices_of, setting_of, value_of
from bot.service.passes import Passes, Visitor
from bot.service.ruling import Changed, Ruling
from bot.service.wording import Wording, line_of
from cogs.answering import answer, answer_error, answer_view
from cogs.moderating import in_servers
from cogs.orders import scope_of

MOST_SHOWN = 10
"""Changes in one list; Discord takes 40 components in a message."""
LARGEST_FILE = 1024 * 1024
"""Bytes of a file of word rules."""
Channel = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.ForumChannel


@in_servers
@app_commands.default_permissions(manage_guild=True)
class SettingsCommands(commands.GroupCog, group_name="settings", group_description=texts.SETTINGS_COMMAND):
    """Reads and changes rules by name."""

    def __init__(
        self,
        ruling: Ruling,
        wording: Wording,
        passes: Passes,
        open_panel: Callable[[discord.Interaction], Awaitable[None]],
    ) -> None:
        self._ruling = ruling
        self._wording = wording
        self._passes = passes
        self._open_panel = open_panel

    @app_commands.command(description=texts.SETTINGS_COMMANDS["panel"])
    async def panel(self, interaction: discord.Interaction) -> None:
        """One private message with everything in it."""
        await self._open_panel(interaction)

    @app_commands.command(description=texts.SETTINGS_COMMANDS["show"])
    async def show(self, interaction: discord.Interaction) -> None:
        """Everything that is set, with the names to set it by."""
        scope = scope_of(interaction)
        record, words = await self._ruling.record(scope), await self._wording.record(scope)
        await answer(interaction, texts.rules_page(record.rules, len(words.rules)))

    @app_commands.command(name="set", description=texts.SETTINGS_COMMANDS["set"])
    @app_commands.describe(**{name: texts.SETTINGS_OPTIONS[name] for name in ("name", "value", "channel", "role")})
    async def change(
        self,
        interaction: discord.Interaction,
        name: str,
        value: str,
        channel: Channel | None = None,
        role: discord.Role | None = None,
    ) -> None:
        """One setting, of the server, a channel or a role."""
        target = Target(name, channel.id if channel else None, role.id if role else None)
        changed = await self._ruling.change(
            scope_of(interaction), {target: value}, by=interaction.user.id, channels=channels_of(interaction)
        )
        await self._say(interaction, changed)

    @app_commands.command(description=texts.SETTINGS_COMMANDS["reset"])
    @app_commands.describe(**{name: texts.SETTINGS_OPTIONS[name] for name in ("name", "channel", "role")})
    async def reset(
        self,
        interaction: discord.Interaction,
        name: str,
        channel: Channel | None = None,
        role: discord.Role | None = None,
    ) -> None:
        """One setting, or everything."""
        scope, by = scope_of(interaction), interaction.user.id
        if name == texts.EVERYTHING:
            changed = await self._ruling.reset_all(scope, by=by)
        else:
            target = Target(name, channel.id if channel else None, role.id if role else None)
            changed = await self._ruling.change(scope, {target: "default"}, by=by, channels=channels_of(interaction))
        await self._say(interaction, changed)

    @app_commands.command(description=texts.SETTINGS_COMMANDS["history"])
    async def history(self, interaction: discord.Interaction) -> None:
        """Rules and word rules together."""
        newest = await latest(self._ruling, self._wording, scope_of(interaction), MOST_SHOWN)
        await answer_view(interaction, views.settings_history(newest, self._passes.issue(visitor_of(interaction))))

    @app_commands.command(description=texts.SETTINGS_COMMANDS["words"])
    @app_commands.describe(**{name: texts.SETTINGS_OPTIONS[name] for name in ("action", "text", "file")})
    @app_commands.choices(action=[Choice(name=text, value=name) for name, text in texts.WORD_ACTIONS.items()])
    async def words(
        self,
        interaction: discord.Interaction,
        action: Choice[str],
        text: str = "",
        file: discord.Attachment | None = None,
    ) -> None:
        """Word rules; thousands of them come in a file."""
        scope, by = scope_of(interaction), interaction.user.id
        await interaction.response.defer(ephemeral=True, thinking=True)
        if file is not None:
            text = f"{text}\n{await _read(file)}"
        if not text.strip() and action.value != "list":
            raise NoWordsGivenError
        match action.value:
            case "add":
                await self._say(interaction, await self._wording.add(scope, text, by=by))
            case "remove":
                await self._say(interaction, await self._wording.remove(scope, text, by=by))
            case "test":
                await answer(interaction, texts.tested(await self._wording.test(scope, text)))
            case _:
                await list_words(interaction, self._wording)

    @change.autocomplete("name")
    @reset.autocomplete("name")
    async def _names(self, interaction: discord.Interaction, current: str) -> list[Choice[str]]:
        """Settings whose name or title has what was typed."""
        titles = dict(texts.SETTING_TITLES)
        if interaction.command is not None and interaction.command.name == "reset":
            titles[texts.EVERYTHING] = texts.EVERYTHING
        found = [(name, title) for name, title in titles.items() if current.casefold() in f"{name} {title}".casefold()]
        return [Choice(name=f"{title} ({name})"[:100], value=name) for name, title in found[:25]]

    @change.autocomplete("value")
    async def _values(self, interaction: discord.Interaction, current: str) -> list[Choice[str]]:
        """What the chosen setting takes; what it is now is always among it."""
        name = str(interaction.namespace.name or "")
        try:
            setting = setting_of(Target(name))
        except UnknownSettingError:
            return []
        rules = (await self._ruling.record(scope_of(interaction))).rules
        now = texts.setting_value(Target(name), value_of(rules, Target(name)))
        found = [Choice(name=f"default (now: {now})"[:100], value="default")]
        for word in choices_of(setting, self._ruling.catalogue):
            label = texts.SETTING_WORDS.get(word, word) if setting.words else word
            if current.casefold() in f"{word} {label}".casefold():
                found.append(Choice(name=label if label == word else f"{word}: {label}", value=word))
        return found[:25]

    async def cog_app_command_error(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError
    ) -> None:
        """Whatever happens, the moderator gets a sentence."""
        await answer_error(interaction, error)

    async def _say(self, interaction: discord.Interaction, changed: Changed) -> None:
        ticket = self._passes.issue(visitor_of(interaction))
        await answer_view(interaction, views.settings_saved(changed, ticket))


async def latest(ruling: Ruling, wording: Wording, scope: str, most: int) -> list[Changed]:
    """Changes of rules and word rules together, the newest first."""
    found = [*await ruling.history(scope, most), *await wording.history(scope, most)]
    return sorted(found, key=lambda changed: changed.at, reverse=True)[:most]


def visitor_of(interaction: discord.Interaction) -> Visitor:
    """Who runs, clicks or submits, as Discord describes them in it."""
    roles = interaction.user.roles if isinstance(interaction.user, discord.Member) else ()
    return Visitor(
        guild_id=interaction.guild_id or 0,
        member_id=interaction.user.id,
        roles=[role.id for role in roles],
        manager=interaction.permissions.manage_guild,
    )


def channels_of(interaction: discord.Interaction) -> dict[int, bool]:
    """Every channel of the server in which somebody could order, and whether the bot can write there."""
    channels: Any = interaction.guild.channels if interaction.guild else ()
    return {one.id: _is_writable(one) for one in channels if not isinstance(one, discord.CategoryChannel)}


def _is_writable(channel: discord.abc.GuildChannel) -> bool:
    if not isinstance(channel, discord.abc.Messageable):
        return False
    granted = channel.permissions_for(channel.guild.me)
    return granted.view_channel and granted.send_messages and granted.attach_files


async def list_words(interaction: discord.Interaction, wording: Wording) -> None:
    """All rules as a file that `add` takes again."""
    rules = (await wording.record(scope_of(interaction))).rules
    if not rules:
        return await answer(interaction, texts.NO_WORDS)
    content = io.BytesIO("\n".join(line_of(rule) for rule in rules).encode())
    if not interaction.response.is_done():
        await interaction.response.defer(ephemeral=True, thinking=True)
    view = views.text_file(texts.WORDS_FILE, "words.txt")
    await interaction.edit_original_response(view=view, attachments=[discord.File(content, "words.txt")])
    return None


async def _read(file: discord.Attachment) -> str:
    """A text file. Raises NotTextError."""
    if file.size > LARGEST_FILE:
        raise NotTextError(limit_bytes=LARGEST_FILE)
    try:
        return (await file.read()).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotTextError(limit_bytes=LARGEST_FILE) from None
