"""The ImageBackend port over the real fal adapter and real HTTP: status streams, and what happens without one."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import pytest
from aiohttp import web
from fal_backend_acts import KEY, TEXT, Pauses, backend_at, made, nothing, seen, simple
from hostile_server import Conduct, Ends, HostileServer, answer
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.fal import Fal, ticket_from_id
from bot.adapters.fal_stream import LONGEST_EVENT, Events, NoStreamError, StreamLimits
from bot.domain.errors import AccountError, EndpointGoneError
from bot.domain.job import Ticket
from bot.sandbox.fal_faults import Fault, Script, Step
from bot.sandbox.fal_queue import LoopbackJob
from bot.sandbox.fal_server import LoopbackFal
from bot.service.ports import Completed, InProgress, InQueue, Status

pytest_plugins = ["loopback_fal_fixtures", "fal_backend_fixtures"]

STREAMED = StreamLimits(most=2, first_word=2, silence=4, refused_for=300)
HASTY = StreamLimits(most=2, first_word=0.05, silence=0.2, refused_for=300)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
COMPLETED = b'data: {"status": "COMPLETED"}\n\n'


@dataclass
class Hand:
    """A clock that is turned."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def streaming(keyed_fal: LoopbackFal, pauses: Pauses) -> AsyncGenerator[Fal]:
    async with backend_at(keyed_fal.url, pauses, streams=STREAMED) as backend:
        yield backend


async def stuck(backend: Fal, fal: LoopbackFal) -> tuple[Ticket, LoopbackJob]:
    """A request that fal works on until it is cancelled there."""
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    ticket = await backend.submit(simple())
    return ticket, fal.jobs[ticket.request_id]


def steps(fal: LoopbackFal) -> list[Step]:
    """Every call that reached fal, in order."""
    return [one.step for one in fal.requests]


@asynccontextmanager
async def watching(backend: Fal, ticket: Ticket) -> AsyncGenerator[asyncio.Queue[Status]]:
    """Someone who watches; what is told goes into the queue."""
    told = asyncio.Queue[Status]()

    async def watch() -> None:
        async for status in backend.watch(ticket):
            told.put_nowait(status)

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(watch())
        try:
            async with asyncio.timeout(5):
                yield told
        finally:
            task.cancel()


# --- the stream -----------------------------------------------------------------------------------


async def test_a_stream_tells_every_change_and_nobody_looks(
    streaming: Fal, keyed_fal: LoopbackFal, pauses: Pauses
) -> None:
    keyed_fal.queue.concurrency = 1
    ahead, first = await stuck(streaming, keyed_fal)
    ticket, second = await stuck(streaming, keyed_fal)
    assert ahead != ticket
    async with watching(streaming, ticket) as told:
        assert await told.get() == InQueue(0)
        keyed_fal.queue.cancel(first)
        assert await told.get() == InProgress()
        keyed_fal.queue.cancel(second)
        assert await told.get() == Completed()
    assert steps(keyed_fal) == [Step.SUBMIT, Step.SUBMIT, Step.STREAM]
    assert pauses.slept == []


async def test_an_order_takes_three_calls_to_fals_queue(streaming: Fal, keyed_fal: LoopbackFal) -> None:
    keyed_fal.generation.seconds = 0.05
    ticket = await streaming.submit(simple())
    assert (await seen(streaming, ticket))[-1] == Completed()
    await streaming.result(ticket)
    assert steps(keyed_fal) == [Step.SUBMIT, Step.STREAM, Step.RESULT]


async def test_a_request_beyond_the_most_streams_is_polled_until_one_is_free(
    keyed_fal: LoopbackFal, pauses: Pauses
) -> None:
    keyed_fal.queue.concurrency = 2
    async with backend_at(keyed_fal.url, pauses, streams=StreamLimits(most=1)) as backend:
        first, at_work = await stuck(backend, keyed_fal)
        second, waiting = await stuck(backend, keyed_fal)
        async with watching(backend, first) as told:
            assert await told.get() == InProgress()
            async with aclosing(backend.watch(second)) as polled:
                assert await anext(polled) == InProgress()
                assert steps(keyed_fal)[2:] == [Step.STREAM, Step.STATUS]
                keyed_fal.queue.cancel(at_work)
                assert await told.get() == Completed()
                pauses.meanwhile = [lambda: keyed_fal.queue.cancel(waiting)]
                assert await anext(polled) == Completed()
    assert steps(keyed_fal)[4:] == [Step.STREAM]


async def test_whoever_stops_watching_leaves_the_stream_to_others(pauses: Pauses) -> None:
    conduct = Conduct(says=HEAD + b'\r\ndata: {"status": "IN_PROGRESS"}\n\n', ends=Ends.HANG)
    async with (
        HostileServer(conduct) as server,  # it waits for every connection to be closed
        backend_at(server.url, pauses, streams=StreamLimits(most=1)) as backend,
    ):
        for _ in range(3):
            async with aclosing(backend.watch(ticket_from_id(TEXT, "r-1", server.url))) as statuses:
                assert await anext(statuses) == InProgress()
    assert [b"/status/stream?logs=0 " in one.head for one in server.heard] == [True] * 3


# --- no stream ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [303, 400, 404, 405])
async def test_after_a_refused_stream_no_request_tries_for_a_while(
    keyed_fal: LoopbackFal, pauses: Pauses, status: int
) -> None:
    clock = Hand()
    async with backend_at(keyed_fal.url, pauses, streams=STREAMED, monotonic=clock) as backend:
        tickets = [(await made(backend, keyed_fal, simple(f"number {number}")))[0] for number in range(3)]
        keyed_fal.fail_next(Script(fault=Fault.STREAM_REFUSED, status=status))
        for ticket in tickets[:2]:
            assert await seen(backend, ticket) == [Completed()]
        clock.now += 301
        assert await seen(backend, tickets[2]) == [Completed()]
    assert steps(keyed_fal)[3:] == [Step.STREAM, Step.STATUS, Step.STATUS, Step.STREAM]


async def test_a_stream_that_is_refused_while_the_status_is_unknown_says_nothing_of_streams(
    streaming: Fal, keyed_fal: LoopbackFal
) -> None:
    with pytest.raises(EndpointGoneError):
        await seen(streaming, ticket_from_id(TEXT, "nobody", keyed_fal.url))
    assert len(keyed_fal.seen(Step.STATUS)) == 10
    ticket, _ = await made(streaming, keyed_fal, simple())
    assert await seen(streaming, ticket) == [Completed()]
    assert steps(keyed_fal)[-1] is Step.STREAM


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_trouble_of_the_stream_that_may_pass_is_not_remembered(
    streaming: Fal, keyed_fal: LoopbackFal, status: int
) -> None:
    for expected in ([Step.STREAM, Step.STATUS], [Step.STREAM]):
        ticket, _ = await made(streaming, keyed_fal, simple())
        if len(expected) == 2:
            keyed_fal.fail_next(Script(fault=Fault.STREAM_REFUSED, status=status))
        assert await seen(streaming, ticket) == [Completed()]
        assert steps(keyed_fal)[-len(expected) :] == expected


async def test_a_wrong_key_is_an_account_error_at_the_stream_too(keyed_fal: LoopbackFal, pauses: Pauses) -> None:
    async with backend_at(keyed_fal.url, pauses, key="wrong", streams=STREAMED) as backend:
        with pytest.raises(AccountError):
            await seen(backend, ticket_from_id(TEXT, "r-1", keyed_fal.url))
    assert steps(keyed_fal) == [Step.STREAM, Step.STATUS]
    assert pauses.slept == []


async def test_a_redirect_of_the_stream_does_not_take_the_key_along(pauses: Pauses) -> None:
    async with (
        HostileServer(Conduct(says=answer(200, {}))) as elsewhere,
        HostileServer(
            Conduct(says=answer(307, Location=elsewhere.url)), Conduct(says=answer(200, {"status": "COMPLETED"}))
        ) as server,
        backend_at(server.url, pauses, streams=STREAMED) as backend,
    ):
        assert await seen(backend, ticket_from_id(TEXT, "r-1", server.url)) == [Completed()]
    assert elsewhere.connections == 0
    assert f"authorization: key {KEY}".encode() in server.heard[0].head.lower()


# --- a stream that breaks -------------------------------------------------------------------------


async def test_a_stream_that_breaks_is_followed_by_one_look_at_once_and_opened_again(
    streaming: Fal, keyed_fal: LoopbackFal, pauses: Pauses
) -> None:
    ticket, job = await stuck(streaming, keyed_fal)
    keyed_fal.fail_next(Fault.STREAM_BROKEN)
    async with watching(streaming, ticket) as told:
        assert await told.get() == InProgress()
        while len(keyed_fal.seen(Step.STREAM)) < 2:  # noqa: ASYNC110 - the loopback fal tells nobody
            await asyncio.sleep(0.001)
        keyed_fal.queue.cancel(job)
        assert await told.get() == Completed()
    assert steps(keyed_fal)[1:] == [Step.STREAM, Step.STATUS, Step.STREAM]
    assert pauses.slept == [0.5]


async def test_the_more_often_a_stream_breaks_the_later_it_is_opened_again(
    streaming: Fal, keyed_fal: LoopbackFal, pauses: Pauses
) -> None:
    ticket, job = await stuck(streaming, keyed_fal)
    keyed_fal.fail_next(Fault.STREAM_BROKEN, times=7)
    pauses.meanwhile = [nothing] * 94 + [lambda: keyed_fal.queue.cancel(job)]
    assert await seen(streaming, ticket) == [InProgress(), Completed()]
    streams = "".join("s" if one is Step.STREAM else "." for one in steps(keyed_fal)[1:])
    assert [len(looks) for looks in streams.split("s")[1:]] == [1, 2, 4, 8, 16, 32, 32, 0]


async def test_what_completed_while_the_stream_broke_is_seen_without_a_pause(
    streaming: Fal, keyed_fal: LoopbackFal, pauses: Pauses
) -> None:
    ticket, _ = await made(streaming, keyed_fal, simple())
    keyed_fal.fail_next(Fault.STREAM_BROKEN)
    assert await seen(streaming, ticket) == [Completed()]
    assert pauses.slept == []


NONSENSE = {
    "no JSON": b"data: <html>\n\n",
    "another shape": b'data: {"status": null}\n\n',
    "no status": b"data: {}\n\n",
    "no text": b"data: \xff\xfe\n\n",
    "deep": b"data: " + b"[" * 60_000 + b"\n\n",
    "an endless line": b"data: " + b"a" * 70_000,
    "an endless event": b"data: a\n" * 70_000,
    "an end before COMPLETED": b'data: {"status": "IN_PROGRESS"}\n\n',
    "half an event": b'data: {"status": "COMPLETED"}\n',
    "nothing": b"",
}


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_in_a_stream_is_followed_by_a_look(pauses: Pauses, said: bytes) -> None:
    says = HEAD + f"Content-Length: {len(said)}\r\n\r\n".encode() + said
    async with (
        HostileServer(Conduct(says=says), Conduct(says=answer(200, {"status": "COMPLETED"}))) as server,
        backend_at(server.url, pauses, streams=STREAMED) as backend,
    ):
        assert (await seen(backend, ticket_from_id(TEXT, "r-1", server.url)))[-1] == Completed()
    assert pauses.slept == []


async def test_an_answer_that_is_no_stream_is_a_refusal(pauses: Pauses) -> None:
    status = Conduct(says=answer(200, {"status": "COMPLETED"}, Content_Type="application/json"))
    async with (
        HostileServer(status) as server,
        backend_at(server.url, pauses, streams=STREAMED) as backend,
    ):
        for _ in range(2):
            assert await seen(backend, ticket_from_id(TEXT, "r-1", server.url)) == [Completed()]
    assert [b"/stream" in one.head for one in server.heard] == [True, False, False]


# --- a stream that is silent ----------------------------------------------------------------------


async def test_while_a_stream_has_said_nothing_the_request_is_looked_at(keyed_fal: LoopbackFal, pauses: Pauses) -> None:
    patient = StreamLimits(most=2, first_word=0.05, silence=30)
    async with backend_at(keyed_fal.url, pauses, streams=patient) as backend:
        ticket, job = await stuck(backend, keyed_fal)
        keyed_fal.fail_next(Fault.STREAM_SILENT)
        async with watching(backend, ticket) as told:
            assert await told.get() == InProgress()
            keyed_fal.queue.cancel(job)
            assert await told.get() == Completed()
    assert len(keyed_fal.seen(Step.STREAM)) == 1


async def test_streams_that_stay_silent_are_not_tried_again_for_a_while(keyed_fal: LoopbackFal, pauses: Pauses) -> None:
    async with backend_at(keyed_fal.url, pauses, streams=HASTY) as backend:
        ticket, job = await stuck(backend, keyed_fal)
        keyed_fal.fail_next(Fault.STREAM_SILENT)
        pauses.meanwhile = [lambda: keyed_fal.queue.cancel(job)]  # the first pause comes after the stream was given up
        assert await seen(backend, ticket) == [InProgress(), Completed()]
        assert await seen(backend, ticket) == [Completed()]
    assert len(keyed_fal.seen(Step.STREAM)) == 1


async def test_a_stream_that_falls_silent_after_a_word_is_broken(pauses: Pauses) -> None:
    begun = Conduct(says=HEAD + b'\r\ndata: {"status": "IN_PROGRESS"}\n\n', ends=Ends.HANG)
    async with (
        HostileServer(begun, Conduct(says=answer(200, {"status": "IN_PROGRESS"}))) as server,
        backend_at(server.url, pauses, streams=HASTY) as backend,
    ):
        pauses.meanwhile = [lambda: server.conducts.insert(0, Conduct(says=HEAD + b"\r\n" + COMPLETED, ends=Ends.FIN))]
        assert await seen(backend, ticket_from_id(TEXT, "r-1", server.url)) == [InProgress(), Completed()]
    assert [b"/stream" in one.head for one in server.heard] == [True, False, True]


async def test_a_stream_whose_answer_does_not_begin_is_given_up(pauses: Pauses) -> None:
    async with (
        HostileServer(Conduct(ends=Ends.HANG), Conduct(says=answer(200, {"status": "COMPLETED"}))) as server,
        backend_at(server.url, pauses, streams=StreamLimits(most=1, first_word=0.05)) as backend,
    ):
        assert await seen(backend, ticket_from_id(TEXT, "r-1", server.url)) == [Completed()]


async def test_comments_keep_a_stream_alive(pauses: Pauses) -> None:
    """For twice as long as silence would be taken for a break."""

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b'data: {"status": "IN_PROGRESS"}\n\n')
        for _ in range(8):
            await asyncio.sleep(HASTY.silence / 4)
            await response.write(b": ping\n\n")
        await response.write(COMPLETED)
        return response

    app = web.Application()
    app.router.add_get("/{tail:.+}/status/stream", stream)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        host, port = runner.addresses[0][:2]
        async with backend_at(url := f"http://{host}:{port}", pauses, streams=HASTY) as backend:
            assert await seen(backend, ticket_from_id(TEXT, "r-1", url)) == [InProgress(), Completed()]
    finally:
        await runner.cleanup()


# --- events ---------------------------------------------------------------------------------------


LINES = st.lists(
    st.sampled_from(
        [b"data: one", b"data:two", b"data:  three", b"data: four\r", b": ping", b"event: x", b"id", b"", b"\r", b""]
    )
)


def fed(chunks: Iterable[bytes]) -> list[bytes]:
    reader = Events()
    return [event for chunk in chunks for event in reader.feed(chunk)]


@given(LINES, st.lists(st.integers(0, 200)))
def test_events_are_the_same_however_they_are_cut(lines: Sequence[bytes], cuts: Sequence[int]) -> None:
    text = b"".join(line + b"\n" for line in lines)
    places = [0, *sorted(cuts), len(text)]
    assert fed(text[start:end] for start, end in itertools.pairwise(places)) == fed([text])


def test_only_data_counts_and_lines_of_one_event_belong_together() -> None:
    said = b'retry: 3\n: ping\n\ndata: {"a":\ndata: 1}\nid: 7\n\nevent: end\n\ndata:x\r\n\r\ndata: y'
    assert fed([said]) == [b'{"a":\n1}', b"x"]


@pytest.mark.parametrize("piece", [b"a" * 99, b"data: " + b"a" * 99 + b"\n"])
def test_an_event_without_end_is_given_up(piece: bytes) -> None:
    with pytest.raises(NoStreamError):
        fed([piece] * (2 * LONGEST_EVENT // len(piece)))
