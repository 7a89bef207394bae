"""The loopback fal refuses what fal would refuse, and takes all that fal takes."""

import io
from typing import cast

import aiohttp
import pytest
from loopback_fal_acts import EDIT, GENERATE, SMALL, Json, result, submitted, uploaded
from PIL import Image

from bot.sandbox.fal_paint import plain
from bot.sandbox.fal_schema import ENDPOINTS
from bot.sandbox.fal_server import LoopbackFal

pytest_plugins = ["loopback_fal_fixtures"]


INPUTS: Json = {"image_urls": ["http://127.0.0.1/a.png"]}


@pytest.mark.parametrize(
    ("endpoint", "change", "kind"),
    [
        (GENERATE, {"prompt": None}, "string_type"),
        (GENERATE, {"prompt": " "}, "string_too_short"),
        (GENERATE, {"num_images": 0}, "greater_than_equal"),
        (GENERATE, {"num_images": 5}, "less_than_equal"),
        (GENERATE, {"num_images": True}, "int_type"),
        (GENERATE, {"num_images": "2"}, "int_type"),
        (GENERATE, {"seed": 1.5}, "int_type"),
        (GENERATE, {"seed": None}, "int_type"),
        (GENERATE, {"safety_tolerance": 4}, "string_type"),
        (GENERATE, {"safety_tolerance": "7"}, "one_of"),
        (GENERATE, {"resolution": "512x512"}, "one_of"),
        (GENERATE, {"limit_generations": "true"}, "bool_type"),
        (GENERATE, {"thinking_level": "medium"}, "one_of"),
        (GENERATE, {"enable_google_search": True}, "extra_forbidden"),
        (GENERATE, INPUTS, "extra_forbidden"),
        ("fal-ai/nano-banana", {"aspect_ratio": "auto"}, "one_of"),
        ("fal-ai/nano-banana", {"resolution": "1K"}, "extra_forbidden"),
        ("fal-ai/nano-banana-pro", {"resolution": "0.5K"}, "one_of"),
        ("fal-ai/nano-banana-pro", {"aspect_ratio": "8:1"}, "one_of"),
        ("fal-ai/nano-banana-pro", {"thinking_level": "high"}, "extra_forbidden"),
        (EDIT, {}, "missing"),
        (EDIT, {"image_urls": []}, "sequence_too_short"),
        (EDIT, {"image_urls": "http://127.0.0.1/a.png"}, "list_type"),
        (EDIT, {"image_urls": [1]}, "list_type"),
        (EDIT, {"image_urls": ["x"] * 15}, "sequence_too_long"),
        ("fal-ai/nano-banana/edit", {"image_urls": ["x"] * 4}, "sequence_too_long"),
    ],
)
async def test_a_parameter_outside_the_schema_is_a_422_that_names_it(
    fal: LoopbackFal, http: aiohttp.ClientSession, endpoint: str, change: Json, kind: str
) -> None:
    name = next(iter(change), "image_urls")
    async with http.post(f"{fal.url}/{endpoint}", json={"prompt": "a cat", **change}) as answer:
        body = cast("dict[str, list[Json]]", await answer.json())
    assert answer.status == 422
    assert answer.headers["X-Fal-Retryable"] == "false"
    assert [(entry["loc"], entry["type"]) for entry in body["detail"]] == [(["body", name], kind)]
    assert body["detail"][0]["url"] == f"https://docs.fal.ai/errors#{kind}"
    assert fal.jobs == {}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_every_parameter_with_its_default_and_every_listed_value_is_taken(
    fal: LoopbackFal, http: aiohttp.ClientSession, endpoint: str, picture: bytes
) -> None:
    schema = ENDPOINTS[endpoint]
    body: Json = schema.complete({"prompt": "a cat", "seed": 7})
    if "image_urls" in schema.parameters:
        body["image_urls"] = [await uploaded(http, fal, picture)]
    for name, parameter in schema.parameters.items():
        for value in parameter.values:
            _ = await submitted(http, fal, {**body, name: value}, endpoint)


async def test_a_server_that_validates_late_tells_the_422_at_the_result(http: aiohttp.ClientSession) -> None:
    async with LoopbackFal(validates_at_submit=False, painter=plain(0)) as fal:
        job = await submitted(http, fal, {"prompt": "a cat", "num_images": 9})
        code, body = await result(http, fal, job)
    assert code == 422
    assert cast("list[Json]", body["detail"])[0]["loc"] == ["body", "num_images"]
    assert fal.billed == {}


async def test_no_key_a_wrong_key_no_json_and_a_strange_priority_are_refused() -> None:
    async with LoopbackFal(key="right") as fal, aiohttp.ClientSession() as http:
        for headers in ({}, {"Authorization": "Bearer right"}, {"Authorization": "Key wrong"}):
            async with http.post(f"{fal.url}/{GENERATE}", json=SMALL, headers=headers) as answer:
                assert (answer.status, await answer.json()) == (401, {"detail": "invalid key credentials"})
        right = {"Authorization": "Key right"}
        for data, kind in ((b"{}", "text/plain"), (b"{", "application/json"), (b"[]", "application/json")):
            headers = {**right, "Content-Type": kind}
            async with http.post(f"{fal.url}/{GENERATE}", data=data, headers=headers) as answer:
                assert answer.status == 400
        async with http.post(
            f"{fal.url}/{GENERATE}", json=SMALL, headers={**right, "X-Fal-Queue-Priority": "high"}
        ) as answer:
            assert answer.status == 400
        assert fal.jobs == {}


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://example.com/a.png", "file_download_error"),
        ("{fal}/files/sent/never/a.png", "file_download_error"),
        ("{fal}/v1/models/pricing", "file_download_error"),
        ("{good}", None),
        ("{good_by_name}", "file_download_error"),
        ("data:image/png;base64,!!!", "file_download_error"),
        ("data:image/png;base64,aGVsbG8=", "image_load_error"),
    ],
)
async def test_an_input_is_used_from_this_machine_only_and_a_bad_one_is_named_by_its_place(
    fal: LoopbackFal, http: aiohttp.ClientSession, picture: bytes, url: str, kind: str | None
) -> None:
    async with LoopbackFal() as elsewhere:
        good = await uploaded(http, elsewhere, picture)
        by_name = good.replace("127.0.0.1", "localhost")
        urls = [await uploaded(http, fal, picture), url.format(fal=fal.url, good=good, good_by_name=by_name)]
        job = await submitted(http, fal, {"prompt": "a hat", "image_urls": urls}, EDIT)
        code, body = await result(http, fal, job)
    if kind is None:
        assert code == 200
        return
    entry = cast("list[Json]", body["detail"])[0]
    assert (code, entry["type"], entry["loc"]) == (422, kind, ["body", "image_urls", 1])
    assert fal.billed == {}


async def test_a_gif_is_an_unsupported_format_and_half_a_picture_cannot_be_loaded(
    fal: LoopbackFal, http: aiohttp.ClientSession
) -> None:
    gif, png = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (64, 64)).save(gif, "GIF")
    Image.effect_noise((64, 64), 90).save(png, "PNG")
    kinds: list[object] = []
    for data in (gif.getvalue(), png.getvalue()[:2000]):
        job = await submitted(http, fal, {**SMALL, "image_urls": [await uploaded(http, fal, data)]}, EDIT)
        kinds.append(cast("list[Json]", (await result(http, fal, job))[1]["detail"])[0]["type"])
    assert kinds == ["unsupported_image_format", "image_load_error"]
