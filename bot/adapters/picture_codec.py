"""Bytes to clean pixels and back. Everything here runs in the picture process."""

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms

from bot.adapters.picture_bytes import PictureType
from bot.domain.errors import BrokenPictureError, PictureTooManyPixelsError

# --- decoding -------------------------------------------------------------------------------------

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""From EXIF's orientation to what turns the picture upright."""


def read(path: Path, kind: PictureType, pixels: int) -> Image.Image:
    """The first frame as RGB or RGBA of 8 bits, upright, in sRGB, without metadata. Raises BrokenPictureError."""
    Image.MAX_IMAGE_PIXELS = pixels  # the header was believed so far; Pillow looks at every frame
    if kind is PictureType.HEIC:
        _let_heic_in(path, pixels)
    try:
        with Image.open(path, formats=["HEIF" if kind is PictureType.HEIC else kind.value]) as image:
            image.load()
            turn = _UPRIGHT.get(_orientation(image))
            plain = _in_srgb(image)
    except MemoryError:
        raise
    except Exception as error:  # the boundary of the decoders: damaged bytes make them raise anything
        raise BrokenPictureError from error
    if plain.mode == "RGBA" and plain.getchannel("A").getextrema() == (255, 255):
        plain = plain.convert("RGB")
    if turn is not None:
        plain = plain.transpose(turn)
    plain.info = {}
    return plain


def _let_heic_in(path: Path, pixels: int) -> None:
    """Teach Pillow the kind, and look at the size first. Raises PictureTooManyPixelsError, BrokenPictureError."""
    import pillow_heif  # noqa: PLC0415 - few pictures need it, and it loads a decoder

    heif: Any = pillow_heif  # it declares what it takes only in part
    heif.register_heif_opener()
    try:
        width, height = heif.open_heif(path).size
    except Exception as error:  # the boundary of a decoder, as in `read`
        raise BrokenPictureError from error
    if width * height > pixels:
        raise PictureTooManyPixelsError(width=width, height=height, limit=pixels)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - damaged EXIF makes Pillow raise anything, and the picture is good without it
        return 1


def _in_srgb(image: Image.Image) -> Image.Image:
    """RGB or RGBA of 8 bits, with the colours an attached profile means."""
    profile = image.info.get("icc_profile")
    image = _in_8_bits(image)
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode not in {"L", "CMYK", "RGB", "RGBA"} or (mode == "RGBA" and image.mode != "RGBA"):
        image = image.convert(mode)
    if isinstance(profile, bytes) and profile:
        image = _out_of_profile(image, profile, mode) or image
    return image if image.mode == mode else image.convert(mode)


def _in_8_bits(image: Image.Image) -> Image.Image:
    """Pillow cuts 16-bit grey at 255 instead of scaling it; the higher byte of each pair is the scaled value."""
    if image.mode != "I;16":
        return image
    return Image.frombytes("L", image.size, image.tobytes()[1::2])


def _out_of_profile(image: Image.Image, profile: bytes, mode: str) -> Image.Image | None:
    """The colours in sRGB; None when they are already, or when the profile is damaged or for other colours."""
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if ImageCms.getProfileDescription(opened).startswith("sRGB"):
            return None
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - no stub of the C type
        return ImageCms.profileToProfile(image, opened, srgb, outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def is_transparent(image: Image.Image) -> bool:
    return image.mode == "RGBA"


# --- encoding -------------------------------------------------------------------------------------

LONGEST_SIDE = {PictureType.JPEG: 65500, PictureType.WEBP: 16383}
"""Pixels. Source: libjpeg, jmorecfg.h, JPEG_MAX_DIMENSION; RFC 9649, section 2.6."""
_WEBP_TOO_LARGE = frozenset(f"encoding error {number}" for number in (1, 2, 6, 7, 9))
"""Memory, two partitions and the file. Noise at quality 95 meets them. Source: libwebp, encode.h, WebPEncodingError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """A picture in a format's bytes, not yet in a file."""

    kind: PictureType
    width: int
    height: int
    quality: int | None
    data: bytes | None
    """None when the format cannot hold that much."""

    def fits(self, limit_bytes: int) -> bool:
        return self.data is not None and len(self.data) <= limit_bytes


def encode(image: Image.Image, kind: PictureType, quality: int | None) -> Encoded:
    """Encode as PNG, JPEG or WebP at a quality of 1 to 100; losslessly at None (not JPEG)."""
    buffer = io.BytesIO()
    data = None
    if max(image.size) <= LONGEST_SIDE.get(kind, max(image.size)):
        try:
            image.save(buffer, kind.value, **_options(kind, quality))
            data = buffer.getvalue()
        except ValueError as error:
            if str(error) not in _WEBP_TOO_LARGE:
                raise
    return Encoded(kind=kind, width=image.width, height=image.height, quality=quality, data=data)


def _options(kind: PictureType, quality: int | None) -> dict[str, int | str]:
    match kind, quality:
        case PictureType.PNG, None:
            return {}
        case PictureType.JPEG, int():
            return {"quality": quality, "subsampling": "4:4:4"}
        case PictureType.WEBP, None:
            return {"lossless": True, "quality": 0, "method": 1}
        case PictureType.WEBP, int():
            # Method 0 takes a third of the default's time; at high qualities it is as small and as good (measured).
            return {"quality": quality, "method": 0}
        case _:
            raise TypeError(f"no way to encode {kind} at quality {quality}")


def scaled(image: Image.Image, factor: float) -> Image.Image:
    """The picture with its sides shortened by a factor of at most 1."""
    width, height = (max(1, int(side * factor)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)  # pyright: ignore[reportUnknownMemberType] - its stub names numpy


def shrinking(image: Image.Image, factor: float) -> Iterator[Image.Image]:
    """The picture smaller and smaller, each made from the whole one; down to one pixel."""
    for step in range(1, math.ceil(math.log(max(image.size)) / -math.log(factor)) + 1):
        yield scaled(image, factor**step)
