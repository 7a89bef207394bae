"""/edit: what goes in, what fal gets, and what happens with pictures that cannot be used."""

import pytest
from discord_acts import Books, alt_texts, delivered, eventually, pinged, public, references, refusal, told
from discord_pictures import (
    HEIC,
    PAGE,
    bomb,
    colour_of,
    drawing_with_secrets,
    opened,
    photo_with_secrets,
    picture,
)

from bot.sandbox.fal_faults import Fault, Script
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import text_of
from bot.sandbox.world import World


def received(fal: LoopbackFal) -> list[bytes]:
    """The pictures that fal got with its only request."""
    (job,) = fal.jobs.values()
    return references(fal, job)


async def test_pictures_of_every_kind_go_in_together_and_in_order(here: World, fal: LoopbackFal) -> None:
    answer = await here.member.slash(
        here.channel,
        "edit",
        prompt="make them dance",
        image=("one.png", picture("PNG", "red")),
        image2=("two.jpg", picture("JPEG", "green", quality=95)),
        image3=("three.webp", picture("WEBP", "blue", lossless=True)),
        image9=("four.gif", picture("GIF", "yellow")),
    )
    assert answer.response is not None
    first = text_of(answer.response.message)
    assert "Reading the pictures" in first
    assert f"Editing 1 image with Nano Banana 2 for {here.member.mention} · 8 credits" in first
    (result,) = await delivered(here)
    (job,) = fal.jobs.values()
    assert (job.endpoint, job.prompt) == ("fal-ai/nano-banana-2/edit", "make them dance")
    assert [colour_of(opened(data)) for data in received(fal)] == ["red", "green", "blue", "yellow"]
    assert {opened(data).size for data in received(fal)} == {(96, 64)}
    assert alt_texts(result) == ["Edited image: make them dance"]
    assert pinged(here, result) == [here.member.id]


async def test_photos_reach_fal_upright_and_without_their_secrets(here: World, fal: LoopbackFal) -> None:
    photo, drawing = photo_with_secrets(), drawing_with_secrets()
    assert photo.count(b"SECRET") == 3
    assert drawing.count(b"SECRET") == 2
    await here.member.slash(
        here.channel, "edit", prompt="warmer", image=("IMG_1.JPG", photo), image2=("me.png", drawing)
    )
    await delivered(here)
    upright, plain = [opened(data) for data in received(fal)]
    assert upright.size == (64, 96)
    assert [colour_of(upright, place) for place in ((10, 48), (54, 48))] == ["red", "green"]
    assert colour_of(plain) == "blue"
    assert not any(b"SECRET" in data or b"Exif" in data for data in received(fal))
    assert not upright.getexif()


async def test_the_members_own_file_names_do_not_reach_fal(here: World, fal: LoopbackFal) -> None:
    await here.member.slash(
        here.channel, "edit", prompt="warmer", image=("anna-at-home.png", picture("PNG")), model="nano-banana"
    )
    await delivered(here)
    (job,) = fal.jobs.values()
    assert job.endpoint == "fal-ai/nano-banana/edit"
    assert "anna" not in str(job.arguments)


# --- pictures that cannot be used -----------------------------------------------------------------

NOT_CHARGED = "You were not charged."
INSIDE = {
    "a web page": ("cat.png", PAGE, f"Picture 2 is not a picture inside, whatever its name says. {NOT_CHARGED}"),
    "half a picture": (
        "cat.png",
        picture("PNG", size=(900, 900))[:2000],
        f"Picture 2 is damaged or incomplete. {NOT_CHARGED} Please attach it again.",
    ),
    "a bomb": (
        "cat.png",
        bomb(),
        f"Picture 2 has 40,000 × 40,000 pixels; up to 64 million fit. {NOT_CHARGED} Please scale it down.",
    ),
    "another kind under a good name": (
        "cat.jpg",
        HEIC,
        f"Picture 2 is damaged or incomplete. {NOT_CHARGED} Please attach it again.",
    ),
    "a dot": (
        "cat.gif",
        picture("GIF", size=(2, 2)),
        f"Picture 2 is too small: each side needs 16 pixels. {NOT_CHARGED}",
    ),
}


@pytest.mark.parametrize(("name", "data", "sentence"), INSIDE.values(), ids=INSIDE)
async def test_a_bad_picture_is_told_privately_and_costs_nothing(
    here: World, fal: LoopbackFal, books: Books, name: str, data: bytes, sentence: str
) -> None:
    answer = await here.member.slash(
        here.channel, "edit", prompt="warmer", image=("good.png", picture("PNG")), image2=(name, data)
    )
    assert await told(answer) == sentence
    await eventually(lambda: public(here) == [])
    await eventually(lambda: books.states() == ["failed"])
    assert fal.jobs == {}
    assert (books.spent("customer"), books.spent("operator"), books.open_holds()) == (0, 0, [])


async def test_a_picture_that_is_gone_from_discord_is_told(
    here: World, fal: LoopbackFal, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_url: str) -> None:
        return None

    monkeypatch.setattr(here.env.backend.cdn, "get", nothing)
    answer = await here.member.slash(here.channel, "edit", prompt="warmer", image=("a.png", picture("PNG")))
    assert await told(answer) == f"Picture 1 is gone from Discord. {NOT_CHARGED} Please attach it again."
    await eventually(lambda: public(here) == [])
    assert fal.jobs == {}
    assert books.spent("customer") == 0


DECLARED = {
    "nothing in it": ("cat.png", b"", "`cat.png` is empty or larger than 25 MB. Please attach a smaller picture."),
    "too much in it": (
        "cat.png",
        bytes(25 * 1024 * 1024 + 1),
        "`cat.png` is empty or larger than 25 MB. Please attach a smaller picture.",
    ),
    "BMP": (
        "IMG_1.BMP",
        b"BM",
        "`IMG_1.BMP` is not a picture I can use. Please attach a PNG, JPEG, WebP, GIF or HEIC.",
    ),
    "a text": (
        "notes.txt",
        b"hello",
        "`notes.txt` is not a picture I can use. Please attach a PNG, JPEG, WebP, GIF or HEIC.",
    ),
}


@pytest.mark.parametrize(("name", "data", "sentence"), DECLARED.values(), ids=DECLARED)
async def test_what_can_be_no_picture_is_refused_before_anything_is_held(
    here: World, books: Books, name: str, data: bytes, sentence: str
) -> None:
    answer = await here.member.slash(here.channel, "edit", prompt="warmer", image=(name, data))
    assert refusal(answer) == sentence
    assert public(here) == []
    assert books.untouched()


async def test_more_pictures_than_a_model_takes_are_refused(here: World, books: Books) -> None:
    files = {"image" if number == 1 else f"image{number}": ("a.png", picture("PNG")) for number in range(1, 5)}
    answer = await here.member.slash(here.channel, "edit", prompt="warmer", model="nano-banana", **files)
    assert refusal(answer) == "Nano Banana takes up to 3 pictures; these are 4."
    assert books.untouched()


async def test_fourteen_pictures_fit_the_models_that_take_so_many(here: World, fal: LoopbackFal) -> None:
    small = picture("JPEG", size=(16, 16))
    files = {"image" if number == 1 else f"image{number}": ("a.jpg", small) for number in range(1, 15)}
    await here.member.slash(here.channel, "edit", prompt="warmer", model="nano-banana-pro", **files)
    await delivered(here)
    assert len(received(fal)) == 14


async def test_a_picture_that_fal_cannot_use_is_told_with_its_number(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    fal.fail_next(Script(fault=Fault.RUN_MODEL_ERROR, error_type="image_load_error"))
    answer = await here.member.slash(here.channel, "edit", prompt="warmer", image=("a.png", picture("PNG")))
    assert await told(answer) == f"fal could not use picture 1. {NOT_CHARGED} Please try another."
    await eventually(lambda: books.states() == ["failed"])
    assert (books.spent("customer"), books.spent("operator")) == (0, 0)
