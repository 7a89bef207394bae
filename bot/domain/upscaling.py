"""Which larger sizes there are for a finished image."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from bot.domain.catalogue import Catalogue, Model
from bot.domain.job import Job

SIDE_OF_1K = 1024
"""Pixels of a square image of 1K; other shapes have as many pixels in all."""
CLEARLY = 1.2
"""Times larger: shapes are rounded, so that no two images of a size have exactly the same number of pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A model and a resolution that it makes."""

    model: Model
    resolution: str


def next_sizes(catalogue: Catalogue, job: Job, position: int) -> list[Size]:
    """The next larger size of the image's own model; else that of every model that has one; empty at the top."""
    side = _side(job, position)
    found = {size.model.name: size for model in catalogue.models.values() for size in _next(model, side)}
    own = found.get(job.order.model)
    return [own] if own is not None else list(found.values())


def _side(job: Job, position: int) -> float:
    """In K: as it was ordered, or by its pixels for a model that has one size."""
    ordered = job.request.arguments.get("resolution")
    if isinstance(ordered, str):
        return _k(ordered)
    picture = job.pictures[position - 1]
    return math.sqrt(picture.width * picture.height) / SIDE_OF_1K


def _next(model: Model, side: float) -> Iterator[Size]:
    parameter = model.edit.parameters.get("resolution")
    larger = [value for value in parameter.values if _k(value) > side * CLEARLY] if parameter else []
    if larger:
        yield Size(model=model, resolution=min(larger, key=_k))


def _k(resolution: str) -> float:
    """Such as 0.5 for `0.5K`."""
    return float(resolution.removesuffix("K"))
