"""fal-client behind one door: submit at most once, cancel, upload, at addresses that the settings name.

fal-client 1.0.3 sends a paid POST again, up to ten times, when its connection breaks or times out, and has no setting
for addresses or for that. Both are mended in a transport of ours. Private names of fal-client used here, and held by
tests/contract/test_fal_client_names.py: AsyncClient._client, ._cdn_client, ._token_manager,
AsyncCDNTokenManager._refresh_token, ._url and ._headers, client.CDNToken, client.AsyncBackupDomainTransport, and the
addresses client.QUEUE_URL_FORMAT, REST_URL and CDN_URL.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import aiohttp
import fal_client
import fal_client.client as vendor
import httpx
from fal_client.auth import AuthCredentials

from bot.adapters.fal_errors import meaning
from bot.adapters.fal_http import ACCEPT_ENCODING, AiohttpTransport
from bot.domain.errors import FalDownError, GenerationError, SubmitUnansweredError
from bot.domain.job import Ticket

_log = logging.getLogger(__name__)

SUBMIT_TIMEOUT = 60.0
"""Seconds that fal may be silent. A submit as a whole takes at most twice that, also when its answer trickles."""
Priority = Literal["normal", "low"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where fal's services are: base addresses without a slash at the end."""

    queue: str
    rest: str
    cdn: str
    api: str


class _UnansweredError(Exception):
    """The submit may have reached fal. Not an httpx error, so that fal-client does not send it again."""


class _RefusedOnceError(Exception):
    """The submit failed in a way that fal-client would answer with another try; whether to try is the service's rule."""

    def __init__(self, error: GenerationError) -> None:
        super().__init__(type(error).__name__)
        self.error = error


class _Transport(httpx.AsyncBaseTransport):
    """Sends each request to the configured address, and a submit at most once."""

    def __init__(self, addresses: Addresses, session: aiohttp.ClientSession, timeout: float) -> None:
        self._inner = vendor.AsyncBackupDomainTransport(transport=AiohttpTransport(session))
        self._longest = 2 * timeout
        self._moves = {
            httpx.URL(vendor.QUEUE_URL_FORMAT): httpx.URL(addresses.queue),
            httpx.URL(vendor.REST_URL): httpx.URL(addresses.rest),
            httpx.URL(vendor.CDN_URL): httpx.URL(addresses.cdn),
        }
        self._queue_host = httpx.URL(vendor.QUEUE_URL_FORMAT).host

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        is_submit = request.method == "POST" and request.url.host == self._queue_host
        self._move(request)
        if not is_submit:
            return await self._inner.handle_async_request(request)
        try:
            async with asyncio.timeout(self._longest):
                response = await self._inner.handle_async_request(request)
                content = await response.aread()
        except httpx.ConnectError:  # not a byte of the request has left: trying again cannot pay twice
            raise _RefusedOnceError(FalDownError(unsent=True)) from None
        except (httpx.HTTPError, TimeoutError) as error:
            raise _UnansweredError(type(error).__name__) from None
        _refuse_replay(response, content)
        return httpx.Response(response.status_code, headers=response.headers, content=content)

    def _move(self, request: httpx.Request) -> None:
        for standard, actual in self._moves.items():
            if request.url.host == standard.host:
                path = actual.raw_path.rstrip(b"/") + request.url.raw_path
                request.url = request.url.copy_with(
                    scheme=actual.scheme, host=actual.host, port=actual.port, raw_path=path
                )
                request.headers["Host"] = actual.netloc.decode("ascii")
                return

    async def aclose(self) -> None:
        await self._inner.aclose()


def _refuse_replay(response: httpx.Response, content: bytes) -> None:
    """Keep fal-client from answering these statuses with another paid POST.

    A 503 without a request id was turned away at the door; any other 5xx may have come after fal took the request.
    """
    status = response.status_code
    if status in {408, 409, 429} or (status == 503 and "x-fal-request-id" not in response.headers):  # noqa: PLR2004 - as said above
        raise _RefusedOnceError(meaning(status, _json(content), response.headers, at_submit=True))
    if status >= 500:  # noqa: PLR2004 - any other server error
        raise _UnansweredError(f"http_{status}")


def _json(content: bytes) -> object:
    try:
        return httpx.Response(200, content=content).json()
    except ValueError:
        return None


class _TokenManager(vendor.AsyncCDNTokenManager):
    """Upload tokens over our client: the vendor's own would go to the standard address."""

    def __init__(self, auth: AuthCredentials, client: httpx.AsyncClient) -> None:
        super().__init__(auth)
        self._client = client

    async def _refresh_token(self) -> vendor.CDNToken:
        response = await self._client.post(self._url, headers=self._headers, json={})
        response.raise_for_status()
        data = response.json()
        return vendor.CDNToken(
            token=data["token"],
            token_type=data["token_type"],
            base_upload_url=data["base_url"],
            expires_at=datetime.fromisoformat(data["expires_at"]),
        )


class FalClient(fal_client.AsyncClient):
    """fal-client with our transport. Close it with `aclose`; the session stays its owner's."""

    def __init__(self, key: str, addresses: Addresses, session: aiohttp.ClientSession, timeout: float) -> None:
        super().__init__(key=key, default_timeout=timeout)
        auth = AuthCredentials("Key", key)
        agent = {"User-Agent": vendor.USER_AGENT, "Accept-Encoding": ACCEPT_ENCODING}
        transport = _Transport(addresses, session, timeout)
        self.queue = httpx.AsyncClient(
            transport=transport, headers={"Authorization": auth.header_value, **agent}, timeout=timeout
        )
        self._files = httpx.AsyncClient(transport=transport, headers=agent, timeout=timeout)
        self._tokens = _TokenManager(auth, self._files)

    @property
    async def _client(self) -> httpx.AsyncClient:  # pyright: ignore[reportIncompatibleVariableOverride] - awaited there as here
        return self.queue

    @property
    async def _token_manager(self) -> vendor.AsyncCDNTokenManager:  # pyright: ignore[reportIncompatibleVariableOverride] - the same
        return self._tokens

    @asynccontextmanager
    async def _cdn_client(self) -> AsyncGenerator[httpx.AsyncClient]:
        yield self._files

    async def aclose(self) -> None:
        """Close the connections; the vendor's class has no such call."""
        await self.queue.aclose()
        await self._files.aclose()


class FalDoor:
    """submit, cancel and upload, in the domain's errors."""

    def __init__(
        self,
        key: str,
        addresses: Addresses,
        session: aiohttp.ClientSession,
        *,
        keep_outputs_days: int,
        priority: Priority,
        timeout: float = SUBMIT_TIMEOUT,
    ) -> None:
        """`priority`: where in fal's queue requests stand."""
        self._client = FalClient(key, addresses, session, timeout)
        self._priority: Priority = priority
        seconds = keep_outputs_days * 24 * 3600
        self._headers = {"X-Fal-Object-Lifecycle-Preference": f'{{"expiration_duration_seconds": {seconds}}}'}

    async def submit(self, endpoint: str, arguments: Mapping[str, object]) -> fal_client.AsyncRequestHandle:
        """Send a request. Raises SubmitUnansweredError when it may have arrived, else what fal refused."""
        try:
            return await self._client.submit(endpoint, dict(arguments), priority=self._priority, headers=self._headers)
        except _UnansweredError:
            raise SubmitUnansweredError(may_be_billed=True) from None
        except _RefusedOnceError as refused:
            raise refused.error from None
        except fal_client.FalClientHTTPError as error:
            raise _meaning(error, at_submit=True) from None
        except Exception as error:  # noqa: BLE001 - the boundary of the paid POST: a 2xx that is no receipt, or a defect
            _log.warning("submit: %s", type(error).__name__)
            raise SubmitUnansweredError(may_be_billed=True) from None

    async def cancel(self, ticket: Ticket) -> None:
        """Ask fal to cancel. That it is too late is no error: the result tells. Raises GenerationError."""
        request = fal_client.AsyncRequestHandle(
            request_id=ticket.request_id,
            response_url=ticket.response_url,
            status_url=ticket.status_url,
            cancel_url=ticket.cancel_url,
            client=self._client.queue,
        )
        try:
            await request.cancel()
        except fal_client.FalClientHTTPError as error:
            if error.status_code not in {400, 404}:
                raise _meaning(error, at_submit=False) from None
        except httpx.HTTPError:
            raise FalDownError from None

    async def upload(self, path: Path, content_type: str) -> str:
        """Keep a file at fal for a day and return its address. Raises GenerationError."""
        try:
            return await self._client.upload(
                await asyncio.to_thread(path.read_bytes),
                content_type,
                path.name,
                repository="fal_v3",
                # Without this the vendor falls back to a store that is sent the key.
                fallback_repository="fal_v3",
                lifecycle=fal_client.StorageSettings(expires_in="1d"),
            )
        except fal_client.FalClientHTTPError as error:
            raise _meaning(error, at_submit=True) from None
        except httpx.HTTPStatusError as error:
            raise meaning(error.response.status_code, None, error.response.headers, at_submit=True) from None
        except (httpx.HTTPError, KeyError, TypeError, ValueError):
            raise FalDownError from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _meaning(error: fal_client.FalClientHTTPError, *, at_submit: bool) -> GenerationError:
    return meaning(error.status_code, _json(error.response.content), error.response.headers, at_submit=at_submit)
