"""Pictures for the rest of the bot: checked in this process, decoded and encoded in one other process."""

import asyncio
import functools
import logging
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple, TypeVar

from bot.adapters import picture_compare, picture_work
from bot.adapters.picture_bytes import PictureType, glance
from bot.adapters.picture_work import Done, Fitted, Normalised, PictureLimits, Refused
from bot.domain.errors import (
    BrokenPictureError,
    NotAPictureError,
    PictureTooLargeError,
    PictureTooManyPixelsError,
    PictureTooSmallError,
    PictureWorkerError,
    UnsupportedPictureError,
)

__all__ = ["Fitted", "Inspected", "Normalised", "PictureLimits", "PictureWorker", "inspect"]

T = TypeVar("T")

_log = logging.getLogger(__name__)
_DECODED = frozenset({PictureType.PNG, PictureType.JPEG, PictureType.WEBP, PictureType.GIF})


class Inspected(NamedTuple):
    """A picture's kind and its size as stored, before any EXIF orientation."""

    kind: PictureType
    width: int
    height: int


class PictureWorker:
    """One process that does one picture at a time; it starts with the first and is replaced when it dies or hangs.

    The process's limits keep a hostile or enormous picture from taking the bot with it. Every method raises OSError
    when a file cannot be read here.
    """

    def __init__(self, *, timeout_s: float = 60.0, memory_bytes: int | None = 2 * 1024**3) -> None:
        """`timeout_s` bounds one picture's work, not its waiting; `memory_bytes` is all of the process's address space."""
        self.timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._turn = asyncio.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._closed = False

    async def inspect(self, path: Path) -> Inspected:
        """Kind and size by the header alone, without the process.

        Raises NotAPictureError, UnsupportedPictureError, BrokenPictureError.
        """
        return await asyncio.to_thread(inspect, path)

    async def normalise(self, source: Path, target_dir: Path, stem: str, limits: PictureLimits) -> Normalised:
        """Make a member's picture fit for fal: upright, sRGB, no metadata, at most `limits.upload_bytes`.

        The target is `stem` with the suffix of what it became. Raises PictureError.
        """
        kind = await asyncio.to_thread(_admit, source, limits)
        return await self._do(functools.partial(picture_work.normalise, source, kind, target_dir, stem, limits))

    async def fit(self, source: Path, target_dir: Path, stem: str, max_bytes: int) -> Fitted:
        """Write the best form of a result that has at most `max_bytes`; a plain copy when it has already.

        All pixels at the highest quality that fits; fewer pixels only when that is not enough. The target is `stem`
        with the suffix of what it became, and never the source itself. Raises PictureError.
        """
        kind, width, height = await self.inspect(source)
        size = await asyncio.to_thread(source.stat)
        if size.st_size > max_bytes:
            return await self._do(functools.partial(picture_work.fit, source, kind, target_dir, stem, max_bytes))
        target = target_dir / f"{stem}{kind.suffix}"
        await asyncio.to_thread(picture_work.copy, source, target)
        return Fitted(
            path=target,
            content_type=kind.content_type,
            width=width,
            height=height,
            kind=kind,
            recoded=False,
            quality=None,
            scaled=False,
        )

    async def compare(self, before: Path, after: Path, labels: tuple[str, str], target_dir: Path) -> Path:
        """Both in one picture, each under its label. Raises PictureError."""
        first, second = await self.inspect(before), await self.inspect(after)
        return await self._do(
            functools.partial(picture_compare.compare, (before, first.kind), (after, second.kind), labels, target_dir)
        )

    async def thumbnail(self, source: Path, target_dir: Path, stem: str, side: int) -> Path:
        """Write a small copy, its longer side at most so many pixels. Raises PictureError."""
        kind, _, _ = await self.inspect(source)
        return await self._do(functools.partial(picture_work.thumbnail, source, kind, target_dir, stem, side))

    async def close(self, grace_s: float = 2.0) -> None:
        """Let the picture in work end if it does so soon, then end the process. Nothing more is taken."""
        self._closed = True
        try:
            async with asyncio.timeout(grace_s), self._turn:
                pool, self._pool = self._pool, None
        except TimeoutError:
            self._end()
        else:
            if pool is not None:
                await asyncio.to_thread(pool.shutdown)

    async def _do(self, work: Callable[[], T]) -> T:
        task: Callable[[], Done[T] | Refused] = functools.partial(picture_work.carry_out, work)
        async with self._turn:
            if self._closed:
                raise PictureWorkerError
            outcome = await self._in_process(task)
        if isinstance(outcome, Refused):
            raise outcome.error(**outcome.fields)  # pyright: ignore[reportArgumentType] - its own fields, as they left it
        return outcome.value

    async def _in_process(self, task: Callable[[], T]) -> T:
        """Do one task in the process. Whatever is not an answer, a cancelled caller included, ends the process."""
        answered = False
        try:
            async with asyncio.timeout(self.timeout_s):
                outcome = await (await self._hand_over(task))
            answered = True
        except Exception as error:  # the boundary of one picture
            _log.warning("the picture process failed: %s", type(error).__name__)
            raise PictureWorkerError from error
        finally:
            if not answered:
                self._end()
        return outcome

    async def _hand_over(self, task: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        if self._pool is not None:
            try:
                return loop.run_in_executor(self._pool, task)
            except BrokenProcessPool:  # it died while idle, and did not take the task
                self._end()
        self._pool = await asyncio.to_thread(_start, self._memory_bytes)
        return loop.run_in_executor(self._pool, task)

    def _end(self) -> None:
        """Kill the process, whatever it is doing."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        # Python offers this from 3.14 on (kill_workers); the test of a picture that takes too long holds this name.
        processes = pool._processes or {}  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - see above
        for process in list(processes.values()):
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)


def _start(memory_bytes: int | None) -> ProcessPoolExecutor:
    """Spawn the process; a fork would copy threads, sockets and the database of a running bot."""
    pool = ProcessPoolExecutor(
        max_workers=1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=picture_work.start,
        initargs=(memory_bytes,),
    )
    pool.submit(int)  # the process starts with the first task, and starting it blocks
    return pool


def _admit(source: Path, limits: PictureLimits) -> PictureType:
    """Refuse what a header can refuse, before anything is decoded."""
    if source.stat().st_size > limits.source_bytes:
        raise PictureTooLargeError(limit_bytes=limits.source_bytes)
    seen = glance(source)
    if seen is not None and seen.kind is PictureType.HEIC:
        return seen.kind  # only its own library reads its size, and that runs in the process
    kind, width, height = inspect(source)
    if width * height > limits.pixels:
        raise PictureTooManyPixelsError(width=width, height=height, limit=limits.pixels)
    if min(width, height) < limits.side:
        raise PictureTooSmallError(limit=limits.side)
    return kind


def inspect(path: Path) -> Inspected:
    """What `PictureWorker.inspect` tells, and raises. Blocks."""
    seen = glance(path)
    if seen is None:
        raise NotAPictureError
    if seen.kind not in _DECODED:
        raise UnsupportedPictureError(kind=seen.kind.value)
    if seen.size is None:
        raise BrokenPictureError
    return Inspected(seen.kind, *seen.size)
