"""From a job's folder to the files of one message: whole when they fit, else in the best form that does."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BufferedIOBase, BytesIO
from pathlib import Path

import discord

from bot import texts
from bot.adapters.fresh import AT_ONCE, Fresh
from bot.adapters.pictures import Fitted, PictureWorker
from bot.domain.errors import DeliveryError, OriginalGoneError, PictureError
from bot.domain.job import Job
from bot.domain.packing import REQUEST_BUDGET, shares

THUMBNAIL_SIDE = 240
"""Pixels; Discord shows 85 points, and screens have up to three pixels in each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """Files that fit one message together."""

    paths: Sequence[Path]
    fresh: Fresh
    fitted: Sequence[tuple[int, Fitted]] = field(default_factory=list[tuple[int, Fitted]])
    """Position and outcome of what had to be encoded again."""

    @property
    def names(self) -> list[str]:
        """File names as Discord shows them."""
        return [path.name for path in self.paths]

    @property
    def originals(self) -> list[int]:
        """Positions of images whose untouched file differs from what is shown."""
        return [position for position, _ in self.fitted]

    @property
    def remark(self) -> str | None:
        """What the message says about it."""
        if not self.fitted:
            return None
        kinds = sorted({texts.FORMATS[one.kind.value] for _, one in self.fitted})
        return texts.reencoded(kinds, scaled=any(one.scaled for _, one in self.fitted))

    @asynccontextmanager
    async def files(self, job: Job) -> AsyncGenerator[list[discord.File]]:
        """Open files, for one sending. Large ones are read while they are sent. Raises DeliveryError when one is gone."""
        try:
            sources = self.fresh.take(self.paths) or await asyncio.to_thread(self._opened)
        except FileNotFoundError:
            raise DeliveryError from None
        files = [
            discord.File(
                source,
                filename=path.name,
                description=texts.alt_text(job.order.title, position, len(self.paths), edit=job.order.is_edit),
            )
            for position, (path, source) in enumerate(zip(self.paths, sources, strict=True), start=1)
        ]
        try:
            yield files
        finally:
            for file in files:
                file.close()
                file.fp.close()  # else its bytes stay in memory until a full garbage collection finds aiohttp's circles

    def _opened(self) -> Sequence[BufferedIOBase]:
        # Read at once only for speed: aiohttp reads 256 KB a time, each in a thread: 0.4 ms of CPU for 1.5 MB.
        at_once = sum(path.stat().st_size for path in self.paths) <= AT_ONCE
        return [BytesIO(path.read_bytes()) if at_once else path.open("rb") for path in self.paths]


class Packer:
    """Makes a job's pictures fit Discord."""

    def __init__(self, worker: PictureWorker, fresh: Fresh) -> None:
        self._worker = worker
        self.fresh = fresh

    async def pack(self, job: Job, folder: Path, file_limit: int, budget: int = REQUEST_BUDGET) -> Packed:
        """All pictures of a job within one request. Raises DeliveryError when they do not fit."""
        paths, fitted = list[Path](), list[tuple[int, Fitted]]()
        allowed = shares([one.size for one in job.pictures], file_limit, budget)
        for position, (picture, share) in enumerate(zip(job.pictures, allowed, strict=True), start=1):
            path = folder / picture.filename
            if picture.size > share:
                one = await self._fit(path, folder, f"posted-{position}", share)
                fitted.append((position, one))
                path = one.path
            paths.append(path)
        return Packed(paths=paths, fresh=self.fresh, fitted=fitted)

    async def all(self, job: Job, folder: Path, file_limit: int) -> Sequence[Path]:
        """All pictures of a job, within one message. Raises DeliveryError when they are not there or do not fit."""
        paths = (await self.pack(job, folder, file_limit)).paths
        if not await asyncio.to_thread(lambda: all(path.is_file() for path in paths)):
            raise DeliveryError
        return paths

    async def original(self, job: Job, folder: Path, position: int, file_limit: int) -> tuple[Path, bool]:
        """The untouched file of one image, or a copy that fits, and which of both. Raises OriginalGoneError."""
        if not 1 <= position <= len(job.pictures):
            raise OriginalGoneError
        picture = job.pictures[position - 1]
        path = folder / picture.filename
        if not await asyncio.to_thread(path.is_file):
            raise OriginalGoneError
        limit = min(file_limit, REQUEST_BUDGET)
        if picture.size <= limit:
            return path, True
        return (await self._fit(path, folder, f"original-{position}", limit)).path, False

    async def compare(self, before: Path, after: Path, labels: tuple[str, str], folder: Path) -> Path:
        """Both in one picture, which fits every limit. Raises PictureError, OSError."""
        return await self._worker.compare(before, after, labels, folder)

    async def thumbnail(self, job: Job, folder: Path) -> Path | None:
        """A small copy of the first image; None when the file is not there.

        Made once, only for speed: the picture process takes 40 ms for a 1K image and 500 for a 4K one.
        """
        path, small = folder / job.pictures[0].filename, folder / "thumbnail.webp"
        try:
            if await asyncio.to_thread(small.is_file):
                return small
            return await self._worker.thumbnail(path, folder, small.stem, THUMBNAIL_SIDE)
        except (PictureError, OSError):
            return None

    async def _fit(self, path: Path, folder: Path, stem: str, share: int) -> Fitted:
        try:
            return await self._worker.fit(path, folder, stem, share)
        except (PictureError, OSError):
            raise DeliveryError from None
