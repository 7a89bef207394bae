"""Watching requests and reading results at fal, many at once over one aiohttp session.

Why not fal-client here: its polling costs 1 to 5 ms of CPU per request and grows with what runs beside it; aiohttp's
0.2 ms do not (measured on two cores).
"""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy
from pydantic import BaseModel, ValidationError

from bot.adapters.fal_errors import BILLABLE, meaning
from bot.adapters.fal_stream import NoStreamError, Streams
from bot.domain.errors import (
    AccountError,
    EndpointGoneError,
    FalBusyError,
    FalDownError,
    GenerationError,
    GenerationTimeoutError,
    NoImageMadeError,
)
from bot.service.ports import Completed, ImageLink, InProgress, InQueue, Result, Sleep, Status

FIRST_PAUSE, LONGEST_PAUSE, PAUSE_GROWTH = 0.5, 2.0, 1.3
"""Seconds between two looks at a request without a stream; young ones are looked at more often."""
MOST_LOOKS = 32
"""Looks, at most, before a stream that broke is opened again: one at first, then twice as many each time."""
TROUBLE_PAUSE = 10.0
"""Seconds: the longest wait after looks that failed."""
GONE_AFTER = 10
"""Looks in a row that answer 404 before the request counts as unknown."""
RESULT_LOOKS = 5
"""Answers of fal's own that say 5xx or 404 before one of them counts as the request's end."""
TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)


class _StatusAnswer(BaseModel):
    status: str
    queue_position: Any = None
    error: Any = None
    """What a request that failed says here, too. Source: fal_client 1.0.3, client.py, class Completed.

    Of any type, like the position: an answer that is never understood would keep its job waiting for ever.
    """

    @property
    def meaning(self) -> Status:
        match self.status:
            case "IN_QUEUE":
                ahead = self.queue_position
                return InQueue(ahead if isinstance(ahead, int) and ahead >= 0 else None)
            case "COMPLETED":
                return Completed()
            case _:
                return InProgress()


class _File(BaseModel):
    url: str
    content_type: Any = None


class _ResultAnswer(BaseModel):
    images: list[Any]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: CIMultiDictProxy[str]
    body: Any

    @property
    def is_object(self) -> bool:
        """Whether it is a JSON object, as all of fal's own are."""
        return isinstance(self.body, dict)


@dataclass(slots=True)
class _Looks:
    """Looks at one request: what the last ones met, and when the next is due."""

    troubles: int = 0
    unknown: int = 0
    pause: float = FIRST_PAUSE

    def went_well(self) -> None:
        self.troubles = self.unknown = 0

    def next_pause(self) -> float:
        """Seconds."""
        if self.troubles + self.unknown:
            return _pause_after(self.troubles + self.unknown)
        pause = self.pause
        self.pause = min(LONGEST_PAUSE, pause * PAUSE_GROWTH)
        return pause


class FalWatch:
    """Status and results over an injected session; `headers` authorise."""

    def __init__(
        self, session: aiohttp.ClientSession, headers: Mapping[str, str], streams: Streams, sleep: Sleep
    ) -> None:
        self._session = session
        self._headers = headers
        self._streams = streams
        self._sleep = sleep

    async def statuses(self, status_url: str) -> AsyncGenerator[Status]:
        """Yield each change until Completed; troubles that pass are waited out.

        Raises AccountError, and EndpointGoneError when fal does not know the request.
        """
        last: Status | None = None
        async with aclosing(self._seen(status_url)) as seen:
            async for status in seen:
                if status != last:
                    yield (last := status)
                if isinstance(status, Completed):
                    return

    async def _seen(self, status_url: str) -> AsyncGenerator[Status]:
        """What the stream tells; while there is none, what looks find."""
        looks, breaks, due = _Looks(), 0, 0
        while True:
            refused = False
            if not due and self._streams.may_open:
                try:
                    async with aclosing(self._told(status_url, looks)) as told:
                        async for status in told:
                            yield status
                except NoStreamError as error:
                    refused = error.refused
                due = min(MOST_LOOKS, 2**breaks)
                breaks += 1
            if (status := await self._look(status_url, looks)) is not None:
                if refused:
                    self._streams.refused()
                yield status
            await self._sleep(looks.next_pause())
            due = max(0, due - 1)

    async def _told(self, status_url: str, looks: _Looks) -> AsyncGenerator[Status]:
        """What one stream tells; before its first word the request is looked at. Raises NoStreamError."""
        async with self._streams.opened(status_url) as stream:
            while True:
                for event in await stream.hear():
                    try:
                        told = _StatusAnswer.model_validate_json(event)
                    except ValidationError:
                        raise NoStreamError from None
                    looks.went_well()
                    yield told.meaning
                if not stream.spoke and (status := await self._look(status_url, looks)) is not None:
                    yield status

    async def _look(self, status_url: str, looks: _Looks) -> Status | None:
        """The status; None for a trouble that may pass. Raises as `statuses` does."""
        try:
            status = await self._status(status_url)
        except EndpointGoneError:
            looks.unknown += 1
            if looks.unknown >= GONE_AFTER:
                raise
        except AccountError:
            raise
        except GenerationError:
            looks.troubles += 1
            looks.unknown = 0
        else:
            looks.went_well()
            return status
        return None

    async def result(self, response_url: str) -> Result:
        """What the request yielded. Troubles on the way to fal are waited out: the images are made and paid.

        fal's own 5xx or 404 may pass although the request is done, so it is believed after a few looks only.
        """
        looks = troubles = 0
        while True:
            answer = await self._get(response_url)
            if answer is not None and not _is_passing(answer):
                looks += 1
                try:
                    return _result(answer)
                except (FalDownError, FalBusyError, GenerationTimeoutError, EndpointGoneError):
                    if looks == RESULT_LOOKS:
                        raise
            troubles += 1
            await self._sleep(_pause_after(troubles))

    async def says_failed(self, status_url: str) -> bool:
        """Whether the status itself, which is good to read while the result is not, names an error of the request."""
        answer = await self._get(status_url, params={"logs": "0"})
        try:
            return answer is not None and _StatusAnswer.model_validate(answer.body).error is not None
        except ValidationError:
            return False

    async def _status(self, url: str) -> Status:
        answer = await self._get(url, params={"logs": "0"})
        if answer is None:
            raise FalDownError
        if answer.status >= 300:  # noqa: PLR2004 - 200 and 202 are the good ones
            raise meaning(answer.status, answer.body, answer.headers, at_submit=False)
        try:
            return _StatusAnswer.model_validate(answer.body).meaning
        except ValidationError:
            raise FalDownError from None

    async def _get(self, url: str, params: dict[str, str] | None = None) -> _Answer | None:
        """None when nobody was reached."""
        try:
            async with self._session.get(
                url, params=params, headers=self._headers, timeout=TIMEOUT, allow_redirects=False
            ) as response:
                return _Answer(response.status, response.headers, _parsed(await response.read()))
        except (aiohttp.ClientError, TimeoutError):
            return None


def _pause_after(troubles: int) -> float:
    """Seconds."""
    return min(TROUBLE_PAUSE, FIRST_PAUSE * 2 ** min(troubles, 8))


def _parsed(content: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _is_passing(answer: _Answer) -> bool:
    """Whether this says nothing of the request: fal is too busy to say, or something in front of it spoke.

    fal's own errors are JSON; a web page comes from a proxy.
    """
    match answer.status:
        case 408 | 409 | 429:
            return True
        case 400:
            return answer.body == {"detail": "Request is still in progress"}  # seen at fal; no type tells it
        case _:
            return answer.status >= 500 and not answer.is_object  # noqa: PLR2004 - a server error


def _result(answer: _Answer) -> Result:
    if not answer.is_object and answer.status not in {401, 403, 499}:
        raise FalDownError  # something in front of fal spoke: the result may be there later
    if answer.status != 200:  # noqa: PLR2004 - the one good status
        raise meaning(answer.status, answer.body, answer.headers, at_submit=False)
    try:
        result = _ResultAnswer.model_validate(answer.body)
    except ValidationError:
        raise FalDownError(may_be_billed=True) from None
    units = _units(answer.headers)
    if not result.images:
        raise NoImageMadeError(may_be_billed=units != 0)
    links = tuple(map(_link, result.images))
    if all(link.url is None for link in links):
        raise FalDownError(may_be_billed=True)
    return Result(images=links, units=units)


def _link(image: object) -> ImageLink:
    """One that cannot be read takes no other with it: all of them are paid."""
    try:
        file = _File.model_validate(image)
    except ValidationError:
        return ImageLink(url=None, content_type=None)
    return ImageLink(url=file.url, content_type=file.content_type if isinstance(file.content_type, str) else None)


def _units(headers: CIMultiDictProxy[str]) -> float | None:
    """None where fal names none, or no number that can be."""
    try:
        units = float(headers.get(BILLABLE, ""))
    except ValueError:
        return None
    return units if 0 <= units < float("inf") else None
