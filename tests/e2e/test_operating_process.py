"""The operator's command line and a running bot: what is ruled there reaches it within five seconds."""

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.operating import PERMISSIONS
from bot.sandbox.fal_faults import Fault
from bot.sandbox.fal_schema import ENDPOINTS
from tests.e2e.bot_process import BotProcess, bot_process
from tests.loopback.discord_interaction import Answer

FOLLOWED_WITHIN = 5.0
"""Seconds after the command has ended."""
FORGOTTEN_WITHIN = 15.0
"""Seconds after the start, which begins with a sweep; later ones come every ten minutes."""


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[BotProcess]:
    async with bot_process(tmp_path) as process:
        yield process


async def imagine(bot: BotProcess) -> Answer:
    """The first answer to an order."""
    used = await bot.discord.slash(bot.discord.member, bot.discord.channel, "imagine", {"prompt": "a cat"})
    return await used.first_response()


def rows(bot: BotProcess, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{bot.data_dir / 'bot.sqlite3'}?mode=ro", uri=True)) as connection:
        return list(connection.execute(sql))


def said(answer: Answer) -> str:
    assert answer.ephemeral
    assert answer.message is not None
    return answer.message.text


async def test_caps_suspensions_notices_and_leaving_reach_a_running_bot(bot: BotProcess) -> None:
    discord, guild = bot.discord, str(bot.discord.guild.id)
    await bot.start()
    assert not (await imagine(bot)).ephemeral
    await bot.result()

    assert (await bot.run("server", guild, "--monthly", "0"))[0] == 0
    assert said(await imagine(bot)).startswith("This server has 0 credits left this month and this needs 8.")
    _, listed = await bot.run("servers")
    assert listed.strip() == f"{guild} Loopback: 8 credits this month, cap 0"

    assert (await bot.run("server", guild, "--monthly", "default", "--suspend"))[0] == 0
    assert said(await imagine(bot)).startswith("The bot is switched off for this server")
    assert len(bot.fal.jobs) == 1, "nothing of that was sent to fal"

    assert (await bot.run("server", guild, "--resume"))[0] == 0
    assert not (await imagine(bot)).ephemeral
    await bot.result(2)

    log = {"name": "log_channel", "value": f"<#{discord.art_channel.id}>"}
    await (await discord.slash(discord.admin, discord.channel, "settings set", log)).first_response()
    assert (await bot.run("notice", "we move house"))[0] == 0
    await discord.eventually(
        lambda: [one for one in discord.messages(discord.art_channel) if "we move house" in one.text], FOLLOWED_WITHIN
    )

    assert (await bot.run("server", guild, "--leave"))[0] == 0
    await discord.eventually(lambda: discord.bot.id not in discord.guild.members or None, FOLLOWED_WITHIN)
    assert len([one for one in discord.messages(discord.art_channel) if "we move house" in one.text]) == 1


async def test_what_waits_in_line_hears_from_the_command_line_that_its_server_is_suspended(tmp_path: Path) -> None:
    async with bot_process(tmp_path, BOT_FAL__MAX_CONCURRENT="1") as bot:
        bot.fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
        await bot.start()
        await imagine(bot)
        await bot.discord.eventually(lambda: rows(bot, "SELECT 1 FROM jobs WHERE state = 'queued'"), FOLLOWED_WITHIN)
        await imagine(bot)
        assert (await bot.run("server", str(bot.discord.guild.id), "--suspend"))[0] == 0
        ended = "SELECT state FROM jobs WHERE told = 1"
        assert await bot.discord.eventually(lambda: rows(bot, ended), FOLLOWED_WITHIN) == [("failed",)]
        assert len(bot.fal.jobs) == 1


async def test_prices_and_the_invite_are_asked_of_the_vendors(bot: BotProcess) -> None:
    code, listed = await bot.run("prices", "--check")
    assert code == 0
    assert "fal-ai/nano-banana-2/edit: $0.08, the same at fal" in listed.splitlines()
    code, address = await bot.run("invite")
    assert code == 0
    assert address.strip() == (
        f"https://discord.com/oauth2/authorize?client_id={bot.discord.bot.id}"
        f"&scope=bot+applications.commands&permissions={PERMISSIONS}"
    )


async def test_a_price_that_differs_at_fal_is_told_and_fails_the_check(
    bot: BotProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = ENDPOINTS["fal-ai/nano-banana-2"]
    monkeypatch.setitem(ENDPOINTS, "fal-ai/nano-banana-2", replace(endpoint, unit_price=endpoint.unit_price * 2))
    code, listed = await bot.run("prices", "--check")
    assert code == 1
    assert "fal-ai/nano-banana-2: $0.08, but at fal $0.16" in listed.splitlines()


async def test_whoever_asks_is_forgotten_by_the_next_sweep(bot: BotProcess) -> None:
    discord = bot.discord
    await bot.start()
    await imagine(bot)
    await bot.result()
    await discord.eventually(lambda: rows(bot, "SELECT state FROM jobs") == [("delivered",)])
    asked = await discord.slash(discord.member, discord.channel, "mydata erase")
    answer = await asked.first_response()
    assert answer.message is not None
    clicked = await discord.click(discord.member, answer.message, "Forget me")
    assert "within the hour" in said(await clicked.first_response())
    assert await bot.stop() == 0
    await discord.offline()
    await bot.start()

    await discord.eventually(lambda: rows(bot, "SELECT 1 FROM erasures") == [], FORGOTTEN_WITHIN)
    listed = await discord.slash(discord.member, discord.channel, "jobs")
    assert said(await listed.first_response()).startswith("You have not ordered anything here yet.")


async def test_a_struck_member_is_told_over_real_sockets_and_closed_messages_are_no_failure(bot: BotProcess) -> None:
    discord = bot.discord
    await bot.start()
    for opens in (True, False):
        discord.set_dms(discord.member, open_to_bot=opens)
        used = await discord.slash(discord.moderator, discord.channel, "strike", {"member": discord.member})
        answer = await used.first_response()
        assert answer.seconds < 2.0
        told = "They were told in a direct message." if opens else "They could not be told"
        await discord.eventually(lambda: told in said(answer) or None)  # noqa: B023 - awaited in its turn
    (direct,) = discord.messages(discord.dm(discord.member))
    assert "It is 1 of 3, and you can go on ordering." in direct.text
