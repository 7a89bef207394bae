"""Fetching what fal made, and pricing what came."""

import asyncio
import logging

from bot.domain.catalogue import Catalogue
from bot.domain.errors import ResultGoneError, UnknownModelError
from bot.domain.job import Job, Picture
from bot.service.ports import ImageLink, Result
from bot.service.run import Parts, Run

_log = logging.getLogger(__name__)


async def collect(parts: Parts, run: Run, result: Result) -> list[Picture]:
    """What can be fetched, at the same time, in fal's order; one image that is gone takes no other with it.

    Raises ResultGoneError when all are. A defect with one ends the others before it is raised, in a group.
    """
    async with asyncio.TaskGroup() as tasks:
        fetching = [
            tasks.create_task(_fetched(parts, run, link, position))
            for position, link in enumerate(result.images[: run.job.request.images], start=1)
        ]
    pictures = [picture for task in fetching if (picture := task.result()) is not None]
    if not pictures:
        raise ResultGoneError(may_be_billed=True)
    return pictures


async def _fetched(parts: Parts, run: Run, link: ImageLink, position: int) -> Picture | None:
    """None when it is gone."""
    try:
        return await parts.intake.collect(link, position, run.folder)
    except ResultGoneError:
        _log.warning("job %s: image %d is gone", run.job.id, position)
        return None


def price(catalogue: Catalogue, job: Job, images: int) -> int:
    """What came, at the catalogue's price; of a model that has left it, a fair part of what is held."""
    try:
        model = catalogue.model_of(job.request.endpoint)
    except UnknownModelError:
        return -(-job.credits * min(images, job.request.images) // job.request.images)
    return min(job.credits, model.cost(job.request.arguments, images))
