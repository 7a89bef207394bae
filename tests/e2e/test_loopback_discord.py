"""The loopback Discord against a real discord.py client: what the other tests rely on must hold."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import discord.gateway
import discord.http
import pytest
import yarl

from tests.loopback.discord_bodies import Upload
from tests.loopback.discord_commands import NotPossibleError
from tests.loopback.discord_faults import Fault
from tests.loopback.discord_interaction import DEFER, REPLY, NoAnswerError
from tests.loopback.discord_server import LoopbackDiscord
from tests.loopback.discord_state import MIB
from tests.loopback.sketch_bot import SketchBot, picture


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LoopbackDiscord]:
    async with LoopbackDiscord() as running:
        point_discord_py_at(running.api_url, running.gateway_url, monkeypatch)
        yield running
        running.check()


def point_discord_py_at(api_url: str, gateway_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord.http.Route, "BASE", api_url)
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(gateway_url))


@pytest.fixture
async def bot(server: LoopbackDiscord) -> AsyncIterator[SketchBot]:
    async with SketchBot() as client:
        running = asyncio.create_task(client.start(server.token), name="sketch-bot")
        await server.online()
        await client.wait_until_ready()
        yield client
        await client.close()
        await running


def channel_of(bot: SketchBot, server: LoopbackDiscord) -> discord.TextChannel:
    channel = bot.get_channel(server.channel.id)
    assert isinstance(channel, discord.TextChannel)
    return channel


# -- coming online ---------------------------------------------------------------------------------------------------


async def test_a_bot_logs_in_registers_its_commands_and_sees_its_guild(server: LoopbackDiscord, bot: SketchBot) -> None:
    assert [guild.name for guild in bot.guilds] == ["Loopback"]
    assert bot.guilds[0].me.guild_permissions.attach_files
    assert {command["name"] for command in server.commands} >= {"draw", "rules", "Describe image"}
    assert server.counts["put_commands"] == 1
    assert server.gateway.identifies[0]["intents"] == 4609


async def test_a_wrong_token_is_refused_by_login_and_by_the_gateway(server: LoopbackDiscord) -> None:
    async with SketchBot() as client:
        with pytest.raises(discord.LoginFailure):
            await client.login("wrong")
    async with aiohttp.ClientSession() as session, session.ws_connect(server.gateway_url) as socket:
        await socket.receive_json()
        await socket.send_json({"op": 2, "d": {"token": "wrong", "intents": 0}})
        assert (await socket.receive()).data == 4004


async def test_an_intent_the_portal_does_not_grant_is_refused(server: LoopbackDiscord) -> None:
    async with SketchBot(message_content=True) as client:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            await client.start(server.token)


async def test_a_dropped_connection_is_resumed_and_nothing_is_missed(server: LoopbackDiscord, bot: SketchBot) -> None:
    await server.drop_gateway()
    await server.say(server.member, server.channel, f"<@{server.bot.id}> did you hear that?")

    await server.eventually(lambda: bot.heard)

    assert (server.gateway.resumes, len(server.gateway.identifies)) == (1, 1)


# -- slash commands, buttons, forms, menus ---------------------------------------------------------------------------


async def test_a_slash_command_with_a_file_leads_to_a_response_and_a_channel_message(
    server: LoopbackDiscord, bot: SketchBot
) -> None:
    used = await server.slash(
        server.member, server.channel, "draw", {"prompt": "a cat"}, attachments={"image": Upload("in.png", picture())}
    )
    answer = await used.first_response()
    posted = await server.eventually(lambda: server.messages(server.channel)[1:])

    assert (answer.kind, answer.seconds < 1) == (DEFER, True)
    assert used.message is not None
    assert used.message.text == f"a cat: {len(picture())} bytes, 1 x fast"
    [attachment] = posted[0].attachments
    assert (attachment.filename, attachment.description) == ("a_cat.png", "a cat")
    assert (attachment.width, attachment.height) == (32, 16)
    assert [ping.target_id for ping in server.pings] == [server.member.id]
    async with aiohttp.ClientSession() as session, session.get(attachment.url) as response:
        assert hashlib.sha256(await response.read()).hexdigest() == attachment.sha256
    assert not bot.failures


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "left out"),
        ({"prompt": 7}, "takes"),
        ({"prompt": "x", "count": 5}, "not within"),
        ({"prompt": "x", "size": 1}, "unknown options"),
    ],
)
@pytest.mark.usefixtures("bot")
async def test_options_a_client_would_not_accept_fail_loudly(
    server: LoopbackDiscord, options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(NotPossibleError, match=complaint):
        await server.slash(server.member, server.channel, "draw", options)


@pytest.mark.usefixtures("bot")
async def test_a_moderators_command_is_hidden_from_members(server: LoopbackDiscord) -> None:
    with pytest.raises(NotPossibleError, match="hidden"):
        await server.slash(server.member, server.channel, "rules")
    with pytest.raises(NotPossibleError, match="not offered"):
        await server.slash(server.moderator, server.dm(server.moderator), "rules")

    answer = await (await server.slash(server.moderator, server.channel, "rules")).first_response()

    assert (answer.kind, answer.ephemeral, answer.content) == (REPLY, True, "no rules")
    assert server.messages(server.channel) == []
    assert len(server.messages(server.channel, seen_by=server.moderator)) == 1


@pytest.mark.usefixtures("bot")
async def test_typing_into_an_option_brings_the_bots_choices(server: LoopbackDiscord) -> None:
    typing = await server.autocomplete(server.member, server.channel, "draw", {"model": "fi"}, focus="model")

    assert [choice["value"] for choice in (await typing.first_response()).choices] == ["fine"]


async def test_a_click_on_a_lasting_button_opens_a_form_and_what_is_sent_reaches_the_bot(
    server: LoopbackDiscord, bot: SketchBot
) -> None:
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Again", custom_id="again:7"))
    sent = await channel_of(bot, server).send("with a button", view=view)

    clicked = await server.click(server.member, server.world.messages[sent.id], "Again")
    assert (await clicked.first_response()).opens_modal
    files = {"Picture": [Upload("new.png", picture("red"))]}
    submitted = await server.submit_modal(clicked, {"Prompt": "a dog"}, attachments=files)

    assert (await submitted.first_response()).content == f"a dog [{len(picture('red'))}]"


@pytest.mark.usefixtures("bot")
async def test_a_context_menu_shows_the_bot_a_message_it_could_not_read(server: LoopbackDiscord) -> None:
    said = await server.say(server.other_member, server.channel, "my cat", attachments=[Upload("c.png", picture())])

    used = await server.context_menu(server.member, said, "Describe image")

    assert (await used.first_response()).content == "my cat: ['c.png']"


async def test_a_gallery_edited_into_the_response_shows_its_files_and_lists_no_attachments(
    server: LoopbackDiscord, bot: SketchBot
) -> None:
    used = await server.slash(server.member, server.channel, "gallery")
    message = await server.eventually(lambda: used.message if used.message and used.message.attachments else None)

    seen = await channel_of(bot, server).fetch_message(message.id)
    assert seen.attachments == []
    [shown] = [part for part in seen.components if isinstance(part, discord.MediaGalleryComponent)]
    assert [item.media.attachment_id for item in shown.items] == [a.id for a in message.attachments]


# -- messages --------------------------------------------------------------------------------------------------------


async def test_only_messages_that_mention_the_bot_can_be_read_without_the_intent(
    server: LoopbackDiscord, bot: SketchBot
) -> None:
    sent = await channel_of(bot, server).send("a result")
    foreign = await server.say(server.other_member, server.channel, "a secret")
    await server.say(server.member, server.channel, "bigger", reply_to=server.world.messages[sent.id])
    await server.say(server.member, server.channel, f"<@{server.bot.id}> this one", reply_to=foreign)
    await server.say(server.member, server.dm(server.member), "in private")

    await server.eventually(lambda: len(bot.heard) == 4)

    assert [message.content for message in bot.heard] == ["", "bigger", f"<@{server.bot.id}> this one", "in private"]
    quoted = bot.heard[2].reference.resolved if bot.heard[2].reference else None
    assert isinstance(quoted, discord.Message)
    assert quoted.content == ""
    fetched = await channel_of(bot, server).fetch_message(foreign.id)
    assert fetched.content == ""


async def test_a_plain_reply_to_a_slash_response_does_not_reach_the_bot(
    server: LoopbackDiscord, bot: SketchBot
) -> None:
    used = await server.slash(server.member, server.channel, "gallery")
    response = await server.eventually(lambda: used.message if used.message and used.message.attachments else None)

    await server.say(server.member, server.channel, "bigger", reply_to=response)
    await server.eventually(lambda: bot.heard)

    assert (bot.heard[0].content, bot.heard[0].mentions) == ("", [])


async def test_the_same_nonce_posts_one_message(server: LoopbackDiscord, bot: SketchBot) -> None:
    channel = channel_of(bot, server)
    files = [discord.File(io.BytesIO(picture()), "a.png") for _ in range(2)]

    first = await channel.send("done", file=files[0], nonce="job-1")
    second = await channel.send("done", file=files[1], nonce="job-1")

    assert first.id == second.id
    assert len(server.messages(server.channel)) == 1


async def test_a_deleted_channel_is_announced_and_unknown_afterwards(server: LoopbackDiscord, bot: SketchBot) -> None:
    channel = channel_of(bot, server)
    server.delete_channel(server.channel)
    await server.eventually(lambda: bot.get_channel(channel.id) is None)

    with pytest.raises(discord.NotFound) as refused:
        await channel.send("anyone?")
    assert refused.value.code == 10003


# -- what goes wrong -------------------------------------------------------------------------------------------------


async def test_an_answer_after_three_seconds_is_an_unknown_interaction(server: LoopbackDiscord, bot: SketchBot) -> None:
    used = await server.slash(server.member, server.channel, "slow")
    with pytest.raises(NoAnswerError, match="no answer to /slow"):
        await used.first_response(0.05)
    server.advance_clock(4)
    bot.may_answer.set()

    await server.eventually(lambda: bot.failures)

    assert isinstance(bot.failures[0], discord.NotFound)
    assert bot.failures[0].code == 10062


async def test_a_token_dies_after_fifteen_minutes(server: LoopbackDiscord, bot: SketchBot) -> None:
    used = await server.slash(server.member, server.channel, "draw", {"prompt": "a cat"})
    await server.eventually(lambda: len(server.messages(server.channel)) == 2)
    webhook = discord.Webhook.partial(server.bot.id, used.token, client=bot)
    await webhook.edit_message(used.message.id if used.message else 0, content="still alive")

    server.advance_clock(15 * 60)
    with pytest.raises(discord.HTTPException) as refused:
        await webhook.edit_message(used.message.id if used.message else 0, content="too late")

    assert (refused.value.status, refused.value.code) == (401, 50027)


async def test_a_message_stands_although_its_answer_was_lost(server: LoopbackDiscord, bot: SketchBot) -> None:
    server.fail_next("create_message", Fault.ANSWER_LOST)

    with pytest.raises((OSError, aiohttp.ClientError)):
        await channel_of(bot, server).send("done", nonce="job-1")

    assert [message.text for message in server.messages(server.channel)] == ["done"]
    await channel_of(bot, server).send("done", nonce="job-1")
    assert len(server.messages(server.channel)) == 1


async def test_a_file_over_the_guilds_limit_is_refused(server: LoopbackDiscord, bot: SketchBot) -> None:
    big = discord.File(io.BytesIO(b"\0" * (10 * MIB + 1)), "big.png")

    with pytest.raises(discord.HTTPException) as refused:
        await channel_of(bot, server).send(file=big)

    assert (refused.value.status, refused.value.code) == (413, 40005)


async def test_after_an_outage_the_bot_comes_back(server: LoopbackDiscord, bot: SketchBot) -> None:
    server.outage(0.2)
    with pytest.raises((OSError, aiohttp.ClientError)):
        await channel_of(bot, server).send("hello")
    await server.offline()

    await server.online()
    await channel_of(bot, server).send("hello again")

    assert [message.text for message in server.messages(server.channel)] == ["hello again"]
