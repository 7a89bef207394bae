"""Rate limits and planned faults of the loopback Discord."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.loopback.discord_faults import Fault
from tests.loopback.discord_interaction import Interaction
from tests.loopback.discord_server import LoopbackDiscord
from tests.loopback.discord_state import Json
from tests.loopback.rest_client import Rest

COMMANDS: list[Json] = [{"name": "draw", "description": "Draw", "integration_types": [0, 1]}]


@pytest.fixture
async def server() -> AsyncIterator[LoopbackDiscord]:
    async with LoopbackDiscord() as running:
        yield running
        assert running.door.log.crashes == []


@pytest.fixture
async def rest(server: LoopbackDiscord) -> AsyncIterator[Rest]:
    async with aiohttp.ClientSession() as http:
        client = Rest(server, http)
        await client.register(COMMANDS)
        yield client


async def used(server: LoopbackDiscord) -> Interaction:
    return await server.slash(server.member, server.channel, "draw")


async def test_a_channel_takes_five_messages_in_five_seconds(server: LoopbackDiscord, rest: Rest) -> None:
    server.limits.enabled = True
    answers = [await rest.send(content=str(n)) for n in range(6)]

    assert [answer.status for answer in answers] == [200] * 5 + [429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0"]
    assert 4 < answers[5].body["retry_after"] <= 5
    assert "Via" in answers[5].headers
    assert (await rest("POST", f"/channels/{server.art_channel.id}/messages", {"content": "x"})).status == 200
    assert server.limits.hits == {"create_message": 1}


async def test_fifty_requests_a_second_is_all_but_interactions_do_not_count(
    server: LoopbackDiscord, rest: Rest
) -> None:
    interaction = await used(server)
    server.limits.enabled = True
    answers = [await rest("GET", "/users/@me") for _ in range(51)]

    assert (answers[50].status, answers[50].body["global"]) == (429, True)
    async with rest.http.post(
        f"{server.api_url}/interactions/{interaction.id}/{interaction.token}/callback", json={"type": 5}
    ) as response:
        assert response.status == 204
    url = server.api_url + rest.hook(interaction)
    statuses: list[int] = []
    for n in range(6):
        async with rest.http.patch(url, json={"content": str(n)}) as response:
            statuses.append(response.status)
    assert statuses == [200] * 5 + [429]


@pytest.mark.parametrize(
    ("fault", "status", "posted"),
    [
        ("500", 500, 0),
        ("503", 503, 0),
        ("413", 413, 0),
        (50013, 403, 0),
        ("429", 429, 0),
        ("banned", 429, 0),
        ("done-502", 502, 1),
    ],
)
async def test_a_planned_fault_happens_once(rest: Rest, fault: str | int, status: int, posted: int) -> None:
    rest.server.fail_next("create_message", fault)

    assert (await rest.send(content="one")).status == status
    assert len(rest.server.messages(rest.server.channel)) == posted
    assert (await rest.send(content="two")).status == 200


@pytest.mark.parametrize(("fault", "posted"), [(Fault.RESET, 0), (Fault.ANSWER_LOST, 1)])
async def test_a_connection_can_be_reset_before_or_after_the_work(rest: Rest, fault: Fault, posted: int) -> None:
    rest.server.fail_next("create_message", fault)

    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await rest.send(content="one")

    assert len(rest.server.messages(rest.server.channel)) == posted
    assert rest.server.requests[-1].status == 0


async def test_a_hanging_request_ends_when_the_faults_are_cleared(server: LoopbackDiscord, rest: Rest) -> None:
    server.fail_next("create_message", Fault.HANG)
    hanging = asyncio.create_task(rest.send(content="one"), name="hanging")
    assert not (await asyncio.wait([hanging], timeout=0.1))[0]

    server.clear_faults()

    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await hanging
