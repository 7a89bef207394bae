"""The PictureIntake port: members' attachments and fal's results, from the network to checked files."""

import asyncio
import functools
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

from bot.adapters.downloads import DownloadError, GoneError, NetworkError, TooLargeError
from bot.adapters.fresh import AT_ONCE, Fresh
from bot.adapters.picture_bytes import PictureType, is_complete
from bot.adapters.pictures import PictureLimits, PictureWorker, inspect
from bot.domain.errors import (
    PictureError,
    PictureGoneError,
    PictureTooLargeError,
    PictureUnreachableError,
    ResultGoneError,
)
from bot.domain.job import Picture
from bot.domain.order import Reference
from bot.service.ports import ImageLink, Prepared, Sleep

_log = logging.getLogger(__name__)

T = TypeVar("T")

REFERENCE_TRIES = 3
GONE_TRIES, RESULT_TRIES = 6, 120
"""Of a result that answers wrongly, and of one that cannot be reached or stored: it is paid, and fal keeps it for days."""
RESULT_BYTES = 200 * 1024 * 1024
"""More than any model makes: a 4K PNG has some 30 MB."""


class Fetcher(Protocol):
    """Gets files from the network."""

    async def fetch(self, url: str, part: Path, place: Callable[[Path], T], *, max_bytes: int) -> T:
        """What `place` makes, in a thread, of the complete file at `part`. Raises DownloadError, and what `place` raises."""
        ...


class Looker(Protocol):
    """Looks pictures up again where they were found."""

    async def fresh(self, reference: Reference) -> Reference | None:
        """The same picture with an address that works again; None when there is none."""
        ...


class Intake:
    """Pictures in."""

    def __init__(
        self,
        downloads: Fetcher,
        worker: PictureWorker,
        limits: PictureLimits,
        sleep: Sleep,
        posts: Looker,
        fresh: Fresh,
    ) -> None:
        self._downloads = downloads
        self._worker = worker
        self._limits = limits
        self._sleep = sleep
        self._posts = posts
        self._fresh = fresh

    async def prepare(self, reference: Reference, position: int, folder: Path, own: Path | None = None) -> Prepared:
        """Read, check and normalise one picture of an order; it may be here already, in this order or in another."""
        if (kept := await asyncio.to_thread(_found, reference, position, folder)) is not None:
            return kept
        raw = folder / f"reference-{position}.raw"
        try:
            limits = self._limits
            if own is not None and await asyncio.to_thread(_linked, own, raw):
                limits = replace(limits, source_bytes=RESULT_BYTES)
            else:
                await self._fetch_reference(reference, raw)
            picture = await self._worker.normalise(raw, folder, f"reference-{position}", limits)
        except PictureError as error:
            error.position = position
            raise
        finally:
            await asyncio.to_thread(raw.unlink, missing_ok=True)
        return Prepared(path=picture.path, content_type=picture.content_type)

    async def collect(self, link: ImageLink, position: int, folder: Path) -> Picture:
        """Fetch one image of a result; the bytes decide what it is, not what its server says."""
        if link.url is None:
            raise ResultGoneError(may_be_billed=True)
        part, place = folder / f"image-{position}.part", functools.partial(_placed, url=link.url)
        for attempt in range(1, RESULT_TRIES + 1):
            try:
                picture, data = await self._downloads.fetch(link.url, part, place, max_bytes=RESULT_BYTES)
            except (DownloadError, PictureError, OSError) as error:
                _log.warning("image %d of a result, try %d: %s", position, attempt, type(error).__name__)
                gone = not isinstance(error, NetworkError | OSError)
                if attempt == (GONE_TRIES if gone else RESULT_TRIES):
                    break
                await self._sleep(min(60.0, 0.5 * 2**attempt))
            else:
                if data is not None:
                    self._fresh.keep(folder / picture.filename, data)
                return picture
        raise ResultGoneError(may_be_billed=True)

    async def _fetch_reference(self, reference: Reference, raw: Path) -> None:
        """Once more with a fresh address when the first leads nowhere: its signature may have run out."""
        try:
            await self._fetch(reference.url, raw)
        except PictureGoneError:
            fresh = await self._posts.fresh(reference)
            if fresh is None:
                raise
            await self._fetch(fresh.url, raw)

    async def _fetch(self, url: str, raw: Path) -> None:
        for attempt in range(1, REFERENCE_TRIES + 1):
            try:
                await self._downloads.fetch(
                    url, raw.with_suffix(".part"), lambda part: part.replace(raw), max_bytes=self._limits.source_bytes
                )
            except TooLargeError as error:
                raise PictureTooLargeError(limit_bytes=error.limit_bytes) from None
            except GoneError:
                raise PictureGoneError from None
            except NetworkError:
                if attempt == REFERENCE_TRIES:
                    raise PictureUnreachableError from None
                await self._sleep(0.5 * 2**attempt)
            else:
                return


def _placed(part: Path, url: str) -> tuple[Picture, bytes | None]:
    """Name a whole picture by its kind; the bytes of a small one, too. Blocks; raises PictureError, NetworkError, OSError."""
    seen = inspect(part)
    if not is_complete(part):
        raise NetworkError(reason="incomplete picture")
    path = part.replace(part.with_suffix(seen.kind.suffix))
    picture = Picture(
        url=url,
        filename=path.name,
        content_type=seen.kind.content_type,
        width=seen.width,
        height=seen.height,
        size=path.stat().st_size,
    )
    return picture, path.read_bytes() if picture.size <= AT_ONCE else None


def _found(reference: Reference, position: int, folder: Path) -> Prepared | None:
    """The prepared file, after a restart or from an earlier order that used the same picture."""
    here = _kept(folder, f"reference-{position}")
    if here is not None or reference.kept is None:
        return here
    there = _kept(folder.parent / reference.kept.job_id, f"reference-{reference.kept.position}")
    if there is None:
        return None
    path = folder / f"reference-{position}{there.path.suffix}"
    return replace(there, path=path) if _linked(there.path, path) else None


def _linked(source: Path, target: Path) -> bool:
    """The same file under a second name, which stays when the first is swept; False when it is gone."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        return False
    except OSError:  # not every file system has second names
        shutil.copyfile(source, target)
    return True


def _kept(folder: Path, stem: str) -> Prepared | None:
    """Prepared files are put in place complete or not at all."""
    for kind in (PictureType.PNG, PictureType.JPEG, PictureType.WEBP):
        path = folder / f"{stem}{kind.suffix}"
        if path.is_file():
            return Prepared(path=path, content_type=kind.content_type)
    return None
