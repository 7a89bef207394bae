"""The loopback fal's files, platform API and pictures."""

import asyncio
import base64
import io
import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from loopback_fal_acts import EDIT, GENERATE, SMALL, Json, completed, images, submitted, uploaded
from PIL import Image

from bot.sandbox.fal_faults import Fault
from bot.sandbox.fal_files import Files
from bot.sandbox.fal_paint import SIZES_1K, Painting, paint, size_of
from bot.sandbox.fal_schema import ENDPOINTS
from bot.sandbox.fal_server import LoopbackFal

pytest_plugins = ["loopback_fal_fixtures"]


async def test_files_are_public_until_they_expire(
    fal: LoopbackFal, http: aiohttp.ClientSession, picture: bytes
) -> None:
    soon = json.dumps({"expiration_duration_seconds": 0.3})
    url = await uploaded(http, fal, picture, **{"X-Fal-Object-Lifecycle": soon})
    job = await submitted(http, fal, SMALL, **{"X-Fal-Object-Lifecycle-Preference": soon})
    await completed(job)
    urls = [url, str(job.images[0]["url"])]
    codes: list[int] = []
    async with aiohttp.ClientSession() as anyone:
        for each in urls:
            async with anyone.get(each) as answer:
                codes.append(answer.status)
                length = len(await answer.read())
            async with anyone.head(each) as head:
                assert head.content_length == length > 0
        await asyncio.sleep(0.3)
        for each in urls:
            async with anyone.get(each) as answer:
                codes.append(answer.status)
    assert codes == [200, 200, 404, 404]


async def test_an_upload_without_a_token_or_with_a_strange_lifecycle_is_refused(
    fal: LoopbackFal, http: aiohttp.ClientSession, picture: bytes
) -> None:
    async with http.post(f"{fal.url}/files/upload", data=picture) as answer:
        assert answer.status == 401
    with pytest.raises(KeyError):
        _ = await uploaded(http, fal, picture, **{"X-Fal-Object-Lifecycle": '{"expires_in": "1h"}'})


def test_the_oldest_files_go_when_all_together_weigh_too_much() -> None:
    files = Files(250)
    paths = [files.add("a.png", b"x" * 100, "image/png", seconds=None) for _ in range(3)]
    assert [files.get(path) is not None for path in paths] == [False, True, True]


async def test_sync_mode_answers_with_the_picture_itself_and_is_not_in_the_history(
    fal: LoopbackFal, http: aiohttp.ClientSession
) -> None:
    job = await submitted(http, fal, {**SMALL, "sync_mode": True})
    await completed(job)
    params = {"endpoint_id": GENERATE, "expand": "payloads"}
    async with http.get(f"{fal.url}/v1/models/requests/by-endpoint", params=params) as answer:
        [item] = cast("dict[str, list[Json]]", await answer.json())["items"]
    assert str(job.images[0]["url"]).startswith("data:image/png;base64,")
    assert (item["json_input"], item["json_output"]) == (job.arguments, None)


async def test_payloads_that_were_not_to_be_stored_are_not_listed(
    fal: LoopbackFal, http: aiohttp.ClientSession
) -> None:
    await completed(await submitted(http, fal, SMALL, **{"X-Fal-Store-IO": "0"}))
    params = {"endpoint_id": GENERATE, "expand": "payloads"}
    async with http.get(f"{fal.url}/v1/models/requests/by-endpoint", params=params) as answer:
        [item] = cast("dict[str, list[Json]]", await answer.json())["items"]
    assert "json_input" not in item


async def test_past_requests_are_listed_by_page_newest_first_with_their_payloads(
    fal: LoopbackFal, http: aiohttp.ClientSession
) -> None:
    fal.fail_next(Fault.RUN_NO_MEDIA)
    jobs = [await submitted(http, fal, {**SMALL, "seed": seed}) for seed in range(5)]
    for job in jobs:
        await completed(job)
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    _ = await submitted(http, fal, SMALL)
    query = {"endpoint_id": GENERATE, "expand": "payloads", "limit": "2"}
    seeds: list[object] = []
    pages = 0
    while True:
        async with http.get(f"{fal.url}/v1/models/requests/by-endpoint", params=query) as answer:
            page = cast("Json", await answer.json())
        items = cast("list[dict[str, Json]]", page["items"])
        seeds += [item["json_input"]["seed"] for item in items]
        pages += 1
        if not page["has_more"]:
            break
        query["cursor"] = str(page["next_cursor"])
    assert (seeds, pages) == ([4, 3, 2, 1, 0], 3)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "success"}, 1),
        ({"status": "user_error"}, 1),
        ({"status": "error"}, 0),
        ({"start": "2001-01-01T00:00:00Z"}, 2),
        ({"end": "2001-01-01T00:00:00Z"}, 0),
        ({"endpoint_id": EDIT}, 0),
        ({"request_id": "nothing"}, 0),
    ],
)
async def test_the_list_can_be_narrowed(
    fal: LoopbackFal, http: aiohttp.ClientSession, query: dict[str, str], found: int
) -> None:
    fal.fail_next(Fault.RUN_NO_MEDIA)
    for _ in range(2):
        await completed(await submitted(http, fal, SMALL))
    params = {"endpoint_id": GENERATE, **query}
    async with http.get(f"{fal.url}/v1/models/requests/by-endpoint", params=params) as answer:
        items = cast("dict[str, list[Json]]", await answer.json())["items"]
    assert len(items) == found
    assert all("json_input" not in item for item in items)


async def test_the_list_refuses_a_query_it_does_not_know(fal: LoopbackFal, http: aiohttp.ClientSession) -> None:
    for query in ("", "?endpoint_id=a&limit=101", "?endpoint_id=a&since=1", "?endpoint_id=a&start=yesterday"):
        async with http.get(f"{fal.url}/v1/models/requests/by-endpoint{query}") as answer:
            assert answer.status == 422, query


async def test_prices_tell_which_endpoints_exist(fal: LoopbackFal, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{fal.url}/v1/models/pricing", params={"endpoint_id": f"{GENERATE},{EDIT}"}) as answer:
        prices = cast("dict[str, list[Json]]", await answer.json())["prices"]
    assert [(price["endpoint_id"], price["unit_price"]) for price in prices] == [(GENERATE, 0.08), (EDIT, 0.08)]
    async with http.get(f"{fal.url}/v1/models/pricing", params={"endpoint_id": "fal-ai/gone"}) as answer:
        assert answer.status == 404


def test_the_bots_catalogue_says_the_same_as_fals_own_table() -> None:
    catalogue = tomllib.loads(Path("config/models.toml").read_text(encoding="utf-8"))
    seen: set[str] = set()
    for model in cast("list[dict[str, dict[str, Json]]]", catalogue["model"]):
        for which in ("generate", "edit"):
            endpoint = ENDPOINTS[str(model[which])]
            seen.add(endpoint.name)
            ours = model["parameters"] | (model.get("edit_parameters", {}) if which == "edit" else {})
            theirs = {n: p for n, p in endpoint.parameters.items() if n not in {"prompt", "image_urls"}}
            assert ours.keys() == theirs.keys(), endpoint.name
            for name, parameter in theirs.items():
                assert ours[name].get("default") == parameter.default, (endpoint.name, name)
                assert set(cast("list[str]", ours[name].get("values", []))) == set(parameter.values), name
            assert Decimal(str(model["price"]["image"])) == endpoint.unit_price
    assert seen == ENDPOINTS.keys()


async def test_a_seed_with_several_images_gives_twins_and_no_seed_gives_different_ones(
    painting_fal: LoopbackFal, http: aiohttp.ClientSession
) -> None:
    body: Json = {**SMALL, "num_images": 2, "output_format": "jpeg"}
    twins = await images(http, painting_fal, {**body, "seed": 3})
    again = await images(http, painting_fal, {**body, "seed": 3})
    others = await images(http, painting_fal, body)
    assert (len(twins), len({*twins, *again})) == (2, 1)
    assert len({*others, *twins}) == 3


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
@pytest.mark.parametrize(("ratio", "size"), [("auto", (512, 512)), ("16:9", (688, 384)), ("1:8", (192, 1536))])
async def test_a_picture_has_the_asked_size_and_format(
    painting_fal: LoopbackFal,
    http: aiohttp.ClientSession,
    output_format: str,
    ratio: str,
    size: tuple[int, int],
) -> None:
    [data] = await images(http, painting_fal, {**SMALL, "aspect_ratio": ratio, "output_format": output_format})
    with Image.open(io.BytesIO(data)) as made:
        assert (made.size, str(made.format).lower()) == (size, output_format)


async def test_an_edit_shows_its_inputs_and_takes_the_shape_of_the_first(
    painting_fal: LoopbackFal, http: aiohttp.ClientSession, picture: bytes
) -> None:
    blue = io.BytesIO()
    Image.new("RGB", (64, 64), (0, 0, 255)).save(blue, "PNG")
    data_uri = f"data:image/png;base64,{base64.b64encode(blue.getvalue()).decode()}"
    urls = [await uploaded(http, painting_fal, picture), data_uri]
    [data] = await images(http, painting_fal, {**SMALL, "image_urls": urls, "seed": 1}, EDIT)
    with Image.open(io.BytesIO(data)) as made:
        pixels = made.convert("RGB")
    red = cast("tuple[int, int, int]", pixels.getpixel((pixels.width // 4, pixels.height // 2)))
    inset = cast("tuple[int, int, int]", pixels.getpixel((pixels.width - 70, 70)))
    assert pixels.size == size_of("3:2", "0.5K")
    assert red[0] > red[2] + 50
    assert inset == (0, 0, 255)


@pytest.mark.parametrize("prompt", ["", "漢字かな交じり文" * 60, "🐈‍⬛ a cat " * 9, "x" * 5000, "a\x00b\ud800c"])
def test_any_prompt_can_be_painted(prompt: str) -> None:
    for ratio in ("1:1", "8:1", "1:8"):
        picture = paint(Painting(prompt=prompt, label="test", seed=1, aspect_ratio=ratio, resolution="0.5K"))
        assert (picture.width, picture.height) == size_of(ratio, "0.5K")


def test_sizes_are_about_a_megapixel_at_1k_and_multiples_of_sixteen() -> None:
    for ratio, (width, height) in SIZES_1K.items():
        assert width % 16 == height % 16 == 0
        assert 0.95 < width * height / 1024**2 < 1.15, ratio
        assert size_of(ratio, "4K") == (4 * width, 4 * height)
