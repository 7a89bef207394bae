"""Private orders: progress, images and buttons for the requester alone, whatever happens on the way."""

import logging

import discord
import pytest
import simcord
from discord_acts import Books, buttons, eventually, finish, old_button, private, public, refusal
from discord_restart import Restart

from bot.sandbox.fal_faults import Fault
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import image_urls, text_of
from bot.sandbox.world import World

STUCK = Fault.RUN_STUCK_IN_PROGRESS
NOT_YOURS = "Only the person who ordered this can do that."


async def ordered(here: World) -> simcord.InteractionResult:
    return await here.member.slash(here.channel, "imagine", prompt="a secret lighthouse", private=True)


def direct(here: World) -> list[str]:
    """What stands in ann's direct messages and has images."""
    return [text_of(one) for one in here.member.user.dm_channel.history() if image_urls(one)]


async def test_everything_is_shown_to_the_requester_alone(here: World, books: Books) -> None:
    answer = await ordered(here)
    assert answer.response is not None
    assert answer.response.ephemeral
    progress = answer.response.message
    await eventually(lambda: books.states() == ["delivered"])
    assert public(here) == []
    (shown,) = private(answer)
    assert "Only you can see this." in shown
    assert image_urls(answer.response.message) != []
    assert "Again" in buttons(answer.response.message)
    assert answer.response.id == progress.id


async def test_the_prompt_reaches_no_log(here: World, books: Books, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="bot"), caplog.at_level(logging.DEBUG, logger="cogs"):
        await ordered(here)
        await eventually(lambda: books.states() == ["delivered"])
    assert "secret" not in caplog.text


async def test_again_under_a_private_result_is_private_too(here: World, books: Books) -> None:
    answer = await ordered(here)
    await eventually(lambda: books.states() == ["delivered"])
    assert answer.response is not None
    second = await here.member.click(answer.response.message, label="Again")
    await eventually(lambda: books.states() == ["delivered"] * 2)
    assert second.response is not None
    assert second.response.ephemeral
    assert public(here) == []


async def test_nobody_else_can_use_a_private_orders_buttons(here: World, books: Books) -> None:
    answer = await ordered(here)
    await eventually(lambda: books.states() == ["delivered"])
    assert answer.response is not None
    for custom_id in buttons(answer.response.message).values():
        for actor in (here.other, here.moderator):
            assert refusal(await actor.click(old_button(here, custom_id), label="Old")) == NOT_YOURS
    assert books.states() == ["delivered"]


async def test_undo_posts_no_private_image_for_others(here: World, books: Books) -> None:
    first = await ordered(here)
    await eventually(lambda: books.states() == ["delivered"])
    assert first.response is not None
    form = await here.member.click(first.response.message, label="Edit")
    filled = {"prompt": "make it night", "size": ["nano-banana-2|1K"], "shape": ["auto"]}
    second = await here.member.submit_modal(form, filled)
    await eventually(lambda: books.states() == ["delivered"] * 2)
    assert second.response is not None
    assert "not posted here" in refusal(await here.member.click(second.response.message, label="Undo"))
    assert public(here) == []


async def test_images_go_to_direct_messages_when_the_token_is_dead(here: World, fal: LoopbackFal, books: Books) -> None:
    fal.fail_next(STUCK)
    await ordered(here)
    await eventually(lambda: books.states() == ["queued"])
    here.time.passed += 900
    await finish(fal)
    await eventually(lambda: books.states() == ["delivered"])
    assert len(direct(here)) == 1
    assert public(here) == []


async def test_images_wait_for_jobs_when_direct_messages_are_closed_too(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    fal.fail_next(STUCK)
    await ordered(here)
    await eventually(lambda: books.states() == ["queued"])
    here.env.inject_error("POST", "/users/@me/channels", status=403, code=50007, times=None)
    here.time.passed += 900
    await finish(fal)
    await eventually(lambda: books.rows("SELECT told FROM jobs WHERE state = 'rendered'") == [(1,)])
    assert public(here) == []
    listed = await here.member.slash(here.channel, "jobs")
    assert listed.response is not None
    await here.member.click(listed.response.message, label="Show the images")
    await eventually(lambda: books.states() == ["delivered"])


async def test_a_living_token_is_used_after_a_restart(
    here: World, fal: LoopbackFal, books: Books, restart: Restart
) -> None:
    fal.fail_next(STUCK)
    answer = await ordered(here)
    await eventually(lambda: books.states() == ["queued"])
    async with restart(killed=True):
        await finish(fal)
        await eventually(lambda: books.states() == ["delivered"])
        assert answer.response is not None
        assert image_urls(answer.response.message) != []
    assert public(here) == []
    assert direct(here) == []


async def test_after_a_long_downtime_they_come_directly(
    here: World, fal: LoopbackFal, books: Books, restart: Restart
) -> None:
    fal.fail_next(STUCK)
    await ordered(here)
    await eventually(lambda: books.states() == ["queued"])
    async with restart(killed=True, downtime=900):
        await finish(fal)
        await eventually(lambda: books.states() == ["delivered"])
        assert len(direct(here)) == 1
    assert public(here) == []


async def test_a_failure_is_told_privately_too(here: World, fal: LoopbackFal, books: Books) -> None:
    fal.fail_next(Fault.RUN_CONTENT_POLICY, times=2)
    answer = await ordered(here)
    await eventually(lambda: books.rows("SELECT 1 FROM jobs WHERE state = 'failed' AND told = 1"))
    assert any("content check refused" in one for one in private(answer))
    assert public(here) == []


async def test_a_failure_after_the_tokens_death_is_told_directly_without_the_prompt(
    here: World, fal: LoopbackFal, books: Books, restart: Restart
) -> None:
    fal.fail_next(STUCK)
    await ordered(here)
    await eventually(lambda: books.states() == ["queued"])
    async with restart(killed=True, downtime=3600):
        await eventually(lambda: books.rows("SELECT 1 FROM jobs WHERE state = 'failed' AND told = 1"))
    (said,) = here.member.user.dm_channel.history()
    assert "fal took too long" in text_of(said)
    assert "secret" not in text_of(said)
    assert public(here) == []


async def test_private_needs_no_right_to_post_in_the_channel(here: World, books: Books) -> None:
    assert here.channel.guild is not None
    assert here.env.bot.user is not None
    overwrites = {here.env.bot.user: discord.PermissionOverwrite(send_messages=False)}
    closed = here.channel.guild.create_text_channel("closed", overwrites=overwrites)  # pyright: ignore[reportArgumentType] - its keys are invariant
    await here.member.slash(closed, "imagine", prompt="a secret lighthouse", private=True)
    await eventually(lambda: books.states() == ["delivered"])
