"""An image of the bot's own that is edited: passed on while fal has it, else taken from the disk."""

from dataclasses import replace

import pytest
from doubles import WIDE, a_job, a_ticket, an_order
from scenes import House, Scene

from bot.domain.errors import InvalidRequestError, PictureRefusedError
from bot.domain.job import Job, State
from bot.domain.order import Made, Order

UNREADABLE = PictureRefusedError(position=1, unreadable=True)


def edit_of(job: Job, prompt: str = "make it night", *, position: int = 1) -> Order:
    order = an_order(prompt, references=2)
    own, other = order.references
    made = Made(job_id=job.id, position=position)
    return replace(order, references=(replace(own, made=made), other), parent=made)


def urls(house: House, which: int = -1) -> object:
    return house.fal.submitted[which].arguments["image_urls"]


async def test_an_image_that_lives_at_fal_is_passed_on_without_download_or_upload(house: House, scene: Scene) -> None:
    root = await scene.over(await scene.order())
    await scene.over(await scene.take(edit_of(root)))
    assert urls(house) == [root.pictures[0].url, "https://fal.invalid/uploads/1.png"]
    assert len(house.intake.prepared) == len(house.fal.uploads) == 1


async def test_an_image_that_fal_may_have_dropped_comes_from_the_disk(house: House, scene: Scene) -> None:
    root = await scene.over(await scene.order())
    scene.clock.turn(7 * 86400.0 - 3600.0)
    await scene.over(await scene.take(edit_of(root)))
    assert urls(house) == [f"https://fal.invalid/uploads/{n}.png" for n in (1, 2)]
    assert house.intake.owns == [house.folder / root.id / root.pictures[0].filename, None]


async def test_an_image_of_a_job_that_is_not_known_is_fetched_like_any_other(house: House, scene: Scene) -> None:
    root = await scene.over(await scene.order())
    for stranger in (replace(root, id="f" * 16), root):
        await scene.over(await scene.take(edit_of(stranger, position=2)))
    assert house.intake.owns == [None] * 4
    assert len(house.fal.uploads) == 4


async def test_what_fal_cannot_read_is_uploaded_once_and_tried_again_free_of_charge(house: House, scene: Scene) -> None:
    root = await scene.over(await scene.order())
    house.fal.plan("make it night").endings = [UNREADABLE]
    job = await scene.over(await scene.take(edit_of(root)))
    assert job.state is State.DELIVERED
    assert urls(house, -2) == [root.pictures[0].url, "https://fal.invalid/uploads/1.png"]
    assert urls(house) == ["https://fal.invalid/uploads/2.png", "https://fal.invalid/uploads/1.png"]
    assert house.intake.owns[-1] == house.folder / root.id / root.pictures[0].filename
    assert house.books.charged(job) == (8, 8)
    assert not job.retried


async def test_a_first_try_that_fal_may_have_billed_is_the_operators(house: House, scene: Scene) -> None:
    root = await scene.over(await scene.order())
    house.fal.plan("make it night").endings = [PictureRefusedError(unreadable=True, may_be_billed=True)]
    job = await scene.over(await scene.take(edit_of(root)))
    assert house.books.charged(job) == (8, 16)


@pytest.mark.parametrize(
    "error",
    [
        PictureRefusedError(position=1),
        PictureRefusedError(position=2, unreadable=True),
        PictureRefusedError(position=9),
    ],
    ids=["it was read", "another picture", "no such picture"],
)
async def test_what_an_upload_would_not_mend_is_not_tried_again(
    house: House, scene: Scene, error: PictureRefusedError
) -> None:
    root = await scene.over(await scene.order())
    house.fal.plan("make it night").endings = [error]
    job = await scene.over(await scene.take(edit_of(root)))
    assert job.state is State.FAILED
    assert len(house.fal.submitted) == 2
    assert house.books.charged(job) == (0, 0)


async def test_an_upload_that_fal_cannot_read_either_ends_the_order(house: House, scene: Scene) -> None:
    root = await scene.over(await scene.order())
    house.fal.plan("make it night").endings = [UNREADABLE, PictureRefusedError(position=1, unreadable=True)]
    job = await scene.over(await scene.take(edit_of(root)))
    assert job.state is State.FAILED
    assert len(house.fal.submitted) == 3
    assert house.books.charged(job) == (0, 0)


async def test_after_a_restart_what_fal_could_not_read_is_not_passed_on_again(house: House) -> None:
    async with house.open() as scene:
        root = await scene.over(await scene.order())
    held = await house.books.store.hold(a_job(edit_of(root)), WIDE)
    await house.books.store.save(held.but(ticket=a_ticket("the first try")))
    async with house.open() as scene:
        await scene.over(held)
    assert urls(house) == [f"https://fal.invalid/uploads/{n}.png" for n in (1, 2)]


async def test_without_room_in_the_operators_month_what_fal_cannot_read_is_not_tried_again(house: House) -> None:
    house.operator_month = 2 * 8
    async with house.open() as scene:
        root = await scene.over(await scene.order())
        house.fal.plan("make it night").endings = [PictureRefusedError(unreadable=True, may_be_billed=True)]
        job = await scene.over(await scene.take(edit_of(root)))
    assert (job.state, house.books.charged(job)) == (State.FAILED, (0, 8))
    assert len(house.fal.submitted) == 2


async def test_a_first_try_stays_the_operators_when_the_upload_after_it_is_refused(house: House, scene: Scene) -> None:
    root = await scene.over(await scene.order())
    house.plan("make it night")
    house.fal.plan("make it night").endings = [PictureRefusedError(unreadable=True, may_be_billed=True)]
    job = await scene.take(edit_of(root))
    await scene.becomes(job, State.QUEUED)
    house.fal.upload_refusals = [InvalidRequestError()]
    house.finish("make it night")
    failed = await scene.over(job)
    assert (failed.state, house.books.charged(job)) == (State.FAILED, (0, 8))
    assert house.told() == [(job.id, PictureRefusedError)]
