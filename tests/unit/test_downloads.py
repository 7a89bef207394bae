"""Downloads against a real server on the loopback: a file is either absent or complete."""

import asyncio
import os
import threading
import traceback
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from pictures_made import into, names

from bot.adapters.downloads import (
    DownloadError,
    Downloads,
    GoneError,
    NetworkError,
    TooLargeError,
    TruncatedError,
)

CONTENT = os.urandom(700_000)
LIMIT = 1_000_000
ENORMOUS = 40_000_000
AT_ONCE, LARGE = 32, 8_000_000
SIGNATURE = "ex=6a1&hm=SECRET"


async def whole(_: web.Request) -> web.Response:
    return web.Response(body=CONTENT, content_type="image/png")


async def in_chunks(request: web.Request) -> web.StreamResponse:
    """No Content-Length: the size shows while counting only."""
    answer = web.StreamResponse()
    answer.enable_chunked_encoding()
    await answer.prepare(request)
    await answer.write(CONTENT)
    await answer.write_eof()
    return answer


async def cut_off(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Length": str(len(CONTENT))})
    await answer.prepare(request)
    await answer.write(CONTENT[:100_000])
    assert request.transport is not None
    request.transport.close()
    return answer


async def cut_off_in_chunks(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    answer.enable_chunked_encoding()
    await answer.prepare(request)
    await answer.write(CONTENT[:100_000])
    assert request.transport is not None
    request.transport.close()
    return answer


async def enormous(request: web.Request) -> web.StreamResponse:
    return await of_size(request, ENORMOUS, 10_000)


async def large(request: web.Request) -> web.StreamResponse:
    return await of_size(request, LARGE, 100_000)


async def of_size(request: web.Request, size: int, chunk: int) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Length": str(size)})
    await answer.prepare(request)
    for _ in range(size // chunk):
        await answer.write(CONTENT[:chunk])
    return answer


async def silent(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Length": str(len(CONTENT))})
    await answer.prepare(request)
    await answer.write(CONTENT[:100_000])
    await asyncio.Event().wait()
    return answer


async def status(request: web.Request) -> web.Response:
    return web.Response(status=int(request.match_info["status"]), body=b"<html>")


async def hop(request: web.Request) -> web.Response:
    left = int(request.match_info["left"])
    raise web.HTTPFound(f"/hop/{left - 1}?{SIGNATURE}" if left > 1 else f"/whole?{SIGNATURE}")


async def elsewhere(_: web.Request) -> web.Response:
    raise web.HTTPFound(f"file:///etc/passwd?{SIGNATURE}")


@pytest_asyncio.fixture
async def server() -> AsyncIterator[TestServer]:
    app = web.Application()
    for name, handler in {
        "/whole": whole,
        "/in-chunks": in_chunks,
        "/cut-off": cut_off,
        "/cut-off-in-chunks": cut_off_in_chunks,
        "/silent": silent,
        "/enormous": enormous,
        "/large": large,
        "/status/{status}": status,
        "/hop/{left}": hop,
        "/elsewhere": elsewhere,
    }.items():
        app.router.add_get(name, handler)
    server = TestServer(app)
    await server.start_server()
    yield server
    await server.close()


@pytest_asyncio.fixture
async def downloads() -> AsyncIterator[Downloads]:
    async with aiohttp.ClientSession() as session:
        yield Downloads(session)


async def refusal(
    downloads: Downloads, url: str, folder: Path, *, max_bytes: int = LIMIT, stall_s: float = 5
) -> DownloadError:
    """The error of a download that must fail, leave nothing behind, and tell nobody the address."""
    with pytest.raises(DownloadError) as caught:
        await downloads.fetch(url, *into(folder / "file.png"), max_bytes=max_bytes, timeout_s=10, stall_s=stall_s)
    assert names(folder) == []
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert "SECRET" not in told
    assert "127.0.0.1" not in told
    return caught.value


def address(server: TestServer, path: str) -> str:
    return f"{server.make_url(path)}?{SIGNATURE}"


@pytest.mark.parametrize("path", ["/whole", "/in-chunks", "/hop/1", "/hop/3"])
async def test_a_whole_file_arrives(path: str, server: TestServer, downloads: Downloads, tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "file.png"
    assert await downloads.fetch(address(server, path), *into(target), max_bytes=len(CONTENT)) == target
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == [target.name]


async def test_a_whole_file_that_nobody_wants_goes_away(
    server: TestServer, downloads: Downloads, tmp_path: Path
) -> None:
    def refuse(part: Path) -> None:
        assert part.read_bytes() == CONTENT
        raise LookupError

    with pytest.raises(LookupError):
        await downloads.fetch(address(server, "/whole"), tmp_path / "file.part", refuse, max_bytes=LIMIT)
    assert names(tmp_path) == []


async def test_an_earlier_file_is_replaced_only_by_a_whole_one(
    server: TestServer, downloads: Downloads, tmp_path: Path
) -> None:
    target = tmp_path / "file.png"
    target.write_bytes(b"earlier")
    with pytest.raises(TruncatedError):
        await downloads.fetch(address(server, "/cut-off"), *into(target), max_bytes=LIMIT)
    assert target.read_bytes() == b"earlier"
    await downloads.fetch(address(server, "/whole"), *into(target), max_bytes=LIMIT)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("path", ["/cut-off", "/cut-off-in-chunks"])
async def test_a_cut_off_file_is_noticed_and_worth_another_try(
    path: str, server: TestServer, downloads: Downloads, tmp_path: Path
) -> None:
    error = await refusal(downloads, address(server, path), tmp_path)
    assert isinstance(error, TruncatedError)
    assert isinstance(error, NetworkError)


@pytest.mark.parametrize("path", ["/whole", "/in-chunks"])
async def test_a_file_over_the_limit_is_refused(
    path: str, server: TestServer, downloads: Downloads, tmp_path: Path
) -> None:
    error = await refusal(downloads, address(server, path), tmp_path, max_bytes=len(CONTENT) - 1)
    assert isinstance(error, TooLargeError)
    assert error.limit_bytes == len(CONTENT) - 1


async def test_a_file_declared_over_the_limit_is_not_waited_for(
    server: TestServer, downloads: Downloads, tmp_path: Path
) -> None:
    error = await refusal(downloads, address(server, "/silent"), tmp_path, max_bytes=200_000)
    assert isinstance(error, TooLargeError)


@pytest.mark.parametrize("code", [403, 404, 410])
async def test_a_missing_file_is_gone(code: int, server: TestServer, downloads: Downloads, tmp_path: Path) -> None:
    error = await refusal(downloads, address(server, f"/status/{code}"), tmp_path)
    assert isinstance(error, GoneError)
    assert error.status == code


@pytest.mark.parametrize("code", [204, 408, 429, 500, 503])
async def test_a_failing_server_is_worth_another_try(
    code: int, server: TestServer, downloads: Downloads, tmp_path: Path
) -> None:
    error = await refusal(downloads, address(server, f"/status/{code}"), tmp_path)
    assert isinstance(error, NetworkError)
    assert error.status == code


async def test_a_silent_server_is_given_up(server: TestServer, downloads: Downloads, tmp_path: Path) -> None:
    error = await refusal(downloads, address(server, "/silent"), tmp_path, stall_s=0.2)
    assert isinstance(error, NetworkError)
    assert error.reason == "timeout"


async def test_no_server_is_worth_another_try(server: TestServer, downloads: Downloads, tmp_path: Path) -> None:
    url = address(server, "/whole")
    await server.close()
    assert isinstance(await refusal(downloads, url, tmp_path), NetworkError)


@pytest.mark.parametrize("path", ["/hop/4", "/elsewhere"])
async def test_redirects_are_limited_and_stay_on_the_web(
    path: str, server: TestServer, downloads: Downloads, tmp_path: Path
) -> None:
    assert isinstance(await refusal(downloads, address(server, path), tmp_path), GoneError)


@pytest.mark.parametrize(
    "url", ["", "file:///etc/SECRET", "ftp://SECRET/a", "ws://SECRET/a", "http://", "http://[SECRET", "SECRET"]
)
async def test_only_web_addresses_are_fetched(url: str, downloads: Downloads, tmp_path: Path) -> None:
    assert isinstance(await refusal(downloads, url, tmp_path), GoneError)


async def test_a_cancelled_download_leaves_nothing(server: TestServer, downloads: Downloads, tmp_path: Path) -> None:
    at_work = asyncio.ensure_future(
        downloads.fetch(address(server, "/silent"), *into(tmp_path / "file.png"), max_bytes=LIMIT)
    )
    while not (tmp_path / "file.part").exists():  # noqa: ASYNC110 - a file that appears sets no event
        await asyncio.sleep(0.005)
    at_work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await at_work
    assert names(tmp_path) == []


async def test_however_large_a_file_is_little_of_it_is_in_memory(
    server: TestServer, downloads: Downloads, tmp_path: Path
) -> None:
    tracemalloc.start()
    try:
        await downloads.fetch(address(server, "/enormous"), *into(tmp_path / "file.png"), max_bytes=ENORMOUS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "file.png").stat().st_size == ENORMOUS
    assert peak < 4_000_000  # the server's own part of it included


async def test_of_the_four_large_images_of_an_order_no_more_is_in_memory_than_an_order_has(
    server: TestServer, downloads: Downloads, tmp_path: Path
) -> None:
    await downloads.fetch(
        address(server, "/whole"), *into(tmp_path / "file.png"), max_bytes=LIMIT
    )  # what all share is there
    tracemalloc.start()
    try:
        async with asyncio.TaskGroup() as tasks:
            for number in range(4):
                target = tmp_path / f"{number}.png"
                tasks.create_task(downloads.fetch(address(server, "/large"), *into(target), max_bytes=LARGE))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000  # the server's own part of it included; with all four at once it is 5.9


async def test_of_32_large_files_at_once_little_is_in_memory(
    server: TestServer, downloads: Downloads, tmp_path: Path
) -> None:
    tracemalloc.start()
    try:
        async with asyncio.TaskGroup() as tasks:
            for number in range(AT_ONCE):
                target = tmp_path / f"{number}" / "file.png"  # of as many orders
                tasks.create_task(downloads.fetch(address(server, "/large"), *into(target), max_bytes=LARGE))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < AT_ONCE * 4_000_000  # the server's own part of it included


async def test_a_disk_that_cannot_keep_up_stops_this_download_alone(
    server: TestServer, downloads: Downloads, tmp_path: Path
) -> None:
    os.mkfifo(part := tmp_path / "file.part")
    slow_disk = os.open(part, os.O_RDONLY | os.O_NONBLOCK)
    stuck = asyncio.create_task(
        downloads.fetch(address(server, "/whole"), *into(tmp_path / "file.png"), max_bytes=LIMIT)
    )
    rescue = threading.Timer(5, drain, [slow_disk])  # else a loop that stands would stand for ever
    rescue.start()
    try:
        other = await downloads.fetch(address(server, "/whole"), *into(tmp_path / "other.png"), max_bytes=LIMIT)
        assert other.read_bytes() == CONTENT
        assert not rescue.finished.is_set()
        rescue.cancel()
        await asyncio.to_thread(drain, slow_disk)
        with pytest.raises(OSError, match="Invalid argument"):  # what is no file is not kept
            await stuck
    finally:
        rescue.cancel()
        os.close(slow_disk)


def drain(pipe: int) -> None:
    """Until nobody writes any more."""
    more = True
    while more:
        with suppress(BlockingIOError):
            more = bool(os.read(pipe, len(CONTENT)))
