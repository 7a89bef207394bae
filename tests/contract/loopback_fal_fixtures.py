"""The servers and clients that the tests of the loopback fal start from."""

import io
from collections.abc import AsyncIterator

import aiohttp
import fal_client
import fal_client.client
import pytest
from loopback_fal_acts import KEY
from PIL import Image

from bot.sandbox.fal_paint import plain
from bot.sandbox.fal_server import LoopbackFal

BLANK = plain(4000)


@pytest.fixture
async def fal() -> AsyncIterator[LoopbackFal]:
    async with LoopbackFal(painter=BLANK) as server:
        yield server


@pytest.fixture
async def painting_fal() -> AsyncIterator[LoopbackFal]:
    async with LoopbackFal() as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers=KEY) as session:
        yield session


@pytest.fixture
async def client(fal: LoopbackFal, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[fal_client.AsyncClient]:
    monkeypatch.setattr(fal_client.client, "QUEUE_URL_FORMAT", f"{fal.url}/")
    monkeypatch.setattr(fal_client.client, "REST_URL", fal.url)
    monkeypatch.setattr(fal_client.client, "CDN_URL", fal.url)
    client = fal_client.AsyncClient(key="test")
    yield client
    inner = await client._client  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - fal-client has no close
    await inner.aclose()


@pytest.fixture
def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (96, 64), (200, 30, 30)).save(file, "PNG")
    return file.getvalue()
