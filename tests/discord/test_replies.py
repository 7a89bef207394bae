"""Orders by messages: replies to images, and mentions with them."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import discord
import pytest
from discord_acts import (
    Books,
    buttons,
    delivered,
    eventually,
    pinged,
    private,
    public,
    references,
    results,
    spoken,
)
from discord_pictures import colour_of, opened, picture
from discord_restart import Restart

from bot.domain.preferences import Preferences
from bot.domain.rules import ChannelRules, Editable, Replies, Rules
from bot.sandbox.fal_faults import Fault, Step
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import image_urls, text_of
from bot.sandbox.world import World
from bot.service.fleeting import Remove

ROBOT = ("robot.png", picture("PNG", "blue"))


async def made(here: World, prompt: str = "a lighthouse", **options: object) -> discord.Message:
    """A result of ann's."""
    await here.member.slash(here.channel, "imagine", prompt=prompt, **options)
    return (await delivered(here))[-1]


def mention(here: World) -> str:
    bot = here.env.bot.user
    assert bot is not None
    return bot.mention


def said(here: World) -> list[discord.Message]:
    """What the bot said that is no result, newest last."""
    bot = here.env.bot.user
    return [one for one in public(here) if bot and one.author.id == bot.id and not image_urls(one)]


async def answered(here: World) -> discord.Message:
    """The one short answer that comes, before it goes."""
    return (await eventually(lambda: said(here)))[-1]


async def heard(here: World, words: str) -> None:
    """The bot says so, however shortly it stands."""
    await eventually(lambda: any(words in str(body) for body in spoken(here)))


async def nothing_follows(here: World, fal: LoopbackFal, orders: int) -> None:
    """No answer, and no further order."""
    await asyncio.sleep(0.05)
    assert said(here) == []
    assert len(fal.jobs) == orders


async def set_rules(here: World, rules: Rules) -> None:
    guild = here.channel.history()[-1].guild
    assert guild is not None
    scope = f"guild:{guild.id}"
    record = await here.app.rules.rules(scope)
    await here.app.rules.change_rules(scope, record, rules, by=here.moderator.id, at=1.0)


async def edited(here: World, count: int = 2) -> discord.Message:
    """So many results in all."""
    await eventually(lambda: len(results(here)) == count)
    return results(here)[-1]


async def test_a_reply_to_ones_own_result_edits_it_at_once(here: World, fal: LoopbackFal, books: Books) -> None:
    result = await made(here)
    message = await here.member.send(here.channel, "make it night", reply_to=result)
    edit = await edited(here)
    _, job = fal.jobs.values()
    assert (job.endpoint, job.prompt) == ("fal-ai/nano-banana-2/edit", "make it night")
    assert edit.reference is not None
    assert edit.reference.message_id == message.id
    assert pinged(here, edit) == [here.member.id]
    assert f"Edit 1 of [this image]({result.jump_url})" in text_of(edit)
    await eventually(lambda: books.states() == ["delivered", "delivered"])
    await eventually(lambda: [one.id for one in public(here)] == [result.id, message.id, edit.id])
    assert books.spent("customer") == 16


async def test_a_plain_reply_of_somebody_else_gets_an_offer_that_works_for_them_alone(
    here: World, fal: LoopbackFal
) -> None:
    result = await made(here)
    message = await here.other.send(here.channel, "make it night", reply_to=result)
    offer = await answered(here)
    assert offer.reference is not None
    assert offer.reference.message_id == message.id
    assert pinged(here, offer) == []
    assert list(buttons(offer)) == ["Edit this (8 credits)"]
    assert text_of(offer) == "Shall I edit this image? Only you can say so, for 2 min."
    [custom_id] = buttons(offer).values()
    strange = await here.member.click(offer, custom_id=custom_id)
    assert private(strange) == ["Only the person who ordered this can do that."]
    await here.other.click(offer, custom_id=custom_id)
    edit = await edited(here)
    assert pinged(here, edit) == [here.other.id]
    assert edit.reference is not None
    assert edit.reference.message_id == message.id
    assert len(fal.jobs) == 2
    await eventually(lambda: said(here) == [])


async def test_ten_clicks_on_an_offer_are_one_order(here: World, fal: LoopbackFal) -> None:
    result = await made(here)
    await here.other.send(here.channel, "make it night", reply_to=result)
    offer = await answered(here)
    [custom_id] = buttons(offer).values()
    await here.other.click(offer, custom_id=custom_id)
    for _ in range(9):
        with suppress(Exception):
            await here.other.click(offer, custom_id=custom_id)
    await edited(here)
    assert len(fal.jobs) == 2


async def test_an_offer_goes_away_by_itself(here: World, fal: LoopbackFal) -> None:
    result = await made(here)
    await here.other.send(here.channel, "make it night", reply_to=result)
    await answered(here)
    await eventually(lambda: said(here) == [])
    await nothing_follows(here, fal, 1)


@pytest.mark.parametrize("words", ["{bot} make it night", "make it night --2k", "{bot} night"])
async def test_a_typed_mention_or_options_order_at_once(here: World, fal: LoopbackFal, words: str) -> None:
    result = await made(here)
    await here.other.send(here.channel, words.format(bot=mention(here)), reply_to=result)
    await edited(here)
    _, job = fal.jobs.values()
    assert job.prompt == ("night" if words.endswith(" night") and "make" not in words else "make it night")
    assert job.arguments["resolution"] == ("2K" if "--2k" in words else "1K")


@pytest.mark.parametrize("words", ["nice", "😍", "👍 👍", "lol!"])
async def test_a_word_or_an_emoji_is_left_alone(here: World, fal: LoopbackFal, words: str) -> None:
    result = await made(here)
    await here.member.send(here.channel, words, reply_to=result)
    await nothing_follows(here, fal, 1)


@pytest.mark.parametrize(
    "seen", [False, pytest.param(True, marks=pytest.mark.settings(discord={"message_content": True}))]
)
async def test_what_is_said_beside_the_bot_is_left_alone(here: World, fal: LoopbackFal, *, seen: bool) -> None:
    assert here.app.settings.discord.message_content is seen
    theirs = await here.other.send(here.channel, "look at my cat", attachments=[ROBOT])
    await here.member.send(here.channel, "make it night", reply_to=theirs)
    await here.member.send(here.channel, "make it night please")
    await nothing_follows(here, fal, 0)


async def test_unknown_options_are_named_and_the_answer_goes_away(here: World, books: Books) -> None:
    result = await made(here)
    await here.member.send(here.channel, "make it night --chaos 20", reply_to=result)
    await heard(here, "I do not know `--chaos 20`")
    await eventually(lambda: said(here) == [])
    assert books.states() == ["delivered"]


@pytest.mark.parametrize(
    ("replies", "plain", "typed"),
    [
        (Replies.EVERYONE, True, True),
        (Replies.MENTION, False, True),
        (Replies.OFF, False, False),
    ],
)
async def test_moderators_decide_how_replies_are_taken(
    here: World, fal: LoopbackFal, replies: Replies, *, plain: bool, typed: bool
) -> None:
    result = await made(here)
    await set_rules(here, Rules(replies=replies))
    await here.other.send(here.channel, "make it night --2k", reply_to=result)
    if plain:
        await edited(here, 2)
    else:
        await nothing_follows(here, fal, 1)
    await here.other.send(here.channel, f"{mention(here)} make it day", reply_to=result)
    if typed:
        await edited(here, 3 if plain else 2)
    else:
        await heard(here, "switched off")


async def test_the_image_of_a_set_is_named_in_words(here: World, fal: LoopbackFal) -> None:
    result = await made(here, images=2)
    await here.member.send(here.channel, "make the second one blue", reply_to=result)
    await edited(here)
    first, job = fal.jobs.values()
    assert job.arguments["image_urls"] == [first.images[1]["url"]]


async def test_an_image_that_the_set_does_not_have_is_told(here: World, fal: LoopbackFal) -> None:
    result = await made(here, images=2)
    await here.member.send(here.channel, "make image 3 blue", reply_to=result)
    await heard(here, "There is no image 3 there: it has 2 images.")
    assert len(fal.jobs) == 1


@pytest.mark.parametrize(("value", "count"), [("1", 1), ("all", 2)])
async def test_a_select_asks_which_image_of_a_set_is_meant(
    here: World, fal: LoopbackFal, value: str, count: int
) -> None:
    result = await made(here, images=2)
    await here.member.send(here.channel, "make it blue", reply_to=result)
    question = await answered(here)
    assert "Which of these images shall I edit? (8 credits)" in text_of(question)
    await here.member.select(question, [value])
    await edited(here)
    first, job = fal.jobs.values()
    assert job.arguments["image_urls"] == [one["url"] for one in first.images[:count]]


async def test_a_mention_with_images_edits_them(here: World, fal: LoopbackFal) -> None:
    files = [ROBOT, ("two.png", picture("PNG", "green"))]
    await here.member.send(here.channel, f"{mention(here)} put them on a boat", attachments=files)
    await edited(here, 1)
    [job] = fal.jobs.values()
    assert job.prompt == "put them on a boat"
    assert [colour_of(opened(data)) for data in references(fal, job)] == ["blue", "green"]


async def test_images_of_a_reply_go_in_after_the_result(here: World, fal: LoopbackFal) -> None:
    result = await made(here)
    await here.member.send(here.channel, "put this robot in", reply_to=result, attachments=[ROBOT])
    await edited(here)
    first, job = fal.jobs.values()
    urls = job.arguments["image_urls"]
    assert isinstance(urls, list)
    assert urls[0] == first.images[0]["url"]
    assert colour_of(opened(references(fal, job)[1])) == "blue"


async def test_without_the_intent_a_foreign_image_is_invisible_and_the_member_hears_how(
    here: World, fal: LoopbackFal
) -> None:
    theirs = await here.other.send(here.channel, "my cat", attachments=[ROBOT])
    await here.member.send(here.channel, f"{mention(here)} make it night", reply_to=theirs)
    await heard(here, "Apps > Edit image")
    assert fal.jobs == {}


@pytest.mark.settings(discord={"message_content": True})
async def test_with_the_intent_a_reply_to_anybodys_image_edits_it(here: World, fal: LoopbackFal) -> None:
    theirs = await here.other.send(here.channel, "my cat", attachments=[ROBOT])
    await here.member.send(here.channel, "make it night", reply_to=theirs)  # not for the bot
    await here.member.send(here.channel, f"{mention(here)} make it night", reply_to=theirs)
    edit = await edited(here, 1)
    [job] = fal.jobs.values()
    assert colour_of(opened(references(fal, job)[0])) == "blue"
    assert "Edit 1" not in text_of(edit)


@pytest.mark.settings(discord={"message_content": True})
async def test_where_only_own_pictures_may_be_edited_foreign_ones_are_refused(here: World, fal: LoopbackFal) -> None:
    theirs = await here.other.send(here.channel, "my cat", attachments=[ROBOT])
    await set_rules(here, Rules(editable=Editable.OWN))
    await here.member.send(here.channel, f"{mention(here)} make it night", reply_to=theirs)
    await heard(here, "your own pictures and mine")
    assert fal.jobs == {}
    await here.other.send(here.channel, f"{mention(here)} make it night", reply_to=theirs)
    await edited(here, 1)


@pytest.mark.settings(discord={"message_content": True})
async def test_a_member_who_keeps_their_pictures_is_obeyed(here: World, fal: LoopbackFal) -> None:
    theirs = await here.other.send(here.channel, "my cat", attachments=[ROBOT])
    await here.app.desk.prefer(here.other.id, Preferences(others_may_edit=False))
    await here.member.send(here.channel, f"{mention(here)} make it night", reply_to=theirs)
    await heard(here, "does not want it edited")
    assert fal.jobs == {}
    await here.other.send(here.channel, f"{mention(here)} make it night", reply_to=theirs)
    await edited(here, 1)


async def test_a_mention_with_words_alone_is_asked_about(here: World, fal: LoopbackFal) -> None:
    await here.member.send(here.channel, f"{mention(here)} a fox in the snow")
    offer = await answered(here)
    assert list(buttons(offer)) == ["Make this (8 credits)"]
    [custom_id] = buttons(offer).values()
    await here.member.click(offer, custom_id=custom_id)
    await edited(here, 1)
    [job] = fal.jobs.values()
    assert (job.endpoint, job.prompt) == ("fal-ai/nano-banana-2", "a fox in the snow")


async def test_a_mention_without_a_word_is_told_what_to_do(here: World, fal: LoopbackFal) -> None:
    await here.member.send(here.channel, mention(here), attachments=[ROBOT])
    await heard(here, "Say what to change")
    assert fal.jobs == {}


async def test_a_reply_to_a_deleted_message_is_told_when_the_bot_was_called(here: World, fal: LoopbackFal) -> None:
    theirs = await here.other.send(here.channel, "my cat", attachments=[ROBOT])
    await here.other.delete(theirs)
    here.env.backend.create_message(
        here.channel.id,
        here.member.id,
        f"{mention(here)} make it night",
        reference={"message_id": str(theirs.id), "channel_id": str(here.channel.id), "fail_if_not_exists": False},
    )
    await heard(here, "is gone")
    assert fal.jobs == {}


async def test_bots_are_not_listened_to(here: World, fal: LoopbackFal) -> None:
    result = await made(here)
    assert here.channel.guild is not None
    robot = here.channel.guild.add_member(here.env.create_user("robot", bot=True))
    await robot.send(here.channel, f"{mention(here)} make it night", reply_to=result)
    await nothing_follows(here, fal, 1)


async def test_a_reply_of_four_thousand_characters_is_taken_whole(here: World, fal: LoopbackFal) -> None:
    result = await made(here)
    words = "so much " * 249
    await here.member.send(here.channel, words, reply_to=result)
    await edited(here)
    _, job = fal.jobs.values()
    assert job.prompt == words.strip()


@pytest.mark.settings(quota={"member_daily_credits": 8})
async def test_a_reply_that_the_books_refuse_is_told_shortly(here: World, fal: LoopbackFal, books: Books) -> None:
    result = await made(here)
    await here.member.send(here.channel, "make it night", reply_to=result)
    await heard(here, "You have 0 credits left today")
    await eventually(lambda: said(here) == [])
    assert books.states() == ["delivered"]
    assert len(fal.jobs) == 1


async def test_a_long_chain_of_replies_counts_the_last_message_alone(here: World, fal: LoopbackFal) -> None:
    message = await here.member.send(here.channel, "the first word", attachments=[ROBOT])
    for _ in range(200):
        stored = here.env.backend.create_message(
            here.channel.id,
            here.other.id,
            "and so on",
            reference={"message_id": str(message.id), "channel_id": str(here.channel.id)},
        )
        message = stored
    here.env.backend.create_message(
        here.channel.id,
        here.member.id,
        f"{mention(here)} make it night",
        reference={"message_id": str(message.id), "channel_id": str(here.channel.id)},
    )
    await heard(here, "Apps > Edit image")
    assert fal.jobs == {}


# --- progress -------------------------------------------------------------------------------------


@pytest.mark.fal(seconds=0.3)
async def test_progress_is_one_message_with_cancel_and_few_edits(here: World, fal: LoopbackFal) -> None:
    result = await made(here)
    fal.generation.seconds = 60
    message = await here.member.send(here.channel, "make it night", reply_to=result)
    progress = await answered(here)
    assert progress.reference is not None
    assert progress.reference.message_id == message.id
    assert pinged(here, progress) == []
    await eventually(lambda: "Generating" in text_of(said(here)[-1]))
    await here.member.click(said(here)[-1], custom_id=buttons(progress)["Cancel"])
    await eventually(lambda: "Cancelled." in text_of(said(here)[-1]))
    [left] = said(here)
    edits = [one for one in here.env.http_requests if one.method == "PATCH" and str(progress.id) in one.path]
    assert left.id == progress.id
    assert len(edits) <= 3


async def test_a_failure_is_told_in_place_of_the_progress(here: World, fal: LoopbackFal, books: Books) -> None:
    result = await made(here)
    fal.fail_next(Fault.RUN_CONTENT_POLICY, times=2)
    await here.member.send(here.channel, "make it night", reply_to=result)
    await eventually(lambda: any("content check refused" in text_of(one) for one in said(here)))
    assert len(said(here)) == 1
    await eventually(lambda: books.states() == ["delivered", "failed"])
    assert books.spent("customer") == 8


@pytest.mark.fal(seconds=0.3)
@pytest.mark.parametrize("killed", [False, True])
async def test_after_a_restart_the_edit_arrives_and_the_progress_goes(
    here: World, fal: LoopbackFal, restart: Restart, *, killed: bool
) -> None:
    result = await made(here)
    fal.generation.seconds = 1.0
    message = await here.member.send(here.channel, "make it night", reply_to=result)
    await eventually(lambda: len(fal.jobs) == 2)
    async with restart(killed=killed) as again:
        edit = await edited(again)
        assert edit.reference is not None
        assert edit.reference.message_id == message.id
        await eventually(lambda: said(again) == [])
        await again.member.send(again.channel, "and a moon, too", reply_to=edit)
        last = await edited(again, 3)
        assert "Edit 2 of" in text_of(last)


# --- the tree -------------------------------------------------------------------------------------


async def test_a_chain_knows_its_depth_and_parents_and_uploads_nothing(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    result = await made(here)
    for step, words in enumerate(("make it night", "add a moon", "add two moons"), start=2):
        await here.member.send(here.channel, words, reply_to=results(here)[-1])
        result = await edited(here, step)
    assert "Edit 3 of [this image]" in text_of(result)
    rows = books.rows("SELECT id, json_extract(order_json, '$.parent.job_id') FROM jobs ORDER BY number")
    assert [parent for _, parent in rows] == [None, *(job for job, _ in rows[:-1])]
    assert fal.seen(Step.UPLOAD) == []


async def test_a_deleted_result_is_marked(here: World, books: Books) -> None:
    result = await made(here)
    await here.moderator.delete(result)
    await eventually(lambda: books.rows("SELECT id FROM jobs WHERE deleted_at IS NOT NULL"))


# --- pictures that are used again -----------------------------------------------------------------


async def test_again_on_an_edit_needs_nothing_of_discord(
    here: World, fal: LoopbackFal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.member.slash(here.channel, "edit", prompt="make it night", image=ROBOT)
    result = await edited(here, 1)

    def nothing(_url: str) -> None:
        return None

    monkeypatch.setattr(here.env.backend.cdn, "get", nothing)
    for count in (2, 3):
        await here.member.click(result, custom_id=buttons(result)["Again"])
        result = await edited(here, count)
    for job in fal.jobs.values():
        assert colour_of(opened(references(fal, job)[0])) == "blue"


async def test_an_address_that_ran_out_is_looked_up_again(
    here: World, fal: LoopbackFal, monkeypatch: pytest.MonkeyPatch
) -> None:
    cdn = here.env.backend.cdn
    [file] = here.env.backend.store_attachments(here.channel.id, [ROBOT])
    signed = f"{file['url']}?ex=1"
    message = here.env.backend.create_message(
        here.channel.id, here.member.id, f"{mention(here)} make it night", attachments=[file | {"url": signed}]
    )
    served = cdn.get

    def get(url: str) -> bytes | None:
        if url == signed:
            message.attachments[0]["url"] = file["url"]
        return served(url)

    monkeypatch.setattr(cdn, "get", get)
    await edited(here, 1)
    [job] = fal.jobs.values()
    assert colour_of(opened(references(fal, job)[0])) == "blue"


async def test_where_the_bot_may_not_post_images_it_says_so_and_holds_nothing(here: World, books: Books) -> None:
    assert here.channel.guild is not None
    overwrites = {here.env.bot.user: discord.PermissionOverwrite(attach_files=False)}
    closed = here.channel.guild.create_text_channel("closed", overwrites=overwrites)  # pyright: ignore[reportArgumentType] - its keys are invariant
    await here.member.send(closed, f"{mention(here)} make it night", attachments=[ROBOT])
    await heard(here, "I need Attach Files")
    assert books.untouched()


async def test_an_order_whose_answer_cannot_be_posted_is_taken_back(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    result = await made(here)
    here.env.inject_error("POST", f"/channels/{here.channel.id}/messages", status=403, code=50013, times=None)
    await here.member.send(here.channel, "make it night", reply_to=result)
    await eventually(lambda: books.states() == ["delivered", "cancelled"])
    assert (books.spent("customer"), books.open_holds()) == (8, [])
    assert len(fal.jobs) == 1


async def test_an_answer_that_a_passing_trouble_swallowed_is_posted_again(here: World, fal: LoopbackFal) -> None:
    result = await made(here)
    here.env.inject_error("POST", f"/channels/{here.channel.id}/messages", status=503, times=1)
    await here.member.send(here.channel, "make it night", reply_to=result)
    await edited(here)
    await eventually(lambda: said(here) == [])
    assert len(fal.jobs) == 2


async def test_an_order_of_another_server_is_not_known_here(here: World, fal: LoopbackFal) -> None:
    abroad = here.env.create_guild("Abroad")
    channel = abroad.create_text_channel("pictures")
    await abroad.add_member(here.env.create_user("zoe")).slash(channel, "imagine", prompt="a lighthouse")
    there = await eventually(lambda: results(replace(here, channel=channel)))
    again = buttons(there[0])["Again"]
    bot = here.env.bot.user
    assert bot is not None
    [file] = here.env.backend.store_attachments(here.channel.id, [ROBOT])
    parts = [
        {"type": 12, "items": [{"media": {"url": "attachment://robot.png"}}]},
        {"type": 1, "components": [{"type": 2, "style": 2, "label": "Again", "custom_id": again}]},
    ]
    here.env.backend.create_message(here.channel.id, bot.id, components=parts, attachments=[file], flags=1 << 15)
    await here.member.send(here.channel, "make it night", reply_to=here.channel.history()[-1])
    await heard(here, "not known any more")
    assert len(fal.jobs) == 1


async def test_a_costly_order_by_a_reply_asks_once_more(here: World, fal: LoopbackFal) -> None:
    result = await made(here)
    await set_rules(here, Rules(confirm_above=10))
    await here.member.send(here.channel, "make it night --model pro", reply_to=result)
    question = await answered(here)
    assert list(buttons(question)) == ["Go ahead (15 credits)"]
    assert len(fal.jobs) == 1
    await here.member.click(question, custom_id=buttons(question)["Go ahead (15 credits)"])
    await edited(here)
    assert [job.endpoint for job in fal.jobs.values()] == ["fal-ai/nano-banana-2", "fal-ai/nano-banana-pro/edit"]


async def test_the_question_about_the_price_stands_as_long_as_its_button_works(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives, remove_later = list[float](), here.app.fleeting.remove_later

    def noted(remove: Remove, seconds: float) -> None:
        lives.append(seconds)
        remove_later(remove, seconds)

    monkeypatch.setattr(here.app.fleeting, "remove_later", noted)
    result = await made(here)
    await set_rules(here, Rules(confirm_above=1))
    await here.member.send(here.channel, "make it night", reply_to=result)
    assert "within the next 5 minutes" in text_of(await answered(here))
    assert lives == [300]


async def test_a_channels_own_rule_for_replies_goes_before_the_servers(here: World, fal: LoopbackFal) -> None:
    result = await made(here)
    await set_rules(here, Rules(channel_rules={here.channel.id: ChannelRules(replies=Replies.OFF)}))
    await here.member.send(here.channel, "make it night", reply_to=result)
    await nothing_follows(here, fal, 1)


async def test_a_link_instead_of_an_image_is_told_what_to_do(here: World, fal: LoopbackFal) -> None:
    bot = here.env.bot.user
    assert bot is not None
    await here.member.send(here.channel, f"<@{bot.id}> make https://example.org/cat.png blue")
    await eventually(lambda: any("I do not follow links." in text_of(message) for message in public(here)))
    assert fal.jobs == {}
