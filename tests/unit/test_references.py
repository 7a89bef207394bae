"""What a picture's declarations already rule out."""

from dataclasses import replace

import pytest

from bot.domain.errors import DeclaredPictureError
from bot.domain.order import Reference
from bot.domain.references import MAX_BYTES, check_declared

PICTURE = Reference(url="https://cdn.invalid/a", filename="fox.png", content_type="image/png", size=1000)


@pytest.mark.parametrize(
    ("filename", "content_type"),
    [
        ("fox.png", "image/png"),
        ("fox.jpg", "image/jpg"),
        ("fox.jpeg", "image/jpeg"),
        ("fox.webp", "image/webp"),
        ("fox.gif", "image/gif"),
        ("FOX.PNG", "IMAGE/PNG"),
        ("fox.png", "image/png; charset=utf-8"),
        ("fox.jpg", "image/png"),  # the bytes decide later
        ("no suffix", "image/webp"),
        ("fox.png", None),
        ("fox.WebP", ""),
        ("fox.jpeg", "application/octet-stream"),
    ],
)
def test_what_may_be_a_picture_is_let_through(filename: str, content_type: str | None) -> None:
    check_declared(replace(PICTURE, filename=filename, content_type=content_type))


@pytest.mark.parametrize(
    ("filename", "content_type"),
    [
        ("fox.png", "text/html"),
        ("fox.png", "image/svg+xml"),
        ("fox.avif", "image/avif"),
        ("fox.mp4", "video/mp4"),
        ("fox", None),
        ("fox", "application/octet-stream"),
        ("fox.png.exe", None),
    ],
)
def test_what_is_no_picture_by_its_declaration_is_refused(filename: str, content_type: str | None) -> None:
    with pytest.raises(DeclaredPictureError) as refused:
        check_declared(replace(PICTURE, filename=filename, content_type=content_type))
    assert (refused.value.filename, refused.value.too_large) == (filename, False)


@pytest.mark.parametrize("size", [0, -1, MAX_BYTES + 1])
def test_an_empty_or_oversized_file_is_refused_for_its_size(size: int) -> None:
    with pytest.raises(DeclaredPictureError) as refused:
        check_declared(replace(PICTURE, size=size))
    assert (refused.value.limit_bytes, refused.value.too_large) == (MAX_BYTES, True)


@pytest.mark.parametrize("size", [1, MAX_BYTES])
def test_the_limit_itself_is_taken(size: int) -> None:
    check_declared(replace(PICTURE, size=size))


@pytest.mark.parametrize(("filename", "content_type"), [("fox", None), ("fox.png", None), ("fox", "image/png")])
def test_an_image_that_discord_shows_without_declaring_its_size_is_let_through(
    filename: str, content_type: str | None
) -> None:
    check_declared(replace(PICTURE, filename=filename, content_type=content_type, size=None))


def test_a_type_that_is_declared_without_a_size_still_counts() -> None:
    with pytest.raises(DeclaredPictureError):
        check_declared(replace(PICTURE, filename="fox.png", content_type="image/svg+xml", size=None))
