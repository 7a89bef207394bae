"""Files from the network to the disk, in chunks: a file of ours is either absent or complete."""

import asyncio
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from weakref import WeakValueDictionary

import aiohttp

T = TypeVar("T")

AT_ONCE, OF_ONE_ORDER = 32, 2
"""Downloads at once, and of these into one folder, which is one order's; the others wait.

Over TLS one takes up to 1.9 MB of memory, and 1.5 however small its blocks. An order has 4 MB; with four at once it took 7.
"""
HELD = 1536 * 1024
"""Bytes that the downloads of an order hold together until they are written, in a thread: a disk that cannot keep up
blocks whoever writes.

As many as they may, only for speed: each hop to a thread takes 0.4 ms of CPU, and most results are smaller.
"""
_REDIRECTS = 3
_GONE = frozenset(range(400, 500)) - {408, 425, 429}
"""Statuses that another try does not change."""


class DownloadError(Exception):
    """A file could not be fetched. Never names the address: Discord's are signed, and both are members' data."""

    def __str__(self) -> str:
        return repr(self)


@dataclass(eq=False, kw_only=True)
class GoneError(DownloadError):
    """There is no such file (any more), or the address leads nowhere; another try is useless."""

    status: int | None


@dataclass(eq=False, kw_only=True)
class TooLargeError(DownloadError):
    """The file is larger than was allowed; another try is useless."""

    limit_bytes: int


@dataclass(eq=False, kw_only=True)
class NetworkError(DownloadError):
    """The server or the network failed; worth another try."""

    reason: str
    """The kind of failure, for the log."""
    status: int | None = None


@dataclass(eq=False, kw_only=True)
class TruncatedError(NetworkError):
    """The connection ended before the file did; worth another try."""

    reason: str = "truncated"


class Downloads:
    """Downloads over one session, which its owner closes.

    The session itself should bound no connections: waiting for one counts in `timeout_s`.
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._places = asyncio.Semaphore(AT_ONCE)
        self._orders = WeakValueDictionary[Path, _Order]()

    async def fetch(
        self,
        url: str,
        part: Path,
        place: Callable[[Path], T],
        *,
        max_bytes: int,
        timeout_s: float = 120.0,
        stall_s: float = 20.0,
    ) -> T:
        """Fetch a file of at most `max_bytes`, and once it is complete and on the disk let `place` say where it belongs.

        `place` is called in a thread, with `part`, and gives the file its name; what is left at `part` goes away, also
        when `place` raises. `timeout_s` bounds the whole download from its turn on, `stall_s` a silence in it. Raises
        DownloadError, OSError when the disk fails, and what `place` raises.
        """
        if url.partition(":")[0].lower() not in {"http", "https"}:
            raise GoneError(status=None)
        # The order's own places first: what waits for one of these shall keep none from other orders.
        order = self._orders.setdefault(part.parent, _Order())
        async with order.places, self._places:
            try:
                async with self._session.get(
                    url,
                    max_redirects=_REDIRECTS + 1,  # aiohttp raises at this one instead of following it
                    headers={"Accept-Encoding": "identity"},
                    timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=stall_s, sock_read=stall_s),
                    raise_for_status=False,
                ) as response:
                    _check(response, max_bytes)
                    return await _save(response, part, place, max_bytes, order)
            # `from None` everywhere: the texts of aiohttp's errors carry the address.
            except TimeoutError:
                raise NetworkError(reason="timeout") from None
            except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, aiohttp.TooManyRedirects) as error:
                raise GoneError(status=getattr(error, "status", None)) from None
            except aiohttp.ClientPayloadError:
                raise TruncatedError from None
            except aiohttp.ClientError as error:
                raise NetworkError(reason=type(error).__name__) from None


def _check(response: aiohttp.ClientResponse, max_bytes: int) -> None:
    """Refuse what the answer's head already rules out."""
    if response.status in _GONE:
        raise GoneError(status=response.status)
    if response.status != 200:  # noqa: PLR2004 - the one status of a whole file
        raise NetworkError(reason="status", status=response.status)
    if (response.content_length or 0) > max_bytes:
        raise TooLargeError(limit_bytes=max_bytes)


class _Order:
    """The downloads into one folder."""

    def __init__(self) -> None:
        self.places = asyncio.Semaphore(OF_ONE_ORDER)
        self._at_work = 0

    @contextmanager
    def one_more(self) -> Generator[None]:
        """One more is on its way."""
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1

    @property
    def share(self) -> int:
        """Bytes that each of them may hold; beside another, less than half, as each has its connection's buffers too."""
        return HELD // (2 * self._at_work - 1)


async def _save(
    response: aiohttp.ClientResponse, path: Path, place: Callable[[Path], T], max_bytes: int, order: _Order
) -> T:
    received, held, size = 0, list[bytes](), 0
    with order.one_more(), _Part(path) as part:
        # As they came, only for speed: joined first, 1.5 MB take 0.9 ms of CPU more.
        async for chunk, _ in response.content.iter_chunks():
            received += len(chunk)
            if received > max_bytes:
                raise TooLargeError(limit_bytes=max_bytes)
            held.append(chunk)
            size += len(chunk)
            if size >= order.share:
                await asyncio.to_thread(part.write, held)
                held, size = [], 0
        declared = response.content_length
        if declared is not None and received < declared and "Content-Encoding" not in response.headers:
            raise TruncatedError
        return await asyncio.to_thread(part.finish, held, place)


class _Part:
    """A file while it grows; it goes away unless it was given a place."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("wb")
        return self

    def write(self, chunks: Sequence[bytes]) -> None:
        """Blocks."""
        self._file.writelines(chunks)

    def finish(self, rest: Sequence[bytes], place: Callable[[Path], T]) -> T:
        """Have it on the disk for good, and then in its place. Blocks."""
        self.write(rest)
        self._file.flush()
        os.fsync(self._file.fileno())
        return place(self._path)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._file.close()  # writes what a full disk did not take, once more
        finally:
            self._path.unlink(missing_ok=True)
