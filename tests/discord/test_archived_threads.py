"""Threads that are archived: the bot's cache holds none of them, so what they are is asked of Discord."""

import asyncio
from typing import Any

import discord
import pytest
import simcord
from discord_acts import Books, eventually, refusal
from discord_pictures import picture

from bot.domain.rules import Channels, Rules
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import image_urls, text_of
from bot.sandbox.world import World

FOR_ADULTS = "That image was made in an age-restricted channel"


@pytest.fixture
async def thread(here: World) -> simcord.ChannelHandle:
    """Below #pictures."""
    return await thread_of(here, here.channel)


@pytest.fixture
async def log(here: World) -> simcord.ChannelHandle:
    channel = here.member.guild.create_text_channel("desk")
    await log_to(here, channel)
    return channel


async def thread_of(here: World, channel: simcord.ChannelHandle) -> simcord.ChannelHandle:
    await known(here, channel).create_thread(name="lighthouses", type=discord.ChannelType.public_thread)
    return channel.threads[0]


async def log_to(here: World, channel: simcord.ChannelHandle) -> None:
    said = await here.moderator.slash(here.channel, "settings set", name="log_channel", value=channel.mention)
    assert refusal(said).startswith("Saved."), refusal(said)


async def result_in(log: simcord.ChannelHandle) -> discord.Message:
    """The log's entry of a result."""
    return (await eventually(lambda: [one for one in log.history() if "**Result**" in text_of(one)]))[0]


def known(here: World, channel: simcord.ChannelHandle) -> Any:  # noqa: ANN401 - a text channel or a thread
    """As the bot's cache has it; simcord knows no age restriction."""
    return here.app.client.get_channel(channel.id)


async def forgotten(here: World, thread: simcord.ChannelHandle) -> None:
    """It is archived, and so leaves the bot's cache."""
    here.env.backend.edit_channel(thread.id, {}, thread_metadata={"archived": True})
    await eventually(lambda: known(here, thread) is None)


async def silent(_channel_id: int) -> None:
    await asyncio.sleep(600)


def images(channel: simcord.ChannelHandle) -> list[discord.Message]:
    return [one for one in channel.history() if image_urls(one)]


async def made(here: World, channel: simcord.ChannelHandle) -> discord.Message:
    await here.member.slash(channel, "imagine", prompt="a lighthouse")
    return (await eventually(lambda: images(channel)))[0]


async def show_elsewhere(here: World) -> tuple[simcord.ChannelHandle, simcord.InteractionResult]:
    """ann brings her newest result back in a channel that is open to all ages."""
    elsewhere = here.member.guild.create_text_channel("elsewhere")
    shown = (await here.member.slash(elsewhere, "history")).response
    assert shown is not None
    return elsewhere, await here.member.click(shown.message, label="Show here")


async def test_what_was_made_there_for_adults_is_not_shown_to_all_ages(
    here: World, thread: simcord.ChannelHandle
) -> None:
    known(here, here.channel).nsfw = True
    await made(here, thread)
    await forgotten(here, thread)
    elsewhere, answer = await show_elsewhere(here)
    assert refusal(answer).startswith(FOR_ADULTS)
    assert images(elsewhere) == []


async def test_what_was_made_there_for_all_ages_is_shown(here: World, thread: simcord.ChannelHandle) -> None:
    await made(here, thread)
    await forgotten(here, thread)
    elsewhere, _ = await show_elsewhere(here)
    await eventually(lambda: images(elsewhere))


@pytest.mark.parametrize("trouble", [503, 403, None])
async def test_while_discord_does_not_say_what_it_is_nothing_of_it_is_shown(
    here: World, thread: simcord.ChannelHandle, monkeypatch: pytest.MonkeyPatch, trouble: int | None
) -> None:
    await made(here, thread)
    await forgotten(here, thread)
    if trouble is None:  # it never answers
        monkeypatch.setattr(here.app.client.http, "get_channel", silent)
    else:
        here.env.inject_error("GET", f"/channels/{thread.id}", status=trouble, times=None)
    elsewhere, answer = await show_elsewhere(here)
    assert refusal(answer).startswith(FOR_ADULTS)
    assert images(elsewhere) == []


async def test_who_moderates_its_channel_moderates_what_was_made_there(
    here: World, log: simcord.ChannelHandle, books: Books
) -> None:
    overwrites: Any = {here.other: discord.PermissionOverwrite(manage_messages=True)}
    own = here.member.guild.create_text_channel("own", overwrites=overwrites)
    thread = await thread_of(here, own)
    await made(here, thread)
    await forgotten(here, thread)
    form = await here.other.click(await result_in(log), label="Strike")
    await here.other.submit_modal(form, {"reason": "rude"})
    assert books.rows("SELECT kind FROM member_acts") == [("strike",)]
    here.env.inject_error("GET", f"/channels/{thread.id}", status=503, times=None)
    said = refusal(await here.other.click(await result_in(log), label="Strike"))
    assert said == "Only moderators of this server can do that."


async def test_its_messages_follow_the_rules_of_its_channel(
    here: World, thread: simcord.ChannelHandle, fal: LoopbackFal
) -> None:
    scope = f"guild:{here.member.guild.id}"
    record = await here.app.rules.rules(scope)
    rules = Rules(channels=Channels.EXCEPT, listed_channels=frozenset({here.channel.id}))
    await here.app.rules.change_rules(scope, record, rules, by=here.moderator.id, at=1.0)
    await forgotten(here, thread)
    bot = here.env.bot.user
    assert bot is not None
    await here.other.send(thread, f"{bot.mention} make it night", attachments=[("a.png", picture("PNG"))])
    said = await eventually(lambda: [one for one in thread.history() if one.author.id == bot.id])
    assert "do not allow images in this channel" in text_of(said[0])
    assert not fal.requests
