"""Every connection believes SSL_CERT_FILE: an egress proxy's own authority is enough, nothing else is switched off."""

import asyncio
import ssl
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bot.adapters.downloads import Downloads, NetworkError
from bot.sandbox.fal_paint import plain
from bot.sandbox.fal_server import LoopbackFal
from tests.loopback.certificates import make_certificates

ORDER = """
import asyncio, sys, aiohttp
from pathlib import Path
from bot.adapters.downloads import Downloads
from bot.adapters.fal import Fal
from bot.adapters.fal_stream import StreamLimits
from bot.adapters.fal_submit import Addresses
from bot.domain.order import Request
from bot.service.ports import Completed

async def main(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        places = Addresses(queue=url, rest=url, cdn=url, api=url)
        streams = StreamLimits(most=1)
        fal = Fal("key", places, session, keep_outputs_days=1, sleep=asyncio.sleep, streams=streams)
        arguments = {"prompt": "a cat", "seed": 1}
        ticket = await fal.submit(Request(endpoint="fal-ai/nano-banana", arguments=arguments, images=1))
        async for status in fal.watch(ticket):
            done = isinstance(status, Completed)
        [image] = (await fal.result(ticket)).images
        await Downloads(session).fetch(
            image.url, Path(sys.argv[2]) / "part", lambda part: part.rename(part.with_name("image")), max_bytes=10**7
        )
        await fal.upload(Path(sys.argv[2]) / "image", "image/png")

asyncio.run(main(sys.argv[1]))
"""


async def test_fal_over_tls_is_believed_with_the_authority_in_ssl_cert_file(tmp_path: Path) -> None:
    async with tls_fal(tmp_path) as fal:
        environment = {"SSL_CERT_FILE": str(tmp_path / "authority.pem")}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ORDER, fal.url, str(tmp_path), env=environment, stderr=asyncio.subprocess.PIPE
        )
        _, errors = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, errors.decode()
        assert len(fal.jobs) == 1


async def test_an_unknown_authority_is_not_believed(tmp_path: Path) -> None:
    async with tls_fal(tmp_path) as fal, aiohttp.ClientSession() as session:
        with pytest.raises(NetworkError):
            await Downloads(session).fetch(f"{fal.url}/files/made/x", tmp_path / "image", Path.stat, max_bytes=100)
        assert not fal.requests


@asynccontextmanager
async def tls_fal(folder: Path) -> AsyncGenerator[LoopbackFal]:
    made = make_certificates(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate, made.key)
    async with LoopbackFal(ssl_context=context, painter=plain(5000)) as fal:
        yield fal
