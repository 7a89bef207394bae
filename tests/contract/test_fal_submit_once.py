"""A submit reaches fal at most once, whatever the network does, and it is told apart whether it may have arrived.

What counts is what the server saw: every POST that came whole is a job at fal, and paid.
"""

import asyncio
import gzip
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager

import fal_client.client as vendor
import pytest
from fal_backend_acts import Pauses, backend_at
from hostile_server import Conduct, Ends, HostileServer, Reads, answer, full, nobody, receipt, unaccepted

from bot.adapters.fal import Fal
from bot.domain.errors import (
    AccountError,
    ContentRefusedError,
    EndpointGoneError,
    FalBusyError,
    FalDownError,
    GenerationError,
    InvalidRequestError,
    SubmitUnansweredError,
)
from bot.domain.order import Request

REQUEST = Request(
    endpoint="fal-ai/nano-banana-2", arguments={"prompt": "a quiet harbour " * 250, "num_images": 1}, images=1
)
PATIENT, SHORT = 5.0, 0.2
"""Seconds without a byte from fal; the short one where a test waits it out."""
ANSWER = answer(200, receipt("http://127.0.0.1:9"))
HEAD_END = ANSWER.index(b"\r\n\r\n") + 4
NGINX = b"<html><body><center><h1>Error</h1></center><hr><center>nginx</center></body></html>"
FAL_ERROR = {"detail": "Something went wrong", "error_type": "internal_error"}


pytest_plugins = ["loopback_fal_fixtures", "fal_backend_fixtures"]
pytestmark = pytest.mark.usefixtures("pauses")


def fal_at(queue: str, *, patience: float = PATIENT) -> AbstractAsyncContextManager[Fal]:
    return backend_at(queue, Pauses(), patience=patience)


async def refusal(fal: Fal) -> GenerationError:
    """The error that a submit ends with."""
    with pytest.raises(GenerationError) as raised:
        async with asyncio.timeout(10):
            await fal.submit(REQUEST)
    return raised.value


def facts(error: GenerationError) -> tuple[type[GenerationError], bool, bool]:
    return type(error), error.may_be_billed, error.unsent


UNANSWERED = (SubmitUnansweredError, True, False)
"""It may have arrived: never sent again, looked for in fal's list, counted in the operator's book."""
NOT_SENT = (FalDownError, False, True)
"""Not a byte has left: the service may send it later."""


# --- the connection ends or falls silent ----------------------------------------------------------


SILENCES = {
    "before a byte is read": Conduct(reads=Reads.NOTHING),
    "after the head": Conduct(reads=Reads.HEAD),
    "in the middle of the body": Conduct(reads=Reads.HALF),
    "after the job is made": Conduct(),
    "in the status line": Conduct(says=b"HTTP/1.1 2"),
    "after the status line": Conduct(says=b"HTTP/1.1 200 OK\r\n"),
    "in the headers": Conduct(says=b"HTTP/1.1 200 OK\r\nContent-Len"),
    "after the headers": Conduct(says=ANSWER[:HEAD_END]),
    "in the body": Conduct(says=ANSWER[:-40]),
    "in a chunked body": Conduct(says=b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"request_id'),
    "after 100 Continue": Conduct(says=b"HTTP/1.1 100 Continue\r\n\r\n"),
    "in a 503": Conduct(says=answer(503, NGINX * 2)[:-100]),
    "in a 429": Conduct(says=answer(429, {"detail": "concurrent " * 20})[:-100]),
}


@pytest.mark.parametrize("ends", [Ends.FIN, Ends.RST, Ends.HANG])
@pytest.mark.parametrize("conduct", SILENCES.values(), ids=SILENCES)
async def test_a_submit_whose_connection_ends_anywhere_is_sent_once_and_unanswered(
    conduct: Conduct, ends: Ends
) -> None:
    patience = SHORT if ends is Ends.HANG else PATIENT
    async with (
        HostileServer(Conduct(reads=conduct.reads, says=conduct.says, ends=ends)) as server,
        fal_at(server.url, patience=patience) as fal,
    ):
        error = await refusal(fal)
        assert server.connections == 1
    assert server.paid_posts == (1 if conduct.reads is Reads.ALL else 0)
    assert facts(error) == UNANSWERED


@pytest.mark.parametrize("point", ["in the status line", "in the headers", "after the headers", "in a 503"])
async def test_a_submit_whose_answer_trickles_for_ever_is_given_up(point: str) -> None:
    conduct = Conduct(says=SILENCES[point].says, ends=Ends.TRICKLE)
    async with HostileServer(conduct) as server, fal_at(server.url, patience=SHORT) as fal:
        error = await refusal(fal)
        assert server.connections == 1
    assert server.paid_posts == 1
    assert facts(error) == UNANSWERED


async def test_a_submit_to_a_server_that_never_takes_the_connection_up_is_unanswered() -> None:
    with unaccepted() as url:
        async with fal_at(url, patience=SHORT) as fal:
            assert facts(await refusal(fal)) == UNANSWERED


@pytest.mark.parametrize("place", [nobody, full], ids=["nobody listens", "the server is full"])
async def test_a_submit_that_cannot_even_connect_was_not_sent(
    place: Callable[[], AbstractContextManager[str]],
) -> None:
    with place() as url:
        async with fal_at(url, patience=0.3) as fal:
            assert facts(await refusal(fal)) == NOT_SENT


@pytest.mark.parametrize(
    ("conduct", "expected"),
    [(Conduct(says=answer(200, receipt("http://127.0.0.1:9"))), None), (Conduct(ends=Ends.RST), UNANSWERED)],
    ids=["answered", "lost"],
)
async def test_a_submit_that_cannot_connect_goes_once_to_fals_second_domain(
    monkeypatch: pytest.MonkeyPatch, conduct: Conduct, expected: object
) -> None:
    monkeypatch.setattr(vendor, "_BACKUP_DOMAINS", {"127.0.0.2": "127.0.0.1"})
    async with HostileServer(conduct) as server, fal_at(server.url.replace("127.0.0.1", "127.0.0.2")) as fal:
        if expected is None:
            await fal.submit(REQUEST)
        else:
            assert facts(await refusal(fal)) == expected
    assert server.paid_posts == 1


async def test_a_submit_that_can_connect_to_neither_domain_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor, "_BACKUP_DOMAINS", {"127.0.0.2": "127.0.0.1"})
    with nobody() as place:
        async with fal_at(place.replace("127.0.0.1", "127.0.0.2")) as fal:
            assert facts(await refusal(fal)) == NOT_SENT


@pytest.mark.parametrize("ends", [Ends.FIN, Ends.RST, Ends.HANG])
async def test_a_submit_whose_tls_handshake_fails_was_not_sent(ends: Ends) -> None:
    async with (
        HostileServer(Conduct(reads=Reads.NOTHING, ends=ends)) as server,
        fal_at(server.url.replace("http:", "https:"), patience=0.3) as fal,
    ):
        assert facts(await refusal(fal)) == NOT_SENT
        assert server.connections == 1
    assert server.paid_posts == 0


@pytest.mark.parametrize("status", [403, 407, 502])
async def test_a_submit_that_a_proxy_does_not_let_through_was_not_sent(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    async with HostileServer(Conduct(says=answer(status))) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        async with fal_at("https://queue.fal.test") as fal:
            assert facts(await refusal(fal)) == NOT_SENT
    assert [one.head.split(b"\r\n")[0] for one in proxy.heard] == [b"CONNECT queue.fal.test:443 HTTP/1.1"]


async def test_a_submit_on_a_kept_connection_that_was_closed_meanwhile_arrives_once() -> None:
    async with HostileServer(Conduct()) as server:
        server.conducts = [
            Conduct(says=answer(200, receipt(server.url, request_id="first")), ends=Ends.FIN),
            Conduct(says=answer(200, receipt(server.url, request_id="second"))),
        ]
        async with fal_at(server.url) as fal:
            tickets = [await fal.submit(REQUEST), await fal.submit(REQUEST)]
    assert [ticket.request_id for ticket in tickets] == ["first", "second"]
    assert server.paid_posts == 2


# --- the answer is no receipt ---------------------------------------------------------------------


GARBAGE = {
    "another protocol": b"SSH-2.0-OpenSSH_9.7\r\n",
    "noise": bytes(range(256)) * 8,
    "an endless header": b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 300_000,
    "an empty 200": answer(200),
    "204": answer(204),
    "202 with text": answer(202, b"Accepted"),
    "truncated JSON": answer(200, b'{"request_id": "r-1", "status_url": "ht'),
    "a web page": answer(200, NGINX, Content_Type="text/html"),
    "null": answer(200, None),
    "a list": answer(200, [receipt("http://127.0.0.1:9")]),
    "bottomless JSON": answer(200, b"[" * 100_000),
    "no UTF-8": answer(200, b'{"request_id": "\xff\xfe"}'),
    "an empty request_id": answer(200, {**receipt("http://127.0.0.1:9"), "request_id": ""}),
    "a receipt without its request_id": answer(
        200, {name: value for name, value in receipt("http://127.0.0.1:9").items() if name != "request_id"}
    ),
    "a request_id of null": answer(200, {**receipt("http://127.0.0.1:9"), "request_id": None}),
    "a request_id that is a number": answer(200, {**receipt("http://127.0.0.1:9"), "request_id": 7}),
    "a request_id that climbs": answer(200, {**receipt("http://127.0.0.1:9"), "request_id": "../../tokens"}),
    "no addresses": answer(200, {"request_id": "r-1"}),
    "gzip that is none": answer(200, b"not gzip", Content_Encoding="gzip"),
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
}


@pytest.mark.parametrize("said", GARBAGE.values(), ids=GARBAGE)
async def test_a_submit_that_is_answered_with_garbage_is_sent_once_and_unanswered(said: bytes) -> None:
    async with HostileServer(Conduct(says=said, ends=Ends.FIN)) as server, fal_at(server.url) as fal:
        error = await refusal(fal)
        assert server.connections == 1
    assert server.paid_posts == 1
    assert facts(error) == UNANSWERED


@pytest.mark.parametrize("addresses", [None, 7, "", "nonsense", "http://[broken", ["http://127.0.0.1:9"]])
async def test_a_receipt_with_a_good_id_and_unusable_addresses_is_a_receipt(addresses: object) -> None:
    bad = {"request_id": "r-1", "status_url": addresses, "response_url": addresses, "cancel_url": addresses}
    async with HostileServer(Conduct(says=answer(200, bad))) as server, fal_at(server.url) as fal:
        ticket = await fal.submit(REQUEST)
        assert ticket.status_url == f"{server.url}/fal-ai/nano-banana-2/requests/r-1/status"


async def test_a_compressed_receipt_is_a_receipt() -> None:
    packed = gzip.compress(json.dumps(receipt("http://127.0.0.1:9")).encode())
    async with (
        HostileServer(Conduct(says=answer(200, packed, Content_Encoding="gzip"))) as server,
        fal_at(server.url) as fal,
    ):
        assert (await fal.submit(REQUEST)).request_id == "r-1"
    assert b"gzip" in server.heard[0].head.lower()


# --- fal, or what stands before it, refuses -------------------------------------------------------


BUSY = (FalBusyError, False, False)
TURNED_AWAY = (FalBusyError, False, True)
"""fal says that it did not take it: the service may send it later."""


@pytest.mark.parametrize("with_id", [True, False], ids=["by fal", "before fal"])
@pytest.mark.parametrize("body", [NGINX, FAL_ERROR, b""], ids=["nginx", "json", "empty"])
@pytest.mark.parametrize(
    ("status", "by_fal", "before_fal"),
    [
        (408, BUSY, BUSY),
        (409, BUSY, BUSY),
        (429, TURNED_AWAY, TURNED_AWAY),
        (500, UNANSWERED, UNANSWERED),
        (502, UNANSWERED, UNANSWERED),
        (503, UNANSWERED, BUSY),
        (504, UNANSWERED, UNANSWERED),
    ],
)
async def test_an_error_that_fal_client_would_try_again_is_sent_once(
    status: int, by_fal: object, before_fal: object, body: object, *, with_id: bool
) -> None:
    headers = {"x_fal_request_id": "r-1"} if with_id else {}
    async with HostileServer(Conduct(says=answer(status, body, **headers))) as server, fal_at(server.url) as fal:
        error = await refusal(fal)
    assert server.paid_posts == 1
    assert facts(error) == (by_fal if with_id else before_fal)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, (InvalidRequestError, False, False)),
        (401, (AccountError, False, True)),
        (403, (AccountError, False, True)),
        (404, (EndpointGoneError, False, False)),
        (422, (InvalidRequestError, False, False)),
    ],
)
async def test_a_refusal_that_names_a_mistake_is_sent_once(status: int, expected: object) -> None:
    async with (
        HostileServer(Conduct(says=answer(status, {"detail": "no"}, x_fal_request_id="r-1"))) as server,
        fal_at(server.url) as fal,
    ):
        error = await refusal(fal)
    assert server.paid_posts == 1
    assert facts(error) == expected


async def test_a_prompt_refused_at_the_door_costs_nothing() -> None:
    detail = [{"loc": ["body", "prompt"], "msg": "no", "type": "content_policy_violation", "input": {"prompt": "x"}}]
    async with (
        HostileServer(Conduct(says=answer(422, {"detail": detail}, x_fal_request_id="r-1"))) as server,
        fal_at(server.url) as fal,
    ):
        error = await refusal(fal)
    assert facts(error) == (ContentRefusedError, False, False)


@pytest.mark.parametrize("place", ["{}/fal-ai/nano-banana-2", "http://fal.run:port/"], ids=["here", "nowhere"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_refusal_and_is_not_followed(status: int, place: str) -> None:
    async with HostileServer(Conduct()) as server:
        server.conducts = [Conduct(says=answer(status, Location=place.format(server.url)))]
        async with fal_at(server.url) as fal:
            error = await refusal(fal)
    assert len(server.heard) == 1
    assert isinstance(error, InvalidRequestError)
    assert error.kinds == (f"http_{status}",)
