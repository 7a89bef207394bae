"""A picture's kind, size and end are told by its bytes, without decoding."""

import io
import struct
from pathlib import Path

import pytest
from PIL import Image

from bot.adapters.picture_bytes import PictureType, dimensions, glance, is_complete, sniff


def encoded(kind: str, *, size: tuple[int, int] = (40, 24), mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    # Noise, so that there is image data to cut off.
    Image.effect_noise(size, 80).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def forms(size: tuple[int, int]) -> dict[str, bytes]:
    return {
        "png": encoded("PNG", size=size),
        "jpeg": encoded("JPEG", size=size),
        "progressive jpeg": encoded("JPEG", size=size, progressive=True),
        "lossy webp": encoded("WEBP", size=size),
        "lossless webp": encoded("WEBP", size=size, lossless=True),
        "webp with an alpha channel": encoded("WEBP", size=size, mode="RGBA", exif=Image.Exif()),
        "webp with metadata": encoded("WEBP", size=size, xmp=b"<x/>"),
        "gif": encoded("GIF", size=size),
    }


FORMS = forms((40, 24))


def box(*brands: bytes) -> bytes:
    return struct.pack(">I", 12 + 4 * len(brands)) + b"ftyp" + brands[0] + b"\x00\x00\x00\x00" + b"".join(brands[1:])


@pytest.mark.parametrize("form", FORMS)
def test_the_kind_and_the_size_of_what_pillow_writes_are_told(form: str) -> None:
    kind = sniff(FORMS[form])
    assert kind is not None
    assert kind.value in form
    assert dimensions(FORMS[form]) == (40, 24)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (box(b"heic", b"mif1", b"heic"), PictureType.HEIC),
        (box(b"mif1", b"mif1", b"avif"), PictureType.AVIF),
        (box(b"avif", b"mif1"), PictureType.AVIF),
        (encoded("BMP"), PictureType.BMP),
        (encoded("TIFF"), PictureType.TIFF),
    ],
)
def test_kinds_that_are_not_taken_are_recognised(head: bytes, kind: PictureType) -> None:
    assert sniff(head) is kind
    assert dimensions(head) is None


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x89PNG",
        b"<!DOCTYPE html><html>",
        b"BMW is a maker of cars, and this is no picture",
        b"RIFF\x10\x00\x00\x00WAVEfmt ",
        box(b"isom", b"mp42"),
        b"\x00\x00",
    ],
)
def test_what_is_no_picture_is_none(head: bytes) -> None:
    assert sniff(head) is None
    assert dimensions(head) is None


@pytest.mark.parametrize("form", FORMS)
def test_no_cut_of_a_header_is_misread(form: str) -> None:
    """Both sides take two bytes, so that half a number is another one."""
    whole = forms((600, 300))[form]
    assert dimensions(whole) == (600, 300)
    assert {dimensions(whole[:length]) for length in range(2000)} == {None, (600, 300)}


def test_a_size_of_zero_is_no_size() -> None:
    assert dimensions(b"GIF89a\x00\x00\x10\x00") is None


def test_the_size_of_a_jpeg_is_found_behind_much_metadata(tmp_path: Path) -> None:
    segment = b"\xff\xe2\xff\xff" + bytes(0xFFFF - 2)
    path = tmp_path / "profile.jpg"
    path.write_bytes(FORMS["jpeg"][:2] + segment * 9 + FORMS["jpeg"][2:])
    assert glance(path) == (PictureType.JPEG, (40, 24))


@pytest.mark.parametrize("form", sorted(FORMS.keys() - {"gif"}))
def test_a_whole_file_is_complete_and_every_cut_of_it_is_not(form: str, tmp_path: Path) -> None:
    whole = FORMS[form]
    path = tmp_path / "picture"
    path.write_bytes(whole)
    assert is_complete(path)
    for length in [*range(0, len(whole), 7), len(whole) - 1, len(whole) - 2]:
        path.write_bytes(whole[:length])
        assert not is_complete(path), length


@pytest.mark.parametrize("form", ["png", "jpeg", "progressive jpeg", "lossy webp"])
@pytest.mark.parametrize("more", [b"\x00" * 40, b"\n", b"what a phone appends"])
def test_bytes_after_the_end_are_allowed(form: str, more: bytes, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(FORMS[form] + more)
    assert is_complete(path)


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_picture(tmp_path: Path) -> None:
    thumbnail = encoded("JPEG", size=(8, 8))
    segment = b"\xff\xe1" + struct.pack(">H", 2 + len(thumbnail)) + thumbnail
    path = tmp_path / "cut.jpg"
    path.write_bytes(FORMS["jpeg"][:2] + segment)
    assert not is_complete(path)


def test_a_file_of_another_kind_is_never_complete(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    for content in (b"", b"<html></html>", encoded("BMP"), FORMS["gif"]):
        path.write_bytes(content)
        assert not is_complete(path)
