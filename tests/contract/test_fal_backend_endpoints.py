"""Orders on every endpoint, over the real fal adapter and real HTTP.

The requests come from the real catalogue, so the strict loopback's own table of parameters checks config/models.toml.
"""

from pathlib import Path

import pytest
from fal_backend_acts import CATALOGUE, DAY, KEEP_DAYS, made, ordered, seen, simple

from bot.adapters.fal import Fal
from bot.domain.order import Choices
from bot.sandbox.fal_faults import Fault, Script
from bot.sandbox.fal_schema import ENDPOINTS
from bot.sandbox.fal_server import LoopbackFal
from bot.service.ports import Completed

pytest_plugins = ["loopback_fal_fixtures", "fal_backend_fixtures"]


SIX: list[tuple[str, str, Choices, dict[str, object]]] = [
    (
        "fal-ai/nano-banana-2",
        "nano-banana-2",
        Choices(
            aspect_ratio="8:1", resolution="4K", images=3, format="webp", safety=2, web_search=True, thinking="high"
        ),
        {
            "aspect_ratio": "8:1",
            "resolution": "4K",
            "num_images": 3,
            "output_format": "webp",
            "safety_tolerance": "2",
            "enable_web_search": True,
            "thinking_level": "high",
            "sync_mode": False,
            "limit_generations": True,
        },
    ),
    (
        "fal-ai/nano-banana-2/edit",
        "nano-banana-2",
        Choices(aspect_ratio="1:4", resolution="0.5K", format="jpeg", seed=7, safety=6, thinking="minimal"),
        {
            "aspect_ratio": "1:4",
            "resolution": "0.5K",
            "num_images": 1,
            "output_format": "jpeg",
            "seed": 7,
            "safety_tolerance": "6",
            "enable_web_search": False,
            "thinking_level": "minimal",
            "sync_mode": False,
            "limit_generations": True,
        },
    ),
    (
        "fal-ai/nano-banana-pro",
        "nano-banana-pro",
        Choices(aspect_ratio="21:9", resolution="2K", images=2, format="jpeg", safety=1, web_search=True),
        {
            "aspect_ratio": "21:9",
            "resolution": "2K",
            "num_images": 2,
            "output_format": "jpeg",
            "safety_tolerance": "1",
            "enable_web_search": True,
            "sync_mode": False,
            "limit_generations": False,
        },
    ),
    (
        "fal-ai/nano-banana-pro/edit",
        "nano-banana-pro",
        Choices(aspect_ratio="9:16", resolution="4K", format="webp", seed=0, safety=5, web_search=True),
        {
            "aspect_ratio": "9:16",
            "resolution": "4K",
            "num_images": 1,
            "output_format": "webp",
            "seed": 0,
            "safety_tolerance": "5",
            "enable_web_search": True,
            "sync_mode": False,
            "limit_generations": False,
        },
    ),
    (
        "fal-ai/nano-banana",
        "nano-banana",
        Choices(aspect_ratio="4:5", images=4, format="jpeg", safety=3),
        {
            "aspect_ratio": "4:5",
            "num_images": 4,
            "output_format": "jpeg",
            "safety_tolerance": "3",
            "sync_mode": False,
            "limit_generations": False,
        },
    ),
    (
        "fal-ai/nano-banana/edit",
        "nano-banana",
        Choices(aspect_ratio="3:2", format="webp", seed=2_147_483_647, safety=6),
        {
            "aspect_ratio": "3:2",
            "num_images": 1,
            "output_format": "webp",
            "seed": 2_147_483_647,
            "safety_tolerance": "6",
            "sync_mode": False,
            "limit_generations": False,
        },
    ),
]


@pytest.mark.parametrize(("endpoint", "model", "choices", "expected"), SIX, ids=[one[0] for one in SIX])
async def test_an_order_with_its_own_options_goes_all_the_way_on_every_endpoint(
    backend: Fal,
    keyed_fal: LoopbackFal,
    picture_file: Path,
    endpoint: str,
    model: str,
    choices: Choices,
    expected: dict[str, object],
) -> None:
    edit = endpoint.endswith("/edit")
    request = ordered(model, choices, pictures=2 if edit else 0)
    urls = [await backend.upload(picture_file, "image/png") for _ in range(2)] if edit else []
    ticket = await backend.submit(request.with_pictures(urls) if edit else request)
    statuses = await seen(backend, ticket)
    result = await backend.result(ticket)

    job = keyed_fal.jobs[ticket.request_id]
    assert job.endpoint == endpoint
    assert job.arguments == {"prompt": "a quiet harbour", **expected} | ({"image_urls": urls} if edit else {})
    assert [type(value) for value in job.arguments.values()] == [
        type(value) for value in (request.with_pictures(urls) if edit else request).arguments.values()
    ]
    assert statuses[-1] == Completed()
    assert [link.url for link in result.images] == [image["url"] for image in job.images]
    assert [link.content_type for link in result.images] == [f"image/{expected['output_format']}"] * request.images
    assert result.units == float(job.units)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_every_parameter_with_a_default_is_always_sent_and_nothing_the_endpoint_lacks(
    backend: Fal, keyed_fal: LoopbackFal, picture_file: Path, endpoint: str
) -> None:
    edit = endpoint.endswith("/edit")
    model = CATALOGUE.model_of(endpoint)
    request = ordered(model.name, Choices(images=2), pictures=int(edit))
    if edit:
        request = request.with_pictures([await backend.upload(picture_file, "image/png")])
    ticket = await backend.submit(request)

    sent, schema = keyed_fal.jobs[ticket.request_id].arguments, ENDPOINTS[endpoint]
    assert sent.keys() == schema.parameters.keys() - {"seed", "thinking_level"}
    free = {"prompt", "image_urls", "num_images"}
    assert {name: value for name, value in sent.items() if name not in free} == {
        name: parameter.default
        for name, parameter in schema.parameters.items()
        if name not in free and parameter.default is not None
    }


async def test_a_single_image_is_sent_with_a_seed_of_ours_so_that_it_can_be_found_again(
    backend: Fal, keyed_fal: LoopbackFal
) -> None:
    ticket = await backend.submit(ordered("nano-banana-2", Choices()))
    assert keyed_fal.jobs[ticket.request_id].arguments["seed"] == 41


async def test_fal_is_asked_to_keep_the_outputs_for_the_days_of_the_settings(
    backend: Fal, keyed_fal: LoopbackFal
) -> None:
    ticket = await backend.submit(simple())
    assert keyed_fal.jobs[ticket.request_id].output_seconds == KEEP_DAYS * DAY


async def test_fewer_images_than_asked_for_are_a_result(backend: Fal, keyed_fal: LoopbackFal) -> None:
    keyed_fal.fail_next(Script(fault=Fault.RUN_FEWER, images=2))
    ticket, _ = await made(backend, keyed_fal, simple(images=4))
    result = await backend.result(ticket)
    assert (len(result.images), result.units) == (2, 1.5)
