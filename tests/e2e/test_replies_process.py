"""Replies over real sockets: with and without the intent, and killed at the points of an order by a message."""

import io
from pathlib import Path

import pytest
from PIL import Image

from bot.sandbox.fal_faults import Fault, Step
from bot.service.points import DIE_AT, Point
from tests.e2e.bot_process import BotProcess, bot_process
from tests.loopback.discord_bodies import Upload
from tests.loopback.discord_state import Message

SIGKILLED = -9
POINTS = (Point.HELD, Point.ANSWERED, Point.SUBMITTED, Point.QUEUED, Point.RENDERED, Point.POSTED, Point.DELIVERED)


def photo() -> Upload:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "navy").save(buffer, "PNG")
    return Upload("photo.png", buffer.getvalue(), "image/png")


async def a_result(bot: BotProcess) -> Message:
    await bot.discord.slash(bot.discord.member, bot.discord.channel, "imagine", {"prompt": "a cat"})
    result = await bot.result()
    await bot.discord.eventually(lambda: len(bot.discord.messages(bot.discord.channel)) == 1)
    return result


async def say(bot: BotProcess, words: str, reply_to: Message | None = None, *files: Upload) -> Message:
    discord = bot.discord
    return await discord.say(discord.member, discord.channel, words, reply_to=reply_to, attachments=files)


async def check_books(bot: BotProcess) -> None:
    code, output = await bot.run("audit")
    assert (code, output.strip()) == (0, "the books agree")


async def test_a_chain_of_replies_uploads_nothing(tmp_path: Path) -> None:
    async with bot_process(tmp_path) as bot:
        await bot.start()
        result = await a_result(bot)
        for number, words in enumerate(("make it night", "add a moon"), start=2):
            asked = await say(bot, words, result)
            result = await bot.result(number)
            assert result.reference is asked
        assert "Edit 2 of [this image]" in result.text
        assert bot.fal.seen(Step.UPLOAD) == []
        assert [ping.target_id for ping in bot.discord.pings if ping.message_id == result.id] == [bot.discord.member.id]
        await bot.discord.eventually(lambda: len(bot.discord.messages(bot.discord.channel)) == 5)
        assert await bot.stop() == 0
        await check_books(bot)


@pytest.mark.parametrize("point", POINTS)
async def test_after_a_kill_the_edit_comes_once_and_its_progress_goes(tmp_path: Path, point: Point) -> None:
    async with bot_process(tmp_path) as bot:
        await bot.start()
        result = await a_result(bot)
        await bot.stop()
        await bot.discord.offline()
        await bot.start(**{DIE_AT: point.value})
        asked = await say(bot, "make it night", result)
        assert await bot.ended(30) == SIGKILLED
        await bot.discord.offline()
        await bot.start()
        edit = await bot.result(2)
        assert edit.reference is asked
        left = [result, asked, edit]
        await bot.discord.eventually(lambda: bot.discord.messages(bot.discord.channel) == left, within=10)
        assert await bot.stop() == 0
        assert len(bot.fal.seen(Step.SUBMIT)) == 2
        assert len(bot.fal.billed) == 2
        await check_books(bot)


@pytest.mark.parametrize("point", [Point.ENDED, Point.TOLD])
async def test_killed_around_the_bad_news_it_is_told_once(tmp_path: Path, point: Point) -> None:
    async with bot_process(tmp_path) as bot:
        await bot.start()
        result = await a_result(bot)
        await bot.stop()
        await bot.discord.offline()
        bot.fal.fail_next(Fault.RUN_CONTENT_POLICY, times=2)
        await bot.start(**{DIE_AT: point.value})
        asked = await say(bot, "make it night", result)
        assert await bot.ended(30) == SIGKILLED
        await bot.discord.offline()
        await bot.start()

        def told() -> bool:
            return [
                one.reference
                for one in bot.discord.messages(bot.discord.channel)
                if "content check refused" in one.text
            ] == [asked]

        await bot.discord.eventually(told)
        assert await bot.stop() == 0
        assert told()
        await check_books(bot)


async def test_without_the_intent_a_foreign_image_is_hidden(tmp_path: Path) -> None:
    async with bot_process(tmp_path) as bot:
        await bot.start()
        theirs = await say(bot, "my cat", None, photo())
        await say(bot, f"<@{bot.discord.world.bot.id}> make it night", theirs)
        await bot.discord.eventually(
            lambda: any("Apps > Edit image" in one.text for one in bot.discord.messages(bot.discord.channel))
        )
        assert bot.fal.jobs == {}
        await bot.stop()
        assert len(bot.discord.messages(bot.discord.channel)) == 2  # what was short-lived went with the bot


async def test_with_the_intent_it_is_edited(tmp_path: Path) -> None:
    async with bot_process(tmp_path, BOT_DISCORD__MESSAGE_CONTENT="true") as bot:
        bot.discord.world.application_flags = 1 << 19
        await bot.start()
        theirs = await say(bot, "my cat", None, photo())
        await say(bot, f"<@{bot.discord.world.bot.id}> make it night", theirs)
        await bot.discord.eventually(lambda: len(bot.fal.jobs) == 1)
        [job] = bot.fal.jobs.values()
        assert job.endpoint.endswith("/edit")
        await bot.discord.eventually(lambda: len(bot.results()) == 2)  # theirs, and the edit
