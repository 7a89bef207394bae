"""Results that are over a size limit arrive whole, in their best form under it."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pictures_made import grainy, names, noise, open_whole, saved, with_secrets

from bot.adapters.picture_bytes import PictureType
from bot.adapters.pictures import PictureLimits, PictureWorker
from bot.domain.errors import PictureTooLargeError, PictureWorkerError

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = PictureLimits()
MIB = 1024 * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker() -> AsyncIterator[PictureWorker]:
    """One process for all tests of this module."""
    worker = PictureWorker()
    yield worker
    await worker.close()


async def test_a_result_that_fits_is_copied_untouched(worker: PictureWorker, tmp_path: Path) -> None:
    source = saved(grainy(64, 0.5), tmp_path / "result.png", "PNG", exif=with_secrets())
    fitted = await worker.fit(source, tmp_path, "fitted", 8 * MIB)
    assert fitted.path == tmp_path / "fitted.png"
    assert fitted.path.read_bytes() == source.read_bytes()
    assert (fitted.recoded, fitted.quality, fitted.scaled) == (False, None, False)


async def test_a_noisy_4k_png_keeps_every_pixel_under_8_mib(worker: PictureWorker, tmp_path: Path) -> None:
    source = saved(grainy(4096, 0.06), tmp_path / "result.png", "PNG", compress_level=0)
    assert source.stat().st_size > 8 * MIB
    fitted = await worker.fit(source, tmp_path, "fitted", 8 * MIB)
    assert (fitted.width, fitted.height, fitted.scaled) == (4096, 4096, False)
    assert fitted.kind is PictureType.WEBP
    assert fitted.quality is not None
    assert 60 <= fitted.quality <= 95
    assert fitted.path.stat().st_size <= 8 * MIB
    assert open_whole(fitted.path).size == (4096, 4096)


async def test_the_highest_quality_that_fits_is_chosen(worker: PictureWorker, tmp_path: Path) -> None:
    image = noise((256, 256))
    source = saved(image, tmp_path / "result.png", "PNG")
    sizes: dict[int, int] = {}
    for quality in (70, 75):
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=quality, method=0)
        sizes[quality] = buffer.tell()
    fitted = await worker.fit(source, tmp_path, "fitted", sizes[75] - 1)
    assert (fitted.quality, fitted.scaled) == (70, False)
    assert fitted.path.stat().st_size == sizes[70]


async def test_nothing_is_lost_when_a_lossless_form_fits(worker: PictureWorker, tmp_path: Path) -> None:
    image = grainy(256, 0.02)
    source = saved(image, tmp_path / "result.png", "PNG", compress_level=1)
    fitted = await worker.fit(source, tmp_path, "fitted", source.stat().st_size - 1)
    assert (fitted.recoded, fitted.quality, fitted.scaled) == (True, None, False)
    assert open_whole(fitted.path).convert("RGB").tobytes() == image.tobytes()


async def test_pixels_are_given_up_only_when_the_lowest_quality_is_too_large(
    worker: PictureWorker, tmp_path: Path
) -> None:
    image = noise((256, 256))
    source = saved(image, tmp_path / "result.png", "PNG")
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=60, method=0)
    whole = await worker.fit(source, tmp_path, "whole", buffer.tell())
    assert (whole.quality, whole.scaled) == (60, False)
    scaled = await worker.fit(source, tmp_path, "scaled", buffer.tell() - 1)
    assert scaled.scaled
    assert scaled.width == scaled.height < 256
    assert scaled.path.stat().st_size < buffer.tell()


async def test_a_result_too_long_for_webp_keeps_its_length(worker: PictureWorker, tmp_path: Path) -> None:
    source = saved(noise((16_384, 16)), tmp_path / "result.png", "PNG")
    fitted = await worker.fit(source, tmp_path, "fitted", source.stat().st_size // 2)
    assert (fitted.kind, fitted.width, fitted.scaled) == (PictureType.JPEG, 16_384, False)


async def test_a_transparent_result_too_long_for_webp_is_scaled(worker: PictureWorker, tmp_path: Path) -> None:
    source = saved(noise((16_384, 16), "RGBA"), tmp_path / "result.png", "PNG")
    fitted = await worker.fit(source, tmp_path, "fitted", source.stat().st_size - 1)
    assert (fitted.kind, fitted.scaled) == (PictureType.WEBP, True)


async def test_fitting_twice_gives_the_same_file(worker: PictureWorker, tmp_path: Path) -> None:
    source = saved(noise((128, 128)), tmp_path / "result.png", "PNG")
    first = await worker.fit(source, tmp_path, "fitted", 10_000)
    content = first.path.read_bytes()
    assert await worker.fit(source, tmp_path, "fitted", 10_000) == first
    assert first.path.read_bytes() == content
    assert names(tmp_path) == [first.path.name, source.name]


async def test_the_untouched_file_is_never_overwritten(worker: PictureWorker, tmp_path: Path) -> None:
    source = saved(noise((128, 128)), tmp_path / "result.webp", "WEBP", lossless=True)
    content = source.read_bytes()
    with pytest.raises(PictureWorkerError):
        await worker.fit(source, tmp_path, "result", 10_000)
    with pytest.raises(FileExistsError):
        await worker.fit(source, tmp_path, "result", 10 * MIB)
    assert source.read_bytes() == content
    assert names(tmp_path) == [source.name]


async def test_a_limit_that_nothing_can_meet_is_refused(worker: PictureWorker, tmp_path: Path) -> None:
    source = saved(noise((20, 20)), tmp_path / "result.png", "PNG")
    with pytest.raises(PictureTooLargeError):
        await worker.fit(source, tmp_path, "fitted", 10)
