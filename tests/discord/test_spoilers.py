"""What somebody hid behind a spoiler stays behind one, whatever is made of it."""

import discord
import pytest
import simcord
from discord_acts import Books, delivered, eventually, results
from discord_pictures import picture

from bot.sandbox.once import image_urls, parts_of
from bot.sandbox.world import World

HIDDEN = ("SPOILER_end.png", picture("PNG", "red"))
OPEN = ("start.png", picture("PNG", "green"))
FORM = {"prompt": "make it night", "size": ["nano-banana-2|1K"], "shape": ["auto"]}


def hidden(message: discord.Message) -> list[bool]:
    """Of each image of a message, whether it lies behind a spoiler."""
    galleries = [part for part in parts_of(message.components) if part.get("type") == 12]
    return [bool(item.get("spoiler")) for gallery in galleries for item in gallery["items"]]


@pytest.fixture
async def post(here: World) -> discord.Message:
    """ben's message with a picture behind a spoiler."""
    return await here.other.send(here.channel, "look", attachments=[HIDDEN])


async def test_an_edit_of_a_hidden_picture_is_hidden_and_so_is_what_comes_of_it(
    here: World, post: discord.Message
) -> None:
    form = await here.member.context_menu(here.channel, "Edit image", post)
    await here.member.submit_modal(form, FORM)
    (result,) = await eventually(lambda: results(here))
    assert hidden(result) == [True]
    again = await here.member.click(result, label="Edit")
    await here.member.submit_modal(again, FORM)
    await eventually(lambda: len(results(here)) == 2)
    assert hidden(results(here)[1]) == [True]
    compared = await here.member.click(results(here)[1], label="Compare")
    assert compared.response is not None
    compared_message = compared.response.message
    assert await eventually(lambda: hidden(compared_message)) == [True]
    await here.member.click(results(here)[1], label="Undo")
    await eventually(lambda: len([one for one in results(here) if len(hidden(one)) == 1]) == 4)
    assert [hidden(one) for one in results(here)] == [[True]] * 4


async def test_a_hidden_picture_hides_the_images_of_every_other_door(here: World, post: discord.Message) -> None:
    bot = here.env.bot.user
    assert bot is not None
    await here.member.slash(here.channel, "edit", prompt="make it night", image=OPEN, image2=HIDDEN)
    await here.member.send(here.channel, f"{bot.mention} make it night", attachments=[HIDDEN])
    await eventually(lambda: len(results(here)) == 2)
    form = await here.member.click(results(here)[0], label="Edit")
    await here.member.submit_modal(form, FORM)
    await here.member.context_menu(here.channel, "Add to blend", post)
    await here.member.slash(here.channel, "blend", prompt="make it night")
    await eventually(lambda: len(results(here)) == 4)
    assert [hidden(one) for one in results(here)] == [[True]] * 4


async def test_a_picture_that_is_uploaded_hidden_into_a_form_hides_the_images(here: World) -> None:
    post = await here.other.send(here.channel, "look", attachments=[OPEN])
    form = await here.member.context_menu(here.channel, "Edit image", post)
    await here.member.submit_modal(form, {**FORM, "files": [HIDDEN]})
    (result,) = await eventually(lambda: results(here))
    assert hidden(result) == [True]


async def test_what_nobody_hid_is_open(here: World) -> None:
    await here.member.slash(here.channel, "edit", prompt="make it night", image=OPEN)
    (result,) = await delivered(here)
    assert hidden(result) == [False]


async def test_moderators_see_it_hidden_in_their_log_and_in_their_question(
    here: World, post: discord.Message, books: Books
) -> None:
    await set_to(here, "log_channel", here.log)
    form = await here.member.context_menu(here.channel, "Edit image", post)
    await here.member.submit_modal(form, FORM)
    entry = await eventually(lambda: next(iter(thumbnails(here.log)), None))
    assert entry["spoiler"] is True
    await set_to(here, "approval_channels", here.channel)
    form = await here.member.context_menu(here.channel, "Edit image", post)
    await here.member.submit_modal(form, FORM)
    question = await eventually(lambda: next((one for one in here.log.history() if image_urls(one)), None))
    assert hidden(question) == [True]
    await eventually(lambda: books.states() == ["delivered", "held"])


async def set_to(here: World, name: str, channel: simcord.ChannelHandle) -> None:
    await here.moderator.slash(here.channel, "settings set", name=name, value=f"<#{channel.id}>")


def thumbnails(log: simcord.ChannelHandle) -> list[dict[str, object]]:
    sections = [part for one in log.history() for part in parts_of(one.components) if part.get("type") == 9]
    return [dict(section["accessory"]) for section in sections]
