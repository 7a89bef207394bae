"""Before and after in one picture, made in the picture process."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from PIL import Image

from bot.adapters.pictures import PictureWorker
from bot.domain.errors import BrokenPictureError, NotAPictureError

LABELS = ("Before", "After")
RED, BLUE = (220, 20, 20), (20, 20, 220)


@pytest.fixture
async def worker() -> AsyncGenerator[PictureWorker]:
    made = PictureWorker()
    yield made
    await made.close()


def saved(path: Path, size: tuple[int, int], colour: tuple[int, ...], mode: str = "RGB") -> Path:
    Image.new(mode, size, colour).save(path)
    return path


def near(image: Image.Image, place: tuple[float, float], colour: tuple[int, int, int]) -> bool:
    """Whether the colour at a place, in parts of the whole, is that one up to what JPEG may change."""
    seen = image.getpixel((int(image.width * place[0]), int(image.height * place[1])))
    assert isinstance(seen, tuple)
    return all(abs(a - b) < 12 for a, b in zip(seen, colour, strict=True))


async def test_two_pictures_stand_side_by_side_at_one_height_under_their_labels(
    worker: PictureWorker, tmp_path: Path
) -> None:
    before = saved(tmp_path / "a.png", (800, 600), RED)
    after = saved(tmp_path / "b.png", (1600, 1200), BLUE)
    path = await worker.compare(before, after, LABELS, tmp_path / "made")
    with Image.open(path) as image:
        assert (path.name, image.format) == ("compare.jpg", "JPEG")
        assert image.size == (1608, 600 + 100)
        assert near(image, (0.25, 0.6), RED)
        assert near(image, (0.75, 0.6), BLUE)
        strip = image.crop((0, 0, image.width, 100)).convert("L")
        assert strip.getextrema()[1] == 255  # the labels are there


async def test_wide_pictures_stand_one_above_the_other(worker: PictureWorker, tmp_path: Path) -> None:
    before = saved(tmp_path / "a.png", (2100, 900), RED)
    after = saved(tmp_path / "b.webp", (2100, 900), BLUE)
    with Image.open(await worker.compare(before, after, LABELS, tmp_path)) as image:
        assert image.width == 1400
        assert near(image, (0.5, 0.3), RED)
        assert near(image, (0.5, 0.8), BLUE)


async def test_what_shines_through_is_grey_and_the_largest_images_come_small(
    worker: PictureWorker, tmp_path: Path
) -> None:
    before = saved(tmp_path / "a.png", (400, 400), (0, 0, 0, 0), "RGBA")
    after = saved(tmp_path / "b.png", (4096, 4096), BLUE)
    path = await worker.compare(before, after, LABELS, tmp_path)
    with Image.open(path) as image:
        assert near(image, (0.25, 0.6), (128, 128, 128))
        assert max(image.size) <= 2808
    assert path.stat().st_size < 8 * 1024 * 1024


async def test_what_is_no_picture_is_refused(worker: PictureWorker, tmp_path: Path) -> None:
    good, text, torn = saved(tmp_path / "a.png", (400, 400), RED), tmp_path / "b.png", tmp_path / "c.png"
    text.write_bytes(b"hello")
    torn.write_bytes(good.read_bytes()[:60])
    with pytest.raises(NotAPictureError):
        await worker.compare(good, text, LABELS, tmp_path)
    with pytest.raises(BrokenPictureError):
        await worker.compare(torn, good, LABELS, tmp_path)
