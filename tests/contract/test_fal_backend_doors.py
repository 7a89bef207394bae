"""Where the key and the pictures go: to fal's own addresses, and nowhere else."""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from fal_backend_acts import DAY, EDIT, KEY, TEXT, Pauses, backend_at, made, seen, simple
from hostile_server import Conduct, HostileServer, answer, receipt

from bot.adapters.fal import Fal, ticket_from_id
from bot.domain.errors import AccountError, BotError, FalDownError, GenerationError
from bot.domain.job import Ticket
from bot.sandbox.fal_faults import Fault, Script, Step
from bot.sandbox.fal_server import LoopbackFal
from bot.service.ports import Completed

pytest_plugins = ["loopback_fal_fixtures", "fal_backend_fixtures"]


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
async def test_a_ticket_rebuilt_from_its_id_reaches_the_request(
    backend: Fal, keyed_fal: LoopbackFal, endpoint: str
) -> None:
    ticket, _ = await made(backend, keyed_fal, simple())
    rebuilt = ticket_from_id(endpoint, ticket.request_id, keyed_fal.url)
    assert rebuilt == ticket
    assert len((await backend.result(rebuilt)).images) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_does_not_take_the_key_along(pauses: Pauses, status: int, picture_file: Path) -> None:
    async with (
        HostileServer(Conduct(says=answer(200, {}))) as elsewhere,
        HostileServer(Conduct(says=answer(status, Location=elsewhere.url))) as server,
        backend_at(server.url, pauses) as backend,
    ):
        ticket = ticket_from_id(TEXT, "r-1", server.url)
        pauses.meanwhile = [lambda: server.conducts.insert(0, Conduct(says=answer(200, {"status": "COMPLETED"})))]
        assert await seen(backend, ticket) == [Completed()]
        for step in (
            lambda: backend.submit(simple()),
            lambda: backend.result(ticket),
            lambda: backend.cancel(ticket),
            lambda: backend.upload(picture_file, "image/png"),
            lambda: backend.find(simple(), 0, 1),
        ):
            with pytest.raises(GenerationError):
                await step()
    assert elsewhere.connections == 0


async def test_a_wrong_key_is_an_account_error_at_every_step(
    keyed_fal: LoopbackFal, pauses: Pauses, picture_file: Path
) -> None:
    ticket = ticket_from_id(TEXT, "r-1", keyed_fal.url)
    async with backend_at(keyed_fal.url, pauses, key="wrong") as backend:
        for step in (
            lambda: backend.submit(simple()),
            lambda: backend.upload(picture_file, "image/png"),
            lambda: seen(backend, ticket),
            lambda: backend.result(ticket),
            lambda: backend.cancel(ticket),
            lambda: backend.find(simple(), 0, 1),
        ):
            with pytest.raises(AccountError):
                await step()
    assert keyed_fal.jobs == {}
    assert pauses.slept == []


# --- uploads --------------------------------------------------------------------------------------


async def test_an_upload_lives_for_a_day_under_its_own_name_and_type(
    backend: Fal, keyed_fal: LoopbackFal, picture_file: Path, picture: bytes
) -> None:
    url = await backend.upload(picture_file, "image/png")
    file = keyed_fal.files.get(url.removeprefix(keyed_fal.url))
    assert file is not None
    assert (url.rpartition("/")[2], file.content_type, file.data) == ("1.png", "image/png", picture)
    assert file.expires_at == pytest.approx(time.time() + DAY, abs=5)


async def test_uploads_share_one_token(backend: Fal, keyed_fal: LoopbackFal, picture_file: Path) -> None:
    urls = {await backend.upload(picture_file, "image/png") for _ in range(3)}
    assert len(urls) == 3
    assert len(keyed_fal.seen(Step.TOKEN)) == 1


async def test_an_upload_whose_connection_drops_is_sent_again(
    backend: Fal, keyed_fal: LoopbackFal, picture_file: Path
) -> None:
    keyed_fal.fail_next(Fault.UPLOAD_DROP, times=2)
    assert (await backend.upload(picture_file, "image/png")).startswith(keyed_fal.url)


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
    backend: Fal,
    keyed_fal: LoopbackFal,
    picture_file: Path,
    script: Script,
    expected: type[BotError],
    paths: Sequence[str],
) -> None:
    keyed_fal.fail_next(script, times=20)
    with pytest.raises(expected):
        await backend.upload(picture_file, "image/png")
    assert [one.path for one in keyed_fal.requests] == paths


async def test_the_file_network_gets_a_token_and_never_the_key(
    pauses: Pauses, keyed_fal: LoopbackFal, picture_file: Path, picture: bytes
) -> None:
    async with (
        HostileServer(Conduct(says=answer(200, {"access_url": "https://v3.fal.media/files/1.png"}))) as cdn,
        backend_at(keyed_fal.url, pauses, cdn=cdn.url) as backend,
    ):
        url = await backend.upload(picture_file, "image/png")
    [heard] = cdn.heard
    assert url == "https://v3.fal.media/files/1.png"
    assert heard.body == picture
    assert KEY.encode() not in heard.head
    assert b"authorization: bearer " in heard.head.lower()
    assert b'x-fal-object-lifecycle: {"expiration_duration_seconds": 86400}' in heard.head.lower()
