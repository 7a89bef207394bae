"""What bot/adapters/fal_submit.py relies on inside fal-client, and why it has to reach inside at all.

When a test here fails, the installed fal-client is not the one that was read. Compare its client.py with
bot/adapters/fal_submit.py, let tests/contract/test_fal_submit_once.py judge the result, and only then move the pin in
pyproject.toml and VERSION here.
"""

import dataclasses
import importlib.metadata
import inspect
from pathlib import Path

import fal_client
import fal_client.client as vendor
import httpx
import pytest
from fal_backend_acts import Pauses, backend_at, simple
from fal_client.auth import AuthCredentials
from hostile_server import Conduct, Ends, HostileServer, answer, receipt

from bot.adapters.fal_submit import FalClient
from bot.domain.errors import SubmitUnansweredError

pytest_plugins = ["loopback_fal_fixtures", "fal_backend_fixtures"]

VERSION = "1.0.3"
HELP = (
    f"fal-client is not the {VERSION} that bot/adapters/fal_submit.py was written for; see the docstring of {__file__}"
)
WHY = "fal-client has stopped sending a paid POST again: see whether _Requests in bot/adapters/fal_submit.py can go"


def private_names(kind: type) -> set[str]:
    return {name for name in vars(kind) if name.startswith("_") and not name.startswith("__")}


def names_used_by(method: object) -> tuple[str, ...]:
    return inspect.unwrap(method).__code__.co_names if inspect.isfunction(method) else ()


# --- the names ------------------------------------------------------------------------------------


def test_the_pinned_version_is_installed() -> None:
    pins = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"fal-client=={VERSION}"' in pins, HELP
    assert importlib.metadata.version("fal-client") == VERSION, HELP


def test_what_our_client_overrides_is_what_fal_client_uses() -> None:
    assert private_names(FalClient) == {"_client", "_cdn_client", "_token_manager"}
    assert private_names(FalClient) <= private_names(fal_client.AsyncClient), HELP
    assert "_client" in names_used_by(fal_client.AsyncClient.submit), HELP
    assert "_token_manager" in names_used_by(fal_client.AsyncClient.upload), HELP
    assert "self._cdn_client()" in inspect.getsource(fal_client.AsyncClient.upload), HELP
    assert [one.name for one in dataclasses.fields(fal_client.AsyncClient)] == ["key", "default_timeout"], HELP


def test_what_our_token_manager_overrides_is_what_fal_client_uses() -> None:
    [ours] = vendor.AsyncCDNTokenManager.__subclasses__()
    assert private_names(ours) == {"_refresh_token"}
    assert private_names(ours) <= private_names(vendor.AsyncCDNTokenManager), HELP
    assert "_refresh_token" in names_used_by(vendor.AsyncCDNTokenManager.get_token), HELP
    theirs = vars(vendor.AsyncCDNTokenManager(AuthCredentials("Key", "k")))
    assert theirs["_url"] == f"{vendor.REST_URL}/storage/auth/token?storage_type=fal-cdn-v3", HELP
    assert theirs["_headers"]["Authorization"] == "Key k", HELP
    assert "_client" not in theirs, f"{HELP}: our token manager keeps its client under this name"
    fields = [one.name for one in dataclasses.fields(vendor.CDNToken)]
    assert fields == ["token", "token_type", "base_upload_url", "expires_at"], HELP


def test_the_addresses_that_our_requests_replace_are_fal_clients_own_and_told_apart_by_their_host() -> None:
    standard = [vendor.QUEUE_URL_FORMAT, vendor.REST_URL, vendor.CDN_URL]
    assert standard == ["https://queue.fal.run/", "https://rest.fal.ai", "https://v3.fal.media"], HELP
    assert len({httpx.URL(url).host for url in standard}) == 3
    assert vendor.USER_AGENT.startswith("fal-client/"), HELP


@pytest.mark.parametrize("name", ["_fallback_url", "_get_retry_delay"])
def test_what_our_requests_and_our_tests_lean_on_is_there(name: str) -> None:
    assert hasattr(vendor, name), HELP


def test_every_call_of_fal_client_takes_what_we_give_it() -> None:
    submit, upload = (
        inspect.signature(call) for call in (fal_client.AsyncClient.submit, fal_client.AsyncClient.upload)
    )
    assert {"application", "arguments", "headers", "priority"} <= submit.parameters.keys(), HELP
    wanted = {"data", "content_type", "file_name", "repository", "fallback_repository", "lifecycle"}
    assert wanted <= upload.parameters.keys(), HELP
    handle = {one.name for one in dataclasses.fields(fal_client.AsyncRequestHandle)}
    assert handle == {"request_id", "response_url", "status_url", "cancel_url", "client"}, HELP
    assert fal_client.StorageSettings(expires_in="1d").expires_in == "1d", HELP


# --- why our requests exist ----------------------------------------------------------------------


LOSSES = {
    "a reset": Conduct(ends=Ends.RST),
    "a close": Conduct(ends=Ends.FIN),
    "half an answer": Conduct(says=b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", ends=Ends.FIN),
    "a timeout": Conduct(ends=Ends.HANG),
    "an answer of nginx": Conduct(says=answer(504, b"<center>nginx</center>")),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.usefixtures("pauses")
async def test_plain_fal_client_sends_a_paid_post_again_when_its_answer_is_lost(
    monkeypatch: pytest.MonkeyPatch, loss: Conduct
) -> None:
    async with HostileServer(loss, loss, Conduct(says=answer(200, receipt("http://127.0.0.1:9")))) as server:
        monkeypatch.setattr(vendor, "QUEUE_URL_FORMAT", f"{server.url}/")
        client = fal_client.AsyncClient(key="k", default_timeout=0.2)
        await client.submit(simple().endpoint, dict(simple().arguments))
        inner = await client._client  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - fal-client has no close
        await inner.aclose()
    assert server.paid_posts == 3, WHY


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
async def test_our_fal_client_does_not(pauses: Pauses, loss: Conduct) -> None:
    async with (
        HostileServer(loss, loss, Conduct(says=answer(200, receipt("http://127.0.0.1:9")))) as server,
        backend_at(server.url, pauses, patience=0.2) as backend,
    ):
        with pytest.raises(SubmitUnansweredError):
            await backend.submit(simple())
    assert server.paid_posts == 1
    assert pauses.slept == []


@pytest.mark.usefixtures("pauses")
async def test_plain_fal_client_falls_back_to_a_second_store_and_sends_the_key_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Why an upload of ours names `fal_v3` as its own fallback."""
    async with HostileServer(Conduct(says=answer(200))) as store, HostileServer(Conduct()) as rest:
        told = {"upload_url": f"{store.url}/a-signed-address", "file_url": "https://storage.example/1.png"}
        rest.conducts = [Conduct(says=answer(500)), Conduct(says=answer(200, told))]
        monkeypatch.setattr(vendor, "REST_URL", rest.url)
        client = fal_client.AsyncClient(key="k")
        await client.upload(b"x", "image/png", "1.png")
        inner = await client._client  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - fal-client has no close
        await inner.aclose()
    assert rest.heard[-1].head.startswith(b"POST /storage/upload/initiate")
    assert b"authorization: key k" in store.heard[-1].head.lower(), "the second store is harmless now; it may be used"
