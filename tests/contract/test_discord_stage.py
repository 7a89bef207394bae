"""The Stage over the real discord.py and a Discord that enforces its limits: what goes first, and what stays away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import discord
import pytest
from discord import http
from discord.webhook import async_
from discord_job import CATALOGUE, NOW, a_job

from bot import views
from bot.adapters.discord_budget import Budget, govern
from bot.adapters.discord_delivery import Delivery
from bot.adapters.discord_files import Packer
from bot.adapters.discord_stage import DiscordStage
from bot.adapters.fresh import Fresh
from bot.adapters.pictures import PictureWorker
from bot.domain.errors import DeliveryError
from bot.domain.job import Job
from bot.service.alerts import Alerts
from bot.service.ports import Late
from tests.loopback import discord_limits
from tests.loopback.discord_seed import CHANNEL_ID
from tests.loopback.discord_server import LoopbackDiscord


def clock() -> float:
    return NOW


async def nowhere_else(_job: Job, channel_id: int) -> None:
    raise AssertionError(f"it stands in {channel_id}")


class Posting(Delivery):
    """A delivery whose one step is the test's own."""

    act: Callable[[Callable[[], object]], object]

    async def post(self, job: Job, folder: Path, *, again: bool, at_progress: Callable[[], object]) -> int:  # noqa: ARG002 - it knows what to do
        self.act(at_progress)
        await self._client.get_partial_messageable(job.order.channel_id).send(view=views.note("the images"))
        return 1


@dataclass
class Place:
    """A stage, and the Discord that it stands in."""

    server: LoopbackDiscord
    client: discord.Client
    delivery: Posting
    stage: DiscordStage


@pytest.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setattr(async_, "AsyncDeferredLock", async_.AsyncDeferredLock)  # put back afterwards
    monkeypatch.setitem(discord_limits.CHANNEL_WINDOWS, "create_message", (5, 0.3))
    async with LoopbackDiscord(rate_limits=True) as server, discord.Client(intents=discord.Intents.none()) as client:
        monkeypatch.setattr(http.Route, "BASE", server.api_url)
        budget = Budget()
        govern(client, budget)
        await client.login(server.token)
        delivery = Posting(
            client, Packer(PictureWorker(), Fresh()), CATALOGUE, Alerts(), clock, asyncio.sleep, nowhere_else
        )
        delivery.act = lambda _: None
        yield Place(server, client, delivery, DiscordStage(client, delivery, budget, CATALOGUE, clock, asyncio.sleep))
        assert server.limits.hits == {}


async def test_images_go_before_all_that_waits_for_the_channel(place: Place) -> None:
    channel = place.client.get_partial_messageable(CHANNEL_ID)
    async with asyncio.TaskGroup() as tasks:
        for number in range(12):
            tasks.create_task(channel.send(f"other {number}"))
        while place.server.counts["create_message"] < 5:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.001)
        await place.stage.deliver(a_job(), Path(), again=False)
    told = [one.text for one in place.server.messages(place.server.channel)]
    assert "the images" in told[5]
    assert len(told) == 13


@pytest.mark.parametrize("becomes_the_result", [True, False])
async def test_once_the_progress_message_is_made_the_result_it_is_not_edited_any_more(
    place: Place, *, becomes_the_result: bool
) -> None:
    if becomes_the_result:
        place.delivery.act = lambda at_progress: at_progress()
    await place.stage.deliver(a_job(), Path(), again=False)
    await place.stage.show(a_job(), Late())
    assert (place.server.counts["edit_followup"] == 0) == becomes_the_result


async def test_the_last_moment_to_edit_the_progress_message_is_told_before_it_is_made_the_result(place: Place) -> None:
    told = list[int]()
    place.server.fail_next("create_message", 200000, times=2)  # refused in the channel and in private
    place.server.fail_next("get_channel", 10003)
    delivery = Delivery(
        place.client, Packer(PictureWorker(), Fresh()), CATALOGUE, Alerts(), clock, asyncio.sleep, nowhere_else
    )
    with pytest.raises(DeliveryError):
        await delivery.post(
            a_job(), Path(), again=False, at_progress=lambda: told.append(place.server.counts["edit_followup"])
        )
    assert told == [0]
    assert place.server.counts["edit_followup"] == 1
