"""What bot/adapters/discord_budget.py relies on inside discord.py, and why it has to reach inside at all.

When a test here fails, the installed discord.py is not the one that was read. Compare its http.py and
webhook/async_.py with that file, and only then move the pin in pyproject.toml and VERSION here.
"""

import ast
import asyncio
import importlib.metadata
import inspect
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
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
