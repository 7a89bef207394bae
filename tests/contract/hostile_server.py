"""A TCP server that reads HTTP by hand, keeps every byte it was sent, and misbehaves at a chosen point."""

import asyncio
import json
import re
import socket
import struct
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import Self, cast

TRICKLE_EVERY = 0.02
"""Seconds between two bytes of an answer that never ends."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends RST."""


class Reads(Enum):
    """How much of a request is read before it is answered or the connection ends."""

    NOTHING = auto()
    HEAD = auto()
    HALF = auto()
    """The head and half of the body."""
    ALL = auto()


class Ends(Enum):
    """What comes after the bytes that the server says."""

    KEEP = auto()
    """The next request on the same connection."""
    FIN = auto()
    RST = auto()
    HANG = auto()
    """Silence, for ever."""
    TRICKLE = auto()
    """One byte after another, for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """How the server treats one request."""

    reads: Reads = Reads.ALL
    says: bytes = b""
    ends: Ends = Ends.KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One request, as far as it was read."""

    head: bytes
    body: bytes
    whole: bool
    """Whether the whole body came: the moment from which a POST to fal has made its job."""


class HostileServer:
    """`async with HostileServer(conduct, ...)`: a conduct for each request in order, the last one for all that follow."""

    def __init__(self, *conducts: Conduct) -> None:
        self.conducts = list(conducts)
        self.heard: list[Heard] = []
        self.connections = 0
        self._port = 0
        self._talks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self._port = _port(self._server.sockets[0])
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait for the clients to leave; a test that keeps one connected fails here."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        if self._talks:
            async with asyncio.timeout(5):
                await asyncio.wait(self._talks)

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def paid_posts(self) -> int:
        """How many POSTs came whole: at fal each is a job of its own."""
        return sum(one.whole and one.head.startswith(b"POST ") for one in self.heard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._talks.add(task)
        try:
            while await self._treat(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            self._talks.discard(task)

    async def _treat(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; True when the connection goes on."""
        reads_nothing = self.conducts[0].reads is Reads.NOTHING
        head = b"" if reads_nothing else await reader.readuntil(b"\r\n\r\n")
        conduct = self.conducts.pop(0) if len(self.conducts) > 1 else self.conducts[0]
        if not reads_nothing:
            self.heard.append(await _heard(head, conduct.reads, reader))
        if conduct.says:
            writer.write(conduct.says)
            await writer.drain()
        match conduct.ends:
            case Ends.KEEP:
                return True
            case Ends.RST:
                cast("socket.socket", writer.get_extra_info("socket")).setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE
                )
                writer.transport.abort()
                return False
            case Ends.TRICKLE:
                while not reader.at_eof():
                    writer.write(b"a")
                    await writer.drain()
                    await asyncio.sleep(TRICKLE_EVERY)
            case Ends.FIN:
                writer.write_eof()
            case Ends.HANG:
                pass
        while await reader.read(1 << 16):
            pass  # until the client leaves
        return False


async def _heard(head: bytes, how_much: Reads, reader: asyncio.StreamReader) -> Heard:
    named = _LENGTH.search(head)
    length = int(named[1]) if named else 0
    wanted = {Reads.HEAD: 0, Reads.HALF: length // 2}.get(how_much, length)
    return Heard(head=head, body=await reader.readexactly(wanted), whole=wanted == length)


def answer(status: int, body: object = b"", **headers: str) -> bytes:
    """A whole HTTP answer; a body that is not bytes goes as JSON. In header names "_" stands for "-"."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def receipt(queue: str, *, app: str = "fal-ai/nano-banana-2", request_id: str = "r-1") -> dict[str, str]:
    """What fal answers to a submit, with its three addresses below `queue`."""
    address = f"{queue}/{app}/requests/{request_id}"
    return {
        "status": "IN_QUEUE",
        "request_id": request_id,
        "response_url": address,
        "status_url": f"{address}/status",
        "cancel_url": f"{address}/cancel",
    }


@contextmanager
def nobody() -> Generator[str]:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = _port(place)
    yield f"http://127.0.0.1:{port}"


@contextmanager
def unaccepted() -> Generator[str]:
    """An address whose connections stand, as the kernel makes them, but are never accepted by the program."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as place:
        yield f"http://127.0.0.1:{_port(place)}"


@contextmanager
def full() -> Generator[str]:
    """An address where no more connections are made: the queue of waiting ones is full."""
    with ExitStack() as held:
        place = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - a positional flag of the standard library
            waiting.connect_ex(("127.0.0.1", _port(place)))
        yield f"http://127.0.0.1:{_port(place)}"


def _port(place: socket.socket) -> int:
    return cast("tuple[str, int]", place.getsockname())[1]
