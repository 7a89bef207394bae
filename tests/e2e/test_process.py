"""The process as in production: it answers, generates, edits, cancels and stops."""

import asyncio
import io
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from bot.sandbox.fal_faults import Step
from tests.e2e.bot_process import BotProcess, bot_process
from tests.loopback.discord_bodies import Upload


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[BotProcess]:
    async with bot_process(tmp_path) as process:
        yield process


def photo() -> Upload:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "navy").save(buffer, "JPEG")
    return Upload("photo.jpg", buffer.getvalue(), "image/jpeg")


async def test_it_answers_generates_edits_cancels_and_stops(bot: BotProcess) -> None:
    discord, fal = bot.discord, bot.fal
    await bot.start()

    imagine = await discord.slash(discord.member, discord.channel, "imagine", {"prompt": "a cat"})
    answer = await imagine.first_response()
    assert answer.seconds < 1.0
    assert not answer.ephemeral
    result = await bot.result()
    assert f"<@{discord.member.id}>" in result.text
    assert [ping.target_id for ping in discord.pings] == [discord.member.id]
    await discord.eventually(lambda: answer.message is not None and answer.message.deleted)

    edit = await discord.slash(
        discord.member, discord.channel, "edit", {"prompt": "make it red"}, attachments={"image": photo()}
    )
    assert not (await edit.first_response()).ephemeral
    await bot.result(2)
    assert [job.endpoint for job in fal.jobs.values()] == ["fal-ai/nano-banana-2", "fal-ai/nano-banana-2/edit"]

    fal.generation.seconds = 30.0
    slow = await discord.slash(discord.member, discord.channel, "imagine", {"prompt": "a slow cat"})
    progress = (await slow.first_response()).message
    assert progress is not None
    await discord.eventually(lambda: len(fal.jobs) == 3)
    click = await discord.click(discord.member, progress, "Cancel")
    await click.first_response()
    await discord.eventually(lambda: "Cancelled" in progress.text, within=10)
    assert len(fal.seen(Step.CANCEL)) == 1

    code, audit = await bot.run("audit")
    assert (code, audit.strip()) == (0, "the books agree")
    assert await bot.stop() == 0


async def test_commands_are_registered_once_until_they_change(bot: BotProcess) -> None:
    await bot.start()
    await bot.stop()
    await bot.discord.offline()
    await bot.start()
    assert bot.discord.counts["put_commands"] == 1


async def test_a_job_that_was_running_when_the_bot_stopped_goes_on_after_the_restart(bot: BotProcess) -> None:
    discord, fal = bot.discord, bot.fal
    fal.generation.seconds = 4.0
    await bot.start()
    imagine = await discord.slash(discord.member, discord.channel, "imagine", {"prompt": "a cat"})
    progress = (await imagine.first_response()).message
    assert progress is not None
    await discord.eventually(lambda: len(fal.jobs) == 1)
    await asyncio.sleep(0.3)
    assert await bot.stop() == 0
    assert "restarting" in progress.text
    assert not fal.seen(Step.CANCEL)
    await discord.offline()
    await bot.start()
    await bot.result()
    assert len(fal.billed) == 1


async def test_a_second_bot_on_the_same_data_refuses_to_start(bot: BotProcess) -> None:
    await bot.start()
    code, output = await bot.run("run")
    assert code == 2
    assert output.strip().endswith("another bot is running on it")
    assert len(output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("BOT_QUOTA__MEMBER_JOBS", "many", "quota.member_jobs"),
        ("BOT_QUOTTA__MEMBER_JOBS", "3", "BOT_QUOTTA__MEMBER_JOBS"),
        ("BOT_SETTINGS", "/nowhere/settings.toml", "/nowhere/settings.toml"),
        ("FAL_KEY", "", "FAL_KEY"),
        ("DISCORD_TOKEN", "wrong", "DISCORD_TOKEN"),
    ],
)
async def test_what_is_wrong_at_the_start_is_one_line_and_exit_code_2(
    bot: BotProcess, name: str, value: str, named: str
) -> None:
    bot.settings = {name: value}
    code, output = await bot.run("run")
    assert code == 2
    assert named in output
    assert len(output.strip().splitlines()) == 1
    assert "Traceback" not in output


@pytest.mark.parametrize("damage", ["garbage", "a page", "newer"])
async def test_a_database_that_cannot_be_used_stops_the_start_and_is_left_as_it_is(
    bot: BotProcess, damage: str
) -> None:
    file = bot.data_dir / "bot.sqlite3"
    await bot.start()
    await bot.stop()
    with closing(sqlite3.connect(file)) as connection:
        [size] = connection.execute("PRAGMA page_size").fetchone()
        [page] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'jobs_in_flight'").fetchone()
        if damage == "newer":
            connection.execute("PRAGMA user_version = 999")
    if damage == "garbage":
        file.write_bytes(b"this is no database" * 1000)
    if damage == "a page":
        with file.open("r+b") as opened:
            opened.seek((page - 1) * size)
            opened.write(b"\xff" * size)
    before = file.read_bytes()
    code, output = await bot.run("run")
    assert code == 2
    assert str(file) in output
    assert len(output.strip().splitlines()) == 1
    assert file.read_bytes() == before
