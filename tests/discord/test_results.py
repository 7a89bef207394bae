"""The buttons under a result: Edit, Upscale, Again, Recipe, Undo, Compare and Delete."""

from pathlib import Path

import pytest
from discord_acts import (
    Books,
    alt_texts,
    buttons,
    delivered,
    eventually,
    made,
    old_button,
    pictures,
    public,
    references,
    refusal,
    results,
    told,
)
from discord_pictures import opened, picture
from discord_restart import Restart

from bot.domain.job import Job
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import text_of
from bot.sandbox.world import World

ONLY_THEIRS = "Only the person who ordered this can do that."
TOO_BUSY = "The bot is very busy. Nothing was ordered; please try again in a moment."
NOT_KEPT = "The files of this order are no longer kept."


async def test_every_result_has_its_buttons_and_an_edit_has_more(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (first,) = await delivered(here)
    assert list(buttons(first)) == ["Edit", "Upscale", "Again", "Recipe", "Delete"]
    await here.member.slash(here.channel, "edit", prompt="make it night", image=("a.png", picture("PNG")))
    second = (await delivered(here, 2))[1]
    assert list(buttons(second)) == ["Edit", "Upscale", "Again", "Recipe", "Compare", "Delete"]


async def jobs_of(here: World) -> list[Job]:
    """ann's orders, the newest first."""
    return await here.app.store.of_member(f"guild:{here.member.guild.id}", here.member.id, 10)


# --- edit -----------------------------------------------------------------------------------------


async def edited(here: World, prompt: str = "make it night", **more: object) -> None:
    """ann presses Edit under the newest result and sends the form."""
    shown = await here.member.click(results(here)[-1], label="Edit")
    await here.member.submit_modal(shown, {"prompt": prompt, "size": ["nano-banana-2|1K"], "shape": ["auto"], **more})


async def test_edit_opens_a_form_with_the_prompt_and_its_answer_is_an_edit_of_that_image(
    here: World, fal: LoopbackFal
) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse", resolution="2K")
    (result,) = await delivered(here)
    shown = await here.other.click(result, label="Edit")
    assert shown.modal is not None
    fields = [label["component"] for label in shown.modal["components"]]
    assert [one["custom_id"] for one in fields] == ["prompt", "size", "shape", "files"]
    assert fields[0]["value"] == "a lighthouse"
    (chosen,) = [one for one in fields[1]["options"] if one.get("default")]
    assert chosen["label"] == "Nano Banana 2, 2K (12 credits)"
    answer = await here.other.submit_modal(
        shown, {"prompt": "make it night", "size": ["nano-banana-2|1K"], "shape": ["16:9"]}
    )
    assert answer.response is not None
    assert f"Editing 1 image with Nano Banana 2 for {here.other.mention} · 8 credits" in text_of(
        answer.response.message
    )
    await delivered(here, 2)
    job = list(fal.jobs.values())[-1]
    assert (job.endpoint, job.prompt) == ("fal-ai/nano-banana-2/edit", "make it night")
    assert (job.arguments["aspect_ratio"], job.arguments["resolution"]) == ("16:9", "1K")
    assert {"Undo", "Compare"} <= buttons(results(here)[-1]).keys()


async def test_the_form_of_several_images_says_which_one(here: World, fal: LoopbackFal) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse", images=3)
    (result,) = await delivered(here)
    shown = await here.member.click(result, label="Edit")
    assert shown.modal is not None
    which = shown.modal["components"][0]["component"]
    assert [one["label"] for one in which["options"]] == ["Image 1", "Image 2", "Image 3"]
    await here.member.submit_modal(
        shown, {"images": ["2"], "prompt": "make it night", "size": ["nano-banana-2|1K"], "shape": ["auto"]}
    )
    await delivered(here, 2)
    (newest, *_) = await jobs_of(here)
    assert newest.order.parent is not None
    assert newest.order.parent.position == 2
    assert len(references(fal, list(fal.jobs.values())[-1])) == 1


async def test_a_form_that_was_open_during_a_restart_is_still_an_order(here: World, restart: Restart) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    shown = await here.member.click(result, label="Edit")
    async with restart() as after:
        await after.member.submit_modal(
            shown, {"prompt": "make it night", "size": ["nano-banana-2|1K"], "shape": ["auto"]}
        )
        await delivered(after, 2)


async def test_what_is_refused_can_be_mended_in_the_same_form(here: World, books: Books) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    shown = await here.member.click(result, label="Edit")
    answer = await here.member.submit_modal(
        shown, {"prompt": "a very wide one", "size": ["nano-banana-pro|1K"], "shape": ["8:1"]}
    )
    sentence = refusal(answer)
    assert sentence.startswith("Nano Banana Pro has no `aspect_ratio` `8:1`.")
    assert answer.response is not None
    again = await here.member.click(answer.response.message, label="Try again")
    assert again.modal is not None
    fields = [label["component"] for label in again.modal["components"]]
    assert fields[0]["value"] == "a very wide one"
    await here.member.submit_modal(again, {"prompt": "a wide one", "size": ["nano-banana-pro|1K"], "shape": ["21:9"]})
    await delivered(here, 2)
    assert books.spent("customer") == 8 + 15


async def test_a_form_that_was_open_for_hours_says_so(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    shown = await here.member.click(result, label="Edit")
    here.time.passed += 2 * 3600
    answer = await here.member.submit_modal(shown, {"prompt": "night", "size": ["nano-banana-2|1K"], "shape": ["auto"]})
    assert refusal(answer) == "This form is over, so nothing was ordered. Please open it again."


# --- upscale --------------------------------------------------------------------------------------


async def test_upscale_tells_the_price_first_and_makes_the_same_image_at_the_next_size(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    answer = await here.other.click(result, label="Upscale")
    assert refusal(answer) == ("The same image at **2K** with Nano Banana 2: 12 credits. Nothing is charged yet.")
    assert books.spent("customer") == 8
    assert answer.response is not None
    await here.other.click(answer.response.message, label="Go ahead (12 credits)")
    second = (await delivered(here, 2))[1]
    job = list(fal.jobs.values())[-1]
    assert (job.endpoint, job.arguments["resolution"]) == ("fal-ai/nano-banana-2/edit", "2K")
    assert text_of(second).startswith("> Upscaled: a lighthouse\n")
    assert alt_texts(second) == ["Edited image: Upscaled: a lighthouse"]


async def test_upscale_says_which_model_can_when_its_own_cannot(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse", model="nano-banana")
    (result,) = await delivered(here)
    answer = await here.member.click(result, label="Upscale")
    assert refusal(answer).splitlines() == [
        "Nano Banana makes nothing larger. These can; nothing is charged yet.",
        "- Nano Banana 2 at 2K: 12 credits",
        "- Nano Banana Pro at 2K: 15 credits",
    ]
    assert answer.response is not None
    assert list(buttons(answer.response.message)) == [
        "Nano Banana 2, 2K (12 credits)",
        "Nano Banana Pro, 2K (15 credits)",
    ]


async def test_the_largest_image_is_not_upscaled(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse", resolution="4K")
    (result,) = await delivered(here)
    assert refusal(await here.member.click(result, label="Upscale")) == "This is the largest size there is."


async def test_upscale_asks_which_of_several(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse", images=2)
    (result,) = await delivered(here)
    answer = await here.member.click(result, label="Upscale")
    assert refusal(answer) == "Which image?"
    assert answer.response is not None
    chosen = await here.member.select(answer.response.message, ["2"])
    assert "12 credits" in refusal(chosen)


# --- recipe ---------------------------------------------------------------------------------------


async def test_the_recipe_is_a_command_with_every_option(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse", seed=7, aspect_ratio="16:9")
    (result,) = await delivered(here)
    recipe = refusal(await here.other.click(result, label="Recipe"))
    assert "**Nano Banana 2** · 8 credits" in recipe
    assert (
        "/imagine prompt:a lighthouse model:nano-banana-2 aspect_ratio:16:9 resolution:1K images:1 format:png seed:7"
        " safety:4 web_search:False"
    ) in recipe.splitlines()


async def test_a_recipe_too_long_for_a_message_is_a_file(here: World) -> None:
    prompt = "lamp " * 799 + "@here"
    await here.member.slash(here.channel, "imagine", prompt=prompt)
    (result,) = await delivered(here)
    answer = await here.member.click(result, label="Recipe")
    assert "it is in the file" in refusal(answer)
    assert answer.response is not None
    (stored,) = here.env.backend.get_message(here.channel.id, answer.response.id).attachments
    assert prompt.encode() in (here.env.backend.cdn.get(stored["url"]) or b"")


# --- undo and compare -----------------------------------------------------------------------------


async def test_undo_brings_the_parent_back_once_and_free(here: World, books: Books, fal: LoopbackFal) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await delivered(here)
    await edited(here)
    second = (await delivered(here, 2))[1]
    answer = await here.member.click(second, label="Undo")
    assert (await told(answer)).startswith("It is here again: https://discord.com/channels/")
    third = (await delivered(here, 3))[2]
    assert pictures(here, third) == made(fal, next(iter(fal.jobs.values())))
    assert list(buttons(third)) == ["Edit", "Upscale", "Again", "Recipe", "Delete"]
    assert f"Brought back by {here.member.mention}" in text_of(third)
    assert books.spent("customer") == 16
    assert "moment ago" in refusal(await here.other.click(second, label="Undo"))
    here.time.passed += 60
    await here.other.click(second, label="Undo")
    await delivered(here, 4)


async def test_undo_says_when_the_parent_is_no_longer_kept(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await delivered(here)
    await edited(here)
    second = (await delivered(here, 2))[1]
    parent = (await jobs_of(here))[1]
    await here.app.gallery.remove(parent)
    for _ in range(2):  # and never that it was posted a moment ago
        assert await told(await here.member.click(second, label="Undo")) == NOT_KEPT
    assert len(public(here)) == 2


async def test_compare_shows_both_in_one_picture(here: World, books: Books) -> None:
    await here.member.slash(here.channel, "edit", prompt="make it *night*", image=("a.png", picture("PNG", "red")))
    (result,) = await delivered(here)
    answer = await here.member.click(result, label="Compare")
    assert answer.response is not None
    shown = await eventually(lambda: pictures(here, answer.response.message) if answer.response else None)
    assert not answer.response.ephemeral
    assert alt_texts(answer.response.message) == ["Before and after, side by side: make it *night*"]
    assert opened(shown[0]).format == "JPEG"
    assert opened(shown[0]).width > opened(shown[0]).height
    assert books.spent("customer") == 8


async def test_compare_says_privately_when_the_files_are_no_longer_kept(here: World) -> None:
    await here.member.slash(here.channel, "edit", prompt="make it night", image=("a.png", picture("PNG")))
    (result,) = await delivered(here)
    (job,) = await jobs_of(here)
    await here.app.gallery.remove(job)
    for _ in range(2):  # and claims at no click that it was shown a moment ago
        assert refusal(await here.member.click(result, label="Compare")) == NOT_KEPT
    assert public(here) == [result]


async def test_what_was_attached_to_a_command_is_shown_to_everyone_by_nobody_else(here: World) -> None:
    await here.member.slash(here.channel, "edit", prompt="make it night", image=("me.png", picture("PNG")))
    (first,) = await delivered(here)
    await here.other.click(first, label="Again")
    _, again = await delivered(here, 2)
    for result in (first, again):
        assert refusal(await here.other.click(result, label="Compare")) == ONLY_THEIRS
    assert public(here) == [first, again]
    await here.member.click(again, label="Compare")
    await eventually(lambda: len(public(here)) == 3)


async def test_what_everybody_in_the_channel_has_seen_may_be_compared_by_all(here: World) -> None:
    post = await here.other.send(here.channel, "look", attachments=[("a.png", picture("PNG"))])
    form = await here.member.context_menu(here.channel, "Edit image", post)
    await here.member.submit_modal(form, {"prompt": "make it night", "size": ["nano-banana-2|1K"], "shape": ["auto"]})
    (result,) = await eventually(lambda: results(here))
    await here.moderator.click(result, label="Compare")
    await eventually(lambda: len(public(here)) == 3)


# --- delete ---------------------------------------------------------------------------------------


async def test_delete_says_what_it_means_and_takes_message_and_files_away(
    here: World, books: Books, tmp_path: Path
) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    answer = await here.member.click(result, label="Delete")
    assert refusal(answer) == (
        "Delete these images for everyone? Their files go, too, and cannot be brought back."
        " The 8 credits that they cost are not returned."
    )
    assert public(here) == [result]
    assert answer.response is not None
    panel = answer.response.message
    await here.member.click(panel, label="Delete")
    await eventually(lambda: public(here) == [])
    await eventually(lambda: list((tmp_path / "jobs").iterdir()) == [])
    assert books.spent("customer") == 8


async def test_books_that_take_too_long_delete_nothing_and_say_so(
    here: World, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    asked = await here.member.click(result, label="Delete")
    assert asked.response is not None
    with monkeypatch.context() as patched:
        patched.setattr("cogs.tree.BOOKS_TIMEOUT", 0.0)
        late = await here.member.click(asked.response.message, label="Delete")
    assert refusal(late) == TOO_BUSY
    assert public(here) == [result]
    await here.member.click(asked.response.message, label="Delete")
    await eventually(lambda: public(here) == [])
    assert books.rows("SELECT deleted_at IS NULL FROM jobs") == [(0,)]


async def test_books_that_take_too_long_undo_nothing_and_say_so(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await delivered(here)
    await edited(here)
    second = (await delivered(here, 2))[1]
    monkeypatch.setattr("cogs.tree.BOOKS_TIMEOUT", 0.0)
    assert refusal(await here.member.click(second, label="Undo")) == TOO_BUSY


async def test_a_deleted_image_is_not_brought_back_and_its_other_copies_say_so(here: World, restart: Restart) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (first,) = await delivered(here)
    await edited(here)
    second = (await delivered(here, 2))[1]
    answer = await here.moderator.click(first, label="Delete")
    assert answer.response is not None
    await here.moderator.click(answer.response.message, label="Delete")
    await eventually(lambda: public(here) == [second])
    gone = "These images were deleted already."
    assert refusal(await here.member.click(second, label="Undo")) == gone
    async with restart() as after:
        assert refusal(await after.member.click(second, label="Compare")) == gone
        for action in ("edit", "upscale", "delete"):
            message = old_button(after, buttons(first)["Recipe"].replace("recipe", action))
            assert refusal(await after.member.click(message, label="Old")) == gone


async def test_what_is_deleted_goes_wherever_it_was_shown_again(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (first,) = await delivered(here)
    await edited(here)
    second = (await delivered(here, 2))[1]
    await here.member.click(second, label="Undo")
    await delivered(here, 3)
    await here.other.click(second, label="Compare")
    await eventually(lambda: len(public(here)) == 4)
    answer = await here.moderator.click(first, label="Delete")
    assert answer.response is not None
    await here.moderator.click(answer.response.message, label="Delete")
    await eventually(lambda: public(here) == [second])


async def test_two_who_delete_at_once_delete_once(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    first, second = [await one.click(result, label="Delete") for one in (here.member, here.moderator)]
    assert first.response is not None
    assert second.response is not None
    await here.member.click(first.response.message, label="Delete")
    answer = await here.moderator.click(second.response.message, label="Delete")
    assert refusal(answer) == "These images were deleted already."
    await eventually(lambda: public(here) == [])


LATE = pytest.mark.parametrize(
    ("status", "code"), [(503, 0), (404, 10062)], ids=["Discord is away", "the click was answered too late"]
)


@LATE
async def test_what_was_deleted_goes_even_when_the_answer_does_not_arrive(
    here: World, tmp_path: Path, status: int, code: int
) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    asked = await here.member.click(result, label="Delete")
    assert asked.response is not None
    here.env.inject_error("POST", "/interactions/*/*/callback", status=status, code=code)
    await here.member.click(asked.response.message, label="Delete")
    await eventually(lambda: public(here) == [])
    await eventually(lambda: list((tmp_path / "jobs").iterdir()) == [])


async def test_what_counts_as_deleted_and_stands_all_the_same_goes_with_the_next_click(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    asked = await here.member.click(result, label="Delete")
    assert asked.response is not None
    here.env.inject_error("DELETE", f"/channels/{here.channel.id}/messages/*", status=503, times=None)
    await here.member.click(asked.response.message, label="Delete")
    assert public(here) == [result]
    here.env.backend.faults.clear()
    assert refusal(await here.member.click(result, label="Delete")) == "These images were deleted already."
    await eventually(lambda: public(here) == [])


async def test_a_private_images_buttons_are_its_requesters_alone(here: World, books: Books, restart: Restart) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    await eventually(lambda: books.rows("SELECT told FROM jobs") == [(1,)])
    books.change("UPDATE jobs SET order_json = json_set(order_json, '$.private', json('true'))")
    async with restart() as after:  # until then it may still be known from before
        for label in ("Edit", "Upscale", "Again", "Recipe", "Delete"):
            assert refusal(await after.moderator.click(result, label=label)) == ONLY_THEIRS
        assert "### Recipe" in refusal(await after.member.click(result, label="Recipe"))


async def test_two_members_who_press_at_once_pay_each_for_their_own(here: World, books: Books) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    await here.member.click(result, label="Again")
    await here.other.click(result, label="Again")
    await delivered(here, 3)
    paid = "SELECT member_id, sum(credits) FROM ledger WHERE book = 'customer' GROUP BY 1 ORDER BY 2"
    assert books.rows(paid) == [(here.other.id, 8), (here.member.id, 16)]


async def test_only_the_requester_and_moderators_delete(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    theirs = await here.other.click(result, label="Delete")
    assert refusal(theirs) == "Only the person who ordered this and moderators can do that."
    assert "Delete these images" in refusal(await here.moderator.click(result, label="Delete"))


async def test_a_button_whose_job_is_gone_says_so(here: World) -> None:
    for action in ("edit", "upscale", "recipe", "undo", "compare", "delete"):
        message = old_button(here, f"v1:{action}:{'0' * 16}:1")
        assert refusal(await here.member.click(message, label="Old")) == "This order is not known any more."


@pytest.mark.settings(quota={"member_jobs": 2})
@pytest.mark.fal(seconds=30)
async def test_again_ten_times_is_as_many_orders_as_a_member_may_have(here: World, books: Books) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (job,) = await jobs_of(here)
    message = old_button(here, f"v1:again:{job.id}:0")
    answers = [await here.member.click(message, label="Old") for _ in range(10)]
    refused = [answer for answer in answers if answer.response and answer.response.ephemeral]
    assert len(refused) == 9
    assert len(books.states()) == 2
