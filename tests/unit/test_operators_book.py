"""The operator's book counts whatever fal may have charged, and its month is never overrun."""

import asyncio
from pathlib import Path
from typing import Never

import pytest
from doubles import NOON, WIDE, Books, FakeIntake, a_job, a_picture, a_ticket, until
from scenes import House, Scene

from bot.adapters.fresh import Fresh
from bot.adapters.intake import Intake
from bot.adapters.pictures import PictureLimits, PictureWorker
from bot.adapters.sqlite_audit import audit
from bot.domain.errors import ContentRefusedError, ResultGoneError
from bot.domain.job import Picture, State
from bot.domain.ledger import Closing
from bot.domain.order import Choices, Reference
from bot.service.ports import ImageLink

PRICE = 8


@pytest.mark.parametrize(("room", "tries"), [(0, 2), (1, 3), (2, 4)])
async def test_tries_that_nobody_pays_overrun_the_month_by_nothing_when_many_come_at_once(
    room: int, tries: int, house: House
) -> None:
    """Both are refused in the same moment, and fal may have charged for both."""
    house.operator_month = (2 + room) * PRICE
    for prompt in ("a fox", "a hen"):
        house.plan(prompt)
        house.fal.plan(prompt).endings = [ContentRefusedError(may_be_billed=True)]
    async with house.open() as scene:
        jobs = [await scene.order("a fox"), await scene.order("a hen")]
        await until(lambda: len(house.fal.submitted) == len(jobs))
        house.finish("a fox", "a hen")
        ended = [await scene.over(job) for job in jobs]
    assert len(house.fal.submitted) == tries
    assert sum(house.books.charged(job)[1] for job in jobs) == house.operator_month
    assert [job.state for job in ended].count(State.DELIVERED) == room


class HalfAnIntake(FakeIntake):
    """Of every two images the second is gone."""

    async def collect(self, link: ImageLink, position: int, folder: Path) -> Picture:
        if position % 2 == 0:
            raise ResultGoneError(may_be_billed=True)
        return await super().collect(link, position, folder)


async def test_an_image_that_fal_made_and_that_could_not_be_fetched_is_the_operators_alone(
    house: House, tmp_path: Path
) -> None:
    house.intake = HalfAnIntake()
    async with house.open() as scene:
        done = await scene.over(await scene.order(choices=Choices(images=4)))
    assert (done.state, done.charged, house.books.charged(done)) == (State.DELIVERED, 16, (16, 32))
    assert list(audit(tmp_path / "bot.sqlite3")) == []


async def test_the_operators_book_never_exceeds_the_price_that_was_held_for_more_images_than_were_asked_for(
    house: House, scene: Scene
) -> None:
    house.fal.plan("a fox").images = 3
    done = await scene.over(await scene.order(choices=Choices(images=2)))
    assert house.books.charged(done) == (16, 16)


@pytest.mark.parametrize(("operator", "agrees"), [(7, False), (8, True), (16, True), (17, False)])
async def test_the_audit_finds_an_operators_book_below_the_charge_or_above_the_hold(
    operator: int, books: Books, tmp_path: Path, *, agrees: bool
) -> None:
    job = await books.store.hold(a_job(credit=16), WIDE)
    submitting = job.to(State.SUBMITTING, submitted_at=NOON)
    queued = submitting.to(State.QUEUED, ticket=a_ticket())
    rendered = queued.to(State.RENDERED, pictures=(a_picture(),), rendered_at=NOON, charged=8)
    await books.store.save(submitting)
    await books.store.save(queued)
    await books.store.save(rendered, Closing(customer=8, operator=operator))
    assert (list(audit(tmp_path / "bot.sqlite3")) == []) is agrees


class Nowhere:
    """A network and a channel in which nothing is."""

    async def fetch(self, url: str, part: Path, place: object, *, max_bytes: int) -> Never:
        raise AssertionError(f"{url} was asked for {max_bytes} bytes at most, for {part} and {place}")

    async def fresh(self, reference: Reference) -> Reference | None:
        raise AssertionError(reference.filename)


async def test_an_image_without_an_address_is_gone_at_once(tmp_path: Path) -> None:
    intake = Intake(Nowhere(), PictureWorker(), PictureLimits(), asyncio.sleep, Nowhere(), Fresh())
    with pytest.raises(ResultGoneError) as raised:
        await intake.collect(ImageLink(url=None, content_type=None), 1, tmp_path)
    assert raised.value.may_be_billed
