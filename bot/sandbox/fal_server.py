"""fal on this machine: queue, storage, file network and platform API on one port of 127.0.0.1.

`LoopbackFal` serves the offline sandbox and the tests; `python -m bot.sandbox.fal_server` runs it as its own process.
It is strict where fal's documentation is, and stricter where a sloppy request would only be tolerated.
"""

import argparse
import asyncio
import signal
import ssl
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Final, Self, cast

from aiohttp import web

from bot.sandbox import fal_faults
from bot.sandbox.fal_answers import by_status, dropped, ingress
from bot.sandbox.fal_api_routes import ApiRoutes, api_error
from bot.sandbox.fal_control import ControlRoutes
from bot.sandbox.fal_faults import Fault, Faults, Script, Step
from bot.sandbox.fal_file_routes import FileRoutes
from bot.sandbox.fal_files import KEPT_BYTES, Files
from bot.sandbox.fal_generation import Generation, Seconds
from bot.sandbox.fal_paint import Painting, Picture, paint, plain
from bot.sandbox.fal_queue import LoopbackJob, Queue
from bot.sandbox.fal_queue_routes import QueueRoutes

MAX_BODY: Final = 256 * 1024 * 1024
"""Bytes; fourteen pictures of 7 MB as data URIs fit."""
KEPT_REQUESTS: Final = 20_000
_KEYLESS: Final = frozenset({Step.UPLOAD, Step.FILE, Step.INPUT})
"""Steps without `Authorization: Key`; an upload has its own token."""
_APP: Final = "{app:[^/]+/[^/]+(?:/edit)?}"
_REQUEST: Final = f"/{_APP}/requests/{{request_id:[^/]+}}"

Handler = Callable[[web.Request, Script | None], Awaitable[web.StreamResponse]]


@dataclass(slots=True, eq=False)
class Seen:
    """A request that arrived."""

    step: Step
    method: str
    path: str
    """Without the query."""
    json: object = None
    """The body, where it was read and was JSON."""


class LoopbackFal:
    """The server; `async with LoopbackFal() as fal:` or `start` and `close`.

    Args:
        port: of 127.0.0.1; 0 takes a free one.
        ssl_context: serve TLS with it; None for plain HTTP.
        key: the only API key let in; None lets in any that is not empty.
        concurrency: how many requests are IN_PROGRESS at once; fal's number for a new account.
        seconds: how long a generation takes: a number, or a function of the job.
        validates_at_submit: whether a bad body is told at submit; False tells it at the result, as fal may.
        painter: makes the pictures; `fal_paint.plain` is one that costs nothing.
        kept_bytes: of all files together; the oldest go first.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        key: str | None = None,
        concurrency: int = 2,
        seconds: Seconds = 0.0,
        validates_at_submit: bool = True,
        painter: Callable[[Painting], Picture] = paint,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        self.faults = Faults()
        self.requests: deque[Seen] = deque(maxlen=KEPT_REQUESTS)
        self.counts: Counter[Step] = Counter()
        """Requests by kind; `requests` forgets the oldest, this does not."""
        self.files = Files(kept_bytes)
        self.generation = Generation(self.files, seconds=seconds, painter=painter)
        self.queue = Queue(self.generation, concurrency=concurrency)
        self._port = port
        self._ssl_context = ssl_context
        self._key = key
        self._queue_routes = QueueRoutes(self.queue, self.faults, validates_at_submit=validates_at_submit)
        self._runner = web.AppRunner(self._app(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        self._life: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end; only after `start`."""
        scheme = "http" if self._ssl_context is None else "https"
        return f"{scheme}://127.0.0.1:{self._port}"

    @property
    def jobs(self) -> dict[str, LoopbackJob]:
        """Every request ever submitted, by id, in order."""
        return self.queue.jobs

    @property
    def billed(self) -> dict[str, Decimal]:
        """The units charged, by request id; requests that were not charged are absent."""
        return {job.id: job.units for job in self.jobs.values() if job.units}

    @property
    def spent(self) -> Decimal:
        """US dollars charged so far."""
        return sum((job.units * job.schema.unit_price for job in self.jobs.values()), Decimal(0))

    def seen(self, step: Step) -> list[Seen]:
        """Return the requests of one kind, in order."""
        return [seen for seen in self.requests if seen.step is step]

    def fail_next(self, script: Script | Fault, *, times: int = 1) -> None:
        """Let the next `times` requests (or generations) of the fault's step go wrong."""
        self.faults.fail_next(script, times=times)

    async def start(self) -> None:
        """Listen, and let jobs run; raises OSError when the port is taken."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=self._ssl_context).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = cast("tuple[str, int]", self._runner.addresses[0])[1]
        self.files.base_url = self._queue_routes.base_url = self.url
        # The one task without a parent: it is the parent of all others, and `close` waits for it.
        self._life = asyncio.create_task(self.queue.run(), name="loopback-fal")

    async def close(self) -> None:
        """Stop listening and end what runs; afterwards no task is left."""
        await self._runner.cleanup()
        self.queue.close()
        if self._life is not None:
            await self._life
            self._life = None

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY)
        files, api, queue = FileRoutes(self.files), ApiRoutes(self.queue), self._queue_routes
        ControlRoutes(self.queue, self.faults, self.counts).add_to(app.router)
        routes: list[tuple[str, str, Step, Handler]] = [
            ("POST", "/storage/auth/token", Step.TOKEN, files.token),
            ("POST", "/files/upload", Step.UPLOAD, files.upload),
            ("GET", "/files/made/{tail:.+}", Step.FILE, files.download),
            ("HEAD", "/files/made/{tail:.+}", Step.FILE, files.download),
            ("GET", "/files/sent/{tail:.+}", Step.INPUT, files.download),
            ("HEAD", "/files/sent/{tail:.+}", Step.INPUT, files.download),
            ("GET", "/v1/models/pricing", Step.PRICING, api.pricing),
            ("GET", "/v1/models/requests/by-endpoint", Step.LISTING, api.listing),
            ("GET", f"{_REQUEST}/status/stream", Step.STREAM, queue.stream),
            ("GET", f"{_REQUEST}/status", Step.STATUS, queue.status),
            ("GET", _REQUEST, Step.RESULT, queue.result),
            ("GET", f"{_REQUEST}/response", Step.RESULT, queue.result),
            ("PUT", f"{_REQUEST}/cancel", Step.CANCEL, queue.cancel),
            ("POST", "/{endpoint:[^/]+/.+}", Step.SUBMIT, queue.submit),
        ]
        for method, path, step, handler in routes:
            _ = app.router.add_route(method, path, self._guarded(step, handler))
        return app

    def _guarded(self, step: Step, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Wrap a handler: record the request, ask for the key, and let go wrong what is to go wrong."""

        async def answer(request: web.Request) -> web.StreamResponse:
            seen = Seen(step, request.method, request.path)
            self.requests.append(seen)
            self.counts[step] += 1
            if step not in _KEYLESS and not self._lets_in(request):
                if step in {Step.PRICING, Step.LISTING}:
                    return api_error(401, "authorization_error", "Invalid API key")
                return by_status(401).response()
            script = self.faults.take(step)
            if script is not None and (failed := _failed(request, script)) is not None:
                return failed
            if request.content_type == "application/json" and request.can_read_body:
                try:
                    seen.json = cast("object", await request.json())
                except ValueError:
                    seen.json = None  # the handler refuses it
            return await handler(request, script)

        return answer

    def _lets_in(self, request: web.Request) -> bool:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Key" and bool(key) and self._key in {None, key}


def _failed(request: web.Request, script: Script) -> web.Response | None:
    """Return the answer of a fault that looks the same at every step, or None."""
    if script.fault in fal_faults.DROPS:
        return dropped(request)
    if script.fault in fal_faults.INGRESS_ERRORS:
        return ingress(script.status or 503)
    if script.fault in fal_faults.JSON_ERRORS:
        return by_status(script.status or fal_faults.JSON_ERRORS[script.fault]).response()
    return None


async def _serve(server: LoopbackFal) -> None:
    """Serve until SIGTERM or SIGINT, after printing the address as the first line."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with server:
        print(server.url, flush=True)  # noqa: T201 - what the parent process reads
        _ = await stopping.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox.fal_server", description="fal on this machine")
    _ = parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1; 0 takes a free one")
    _ = parser.add_argument("--seconds", type=float, default=2.0, help="how long a generation takes")
    _ = parser.add_argument("--concurrency", type=int, default=2, help="requests in progress at once")
    _ = parser.add_argument("--key", help="the only API key let in; any without")
    _ = parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="PEM files; serve https with them")
    _ = parser.add_argument("--plain", type=int, metavar="BYTES", help="one blank picture of that size for all")
    _ = parser.add_argument("--keep", type=int, default=KEPT_BYTES, metavar="BYTES", help="of all files together")
    chosen = parser.parse_args()
    context: ssl.SSLContext | None = None
    if chosen.tls is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*cast("list[str]", chosen.tls))
    size = cast("int | None", chosen.plain)
    server = LoopbackFal(
        port=cast("int", chosen.port),
        ssl_context=context,
        key=cast("str | None", chosen.key),
        concurrency=cast("int", chosen.concurrency),
        seconds=cast("float", chosen.seconds),
        painter=paint if size is None else plain(size),
        kept_bytes=cast("int", chosen.keep),
    )
    asyncio.run(_serve(server))


if __name__ == "__main__":
    main()
