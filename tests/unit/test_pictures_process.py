"""The picture process: started late, bounded, replaced when it dies, gone when the bot is gone."""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pictures_made import half_red_half_blue, noise, saved
from PIL import Image

from bot.adapters.picture_bytes import PictureType
from bot.adapters.pictures import Fitted, PictureLimits, PictureWorker
from bot.domain.errors import PictureWorkerError

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = PictureLimits()
MIB = 1024 * 1024


async def test_inspecting_needs_no_process(tmp_path: Path) -> None:
    worker = PictureWorker()
    source = saved(half_red_half_blue(), tmp_path / "in", "WEBP")
    before = multiprocessing.active_children()
    assert await worker.inspect(source) == (PictureType.WEBP, 60, 40)
    assert multiprocessing.active_children() == before


def stuck(folder: Path) -> Path:
    """A source whose work on the stem "stuck" never ends: it writes into a pipe that nobody empties."""
    os.mkfifo(folder / "stuck.webp.part")
    return saved(noise((512, 512)), folder / "stuck.png", "PNG")


@asynccontextmanager
async def at_work(worker: PictureWorker, folder: Path) -> AsyncGenerator[asyncio.Task[Fitted]]:
    """A call that is in the process for certain, and stays there."""
    task = asyncio.create_task(worker.fit(stuck(folder), folder, "stuck", 500_000), name="at-work")
    pipe = await asyncio.to_thread((folder / "stuck.webp.part").open, "rb")  # returns when the process opens its end
    with pipe:
        yield task


async def test_a_killed_process_fails_one_call_and_the_next_one_works(tmp_path: Path) -> None:
    source = saved(half_red_half_blue(), tmp_path / "in.png", "PNG")
    others = multiprocessing.active_children()
    worker = PictureWorker()
    try:
        async with at_work(worker, tmp_path) as failing:
            waiting = asyncio.create_task(worker.normalise(source, tmp_path, "clean", LIMITS), name="waiting")
            [process] = [child for child in multiprocessing.active_children() if child not in others]
            process.kill()
            with pytest.raises(PictureWorkerError):
                await failing
        assert (await waiting).path.exists()
        assert not (tmp_path / "stuck.webp").exists()
    finally:
        await worker.close()


async def test_a_process_that_died_while_idle_is_not_noticed(tmp_path: Path) -> None:
    source = saved(half_red_half_blue(), tmp_path / "in.png", "PNG")
    others = multiprocessing.active_children()
    worker = PictureWorker()
    try:
        await worker.normalise(source, tmp_path, "first", LIMITS)
        [process] = [child for child in multiprocessing.active_children() if child not in others]
        process.kill()
        while process in multiprocessing.active_children():  # noqa: ASYNC110 - another thread buries it, without an event
            await asyncio.sleep(0.01)
        assert (await worker.normalise(source, tmp_path, "second", LIMITS)).path.exists()
    finally:
        await worker.close()


async def test_a_picture_that_takes_too_long_is_given_up_and_its_process_ends(tmp_path: Path) -> None:
    source = saved(half_red_half_blue(), tmp_path / "in.png", "PNG")
    others = multiprocessing.active_children()
    worker = PictureWorker(timeout_s=1)
    try:
        with pytest.raises(PictureWorkerError):
            await worker.fit(stuck(tmp_path), tmp_path, "stuck", 500_000)
        processes = [child for child in multiprocessing.active_children() if child not in others]
        await asyncio.to_thread(lambda: [process.join(10) for process in processes])
        assert not [process for process in processes if process.is_alive()]
        worker.timeout_s = 60
        assert (await worker.normalise(source, tmp_path, "clean", LIMITS)).path.exists()
    finally:
        await worker.close()


async def test_a_caller_that_leaves_does_not_keep_the_next_one_waiting(tmp_path: Path) -> None:
    source = saved(half_red_half_blue(), tmp_path / "in.png", "PNG")
    worker = PictureWorker()
    try:
        async with at_work(worker, tmp_path) as leaving:
            leaving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leaving
        assert (await worker.normalise(source, tmp_path, "clean", LIMITS)).path.exists()
    finally:
        await worker.close()


async def test_a_picture_over_the_memory_fails_alone(tmp_path: Path) -> None:
    large = saved(Image.new("RGBA", (6000, 6000)), tmp_path / "large.png", "PNG", compress_level=1)
    small = saved(half_red_half_blue(), tmp_path / "small.png", "PNG")
    worker = PictureWorker(memory_bytes=240 * MIB)
    try:
        with pytest.raises(PictureWorkerError):
            await worker.normalise(large, tmp_path, "large-clean", LIMITS)
        assert (await worker.normalise(small, tmp_path, "small-clean", LIMITS)).path.exists()
    finally:
        await worker.close()


async def test_a_closed_worker_takes_nothing_and_leaves_no_process(tmp_path: Path) -> None:
    source = saved(half_red_half_blue(), tmp_path / "in.png", "PNG")
    others = multiprocessing.active_children()
    worker = PictureWorker()
    await worker.normalise(source, tmp_path, "clean", LIMITS)
    await worker.close()
    await worker.close()
    assert multiprocessing.active_children() == others
    with pytest.raises(PictureWorkerError):
        await worker.normalise(source, tmp_path, "clean", LIMITS)


PARENT = """
import asyncio, sys
from pathlib import Path
from bot.adapters.pictures import PictureWorker

source = Path(sys.argv[1])
asyncio.run(PictureWorker().fit(source, source.parent, "stuck", 500_000))
"""


async def test_the_process_ends_when_the_bot_is_killed_even_at_work(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, stuck(tmp_path), stdout=asyncio.subprocess.PIPE, cwd=Path.cwd()
    )
    with await asyncio.to_thread((tmp_path / "stuck.webp.part").open, "rb"):
        parent.kill()
        assert parent.stdout is not None
        # The picture process holds the other end of this pipe: it closes when that process has ended.
        async with asyncio.timeout(10):
            assert await parent.stdout.read() == b""
            await parent.wait()
