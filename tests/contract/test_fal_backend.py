"""The ImageBackend port over the real fal adapter and real HTTP, against the strict loopback fal.

The requests come from the real catalogue, so that the loopback's own table of parameters checks config/models.toml.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from hostile_server import Conduct, Ends, HostileServer, answer, receipt
from loopback_fal_acts import completed

from bot.adapters.catalogue_file import load_catalogue
from bot.adapters.fal import Fal, ticket_from_id
from bot.adapters.fal_submit import Addresses
from bot.domain.errors import (
    AccountError,
    BotError,
    CancelledAtFalError,
    ContentRefusedError,
    EndpointGoneError,
    FalBusyError,
    FalDownError,
    GenerationError,
    GenerationTimeoutError,
    InvalidRequestError,
    NoImageMadeError,
    PictureRefusedError,
    ResultGoneError,
    SubmitUnansweredError,
)
from bot.domain.job import Ticket
from bot.domain.order import Choices, Order, Reference, Request
from bot.sandbox.fal_faults import Fault, Script, Step
from bot.sandbox.fal_paint import plain
from bot.sandbox.fal_queue import LoopbackJob
from bot.sandbox.fal_schema import ENDPOINTS
from bot.sandbox.fal_server import LoopbackFal
from bot.service.ports import Completed, InProgress, InQueue, Status

pytest_plugins = ["loopback_fal_fixtures"]

KEY = "fal-key-that-goes-to-fal-only"
KEEP_DAYS = 3
DAY = 86_400
CATALOGUE = load_catalogue(Path("config/models.toml"))
REFERENCE = Reference(url="https://cdn.discordapp.com/a.png", filename="a.png", content_type="image/png", size=1)
TEXT, EDIT = "fal-ai/nano-banana-2", "fal-ai/nano-banana-2/edit"


def order(model: str, choices: Choices, *, pictures: int = 0, prompt: str = "a quiet harbour") -> Request:
    """The catalogue's request for an order; `image_urls` come when they are uploaded."""
    placed = Order(
        scope="guild:1",
        guild_id=1,
        channel_id=2,
        member_id=3,
        prompt=prompt,
        model=model,
        choices=choices,
        references=(REFERENCE,) * pictures,
    )
    return CATALOGUE.request(placed, max_tolerance=6, seed=41)


def simple(prompt: str = "a quiet harbour", *, images: int = 1) -> Request:
    return order("nano-banana-2", Choices(resolution="0.5K", images=images), prompt=prompt)


@dataclass
class Pauses:
    """Time that passes at once: what was slept, and what happens meanwhile."""

    slept: list[float] = field(default_factory=list[float])
    meanwhile: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.meanwhile:
            self.meanwhile.pop(0)()
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """fal-client's own tries follow at once."""

    def at_once(*_: object) -> float:
        return 0.0

    monkeypatch.setattr("fal_client.client._get_retry_delay", at_once)


@asynccontextmanager
async def backend_at(
    queue: str, sleep: Pauses, *, rest: str | None = None, cdn: str | None = None, key: str = KEY
) -> AsyncGenerator[Fal]:
    async with aiohttp.ClientSession() as session:
        addresses = Addresses(queue=queue, rest=rest or queue, cdn=cdn or queue, api=queue)
        backend = Fal(key, addresses, session, keep_outputs_days=KEEP_DAYS, sleep=sleep)
        try:
            yield backend
        finally:
            await backend.aclose()


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
async def fal() -> AsyncIterator[LoopbackFal]:
    async with LoopbackFal(key=KEY, painter=plain(4000)) as server:
        yield server


@pytest.fixture
async def backend(fal: LoopbackFal, pauses: Pauses) -> AsyncIterator[Fal]:
    async with backend_at(fal.url, pauses) as made:
        yield made


@pytest.fixture
def picture_file(tmp_path: Path, picture: bytes) -> Path:
    path = tmp_path / "1.png"
    path.write_bytes(picture)
    return path


async def seen(backend: Fal, ticket: Ticket) -> list[Status]:
    return [status async for status in backend.watch(ticket)]


async def watched(backend: Fal, fal: LoopbackFal, request: Request) -> tuple[Ticket, LoopbackJob]:
    """A request that is completed."""
    ticket = await backend.submit(request)
    job = fal.jobs[ticket.request_id]
    await completed(job)
    return ticket, job


async def failure(backend: Fal, ticket: Ticket) -> GenerationError:
    """The error that the result is."""
    with pytest.raises(GenerationError) as raised:
        await backend.result(ticket)
    return raised.value


# --- the six endpoints ----------------------------------------------------------------------------


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
    fal: LoopbackFal,
    picture_file: Path,
    endpoint: str,
    model: str,
    choices: Choices,
    expected: dict[str, object],
) -> None:
    edit = endpoint.endswith("/edit")
    request = order(model, choices, pictures=2 if edit else 0)
    urls = [await backend.upload(picture_file, "image/png") for _ in range(2)] if edit else []
    ticket = await backend.submit(request.with_pictures(urls) if edit else request)
    statuses = await seen(backend, ticket)
    result = await backend.result(ticket)

    job = fal.jobs[ticket.request_id]
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
    backend: Fal, fal: LoopbackFal, picture_file: Path, endpoint: str
) -> None:
    edit = endpoint.endswith("/edit")
    model = CATALOGUE.model_of(endpoint)
    request = order(model.name, Choices(images=2), pictures=int(edit))
    if edit:
        request = request.with_pictures([await backend.upload(picture_file, "image/png")])
    ticket = await backend.submit(request)

    sent, schema = fal.jobs[ticket.request_id].arguments, ENDPOINTS[endpoint]
    assert sent.keys() == schema.parameters.keys() - {"seed", "thinking_level"}
    free = {"prompt", "image_urls", "num_images"}
    assert {name: value for name, value in sent.items() if name not in free} == {
        name: parameter.default
        for name, parameter in schema.parameters.items()
        if name not in free and parameter.default is not None
    }


async def test_a_single_image_is_sent_with_a_seed_of_ours_so_that_it_can_be_found_again(
    backend: Fal, fal: LoopbackFal
) -> None:
    ticket = await backend.submit(order("nano-banana-2", Choices()))
    assert fal.jobs[ticket.request_id].arguments["seed"] == 41


async def test_fal_is_asked_to_keep_the_outputs_for_the_days_of_the_settings(backend: Fal, fal: LoopbackFal) -> None:
    ticket = await backend.submit(simple())
    assert fal.jobs[ticket.request_id].output_seconds == KEEP_DAYS * DAY


async def test_fewer_images_than_asked_for_are_a_result(backend: Fal, fal: LoopbackFal) -> None:
    fal.fail_next(Script(fault=Fault.RUN_FEWER, images=2))
    ticket, _ = await watched(backend, fal, simple(images=4))
    result = await backend.result(ticket)
    assert (len(result.images), result.units) == (2, 1.5)


async def test_a_wrong_key_is_an_account_error_at_every_step(fal: LoopbackFal, pauses: Pauses, tmp_path: Path) -> None:
    file = tmp_path / "1.png"
    file.write_bytes(b"x")
    ticket = ticket_from_id(TEXT, "r-1", fal.url)
    async with backend_at(fal.url, pauses, key="wrong") as backend:
        steps = [
            backend.submit(simple()),
            backend.upload(file, "image/png"),
            seen(backend, ticket),
            backend.result(ticket),
            backend.cancel(ticket),
            backend.find(simple(), 0, 1),
        ]
        for step in steps:
            with pytest.raises(AccountError):
                await step
    assert fal.jobs == {}
    assert pauses.slept == []


# --- watching -------------------------------------------------------------------------------------


async def test_a_watch_tells_every_change_once_and_ends_with_completed(
    backend: Fal, fal: LoopbackFal, pauses: Pauses
) -> None:
    fal.queue.concurrency = 1
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS, times=3)
    tickets = [await backend.submit(simple(f"number {number}")) for number in range(3)]
    jobs = list(fal.jobs.values())

    def nothing() -> None: ...

    pauses.meanwhile = [
        nothing,
        lambda: fal.queue.cancel(jobs[0]),
        nothing,
        lambda: fal.queue.cancel(jobs[1]),
        nothing,
        lambda: fal.queue.cancel(jobs[2]),
    ]
    assert await seen(backend, tickets[2]) == [InQueue(1), InQueue(0), InProgress(), Completed()]
    assert pauses.slept == pytest.approx([0.5, 0.65, 0.845, 1.0985, 1.42805, 1.856465])


async def test_looks_are_never_further_apart_than_two_seconds(backend: Fal, fal: LoopbackFal, pauses: Pauses) -> None:
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    ticket = await backend.submit(simple())
    pauses.meanwhile = [lambda: None] * 12 + [lambda: fal.queue.cancel(fal.jobs[ticket.request_id])]
    assert await seen(backend, ticket) == [InProgress(), Completed()]
    assert max(pauses.slept) == 2.0


@pytest.mark.parametrize(
    ("script", "times"),
    [
        (Script(fault=Fault.STATUS_ERROR, status=500), 12),
        (Script(fault=Fault.STATUS_ERROR, status=429), 12),
        (Script(fault=Fault.STATUS_ERROR, status=400), 2),
        (Script(fault=Fault.STATUS_INGRESS_ERROR, status=502), 12),
        (Script(fault=Fault.STATUS_INGRESS_ERROR), 12),
        (Script(fault=Fault.STATUS_DROP), 24),
        (Script(fault=Fault.STATUS_ERROR, status=404), 2),
    ],
    ids=lambda one: f"{one.fault}-{one.status}" if isinstance(one, Script) else "",
)
async def test_troubles_of_the_status_that_pass_are_waited_out(
    backend: Fal, fal: LoopbackFal, pauses: Pauses, script: Script, times: int
) -> None:
    ticket, _ = await watched(backend, fal, simple())
    fal.fail_next(script, times=times)
    assert await seen(backend, ticket) == [Completed()]
    assert fal.faults.waiting == []
    assert all(0.5 <= pause <= 10.0 for pause in pauses.slept)


async def test_an_unknown_request_is_gone_after_three_looks_and_not_at_once(
    backend: Fal, fal: LoopbackFal, pauses: Pauses
) -> None:
    with pytest.raises(EndpointGoneError) as raised:
        await seen(backend, ticket_from_id(TEXT, "nobody", fal.url))
    assert raised.value.may_be_billed
    assert len(fal.seen(Step.STATUS)) == 3
    assert pauses.slept == [1.0, 2.0]


async def test_only_looks_in_a_row_make_a_request_unknown(backend: Fal, fal: LoopbackFal) -> None:
    ticket, _ = await watched(backend, fal, simple())
    for status in (404, 404, 503, 404, 404):
        fal.fail_next(Script(fault=Fault.STATUS_ERROR, status=status))
    assert await seen(backend, ticket) == [Completed()]


@pytest.mark.parametrize("said", [b"", b"[]", b'{"status": null}', b"\xff\xfe", b"<html>nginx</html>", b"[" * 100_000])
async def test_a_status_that_cannot_be_read_is_a_trouble_that_passes(pauses: Pauses, said: bytes) -> None:
    async with HostileServer(
        Conduct(says=answer(200, said)), Conduct(says=answer(200, {"status": "COMPLETED"}))
    ) as server:
        async with backend_at(server.url, pauses) as backend:
            assert await seen(backend, ticket_from_id(TEXT, "r-1", server.url)) == [Completed()]


# --- the result -----------------------------------------------------------------------------------


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
    backend: Fal, fal: LoopbackFal, pauses: Pauses, script: Script, times: int
) -> None:
    ticket, _ = await watched(backend, fal, simple())
    fal.fail_next(script, times=times)
    assert len((await backend.result(ticket)).images) == 1
    assert fal.faults.waiting == []
    assert all(0.5 <= pause <= 10.0 for pause in pauses.slept)


async def test_a_result_asked_for_too_early_is_waited_for(backend: Fal, fal: LoopbackFal, pauses: Pauses) -> None:
    fal.fail_next(Fault.RUN_STUCK_IN_QUEUE)
    ticket = await backend.submit(simple())
    job = fal.jobs[ticket.request_id]
    pauses.meanwhile = [lambda: None] * 9 + [lambda: fal.queue.cancel(job)]
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
    backend: Fal, fal: LoopbackFal, script: Script, expected: type[GenerationError]
) -> None:
    fal.fail_next(script)
    ticket = await backend.submit(simple())
    assert (await seen(backend, ticket))[-1] == Completed()
    error = await failure(backend, ticket)
    assert (type(error), error.may_be_billed) == (expected, False)
    assert len(fal.seen(Step.RESULT)) == 5


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
    backend: Fal, fal: LoopbackFal, script: Fault, expected: type[GenerationError], *, billed: bool
) -> None:
    fal.fail_next(Script(fault=script, billed=billed))
    ticket, _ = await watched(backend, fal, simple())
    error = await failure(backend, ticket)
    assert (type(error), error.may_be_billed) == (expected, billed)
    assert len(fal.seen(Step.RESULT)) == 1


async def test_a_picture_that_fal_cannot_use_is_named_by_its_place(
    backend: Fal, fal: LoopbackFal, picture_file: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "2.png"
    bad.write_bytes(b"not a picture")
    urls = [await backend.upload(file, "image/png") for file in (picture_file, bad)]
    ticket, _ = await watched(backend, fal, order("nano-banana-2", Choices(), pictures=2).with_pictures(urls))
    error = await failure(backend, ticket)
    assert isinstance(error, PictureRefusedError)
    assert error.position == 2


async def test_a_body_that_the_endpoint_refuses_is_an_invalid_request_that_names_fals_types(
    backend: Fal, fal: LoopbackFal
) -> None:
    wrong = Request(endpoint=TEXT, arguments={"prompt": "a cat", "num_images": 9, "colour": "red"}, images=9)
    with pytest.raises(InvalidRequestError) as raised:
        await backend.submit(wrong)
    assert raised.value.kinds == ("body.num_images:less_than_equal", "body.colour:extra_forbidden")
    assert not raised.value.may_be_billed
    assert fal.jobs == {}


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
        error = await failure(backend, ticket_from_id(TEXT, "r-1", server.url))
    assert (type(error), error.may_be_billed) == (ResultGoneError, True)


async def test_images_over_tls_from_anywhere_and_from_the_configured_place_are_taken(pauses: Pauses) -> None:
    async with HostileServer(Conduct()) as server:
        urls = ["https://v3b.fal.media/a.png", "https://storage.example/b.webp", f"{server.url}/c.jpeg"]
        server.conducts = [Conduct(says=answer(200, {"images": [{"url": url} for url in urls], "description": ""}))]
        async with backend_at(server.url, pauses) as backend:
            result = await backend.result(ticket_from_id(TEXT, "r-1", server.url))
    assert [(link.url, link.content_type) for link in result.images] == [(url, None) for url in urls]
    assert result.units is None


@pytest.mark.parametrize("said", [b"", b"[]", b"{}", b'{"images": null}', b'{"images": [{}]}', b"<html>nginx</html>"])
async def test_a_200_without_images_that_can_be_read_may_have_been_billed(pauses: Pauses, said: bytes) -> None:
    async with (
        HostileServer(Conduct(says=answer(200, said))) as server,
        backend_at(server.url, pauses) as backend,
    ):
        error = await failure(backend, ticket_from_id(TEXT, "r-1", server.url))
    assert (type(error), error.may_be_billed) == (FalDownError, True)
    assert len(server.heard) == 5


# --- the key and the addresses --------------------------------------------------------------------


async def test_addresses_outside_the_queues_place_are_rebuilt_and_the_key_goes_nowhere_else(pauses: Pauses) -> None:
    async with HostileServer(Conduct(says=answer(200, {}))) as elsewhere, HostileServer(Conduct()) as server:
        server.conducts = [
            Conduct(says=answer(200, receipt(elsewhere.url))),
            Conduct(says=answer(200, {"status": "COMPLETED"})),
            Conduct(says=answer(200, {"images": [{"url": "https://v3.fal.media/a.png"}]})),
            Conduct(says=answer(202, {"status": "CANCELLATION_REQUESTED"})),
        ]
        async with backend_at(server.url, pauses) as backend:
            ticket = await backend.submit(simple())
            await seen(backend, ticket)
            await backend.result(ticket)
            await backend.cancel(ticket)
    address = "/fal-ai/nano-banana-2/requests/r-1"
    assert [one.head.split(b" HTTP")[0].decode() for one in server.heard] == [
        "POST /fal-ai/nano-banana-2",
        f"GET {address}/status?logs=0",
        f"GET {address}",
        f"PUT {address}/cancel",
    ]
    assert all(f"authorization: key {KEY}".encode() in one.head.lower() for one in server.heard)
    assert elsewhere.connections == 0


@pytest.mark.parametrize(
    "lure",
    [
        "http://127.0.0.1:9/fal-ai/nano-banana-2/requests/r-1/status",
        "https://queue.fal.run.evil.example/r-1",
        "{queue}.evil.example/r-1",
        "{queue}@evil.example/r-1",
        "http://user:pass@{netloc}/r-1",
        "file:///etc/passwd",
        "//evil.example/r-1",
    ],
)
async def test_no_address_can_lure_the_key_away(pauses: Pauses, lure: str) -> None:
    async with HostileServer(Conduct()) as server:
        given = lure.format(queue=server.url, netloc=server.url.removeprefix("http://"))
        urls = dict.fromkeys(("status_url", "response_url", "cancel_url"), given)
        server.conducts = [Conduct(says=answer(200, {"request_id": "r-1", **urls}))]
        async with backend_at(server.url, pauses) as backend:
            ticket = await backend.submit(simple())
    assert ticket == ticket_from_id(TEXT, "r-1", server.url)


async def test_fals_own_addresses_are_used_where_they_lie_below_the_queue(pauses: Pauses) -> None:
    async with HostileServer(Conduct()) as server:
        urls = {name: f"{server.url}/v2/{name}/r-1" for name in ("status_url", "response_url", "cancel_url")}
        server.conducts = [Conduct(says=answer(200, {"request_id": "r-1", **urls}))]
        async with backend_at(server.url, pauses) as backend:
            ticket = await backend.submit(simple())
    assert ticket == Ticket(request_id="r-1", **urls)


@pytest.mark.parametrize("endpoint", [TEXT, EDIT])
async def test_a_ticket_rebuilt_from_its_id_reaches_the_request(backend: Fal, fal: LoopbackFal, endpoint: str) -> None:
    ticket, _ = await watched(backend, fal, simple())
    rebuilt = ticket_from_id(endpoint, ticket.request_id, fal.url)
    assert rebuilt == ticket
    assert len((await backend.result(rebuilt)).images) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_does_not_take_the_key_along(pauses: Pauses, status: int, picture_file: Path) -> None:
    async with HostileServer(Conduct(says=answer(200, {}))) as elsewhere:
        async with (
            HostileServer(Conduct(says=answer(status, Location=elsewhere.url))) as server,
            backend_at(server.url, pauses) as backend,
        ):
            ticket = ticket_from_id(TEXT, "r-1", server.url)
            for step in (
                backend.submit(simple()),
                backend.result(ticket),
                backend.cancel(ticket),
                backend.upload(picture_file, "image/png"),
                backend.find(simple(), 0, 1),
            ):
                with pytest.raises(GenerationError):
                    await step
    assert elsewhere.connections == 0


# --- cancelling -----------------------------------------------------------------------------------


async def test_a_confirmed_cancel_is_the_result(backend: Fal, fal: LoopbackFal) -> None:
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    ticket = await backend.submit(simple())
    await backend.cancel(ticket)
    assert (await seen(backend, ticket))[-1] == Completed()
    error = await failure(backend, ticket)
    assert (type(error), error.may_be_billed) == (CancelledAtFalError, False)
    assert fal.billed == {}


async def test_after_a_cancel_that_fal_ignores_the_images_come(backend: Fal, fal: LoopbackFal) -> None:
    fal.queue.concurrency = 0
    fal.fail_next(Fault.CANCEL_IGNORED)
    ticket = await backend.submit(simple())
    await backend.cancel(ticket)
    fal.queue.concurrency = 1
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    other = await backend.submit(simple("another"))
    await completed(fal.jobs[ticket.request_id])
    await backend.cancel(other)
    assert len((await backend.result(ticket)).images) == 1


async def test_a_cancel_that_comes_too_late_is_no_error_and_the_images_stay(backend: Fal, fal: LoopbackFal) -> None:
    ticket, _ = await watched(backend, fal, simple())
    await backend.cancel(ticket)
    assert len((await backend.result(ticket)).images) == 1


async def test_a_cancel_of_a_request_that_fal_does_not_know_is_no_error(backend: Fal, fal: LoopbackFal) -> None:
    await backend.cancel(ticket_from_id(TEXT, "nobody", fal.url))
    assert len(fal.seen(Step.CANCEL)) == 1


async def test_a_cancel_whose_connection_drops_is_sent_again(backend: Fal, fal: LoopbackFal) -> None:
    fal.fail_next(Fault.RUN_STUCK_IN_QUEUE)
    fal.fail_next(Fault.CANCEL_DROP, times=2)
    ticket = await backend.submit(simple())
    await backend.cancel(ticket)
    assert fal.jobs[ticket.request_id].cancelled


async def test_a_cancel_that_fal_did_not_hear_says_so(backend: Fal, fal: LoopbackFal) -> None:
    fal.fail_next(Fault.RUN_STUCK_IN_QUEUE)
    ticket = await backend.submit(simple())
    fal.fail_next(Fault.CANCEL_ERROR)
    with pytest.raises(FalDownError):
        await backend.cancel(ticket)
    fal.fail_next(Fault.CANCEL_DROP, times=10)
    with pytest.raises(FalDownError):
        await backend.cancel(ticket)
    assert not fal.jobs[ticket.request_id].cancelled


# --- uploads --------------------------------------------------------------------------------------


async def test_an_upload_lives_for_a_day_under_its_own_name_and_type(
    backend: Fal, fal: LoopbackFal, picture_file: Path, picture: bytes
) -> None:
    url = await backend.upload(picture_file, "image/png")
    file = fal.files.get(url.removeprefix(fal.url))
    assert file is not None
    assert (url.rpartition("/")[2], file.content_type, file.data) == ("1.png", "image/png", picture)
    async with asyncio.timeout(1):
        assert file.expires_at is not None
    assert file.expires_at == pytest.approx(__import__("time").time() + DAY, abs=5)


async def test_uploads_share_one_token(backend: Fal, fal: LoopbackFal, picture_file: Path) -> None:
    urls = {await backend.upload(picture_file, "image/png") for _ in range(3)}
    assert len(urls) == 3
    assert len(fal.seen(Step.TOKEN)) == 1


async def test_an_upload_whose_connection_drops_is_sent_again(
    backend: Fal, fal: LoopbackFal, picture_file: Path
) -> None:
    fal.fail_next(Fault.UPLOAD_DROP, times=2)
    assert (await backend.upload(picture_file, "image/png")).startswith(fal.url)


@pytest.mark.parametrize(
    ("script", "expected", "paths"),
    [
        (Script(fault=Fault.UPLOAD_ERROR), FalDownError, ["/storage/auth/token", "/files/upload"]),
        (Script(fault=Fault.UPLOAD_ERROR, status=403), AccountError, ["/storage/auth/token", "/files/upload"]),
        (Script(fault=Fault.UPLOAD_DROP), FalDownError, ["/storage/auth/token", *["/files/upload"] * 10]),
        (Script(fault=Fault.TOKEN_ERROR), FalDownError, ["/storage/auth/token"]),
        (Script(fault=Fault.TOKEN_ERROR, status=403), AccountError, ["/storage/auth/token"]),
    ],
    ids=lambda one: f"{one.fault}-{one.status}" if isinstance(one, Script) else "",
)
async def test_an_upload_that_fails_never_goes_to_the_second_store(
    backend: Fal, fal: LoopbackFal, picture_file: Path, script: Script, expected: type[BotError], paths: Sequence[str]
) -> None:
    fal.fail_next(script, times=20)
    with pytest.raises(expected):
        await backend.upload(picture_file, "image/png")
    assert [one.path for one in fal.requests] == paths


async def test_the_file_network_gets_a_token_and_never_the_key(pauses: Pauses, fal: LoopbackFal, picture_file: Path) -> None:
    async with (
        HostileServer(Conduct(says=answer(200, {"access_url": "https://v3.fal.media/files/1.png"}))) as cdn,
        backend_at(fal.url, pauses, cdn=cdn.url) as backend,
    ):
        url = await backend.upload(picture_file, "image/png")
    [heard] = cdn.heard
    assert url == "https://v3.fal.media/files/1.png"
    assert heard.body == picture_file.read_bytes()
    assert KEY.encode() not in heard.head
    assert b"authorization: bearer " in heard.head.lower()
    assert b'x-fal-object-lifecycle: {"expiration_duration_seconds": 86400}' in heard.head.lower()


# --- finding what was lost ------------------------------------------------------------------------


@asynccontextmanager
async def lost(backend: Fal, fal: LoopbackFal, request: Request) -> AsyncGenerator[LoopbackJob]:
    """A request that arrived and whose answer was lost."""
    fal.fail_next(Fault.SUBMIT_DROP_AFTER)
    with pytest.raises(SubmitUnansweredError):
        await backend.submit(request)
    yield list(fal.jobs.values())[-1]
