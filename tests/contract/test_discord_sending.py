"""Images from the disk to Discord over the real discord.py: how much of them is in memory, and sending them again."""

import asyncio
import hashlib
import os
import tracemalloc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import discord
import pytest
from aiohttp import web
from discord import http
from discord_job import a_job

from bot.adapters.discord_files import Packed
from bot.adapters.fresh import Fresh

MIB = 1024**2
AT_ONCE = 32
MESSAGE: dict[str, object] = {
    "id": "1",
    "channel_id": "2",
    "author": {"id": "3", "username": "bot", "discriminator": "0", "avatar": None},
    "content": "",
    "timestamp": "2026-01-01T00:00:00+00:00",
    "edited_timestamp": None,
    "tts": False,
    "mention_everyone": False,
    "mentions": [],
    "mention_roles": [],
    "attachments": [],
    "embeds": [],
    "pinned": False,
    "type": 0,
}


class Sink:
    """A Discord that takes messages and keeps of each file its digest alone."""

    def __init__(self) -> None:
        self.taken: list[list[str]] = []
        self.drops = 0
        """Of so many messages the connection breaks in the middle."""

    async def message(self, request: web.Request) -> web.StreamResponse:
        digests = list[str]()
        async for part in await request.multipart():
            assert isinstance(part, aiohttp.BodyPartReader)
            digest = hashlib.sha256()
            while chunk := await part.read_chunk(64 * 1024):
                digest.update(chunk)
                if self.drops and digests:
                    self.drops -= 1
                    assert request.transport is not None
                    request.transport.abort()
                    raise asyncio.CancelledError
            digests.append(digest.hexdigest())
        self.taken.append(digests[1:])  # the first part is the message itself
        return web.json_response(MESSAGE)

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[str]:
        app = web.Application()
        app.router.add_post("/webhooks/{tail:.+}", self.message)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"image-{number}.png" for number in (1, 2)]
    for path in paths:
        path.write_bytes(os.urandom(10 * MIB))
    return paths


async def send(url: str, paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http.Route, "BASE", url)
    async with aiohttp.ClientSession() as session, Packed(paths=paths, fresh=Fresh()).files(a_job(*paths)) as files:
        await discord.Webhook.partial(5, "token", session=session).send("here", files=files)


async def test_however_large_images_are_little_of_them_is_in_memory(
    images: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = Sink()
    async with sink.open() as url:
        tracemalloc.start()
        try:
            await send(url, images, monkeypatch)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(sink.taken) == 1
    assert peak < 4 * MIB  # the sink's own part of it included


async def test_of_32_messages_with_large_images_at_once_little_is_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = tmp_path / "image.png"
    image.write_bytes(os.urandom(8 * MIB))
    sink = Sink()
    async with sink.open() as url:
        tracemalloc.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(AT_ONCE):
                    tasks.create_task(send(url, [image], monkeypatch))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(sink.taken) == AT_ONCE
    assert peak < AT_ONCE * 4 * MIB  # the sink's own part of it included


async def test_what_broke_off_is_sent_again_whole(images: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    sink = Sink()
    sink.drops = 1
    async with sink.open() as url:
        with pytest.raises(aiohttp.ClientError):
            await send(url, images, monkeypatch)
        await send(url, images, monkeypatch)
    assert sink.taken == [[hashlib.sha256(path.read_bytes()).hexdigest() for path in images]]
