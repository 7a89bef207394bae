"""A Discord on one loopback port: REST, gateway and CDN, for a bot process that knows no better.

`python -m tests.loopback.discord_server --port N` runs it as its own process, driven under /_loopback/ (see
discord_control.py).
"""

import argparse
import asyncio
import logging
import ssl
import sys
from typing import Self

from aiohttp import web

from tests.loopback.discord_callbacks import InteractionRoutes
from tests.loopback.discord_channels import ChannelRoutes
from tests.loopback.discord_control import Control
from tests.loopback.discord_door import Door, Route
from tests.loopback.discord_faults import Fault, FaultScript
from tests.loopback.discord_files import Cdn
from tests.loopback.discord_gateway import UNKNOWN_ERROR, Gateway
from tests.loopback.discord_interaction import EXPIRED_TOKEN, Interaction
from tests.loopback.discord_limits import RateLimits
from tests.loopback.discord_messages import Board
from tests.loopback.discord_rest import BotRoutes
from tests.loopback.discord_seed import bot_user, seed
from tests.loopback.discord_state import MIB, World
from tests.loopback.discord_watch import Watch

TOKEN = "loopback-bot-token"  # noqa: S105 - opens nothing but this server
REQUEST_LIMIT = 25 * MIB


class LoopbackDiscord(Watch):
    """The whole of it. `async with LoopbackDiscord() as discord:` starts it on a free port."""

    def __init__(
        self,
        *,
        port: int = 0,
        token: str = TOKEN,
        application_flags: int = 0,
        rate_limits: bool = False,
        keep_bytes: bool = True,
        heartbeat_seconds: float = 41.25,
        request_limit: int = REQUEST_LIMIT,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Port 0 takes a free one; application_flags are the portal's (1 << 18: message content, full).

        With an ssl_context it speaks TLS alone.
        """
        world = World(bot_user())
        world.application_flags = application_flags
        gateway = Gateway(world, token, heartbeat_seconds=heartbeat_seconds)
        cdn = Cdn(world, keep_bytes=keep_bytes)
        board = Board(world, cdn, gateway.announce)
        self.limits = RateLimits(enabled=rate_limits)
        self.faults = FaultScript()
        super().__init__(world, board, gateway, cdn, Door(token, self.faults, self.limits))
        seed(world)
        self.token = token
        self.port = port
        self._ssl_context = ssl_context
        self.control = Control(self)
        self._api = [
            *BotRoutes(
                world, request_limit=request_limit, gateway_url=lambda: self.gateway_url, leave=self.remove_bot
            ).routes(),
            *ChannelRoutes(world, board, request_limit=request_limit).routes(),
            *InteractionRoutes(world, board, request_limit=request_limit).routes(),
        ]
        self._runner: web.AppRunner | None = None

    # -- its life ------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc_info: object) -> None:
        await self.close()

    async def start(self) -> None:
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._ssl_context).start()
        self.port = int(self._runner.addresses[0][1])
        self.cdn.base_url = self.base_url
        self.gateway.url = self.gateway_url

    async def close(self) -> None:
        self.faults.clear()
        self.gateway.abort()
        if self._runner is not None:
            await self._runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=4 * REQUEST_LIMIT)
        for route in self._api:
            app.router.add_route(route.method, "/api/v10" + route.path, self.door.guard(route))
        paths = [f"/{folder}/{{owner_id}}/{{attachment_id}}/{{filename}}" for folder in self.cdn.folders]
        own = [Route(kind="cdn", method="GET", path=p, handler=self.cdn.download, needs_token=False) for p in paths]
        own.append(Route(kind="connect", method="GET", path="/gateway", handler=self.gateway.handle, needs_token=False))
        for route in own:
            app.router.add_get(route.path, self.door.guard(route), allow_head=False)
        self.control.add_to(app)
        app.router.add_route("*", "/{anything:.*}", self.door.unknown)
        return app

    @property
    def base_url(self) -> str:
        return f"http{self._secured}://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        """For discord.http.Route.BASE."""
        return f"{self.base_url}/api/v10"

    @property
    def gateway_url(self) -> str:
        """For discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY, which wants it as a yarl.URL."""
        return f"ws{self._secured}://127.0.0.1:{self.port}/gateway"

    @property
    def _secured(self) -> str:
        return "s" if self._ssl_context else ""

    # -- trouble -------------------------------------------------------------------------------------------------

    def fail_next(self, kind: str, fault: Fault | str | int, times: int = 1) -> None:
        """Let the next requests of a route kind ("any" for all) go wrong; an int is a JSON error code."""
        known = {route.kind for route in self._api} | {"cdn", "connect", "any"}
        if kind not in known:
            raise ValueError(f"no route kind {kind!r}; there are {sorted(known)}")
        self.faults.plan(kind, fault if isinstance(fault, int) else Fault(fault), times)

    def clear_faults(self) -> None:
        """Forget what was planned and end what hangs."""
        self.faults.clear()

    def outage(self, seconds: float | None = None) -> None:
        """Reset every connection, gateway included, until end_outage() or for so many seconds."""
        self.faults.outage = True
        self.gateway.abort()
        self.world.tell("(outage)")
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, self.end_outage)

    def end_outage(self) -> None:
        self.faults.outage = False
        self.world.tell("(outage over)")

    async def drop_gateway(self, code: int = UNKNOWN_ERROR) -> None:
        """Close the gateway sockets; by default in a way the bot resumes from."""
        await self.gateway.disconnect(code)

    def expire_token(self, interaction: Interaction, code: int = EXPIRED_TOKEN) -> None:
        """Make the webhook routes of an interaction answer 50027 (HTTP 401) or 10015 (HTTP 404) from now on."""
        interaction.killed_with = code

    def advance_clock(self, seconds: float) -> None:
        """Move the server's clock: tokens, CDN signatures and nonces grow old."""
        self.world.clock.offset += seconds


async def serve(discord: LoopbackDiscord) -> None:
    """Run until POST /_loopback/stop; the first line on stdout is the base URL."""
    async with discord:
        sys.stdout.write(discord.base_url + "\n")
        sys.stdout.flush()
        await discord.control.stopped.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--rate-limits", action="store_true")
    parser.add_argument("--drop-bytes", action="store_true", help="keep size and hash of uploads only")
    parser.add_argument("--application-flags", type=int, default=0)
    parser.add_argument("--request-limit", type=int, default=REQUEST_LIMIT, help="bytes of one request, files included")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="PEM files; speak https and wss with them")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    context: ssl.SSLContext | None = None
    if chosen.tls is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*chosen.tls)
    discord = LoopbackDiscord(
        port=chosen.port,
        token=chosen.token,
        rate_limits=chosen.rate_limits,
        keep_bytes=not chosen.drop_bytes,
        application_flags=chosen.application_flags,
        request_limit=chosen.request_limit,
        ssl_context=context,
    )
    asyncio.run(serve(discord))


if __name__ == "__main__":
    main()
