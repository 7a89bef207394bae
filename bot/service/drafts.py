"""Drafts: edits that members are writing in forms, kept so that a form outlives a restart and a refusal."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from bot.domain.drafts import Draft
from bot.domain.errors import BooksBusyError, DraftGoneError, NotYoursError
from bot.service.ports import Clock
from bot.service.racing import BOOKS_TIMEOUT, within


class DraftStore(Protocol):
    """What members are writing in forms."""

    async def keep(self, draft: Draft, now: float) -> None:
        """Keep a draft for its life, from now on (unix seconds)."""
        ...

    async def draft(self, draft_id: str, now: float) -> Draft | None:
        """The draft of that id, while it lives."""
        ...


class Drafts:
    """Every call is bounded: a form must open within Discord's three seconds."""

    def __init__(self, store: DraftStore, clock: Clock, new_id: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id

    async def begin(self, draft: Draft) -> Draft:
        """Keep a new draft, under an id of its own. Raises BooksBusyError."""
        draft = replace(draft, id=self._new_id())
        await self.keep(draft)
        return draft

    async def keep(self, draft: Draft) -> None:
        """Keep what was typed. Raises BooksBusyError."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            await self._store.keep(draft, self._clock())

    async def draft(self, draft_id: str, scope: str, member_id: int) -> Draft:
        """A member's own draft. Raises DraftGoneError, NotYoursError, BooksBusyError."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            draft = await self._store.draft(draft_id, self._clock())
        if draft is None:
            raise DraftGoneError
        if (draft.scope, draft.member_id) != (scope, member_id):
            raise NotYoursError
        return draft
