"""Whatever forbids an order forbids it at every door: the same sentence, nothing held, and nothing sent to fal."""

from collections.abc import Awaitable, Callable

import discord
import pytest
from discord_acts import Books, buttons, delivered, eventually, private, refusal, spoken
from discord_pictures import picture

from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.world import World

Door = Callable[[World, discord.Message], Awaitable[str]]
PROMPT = "a dreadful lighthouse"
FORM = {"prompt": PROMPT, "size": ["nano-banana-2|1K"], "shape": ["auto"]}
PICTURE = ("a.png", picture("PNG"))


async def imagine(here: World, _result: discord.Message) -> str:
    return refusal(await here.member.slash(here.channel, "imagine", prompt=PROMPT))


async def edit(here: World, _result: discord.Message) -> str:
    return refusal(await here.member.slash(here.channel, "edit", prompt=PROMPT, image=PICTURE))


async def reply(here: World, result: discord.Message) -> str:
    before = len(spoken(here))
    await here.member.send(here.channel, PROMPT, reply_to=result)
    (body, *_) = await eventually(lambda: spoken(here)[before:])
    return str(body["components"][0]["content"])


async def mention(here: World, _result: discord.Message) -> str:
    before, bot = len(spoken(here)), here.env.bot.user
    assert bot is not None
    await here.member.send(here.channel, f"<@{bot.id}> {PROMPT}", attachments=[PICTURE])
    (body, *_) = await eventually(lambda: spoken(here)[before:])
    return str(body["components"][0]["content"])


async def again(here: World, result: discord.Message) -> str:
    return refusal(await here.member.click(result, label="Again"))


async def upscale(here: World, result: discord.Message) -> str:
    """Refused when the price is asked for, or when it is agreed to."""
    offer = await here.member.click(result, label="Upscale")
    assert offer.response is not None
    label = next((label for label in buttons(offer.response.message) if label.startswith("Go ahead")), None)
    return refusal(offer if label is None else await here.member.click(offer.response.message, label=label))


async def edit_button(here: World, result: discord.Message) -> str:
    form = await here.member.click(result, label="Edit")
    return refusal(await here.member.submit_modal(form, FORM))


async def edit_menu(here: World, result: discord.Message) -> str:
    form = await here.member.context_menu(here.channel, "Edit image", result)
    return refusal(await here.member.submit_modal(form, FORM))


async def blend(here: World, result: discord.Message) -> str:
    await here.member.context_menu(here.channel, "Add to blend", result)
    return refusal(await here.member.slash(here.channel, "blend", prompt=PROMPT))


async def blend_form(here: World, result: discord.Message) -> str:
    basket = await here.member.context_menu(here.channel, "Add to blend", result)
    assert basket.response is not None
    form = await here.member.click(basket.response.message, label="Blend")
    return refusal(await here.member.submit_modal(form, FORM))


DOORS = (imagine, edit, reply, mention, again, upscale, edit_button, edit_menu, blend, blend_form)
doors = pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)


async def made(here: World) -> discord.Message:
    await here.member.slash(here.channel, "imagine", prompt=PROMPT)
    return (await delivered(here))[0]


async def close_channel(here: World) -> None:
    """Images are for another channel."""
    here.member.guild.create_text_channel("elsewhere")
    for name, value in (("listed_channels", f"<#{here.channel.id}>"), ("channels", "except")):
        await here.moderator.slash(here.channel, "settings set", name=name, value=value)


async def refused(here: World, door: Door, result: discord.Message, fal: LoopbackFal, books: Books) -> str:
    """What the member reads; one order was made before, and there is no other."""
    requests = len(fal.requests)
    said = await door(here, result)
    assert len(fal.jobs) == 1
    assert len(fal.requests) == requests
    assert books.states() == ["delivered"]
    assert books.open_holds() == []
    return said


@pytest.mark.settings(quota={"total_monthly_credits": 8})
@doors
async def test_when_the_operators_purse_is_empty(here: World, fal: LoopbackFal, books: Books, door: Door) -> None:
    said = await refused(here, door, await made(here), fal, books)
    assert said.startswith("The bot's budget for this month has 0 credits left and this needs ")
    assert "More comes <t:" in said


@doors
async def test_where_a_word_is_not_allowed(here: World, fal: LoopbackFal, books: Books, door: Door) -> None:
    result = await made(here)
    await here.moderator.slash(here.channel, "settings words", action="add", text="dreadful")
    said = await refused(here, door, result, fal, books)
    assert said.startswith("This server does not allow `dreadful` in a prompt.")


@doors
async def test_when_the_operator_has_suspended_the_server(
    here: World, fal: LoopbackFal, books: Books, door: Door
) -> None:
    result = await made(here)
    await here.app.purse.change(here.member.guild.id, "suspended", value=True)
    assert (await refused(here, door, result, fal, books)).startswith("The bot is switched off for this server")


@doors
async def test_when_a_moderator_has_blocked_the_member(here: World, fal: LoopbackFal, books: Books, door: Door) -> None:
    result = await made(here)
    await here.moderator.slash(here.channel, "block", member=here.member)
    assert (await refused(here, door, result, fal, books)).startswith("You cannot order images in this server.")


@doors
async def test_where_the_channel_is_closed_and_a_word_is_not_allowed_both_are_told(
    here: World, fal: LoopbackFal, books: Books, door: Door
) -> None:
    result = await made(here)
    await close_channel(here)
    await here.moderator.slash(here.channel, "settings words", action="add", text="dreadful")
    assert (await refused(here, door, result, fal, books)).splitlines()[:3] == [
        "That cannot be ordered here, for several reasons:",
        "- The moderators of this server do not allow images in this channel. Please order in another one.",
        "- This server does not allow `dreadful` in a prompt. Please say it differently.",
    ]


# --- several reasons ------------------------------------------------------------------------------


async def test_several_reasons_stand_in_one_private_list_and_the_first_is_counted(here: World, books: Books) -> None:
    for name, value in (("models", "nano-banana"), ("most_images", "1"), ("safety", "2"), ("private", "off")):
        await here.moderator.slash(here.channel, "settings set", name=name, value=value)
    answer = await here.member.slash(
        here.channel, "imagine", prompt="a cat", model="nano-banana-2", images=2, safety=3, private=True
    )
    assert refusal(answer).splitlines() == [
        "That cannot be ordered here, for several reasons:",
        "- Nano Banana 2 is not allowed here. Please choose Nano Banana.",
        "- One order can make 1 image here; this asks for 2.",
        "- The moderators allow `safety` up to 2 here; 1 is the strictest.",
        "- Private results are switched off in this server. Please order without `private`.",
    ]
    assert books.untouched()
    assert books.rows("SELECT code, times FROM refusals") == [("ModelForbidden", 1)]


async def test_of_many_reasons_five_are_shown(here: World) -> None:
    for name, value in (
        ("models", "nano-banana"),
        ("most_images", "1"),
        ("safety", "2"),
        ("private", "off"),
    ):
        await here.moderator.slash(here.channel, "settings set", name=name, value=value)
    await close_channel(here)
    await here.moderator.slash(here.channel, "settings words", action="add", text="cat")
    answer = await here.member.slash(
        here.channel, "imagine", prompt="a cat", model="nano-banana-2", images=2, safety=3, private=True
    )
    lines = refusal(answer).splitlines()
    assert len(lines) == 7
    assert lines[-1] == "- … and 1 more"


async def test_one_reason_reads_as_one_sentence(here: World) -> None:
    await here.moderator.slash(here.channel, "settings set", name="most_images", value="1")
    (said,) = private(await here.member.slash(here.channel, "imagine", prompt="a cat", images=2))
    assert said == "One order can make 1 image here; this asks for 2."
