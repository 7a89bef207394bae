"""What the picture process does: everything that decodes or encodes a picture. Top-level functions, so they pickle."""

import math
import multiprocessing
import os
import shutil
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from PIL import Image

from bot.adapters.picture_bytes import PictureType
from bot.adapters.picture_codec import LONGEST_SIDE, Encoded, encode, is_transparent, read, scaled, shrinking
from bot.domain.errors import PictureError, PictureTooLargeError
from bot.domain.references import MAX_BYTES

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureLimits:
    """What is taken from a member, and how large it may be when it goes to fal."""

    source_bytes: int = MAX_BYTES
    upload_bytes: int = 7_000_000
    """Google's limit for one inline picture is 7 MB."""
    pixels: int = 64_000_000
    """Width times height; phones make 50 million, and more needs much of the process's memory."""
    upload_pixels: int = 4096 * 4096
    """The models' largest image; they scale down what is larger, and it would only cost time here."""
    side: int = 16
    """Pixels of the shorter side, at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """A member's picture, upright, in sRGB and without metadata."""

    path: Path
    content_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A result that fits a size limit, and what was done to make it fit."""

    path: Path
    content_type: str
    width: int
    height: int
    kind: PictureType
    recoded: bool
    """False for a plain copy: it did fit as it was."""
    quality: int | None
    """1 to 100 of a lossy encoding; None when no pixel changed."""
    scaled: bool
    """True when it has fewer pixels than the source."""


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """What a piece of work returned."""

    value: T


@dataclass(frozen=True, slots=True)
class Refused:
    """A PictureError on its way to the other process; exceptions with keyword-only fields do not pickle."""

    error: type[PictureError]
    fields: dict[str, object]


# --- the process ----------------------------------------------------------------------------------


def start(memory_bytes: int | None) -> None:
    """Prepare the worker process: bounded, polite, and gone when its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C and service managers signal the whole group;
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the parent decides when this process ends
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    if hasattr(os, "nice"):
        os.nice(5)  # the event loop's process goes first
    if memory_bytes is not None:
        _bound_memory(memory_bytes)


def _end_with_parent() -> None:
    """A killed parent cannot tell its worker to stop, and the worker would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _bound_memory(memory_bytes: int) -> None:
    try:
        import resource  # noqa: PLC0415 - it exists on Unix only
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, hard))


def carry_out(work: Callable[[], T]) -> Done[T] | Refused:
    """Do a piece of work; a refusal comes back as a value."""
    try:
        return Done(work())
    except PictureError as error:
        return Refused(type(error), dict(vars(error)))


# --- a member's picture ---------------------------------------------------------------------------

_UPLOAD_QUALITIES = (95, 85, 75)
_SCALED_QUALITY = 80
_PNG_HOPE = 1.5
"""A PNG source this many times over the limit is not tried as a PNG again: encoding 16 million pixels takes 5 s."""


def normalise(source: Path, kind: PictureType, target_dir: Path, stem: str, limits: PictureLimits) -> Normalised:
    """Decode, clean and re-encode a picture whose header was checked before. Raises BrokenPictureError."""
    image = _at_most(read(source, kind, limits.pixels), limits.upload_pixels)
    try_png = kind is PictureType.GIF or (
        kind is PictureType.PNG and source.stat().st_size <= limits.upload_bytes * _PNG_HOPE
    )
    lossy = PictureType.WEBP if is_transparent(image) or kind is PictureType.WEBP else PictureType.JPEG
    for attempt in _upload_attempts(image, lossy, try_png=try_png):
        if attempt.fits(limits.upload_bytes):
            return Normalised(
                path=store(attempt, target_dir, stem),
                content_type=attempt.kind.content_type,
                width=attempt.width,
                height=attempt.height,
            )
    raise PictureTooLargeError(limit_bytes=limits.upload_bytes)


def _at_most(image: Image.Image, pixels: int) -> Image.Image:
    factor = math.sqrt(pixels / (image.width * image.height))
    return image if factor >= 1 else scaled(image, factor)


def _upload_attempts(image: Image.Image, lossy: PictureType, *, try_png: bool) -> Iterator[Encoded]:
    if try_png:
        yield encode(image, PictureType.PNG, None)
    for quality in _UPLOAD_QUALITIES:
        yield encode(image, lossy, quality)
    for smaller in shrinking(image, 0.8):
        yield encode(smaller, lossy, _SCALED_QUALITY)


# --- a result -------------------------------------------------------------------------------------

_RESULT_PIXELS = 100_000_000
"""Above some 90 million Discord shows no preview, and fal makes no such image."""
_LOSSLESS_HOPE = 1.25
"""A PNG source this many times over the limit is not tried losslessly: 5 s for 16 million pixels, to save 5 to 25 %."""
_BEST_QUALITY = 95
_QUALITIES = (60, 65, 70, 75, 80, 85, 90)
"""Below 60 a smaller picture looks better than a coarser one."""


def fit(source: Path, kind: PictureType, target_dir: Path, stem: str, max_bytes: int) -> Fitted:
    """Write the best form of a result that has at most `max_bytes`.

    Raises BrokenPictureError; PictureTooLargeError when even one pixel is too much.
    """
    image = read(source, kind, _RESULT_PIXELS)
    hopeful = kind is PictureType.PNG and source.stat().st_size <= max_bytes * _LOSSLESS_HOPE
    best = _fit_lossless(image, max_bytes) if hopeful else None
    best = best or _fit_whole(image, max_bytes) or _fit_scaled(image, max_bytes)
    if best is None:
        raise PictureTooLargeError(limit_bytes=max_bytes)
    path = store(best, target_dir, stem, keep=source)
    return Fitted(
        path=path,
        content_type=best.kind.content_type,
        width=best.width,
        height=best.height,
        kind=best.kind,
        recoded=True,
        quality=best.quality,
        scaled=(best.width, best.height) != image.size,
    )


def copy(source: Path, target: Path) -> None:
    """Copy a file so that the target is either absent or complete."""
    part = _part(target)
    shutil.copyfile(source, part)
    _settle(part, target, keep=source)


def _fit_lossless(image: Image.Image, max_bytes: int) -> Encoded | None:
    attempt = encode(image, PictureType.WEBP, None)
    return attempt if attempt.fits(max_bytes) else None


def _fit_whole(image: Image.Image, max_bytes: int) -> Encoded | None:
    """The highest quality that fits with every pixel; three searches below the best one.

    JPEG comes first: WebP halves the resolution of the colours (on a 4K test picture 33 against 41 dB) and takes six
    times as long, but fits where JPEG does not.
    """
    if not is_transparent(image) and (finest := encode(image, PictureType.JPEG, _BEST_QUALITY)).fits(max_bytes):
        return finest
    best = encode(image, _lossy(image), _BEST_QUALITY)
    if best.fits(max_bytes):
        return best
    found = None
    low, high = 0, len(_QUALITIES)
    while low < high:
        middle = (low + high) // 2
        attempt = encode(image, _lossy(image), _QUALITIES[middle])
        if attempt.fits(max_bytes):
            found, low = attempt, middle + 1
        else:
            high = middle
    return found


def _fit_scaled(image: Image.Image, max_bytes: int) -> Encoded | None:
    attempts = (encode(smaller, _lossy(smaller), _SCALED_QUALITY) for smaller in shrinking(image, 0.9))
    return next((attempt for attempt in attempts if attempt.fits(max_bytes)), None)


def _lossy(image: Image.Image) -> PictureType:
    too_long = max(image.size) > LONGEST_SIDE[PictureType.WEBP] and not is_transparent(image)
    return PictureType.JPEG if too_long else PictureType.WEBP


# --- a thumbnail ----------------------------------------------------------------------------------

_THUMBNAIL_QUALITY = 80


def thumbnail(source: Path, kind: PictureType, target_dir: Path, stem: str, side: int) -> Path:
    """Write a small copy with a longer side of at most so many pixels. Raises BrokenPictureError."""
    image = read(source, kind, _RESULT_PIXELS)
    factor = side / max(image.size)
    small = encode(image if factor >= 1 else scaled(image, factor), PictureType.WEBP, _THUMBNAIL_QUALITY)
    return store(small, target_dir, stem, keep=source)


# --- files ----------------------------------------------------------------------------------------


def store(encoded: Encoded, target_dir: Path, stem: str, *, keep: Path | None = None) -> Path:
    """Write the file in whole or not at all."""
    target = target_dir / f"{stem}{encoded.kind.suffix}"
    part = _part(target)
    part.write_bytes(encoded.data or b"")
    _settle(part, target, keep=keep)
    return target


def _part(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.with_name(f"{target.name}.part")


def _settle(part: Path, target: Path, *, keep: Path | None) -> None:
    if keep is not None and target.exists() and target.samefile(keep):
        part.unlink()
        raise FileExistsError("the target is the source, and the source is kept")
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
