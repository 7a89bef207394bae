"""The ImageBackend port over fal: requests through fal-client, watching through aiohttp."""

import re
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path

import aiohttp
from fal_client import AsyncRequestHandle
from yarl import URL

from bot.adapters.fal_list import FalList
from bot.adapters.fal_stream import StreamLimits, Streams
from bot.adapters.fal_submit import SUBMIT_TIMEOUT, Addresses, FalDoor, Priority
from bot.adapters.fal_watch import FalWatch
from bot.domain.errors import (
    FalBusyError,
    FalDownError,
    GenerationTimeoutError,
    ResultGoneError,
    SubmitUnansweredError,
)
from bot.domain.job import Ticket
from bot.domain.order import Request
from bot.service.ports import Result, Sleep, Status

RESULT_ROUNDS, RESULT_PAUSE = 60, 60.0
"""Rounds of looks at a result that answers with errors the request's status knows nothing of, and seconds between."""
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Fal:
    """fal's queue. The session stays its owner's."""

    def __init__(
        self,
        key: str,
        addresses: Addresses,
        session: aiohttp.ClientSession,
        *,
        keep_outputs_days: int,
        sleep: Sleep,
        streams: StreamLimits,
        priority: Priority = "normal",
        monotonic: Callable[[], float] = time.monotonic,
        submit_timeout: float = SUBMIT_TIMEOUT,
    ) -> None:
        self._addresses = addresses
        self._door = FalDoor(
            key, addresses, session, keep_outputs_days=keep_outputs_days, priority=priority, timeout=submit_timeout
        )
        headers = {"Authorization": f"Key {key}"}
        self._watch = FalWatch(session, headers, Streams(session, headers, streams, monotonic), sleep)
        self._list = FalList(session, key, addresses.api)
        self._sleep = sleep

    async def upload(self, path: Path, content_type: str) -> str:
        """Keep a picture at fal for a day and return its address."""
        return await self._door.upload(path, content_type)

    async def submit(self, request: Request) -> Ticket:
        """Send a request, at most once."""
        handle = await self._door.submit(request.endpoint, request.arguments)
        return ticket_of(request.endpoint, handle, self._addresses.queue)

    def watch(self, ticket: Ticket) -> AsyncGenerator[Status]:
        """Yield the status whenever it changed, until Completed."""
        return self._watch.statuses(ticket.status_url)

    async def result(self, ticket: Ticket) -> Result:
        """What a completed request yielded. A 5xx that fal's status knows nothing of may hide images that were paid."""
        for _ in range(RESULT_ROUNDS):
            try:
                result = await self._watch.result(ticket.response_url)
                break
            except (FalDownError, FalBusyError, GenerationTimeoutError) as error:
                if error.may_be_billed or await self._watch.says_failed(ticket.status_url):
                    raise
                await self._sleep(RESULT_PAUSE)
        else:
            raise ResultGoneError(may_be_billed=True)
        return replace(result, images=tuple(replace(one, url=self._fetchable(one.url)) for one in result.images))

    async def find(self, request: Request, since: float, until: float) -> tuple[Ticket, ...]:
        """Look in fal's own list for requests like this one."""
        ids = await self._list.find(request, since, until)
        return tuple(ticket_from_id(request.endpoint, one, self._addresses.queue) for one in ids)

    def _fetchable(self, url: str | None) -> str | None:
        """fal's files come over TLS from anywhere, or from the configured place; nothing else on this network is read."""
        try:
            given = URL(url or "")
            return url if given.scheme == "https" or given.origin() == URL(self._addresses.cdn).origin() else None
        except ValueError:
            return None

    async def cancel(self, ticket: Ticket) -> None:
        """Ask fal to cancel."""
        await self._door.cancel(ticket)


def ticket_of(endpoint: str, handle: AsyncRequestHandle, queue: str) -> Ticket:
    """fal's receipt, with addresses that lie below the configured queue; the key goes nowhere else.

    Raises SubmitUnansweredError when the receipt names no usable request.
    """
    try:
        built = ticket_from_id(endpoint, handle.request_id, queue)
    except TypeError:  # JSON holds anything under that name
        raise SubmitUnansweredError(may_be_billed=True) from None
    return Ticket(
        request_id=built.request_id,
        status_url=_below(queue, handle.status_url, built.status_url),
        response_url=_below(queue, handle.response_url, built.response_url),
        cancel_url=_below(queue, handle.cancel_url, built.cancel_url),
    )


def ticket_from_id(endpoint: str, request_id: str, queue: str) -> Ticket:
    """A receipt rebuilt from the request's id alone. Raises SubmitUnansweredError when the id is not usable."""
    if not REQUEST_ID.fullmatch(request_id):
        raise SubmitUnansweredError(may_be_billed=True)
    owner, app = endpoint.split("/")[:2]  # fal's request addresses leave a sub-path such as /edit out
    address = f"{queue}/{owner}/{app}/requests/{request_id}"
    return Ticket(
        request_id=request_id,
        status_url=f"{address}/status",
        response_url=address,
        cancel_url=f"{address}/cancel",
    )


def _below(queue: str, given: str, built: str) -> str:
    """fal asks not to build these addresses, so its own are used where they lie below the queue's."""
    return given if str(given).startswith(f"{queue}/") else built  # str: JSON holds anything under that name
