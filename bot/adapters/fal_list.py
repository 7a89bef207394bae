"""fal's own list of requests: where a submit whose answer was lost can be found again.

Source: api.fal.ai/v1/models/requests/by-endpoint, seen in public clients in 2026. That a request in progress is listed
is not documented: not listed therefore means unknown, never absent.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
from pydantic import BaseModel, ValidationError

from bot.adapters.fal_errors import meaning
from bot.domain.errors import FalDownError
from bot.domain.order import Request

PAGE = 100
MOST_PAGES = 50
TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)


class _Item(BaseModel):
    request_id: str
    json_input: dict[str, Any] | None = None


class _Page(BaseModel):
    items: list[Any]
    next_cursor: str | None = None
    has_more: bool = False


class FalList:
    """Looks requests up over an injected session."""

    def __init__(self, session: aiohttp.ClientSession, key: str, api: str) -> None:
        self._session = session
        self._headers = {"Authorization": f"Key {key}"}
        self._url = f"{api}/v1/models/requests/by-endpoint"

    async def find(self, request: Request, since: float, until: float) -> list[str]:
        """The ids of all requests like this one, sent in that window: the same, else those with its seed and prompt."""
        same, alike = list[str](), list[str]()
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._page(request.endpoint, since, until, cursor)
            for item in _readable(page.items):
                if _agree(item, request, request.arguments):
                    same.append(item.request_id)
                elif "seed" in request.arguments and _agree(item, request, ("seed", "prompt")):
                    alike.append(item.request_id)
            cursor = page.next_cursor
            if not page.has_more or cursor is None:
                break
        return list(dict.fromkeys(same or alike))

    async def _page(self, endpoint: str, since: float, until: float, cursor: str | None) -> _Page:
        parameters = {
            "endpoint_id": endpoint,
            "start": _iso(since),
            "end": _iso(until),
            "expand": "payloads",
            "limit": str(PAGE),
        } | ({"cursor": cursor} if cursor else {})
        try:
            async with self._session.get(
                self._url, params=parameters, headers=self._headers, timeout=TIMEOUT, allow_redirects=False
            ) as response:
                if response.status != 200:  # noqa: PLR2004 - the one good status
                    raise meaning(response.status, None, response.headers, at_submit=True)
                return _Page.model_validate_json(await response.read())
        except (aiohttp.ClientError, TimeoutError, ValidationError):
            raise FalDownError from None


def _readable(items: Iterable[object]) -> Iterator[_Item]:
    """What cannot be read is of others: ours is as it was sent, and must be found beside it."""
    for item in items:
        try:
            yield _Item.model_validate(item)
        except ValidationError:
            continue


def _agree(item: _Item, request: Request, names: Iterable[str]) -> bool:
    """Whether both have the same under these names; what fal added to its record does not matter."""
    listed = item.json_input or {}
    return all(listed.get(name) == request.arguments[name] for name in names)


def _iso(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat().replace("+00:00", "Z")
