"""What happens to members' pictures, in the picture process that the bot uses."""

import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pillow_heif
import pytest
import pytest_asyncio
from pictures_made import (
    chunk,
    half_red_half_blue,
    names,
    near,
    noise,
    open_whole,
    png_16_bits,
    saved,
    srgb_profile,
    with_secrets,
)
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bot.adapters.picture_bytes import is_complete
from bot.adapters.pictures import PictureLimits, PictureWorker
from bot.domain.errors import (
    BrokenPictureError,
    NotAPictureError,
    PictureTooLargeError,
    PictureTooManyPixelsError,
    PictureTooSmallError,
    UnsupportedPictureError,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = PictureLimits()
MIB = 1024 * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker() -> AsyncIterator[PictureWorker]:
    """One process for all tests of this module."""
    worker = PictureWorker()
    yield worker
    await worker.close()


# --- a member's picture: what is kept and what goes ------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_picture_is_turned_upright_and_its_metadata_is_gone(
    kind: str, worker: PictureWorker, tmp_path: Path
) -> None:
    source = saved(
        half_red_half_blue(),
        tmp_path / "in",
        kind,
        exif=with_secrets(),
        icc_profile=srgb_profile(),
        xmp=b"<x>SECRET-XMP</x>",
        comment=b"SECRET-COMMENT",
    )
    assert b"SECRET-CAMERA" in source.read_bytes()

    clean = await worker.normalise(source, tmp_path, "clean", LIMITS)

    assert clean.content_type == f"image/{kind.lower()}"
    image = open_whole(clean.path)
    assert image.size == (40, 60)
    assert near(image.convert("RGB").getpixel((20, 5)), (254, 0, 0))
    assert near(image.convert("RGB").getpixel((20, 55)), (0, 0, 254))
    content = clean.path.read_bytes()
    assert not [trace for trace in (b"SECRET", b"Exif", b"eXIf", b"ICC", b"iCCP", b"tEXt") if trace in content]


async def test_png_texts_are_dropped(worker: PictureWorker, tmp_path: Path) -> None:
    texts = PngInfo()
    texts.add_text("parameters", "SECRET prompt")
    texts.add_itxt("Comment", "SECRET note", zip=True)
    source = saved(noise((32, 32)), tmp_path / "in.png", "PNG", pnginfo=texts, dpi=(300, 300))
    clean = await worker.normalise(source, tmp_path, "clean", LIMITS)
    assert open_whole(clean.path).info == {}
    assert open_whole(clean.path).tobytes() == open_whole(source).tobytes()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\x00\x00no TIFF",
        b"Exif\x00\x00II*\x00\xff\xff\xff\xff\x01",
        # An orientation that is a text.
        b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x02\x00\x04\x00\x00\x00abc\x00\x00\x00\x00\x00",
    ],
)
async def test_damaged_exif_does_not_cost_the_picture(
    kind: str, exif: bytes, worker: PictureWorker, tmp_path: Path
) -> None:
    source = saved(half_red_half_blue(), tmp_path / "in", kind, exif=exif)
    clean = await worker.normalise(source, tmp_path, "clean", LIMITS)
    assert (clean.width, clean.height) == (60, 40)


async def test_the_bytes_count_and_not_the_name(worker: PictureWorker, tmp_path: Path) -> None:
    source = saved(half_red_half_blue(), tmp_path / "lie.png", "JPEG")
    clean = await worker.normalise(source, tmp_path, "clean", LIMITS)
    assert clean.content_type == "image/jpeg"
    assert clean.path.name == "clean.jpg"


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_transparency_is_kept(kind: str, worker: PictureWorker, tmp_path: Path) -> None:
    image = Image.new("RGBA", (40, 40), (200, 100, 50, 128))
    clean = await worker.normalise(saved(image, tmp_path / "in", kind), tmp_path, "clean", LIMITS)
    assert near(open_whole(clean.path).getpixel((20, 20)), (200, 100, 50, 128))


async def test_the_transparency_of_a_palette_is_kept(worker: PictureWorker, tmp_path: Path) -> None:
    image = Image.new("P", (40, 40), 1)
    image.putpalette([0, 0, 0, 10, 200, 30])
    image.paste(0, (0, 0, 20, 40))
    clean = await worker.normalise(saved(image, tmp_path / "in", "PNG", transparency=0), tmp_path, "clean", LIMITS)
    result = open_whole(clean.path)
    assert result.getpixel((5, 5)) == (0, 0, 0, 0)
    assert result.getpixel((30, 5)) == (10, 200, 30, 255)


async def test_the_first_frame_of_a_gif_becomes_a_png(worker: PictureWorker, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 30), color) for color in ("red", "green", "blue")]
    source = saved(frames[0], tmp_path / "in.gif", "GIF", save_all=True, append_images=frames[1:], duration=50)
    clean = await worker.normalise(source, tmp_path, "clean", LIMITS)
    assert clean.content_type == "image/png"
    assert open_whole(clean.path).convert("RGB").getpixel((5, 5)) == (255, 0, 0)


async def test_the_first_frame_of_an_animated_webp_is_taken(worker: PictureWorker, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 30), color) for color in ("red", "blue")]
    source = saved(frames[0], tmp_path / "in.webp", "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    clean = await worker.normalise(source, tmp_path, "clean", LIMITS)
    result = open_whole(clean.path)
    assert getattr(result, "n_frames", 1) == 1
    assert near(result.convert("RGB").getpixel((5, 5)), (254, 0, 0))


async def test_a_phone_s_jpeg_of_several_pictures_gives_its_first(worker: PictureWorker, tmp_path: Path) -> None:
    source = saved(
        half_red_half_blue(), tmp_path / "in.jpg", "MPO", save_all=True, append_images=[Image.new("RGB", (60, 40))]
    )
    clean = await worker.normalise(source, tmp_path, "clean", LIMITS)
    assert near(open_whole(clean.path).getpixel((5, 20)), (254, 0, 0))


async def test_a_cmyk_jpeg_becomes_rgb(worker: PictureWorker, tmp_path: Path) -> None:
    source = saved(Image.new("CMYK", (40, 40), (0, 255, 255, 0)), tmp_path / "in.jpg", "JPEG", quality=95)
    clean = await worker.normalise(source, tmp_path, "clean", LIMITS)
    result = open_whole(clean.path)
    assert result.mode == "RGB"
    assert near(result.getpixel((20, 20)), (254, 0, 0))


@pytest.mark.parametrize(
    ("color_type", "pixel", "wanted"),
    [
        (0, b"\x80\x11", (128, 128, 128)),
        (2, b"\x80\x11\x40\x22\x20\x33", (128, 64, 32)),
        (6, b"\x80\x11\x40\x22\x20\x33\x7f\xff", (128, 64, 32, 127)),
    ],
)
async def test_16_bits_become_8(
    color_type: int, pixel: bytes, wanted: tuple[int, ...], worker: PictureWorker, tmp_path: Path
) -> None:
    source = tmp_path / "in.png"
    source.write_bytes(png_16_bits(20, color_type, pixel))
    clean = await worker.normalise(source, tmp_path, "clean", LIMITS)
    assert open_whole(clean.path).getpixel((5, 5)) == wanted


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
async def test_grey_pictures_are_taken(mode: str, worker: PictureWorker, tmp_path: Path) -> None:
    source = saved(Image.new(mode, (20, 20)), tmp_path / "in.png", "PNG")
    clean = await worker.normalise(source, tmp_path, "clean", LIMITS)
    assert open_whole(clean.path).mode in {"RGB", "RGBA"}


async def test_the_colours_of_an_attached_profile_are_kept_without_the_profile(
    worker: PictureWorker, tmp_path: Path
) -> None:
    swapped = srgb_profile().replace(b"rXYZ", b"tXYZ").replace(b"gXYZ", b"rXYZ").replace(b"tXYZ", b"gXYZ")
    swapped = swapped.replace(b"s\x00R\x00G\x00B", b"o\x00t\x00h\x00e").replace(b"sRGB", b"othe")
    source = saved(Image.new("RGB", (20, 20), (200, 10, 10)), tmp_path / "in.png", "PNG", icc_profile=swapped)
    clean = await worker.normalise(source, tmp_path, "clean", LIMITS)
    # In that profile the first channel means green.
    assert near(open_whole(clean.path).getpixel((5, 5)), (10, 200, 10))
    assert "icc_profile" not in open_whole(clean.path).info


async def test_a_damaged_profile_does_not_cost_the_picture(worker: PictureWorker, tmp_path: Path) -> None:
    source = saved(Image.new("RGB", (20, 20), (1, 2, 3)), tmp_path / "in.png", "PNG", icc_profile=b"no profile")
    clean = await worker.normalise(source, tmp_path, "clean", LIMITS)
    assert open_whole(clean.path).getpixel((5, 5)) == (1, 2, 3)


# --- a member's picture: what is refused -----------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html><body>Not found</body></html>", b"\x89PNG"])
async def test_what_is_no_picture_is_refused(content: bytes, worker: PictureWorker, tmp_path: Path) -> None:
    source = tmp_path / "in.png"
    source.write_bytes(content)
    with pytest.raises(NotAPictureError):
        await worker.normalise(source, tmp_path, "clean", LIMITS)
    assert names(tmp_path) == [source.name]


async def test_a_kind_that_is_not_taken_is_named(worker: PictureWorker, tmp_path: Path) -> None:
    source = tmp_path / "in.png"
    source.write_bytes(b"\x00\x00\x00\x14ftypavif\x00\x00\x00\x00avif")
    with pytest.raises(UnsupportedPictureError) as caught:
        await worker.normalise(source, tmp_path, "clean", LIMITS)
    assert caught.value.kind == "avif"


async def test_a_photo_of_a_phone_is_converted(worker: PictureWorker, tmp_path: Path) -> None:
    source, heif = tmp_path / "in.heic", cast("Any", pillow_heif)
    heif.from_pillow(Image.new("RGB", (64, 48), "red")).save(source, quality=95)
    clean = await worker.normalise(source, tmp_path, "clean", LIMITS)
    assert (clean.content_type, clean.width, clean.height) == ("image/jpeg", 64, 48)
    with Image.open(clean.path) as image:
        red, green, blue = cast("tuple[int, int, int]", image.convert("RGB").getpixel((32, 24)))
    assert red > 230
    assert max(green, blue) < 30


async def test_a_photo_of_a_phone_with_too_many_pixels_is_refused_before_it_is_decoded(
    worker: PictureWorker, tmp_path: Path
) -> None:
    source, heif = tmp_path / "in.heic", cast("Any", pillow_heif)
    heif.from_pillow(Image.new("RGB", (128, 128), "red")).save(source, quality=50)
    with pytest.raises(PictureTooManyPixelsError) as caught:
        await worker.normalise(source, tmp_path, "clean", replace(LIMITS, pixels=128 * 127))
    assert (caught.value.width, caught.value.height) == (128, 128)


async def test_a_decompression_bomb_is_refused_by_its_header(worker: PictureWorker, tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    source = tmp_path / "in.png"
    source.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    with pytest.raises(PictureTooManyPixelsError) as caught:
        await worker.normalise(source, tmp_path, "clean", LIMITS)
    assert (caught.value.width, caught.value.height, caught.value.limit) == (60_000, 60_000, LIMITS.pixels)


async def test_a_bomb_behind_a_small_header_is_refused_too(worker: PictureWorker, tmp_path: Path) -> None:
    # A GIF's frame may be larger than the screen its header declares.
    source = saved(Image.new("P", (200, 200)), tmp_path / "in.gif", "GIF")
    content = bytearray(source.read_bytes())
    content[6:10] = struct.pack("<HH", 100, 100)
    source.write_bytes(content)
    assert open_whole(source).size == (200, 200)
    with pytest.raises(BrokenPictureError):
        await worker.normalise(source, tmp_path, "clean", PictureLimits(pixels=100 * 100))


async def test_limits_of_bytes_and_sides_hold(worker: PictureWorker, tmp_path: Path) -> None:
    source = saved(noise((64, 15)), tmp_path / "in.png", "PNG")
    with pytest.raises(PictureTooSmallError) as small:
        await worker.normalise(source, tmp_path, "clean", LIMITS)
    assert small.value.limit == 16
    with pytest.raises(PictureTooLargeError) as large:
        await worker.normalise(source, tmp_path, "clean", PictureLimits(source_bytes=100))
    assert large.value.limit_bytes == 100


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_a_truncated_picture_is_refused_and_leaves_nothing(
    kind: str, worker: PictureWorker, tmp_path: Path
) -> None:
    source = saved(noise((64, 64)), tmp_path / "in", kind)
    source.write_bytes(source.read_bytes()[: source.stat().st_size * 2 // 3])
    assert not is_complete(source)
    with pytest.raises(BrokenPictureError):
        await worker.normalise(source, tmp_path, "clean", LIMITS)
    assert names(tmp_path) == [source.name]


async def test_a_damaged_checksum_is_refused(worker: PictureWorker, tmp_path: Path) -> None:
    source = saved(noise((64, 64)), tmp_path / "in.png", "PNG")
    content = bytearray(source.read_bytes())
    content[len(content) // 2] ^= 0xFF
    source.write_bytes(content)
    with pytest.raises(BrokenPictureError):
        await worker.normalise(source, tmp_path, "clean", LIMITS)


# --- a member's picture: what goes to fal ----------------------------------------------------------


async def test_a_png_that_stays_too_large_becomes_a_jpeg_that_is_not(worker: PictureWorker, tmp_path: Path) -> None:
    source = saved(noise((512, 512)), tmp_path / "in.png", "PNG")
    clean = await worker.normalise(source, tmp_path, "clean", PictureLimits(upload_bytes=600_000))
    assert clean.content_type == "image/jpeg"
    assert clean.path.stat().st_size <= 600_000
    assert (clean.width, clean.height) == (512, 512)


async def test_a_transparent_one_becomes_a_webp_and_gets_smaller_if_it_must(
    worker: PictureWorker, tmp_path: Path
) -> None:
    source = saved(noise((512, 512), "RGBA"), tmp_path / "in.png", "PNG")
    clean = await worker.normalise(source, tmp_path, "clean", PictureLimits(upload_bytes=100_000))
    assert clean.content_type == "image/webp"
    assert clean.path.stat().st_size <= 100_000
    assert clean.width == clean.height < 512
    assert open_whole(clean.path).size == (clean.width, clean.height)


async def test_the_largest_transparent_picture_fits_the_memory_and_goes_out_as_4k(
    worker: PictureWorker, tmp_path: Path
) -> None:
    image = Image.new("RGBA", (10_000, 6_400), (9, 8, 7, 128))
    source = saved(image, tmp_path / "in.png", "PNG", compress_level=1)
    clean = await worker.normalise(source, tmp_path, "clean", LIMITS)
    assert (clean.width, clean.height) == (5120, 3276)
    assert near(open_whole(clean.path).getpixel((5, 5)), (9, 8, 7, 128))
