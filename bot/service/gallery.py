"""Finished pictures on disk: handed out again, and swept away when their time is over."""

import asyncio
import logging
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.domain.errors import DeliveryError, JobGoneError, OriginalGoneError, PictureError
from bot.domain.job import Job, State
from bot.domain.ledger import DAY
from bot.service.ports import Clock

_log = logging.getLogger(__name__)

GIB = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """One image as a file that fits a message."""

    path: Path
    untouched: bool
    """False for a copy that was encoded again to fit."""


class FileSource(Protocol):
    """Finds or makes files that fit a message."""

    async def all(self, job: Job, folder: Path, file_limit: int) -> Sequence[Path]:
        """All images of a job, within one message. Raises DeliveryError when they are gone."""
        ...

    async def thumbnail(self, job: Job, folder: Path) -> Path | None:
        """A small copy of the first image; None when it is not there."""
        ...

    async def original(self, job: Job, folder: Path, position: int, file_limit: int) -> tuple[Path, bool]:
        """The file, and whether it is the untouched one. Raises OriginalGoneError, DeliveryError."""
        ...

    async def compare(self, before: Path, after: Path, labels: tuple[str, str], folder: Path) -> Path:
        """Both in one picture. Raises PictureError, OSError."""
        ...


class JobFiles(Protocol):
    """Which jobs may have files."""

    async def with_files(self, since: float) -> Sequence[str]:
        """Ids of the jobs rendered since then (unix seconds), the oldest first."""
        ...

    async def busy(self) -> Sequence[str]:
        """Ids of the jobs on their way, whose files are still needed."""
        ...

    async def unfetched(self) -> Sequence[tuple[str, float]]:
        """Jobs whose images could be posted nowhere and wait for their member: id and when rendered, the oldest first."""
        ...

    async def give_up(self, job_id: str) -> None:
        """The images of such a job are gone. One that was fetched meanwhile stays as it is."""
        ...


class Copies(Protocol):
    """Earlier results, posted again."""

    async def bring_back(self, job: Job, *, guild_id: int | None, channel_id: int, by: int) -> int:
        """Post a result's images and buttons from disk; returns the message's id. Raises OriginalGoneError."""
        ...


class Gallery:
    """The pictures of the jobs folder."""

    def __init__(
        self, source: FileSource, jobs: JobFiles, jobs_dir: Path, *, keep_days: int, max_gib: float, clock: Clock
    ) -> None:
        self._source = source
        self._jobs = jobs
        self._dir = jobs_dir
        self._keep = keep_days * DAY
        self._max_bytes = int(max_gib * GIB)
        self._clock = clock

    async def thumbnail(self, job: Job) -> Path | None:
        """A small copy of a finished job's first image; None when its files are gone."""
        return await self._source.thumbnail(job, self._dir / job.id) if job.pictures else None

    async def original(self, job: Job, position: int, file_limit: int) -> Original:
        """One image of a finished job. Raises JobGoneError, OriginalGoneError, DeliveryError."""
        if job.state not in {State.RENDERED, State.DELIVERED}:
            raise JobGoneError
        path, untouched = await self._source.original(job, self._dir / job.id, position, file_limit)
        return Original(path=path, untouched=untouched)

    async def all(self, job: Job, file_limit: int) -> Sequence[Path]:
        """All images of a finished job, within one message. Raises JobGoneError, OriginalGoneError."""
        if job.state not in {State.RENDERED, State.DELIVERED}:
            raise JobGoneError
        try:
            return await self._source.all(job, self._dir / job.id, file_limit)
        except DeliveryError:
            raise OriginalGoneError from None

    async def sides(self, job: Job, parent: Job | None) -> tuple[Path, Path]:
        """What an edit was made from, its parent's image or the picture that went in, and what came of it.

        Raises JobGoneError, OriginalGoneError.
        """
        if job.state not in {State.RENDERED, State.DELIVERED} or not job.pictures:
            raise JobGoneError
        before = await asyncio.to_thread(self._before, job, parent)
        after = self._dir / job.id / job.pictures[0].filename
        if before is None or not await asyncio.to_thread(after.is_file):
            raise OriginalGoneError
        return before, after

    async def compare(self, sides: tuple[Path, Path], labels: tuple[str, str]) -> Path:
        """Both side by side. Raises OriginalGoneError."""
        before, after = sides
        try:
            return await self._source.compare(before, after, labels, after.parent)
        except (PictureError, OSError):
            raise OriginalGoneError from None

    def _before(self, job: Job, parent: Job | None) -> Path | None:
        made = job.order.parent
        if made is not None:
            known = parent is not None and 1 <= made.position <= len(parent.pictures)
            path = self._dir / made.job_id / parent.pictures[made.position - 1].filename if parent and known else None
            return path if path is not None and path.is_file() else None
        return next(iter(sorted((self._dir / job.id).glob("reference-1.*"))), None)

    async def remove(self, job: Job) -> None:
        """Take away a job's files; well when they are gone already."""
        await asyncio.to_thread(shutil.rmtree, self._dir / job.id, ignore_errors=True)

    async def sweep(self) -> int:
        """Remove folders that are too old, of no job, or beyond the size limit (oldest first); returns how many.

        What could be posted nowhere exists here alone: it is kept for a day at least, and goes last.
        """
        folders = await asyncio.to_thread(self._folders)  # first: a folder made meanwhile belongs to a new job
        busy = set(await self._jobs.busy())  # before what is finished: a job that goes on meanwhile is in one of both
        unfetched, now = dict(await self._jobs.unfetched()), self._clock()
        others = [one for one in await self._jobs.with_files(now - self._keep) if one not in busy | unfetched.keys()]
        waiting = [one for one, at in unfetched.items() if at >= now - max(self._keep, DAY)]
        swept = await asyncio.to_thread(self._sweep, folders, [*others, *waiting], busy)
        for job_id in await asyncio.to_thread(self._without_files, unfetched):
            await self._jobs.give_up(job_id)
        return swept

    def _without_files(self, job_ids: Iterable[str]) -> list[str]:
        return [one for one in job_ids if not (self._dir / one).is_dir()]

    def _folders(self) -> dict[str, int]:
        """Name and size of each."""
        if not self._dir.is_dir():
            return {}
        return {folder.name: _size(folder) for folder in self._dir.iterdir() if folder.is_dir()}

    def _sweep(self, folders: dict[str, int], fresh: Sequence[str], busy: set[str]) -> int:
        kept = busy.union(fresh)
        doomed = [name for name in folders if name not in kept]
        total = sum(folders.values()) - sum(folders[name] for name in doomed)
        for name in fresh:
            if total <= self._max_bytes:
                break
            if name in folders:
                doomed.append(name)
                total -= folders[name]
        for name in doomed:
            shutil.rmtree(self._dir / name, ignore_errors=True)
        if doomed:
            _log.info("swept %d folders of pictures", len(doomed))
        return len(doomed)


def _size(folder: Path) -> int:
    total = 0
    for file in folder.iterdir():
        with suppress(FileNotFoundError):  # put in its place meanwhile
            total += file.stat().st_size
    return total
