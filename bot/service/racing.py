"""Work that a person may call off."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def unless(called_off: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The work's result, or None when it was called off first; the work is then cancelled and over."""
    task = asyncio.ensure_future(work)
    stop = asyncio.ensure_future(called_off.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        stop.cancel()
        await asyncio.wait({task, stop})
