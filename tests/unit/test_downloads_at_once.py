"""How many downloads are on their way at once: of all orders together, and of one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer
from doubles import until
from pictures_made import into, names

from bot.adapters.downloads import AT_ONCE, OF_ONE_ORDER, Downloads, GoneError

LIMIT = 1_000_000


@dataclass(slots=True)
class Files:
    """A server that sends the end of a file only when it may."""

    asked: list[str] = field(default_factory=list[str])
    """Which files, in order."""
    there: int = 0
    """On their way at this moment."""
    most: int = 0
    may_end: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def send(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.match_info["name"])
        self.there += 1
        self.most = max(self.most, self.there)
        try:
            answer = web.StreamResponse()
            await answer.prepare(request)
            await answer.write(b"a beginning, ")
            await self.may_end.acquire()
            await answer.write(b"an end")
            return answer
        finally:
            self.there -= 1

    def end(self, files: int) -> None:
        for _ in range(files):
            self.may_end.release()


async def missing(_: web.Request) -> web.Response:
    raise web.HTTPNotFound


@dataclass(frozen=True, slots=True)
class Stand:
    files: Files
    server: BaseTestServer
    downloads: Downloads
    folder: Path

    def fetch(self, order: str, name: str, *, kind: str = "file", timeout: float = 10) -> asyncio.Task[Path]:
        url = str(self.server.make_url(f"/{kind}/{name}"))
        target = self.folder / order / f"{name}.png"
        return asyncio.create_task(self.downloads.fetch(url, *into(target), max_bytes=LIMIT, timeout_s=timeout))

    async def settled(self) -> None:
        """Whatever was to be asked for has been asked for: so much time takes a whole other download."""
        await asyncio.wait({self.fetch("elsewhere", "missing", kind="missing")})


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    files, app = Files(), web.Application()
    app.router.add_get("/file/{name}", files.send)
    app.router.add_get("/missing/{name}", missing)
    async with TestServer(app) as server, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield Stand(files, server, Downloads(session), tmp_path)


async def test_of_all_orders_together_so_many_are_on_their_way_and_the_others_follow(stand: Stand) -> None:
    wanted = [stand.fetch(f"order {number}", "a") for number in range(AT_ONCE + 5)]
    await until(lambda: stand.files.there == AT_ONCE)
    stand.files.end(3)
    await until(lambda: len(stand.files.asked) == AT_ONCE + 3)
    assert sum(task.done() for task in wanted) == 3
    stand.files.end(len(wanted))
    await asyncio.gather(*wanted)
    assert stand.files.most == AT_ONCE


async def test_of_one_order_two_are_on_their_way_and_what_waits_there_keeps_no_other_order_waiting(
    stand: Stand,
) -> None:
    large = [stand.fetch("large", f"{number}") for number in range(2 * AT_ONCE)]
    await until(lambda: stand.files.there == OF_ONE_ORDER)
    small = stand.fetch("small", "another")
    await until(lambda: "another" in stand.files.asked)
    await stand.settled()
    assert stand.files.asked == ["0", "1", "another"]
    stand.files.end(len(large) + 1)
    await asyncio.gather(small, *large)
    assert stand.files.asked[3:] == [f"{number}" for number in range(2, 2 * AT_ONCE)]
    assert len(names(stand.folder / "large")) == len(large)


async def test_the_wait_for_a_turn_is_no_part_of_the_time_that_a_download_has(stand: Stand) -> None:
    before = [stand.fetch("order", f"{number}") for number in range(OF_ONE_ORDER)]
    late = stand.fetch("order", "late", timeout=0.5)
    await asyncio.wait({late}, timeout=0.7)
    assert not late.done()
    stand.files.end(OF_ONE_ORDER + 1)
    await asyncio.gather(*before, late)


async def test_what_fails_is_cut_off_or_gives_up_waiting_leaves_its_place_and_no_file(stand: Stand) -> None:
    for _ in range(OF_ONE_ORDER + 1):
        async with asyncio.timeout(5):
            with pytest.raises(GoneError):
                await stand.fetch("order", "missing", kind="missing")
    begun = [stand.fetch("order", f"{number}") for number in range(OF_ONE_ORDER)]
    waits = stand.fetch("order", "late")
    await until((stand.folder / "order").exists)
    await until(lambda: names(stand.folder / "order") == ["0.part", "1.part"])
    for task in (waits, *begun):
        task.cancel()
    await asyncio.wait({waits, *begun})
    assert names(stand.folder / "order") == []
    stand.files.end(2 * OF_ONE_ORDER)  # of those that were cut off, too
    async with asyncio.timeout(5):
        await asyncio.gather(*(stand.fetch("order", f"again {number}") for number in range(OF_ONE_ORDER)))
    assert names(stand.folder / "order") == ["again 0.png", "again 1.png"]
