"""SIGKILL at every named point of a job's life; the next start takes the job to its end, once."""

import io
from pathlib import Path

import pytest
from PIL import Image

from bot.sandbox.fal_faults import Fault, Step
from bot.service.points import DIE_AT, Point
from tests.e2e.bot_process import BotProcess, bot_process
from tests.loopback.discord_bodies import Upload
from tests.loopback.discord_interaction import Interaction
from tests.loopback.discord_permissions import Permission

SIGKILLED = -9
DELIVERED = (
    Point.HELD,
    Point.ANSWERED,
    Point.PREPARED,
    Point.SUBMITTED,
    Point.QUEUED,
    Point.COMPLETED,
    Point.COLLECTED,
    Point.RENDERED,
    Point.POSTED,
    Point.DELIVERED,
    Point.TOLD,
    Point.LOST,
)
"""Points after which the images still come."""


def photo() -> Upload:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "navy").save(buffer, "PNG")
    return Upload("photo.png", buffer.getvalue(), "image/png")


async def order(bot: BotProcess, command: str) -> Interaction:
    discord = bot.discord
    pictures = {"image": photo()} if command == "edit" else None
    return await discord.slash(discord.member, discord.channel, command, {"prompt": "a cat"}, attachments=pictures)


async def die_at(bot: BotProcess, point: Point, command: str) -> Interaction:
    await bot.start(**{DIE_AT: point.value})
    placed = await order(bot, command)
    if point is Point.CANCELLING:
        progress = (await placed.first_response()).message
        assert progress is not None
        await bot.discord.eventually(lambda: len(bot.fal.jobs) == 1)
        await bot.discord.click(bot.discord.member, progress, "Cancel")
    assert await bot.ended(30) == SIGKILLED
    await bot.discord.offline()
    return placed


async def check_books(bot: BotProcess) -> None:
    code, output = await bot.run("audit")
    assert (code, output.strip()) == (0, "the books agree")


CASES = [(point, command) for point in DELIVERED for command in ("imagine", "edit")]
CASES.remove((Point.PREPARED, "imagine"))


@pytest.mark.parametrize(("point", "command"), CASES)
async def test_after_a_kill_the_images_come_once_and_are_paid_once(tmp_path: Path, point: Point, command: str) -> None:
    async with bot_process(tmp_path) as bot:
        if point is Point.LOST:
            bot.fal.fail_next(Fault.SUBMIT_DROP_AFTER)
        await die_at(bot, point, command)
        await bot.start()
        await bot.result()
        await bot.discord.eventually(lambda: len(bot.discord.messages(bot.discord.channel)) == 1, within=10)
        assert await bot.stop() == 0
        assert len(bot.results()) == 1
        assert len(bot.fal.seen(Step.SUBMIT)) == 1
        assert len(bot.fal.billed) == 1
        await check_books(bot)


async def test_after_a_kill_where_nothing_can_be_seen_the_images_still_come_once(tmp_path: Path) -> None:
    """Sent again soon enough, with the same nonce, they are the message that stands."""
    async with bot_process(tmp_path) as bot:
        bot.discord.restrict_bot(bot.discord.channel, Permission.READ_MESSAGE_HISTORY)
        await die_at(bot, Point.POSTED, "imagine")
        [posted] = bot.results()
        await bot.start()
        await bot.discord.eventually(lambda: len(bot.discord.messages(bot.discord.channel)) == 1, within=10)
        assert await bot.stop() == 0
        assert bot.results() == [posted]
        await check_books(bot)


async def test_killed_before_the_request_left_it_is_never_sent_and_its_credits_come_back(tmp_path: Path) -> None:
    async with bot_process(tmp_path, BOT_FAL__FIND_LOST="0.1") as bot:
        placed = await die_at(bot, Point.SUBMITTING, "imagine")
        await bot.start()
        await bot.discord.eventually(lambda: placed.followups, within=20)
        [told] = placed.followups
        assert "did not show up" in told.text
        assert [button["label"] for button in told.buttons] == ["Try again"]
        assert not bot.fal.seen(Step.SUBMIT)
        quota = await bot.discord.slash(bot.discord.member, bot.discord.channel, "quota")
        answer = (await quota.first_response()).message
        assert answer is not None
        assert "200 credits of 200" in answer.text
        await check_books(bot)


@pytest.mark.parametrize("point", [Point.ENDED, Point.TOLD])
async def test_killed_around_the_bad_news_the_member_is_told(tmp_path: Path, point: Point) -> None:
    async with bot_process(tmp_path) as bot:
        bot.fal.fail_next(Fault.RUN_CONTENT_POLICY, times=2)  # the second is the free retry
        placed = await die_at(bot, point, "imagine")
        await bot.start()
        if point is Point.ENDED:
            [message] = bot.discord.messages(bot.discord.channel)
            await bot.discord.eventually(lambda: "refused" in message.text)
        assert await bot.stop() == 0
        told_privately = [one for one in placed.followups if "refused" in one.text]
        told_publicly = [one for one in bot.discord.messages(bot.discord.channel) if "refused" in one.text]
        assert len(told_privately) + len(told_publicly) == 1
        await check_books(bot)


async def test_killed_while_cancelling_the_cancel_still_reaches_fal(tmp_path: Path) -> None:
    async with bot_process(tmp_path, seconds=60.0) as bot:
        await die_at(bot, Point.CANCELLING, "imagine")
        assert not bot.fal.seen(Step.CANCEL)
        await bot.start()
        [message] = bot.discord.messages(bot.discord.channel)
        await bot.discord.eventually(lambda: "Cancelled" in message.text, within=10)
        assert len(bot.fal.seen(Step.CANCEL)) == 1
        await check_books(bot)


def test_every_point_is_covered() -> None:
    others = {Point.SUBMITTING, Point.ENDED, Point.CANCELLING}
    assert set(Point) == set(DELIVERED) | others
