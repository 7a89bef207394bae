"""Pictures for the tests of pictures, made here and now."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageCms, ImageDraw


def saved(image: Image.Image, path: Path, kind: str, **options: object) -> Path:
    image.save(path, kind, **options)
    return path


def noise(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """A picture that hardly compresses."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, size, os.urandom(size[0] * size[1] * channels))


def grainy(side: int, grain: float) -> Image.Image:
    """A soft picture under noise: 0 is smooth, 1 is noise alone."""
    soft = Image.radial_gradient("L").resize((side, side)).convert("RGB")  # pyright: ignore[reportUnknownMemberType] - its stub names numpy
    return Image.blend(soft, noise((side, side)), grain)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_16_bits(side: int, color_type: int, pixel: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", side, side, 16, color_type, 0, 0, 0)
    rows = zlib.compress((b"\x00" + pixel * side) * side)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def open_whole(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


def near(seen: tuple[int, ...] | float | None, wanted: tuple[int, ...]) -> bool:
    """Whether a pixel is what it was, up to what an encoding may change."""
    assert isinstance(seen, tuple)
    return all(abs(one - other) <= 3 for one, other in zip(seen, wanted, strict=True))


def srgb_profile() -> bytes:
    """An ICC profile as cameras attach it."""
    profile = ImageCms.createProfile("sRGB")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - no stub of the C type
    return ImageCms.ImageCmsProfile(profile).tobytes()  # pyright: ignore[reportUnknownArgumentType] - the same


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def into(target: Path) -> tuple[Path, Callable[[Path], Path]]:
    """Where a download grows, and that it becomes `target`."""
    return target.with_suffix(".part"), lambda part: part.replace(target)


def half_red_half_blue(size: tuple[int, int] = (60, 40)) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, "red")
    ImageDraw.Draw(image).rectangle((size[0] // 2, 0, *size), fill="blue")
    return image


def with_secrets() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the left edge is the picture's top
    exif[0x010F] = "SECRET-CAMERA"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 30.0), 29: "SECRET-PLACE"})
    return exif
