"""What people do with a result, over real sockets, before and after a restart of the bot."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from PIL import Image

from bot.sandbox.fal_paint import paint
from tests.e2e.fault_stand import Stand, stand
from tests.loopback.discord_bodies import Upload
from tests.loopback.discord_interaction import Interaction
from tests.loopback.discord_state import Message
from tests.loopback.sketch_bot import picture as coloured

FORM = {"prompt": "make it night", "size": ["nano-banana-2|1K"], "shape": ["auto"]}


@pytest.fixture(params=["in one go", "over a restart"])
def restarts(request: pytest.FixtureRequest) -> bool:
    """Whether the bot is started anew before the deed."""
    return request.param == "over a restart"


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stand]:
    async with stand(tmp_path, monkeypatch, painter=paint) as standing:
        yield standing


async def settled(here: Stand, *, restarts: bool) -> None:
    """Nothing is under way; then the bot is started anew, if it is to be."""
    await here.over()
    if restarts:
        before = len(here.discord.gateway.identifies)
        await here.stop()
        await here.discord.offline()
        await here.start()
        assert len(here.discord.gateway.identifies) == before + 1


def results(here: Stand) -> list[Message]:
    """The bot's messages with pictures, oldest first."""
    return [one for one in here.pictured(here.discord.channel) if one.author is here.discord.bot]


async def delivered(here: Stand, count: int = 1) -> Message:
    """So many results stand; the newest."""
    await here.eventually(lambda: len(results(here)) == count)
    return results(here)[-1]


async def ordered(here: Stand) -> Message:
    """A lighthouse that a member ordered."""
    await here.order(prompt="a lighthouse")
    return await delivered(here)


async def click(here: Stand, message: Message, button: str) -> Interaction:
    """Click and wait for the first answer."""
    clicked = await here.discord.click(here.discord.member, message, button)
    await clicked.first_response()
    return clicked


async def panel(here: Stand, clicked: Interaction) -> Message:
    """What only the member sees who clicked, once there is something to read."""

    def shown() -> Message | None:
        mine = [*([clicked.message] if clicked.message else []), *clicked.followups]
        return next((one for one in mine if one.visible_to is here.discord.member and one.text), None)

    return await here.eventually(shown)


async def send_form(here: Stand, opened: Interaction) -> None:
    await here.discord.submit_modal(opened, FORM)


def last(here: Stand) -> tuple[str, dict[str, object]]:
    """The endpoint and the arguments of fal's newest request."""
    job = next(reversed(here.fal.jobs.values()))
    return job.endpoint, dict(job.arguments)


# --- a message of somebody -------------------------------------------------------------------------


async def test_edit_image_on_somebodys_picture_brings_the_edit(here: Stand, restarts: bool) -> None:  # noqa: FBT001 - a fixture
    server = here.discord
    if restarts:
        await ordered(here)
        await settled(here, restarts=True)
    before = len(results(here))
    said = await server.say(
        server.other_member, server.channel, "look", attachments=[Upload("red.png", coloured("red"))]
    )
    opened = await server.context_menu(server.member, said, "Edit image")
    assert (await opened.first_response()).opens_modal
    await send_form(here, opened)
    await delivered(here, before + 1)
    endpoint, arguments = last(here)
    assert (endpoint, arguments["prompt"]) == ("fal-ai/nano-banana-2/edit", "make it night")
    assert colours(here, arguments) == ["red"]


# --- the buttons of a result -----------------------------------------------------------------------


async def test_again_makes_the_same_once_more(here: Stand, restarts: bool) -> None:  # noqa: FBT001 - a fixture
    result = await ordered(here)
    await settled(here, restarts=restarts)
    await click(here, result, "Again")
    await delivered(here, 2)
    assert [job.prompt for job in here.fal.jobs.values()] == ["a lighthouse", "a lighthouse"]


async def test_upscale_offers_first_and_then_goes_ahead(here: Stand, restarts: bool) -> None:  # noqa: FBT001 - a fixture
    result = await ordered(here)
    await settled(here, restarts=restarts)
    offer = await panel(here, await click(here, result, "Upscale"))
    assert "Nothing is charged yet." in offer.text
    assert len(here.fal.jobs) == 1
    await click(here, offer, "Go ahead (12 credits)")
    await delivered(here, 2)
    endpoint, arguments = last(here)
    assert (endpoint, arguments["resolution"]) == ("fal-ai/nano-banana-2/edit", "2K")


async def test_the_recipe_is_private(here: Stand, restarts: bool) -> None:  # noqa: FBT001 - a fixture
    result = await ordered(here)
    await settled(here, restarts=restarts)
    recipe = await panel(here, await click(here, result, "Recipe"))
    assert "/imagine prompt:a lighthouse" in recipe.text
    assert here.discord.messages(here.discord.channel) == [result]


async def test_delete_takes_the_second_message_away_and_is_booked(here: Stand, restarts: bool) -> None:  # noqa: FBT001 - a fixture
    first = await ordered(here)
    await click(here, first, "Again")
    second = await delivered(here, 2)
    await settled(here, restarts=restarts)
    question = await panel(here, await click(here, second, "Delete"))
    await click(here, question, "Delete")
    await here.eventually(lambda: results(here) == [first])
    gone = "SELECT number FROM jobs WHERE deleted_at IS NOT NULL"
    await here.eventually(lambda: here.rows(gone))
    assert here.rows("SELECT deleted_at IS NOT NULL FROM jobs ORDER BY number") == [(0,), (1,)]


async def test_an_edit_is_made_by_form_then_compared_and_undone(here: Stand, restarts: bool) -> None:  # noqa: FBT001 - a fixture
    result = await ordered(here)
    await settled(here, restarts=restarts)
    await send_form(here, await click(here, result, "Edit"))
    edit = await delivered(here, 2)
    await settled(here, restarts=restarts)
    compared = await click(here, edit, "Compare")
    both = await here.eventually(
        lambda: compared.message if compared.message and compared.message.attachments else None
    )
    assert both.visible_to is None
    await click(here, edit, "Undo")
    back = await delivered(here, 4)
    assert "Brought back by" in back.text
    assert back.attachments[0].sha256 == result.attachments[0].sha256 != edit.attachments[0].sha256
    assert len(here.fal.jobs) == 2


async def test_a_form_that_was_open_over_a_restart_is_still_an_edit(here: Stand) -> None:
    result = await ordered(here)
    opened = await click(here, result, "Edit")
    await settled(here, restarts=True)
    await send_form(here, opened)
    await delivered(here, 2)
    assert last(here)[1]["prompt"] == "make it night"


# --- several pictures ------------------------------------------------------------------------------


async def add_to_blend(here: Stand, colour: str) -> None:
    """Somebody posts a picture of that colour; the member puts it into the basket."""
    server = here.discord
    said = await server.say(
        server.other_member, server.channel, colour, attachments=[Upload(f"{colour}.png", coloured(colour))]
    )
    added = await server.context_menu(server.member, said, "Add to blend")
    assert "Your basket" in (await panel(here, added)).text


async def test_two_pictures_of_the_basket_are_blended_in_order(here: Stand, restarts: bool) -> None:  # noqa: FBT001 - a fixture
    server = here.discord
    before = 0
    await add_to_blend(here, "red")
    if restarts:
        await ordered(here)
        await settled(here, restarts=True)
        before = 1
    await add_to_blend(here, "blue")
    await server.slash(server.member, server.channel, "blend", {"prompt": "one poster"})
    await delivered(here, before + 1)
    _, arguments = last(here)
    assert arguments["prompt"] == "one poster"
    assert colours(here, arguments) == ["red", "blue"]


def colours(here: Stand, arguments: dict[str, object]) -> list[str]:
    """What fal got with a request, in order."""
    return [colour_at(here, url) for url in cast("list[str]", arguments["image_urls"])]


def colour_at(here: Stand, url: str) -> str:
    """Which of the two colours the picture has that fal got at an address."""
    file = here.fal.files.get(url.removeprefix(here.fal.url))
    assert file is not None
    with Image.open(io.BytesIO(file.data)) as image:
        pixel = image.convert("RGB").getpixel((8, 8))
    assert isinstance(pixel, tuple)
    return "red" if pixel[0] > pixel[2] else "blue"


# --- history and preferences -----------------------------------------------------------------------


async def test_history_shows_a_result_and_brings_it_back(here: Stand, restarts: bool) -> None:  # noqa: FBT001 - a fixture
    await ordered(here)
    await settled(here, restarts=restarts)
    listed = await panel(here, await here.discord.slash(here.discord.member, here.discord.channel, "history"))
    assert "> a lighthouse" in listed.text
    await click(here, listed, "Show here")
    await delivered(here, 2)
    assert len(here.fal.jobs) == 1


async def test_a_preference_changes_what_the_next_order_sends(here: Stand, restarts: bool) -> None:  # noqa: FBT001 - a fixture
    await ordered(here)
    assert last(here)[1]["resolution"] == "1K"
    wish = {"model": "nano-banana-pro", "resolution": "2K"}
    chosen = await here.discord.slash(here.discord.member, here.discord.channel, "prefer set", wish)
    assert "- Size: 2K" in (await panel(here, chosen)).text
    await settled(here, restarts=restarts)
    await here.order(prompt="a harbour")
    await delivered(here, 2)
    endpoint, arguments = last(here)
    assert (endpoint, arguments["resolution"]) == ("fal-ai/nano-banana-pro", "2K")
