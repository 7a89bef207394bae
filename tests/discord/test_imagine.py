"""/imagine, as the people in the channel see it."""

import asyncio
import re
from itertools import pairwise

import discord
import pytest
from discord_acts import (
    Books,
    alt_texts,
    buttons,
    delivered,
    eventually,
    finish,
    generating,
    made,
    phase,
    pictures,
    pinged,
    private,
    public,
    spoken,
    waiting,
)

from bot.sandbox.fal_faults import Fault, Script
from bot.sandbox.fal_paint import paint
from bot.sandbox.fal_queue import LoopbackJob
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import text_of
from bot.sandbox.world import World

STUCK = Fault.RUN_STUCK_IN_PROGRESS


def only_job(fal: LoopbackFal) -> LoopbackJob:
    (job,) = fal.jobs.values()
    return job


# --- the first answer -----------------------------------------------------------------------------


async def test_the_first_answer_is_public_progress_that_can_be_cancelled_and_rings_for_nobody(
    here: World, fal: LoopbackFal
) -> None:
    fal.fail_next(STUCK)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse", images=2)
    assert answer.response is not None
    assert not answer.response.ephemeral
    (progress,) = public(here)
    assert progress.id == answer.response.id
    assert text_of(progress).splitlines()[0] == "> a lighthouse"
    assert f"Making 2 images with Nano Banana 2 for {here.member.mention} · 16 credits" in text_of(progress)
    assert list(buttons(progress)) == ["Cancel"]
    assert pinged(here, progress) == []


async def test_what_goes_to_fal_at_once_is_generating_from_its_first_answer_on(here: World, fal: LoopbackFal) -> None:
    fal.generation.seconds = 1.5  # longer than the pause before an edit
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    assert answer.response is not None
    assert "**Generating, started <t:" in text_of(answer.response.message)
    await delivered(here)
    assert [one.method for one in here.env.http_requests if one.method == "PATCH"] == []


async def test_the_progress_message_follows_what_happens_at_fal(here: World, fal: LoopbackFal) -> None:
    fal.queue.concurrency = 0
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await phase(here, "Waiting at fal: next in line")
    fal.fail_next(STUCK)
    fal.queue.concurrency = 1
    await here.other.slash(here.channel, "imagine", prompt="a harbour")
    await phase(here, "Generating, started <t:")
    assert not any(pinged(here, message) for message in waiting(here))


# --- the result -----------------------------------------------------------------------------------


async def test_the_result_is_a_regular_message_that_rings_for_the_requester_alone(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    assert result.type is discord.MessageType.default
    assert result.interaction_metadata is None
    assert result.author == here.env.bot.user
    assert pinged(here, result) == [here.member.id]


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.fal(painter=paint)
async def test_the_images_come_whole_in_one_message_with_alt_texts(here: World, fal: LoopbackFal, count: int) -> None:
    await here.member.slash(
        here.channel, "imagine", prompt="a lighthouse *at night*", images=count, resolution="0.5K", format="webp"
    )
    (result,) = await delivered(here)
    expected = made(fal, only_job(fal))
    assert len(set(expected)) == count
    assert pictures(here, result) == expected
    which = [""] if count == 1 else [f" {position} of 4" for position in (1, 2, 3, 4)]
    assert alt_texts(result) == [f"Generated image{one}: a lighthouse *at night*" for one in which]
    stored = here.env.backend.get_message(here.channel.id, result.id).attachments
    assert [file["description"] for file in stored] == alt_texts(result)


@pytest.mark.fal(painter=paint)
async def test_the_result_tells_model_size_time_price_and_seed(here: World, fal: LoopbackFal) -> None:
    await here.member.slash(
        here.channel, "imagine", prompt="a lighthouse", model="nano-banana-pro", aspect_ratio="16:9", format="jpeg"
    )
    (result,) = await delivered(here)
    seed = only_job(fal).arguments["seed"]
    quoted, facts = text_of(result).splitlines()
    assert quoted == "> a lighthouse"
    expected = rf"-# {here.member.mention} · Nano Banana Pro · 1376 × 768 · \d+ s · 15 credits · seed {seed}"
    assert re.fullmatch(expected, facts)


async def test_several_images_come_without_a_seed(here: World, fal: LoopbackFal) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse", images=3)
    (result,) = await delivered(here)
    assert "seed" not in only_job(fal).arguments
    assert "seed" not in text_of(result)
    assert "24 credits" in text_of(result)


@pytest.mark.parametrize(("count", "which"), [(1, "this was"), (3, "these were")])
async def test_fewer_images_than_ordered_are_delivered_and_charged_as_they_are(
    here: World, fal: LoopbackFal, books: Books, count: int, which: str
) -> None:
    fal.fail_next(Script(fault=Fault.RUN_FEWER, images=count))
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse", images=4)
    (result,) = await delivered(here)
    assert len(pictures(here, result)) == count
    assert f"{8 * count} credits" in text_of(result)
    assert f"fal made {count} of 4 images; only {which} charged." in text_of(result)
    assert (books.spent("customer"), books.spent("operator"), books.open_holds()) == (8 * count, 8 * count, [])


async def test_an_order_in_a_thread_is_answered_in_the_thread(here: World) -> None:
    channel = here.env.bot.get_channel(here.channel.id)
    assert isinstance(channel, discord.TextChannel)
    await channel.create_thread(name="lighthouses", type=discord.ChannelType.public_thread)
    (thread,) = here.channel.threads
    await here.member.slash(thread, "imagine", prompt="a lighthouse")
    (result,) = await eventually(lambda: [one for one in thread.history() if "Again" in buttons(one)])
    assert pinged(here, result) == [here.member.id]
    assert not any(buttons(message) for message in public(here))


async def test_the_images_come_even_when_a_moderator_took_the_progress_message_away(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    fal.fail_next(STUCK)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await generating(here)
    await here.moderator.delete(waiting(here)[0])
    await finish(fal)
    await delivered(here)
    await eventually(lambda: books.states() == ["delivered"])


# --- what a member typed --------------------------------------------------------------------------

TRICKS = (
    "**bold** _italics_ ~~gone~~ ||hidden|| `code`",
    "```py\nimport this\n```",
    "# Look here",
    "a quote\n> two\n# three\n- four",
    "@everyone and @here",
    "<@{other}> and <@!{other}>",
    "<@&{role}>",
    "[free credits](https://evil.example)",
    r"\**bold\** \[a](https://evil.example)",
)
EFFECTS = re.compile(
    r"(?<!\\)(?:\\\\)*([*_~|`]|\[[^\]]*\]\([^)]*\))"  # Markdown that no backslash switches off
    r"|@everyone|@here|<@[!&]?\d+>"  # mentions
    r"|^> (#|-|>)"  # what has an effect at the start of a line
)


@pytest.mark.settings(quota={"member_jobs": 20})
async def test_what_a_member_typed_has_no_effect_in_any_message(here: World, fal: LoopbackFal) -> None:
    assert here.channel.guild is not None
    role = here.channel.guild.roles["Moderator"]
    prompts = [trick.format(other=here.other.id, role=role.id) for trick in TRICKS]
    for prompt in prompts:
        await here.member.slash(here.channel, "imagine", prompt=prompt)
    await delivered(here, len(prompts))
    lines = [line for content in spoken(here) for line in content["components"][0]["content"].splitlines()]
    quoted = [line for line in lines if line.startswith("> ")]
    assert len(quoted) >= 2 * len(prompts)
    assert [line for line in quoted if EFFECTS.search(line)] == []
    assert [job.prompt for job in fal.jobs.values()] == prompts


async def test_not_even_the_second_masked_link_of_a_prompt_works(here: World) -> None:
    prompt = "[one](https://evil.example) [two](https://evil.example) [**three**](https://evil.example)"
    await here.member.slash(here.channel, "imagine", prompt=prompt)
    (result,) = await delivered(here)
    assert EFFECTS.search(text_of(result).splitlines()[0]) is None


async def test_a_long_prompt_is_shortened_in_messages_and_whole_at_fal(here: World, fal: LoopbackFal) -> None:
    prompt = ("a *very* long story " * 200)[:3999] + "!"
    fal.fail_next(STUCK)
    answer = await here.member.slash(here.channel, "imagine", prompt=prompt)
    assert answer.response is not None
    quoted = text_of(answer.response.message).splitlines()[0].replace("\\", "")
    assert len(quoted) <= 302
    assert quoted.endswith("…")
    await eventually(lambda: fal.jobs)
    await finish(fal)
    (result,) = await delivered(here)
    quoted = text_of(result).splitlines()[0].replace("\\", "")
    assert 500 < len(quoted) <= 602
    assert quoted.endswith("…")
    (alt_text,) = alt_texts(result)
    assert len(alt_text) == 1024
    assert only_job(fal).prompt == prompt


async def test_no_request_to_discord_may_ring_for_anyone_but_the_requester(here: World, fal: LoopbackFal) -> None:
    prompt = f"@everyone <@{here.other.id}> <@{here.moderator.id}>"
    fal.queue.concurrency = 0
    await here.member.slash(here.channel, "imagine", prompt=prompt)
    await phase(here, "Waiting at fal: next in line")
    fal.queue.concurrency = 1
    await here.other.slash(here.channel, "imagine", prompt="a harbour")  # fal looks at its queue again
    await delivered(here, 2)
    allowed = [content["allowed_mentions"] for content in spoken(here)]
    rings = [one for one in allowed if one != {"parse": []}]
    assert sorted(rings, key=str) == [{"parse": [], "users": [one.id]} for one in (here.member, here.other)]
    assert len(allowed) >= len(rings) + 3


# --- what reaches fal -----------------------------------------------------------------------------

STANDARD: dict[str, object] = {
    "prompt": "a lighthouse",
    "num_images": 1,
    "output_format": "png",
    "safety_tolerance": "4",
    "sync_mode": False,
    "seed": 7,
}
SECOND = STANDARD | {
    "aspect_ratio": "auto",
    "resolution": "1K",
    "limit_generations": True,
    "enable_web_search": False,
}
EXAMPLES: dict[str, tuple[str, dict[str, object], dict[str, object]]] = {
    "nothing chosen": ("fal-ai/nano-banana-2", {}, SECOND),
    "everything of Nano Banana 2": (
        "fal-ai/nano-banana-2",
        {
            "aspect_ratio": "8:1",
            "resolution": "0.5K",
            "format": "webp",
            "safety": 1,
            "web_search": True,
            "thinking": "high",
        },
        SECOND
        | {
            "aspect_ratio": "8:1",
            "resolution": "0.5K",
            "output_format": "webp",
            "safety_tolerance": "1",
            "enable_web_search": True,
            "thinking_level": "high",
        },
    ),
    "everything of Nano Banana Pro": (
        "fal-ai/nano-banana-pro",
        {"model": "nano-banana-pro", "aspect_ratio": "21:9", "resolution": "2K", "format": "jpeg", "web_search": True},
        STANDARD
        | {
            "aspect_ratio": "21:9",
            "resolution": "2K",
            "output_format": "jpeg",
            "enable_web_search": True,
            "limit_generations": False,
        },
    ),
    "everything of Nano Banana": (
        "fal-ai/nano-banana",
        {"model": "nano-banana", "aspect_ratio": "9:16", "format": "jpeg", "safety": 2},
        STANDARD
        | {
            "aspect_ratio": "9:16",
            "output_format": "jpeg",
            "safety_tolerance": "2",
            "limit_generations": False,
        },
    ),
}


@pytest.mark.parametrize(("endpoint", "options", "arguments"), EXAMPLES.values(), ids=EXAMPLES)
async def test_every_option_reaches_fal(
    here: World, fal: LoopbackFal, endpoint: str, options: dict[str, object], arguments: dict[str, object]
) -> None:
    await here.member.slash(here.channel, "imagine", prompt="  a lighthouse ", seed=7, **options)
    await delivered(here)
    job = only_job(fal)
    assert (job.endpoint, job.arguments) == (endpoint, arguments)


async def test_one_image_without_a_chosen_seed_gets_one_that_nobody_could_know(here: World, fal: LoopbackFal) -> None:
    for _ in range(2):
        await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    first, second = await delivered(here, 2)
    seeds = [job.arguments["seed"] for job in fal.jobs.values()]
    assert len(set(seeds)) == 2
    assert [seed for seed in seeds if isinstance(seed, int) and 0 <= seed < 2**31] == seeds
    said = {int(found[1]) for one in (first, second) if (found := re.search(r"seed (\d+)", text_of(one)))}
    assert said == set(seeds)


# --- many at once ---------------------------------------------------------------------------------


@pytest.mark.fal(painter=paint)
async def test_each_of_several_members_gets_their_own_images(here: World, fal: LoopbackFal) -> None:
    actors = (here.member, here.other, here.moderator)
    for actor in actors:
        await actor.slash(here.channel, "imagine", prompt=f"for {actor.name}", resolution="0.5K", format="jpeg")
    found = await delivered(here, 3)
    for actor in actors:
        (mine,) = [message for message in found if pinged(here, message) == [actor.id]]
        (job,) = [job for job in fal.jobs.values() if job.prompt == f"for {actor.name}"]
        assert f"> for {actor.name}" in text_of(mine)
        assert pictures(here, mine) == made(fal, job)


@pytest.mark.settings(fal={"max_concurrent": 2})
@pytest.mark.fal(concurrency=10, seconds=0.1)
async def test_never_more_requests_are_at_fal_than_the_operator_allows(here: World, fal: LoopbackFal) -> None:
    for actor in (here.member, here.other, here.moderator):
        for number in (1, 2):
            await actor.slash(here.channel, "imagine", prompt=f"{actor.name} {number}")
    await delivered(here, 6)
    starts_and_ends = sorted(
        moment for job in fal.jobs.values() for moment in ((job.sent_at, 1), (job.ended_at or job.sent_at, -1))
    )
    at_once = 0
    for _, step in starts_and_ends:
        at_once += step
        assert at_once <= 2
    prompts = [job.prompt for job in fal.jobs.values()]
    assert all(prompts.index(f"{name} 1") < prompts.index(f"{name} 2") for name in ("ann", "ben", "mia"))
    assert all(earlier.sent_at <= later.sent_at for earlier, later in pairwise(fal.jobs.values()))


@pytest.mark.settings(fal={"max_concurrent": 1})
async def test_orders_that_wait_are_told_their_place_and_move_up(here: World, fal: LoopbackFal) -> None:
    fal.fail_next(STUCK)
    await here.member.slash(here.channel, "imagine", prompt="first")
    await generating(here)
    await here.other.slash(here.channel, "imagine", prompt="second")
    third = await here.moderator.slash(here.channel, "imagine", prompt="third")
    fourth = await here.member.slash(here.channel, "imagine", prompt="fourth")
    assert third.response is not None
    assert fourth.response is not None
    assert "Waiting: 1 order before this one" in text_of(third.response.message)
    assert "Waiting: 2 orders before this one" in text_of(fourth.response.message)
    assert len(fal.jobs) == 1
    fal.fail_next(STUCK)
    (first,) = [message for message in waiting(here) if "first" in text_of(message)]
    await here.member.click(first, label="Cancel")
    last = fourth.response
    await eventually(lambda: "Waiting: 1 order before this one" in text_of(last.message))


@pytest.mark.settings(fal={"max_concurrent": 1})
async def test_who_orders_much_lets_others_between_and_everyone_is_told_so(here: World, fal: LoopbackFal) -> None:
    fal.fail_next(STUCK)
    await here.member.slash(here.channel, "imagine", prompt="first")
    await here.member.slash(here.channel, "imagine", prompt="second")
    flood = await here.member.slash(here.channel, "imagine", prompt="third")
    await generating(here)
    single = await here.other.slash(here.channel, "imagine", prompt="single")
    assert single.response is not None
    said = text_of(single.response.message)
    assert "Waiting: 1 order before this one, expected <t:" in said
    third = flood.response
    assert third is not None
    await eventually(lambda: "Waiting: 2 orders before this one" in text_of(third.message))


@pytest.mark.settings(fal={"max_concurrent": 1})
async def test_the_first_in_line_is_not_told_that_it_is_starting(here: World, fal: LoopbackFal) -> None:
    fal.fail_next(STUCK)
    await here.member.slash(here.channel, "imagine", prompt="first")
    await generating(here)
    second = await here.other.slash(here.channel, "imagine", prompt="second")
    assert second.response is not None
    await asyncio.sleep(0.1)
    assert "Starting" not in text_of(second.response.message)


@pytest.mark.parametrize(
    "priority",
    [pytest.param("normal"), pytest.param("low", marks=pytest.mark.settings(fal={"queue_priority": "low"}))],
)
async def test_a_request_stands_in_fals_queue_as_the_operator_set_it(
    here: World, fal: LoopbackFal, priority: str
) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await delivered(here)
    assert [job.priority for job in fal.jobs.values()] == [priority]


# --- money ----------------------------------------------------------------------------------------


async def test_an_order_is_held_until_its_images_arrive_and_then_charged_once(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    fal.fail_next(STUCK)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse", images=2, resolution="2K")
    meanwhile = await here.member.slash(here.channel, "quota")
    assert private(meanwhile)[0].startswith("**You** have 176 credits of 200 left today and 1 order on the way.")
    assert len(books.open_holds()) == 2
    await eventually(lambda: fal.jobs)
    await finish(fal)
    await delivered(here)
    await eventually(lambda: books.states() == ["delivered"])
    assert (books.spent("customer"), books.spent("operator"), books.open_holds()) == (24, 24, [])
    assert fal.spent * 100 == 24
    afterwards = await here.member.slash(here.channel, "quota")
    assert private(afterwards)[0].startswith("**You** have 176 credits of 200 left today and 0 orders on the way.")
