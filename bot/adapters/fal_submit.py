"""fal-client behind one door: submit at most once, cancel, upload, at addresses that the settings name.

fal-client 1.0.3 sends a paid POST again, up to ten times, when its connection breaks or times out, and has no setting
for addresses or for that. Both are mended in what takes its requests here. Private names of fal-client used here, and held by
tests/contract/test_fal_client_names.py: AsyncClient._client, ._cdn_client, ._token_manager,
AsyncCDNTokenManager._refresh_token, ._url and ._headers, client.CDNToken, client._fallback_url, and the addresses
client.QUEUE_URL_FORMAT, REST_URL and CDN_URL.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Unpack, cast

import aiohttp
import fal_client
import fal_client.client as vendor
import httpx
from fal_client.auth import AuthCredentials

from bot.adapters.fal_errors import meaning
from bot.adapters.fal_http import Given, HttpClient
from bot.domain.errors import FalDownError, GenerationError, SubmitUnansweredError
from bot.domain.job import Ticket
from bot.domain.ledger import DAY

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


class _Requests:
    """What fal-client sends: to the configured address, and a submit at most once."""

    def __init__(self, http: HttpClient, addresses: Addresses, timeout: float) -> None:
        self._http = http
        self._longest = 2 * timeout
        self._moves = {
            vendor.QUEUE_URL_FORMAT.rstrip("/"): addresses.queue,
            vendor.REST_URL: addresses.rest,
            vendor.CDN_URL: addresses.cdn,
        }

    async def request(self, method: str, url: str, **given: Unpack[Given]) -> httpx.Response:
        """As httpx's, with what fal-client gives. A submit raises what fal-client lets through."""
        if not (method == "POST" and url.startswith(vendor.QUEUE_URL_FORMAT)):
            return await self._sent(method, url, given)
        try:
            async with asyncio.timeout(self._longest):
                response = await self._sent(method, url, given)
        except httpx.ConnectError:  # not a byte of the request has left: trying again cannot pay twice
            raise _RefusedOnceError(FalDownError(unsent=True)) from None
        except (httpx.HTTPError, TimeoutError) as error:
            raise _UnansweredError(type(error).__name__) from None
        _refuse_replay(response)
        return response

    async def _sent(self, method: str, url: str, given: Given) -> httpx.Response:
        """Where fal has a second domain for the address, that one when the first cannot be reached."""
        for standard, actual in self._moves.items():
            if url.startswith(f"{standard}/"):
                url = actual + url.removeprefix(standard)
                break
        try:
            return await self._http.request(method, url, **given)
        except httpx.ConnectError:
            backup = vendor._fallback_url(httpx.URL(url))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - one of the names above
            if backup is None:
                raise
        _log.warning("fal's first domain cannot be reached; trying %s", backup.host)
        return await self._http.request(method, str(backup), **given)


def _refuse_replay(response: httpx.Response) -> None:
    """Keep fal-client from answering these statuses with another paid POST.

    A 503 without a request id was turned away at the door; any other 5xx may have come after fal took the request.
    """
    status = response.status_code
    if status in {408, 409, 429} or (status == 503 and "x-fal-request-id" not in response.headers):  # noqa: PLR2004 - as said above
        raise _RefusedOnceError(meaning(status, _json(response), response.headers, at_submit=True))
    if status >= 500:  # noqa: PLR2004 - any other server error
        raise _UnansweredError(f"http_{status}")


def _json(response: httpx.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return None


class _TokenManager(vendor.AsyncCDNTokenManager):
    """Upload tokens over our client: the vendor's own would go to the standard address."""

    def __init__(self, auth: AuthCredentials, requests: _Requests) -> None:
        super().__init__(auth)
        self._requests = requests

    async def _refresh_token(self) -> vendor.CDNToken:
        response = await self._requests.request("POST", self._url, headers=self._headers, json={})
        response.raise_for_status()
        data = response.json()
        return vendor.CDNToken(
            token=data["token"],
            token_type=data["token_type"],
            base_upload_url=data["base_url"],
            expires_at=datetime.fromisoformat(data["expires_at"]),
        )


class FalClient(fal_client.AsyncClient):
    """fal-client with our requests. The session stays its owner's."""

    def __init__(self, key: str, addresses: Addresses, session: aiohttp.ClientSession, timeout: float) -> None:
        super().__init__(key=key, default_timeout=timeout)
        auth = AuthCredentials("Key", key)
        agent = {"User-Agent": vendor.USER_AGENT}
        self._keyed = _Requests(
            HttpClient(session, {"Authorization": auth.header_value, **agent}, timeout), addresses, timeout
        )
        self._keyless = _Requests(HttpClient(session, agent, timeout), addresses, timeout)
        self._tokens = _TokenManager(auth, self._keyless)

    @property
    def queue(self) -> httpx.AsyncClient:
        """What fal-client calls `request` of, and nothing else."""
        return cast("httpx.AsyncClient", self._keyed)

    @property
    async def _client(self) -> httpx.AsyncClient:  # pyright: ignore[reportIncompatibleVariableOverride] - awaited there as here
        return self.queue

    @property
    async def _token_manager(self) -> vendor.AsyncCDNTokenManager:  # pyright: ignore[reportIncompatibleVariableOverride] - the same
        return self._tokens

    @asynccontextmanager
    async def _cdn_client(self) -> AsyncGenerator[httpx.AsyncClient]:
        yield cast("httpx.AsyncClient", self._keyless)


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
        seconds = keep_outputs_days * DAY
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


def _meaning(error: fal_client.FalClientHTTPError, *, at_submit: bool) -> GenerationError:
    return meaning(error.status_code, _json(error.response), error.response.headers, at_submit=at_submit)
