"""Which larger sizes there are for a finished image."""

from dataclasses import replace

import pytest
from doubles import a_job, a_picture

from bot.adapters.catalogue_file import load_catalogue
from bot.domain.job import Job
from bot.domain.upscaling import next_sizes
from bot.settings import MODELS_FILE

CATALOGUE = load_catalogue(MODELS_FILE)


def made(model: str, width: int, height: int, resolution: str | None = None) -> Job:
    """A finished job of one image."""
    job = a_job()
    arguments = job.request.arguments | ({"resolution": resolution} if resolution else {})
    if resolution is None:
        arguments.pop("resolution", None)
    return replace(
        job,
        order=replace(job.order, model=model),
        request=replace(job.request, arguments=arguments),
        pictures=(replace(a_picture(), width=width, height=height),),
    )


@pytest.mark.parametrize(
    ("job", "sizes"),
    [
        (made("nano-banana-2", 512, 512, "0.5K"), [("nano-banana-2", "1K")]),
        (made("nano-banana-2", 1024, 1024, "1K"), [("nano-banana-2", "2K")]),
        (made("nano-banana-2", 1584, 672, "1K"), [("nano-banana-2", "2K")]),
        (made("nano-banana-pro", 2048, 2048, "2K"), [("nano-banana-pro", "4K")]),
        (made("nano-banana-pro", 4096, 4096, "4K"), []),
        (made("nano-banana", 1024, 1024), [("nano-banana-2", "2K"), ("nano-banana-pro", "2K")]),
        (made("nano-banana", 1344, 768), [("nano-banana-2", "2K"), ("nano-banana-pro", "2K")]),
        (made("left-the-catalogue", 1024, 1024, "1K"), [("nano-banana-2", "2K"), ("nano-banana-pro", "2K")]),
    ],
)
def test_the_next_size_is_the_models_own_or_that_of_those_that_have_one(job: Job, sizes: list[tuple[str, str]]) -> None:
    assert [(one.model.name, one.resolution) for one in next_sizes(CATALOGUE, job, 1)] == sizes
