"""The desk: an order is checked, priced and held in the books before anything else happens to it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from bot.domain.asking import Asker, Where, is_person
from bot.domain.catalogue import Catalogue
from bot.domain.conduct import Block
from bot.domain.errors import (
    BlockedError,
    BooksBusyError,
    ChannelClosedError,
    NeedsGoAheadError,
    NoLogChannelError,
    PersonalOffError,
    PictureKeptError,
    RefusedError,
)
from bot.domain.job import Approval, Job, Reply
from bot.domain.journal import Refused
from bot.domain.ledger import Standing
from bot.domain.order import Order, Request
from bot.domain.policy import Effective, House, authors_asked, effective, objections, settled
from bot.domain.preferences import Preferences, check_preferences, filled
from bot.domain.purse import Server
from bot.domain.references import check_declared
from bot.domain.rules import Rules
from bot.domain.words import WordRule
from bot.service.offers import Offers
from bot.service.people import People
from bot.service.points import Point, nothing
from bot.service.ports import Clock, JobStore
from bot.service.purse import Purse
from bot.service.racing import BOOKS_TIMEOUT, within
from bot.service.ruling import unheard
from bot.service.stores import History, PictureKeepers, PreferencesStore, RulesStore
from bot.service.word_ports import Words

TAKE_TIMEOUT = 2.0
"""Seconds for all looks of one order together: each may be in time, and the answer too late."""
COUNT_TIMEOUT = 0.5
"""Seconds for the count of a refusal."""
SEEDS = 2**31
ASKED_FOR = 300.0
"""Seconds that a costly order waits for its member's word."""


class Refusals(Protocol):
    """Counts how often the desk says no."""

    async def count_refusal(self, scope: str, member_id: int, code: str, now: float) -> None:
        """One more, of the error with that code."""
        ...


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the books say about a member and their server."""

    block: Block | None
    rules: Rules
    server: Server | None
    preferences: Preferences

    def check_block(self) -> None:
        """Raises BlockedError."""
        if self.block is not None:
            until = None if self.block.until is None else int(self.block.until)
            raise BlockedError(until=until, reason=self.block.reason)


class Desk:
    """Takes orders in."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        store: JobStore,
        rules: RulesStore,
        purse: Purse,
        refusals: Refusals,
        words: Words,
        people: People,
        offers: Offers,
        keepers: PictureKeepers,
        preferences: PreferencesStore,
        history: History,
        house: House,
        can_ask: Callable[[int, int], bool],
        clock: Clock,
        new_id: Callable[[], str],
        new_seed: Callable[[], int],
        note: Callable[[Refused], None] = unheard,
        reached: Callable[[Point], None] = nothing,
    ) -> None:
        self.catalogue = catalogue
        self._store = store
        self._rules = rules
        self._purse = purse
        self._refusals = refusals
        self._words = words
        self._people = people
        self._offers = offers
        self._keepers = keepers
        self._preferences = preferences
        self._history = history
        self._house = house
        self._can_ask = can_ask
        self._clock = clock
        self._new_id = new_id
        self._new_seed = new_seed
        self._note = note
        self._reached = reached

    async def take(
        self, order: Order, asker: Asker, where: Where, reply: Reply | None = None, *, confirmed: bool = False
    ) -> Job:
        """Check the order and hold its credits. Raises RefusedError; then nothing is held, and it is counted.

        `order.model` may be empty: the one that is usual there. `confirmed`: its member has seen the price and goes
        ahead; else a costly order becomes an offer, and NeedsGoAheadError has its id.
        """
        try:
            async with within(TAKE_TIMEOUT, BooksBusyError()):
                return await self._take(order, asker, where, reply, confirmed=confirmed)
        except (BooksBusyError, NeedsGoAheadError):
            raise
        except RefusedError as error:
            with suppress(BooksBusyError):  # the answer does not wait for the count
                async with within(COUNT_TIMEOUT, BooksBusyError()):
                    await self._refusals.count_refusal(order.scope, order.member_id, error.code, self._clock())
            self._note(Refused(order=order, error=error))
            raise

    async def _take(self, order: Order, asker: Asker, where: Where, reply: Reply | None, *, confirmed: bool) -> Job:
        seen, word = await self._looks(order, asker)
        seen.check_block()
        holds = self._effective(seen, order.scope, asker, where)
        order, request, credit = await self._checked(order, asker, holds, seen, word)
        if holds.confirm_above is not None and credit > holds.confirm_above and not confirmed:
            offer = self._offers.make(order, ASKED_FOR)
            raise NeedsGoAheadError(credits=credit, above=holds.confirm_above, offer_id=offer.id)
        job = Job(
            id=self._new_id(),
            order=replace(order, age_restricted=where.age_restricted),
            request=request,
            credits=credit,
            created_at=self._clock(),
            approval=Approval(channel_id=holds.log_channel) if holds.approval.value and holds.log_channel else None,
            reply=reply,
        )
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            held = await self._store.hold(job, holds.limits)
        self._reached(Point.HELD)
        return held

    async def price(self, order: Order, asker: Asker, where: Where) -> int:
        """Credits that the order would hold now. Raises RefusedError when it would not be taken, whatever is left."""
        seen, word = await self._looks(order, asker)
        _, _, credit = await self._checked(order, asker, self._effective(seen, order.scope, asker, where), seen, word)
        return credit

    async def _looks(self, order: Order, asker: Asker) -> "tuple[_Seen, WordRule | RefusedError | None]":
        """What an order is checked against, and the first word rule that it breaks, or why that is not known."""

        async def word() -> WordRule | RefusedError | None:
            # What people will read: an upscale's own prompt is the bot's, but its title repeats a member's words.
            try:
                async with within(BOOKS_TIMEOUT, BooksBusyError()):
                    return await self._words.first(order.scope, order.title.strip())
            except RefusedError as error:  # other reasons go before this one
                return error

        return await asyncio.gather(self._look(order.scope, asker.member_id), word())

    async def _checked(
        self, order: Order, asker: Asker, holds: Effective, seen: "_Seen", word: WordRule | RefusedError | None
    ) -> tuple[Order, Request, int]:
        """The order as it holds here, its request and price; everything but the books. Raises RefusedError."""
        if is_person(order.scope) and not self._house.person_day:
            raise PersonalOffError
        self._purse.check(seen.server)
        order = self._filled(replace(order, prompt=order.prompt.strip()), asker, holds, seen.preferences)
        order = settled(order, holds, self.catalogue)
        request, credit = self._priced(order, holds)
        if isinstance(word, RefusedError):
            raise word
        found = objections(order, request, holds=holds, catalogue=self.catalogue, asker=asker, word=word)
        if authors := authors_asked(order, asker):
            async with within(BOOKS_TIMEOUT, BooksBusyError()):
                if await self._keepers.keepers(authors):
                    found.append(PictureKeptError())
        if holds.approval.value and not self._can_ask(order.guild_id or 0, holds.log_channel or 0):
            found.append(NoLogChannelError())
        if found:
            found[0].also = tuple(found[1:])
            raise found[0]
        return order, request, credit

    def _filled(self, order: Order, asker: Asker, holds: Effective, preferences: Preferences) -> Order:
        """With its member's preferences; none of them makes an order fail that would be taken without."""

        def is_taken(candidate: Order) -> bool:
            try:
                candidate = settled(candidate, holds, self.catalogue)
                request, _ = self._priced(candidate, holds)
            except RefusedError:
                return False
            return not objections(candidate, request, holds=holds, catalogue=self.catalogue, asker=asker)

        if order.filled:
            return order
        return filled(order, preferences, is_taken)

    def _priced(self, order: Order, holds: Effective) -> tuple[Request, int]:
        """The request and its credits. A tolerance that nobody chose is made stricter quietly."""
        for reference in order.references:
            check_declared(reference)
        tolerance = holds.safety.value if order.choices.safety is None else self._house.max_tolerance
        request = self.catalogue.request(order, max_tolerance=tolerance, seed=self._new_seed())
        return request, self.catalogue.model(order.model).cost(request.arguments, request.images)

    async def finished(self, scope: str, member_id: int, words: str, *, most: int, skipped: int) -> list[Job]:
        """A member's results, the newest first; with words only those whose prompt has them."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return await self._history.finished(scope, member_id, words, most=most, skipped=skipped)

    async def models(self, scope: str, asker: Asker, where: Where) -> Sequence[str]:
        """Those that may be used there, first the member's own usual one where it is allowed, else the server's."""
        seen = await self._look(scope, asker.member_id)
        holds, wanted = self._effective(seen, scope, asker, where), seen.preferences.model
        usual = wanted if wanted in holds.models.value else holds.default_model
        return (usual, *(name for name in self.catalogue.models if name in holds.models.value and name != usual))

    async def preferences(self, member_id: int) -> Preferences:
        """What a member usually wants."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return await self._preferences.preferences(member_id)

    async def prefer(self, member_id: int, preferences: Preferences) -> None:
        """Store what a member usually wants. Raises UnknownModelError, BadChoiceError."""
        check_preferences(preferences, self.catalogue)
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            await self._preferences.set_preferences(member_id, preferences)

    async def check_welcome(self, scope: str, asker: Asker, where: Where) -> None:
        """A member may have images shown in a channel, made already or not. Raises BlockedError, ChannelClosedError."""
        seen = await self._look(scope, asker.member_id)
        seen.check_block()
        if not self._effective(seen, scope, asker, where).open.value:
            raise ChannelClosedError

    async def rules(self, scope: str) -> Rules:
        """What a server's moderators have set; read anew, so that a change holds at once."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return (await self._rules.rules(scope)).rules

    async def effective(self, scope: str, asker: Asker, where: Where) -> Effective:
        """What holds for a member in a channel, and where each value comes from."""
        return self._effective(await self._look(scope, asker.member_id), scope, asker, where)

    def _effective(self, seen: "_Seen", scope: str, asker: Asker, where: Where) -> Effective:
        house = self._purse.bound(self._house, scope, seen.server)
        return effective(seen.rules, asker=asker, where=where, house=house, catalogue=self.catalogue)

    async def _look(self, scope: str, member_id: int) -> "_Seen":
        # Together only for speed: one by one, each is a hop to the reader's thread and back, 0.3 ms of CPU.
        block, rules, server, preferences = await asyncio.gather(
            self._people.block_of(scope, member_id),
            self.rules(scope),
            self._purse.server(scope),
            self.preferences(member_id),
        )
        return _Seen(block, rules, server, preferences)

    async def jobs(self, scope: str, member_id: int, most: int) -> list[Job]:
        """A member's jobs, the newest first."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return await self._store.of_member(scope, member_id, most)

    async def standing(self, scope: str, asker: Asker, where: Where) -> Standing:
        """What a member and their server have left."""
        limits = (await self.effective(scope, asker, where)).limits
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return await self._store.standing(scope, asker.member_id, limits, self._clock())
