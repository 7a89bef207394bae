"""Results that are too large for Discord: shown in the best form that fits, kept untouched behind a button."""

from pathlib import Path

import pytest
from discord_acts import Books, alt_texts, buttons, delivered, eventually, made, pictures, told
from discord_pictures import opened
from discord_restart import Restart

from bot.sandbox.fal_paint import plain
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import text_of
from bot.sandbox.world import World

MIB = 1024 * 1024
LARGE = pytest.mark.fal(painter=plain(11 * MIB))
REMARK = "-# Too large for Discord as made: saved in full size as {}. The button has the original."
NOT_KEPT = "The files of this order are no longer kept."


def originals(fal: LoopbackFal) -> list[bytes]:
    """What fal made with its only request."""
    (job,) = fal.jobs.values()
    return made(fal, job)


@LARGE
async def test_an_image_over_the_limit_is_shown_smaller_and_says_so(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    (shown,), (original,) = pictures(here, result), originals(fal)
    assert len(shown) <= 10 * MIB < len(original)
    assert opened(shown).size == opened(original).size == (1024, 1024)
    kind = {"JPEG": "JPEG", "WEBP": "WebP", "PNG": "PNG"}[str(opened(shown).format)]
    assert text_of(result).splitlines()[-1] == REMARK.format(kind)
    assert list(buttons(result)) == ["Edit", "Upscale", "Again", "Recipe", "Original", "Delete"]
    assert alt_texts(result) == ["Generated image: a lighthouse"]
    await eventually(lambda: books.states() == ["delivered"])
    assert books.spent("customer") == 8


@LARGE
async def test_the_original_comes_untouched_and_privately_to_whoever_asks(here: World, fal: LoopbackFal) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    answer = await here.other.click(result, label="Original")
    assert await told(answer) == "The untouched file."
    assert answer.response is not None
    assert pictures(here, answer.response.message) == originals(fal)
    assert alt_texts(answer.response.message) == ["Generated image: a lighthouse"]


@pytest.mark.fal(painter=plain(7 * MIB))
async def test_several_images_share_the_room_of_one_message_and_each_has_its_original(
    here: World, fal: LoopbackFal
) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse", images=4)
    (result,) = await delivered(here)
    assert len(pictures(here, result)) == 4
    assert sum(map(len, pictures(here, result))) <= 24 * MIB
    asked = await here.member.click(result, label="Original")
    assert await told(asked) == "Which image?"
    assert asked.response is not None
    answer = await here.member.select(asked.response.message, ["3"])
    await told(answer)
    assert answer.response is not None
    assert pictures(here, answer.response.message) == [originals(fal)[2]]


@pytest.mark.fal(painter=plain(26 * MIB))
async def test_an_original_that_fits_nowhere_comes_in_its_best_form(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    answer = await here.member.click(result, label="Original")
    assert await told(answer) == (
        "The untouched file is over Discord's 24 MB here, so this is the best copy in full size."
    )
    assert answer.response is not None
    (copy,) = pictures(here, answer.response.message)
    assert opened(copy).size == (1024, 1024)


async def test_an_image_that_fits_has_no_original_of_its_own(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    assert "Original" not in buttons(result)
    assert "Too large" not in text_of(result)


@LARGE
async def test_an_original_whose_time_is_over_answers(here: World, books: Books) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    await eventually(lambda: books.states() == ["delivered"])
    assert await here.app.gallery.sweep() == 0
    here.time.passed += 31 * 24 * 3600
    assert await here.app.gallery.sweep() == 1
    answer = await here.member.click(result, label="Original")
    assert await told(answer) == NOT_KEPT


@LARGE
@pytest.mark.settings(results={"max_gib": 20 / 1024})
async def test_beyond_the_operators_limit_the_oldest_files_go_first(here: World, books: Books, tmp_path: Path) -> None:
    for count in (1, 2):
        await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
        await delivered(here, count)
    await eventually(lambda: books.states() == ["delivered"] * 2)
    [(_, _), (newest, _)] = books.rows("SELECT id, number FROM jobs ORDER BY number")
    assert await here.app.gallery.sweep() == 1
    assert [folder.name for folder in (tmp_path / "jobs").iterdir()] == [newest]


@LARGE
async def test_the_original_comes_after_a_restart(here: World, fal: LoopbackFal, restart: Restart) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    async with restart() as after:
        answer = await after.member.click(result, label="Original")
        await told(answer)
        assert answer.response is not None
        assert pictures(after, answer.response.message) == originals(fal)
