"""The context menus "Edit image" and "Add to blend", the basket, and /blend."""

import pytest
import simcord
from discord_acts import Books, buttons, delivered, eventually, public, references, refusal, results
from discord_pictures import colour_of, opened, picture
from discord_restart import Restart

from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import image_urls, parts_of, text_of
from bot.sandbox.world import World

EMPTY = (
    "Your basket is empty. Right-click a message with an image (hold it on a phone), then **Apps** > **Add to blend**."
)


async def collected(here: World, *colours: str) -> simcord.InteractionResult:
    """ben posts a message with such pictures; ann puts them into her basket."""
    files = [(f"{colour}.png", picture("PNG", colour)) for colour in colours]
    message = await here.other.send(here.channel, "look", attachments=files)
    return await here.member.context_menu(here.channel, "Add to blend", message)


def lines(answer: simcord.InteractionResult) -> list[str]:
    """The numbered pictures of a basket."""
    return [line for line in refusal(answer).splitlines() if line.startswith("**") and line[2].isdigit()]


def sent(fal: LoopbackFal) -> list[str]:
    """The colours that fal got with its only request, in order."""
    (job,) = fal.jobs.values()
    return [colour_of(opened(data)) for data in references(fal, job)]


# --- edit image -----------------------------------------------------------------------------------


async def test_edit_image_on_somebodys_message_opens_a_form_and_edits_the_chosen_one(
    here: World, fal: LoopbackFal
) -> None:
    files = [("one.png", picture("PNG", "red")), ("two.png", picture("PNG", "blue"))]
    message = await here.other.send(here.channel, "holiday", attachments=files)
    shown = await here.member.context_menu(here.channel, "Edit image", message)
    assert shown.modal is not None
    fields = [label["component"] for label in shown.modal["components"]]
    assert [one["label"] for one in fields[0]["options"]] == ["Image 1: one.png", "Image 2: two.png"]
    assert len(fields) == 5
    await here.member.submit_modal(
        shown,
        {
            "images": ["2"],
            "prompt": "make it night",
            "size": ["nano-banana-pro|2K"],
            "shape": ["auto"],
            "files": [("more.png", picture("PNG", "green"))],
        },
    )
    await here_is_result(here)
    assert sent(fal) == ["blue", "green"]
    (job,) = fal.jobs.values()
    assert (job.endpoint, job.arguments["resolution"]) == ("fal-ai/nano-banana-pro/edit", "2K")


async def here_is_result(here: World) -> None:
    """A result stands below what members posted."""
    await eventually(lambda: any("Again" in buttons(message) for message in results(here)))


@pytest.mark.parametrize("menu", ["Edit image", "Add to blend"])
async def test_a_message_without_an_image_is_told_so(here: World, menu: str) -> None:
    message = await here.other.send(here.channel, "hello")
    answer = await here.member.context_menu(here.channel, menu, message)
    assert refusal(answer) == "I see no image in that message. Attach one, or reply to a message that has one."


async def test_edit_image_works_on_a_result_after_a_restart_and_the_result_is_its_parent(
    here: World, restart: Restart
) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    async with restart() as after:
        shown = await after.other.context_menu(after.channel, "Edit image", result)
        await after.other.submit_modal(
            shown, {"prompt": "make it night", "size": ["nano-banana-2|1K"], "shape": ["auto"]}
        )
        second = (await delivered(after, 2))[1]
        assert "Undo" in buttons(second)


async def test_a_form_is_its_own_members(here: World, books: Books) -> None:
    message = await here.other.send(here.channel, "look", attachments=[("a.png", picture("PNG"))])
    shown = await here.member.context_menu(here.channel, "Edit image", message)
    theirs = await here.other.context_menu(here.channel, "Edit image", message)
    assert shown.modal is not None
    assert theirs.modal is not None
    theirs._interaction.modal["custom_id"] = shown.modal["custom_id"]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportOptionalSubscript] - a crafted id
    answer = await here.other.submit_modal(
        theirs, {"prompt": "mine now", "size": ["nano-banana-2|1K"], "shape": ["auto"]}
    )
    assert refusal(answer) == "Only the person who ordered this can do that."
    assert books.untouched()


# --- the basket -----------------------------------------------------------------------------------


async def test_pictures_of_several_messages_are_blended_in_order_and_the_basket_is_then_empty(
    here: World, fal: LoopbackFal
) -> None:
    await collected(here, "red")
    answer = await collected(here, "green", "blue")
    assert "Added 2 pictures." in refusal(answer)
    assert "Your basket: 3 of 14 pictures" in refusal(answer)
    assert [line.split(" · ")[0] for line in lines(answer)] == ["**1.** red.png", "**2.** green.png", "**3.** blue.png"]
    assert answer.response is not None
    thumbnails = [part for part in parts_of(answer.response.components) if part.get("type") == 9]
    assert [part["accessory"]["description"] for part in thumbnails] == ["1. red.png", "2. green.png", "3. blue.png"]
    await here.member.slash(here.channel, "blend", prompt="one poster", aspect_ratio="16:9")
    await here_is_result(here)
    assert sent(fal) == ["red", "green", "blue"]
    assert refusal(await here.member.slash(here.channel, "blend")) == EMPTY


async def test_blend_takes_and_suggests_the_options_of_imagine(here: World) -> None:
    found = await here.member.autocomplete(here.channel, "blend", "aspect_ratio", "16", model="nano-banana")
    assert [one["value"] for one in found] == ["16:9", "9:16"]
    found = await here.member.autocomplete(here.channel, "blend", "aspect_ratio", "au", model="nano-banana")
    assert [one["name"] for one in found] == ["auto (usual)"]  # as /edit has it: a blend is an edit


async def test_a_refused_blend_leaves_the_basket_as_it_was(here: World, books: Books) -> None:
    await collected(here, "red", "green")
    await collected(here, "blue", "yellow")
    answer = await here.member.slash(here.channel, "blend", prompt="one poster", model="nano-banana")
    assert refusal(answer).startswith("Nano Banana takes up to 3 pictures; these are 4.")
    assert books.untouched()
    assert len(lines(await here.member.slash(here.channel, "blend"))) == 4


async def test_the_basket_outlives_a_restart_and_ends_after_a_week(here: World, restart: Restart) -> None:
    await collected(here, "red")
    async with restart() as after:
        assert len(lines(await after.member.slash(after.channel, "blend"))) == 1
        after.time.passed += 8 * 24 * 3600
        assert refusal(await after.member.slash(after.channel, "blend")) == EMPTY


async def test_a_picture_can_be_taken_out_or_moved_up_and_all_of_them_cleared(here: World) -> None:
    answer = await collected(here, "red", "green", "blue")
    assert answer.response is not None
    message = answer.response.message
    ids = {part["custom_id"].split(":")[2]: part for part in parts_of(message.components) if part.get("type") == 3}
    third = ids["up"]["options"][-1]["value"]
    await here.member.select(message, [third], custom_id=ids["up"]["custom_id"])
    shown = await here.member.slash(here.channel, "blend")
    assert [line.split()[1] for line in lines(shown)] == ["red.png", "blue.png", "green.png"]
    await here.member.select(message, [third], custom_id=ids["remove"]["custom_id"])
    shown = await here.member.slash(here.channel, "blend")
    assert [line.split()[1] for line in lines(shown)] == ["red.png", "green.png"]
    await here.member.click(message, label="Empty the basket")
    assert refusal(await here.member.slash(here.channel, "blend")) == EMPTY


async def test_the_same_picture_is_in_the_basket_once(here: World) -> None:
    message = await here.other.send(here.channel, "look", attachments=[("a.png", picture("PNG"))])
    await here.member.context_menu(here.channel, "Add to blend", message)
    answer = await here.member.context_menu(here.channel, "Add to blend", message)
    assert "It is in your basket already." in refusal(answer)
    assert len(lines(answer)) == 1


async def test_more_than_a_basket_holds_is_refused_as_a_whole(here: World) -> None:
    await collected(here, *["red"] * 10)
    answer = await collected(here, *["blue"] * 5)
    assert refusal(answer) == (
        "A basket holds 14 pictures: yours has 10, and that message has 5 more. Please take some out first;"
        " **/blend** shows them."
    )
    await collected(here, *["blue"] * 4)
    shown = await here.member.slash(here.channel, "blend")
    assert len(lines(shown)) == 7
    assert shown.response is not None
    await here.member.click(shown.response.message, label="Later")
    assert shown.response is not None
    assert "**14.**" in text_of(shown.response.message)


async def test_baskets_are_each_members_own(here: World) -> None:
    await collected(here, "red")
    assert refusal(await here.other.slash(here.channel, "blend")) == EMPTY
    assert refusal(await here.other.slash(here.channel, "blend", prompt="one poster")) == EMPTY


async def test_blend_in_the_baskets_message_opens_a_form_and_takes_out_what_it_used(
    here: World, fal: LoopbackFal
) -> None:
    answer = await collected(here, "red", "green", "blue")
    assert answer.response is not None
    shown = await here.member.click(answer.response.message, label="Blend")
    await here.member.submit_modal(
        shown, {"images": ["1", "3"], "prompt": "one poster", "size": ["nano-banana-2|1K"], "shape": ["auto"]}
    )
    await here_is_result(here)
    assert sent(fal) == ["red", "blue"]
    assert [line.split()[1] for line in lines(await here.member.slash(here.channel, "blend"))] == ["green.png"]
    await eventually(lambda: len(public(here)) == 2)


async def test_a_blend_leads_nobody_to_what_was_made_for_adults(here: World) -> None:
    spicy = here.member.guild.create_text_channel("spicy")
    restricted = here.app.client.get_channel(spicy.id)
    restricted.nsfw = True  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess] - simcord knows no age restriction
    await here.member.slash(spicy, "imagine", prompt="a lighthouse")
    (first,) = await eventually(lambda: [one for one in spicy.history() if image_urls(one)])
    await here.member.context_menu(spicy, "Add to blend", first)
    await here.member.slash(here.channel, "blend", prompt="make it tame")
    (blended,) = await delivered(here)
    for label in ("Undo", "Compare"):
        assert "age-restricted" in refusal(await here.other.click(blended, label=label))
    assert public(here) == [blended]


async def test_an_image_of_a_hidden_channel_is_led_to_by_nobody_else(here: World) -> None:
    await here.moderator.slash(here.log, "imagine", prompt="a lighthouse")
    (first,) = await eventually(lambda: [one for one in here.log.history() if image_urls(one)])
    await here.moderator.context_menu(here.log, "Add to blend", first)
    await here.moderator.slash(here.channel, "blend", prompt="make it tame")
    (blended,) = await delivered(here)
    await here.member.click(blended, label="Again")
    _, again = await delivered(here, 2)
    for result in (blended, again):
        for label in ("Undo", "Compare"):
            said = refusal(await here.member.click(result, label=label))
            assert said == "Only the person who ordered this can do that."
    assert public(here) == [blended, again]
    await here.moderator.click(blended, label="Undo")
    await delivered(here, 3)
    here.time.passed += 60
    await here.member.click(blended, label="Compare")  # everybody has seen it here now
    await eventually(lambda: len(public(here)) == 4)
