"""What a completed request yields: images, an error of fal's, or a trouble that passes."""

from pathlib import Path

import pytest
from fal_backend_acts import TEXT, Pauses, backend_at, failure, made, nothing, ordered, seen, simple
from hostile_server import Conduct, HostileServer, answer

from bot.adapters.fal import Fal, ticket_from_id
from bot.domain.errors import (
    CancelledAtFalError,
    ContentRefusedError,
    FalBusyError,
    FalDownError,
    GenerationError,
    GenerationTimeoutError,
    InvalidRequestError,
    NoImageMadeError,
    PictureRefusedError,
    ResultGoneError,
)
from bot.domain.order import Choices, Request
from bot.sandbox.fal_faults import Fault, Script, Step
from bot.sandbox.fal_paint import plain
from bot.sandbox.fal_server import LoopbackFal
from bot.service.ports import Completed

pytest_plugins = ["loopback_fal_fixtures", "fal_backend_fixtures"]


@pytest.mark.parametrize(
    ("script", "times"),
    [
        (Script(fault=Fault.RESULT_ERROR), 4),
        (Script(fault=Fault.RESULT_ERROR, status=500), 4),
        (Script(fault=Fault.RESULT_ERROR, status=404), 2),
        (Script(fault=Fault.RESULT_ERROR, status=429), 30),
        (Script(fault=Fault.RESULT_INGRESS_ERROR), 30),
        (Script(fault=Fault.RESULT_INGRESS_ERROR, status=504), 30),
        (Script(fault=Fault.RESULT_DROP), 60),
    ],
    ids=lambda one: f"{one.fault}-{one.status}" if isinstance(one, Script) else "",
)
async def test_troubles_of_the_result_that_pass_lose_no_image(
    backend: Fal, keyed_fal: LoopbackFal, pauses: Pauses, script: Script, times: int
) -> None:
    ticket, _ = await made(backend, keyed_fal, simple())
    keyed_fal.fail_next(script, times=times)
    assert len((await backend.result(ticket)).images) == 1
    assert keyed_fal.faults.waiting == []
    assert all(0.5 <= pause <= 10.0 for pause in pauses.slept)


async def test_a_5xx_that_the_status_knows_nothing_of_is_looked_at_again_for_an_hour(
    backend: Fal, keyed_fal: LoopbackFal, pauses: Pauses
) -> None:
    ticket, _ = await made(backend, keyed_fal, simple())
    keyed_fal.fail_next(Fault.RESULT_ERROR, times=5 * 59)
    assert len((await backend.result(ticket)).images) == 1
    assert 3500 < sum(pauses.slept) < 7200
    keyed_fal.fail_next(Fault.RESULT_ERROR, times=5 * 60)
    error = await failure(backend, ticket)
    assert (type(error), error.may_be_billed) == (ResultGoneError, True)


async def test_a_result_asked_for_too_early_is_waited_for(backend: Fal, keyed_fal: LoopbackFal, pauses: Pauses) -> None:
    keyed_fal.fail_next(Fault.RUN_STUCK_IN_QUEUE)
    ticket = await backend.submit(simple())
    job = keyed_fal.jobs[ticket.request_id]
    pauses.meanwhile = [nothing] * 9 + [lambda: keyed_fal.queue.cancel(job)]
    assert type(await failure(backend, ticket)) is CancelledAtFalError


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (Script(fault=Fault.RUN_REQUEST_ERROR), FalDownError),
        (Script(fault=Fault.RUN_REQUEST_ERROR, error_type="runner_disconnected"), FalBusyError),
        (Script(fault=Fault.RUN_REQUEST_ERROR, error_type="startup_timeout"), GenerationTimeoutError),
        (Script(fault=Fault.RUN_MODEL_ERROR, error_type="generation_timeout"), GenerationTimeoutError),
        (Script(fault=Fault.RUN_MODEL_ERROR, error_type="downstream_service_error"), FalDownError),
    ],
)
async def test_a_request_that_completed_with_an_error_of_fals_is_believed_at_the_fifth_look_and_not_billed(
    backend: Fal, keyed_fal: LoopbackFal, script: Script, expected: type[GenerationError]
) -> None:
    keyed_fal.fail_next(script)
    ticket = await backend.submit(simple())
    assert (await seen(backend, ticket))[-1] == Completed()
    error = await failure(backend, ticket)
    assert (type(error), error.may_be_billed) == (expected, False)
    assert len(keyed_fal.seen(Step.RESULT)) == 5


@pytest.mark.parametrize("billed", [True, False], ids=["billed", "free"])
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (Fault.RUN_CONTENT_POLICY, ContentRefusedError),
        (Fault.RUN_NO_MEDIA, NoImageMadeError),
        (Fault.RUN_EMPTY, NoImageMadeError),
        (Fault.RUN_MODEL_ERROR, PictureRefusedError),
    ],
)
async def test_a_refusal_is_told_at_the_first_look_and_whether_it_was_billed_too(
    backend: Fal, keyed_fal: LoopbackFal, script: Fault, expected: type[GenerationError], *, billed: bool
) -> None:
    keyed_fal.fail_next(Script(fault=script, billed=billed))
    ticket, _ = await made(backend, keyed_fal, simple())
    error = await failure(backend, ticket)
    assert (type(error), error.may_be_billed) == (expected, billed)
    assert len(keyed_fal.seen(Step.RESULT)) == 1


async def test_a_picture_that_fal_cannot_use_is_named_by_its_place(
    backend: Fal, keyed_fal: LoopbackFal, picture_file: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "2.png"
    bad.write_bytes(b"not a picture")
    urls = [await backend.upload(file, "image/png") for file in (picture_file, bad)]
    ticket, _ = await made(backend, keyed_fal, ordered("nano-banana-2", Choices(), pictures=2).with_pictures(urls))
    error = await failure(backend, ticket)
    assert isinstance(error, PictureRefusedError)
    assert error.position == 2


async def test_a_body_that_the_endpoint_refuses_is_an_invalid_request_that_names_fals_types(
    backend: Fal, keyed_fal: LoopbackFal
) -> None:
    wrong = Request(endpoint=TEXT, arguments={"prompt": "a cat", "num_images": 9, "colour": "red"}, images=9)
    with pytest.raises(InvalidRequestError) as raised:
        await backend.submit(wrong)
    assert raised.value.kinds == ("body.num_images:less_than_equal", "body.colour:extra_forbidden")
    assert not raised.value.may_be_billed
    assert keyed_fal.jobs == {}


async def test_the_same_refusal_may_come_as_the_result(pauses: Pauses) -> None:
    wrong = Request(endpoint=TEXT, arguments={"prompt": "a cat", "num_images": 9}, images=9)
    async with (
        LoopbackFal(validates_at_submit=False, painter=plain(0)) as fal,
        backend_at(fal.url, pauses) as backend,
    ):
        ticket = await backend.submit(wrong)
        error = await failure(backend, ticket)
    assert isinstance(error, InvalidRequestError)
    assert error.kinds == ("body.num_images:less_than_equal",)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.png",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/a.png",
        "http://localhost/a.png",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "/a.png",
        "http://[broken",
        "",
    ],
)
async def test_an_image_that_lies_anywhere_on_this_network_is_not_fetched(pauses: Pauses, url: str) -> None:
    images = {"images": [{"url": "https://v3.fal.media/good.png"}, {"url": url}]}
    async with (
        HostileServer(Conduct(says=answer(200, images))) as server,
        backend_at(server.url, pauses) as backend,
    ):
        result = await backend.result(ticket_from_id(TEXT, "r-1", server.url))
    assert [link.url for link in result.images] == ["https://v3.fal.media/good.png", None]


@pytest.mark.parametrize("odd", [None, "a.png", {}, {"url": None}, {"url": 5}, [{"url": "https://v3.fal.media/b.png"}]])
async def test_an_image_that_cannot_be_read_takes_no_other_with_it(pauses: Pauses, odd: object) -> None:
    images = {"images": [odd, {"url": "https://v3.fal.media/good.png", "content_type": 5, "width": -1}]}
    async with (
        HostileServer(Conduct(says=answer(200, images))) as server,
        backend_at(server.url, pauses) as backend,
    ):
        result = await backend.result(ticket_from_id(TEXT, "r-1", server.url))
    assert [(link.url, link.content_type) for link in result.images] == [
        (None, None),
        ("https://v3.fal.media/good.png", None),
    ]


@pytest.mark.parametrize(
    ("header", "units"), [("2", 2.0), ("0", 0.0), ("inf", None), ("nan", None), ("-1", None), ("1e999", None)]
)
async def test_units_that_are_no_amount_are_not_named(pauses: Pauses, header: str, units: float | None) -> None:
    said = answer(200, {"images": [{"url": "https://v3.fal.media/a.png"}]}, x_fal_billable_units=header)
    async with HostileServer(Conduct(says=said)) as server, backend_at(server.url, pauses) as backend:
        assert (await backend.result(ticket_from_id(TEXT, "r-1", server.url))).units == units


async def test_images_over_tls_from_anywhere_and_from_the_configured_place_are_taken(pauses: Pauses) -> None:
    async with HostileServer(Conduct()) as server:
        urls = ["https://v3b.fal.media/a.png", "https://storage.example/b.webp", f"{server.url}/c.jpeg"]
        server.conducts = [Conduct(says=answer(200, {"images": [{"url": url} for url in urls], "description": ""}))]
        async with backend_at(server.url, pauses) as backend:
            result = await backend.result(ticket_from_id(TEXT, "r-1", server.url))
    assert [(link.url, link.content_type) for link in result.images] == [(url, None) for url in urls]
    assert result.units is None


@pytest.mark.parametrize("said", [b"{}", b'{"images": null}', b'{"images": [{}]}', b'{"images": [null]}'])
async def test_a_200_without_images_that_can_be_read_may_have_been_billed(pauses: Pauses, said: bytes) -> None:
    async with (
        HostileServer(Conduct(says=answer(200, said))) as server,
        backend_at(server.url, pauses) as backend,
    ):
        error = await failure(backend, ticket_from_id(TEXT, "r-1", server.url))
    assert (type(error), error.may_be_billed) == (FalDownError, True)
    assert len(server.heard) == 5


@pytest.mark.parametrize("status", [302, 400, 404, 413, 421, 500, 502])
async def test_a_page_of_something_in_front_of_fal_is_no_word_on_the_result(pauses: Pauses, status: int) -> None:
    page, good = answer(status, b"<html>nginx</html>"), answer(200, {"images": [{"url": "https://v3.fal.media/a.png"}]})
    server = HostileServer(*[Conduct(says=page)] * 40, Conduct(says=good))
    async with server, backend_at(server.url, pauses) as backend:
        assert len((await backend.result(ticket_from_id(TEXT, "r-1", server.url))).images) == 1


@pytest.mark.parametrize("said", [b"", b"[]", b"null", b"<html>nginx</html>"])
async def test_a_200_that_is_not_of_fal_hides_what_was_paid_for_an_hour_at_most(pauses: Pauses, said: bytes) -> None:
    strange, good = answer(200, said), answer(200, {"images": [{"url": "https://v3.fal.media/a.png"}]})
    server = HostileServer(*[Conduct(says=strange)] * 60, Conduct(says=good))
    async with server, backend_at(server.url, pauses) as backend:
        ticket = ticket_from_id(TEXT, "r-1", server.url)
        assert len((await backend.result(ticket)).images) == 1
        server.conducts = [Conduct(says=strange)]
        error = await failure(backend, ticket)
    assert (type(error), error.may_be_billed) == (ResultGoneError, True)
