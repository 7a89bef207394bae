"""Orders by messages: a reply to an image, a mention with one, or words to the bot alone in its direct messages."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import discord
from discord.ext import commands

from bot import texts, views
from bot.domain.errors import (
    BotError,
    ImageHiddenError,
    JobGoneError,
    LinkGivenError,
    NeedsGoAheadError,
    NoImageThereError,
    NoSuchImageError,
    NothingSaidError,
    RepliedMessageGoneError,
    RepliesOffError,
    UnexpectedError,
)
from bot.domain.job import Job
from bot.domain.order import Order, Reference
from bot.domain.rules import Replies as Mode
from bot.domain.wording import Wording, read
from bot.service.desk import ASKED_FOR, Desk
from bot.service.fleeting import Fleeting
from bot.service.offers import Offers
from bot.service.studio import Studio
from cogs.answering import TROUBLES, answered, is_passing
from cogs.asking import asker_in, look_up_channel, where_in
from cogs.finding import found_images, result_of
from cogs.orders import answer_elsewhere, place, place_by_message, reply_to_message, scope_in, take_away

_log = logging.getLogger(__name__)

OFFER_LIFE = 120.0
"""Seconds that an offer stands."""
REFUSAL_LIFE = 15.0
"""Seconds that a refusal stands: everybody in the channel sees it."""
LINK = re.compile(r"https?://", re.IGNORECASE)
ORDERS = frozenset({discord.MessageType.default, discord.MessageType.reply})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """What a message wants."""

    message: discord.Message
    mode: Mode
    typed: bool
    """Whether the bot was mentioned by hand, and not by the reply alone."""
    said: Wording
    shown: Sequence[Reference]
    """Images of the message that was replied to."""
    own: Sequence[Reference]
    """Images of the message itself."""
    job_id: str | None
    """The result that was replied to."""
    job: Job | None
    """The same, while it is known."""


class Replies(commands.Cog):
    """Reads messages that concern the bot; all others are left alone, unread."""

    def __init__(
        self,
        client: commands.Bot,
        desk: Desk,
        studio: Studio,
        offers: Offers,
        fleeting: Fleeting,
        *,
        message_content: bool,
    ) -> None:
        self._client = client
        self._desk = desk
        self._studio = studio
        self._offers = offers
        self._fleeting = fleeting
        self._sees_all = message_content

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """The boundary of one message: whatever goes wrong, its author gets a sentence, and nobody else an error."""
        if message.author.bot or message.webhook_id or message.type not in ORDERS:
            return
        try:
            await self._answer(message)
        except NeedsGoAheadError as costly:
            await self._ask_back(message, views.go_ahead(costly), ASKED_FOR)
        except Exception as error:  # noqa: BLE001 - the boundary, as said above
            await self._refuse(message, error)

    @commands.Cog.listener()
    @answered
    async def on_panel_pick(
        self, interaction: discord.Interaction, _action: str, argument: str, values: list[str]
    ) -> None:
        """One image of a set was chosen, or all of them."""
        offer_id, _, of = argument.partition(".")
        order = self._offers.take(offer_id, interaction.user.id)
        shown, own = order.references[: int(of)], order.references[int(of) :]
        picked = shown if values == [views.ALL] else shown[int(values[0]) - 1 : int(values[0])]
        await place(interaction, self._desk, self._studio, _of(order, [*picked, *own]), confirmed=True)
        await take_away(interaction)

    async def _answer(self, message: discord.Message) -> None:
        ask = await self._ask(message)
        if ask is None:
            return
        if not (ask.shown or ask.own):
            await self._answer_words(ask)
        elif ask.job_id is not None and len(ask.shown) > 1 and ask.said.which is None:
            await self._offer_choice(ask)
        else:
            order = _of(self._order(ask), [*_named(ask), *ask.own])
            if _is_at_once(ask):
                await place_by_message(message, self._desk, self._studio, order)
            else:
                await self._offer(message, order, texts.offer_edit(OFFER_LIFE), texts.edit_this)

    async def _ask(self, message: discord.Message) -> _Ask | None:
        """What it wants; None for what is talk among people, or not for the bot. Raises RefusedError."""
        us = self._client.user.id if self._client.user else 0
        typed = f"<@{us}>" in message.content or f"<@!{us}>" in message.content
        replied = await self._replied(message, needed=typed)
        job_id = result_of(replied, us) if replied is not None else None
        if not typed and job_id is None and message.guild is not None:
            return None
        await look_up_channel(message)
        mode = (await self._desk.effective(scope_in(message), asker_in(message), where_in(message))).replies.value
        if mode is Mode.OFF and typed:
            raise RepliesOffError
        if mode is Mode.OFF or (mode is Mode.MENTION and not typed):
            return None
        said = read(re.sub(rf"<@!?{us}>", " ", message.content), self._desk.catalogue)
        if said.is_talk and not (typed and said.prompt):
            if typed or message.guild is None:
                raise NothingSaidError
            return None
        shown = found_images(replied, us) if replied is not None else []
        own = found_images(message, us)
        if replied is not None and not shown and not own:
            hidden = not self._sees_all and message.guild is not None and replied.author.id != us
            raise ImageHiddenError if hidden else NoImageThereError
        job = await self._job(message, job_id) if job_id is not None else None
        return _Ask(message=message, mode=mode, typed=typed, said=said, shown=shown, own=own, job_id=job_id, job=job)

    async def _replied(self, message: discord.Message, *, needed: bool) -> discord.Message | None:
        """The message that was replied to, that one alone however long the chain. Raises RepliedMessageGoneError."""
        reference = message.reference
        if reference is None or message.type is not discord.MessageType.reply or reference.message_id is None:
            return None
        if isinstance(reference.resolved, discord.Message):
            return reference.resolved
        if reference.resolved is None and (needed or self._client.user in message.mentions):
            try:
                return await message.channel.fetch_message(reference.message_id)
            except discord.HTTPException as trouble:
                _log.info("message %s: what it replies to is not there (%s)", message.id, trouble.status)
        if needed:
            raise RepliedMessageGoneError
        return None

    async def _job(self, message: discord.Message, job_id: str) -> Job | None:
        """The result's job; its image serves without one. Raises JobGoneError for another server's.

        What was ordered in a server and came as a direct message is its member's there, too.
        """
        try:
            job = await self._studio.job(job_id)
        except JobGoneError:
            return None
        is_own = message.guild is None and job.order.member_id == message.author.id
        if job.order.scope != scope_in(message) and not is_own:
            raise JobGoneError
        return job

    def _order(self, ask: _Ask) -> Order:
        """The order with every image in it."""
        depth = (ask.job.order.depth if ask.job is not None else 0) + 1 if ask.job_id is not None else 0
        return Order(
            scope=scope_in(ask.message),
            guild_id=ask.message.guild.id if ask.message.guild else None,
            channel_id=ask.message.channel.id,
            member_id=ask.message.author.id,
            prompt=ask.said.prompt,
            model=ask.said.model or "",
            choices=ask.said.choices,
            references=(*ask.shown, *ask.own),
            depth=depth,
            message_id=ask.message.id,
        )

    async def _answer_words(self, ask: _Ask) -> None:
        """A mention without any image may be a question to people, so it costs nothing until its author says so."""
        if LINK.search(ask.said.prompt):
            raise LinkGivenError
        await self._offer(ask.message, self._order(ask), texts.offer_make(OFFER_LIFE), texts.make_this)

    async def _offer_choice(self, ask: _Ask) -> None:
        """It is not clear which image of a result is meant; the choice says yes to the price, too."""
        order = self._order(ask)
        credit = await self._desk.price(
            _of(order, [ask.shown[0], *ask.own]), asker_in(ask.message), where_in(ask.message)
        )
        offer = self._offers.make(order, OFFER_LIFE)
        view = views.choice(texts.offer_choice(credit), offer.id, len(ask.shown))
        await self._say(ask.message, view, OFFER_LIFE)

    async def _offer(self, message: discord.Message, order: Order, text: str, label: Callable[[int], str]) -> None:
        credit = await self._desk.price(order, asker_in(message), where_in(message))
        offer = self._offers.make(order, OFFER_LIFE)
        await self._say(message, views.offer(text, offer.id, label(credit)), OFFER_LIFE)

    async def _say(self, message: discord.Message, view: discord.ui.LayoutView, seconds: float) -> None:
        """A short message under theirs, for a while."""
        said = await reply_to_message(message, view)
        self._fleeting.remove_later(said.delete, seconds)

    async def _refuse(self, message: discord.Message, error: Exception) -> None:
        if isinstance(error, TROUBLES) and is_passing(error):
            _log.warning("message %s: %s", message.id, type(error).__name__)
        elif isinstance(error, BotError):
            _log.info("message %s refused: %s", message.id, error.code)
        elif not isinstance(error, discord.Forbidden):
            _log.error("message %s: a defect", message.id, exc_info=error)
        told = error if isinstance(error, BotError) else UnexpectedError()
        await self._ask_back(message, views.note(texts.explain(told)), REFUSAL_LIFE)

    async def _ask_back(self, message: discord.Message, view: discord.ui.LayoutView, seconds: float) -> None:
        """The last thing that can be said in its channel."""
        try:
            await self._say(message, view, seconds)
        except TROUBLES as trouble:
            _log.info("message %s could not be answered (%s)", message.id, type(trouble).__name__)
            if message.guild is not None and isinstance(trouble, discord.Forbidden):
                await answer_elsewhere(message)


def _is_at_once(ask: _Ask) -> bool:
    is_own = ask.job is not None and ask.job.order.member_id == ask.message.author.id
    return is_own or ask.typed or ask.said.has_options or ask.mode is Mode.EVERYONE


def _named(ask: _Ask) -> Sequence[Reference]:
    """The image that the message names, else all. Raises NoSuchImageError."""
    which, there = ask.said.which, len(ask.shown)
    if which is None or there < 2:  # noqa: PLR2004 - with one image nothing needs a name
        return ask.shown
    if which > there:
        raise NoSuchImageError(named=which, there=there)
    return [ask.shown[which - 1 if which > 0 else which]]


def _of(order: Order, references: Sequence[Reference]) -> Order:
    """The order with these images; the first of the bot's own is the one that it changes."""
    parent = references[0].made if references and order.depth else None
    return replace(order, references=tuple(references), parent=parent)
