"""What a picture's bytes tell without decoding them: its kind, its size and whether its end is there."""

import mmap
import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple


class PictureType(StrEnum):
    """A kind of picture, told by its bytes; names and declared types may lie."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    GIF = "gif"
    HEIC = "heic"
    AVIF = "avif"
    BMP = "bmp"
    TIFF = "tiff"

    @property
    def content_type(self) -> str:
        return f"image/{self.value}"

    @property
    def suffix(self) -> str:
        """The end of a file name, with its dot."""
        return ".jpg" if self is PictureType.JPEG else f".{self.value}"


class Glance(NamedTuple):
    """What the first bytes of a file tell."""

    kind: PictureType
    size: tuple[int, int] | None
    """Width and height as stored, before any EXIF orientation; None when the header does not tell."""


# --- kind -----------------------------------------------------------------------------------------

_PNG_START = b"\x89PNG\r\n\x1a\n"
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_BMP_HEADER_SIZES = frozenset({12, 40, 52, 56, 64, 108, 124})
"""Bytes. Text may begin with "BM" too; this field tells it apart."""


def sniff(head: bytes) -> PictureType | None:
    """Tell the kind from a file's first bytes (32 are enough); None when it is none of ours."""
    if head.startswith(_PNG_START):
        return PictureType.PNG
    if head.startswith(b"\xff\xd8\xff"):
        return PictureType.JPEG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return PictureType.WEBP
    if head.startswith((b"GIF87a", b"GIF89a")):
        return PictureType.GIF
    if head[4:8] == b"ftyp":
        return _sniff_boxes(head)
    if head.startswith(b"BM") and _little(head[14:18]) in _BMP_HEADER_SIZES:
        return PictureType.BMP
    if head.startswith((b"II*\x00", b"MM\x00*")):
        return PictureType.TIFF
    return None


def _sniff_boxes(head: bytes) -> PictureType | None:
    """HEIC and AVIF share a container; the brands in its first box tell them apart."""
    box = head[: _big(head[:4])]
    brands = {box[at : at + 4] for at in (8, *range(16, len(box), 4))}
    if brands & _AVIF_BRANDS:
        return PictureType.AVIF
    return PictureType.HEIC if brands & _HEIC_BRANDS else None


# --- size -----------------------------------------------------------------------------------------


def dimensions(head: bytes) -> tuple[int, int] | None:
    """Width and height from the header, as stored (before any EXIF orientation).

    None when the header does not tell, or when more of the file is needed: a JPEG tells after its metadata.
    """
    kind = sniff(head)
    reader = _DIMENSIONS.get(kind) if kind else None
    size = reader(head) if reader else None
    return size if size and all(size) else None


def _png_dimensions(head: bytes) -> tuple[int, int] | None:
    name, size = head[12:16], head[16:24]
    return (_big(size[:4]), _big(size[4:])) if name == b"IHDR" and len(size) == 8 else None  # noqa: PLR2004 - two 32-bit numbers


def _gif_dimensions(head: bytes) -> tuple[int, int] | None:
    size = head[6:10]
    return (_little(size[:2]), _little(size[2:])) if len(size) == 4 else None  # noqa: PLR2004 - two 16-bit numbers


def _webp_dimensions(head: bytes) -> tuple[int, int] | None:
    """Read the size from whichever of WebP's three first chunks is there (RFC 9649)."""
    match head[12:16], head[20:30]:
        case b"VP8X", body if len(body) == 10:  # noqa: PLR2004 - flags and two 24-bit numbers
            return (_little(body[4:7]) + 1, _little(body[7:]) + 1)
        case b"VP8 ", body if len(body) == 10 and body[3:6] == b"\x9d\x01\x2a":  # noqa: PLR2004 - tag, start code, two 16-bit numbers
            return (_little(body[6:8]) & 0x3FFF, _little(body[8:]) & 0x3FFF)
        case b"VP8L", body if len(body) >= 5 and body[0] == 0x2F:  # noqa: PLR2004 - signature and two 14-bit numbers
            bits = _little(body[1:5])
            return ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case _:
            return None


_JPEG_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")
"""A marker that is no restart; FF 00 is a byte of image data."""
_JPEG_ALONE = frozenset({0x01, 0xD8})
"""Markers without a segment: TEM and SOI."""
_JPEG_END = 0xD9
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""SOFn: the segments that carry the size."""


def _jpeg_dimensions(head: bytes) -> tuple[int, int] | None:
    at = 2
    while marker := _JPEG_MARKER.search(head, at):
        code, at = marker[1][0], marker.end()
        if code in _JPEG_FRAMES:
            frame = head[at + 3 : at + 7]
            return (_big(frame[2:]), _big(frame[:2])) if len(frame) == 4 else None  # noqa: PLR2004 - two 16-bit numbers
        if code not in _JPEG_ALONE:
            at += _big(head[at : at + 2])
    return None


_DIMENSIONS: dict[PictureType, Callable[[bytes], tuple[int, int] | None]] = {
    PictureType.PNG: _png_dimensions,
    PictureType.JPEG: _jpeg_dimensions,
    PictureType.WEBP: _webp_dimensions,
    PictureType.GIF: _gif_dimensions,
}

_HEADS = (4 * 1024, 256 * 1024, 16 * 1024 * 1024)
"""Bytes to read until the size is found. Only a JPEG with a lot of metadata needs more than the first."""


def glance(path: Path) -> Glance | None:
    """Kind and size of a file by its header; None when it is no picture. Blocks shortly; raises OSError."""
    kind = size = None
    with path.open("rb") as file:
        for length in _HEADS:
            file.seek(0)
            head = file.read(length)
            kind, size = sniff(head), dimensions(head)
            if kind is not PictureType.JPEG or size:
                break
    return Glance(kind, size) if kind else None


# --- end ------------------------------------------------------------------------------------------


def is_complete(path: Path) -> bool:
    """Whether the file reaches its format's own end. Blocks shortly (it decodes nothing); raises OSError.

    Bytes after the end are allowed: padding, and what phones append. False for kinds other than PNG, JPEG and WebP.
    """
    with path.open("rb") as file:
        kind = sniff(file.read(64))
        size = file.seek(0, 2)
        match kind:
            case PictureType.PNG:
                return _png_ends(file, size)
            case PictureType.JPEG:
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    return _jpeg_ends(data)
            case PictureType.WEBP:
                file.seek(4)
                return size >= 8 + _little(file.read(4))
            case _:
                return False


def _png_ends(file: BinaryIO, size: int) -> bool:
    """Walk from chunk to chunk (length, name, data, checksum) until IEND, which has no data, lies inside the file."""
    at = len(_PNG_START)
    while at + 12 <= size:
        file.seek(at)
        header = file.read(8)
        at += 12 + _big(header[:4])
        if header[4:] == b"IEND":
            return True
    return False


def _jpeg_ends(data: mmap.mmap) -> bool:
    """Walk from marker to marker until EOI.

    Looking at the last bytes only would take the end of an EXIF thumbnail for the picture's.
    """
    at = 2
    while marker := _JPEG_MARKER.search(data, at):
        code, at = marker[1][0], marker.end()
        if code == _JPEG_END:
            return True
        if code not in _JPEG_ALONE:
            at += _big(data[at : at + 2])
    return False


def _big(field: bytes) -> int:
    return int.from_bytes(field, "big")


def _little(field: bytes) -> int:
    return int.from_bytes(field, "little")
