"""`python -m bot sandbox`: the whole bot in a browser, offline."""

import asyncio
import errno
import signal
import tempfile
from argparse import Namespace
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import simcord
from aiohttp import web

from bot.domain.errors import StartError
from bot.domain.ruling import Target
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.hands import MOST_BYTES, Hands, add_routes
from bot.sandbox.simcord_live import live_previews, show_form
from bot.sandbox.world import World, world
from bot.settings import Settings

HOST: Final = "127.0.0.1"
SECONDS: Final = 4.0
"""How long a generation takes, for people to see the progress."""
PATIENCE: Final = 30.0
"""Seconds that the bot's answer to a click may take before the page calls it failed."""
BOT_NAME: Final = "Nano Banana"

WELCOME: Final = (
    "Welcome! Type `/imagine` in the box below, press **Enter**, and say what to make. `/edit` changes a picture"
    " of yours, `/help` tells the rest. Nothing here costs anything or leaves this computer."
)
LOG_WELCOME: Final = (
    "This is the log channel of this server. Only moderators see it, and this page shows it to one of them, mia."
    " What the bot tells moderators appears here by itself; what they decide is in **/settings panel**."
)
GUIDE: Final = """\
The bot is open. Type this address into a browser on this computer:

    {address}

Discord and fal are both played here: no account, no network, no cost.

  /imagine   say what to make; "more" beside it has the options. A generation takes {seconds:g} s here.
  /edit      the same with a picture of yours.
  /quota     what is left today. /help tells the rest.

  {address}hands   post a picture; the menus of a message: Edit image, Add to blend.
  {address}log     the log channel, which only moderators see; you are mia there.

Words in a prompt make fal misbehave:

  sandbox: refuse      the content check says no
  sandbox: nothing     no image comes back
  sandbox: slow        takes 30 s: time to press Cancel
  sandbox: stubborn    a Cancel that comes too late
  sandbox: truncated   half a file comes down the wire
  sandbox: lost        the answer to a paid order gets lost

"Viewing as" at the top of the page switches between ann and ben, two members, and mia, a moderator.
Ctrl-C ends it, and everything in it is deleted.
"""


async def serve(settings: Settings, chosen: Namespace) -> int:
    """Show the page until Ctrl-C, SIGTERM or the page's own "End preview session". Raises StartError."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    seconds: float = SECONDS if chosen.seconds is None else chosen.seconds
    fal = LoopbackFal(concurrency=settings.fal.max_concurrent, seconds=seconds)
    pages: asyncio.Future[dict[str, str]] = loop.create_future()
    hands: asyncio.Future[Hands] = loop.create_future()
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder:
        async with (
            _door(chosen.port, pages, hands) as address,
            fal,
            world(settings, Path(folder), fal=fal, settle_timeout=PATIENCE) as here,
        ):
            await _furnish(here)
            rooms = ((here.channel, (here.member, here.other, here.moderator)), (here.log, (here.moderator,)))
            async with (
                live_previews(here.env, here.app.client, rooms) as (channel, log),
                asyncio.TaskGroup() as tasks,
            ):
                hands.set_result(Hands(here=here, show_form=partial(show_form, channel)))
                pages.set_result({"/": channel.url, "/log": log.url})
                closing = [
                    tasks.create_task(_stop_when_closed(one, stop), name="sandbox-closed") for one in (channel, log)
                ]
                print(GUIDE.format(address=address, seconds=seconds), flush=True)  # noqa: T201 - what this command is for
                await stop.wait()
                for one in closing:
                    one.cancel()
    return 0


@asynccontextmanager
async def _door(port: int, pages: asyncio.Future[dict[str, str]], hands: asyncio.Future[Hands]) -> AsyncGenerator[str]:
    """An address that a person can type: it leads to the pages, whose own addresses carry random tokens."""

    async def opened() -> Hands:
        return await hands

    async def lead(request: web.Request) -> web.Response:
        address = (await pages)[request.path]
        return web.Response(status=302, headers={"Location": address, "Cache-Control": "no-store"})

    app = web.Application(client_max_size=MOST_BYTES)
    app.router.add_get("/", lead)
    app.router.add_get("/log", lead)
    add_routes(app, opened)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await _listen(web.TCPSite(runner, HOST, port), port)
        yield f"http://{HOST}:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def _listen(site: web.TCPSite, port: int) -> None:
    try:
        await site.start()
    except (OSError, OverflowError) as error:  # OverflowError: no port has that number
        why = "is taken" if getattr(error, "errno", None) == errno.EADDRINUSE else "cannot be used"
        raise StartError(f"port {port} of this computer {why}; choose another with --port") from None


async def _furnish(here: World) -> None:
    """A bot with a name, a log channel, and first messages that say what to do."""
    if here.app.client.user is not None:
        await here.app.client.user.edit(username=BOT_NAME)
    scope, log = f"guild:{here.moderator.guild.id}", str(here.log.id)
    await here.app.ruling.change(scope, {Target("log_channel"): log}, by=here.moderator.id)
    await here.moderator.send(here.channel, WELCOME)
    await here.moderator.send(here.log, LOG_WELCOME)


async def _stop_when_closed(preview: simcord.Preview, stop: asyncio.Event) -> None:
    await preview.wait_closed()
    stop.set()
