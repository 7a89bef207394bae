"""Small things that would last: a gate shut for a day, files swept while their job moves on, and files never swept."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path

import pytest
from doubles import NOON, WIDE, Books, HandClock, a_job, a_picture, a_ticket

from bot.adapters.discord_files import Packer
from bot.adapters.fresh import Fresh
from bot.adapters.pictures import PictureWorker
from bot.domain.errors import AccountError, DeliveryError, OriginalGoneError, packed
from bot.domain.job import Job, State
from bot.domain.ledger import DAY, Closing
from bot.service.alerts import Alerts
from bot.service.gallery import Gallery
from bot.service.gate import Gate

_ids = count(1)


async def test_a_gate_that_was_shut_before_the_clock_was_set_back_is_open(clock: HandClock) -> None:
    gate = Gate(clock, clock.sleep, Alerts())
    gate.shut(AccountError(unsent=True))
    assert gate.is_shut
    clock.now -= 86_400
    assert not gate.is_shut
    gate.check()
    assert await gate.passage()


class MovingFiles:
    """A job whose images are complete and delivered between two looks."""

    def __init__(self) -> None:
        self._delivered = False

    async def with_files(self, since: float) -> Sequence[str]:
        assert since
        found = ["moving"] if self._delivered else []
        self._delivered = True
        return found

    async def busy(self) -> Sequence[str]:
        found = [] if self._delivered else ["moving"]
        self._delivered = True
        return found

    async def unfetched(self) -> Sequence[tuple[str, float]]:
        return []

    async def give_up(self, job_id: str) -> None:
        raise AssertionError(job_id)


@pytest.mark.parametrize(("folder", "swept"), [("moving", 0), ("of nobody", 1)])
async def test_files_of_a_job_that_is_delivered_during_the_sweep_stay(
    folder: str, swept: int, clock: HandClock, tmp_path: Path
) -> None:
    (tmp_path / folder).mkdir()
    gallery = Gallery(Packer(PictureWorker(), Fresh()), MovingFiles(), tmp_path, keep_days=30, max_gib=1, clock=clock)
    assert await gallery.sweep() == swept
    assert (tmp_path / folder).exists() is not bool(swept)


async def made(books: Books, folder: Path, at: float, *, posted: bool) -> Job:
    """A job with 2 KiB of pictures, whose images stand in Discord or could be posted nowhere."""
    job = await books.store.hold(a_job(), WIDE)
    submitting = job.to(State.SUBMITTING, submitted_at=NOON)
    queued = submitting.to(State.QUEUED, ticket=a_ticket(f"r{next(_ids)}"))
    rendered = queued.to(State.RENDERED, pictures=(a_picture(),), rendered_at=at, charged=8)
    await books.store.save(submitting)
    await books.store.save(queued)
    await books.store.save(rendered, Closing(customer=8, operator=8))
    (folder / job.id).mkdir()
    (folder / job.id / "1.png").write_bytes(b"x" * 2048)
    if posted:
        rendered = rendered.to(State.DELIVERED, message_id=job.number)
    else:
        rendered = rendered.but(error=packed(DeliveryError()), told=True)
    await books.store.save(rendered)
    return rendered


def gallery_of(books: Books, folder: Path, clock: HandClock, *, keep_days: int = 30, kept: int = 10) -> Gallery:
    """It keeps so many KiB."""
    packer = Packer(PictureWorker(), Fresh())
    return Gallery(packer, books.store, folder, keep_days=keep_days, max_gib=kept / 1024**2, clock=clock)


async def test_what_could_be_posted_nowhere_and_was_not_fetched_goes_after_its_days_and_stays_paid(
    books: Books, clock: HandClock, tmp_path: Path
) -> None:
    job = await made(books, tmp_path, NOON, posted=False)
    gallery = gallery_of(books, tmp_path, clock)
    clock.turn(30 * DAY)
    assert await gallery.sweep() == 0
    assert await books.store.job(job.id) == job
    clock.turn(1)
    assert await gallery.sweep() == 1
    assert not (tmp_path / job.id).exists()
    assert await books.store.job(job.id) == job.but(error=packed(OriginalGoneError()))
    assert books.charged(job) == (8, 8)
    assert await books.store.unfinished() == await books.store.untold() == await books.store.unfetched() == []


async def test_what_could_be_posted_nowhere_is_kept_for_a_day_however_short_pictures_are_kept(
    books: Books, clock: HandClock, tmp_path: Path
) -> None:
    waiting = await made(books, tmp_path, NOON, posted=False)
    posted = await made(books, tmp_path, NOON, posted=True)
    gallery = gallery_of(books, tmp_path, clock, keep_days=0)
    clock.turn(DAY)
    assert await gallery.sweep() == 1
    assert not (tmp_path / posted.id).exists()
    clock.turn(1)
    assert await gallery.sweep() == 1
    assert not (tmp_path / waiting.id).exists()


async def test_beyond_the_limit_what_stands_in_discord_goes_before_what_could_be_posted_nowhere(
    books: Books, clock: HandClock, tmp_path: Path
) -> None:
    older = await made(books, tmp_path, NOON - 9, posted=False)
    newer = await made(books, tmp_path, NOON - 8, posted=False)
    posted = await made(books, tmp_path, NOON - 7, posted=True)
    for kept, gone in ((6, []), (4, [posted]), (2, [posted, older]), (0, [posted, older, newer])):
        await gallery_of(books, tmp_path, clock, kept=kept).sweep()
        assert [one for one in (posted, older, newer) if not (tmp_path / one.id).exists()] == gone
    assert [one for one, _ in await books.store.unfetched()] == []


async def test_what_is_fetched_while_it_is_swept_counts_as_delivered(books: Books, tmp_path: Path) -> None:
    job = await made(books, tmp_path, NOON, posted=False)
    fetched = job.to(State.DELIVERED, message_id=77, error=None)
    await books.store.save(fetched)
    await books.store.give_up(job.id)
    assert await books.store.job(job.id) == fetched


async def test_what_is_still_to_be_posted_is_neither_swept_nor_given_up(
    books: Books, clock: HandClock, tmp_path: Path
) -> None:
    job = await made(books, tmp_path, NOON, posted=False)
    going_on = job.but(error=None, told=False)
    await books.store.save(going_on)
    clock.turn(31 * DAY)
    assert await gallery_of(books, tmp_path, clock, kept=0).sweep() == 0
    assert await books.store.job(job.id) == going_on
