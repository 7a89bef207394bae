"""A mention where the bot may read and not write: its author hears of it somewhere else."""

import asyncio
from typing import Any

import discord
import simcord
from discord_acts import Books, eventually
from discord_pictures import picture

from bot.sandbox.once import text_of
from bot.sandbox.world import World


def closed_to_the_bot(here: World, **granted: bool) -> simcord.ChannelHandle:
    bot: Any = here.env.bot.user
    overwrites: Any = {bot: discord.PermissionOverwrite(send_messages=False, **granted)}
    return here.member.guild.create_text_channel("closed", overwrites=overwrites)


async def ask(here: World, channel: simcord.ChannelHandle, words: str = "make it night") -> discord.Message:
    bot = here.env.bot.user
    assert bot is not None
    return await here.member.send(channel, f"{bot.mention} {words}", attachments=[("a.png", picture("PNG"))])


def told(here: World) -> list[str]:
    return [text_of(one) for one in here.member.user.dm_channel.history()]


def reactions(here: World, message: discord.Message) -> list[str]:
    stored = here.env.backend.get_message(message.channel.id, message.id)
    return [str(one.emoji) for one in stored.reactions]


async def test_its_author_is_told_directly_what_is_missing(here: World, books: Books) -> None:
    closed = closed_to_the_bot(here)
    asked = await ask(here, closed)
    await eventually(lambda: told(here))
    (said,) = told(here)
    assert said.startswith(
        f"I read you in <#{closed.id}> and cannot answer: I need Send Messages and Attach Files there."
    )
    assert reactions(here, asked) == []
    assert books.untouched()


async def test_who_takes_no_direct_messages_sees_a_reaction(here: World) -> None:
    here.env.inject_error("POST", "/users/@me/channels", status=403, code=50007, times=None)
    asked = await ask(here, closed_to_the_bot(here))
    await eventually(lambda: reactions(here, asked) == ["🔇"])


async def test_where_neither_is_possible_nothing_happens(here: World, books: Books) -> None:
    here.env.inject_error("POST", "/users/@me/channels", status=403, code=50007, times=None)
    asked = await ask(here, closed_to_the_bot(here, add_reactions=False))
    await asyncio.sleep(0.05)
    assert reactions(here, asked) == []
    assert books.untouched()


async def test_what_discord_refuses_for_reasons_of_its_own_is_told_without_a_permission(
    here: World, books: Books
) -> None:
    here.env.inject_error("POST", f"/channels/{here.channel.id}/messages", status=403, code=160005, times=None)
    await ask(here, here.channel)
    await eventually(lambda: told(here))
    assert "cannot answer: Discord lets me write nothing there." in told(here)[0]
    await eventually(lambda: books.states() == ["cancelled"])


async def test_a_passing_trouble_of_discords_is_no_reason_to_write_to_anybody(here: World) -> None:
    here.env.inject_error("POST", f"/channels/{here.channel.id}/messages", status=503, times=None)
    asked = await ask(here, here.channel)
    await asyncio.sleep(0.05)
    assert (told(here), reactions(here, asked)) == ([], [])


async def test_talk_that_does_not_concern_the_bot_is_answered_nowhere(here: World) -> None:
    asked = await here.member.send(closed_to_the_bot(here), "nice weather", attachments=[("a.png", picture("PNG"))])
    await asyncio.sleep(0.05)
    assert (told(here), reactions(here, asked)) == ([], [])
