"""Baskets: pictures that members collect from messages, to blend them."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.baskets import Collected
from bot.domain.catalogue import Catalogue
from bot.domain.errors import BooksBusyError
from bot.domain.order import Reference
from bot.service.ports import Clock
from bot.service.racing import BOOKS_TIMEOUT, within


class BasketStore(Protocol):
    """Pictures that members collect; a basket is one member's in one scope."""

    async def pictures(self, scope: str, member_id: int, now: float) -> list[Collected]:
        """What is in the basket, in order."""
        ...

    async def add(self, scope: str, member_id: int, found: Sequence[Reference], most: int, now: float) -> int:
        """Put pictures at the end, each once; returns how many were new. All or none: raises BasketFullError."""
        ...

    async def take_out(self, scope: str, member_id: int, ids: Sequence[int]) -> None:
        """Remove these; those that are gone already are well."""
        ...

    async def clear(self, scope: str, member_id: int) -> None:
        """Remove all."""
        ...

    async def move_up(self, scope: str, member_id: int, picture_id: int) -> None:
        """Let a picture change places with the one before it; the first stays."""
        ...


class Baskets:
    """A basket holds as many pictures as the model that takes the most. Every call may raise BooksBusyError."""

    def __init__(self, store: BasketStore, catalogue: Catalogue, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.most = max(model.max_references for model in catalogue.models.values())

    async def pictures(self, scope: str, member_id: int) -> list[Collected]:
        """What is in a basket, in order."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return await self._store.pictures(scope, member_id, self._clock())

    async def add(self, scope: str, member_id: int, found: Sequence[Reference]) -> int:
        """All or none; returns how many were new. Raises BasketFullError."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            return await self._store.add(scope, member_id, found, self.most, self._clock())

    async def take_out(self, scope: str, member_id: int, ids: Sequence[int]) -> None:
        """Remove these."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            await self._store.take_out(scope, member_id, ids)

    async def clear(self, scope: str, member_id: int) -> None:
        """Remove all."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            await self._store.clear(scope, member_id)

    async def move_up(self, scope: str, member_id: int, picture_id: int) -> None:
        """One place forward."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            await self._store.move_up(scope, member_id, picture_id)
