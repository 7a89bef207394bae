"""Work that a person may call off, or that must end in time."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")

BOOKS_TIMEOUT = 1.0
"""Seconds for a look at the books, or a change; Discord wants its first answer within three."""


async def unless(called_off: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The work's result, or None when it was called off by then; the work is then cancelled and over."""
    if called_off.is_set():
        work.close()
        return None
    task = asyncio.ensure_future(work)
    stop = asyncio.ensure_future(called_off.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        return None if stop.done() else task.result()
    finally:
        task.cancel()
        stop.cancel()
        await asyncio.wait({task, stop})


@asynccontextmanager
async def within(seconds: float, otherwise: Exception) -> AsyncGenerator[None]:
    """Raise `otherwise` when the time is over. A TimeoutError from elsewhere stays what it is: a defect."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError:
        if limit.expired():
            raise otherwise from None
        raise
