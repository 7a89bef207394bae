"""/history: what a member made here, with the way back to each, and into this channel."""

import base64
from contextlib import ExitStack

import discord
from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot import texts, views
from bot.domain.errors import JobGoneError, NotYoursError
from bot.domain.job import Job
from bot.service.desk import Desk
from bot.service.gallery import Copies, Gallery
from bot.service.recent import Recent
from bot.service.studio import Studio
from cogs.answering import answer, answer_error, answered
from cogs.asking import asker_of, is_outside, where_of
from cogs.orders import check_postable, scope_of

ON_A_PAGE = 5
"""Each takes six of the 40 components in a message, and much of a phone's screen."""
WORDS_KEPT = 42
"""Bytes of the searched words in a button, whose argument has room for 70 characters."""


class HistoryPages(commands.Cog):
    """Private lists; a click looks anew, for whoever clicks."""

    def __init__(self, desk: Desk, studio: Studio, gallery: Gallery, copies: Copies, recent: Recent) -> None:
        self._desk = desk
        self._studio = studio
        self._gallery = gallery
        self._copies = copies
        self._recent = recent

    @app_commands.command(description=texts.COMMANDS["history"])
    @app_commands.describe(words=texts.HISTORY_WORDS)
    async def history(self, interaction: discord.Interaction, words: Range[str, 1, 100] = "") -> None:
        """The newest first."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._show(interaction, kept(words), 0)

    async def cog_app_command_error(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError
    ) -> None:
        """Whatever happens, the member gets a sentence."""
        await answer_error(interaction, error)

    @commands.Cog.listener()
    @answered
    async def on_panel_history(
        self, interaction: discord.Interaction, action: str, argument: str, _values: list[str]
    ) -> None:
        """Another page, or one result into this channel."""
        if action == "show":
            await self._bring_back(interaction, await self._studio.job(argument))
            return
        page, words = read_page(argument)
        await interaction.response.defer()
        await self._show(interaction, words, page)

    async def _show(self, interaction: discord.Interaction, words: str, page: int) -> None:
        scope, member_id = scope_of(interaction), interaction.user.id
        found = await self._desk.finished(scope, member_id, words, most=ON_A_PAGE + 1, skipped=page * ON_A_PAGE)
        listed, has_more = found[:ON_A_PAGE], len(found) > ON_A_PAGE
        outside = is_outside(interaction)
        with ExitStack() as stack:
            files = dict[str, discord.File]()
            for job in listed:
                path = None if job.deleted_at is not None else await self._gallery.thumbnail(job)
                if path is not None:
                    files[job.id] = discord.File(path, filename=f"{job.id}.webp")
                    stack.callback(files[job.id].close)
            entries = [
                views.Entry(
                    job=job,
                    thumbnail=files[job.id].filename if job.id in files else None,
                    postable=not job.order.private and not outside,
                )
                for job in listed
            ]
            view = views.history(
                views.Page(
                    entries=entries,
                    words=words,
                    newer=page_of(page - 1, words) if page else None,
                    older=page_of(page + 1, words) if has_more else None,
                ),
                self._desk.catalogue,
            )
            await interaction.edit_original_response(
                view=view, attachments=list(files.values()), allowed_mentions=views.NOBODY
            )

    async def _bring_back(self, interaction: discord.Interaction, job: Job) -> None:
        """Free; what was made in another server stays there."""
        if interaction.user.id != job.order.member_id or job.order.scope != scope_of(interaction):
            raise NotYoursError
        if job.deleted_at is not None or not job.pictures:
            raise JobGoneError
        await check_postable(interaction, job)
        channel_id = interaction.channel_id or 0
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._desk.check_welcome(job.order.scope, asker_of(interaction), where_of(interaction))
        with self._recent.once(("show", job.id, channel_id)):
            message_id = await self._copies.bring_back(
                job, guild_id=interaction.guild_id, channel_id=channel_id, by=interaction.user.id
            )
        await answer(interaction, texts.brought_back_here(interaction.guild_id, channel_id, message_id))


def kept(words: str) -> str:
    """As much of the words as a button can carry; the beginning of a word finds it, too."""
    return " ".join(words.split()).encode()[:WORDS_KEPT].decode(errors="ignore")


def page_of(page: int, words: str) -> str:
    """The argument of a button to a page, from 0."""
    return f"{page}.{base64.urlsafe_b64encode(words.encode()).decode().rstrip('=')}"


def read_page(argument: str) -> tuple[int, str]:
    """What such a button says: page and words; ids can be crafted, so whatever does not read so is the first page."""
    number, _, packed = argument.partition(".")
    try:
        words = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
        return min(max(0, int(number)), 100_000), kept(words)
    except ValueError:
        return 0, ""
