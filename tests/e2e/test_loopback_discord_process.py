"""The loopback Discord and a bot as processes of their own: killed, started again, driven from outside."""

import asyncio
import base64
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.loopback.discord_interaction import DEFER
from tests.loopback.discord_seed import CHANNEL_ID, MEMBER_ID
from tests.loopback.discord_server import LoopbackDiscord
from tests.loopback.sketch_bot import picture

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def started(module: str, *arguments: str) -> AsyncGenerator[asyncio.subprocess.Process, None]:
    """Run a module as a process and kill it, if it still runs, at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, cwd=ROOT, env=os.environ, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_killed_bot_comes_back_and_hears_only_what_is_said_from_then_on() -> None:
    async with LoopbackDiscord() as server:
        addresses = (server.api_url, server.gateway_url, server.token)
        async with started("tests.loopback.sketch_bot", *addresses) as bot:
            await server.online()
            used = await server.slash(server.member, server.channel, "draw", {"prompt": "a cat"})
            assert (await used.first_response()).kind == DEFER
            bot.kill()
            await server.offline()

        missed = await server.slash(server.member, server.channel, "draw", {"prompt": "nobody hears"})
        assert not missed.delivered

        async with started("tests.loopback.sketch_bot", *addresses):
            await server.online()
            again = await server.slash(server.member, server.channel, "draw", {"prompt": "a dog"})
            await server.eventually(lambda: again.message and not again.message.loading)

        assert missed.answer is None
        assert server.counts["put_commands"] == 2
        server.check()


async def test_it_runs_as_its_own_process_and_is_driven_over_http() -> None:
    async with started("tests.loopback.discord_server") as process:
        assert process.stdout is not None
        base_url = (await process.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession(base_url) as http:

            async def call(method: str, **arguments: object) -> Any:  # noqa: ANN401 - JSON
                async with http.post(f"/_loopback/{method}", json=arguments) as response:
                    answer = await response.json()
                    assert "error" not in answer, answer
                    return answer["result"]

            async with http.get("/_loopback/") as response:
                about = await response.json()
            async with started("tests.loopback.sketch_bot", about["api_url"], about["gateway_url"], about["token"]):
                await call("online")
                file = {"filename": "in.png", "base64": base64.b64encode(picture()).decode()}
                used = await call(
                    "slash",
                    person=MEMBER_ID,
                    channel=CHANNEL_ID,
                    command="draw",
                    options={"prompt": "a cat"},
                    attachments={"image": file},
                )
                assert (await call("first_response", interaction=used["id"]))["kind"] == DEFER
                messages = await call("wait_for_messages", channel=CHANNEL_ID, count=2)
                assert messages[1]["attachments"][0]["filename"] == "a_cat.png"
                assert (await call("summary"))["unknown_routes"] == []
            async with http.post("/_loopback/slash", json={"person": MEMBER_ID}) as response:
                assert response.status == 400
            await call("stop")
        assert await process.wait() == 0
