"""The rules of Discord's edge as the loopback Discord keeps them, asked with plain HTTP requests."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.loopback.discord_bodies import Upload
from tests.loopback.discord_commands import NotPossibleError
from tests.loopback.discord_interaction import Interaction
from tests.loopback.discord_permissions import Permission
from tests.loopback.discord_server import LoopbackDiscord
from tests.loopback.discord_state import EPHEMERAL, IS_COMPONENTS_V2, Json
from tests.loopback.rest_client import Rest

COMMANDS: list[Json] = [{"name": "draw", "description": "Draw", "integration_types": [0, 1]}]


@pytest.fixture
async def server() -> AsyncIterator[LoopbackDiscord]:
    async with LoopbackDiscord() as running:
        yield running
        assert running.door.log.crashes == []


@pytest.fixture
async def rest(server: LoopbackDiscord) -> AsyncIterator[Rest]:
    async with aiohttp.ClientSession() as http:
        client = Rest(server, http)
        await client.register(COMMANDS)
        yield client


async def used(server: LoopbackDiscord) -> Interaction:
    return await server.slash(server.member, server.channel, "draw")


# -- forms -----------------------------------------------------------------------------------------------------------


def text(content: str) -> Json:
    return {"type": 10, "content": content}


def row(*buttons: Json) -> Json:
    return {"type": 1, "components": list(buttons)}


def button(custom_id: str, label: str = "Go") -> Json:
    return {"type": 2, "style": 1, "custom_id": custom_id, "label": label}


def gallery(*urls: str, alt: str | None = None) -> Json:
    return {"type": 12, "items": [{"media": {"url": url}, "description": alt} for url in urls]}


PICTURE = "https://example.org/a.png"


@pytest.mark.parametrize(
    ("flags", "form", "broken_at"),
    [
        (0, {"content": "x" * 2001}, "content"),
        (0, {"content": "x", "nonce": "n" * 26}, "nonce"),
        (0, {"components": [text("no flag")]}, "components.0.type"),
        (0, {"components": [row(*[button(str(n)) for n in range(6)])]}, "components.0.components"),
        (0, {"components": [row(button("a"), button("a"))]}, "components"),
        (0, {"components": [row(button("a" * 101))]}, "components.0.components.0.custom_id"),
        (0, {"components": [row(button("a", "x" * 81))]}, "components.0.components.0.label"),
        (0, {"embeds": [{"image": {"url": "attachment://a.png"}}]}, "embeds.0.image.url"),
        (0, {"content": "x", "attachments": [{"id": 0}]}, "attachments.0.id"),
        (0, {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, "allowed_mentions"),
        (IS_COMPONENTS_V2, {"content": "both", "components": [text("a")]}, "content"),
        (IS_COMPONENTS_V2, {"components": [text("x")] * 41}, "components"),
        (IS_COMPONENTS_V2, {"components": [text("x" * 1500)] * 3}, "components"),
        (IS_COMPONENTS_V2, {"components": [gallery(*[PICTURE] * 11)]}, "components.0.items"),
        (IS_COMPONENTS_V2, {"components": [gallery()]}, "components.0.items"),
        (IS_COMPONENTS_V2, {"components": [gallery(PICTURE, alt="x" * 1025)]}, "components.0.items.0.description"),
        (IS_COMPONENTS_V2, {"components": [gallery("attachment://a.png")]}, "components.0.items.0.media.url"),
        (IS_COMPONENTS_V2, {"components": [{"type": 9, "components": [text("x")]}]}, "components.0.accessory"),
    ],
)
async def test_a_form_that_breaks_a_rule_is_refused_with_the_place_named(
    rest: Rest,
    flags: int,
    form: Json,
    broken_at: str,
) -> None:
    answer = await rest.send(flags=flags, **form)

    assert (answer.status, answer.code) == (400, 50035)
    assert answer.broken_at() == [broken_at]
    assert rest.server.messages(rest.server.channel) == []


async def test_an_empty_message_is_refused(rest: Rest) -> None:
    assert (await rest.send(content="  ")).code == 50006


async def test_eleven_files_and_a_request_too_large_are_refused() -> None:
    async with LoopbackDiscord(request_limit=5000) as server, aiohttp.ClientSession() as http:
        rest = Rest(server, http)
        files = [Upload(f"{n}.png", b"x") for n in range(11)]

        assert (await rest("POST", rest.messages, {}, files)).code == 30015
        assert (await rest("POST", rest.messages, {}, [Upload("big.png", b"x" * 5000)])).status == 413


async def test_a_form_with_a_title_too_long_does_not_open(server: LoopbackDiscord, rest: Rest) -> None:
    field = {"type": 18, "label": "Prompt", "component": {"type": 4, "custom_id": "p", "style": 1}}

    answer = await rest.respond(await used(server), 9, custom_id="form", title="x" * 46, components=[field])

    assert answer.broken_at() == ["data.title"]


async def test_an_edit_keeps_what_it_does_not_name_and_drops_the_files_it_does_not_list(rest: Rest) -> None:
    sent = await rest("POST", rest.messages, {"content": "two"}, [Upload("a.png", b"a"), Upload("b.png", b"b")])
    path = f"{rest.messages}/{sent.body['id']}"

    renamed = await rest("PATCH", path, {"content": "still two"})
    kept = await rest("PATCH", path, {"attachments": [{"id": sent.body["attachments"][1]["id"]}]})

    assert [file["filename"] for file in renamed.body["attachments"]] == ["a.png", "b.png"]
    assert [file["filename"] for file in kept.body["attachments"]] == ["b.png"]
    assert kept.body["content"] == "still two"


# -- interactions ----------------------------------------------------------------------------------------------------


async def test_an_interaction_is_answered_once(server: LoopbackDiscord, rest: Rest) -> None:
    interaction = await used(server)

    assert (await rest("PATCH", rest.hook(interaction), {"content": "early"})).code == 10015
    assert (await rest.respond(interaction, 8, choices=[])).broken_at() == ["type"]
    first = await rest.respond(interaction, 4, content="hello")
    assert first.body["interaction"]["response_message_ephemeral"] is False
    assert first.body["resource"]["message"]["content"] == "hello"
    assert (await rest.respond(interaction, 4, content="again")).code == 40060


async def test_a_choice_in_a_menu_carries_its_values(server: LoopbackDiscord, rest: Rest) -> None:
    options = [{"label": name, "value": name} for name in ("fast", "fine", "slow")]
    menu = {"type": 3, "custom_id": "model", "options": options, "max_values": 2}
    sent = await rest.send(components=[{"type": 1, "components": [menu]}])
    message = server.world.messages[int(sent.body["id"])]

    chosen = await server.choose(server.member, message, "model", ["fine", "slow"])

    assert chosen.data["values"] == ["fine", "slow"]
    for wrong in (["fast", "fine", "slow"], ["huge"], []):
        with pytest.raises(NotPossibleError):
            await server.choose(server.member, message, "model", wrong)


async def test_an_ephemeral_response_is_reached_through_its_token_only(server: LoopbackDiscord, rest: Rest) -> None:
    interaction = await used(server)
    answer = await rest.respond(interaction, 5, flags=EPHEMERAL)
    message_id = answer.body["interaction"]["response_message_id"]

    edited = await rest("PATCH", rest.hook(interaction), {"content": "only you", "flags": 0})

    assert edited.body["flags"] == EPHEMERAL
    assert (await rest("PATCH", f"{rest.messages}/{message_id}", {"content": "x"})).code == 10008
    assert (await rest("GET", rest.messages)).body == []
    assert (await rest("DELETE", rest.hook(interaction))).status == 204


async def test_a_public_response_can_be_deleted_as_an_ordinary_message(server: LoopbackDiscord, rest: Rest) -> None:
    interaction = await used(server)
    await rest.respond(interaction, 5)
    await rest("PATCH", rest.hook(interaction), {"content": "progress"})
    [message] = server.messages(server.channel)

    assert (await rest("DELETE", f"{rest.messages}/{message.id}")).status == 204
    assert (await rest("PATCH", rest.hook(interaction), {"content": "late"})).code == 10008


async def test_where_only_the_user_installed_the_app_five_followups_are_the_end(
    server: LoopbackDiscord, rest: Rest
) -> None:
    person = server.seed_person("Uma", installed_app=True)
    place = server.seed_channel(server.seed_guild("Elsewhere", person, with_bot=False), "talk")
    interaction = await server.slash(person, place, "draw")
    await rest.respond(interaction, 4, content="hello")
    hook = rest.hook(interaction).removesuffix("/messages/@original")

    codes = [(await rest("POST", hook, {"content": str(n)})).status for n in range(6)]

    assert codes == [200] * 5 + [400]
    assert (await rest("POST", f"/channels/{place.id}/messages", {"content": "x"})).code == 50001


@pytest.mark.parametrize("code", [50027, 10015])
async def test_a_token_can_be_made_to_die_early(server: LoopbackDiscord, rest: Rest, code: int) -> None:
    interaction = await used(server)
    await rest.respond(interaction, 5)

    server.expire_token(interaction, code)

    assert (await rest("PATCH", rest.hook(interaction), {"content": "x"})).code == code


# -- messages --------------------------------------------------------------------------------------------------------


async def test_messages_are_listed_newest_first_around_before_and_after(server: LoopbackDiscord, rest: Rest) -> None:
    ids = [(await rest.send(content=str(n))).body["id"] for n in range(5)]

    async def listed(query: str) -> str:
        return "".join(message["content"] for message in (await rest("GET", f"{rest.messages}?{query}")).body)

    assert await listed("limit=2") == "43"
    assert await listed(f"before={ids[2]}") == "10"
    assert await listed(f"after={ids[2]}") == "43"
    assert await listed(f"around={ids[2]}&limit=3") == "321"
    assert (await rest("GET", f"{rest.messages}?limit=101")).broken_at() == ["limit"]
    server.restrict_bot(server.channel, Permission.READ_MESSAGE_HISTORY)
    assert await listed("limit=2") == ""


async def test_permissions_are_checked_as_discord_checks_them(server: LoopbackDiscord, rest: Rest) -> None:
    for missing, code in ((Permission.SEND_MESSAGES, 50013), (Permission.VIEW_CHANNEL, 50001)):
        server.restrict_bot(server.channel, missing)
        refused = await rest.send(content="hello")
        assert (refused.status, refused.code) == (403, code)
    server.restrict_bot(server.channel, Permission.ATTACH_FILES)

    assert (await rest.send(content="words only")).status == 200
    assert (await rest("POST", rest.messages, {}, [Upload("a.png", b"x")])).code == 50013


async def test_places_and_people_that_refuse(server: LoopbackDiscord, rest: Rest) -> None:
    thread = server.seed_channel(server.guild, "old", parent=server.channel)
    server.archive(thread)
    server.set_dms(server.member, open_to_bot=False)
    foreign = await server.say(server.member, server.channel, "mine")
    dm = (await rest("POST", "/users/@me/channels", {"recipient_id": str(server.member.id)})).body["id"]

    assert (await rest("POST", f"/channels/{thread.id}/messages", {"content": "x"})).code == 50083
    assert (await rest("POST", f"/channels/{dm}/messages", {"content": "x"})).code == 50007
    assert (await rest("PATCH", f"{rest.messages}/{foreign.id}", {"content": "x"})).code == 50005
    assert (await rest("DELETE", f"{rest.messages}/{foreign.id}")).code == 50013
    assert (await rest("GET", f"{rest.messages}/123")).code == 10008
    reply = await rest.send(content="x", message_reference={"message_id": "123"})
    assert reply.broken_at() == ["message_reference"]


@pytest.mark.parametrize(
    ("content", "allowed", "pinged"),
    [
        ("<@1400000000000000001> hi", None, {"user"}),
        ("`<@1400000000000000001>` hi", None, set[str]()),
        ("<@1400000000000000001> @everyone", {"parse": []}, set[str]()),
        ("<@1400000000000000001> @everyone", {"parse": ["everyone"]}, set[str]()),  # the bot may not ping all
        ("<@1400000000000000001>", {"users": ["1400000000000000002"]}, set[str]()),
    ],
)
async def test_only_allowed_mentions_ping(rest: Rest, content: str, allowed: Json | None, pinged: set[str]) -> None:
    await rest.send(content=content, allowed_mentions=allowed)

    assert {ping.kind for ping in rest.server.pings} == pinged


async def test_a_file_link_grows_old(server: LoopbackDiscord, rest: Rest) -> None:
    sent = await rest("POST", rest.messages, {}, [Upload("a.png", b"bytes")])
    url = sent.body["attachments"][0]["url"]
    async with rest.http.get(url) as fresh:
        assert await fresh.read() == b"bytes"
    async with rest.http.get(url.partition("?")[0]) as unsigned:
        assert unsigned.status == 404
    server.advance_clock(25 * 3600)
    async with rest.http.get(url) as old:
        assert old.status == 404


async def test_an_unknown_route_is_a_loud_404(server: LoopbackDiscord, rest: Rest) -> None:
    assert (await rest("PUT", "/channels/1/pins/2")).status == 404
    with pytest.raises(AssertionError, match="PUT /api/v10/channels/1/pins/2"):
        server.check()
