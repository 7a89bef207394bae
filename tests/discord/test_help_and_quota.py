"""/help, /quota and /jobs: private pages about what there is, what is left and what was ordered."""

import re
import time

import discord
import pytest
from discord_acts import (
    Books,
    buttons,
    delivered,
    eventually,
    generating,
    old_button,
    pictures,
    public,
    references,
    refusal,
    told,
)
from discord_pictures import colour_of, opened, picture

from bot.sandbox.fal_faults import Fault
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import text_of
from bot.sandbox.world import World

STUCK = Fault.RUN_STUCK_IN_PROGRESS


async def left(here: World) -> list[str]:
    """What ann's /quota says, without the moment of renewal."""
    said = refusal(await here.member.slash(here.channel, "quota"))
    return said.splitlines()[:2]


# --- help -----------------------------------------------------------------------------------------


async def test_help_is_one_private_page_with_every_model_and_its_prices(here: World) -> None:
    page = refusal(await here.member.slash(here.channel, "help"))
    assert len(page) <= 4000
    second, pro, first = [line for line in page.splitlines() if line.startswith("- **")]
    sizes = "6 credits (0.5K), 8 credits (1K), 12 credits (2K), 16 credits (4K)"
    assert second == f"- **Nano Banana 2** (`nano-banana-2`): {sizes} an image; edits up to 14 pictures"
    sizes = "15 credits (1K), 15 credits (2K), 30 credits (4K)"
    assert pro == f"- **Nano Banana Pro** (`nano-banana-pro`): {sizes} an image; edits up to 14 pictures"
    assert first == "- **Nano Banana** (`nano-banana`): 4 credits an image; edits up to 3 pictures"
    assert "for 30 days" in page
    assert public(here) == []


@pytest.mark.settings(results={"keep_days": 1})
async def test_help_tells_how_long_originals_are_kept(here: World) -> None:
    assert "for 1 day." in refusal(await here.member.slash(here.channel, "help"))


async def test_the_prices_of_help_are_what_an_order_costs(here: World) -> None:
    page = refusal(await here.member.slash(here.channel, "help"))
    prices = re.findall(r"(\d+) credits \((\S+K)\)", page.split("`nano-banana-2`")[1].splitlines()[0])
    assert len(prices) == 4
    for price, resolution in prices:
        before = (await left(here))[0]
        await here.member.slash(here.channel, "imagine", prompt="a lighthouse", resolution=resolution)
        after = (await left(here))[0]
        spent = [int(found[1]) for line in (before, after) if (found := re.search(r"have (\d+) credits", line))]
        assert spent[0] - spent[1] == int(price)
        await eventually(lambda: all("Again" in buttons(message) for message in public(here)))


# --- quota ----------------------------------------------------------------------------------------


async def test_quota_tells_what_a_member_and_their_server_have_left(here: World, fal: LoopbackFal) -> None:
    fal.fail_next(STUCK)
    await here.other.slash(here.channel, "imagine", prompt="a harbour", images=2)
    fal.fail_next(STUCK)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    assert await left(here) == [
        "**You** have 192 credits of 200 left today and 1 order on the way.",
        "**This server** has 976 credits of 1,000 left today.",
    ]


async def test_quota_renews_when_it_says(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await delivered(here)
    said = refusal(await here.member.slash(here.channel, "quota"))
    (renewal,) = {int(found) for found in re.findall(r"<t:(\d+):\w>", said)}
    assert renewal % 86400 == 0
    assert 0 < renewal - time.time() <= 86400
    here.time.passed += renewal - time.time() + 1
    assert (await left(here))[0] == "**You** have 200 credits of 200 left today and 0 orders on the way."


async def test_two_servers_have_two_quotas(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await delivered(here)
    elsewhere = here.env.create_guild("Elsewhere")
    channel = elsewhere.create_text_channel("general")
    ann = elsewhere.add_member(here.member.user)
    said = refusal(await ann.slash(channel, "quota"))
    assert said.startswith("**You** have 200 credits of 200 left today")


# --- jobs -----------------------------------------------------------------------------------------


async def listed(here: World) -> discord.Message:
    """Ann's /jobs."""
    answer = await here.member.slash(here.channel, "jobs")
    refusal(answer)
    assert answer.response is not None
    return answer.response.message


async def test_jobs_without_any_order_says_how_to_begin(here: World) -> None:
    assert text_of(await listed(here)) == "You have not ordered anything here yet. Try **/imagine**."


async def test_jobs_lists_ones_own_orders_with_what_can_be_done(here: World, fal: LoopbackFal) -> None:
    await here.other.slash(here.channel, "imagine", prompt="not ann's")
    await here.member.slash(here.channel, "imagine", prompt="a **first**")
    await delivered(here, 2)
    fal.fail_next(Fault.RUN_CONTENT_POLICY, times=2)
    await told(await here.member.slash(here.channel, "imagine", prompt="second"))
    fal.fail_next(STUCK)
    await here.member.slash(here.channel, "imagine", prompt="third")
    await generating(here)
    said = re.sub(r"<t:\d+:R>", "<t>", text_of(await listed(here))).splitlines()
    assert said == [
        "### Your orders here, the newest first",
        "**at fal** · <t> · Nano Banana 2 · 8 credits",
        "> third",
        "**failed** · <t> · Nano Banana 2 · 0 credits",
        "-# fal's content check refused this. You were not charged. Please change the prompt or the picture.",
        "> second",
        "**delivered** · <t> · Nano Banana 2 · 8 credits",
        "> a \\*\\*first\\*\\*",
    ]
    assert list(buttons(await listed(here))) == ["Cancel", "Show the images"]


async def test_an_order_can_be_cancelled_from_jobs(here: World, fal: LoopbackFal, books: Books) -> None:
    fal.fail_next(STUCK)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await generating(here)
    assert refusal(await here.member.click(await listed(here), label="Cancel")).startswith("Cancelling.")
    await eventually(lambda: books.states() == ["cancelled"])


async def test_images_can_be_had_again_by_their_member_alone(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse", images=2)
    (result,) = await delivered(here)
    answer = await here.member.click(await listed(here), label="Show the images")
    assert await told(answer) == "Your images, for you alone."
    assert answer.response is not None
    assert pictures(here, answer.response.message) == pictures(here, result)
    stolen = old_button(here, buttons(await listed(here))["Show the images"])
    refused = refusal(await here.other.click(stolen, label="Old"))
    assert refused == "Only the person who ordered this can do that."


@pytest.mark.settings(quota={"member_jobs": 20})
async def test_a_long_list_still_fits_one_message(here: World) -> None:
    for number in range(12):
        await here.member.slash(here.channel, "imagine", prompt=f"{number} " + "*" * 500)
    await delivered(here, 12)
    assert [line.split()[1] for line in text_of(await listed(here)).splitlines() if line.startswith("> ")] == [
        str(number) for number in range(11, 1, -1)
    ]


# --- once more ------------------------------------------------------------------------------------


async def test_again_makes_the_same_for_whoever_asks(here: World, fal: LoopbackFal, books: Books) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse", aspect_ratio="16:9", images=2)
    (first,) = await delivered(here)
    answer = await here.other.click(first, label="Again")
    assert answer.response is not None
    assert f"Making 2 images with Nano Banana 2 for {here.other.mention}" in text_of(answer.response.message)
    await delivered(here, 2)
    one, other = fal.jobs.values()
    assert one.arguments == other.arguments
    assert (await left(here))[0].startswith("**You** have 184 credits")
    assert books.rows("SELECT DISTINCT member_id FROM jobs ORDER BY number") == [(here.member.id,), (here.other.id,)]


async def test_again_draws_a_new_seed_even_when_one_was_chosen(here: World, fal: LoopbackFal) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (first,) = await delivered(here)
    await here.member.click(first, label="Again")
    await delivered(here, 2)
    await here.member.slash(here.channel, "imagine", prompt="a harbour", seed=7)
    chosen = (await delivered(here, 3))[-1]
    await here.member.click(chosen, label="Again")
    await delivered(here, 4)
    seeds = [job.arguments["seed"] for job in fal.jobs.values()]
    assert len(set(seeds)) == 4
    assert seeds[2] == 7


async def test_again_uses_the_pictures_of_an_edit_again(here: World, fal: LoopbackFal) -> None:
    await here.member.slash(here.channel, "edit", prompt="warmer", image=("a.png", picture("PNG", "green")))
    (first,) = await delivered(here)
    await here.other.click(first, label="Again")
    await delivered(here, 2)
    sent = [data for job in fal.jobs.values() for data in references(fal, job)]
    assert [colour_of(opened(data)) for data in sent] == ["green", "green"]


@pytest.mark.settings(quota={"member_daily_credits": 8})
async def test_again_is_refused_privately_like_any_order(here: World, books: Books) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (first,) = await delivered(here)
    assert refusal(await here.member.click(first, label="Again")).startswith("You have 0 credits left today")
    assert public(here) == [first]
    assert len(books.states()) == 1
