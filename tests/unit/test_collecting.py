"""The images of one order are fetched at the same time, and whatever becomes of one, nothing is left behind."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer
from doubles import FakeFal, FakeIntake, until
from pictures_made import names
from PIL import Image
from scenes import House, Scene

from bot.adapters.downloads import Downloads
from bot.adapters.fresh import Fresh
from bot.adapters.intake import Intake
from bot.adapters.pictures import PictureLimits, PictureWorker
from bot.domain.errors import ResultGoneError
from bot.domain.job import Picture, State
from bot.domain.order import Choices, Reference
from bot.service.ports import ImageLink, Result, Ticket

FOUR = Choices(images=4)


class HeldBack(FakeIntake):
    """Each image comes, or goes wrong, when its test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[int] = []
        self.over: list[int] = []
        self.comes = {position: asyncio.Event() for position in range(1, 5)}
        self.goes_wrong: dict[int, Exception] = {}

    async def collect(self, link: ImageLink, position: int, folder: Path) -> Picture:
        self.begun.append(position)
        try:
            await self.comes[position].wait()
            if position in self.goes_wrong:
                raise self.goes_wrong.pop(position)
            return await super().collect(link, position, folder)
        finally:
            self.over.append(position)

    def come(self, *positions: int) -> None:
        for position in positions:
            self.comes[position].set()


@pytest.fixture
def intake(house: House) -> HeldBack:
    house.intake = HeldBack()
    return house.intake


@pytest.fixture
async def scene(house: House, intake: HeldBack) -> AsyncIterator[Scene]:
    assert house.intake is intake
    async with house.open() as opened:
        yield opened


def posted(house: House) -> list[str]:
    [job] = house.stage.delivered
    return [picture.filename for picture in job.pictures]


async def test_all_are_on_their_way_before_the_first_is_there_and_posted_in_fals_order(
    house: House, scene: Scene, intake: HeldBack
) -> None:
    job = await scene.order(choices=FOUR)
    await until(lambda: intake.begun == [1, 2, 3, 4])
    for position in (3, 1, 4, 2):
        intake.come(position)
        await until(lambda: position in intake.over)  # noqa: B023 - waited for here
    await scene.over(job)
    assert intake.over == [3, 1, 4, 2]
    assert posted(house) == ["1.png", "2.png", "3.png", "4.png"]


@pytest.mark.parametrize("gone", [(1,), (4,), (2, 3), (1, 2, 4)])
async def test_what_is_gone_takes_no_other_with_it_whichever_is_known_first(
    house: House, scene: Scene, intake: HeldBack, gone: tuple[int, ...]
) -> None:
    intake.goes_wrong = {position: ResultGoneError(may_be_billed=True) for position in gone}
    job = await scene.order(choices=FOUR)
    intake.come(*gone)
    await until(lambda: sorted(intake.over) == list(gone))
    there = [position for position in range(1, 5) if position not in gone]
    intake.come(*there)
    done = await scene.over(job)
    assert posted(house) == [f"{position}.png" for position in there]
    assert (done.state, done.charged) == (State.DELIVERED, 8 * len(there))


async def test_when_all_are_gone_the_order_ends_and_its_member_pays_nothing(
    house: House, scene: Scene, intake: HeldBack
) -> None:
    intake.goes_wrong = {position: ResultGoneError(may_be_billed=True) for position in range(1, 5)}
    intake.come(1, 2, 3, 4)
    failed = await scene.over(await scene.order(choices=FOUR))
    assert (failed.state, house.books.charged(failed)) == (State.FAILED, (0, 32))
    assert house.told() == [(failed.id, ResultGoneError)]


async def test_a_defect_with_one_ends_the_others_and_all_are_fetched_again_later(
    house: House, scene: Scene, intake: HeldBack
) -> None:
    intake.goes_wrong = {2: ValueError("a defect")}
    job = await scene.order(choices=FOUR)
    await until(lambda: intake.begun == [1, 2, 3, 4])
    intake.come(2)
    await until(lambda: sorted(intake.over) == [1, 2, 3, 4])
    assert (await scene.stored(job)).state is State.QUEUED
    intake.come(1, 3, 4)
    await scene.pass_time(lambda: house.stage.delivered)
    assert posted(house) == ["1.png", "2.png", "3.png", "4.png"]
    assert intake.begun == [1, 2, 3, 4] * 2


async def test_none_is_fetched_any_more_once_the_process_has_ended(house: House, intake: HeldBack) -> None:
    others = asyncio.all_tasks()
    async with house.open() as scene:
        await scene.order(choices=FOUR)
        await until(lambda: intake.begun == [1, 2, 3, 4])
    assert sorted(intake.over) == [1, 2, 3, 4]
    assert asyncio.all_tasks() == others


# --- from a server to the disk --------------------------------------------------------------------


class FalWithFiles(FakeFal):
    """Its images are at a server."""

    def __init__(self, server: BaseTestServer) -> None:
        super().__init__()
        self._server = server

    async def result(self, ticket: Ticket) -> Result:
        made = await super().result(ticket)
        urls = [str(self._server.make_url(f"/{position}")) for position, _ in enumerate(made.images, start=1)]
        return Result(images=tuple(ImageLink(url=url, content_type="image/png") for url in urls), units=made.units)


class Nowhere:
    """Nobody asks for pictures of members here."""

    async def fresh(self, reference: Reference) -> Reference | None:
        raise AssertionError(reference)


class Network(FakeIntake):
    """Images are fetched as the bot does it, without pauses between the tries."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        super().__init__()
        self._real = Intake(
            Downloads(session), PictureWorker(), PictureLimits(), lambda _: asyncio.sleep(0), Nowhere(), Fresh()
        )

    async def collect(self, link: ImageLink, position: int, folder: Path) -> Picture:
        return await self._real.collect(link, position, folder)


@pytest.fixture
def broken() -> dict[int, int]:
    """Of images that do not come, the statuses that the server answers; 0 for an answer that stops halfway."""
    return {}


@pytest.fixture
async def real_house(house: House, broken: dict[int, int], tmp_path: Path) -> AsyncIterator[House]:
    """Images come over the network to the disk."""
    Image.effect_noise((300, 200), 60).save(tmp_path / "made.png")
    picture = (tmp_path / "made.png").read_bytes()

    async def image(request: web.Request) -> web.StreamResponse:
        status = broken.get(int(request.match_info["position"]), 200)
        if status:
            return web.Response(status=status, body=picture)
        answer = web.StreamResponse(headers={"Content-Length": str(len(picture))})
        await answer.prepare(request)
        await answer.write(picture[:1000])
        await asyncio.Event().wait()
        return answer

    app = web.Application()
    app.router.add_get("/{position}", image)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        house.fal = FalWithFiles(server)
        house.intake = Network(session)
        yield house


async def test_of_a_result_with_one_image_gone_the_others_are_on_the_disk_and_nothing_else(
    real_house: House, broken: dict[int, int]
) -> None:
    broken[2] = 404
    async with real_house.open() as scene:
        done = await scene.over(await scene.order(choices=FOUR))
    assert posted(real_house) == ["image-1.png", "image-3.png", "image-4.png"]
    assert names(real_house.folder / done.id) == ["image-1.png", "image-3.png", "image-4.png"]
    assert [picture.url[-2:] for picture in done.pictures] == ["/1", "/3", "/4"]


async def test_no_half_of_a_file_is_left_of_what_was_being_fetched_when_the_process_ended(
    real_house: House, broken: dict[int, int]
) -> None:
    broken.update(dict.fromkeys(range(1, 5), 0))
    async with real_house.open() as scene:
        folder = real_house.folder / (await scene.order(choices=FOUR)).id
        await until(folder.exists)
        await until(lambda: names(folder) == ["image-1.part", "image-2.part"])
    assert names(folder) == []
