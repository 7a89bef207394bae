"""The proxies that the environment names are used, and those alone."""

import pytest
from hostile_server import Conduct, HostileServer, answer

from bot.tools import session

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def none_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def got(url: str) -> str:
    async with session() as http, http.get(url) as response:
        return await response.text()


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy"])
async def test_a_request_goes_through_the_proxy_that_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    async with HostileServer(Conduct(says=answer(200, b"by proxy"))) as proxy:
        monkeypatch.setenv(name, proxy.url)
        assert await got("http://files.test/1.png") == "by proxy"
    assert proxy.heard[0].head.startswith(b"GET http://files.test/1.png HTTP/1.1")


async def test_what_needs_no_proxy_goes_straight(monkeypatch: pytest.MonkeyPatch) -> None:
    async with HostileServer(Conduct(says=answer(200, b"straight"))) as place, HostileServer(Conduct()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert await got(place.url) == "straight"
    assert proxy.connections == 0


async def test_where_no_proxy_is_named_nobody_looks_for_one_at_every_request() -> None:
    async with session() as http:
        assert not http.trust_env
