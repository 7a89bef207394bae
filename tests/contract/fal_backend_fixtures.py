"""The loopback fal and the real adapter that talks to it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fal_backend_acts import KEY, Pauses, backend_at

from bot.adapters.fal import Fal
from bot.sandbox.fal_paint import plain
from bot.sandbox.fal_server import LoopbackFal


@pytest.fixture
def no_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is reached over TLS here, and reading the machine's certificates takes every new client 50 ms."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch, no_certificates: None) -> Pauses:  # noqa: ARG001 - whoever pauses talks to fal
    """Our own pauses; those of fal-client between its tries pass at once, too."""

    def at_once(*_: object) -> float:
        return 0.0

    monkeypatch.setattr("fal_client.client._get_retry_delay", at_once)
    return Pauses()


@pytest.fixture
async def keyed_fal() -> AsyncIterator[LoopbackFal]:
    """A loopback fal that lets in one key only."""
    async with LoopbackFal(key=KEY, painter=plain(4000)) as server:
        yield server


@pytest.fixture
async def backend(keyed_fal: LoopbackFal, pauses: Pauses) -> AsyncIterator[Fal]:
    async with backend_at(keyed_fal.url, pauses) as adapter:
        yield adapter


@pytest.fixture
def picture_file(tmp_path: Path, picture: bytes) -> Path:
    path = tmp_path / "1.png"
    path.write_bytes(picture)
    return path
