"""The Cancel button: who may press it, when it helps, and what it says."""

import asyncio
from typing import Any

import discord
import pytest
import simcord
from discord_acts import (
    Books,
    buttons,
    delivered,
    eventually,
    finish,
    generating,
    old_button,
    phase,
    private,
    public,
    refusal,
    told,
    waiting,
)
from discord_pictures import picture

from bot.sandbox.fal_faults import Fault, Script, Step
from bot.sandbox.fal_queue import LoopbackJob
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import text_of
from bot.sandbox.world import World

STUCK = Fault.RUN_STUCK_IN_PROGRESS
CANCELLING = "**Cancelling: waiting for fal to confirm**"
CANCELLED = "**Cancelled.** Nothing was charged."
TOO_LATE = "-# It was too late to cancel: fal had made this already."
NOTHING_LEFT = "There is nothing left to cancel here."
NOT_YOURS = "Only the person who ordered this and moderators can do that."


async def ordered(here: World, actor: simcord.MemberActor, prompt: str = "a lighthouse") -> discord.Message:
    """The progress message of a new order."""
    answer = await actor.slash(here.channel, "imagine", prompt=prompt)
    assert answer.response is not None
    return answer.response.message


async def at_fal(here: World, fal: LoopbackFal) -> tuple[discord.Message, LoopbackJob]:
    """An order of ann's that fal works at and never ends."""
    fal.fail_next(STUCK)
    progress = await ordered(here, here.member)
    await generating(here)
    return progress, next(reversed(fal.jobs.values()))


async def cancelled(here: World, prompt: str = "a lighthouse") -> discord.Message:
    """The one message that says so, in place of the progress."""
    (said,) = await eventually(lambda: [one for one in public(here) if text_of(one) == f"> {prompt}\n{CANCELLED}"])
    return said


# --- in time --------------------------------------------------------------------------------------


@pytest.mark.settings(fal={"max_concurrent": 1})
async def test_a_waiting_order_is_cancelled_without_fal_ever_seeing_it(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    await at_fal(here, fal)
    progress = await ordered(here, here.other, "a harbour")
    await here.other.click(progress, label="Cancel")
    said = await cancelled(here, "a harbour")
    assert said.id == progress.id
    assert buttons(said) == {}
    await eventually(lambda: books.states() == ["queued", "cancelled"])
    assert (books.spent("customer"), books.spent("operator")) == (8, 8)
    assert len(fal.jobs) == 1


async def test_an_order_is_cancelled_at_fal_while_it_generates(here: World, fal: LoopbackFal, books: Books) -> None:
    progress, job = await at_fal(here, fal)
    answer = await here.member.click(progress, label="Cancel")
    assert private(answer) == []
    await cancelled(here)
    assert job.cancelled
    await eventually(lambda: books.states() == ["cancelled"])
    assert (books.spent("customer"), books.spent("operator"), books.open_holds()) == (0, 0, [])
    assert fal.billed == {}


async def test_an_order_is_cancelled_while_its_pictures_are_read(here: World, fal: LoopbackFal, books: Books) -> None:
    files = {"image": ("a.png", picture("PNG")), "image2": ("b.png", picture("PNG"))}
    answer = await here.member.slash(here.channel, "edit", prompt="warmer", **files)
    assert answer.response is not None
    await here.member.click(answer.response.message, label="Cancel")
    await cancelled(here, "warmer")
    assert fal.jobs == {}
    assert books.spent("customer") == 0
    await here.member.slash(here.channel, "edit", prompt="colder", **files)
    await eventually(lambda: len(fal.jobs) == 1)


@pytest.mark.settings(fal={"max_concurrent": 1})
async def test_a_cancelled_order_leaves_its_place_to_the_next(here: World, fal: LoopbackFal) -> None:
    progress, _ = await at_fal(here, fal)
    await ordered(here, here.other, "a harbour")
    await here.member.click(progress, label="Cancel")
    await eventually(lambda: [job.prompt for job in fal.jobs.values()] == ["a lighthouse", "a harbour"])
    await eventually(lambda: any("a harbour" in text_of(one) and "Again" in buttons(one) for one in public(here)))


async def test_a_cancel_that_fal_does_not_hear_at_first_is_repeated(here: World, fal: LoopbackFal) -> None:
    progress, job = await at_fal(here, fal)
    fal.fail_next(Fault.CANCEL_ERROR)
    fal.fail_next(Fault.CANCEL_DROP)
    await here.member.click(progress, label="Cancel")
    await cancelled(here)
    assert job.cancelled
    assert len(fal.seen(Step.CANCEL)) == 3


@pytest.mark.settings(fal={"max_concurrent": 1})
async def test_a_slow_answer_to_the_click_does_not_overwrite_the_last_word(
    here: World, fal: LoopbackFal, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = discord.InteractionResponse[Any].edit_message

    async def slow(self: discord.InteractionResponse[Any], **options: Any) -> object:  # noqa: ANN401 - discord.py's own
        await asyncio.sleep(0.2)
        return await edit(self, **options)

    monkeypatch.setattr(discord.InteractionResponse, "edit_message", slow)
    await at_fal(here, fal)
    progress = await ordered(here, here.other, "a harbour")
    await here.other.click(progress, label="Cancel")
    await eventually(lambda: books.states() == ["queued", "cancelled"])
    await asyncio.sleep(0.3)
    (message,) = [one for one in public(here) if "a harbour" in text_of(one)]
    assert CANCELLED in text_of(message)


# --- who ------------------------------------------------------------------------------------------


async def test_a_moderator_may_cancel_anybodys_order(here: World, fal: LoopbackFal) -> None:
    progress, job = await at_fal(here, fal)
    await here.moderator.click(progress, label="Cancel")
    await cancelled(here)
    assert job.cancelled


async def test_another_member_may_not(here: World, fal: LoopbackFal, books: Books) -> None:
    progress, job = await at_fal(here, fal)
    assert refusal(await here.other.click(progress, label="Cancel")) == NOT_YOURS
    assert not job.cancelled
    assert fal.seen(Step.CANCEL) == []
    assert [one.id for one in waiting(here)] == [progress.id]
    assert books.states() == ["queued"]


async def test_a_button_does_nothing_in_another_server(here: World, fal: LoopbackFal) -> None:
    progress, job = await at_fal(here, fal)
    (custom_id,) = buttons(progress).values()
    elsewhere = here.env.create_guild("Elsewhere")
    channel = elsewhere.create_text_channel("general")
    ann = elsewhere.add_member(here.member.user)
    copied = old_button(here, custom_id, channel)
    assert refusal(await ann.click(copied, label="Old")) == "Only the person who ordered this can do that."
    assert not job.cancelled


# --- too late -------------------------------------------------------------------------------------


async def test_cancelling_is_answered_in_place_every_time_and_done_once(here: World, fal: LoopbackFal) -> None:
    fal.fail_next(Fault.CANCEL_IGNORED)
    progress, job = await at_fal(here, fal)
    for actor in (here.member, here.moderator):
        answer = await actor.click(progress, label="Cancel")
        assert private(answer) == []
        assert answer.response is not None
        assert answer.response.id == progress.id
        assert CANCELLING in text_of(public(here)[0])
    await eventually(lambda: len(fal.seen(Step.CANCEL)) == 1)
    assert not job.cancelled


async def test_images_that_were_made_all_the_same_are_delivered_charged_and_explained(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    fal.fail_next(Fault.CANCEL_IGNORED)
    progress, _ = await at_fal(here, fal)
    await here.member.click(progress, label="Cancel")
    await eventually(lambda: fal.seen(Step.CANCEL))
    await finish(fal)
    (result,) = await delivered(here)
    assert text_of(result).splitlines()[-1] == TOO_LATE
    await eventually(lambda: books.states() == ["delivered"])
    assert (books.spent("customer"), books.spent("operator")) == (8, 8)


async def test_a_cancel_while_the_images_are_fetched_comes_too_late_and_says_so(here: World, fal: LoopbackFal) -> None:
    fal.fail_next(Script(fault=Fault.FILE_SLOW, seconds=1))
    progress = await ordered(here, here.member)
    await phase(here, "fetching the images")
    await here.member.click(progress, label="Cancel")
    (result,) = await delivered(here)
    assert text_of(result).splitlines()[-1] == TOO_LATE


async def test_after_the_end_there_is_nothing_to_cancel(here: World, books: Books) -> None:
    progress = await ordered(here, here.member)
    await delivered(here)
    await eventually(lambda: books.states() == ["delivered"])
    (custom_id,) = buttons(progress).values()
    assert refusal(await here.member.click(old_button(here, custom_id), label="Old")) == NOTHING_LEFT
    assert books.states() == ["delivered"]


async def test_after_a_cancel_there_is_nothing_to_cancel(here: World, fal: LoopbackFal, books: Books) -> None:
    progress, _ = await at_fal(here, fal)
    (custom_id,) = buttons(progress).values()
    await here.member.click(progress, label="Cancel")
    await eventually(lambda: books.states() == ["cancelled"])
    await cancelled(here)
    assert refusal(await here.member.click(old_button(here, custom_id), label="Old")) == NOTHING_LEFT


# --- old buttons ----------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["cancel", "original", "again", "fetch"])
async def test_a_button_of_an_order_that_nobody_knows_answers(here: World, action: str) -> None:
    answer = await here.member.click(old_button(here, f"v1:{action}:0123456789abcdef:1"), label="Old")
    assert await told(answer) == "This order is not known any more."
