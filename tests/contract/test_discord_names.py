"""What bot/adapters/discord_budget.py relies on inside discord.py, and why it has to reach inside at all.

When a test here fails, the installed discord.py is not the one that was read. Compare its http.py and
webhook/async_.py with that file, and only then move the pin in pyproject.toml and VERSION here.
"""

import ast
import asyncio
import importlib.metadata
import inspect
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import discord
import pytest
from discord import http
from discord.webhook import async_
from hostile_server import Conduct, HostileServer, answer

from bot.adapters.discord_budget import Budget, Lane, UnheldLock, govern
from tests.loopback.discord_seed import GUILD_ID
from tests.loopback.discord_server import LoopbackDiscord
from tests.loopback.discord_state import Channel

VERSION = "2.7.1"
HELP = f"discord.py is not the {VERSION} that bot/adapters/discord_budget.py was written for; see the docstring of {__file__}"
[THEIRS] = UnheldLock.__bases__
"""The library's own lock, whoever has replaced it in this process."""
BURST = 60
"""Messages to as many channels; Discord takes 50 calls a second."""


def attributes_of(name: str, source: str) -> set[str]:
    """What code uses of a variable of that name."""
    return {
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
    }


# --- the names ------------------------------------------------------------------------------------


def test_the_pinned_version_is_installed() -> None:
    pins = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"discord.py=={VERSION}"' in pins, HELP
    assert importlib.metadata.version("discord.py") == VERSION, HELP


def test_a_lane_has_all_that_discord_py_uses_of_its_rate_limits() -> None:
    source = inspect.getsource(http)
    used = attributes_of("ratelimit", source) | attributes_of("bucket", source)
    assert used == {"update", "remaining", "is_inactive"}, HELP
    assert "async with ratelimit:" in source, HELP
    assert {"update", "is_inactive", "__aenter__", "__aexit__"} <= vars(Lane).keys()


def test_every_rate_limit_comes_from_the_one_place_that_is_replaced() -> None:
    source = inspect.getsource(http)
    assert source.count("Ratelimit(") == 1, HELP
    assert "self._buckets[key] = value = Ratelimit(" in inspect.getsource(http.HTTPClient.get_ratelimit), HELP
    assert "self.get_ratelimit(key)" in inspect.getsource(http.HTTPClient.request), HELP
    assert hasattr(http.HTTPClient, "_try_clear_expired_ratelimits"), HELP
    request = inspect.getsource(http.HTTPClient.request)
    assert "bucket_hash = self._bucket_hashes[route_key]" in request, HELP
    assert "key = f'{route_key}:{route.major_parameters}'" in request, HELP
    assert "key = f'{bucket_hash}:{route.major_parameters}'" in request, HELP


def test_the_lock_of_an_interactions_routes_is_found_by_the_name_that_is_replaced() -> None:
    assert "async with AsyncDeferredLock(lock) as lock:" in inspect.getsource(async_.AsyncWebhookAdapter.request), HELP
    assert THEIRS.__module__ == async_.__name__, HELP
    assert "await asyncio.sleep(self.delta)\n        self.lock.release()" in inspect.getsource(THEIRS), HELP


# --- all bot routes together ----------------------------------------------------------------------


@pytest.fixture
async def loopback(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LoopbackDiscord]:
    """A Discord that enforces its limits and has many channels."""
    monkeypatch.setattr(async_, "AsyncDeferredLock", async_.AsyncDeferredLock)  # put back afterwards
    async with LoopbackDiscord(rate_limits=True) as server:
        for number in range(BURST):
            channel = Channel(id=number + 1, name=f"room-{number}", guild=server.world.guilds[GUILD_ID])
            server.world.channels[channel.id] = channel
        monkeypatch.setattr(http.Route, "BASE", server.api_url)
        yield server


async def post(client: discord.Client, channel: int) -> None:
    await client.get_partial_messageable(channel).send("here")


async def burst(server: LoopbackDiscord, client: discord.Client) -> None:
    await client.login(server.token)
    async with asyncio.TaskGroup() as tasks:
        for number in range(BURST):
            tasks.create_task(client.get_partial_messageable(number + 1).send("here"))


async def test_plain_discord_py_sends_more_than_discord_takes(loopback: LoopbackDiscord) -> None:
    async with discord.Client(intents=discord.Intents.none()) as client:
        await burst(loopback, client)
    assert loopback.limits.hits["global"] > 0, "discord.py keeps within Discord's limit by itself now"


async def test_ours_does_not(loopback: LoopbackDiscord) -> None:
    async with discord.Client(intents=discord.Intents.none()) as client:
        govern(client, Budget())
        await burst(loopback, client)
    assert loopback.limits.hits == {}
    assert loopback.counts["create_message"] == BURST


async def test_a_burst_in_one_channel_is_never_refused_and_its_last_call_returns_at_once(
    loopback: LoopbackDiscord,
) -> None:
    async with discord.Client(intents=discord.Intents.none()) as client:
        govern(client, Budget())
        await client.login(loopback.token)
        async with asyncio.timeout(4), asyncio.TaskGroup() as tasks:  # the channel's window has five seconds
            for _ in range(5):
                tasks.create_task(client.get_partial_messageable(1).send("here"))
    assert loopback.limits.hits == {}


async def test_what_waits_in_a_channel_before_its_bucket_has_a_name_and_what_comes_later_share_the_bucket(
    loopback: LoopbackDiscord,
) -> None:
    """As after a restart: several channels with finished orders each. discord.py would know each bucket twice."""
    async with discord.Client(intents=discord.Intents.none()) as client:
        govern(client, Budget())
        await client.login(loopback.token)
        async with asyncio.TaskGroup() as tasks:
            sending = [tasks.create_task(post(client, 1 + number % 3)) for number in range(18)]
            while loopback.counts["create_message"] < 15:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
            sending += [tasks.create_task(post(client, 1 + number)) for number in range(3)]
            await asyncio.sleep(0.3)  # all that may go has gone; the others would wait for seconds
            for one in sending:
                one.cancel()
    assert loopback.limits.hits == {}
    assert loopback.counts["create_message"] == 15


# --- when Discord refuses all calls ---------------------------------------------------------------


def test_what_stops_all_calls_is_found_by_the_name_that_is_used() -> None:
    source = inspect.getsource(http.HTTPClient)
    assert source.count("self._global_over = asyncio.Event()") == 1, HELP
    assert "await self._global_over.wait()" in source, HELP
    assert "await asyncio.sleep(retry_after)\n" in source, HELP
    assert "except" not in source[(refused := source.index("_global_over.clear()")) : source.index("set()", refused)], (
        HELP
    )


JSON = {"Content_Type": "application/json"}


def refused_for(seconds: float) -> Conduct:
    """A 429 that counts for all routes."""
    return Conduct(says=answer(429, {"retry_after": seconds, "global": True}, Via="1.1 google", **JSON))


@asynccontextmanager
async def calls_to(
    monkeypatch: pytest.MonkeyPatch, budget: Budget | None, *conducts: Conduct
) -> AsyncGenerator[tuple[HostileServer, discord.Client]]:
    """A client that is logged in, and Discord as it behaves from then on."""
    hello = Conduct(says=answer(200, {"id": "1", "username": "bot", "discriminator": "0", "avatar": None}, **JSON))
    async with HostileServer(hello, *conducts) as server:
        monkeypatch.setattr(http.Route, "BASE", server.url)
        async with discord.Client(intents=discord.Intents.none()) as client:
            if budget is not None:
                govern(client, budget)
            await client.http.static_login("token")
            server.heard.clear()
            yield server, client


async def cut_off(server: HostileServer, client: discord.Client) -> None:
    """Cancel a call that was refused and waits inside discord.py, as a progress edit is for the final message."""
    edit = asyncio.create_task(client.http.delete_message(1, 2))
    while not server.heard:  # noqa: ASYNC110 - the server tells nobody
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.02)
    edit.cancel()
    await asyncio.wait({edit})


async def test_plain_discord_py_hangs_when_a_call_that_was_refused_with_all_others_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with calls_to(monkeypatch, None, refused_for(0.1), Conduct(says=answer(204))) as (server, client):
        await cut_off(server, client)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await client.http.delete_message(1, 3)


async def test_ours_goes_on_when_a_call_that_was_refused_with_all_others_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with calls_to(monkeypatch, Budget(), refused_for(60), Conduct(says=answer(204))) as (server, client):
        await cut_off(server, client)
        async with asyncio.timeout(5):
            await client.http.delete_message(1, 3)


async def test_while_discord_refuses_all_calls_none_that_waits_for_its_turn_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fine = Conduct(says=answer(204))
    async with calls_to(monkeypatch, Budget(3), refused_for(1.5), fine) as (server, client):  # one is the login's
        async with asyncio.TaskGroup() as tasks:
            for channel in (1, 2, 3):
                tasks.create_task(client.http.delete_message(channel, 9))
        channels = [one.head.split(b"/")[2] for one in server.heard]
    assert channels == [b"1", b"2", b"1", b"3"]


# --- the interaction's own routes -----------------------------------------------------------------


USED_UP = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset_After": "0.3", "X_RateLimit_Reset": "0"}


async def edit_cut_off(stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch) -> tuple[discord.Webhook, object]:
    """An interaction whose edit used the bucket up and was cancelled while discord.py slept for that.

    Also the edit, as whoever cancelled it still holds it, and it holds the lock.
    """
    server = await stack.enter_async_context(HostileServer(Conduct(says=answer(204, **USED_UP))))
    session = await stack.enter_async_context(aiohttp.ClientSession())
    monkeypatch.setattr(http.Route, "BASE", server.url)
    webhook = discord.Webhook.partial(5, "token", session=session)
    edit = asyncio.create_task(webhook.delete_message(1))
    while not server.heard:  # noqa: ASYNC110 - the server tells nobody
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.02)
    edit.cancel()
    await asyncio.wait({edit})
    return webhook, edit


async def test_plain_discord_py_never_answers_again_after_an_edit_was_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(async_, "AsyncDeferredLock", THEIRS)
    async with AsyncExitStack() as stack:
        webhook, _edit = await edit_cut_off(stack, monkeypatch)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.6):
                await webhook.delete_message(1)


async def test_ours_answers_as_soon_as_the_bucket_is_full_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(async_, "AsyncDeferredLock", THEIRS)  # put back afterwards
    govern(discord.Client(intents=discord.Intents.none()), Budget())
    async with AsyncExitStack() as stack:
        webhook, _edit = await edit_cut_off(stack, monkeypatch)
        begun = asyncio.get_running_loop().time()
        async with asyncio.timeout(5):
            await webhook.delete_message(1)
        assert 0.1 < asyncio.get_running_loop().time() - begun < 0.5
