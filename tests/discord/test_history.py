"""/history: pages of what a member made, found by words, and shown again in the channel."""

import io
from typing import Any

import discord
import pytest
from discord_acts import Books, buttons, delivered, eventually, old_button, private, refusal, results, told
from discord_pictures import picture
from discord_restart import Restart
from PIL import Image

from bot.sandbox.once import image_urls, parts_of, text_of
from bot.sandbox.world import World

MANY = pytest.mark.settings(quota={"member_daily_credits": 1000, "member_jobs": 50})
NOT_YOURS = "Only the person who ordered this can do that."


async def made(here: World, *prompts: str, **options: object) -> None:
    before = len(results(here))
    for count, prompt in enumerate(prompts, start=1):
        await here.member.slash(here.channel, "imagine", prompt=prompt, **options)
        await delivered(here, before + count)


async def history(here: World, words: str | None = None) -> discord.Message:
    options = {} if words is None else {"words": words}
    answer = await here.member.slash(here.channel, "history", **options)
    assert answer.response is not None
    assert answer.response.ephemeral
    return answer.response.message


def prompts(message: discord.Message) -> list[str]:
    return [line.removeprefix("> ") for line in text_of(message).splitlines() if line.startswith("> ")]


def thumbnails(here: World, message: discord.Message) -> list[bytes]:
    urls = [str(part["media"]["url"]) for part in parts(message) if part.get("type") == 11]
    return [here.env.backend.cdn.get(url) or b"" for url in urls]


def parts(message: discord.Message) -> list[dict[str, Any]]:
    found = [dict(part) for part in parts_of(message.components)]
    return found + [part["accessory"] for part in found if "accessory" in part]


async def test_it_shows_ones_own_results_with_small_pictures_and_a_way_to_each(here: World) -> None:
    await made(here, "a lighthouse", "a harbour")
    await here.other.slash(here.channel, "imagine", prompt="not mine")
    await delivered(here, 3)
    shown = await history(here)
    assert prompts(shown) == ["a harbour", "a lighthouse"]
    assert len(thumbnails(here, shown)) == 2
    for data in thumbnails(here, shown):
        with Image.open(io.BytesIO(data)) as image:
            assert max(image.size) == 240
    assert f"/{here.channel.id}/{results(here)[0].id})" in text_of(shown)


@MANY
async def test_pages_turn_and_keep_what_was_searched_for(here: World, restart: Restart) -> None:
    await made(here, *[f"a lighthouse {number}" for number in range(7)], "a harbour")
    answer = (await here.member.slash(here.channel, "history", words="LIGHT")).response
    assert answer is not None
    assert prompts(answer.message) == [f"a lighthouse {number}" for number in (6, 5, 4, 3, 2)]
    assert "Newer" not in buttons(answer.message)
    async with restart() as after:
        await after.member.click(answer.message, label="Older")
        assert prompts(answer.message) == ["a lighthouse 1", "a lighthouse 0"]
        assert buttons(answer.message).keys() == {"Show here", "Newer"}
        await after.member.click(answer.message, label="Newer")
        assert len(prompts(answer.message)) == 5


async def test_words_are_found_whatever_their_accents_and_signs_do_no_harm(here: World) -> None:
    await made(here, "Ein Café am Fluß", 'say "hi" to me')
    assert prompts(await history(here, "cafe")) == ["Ein Café am Fluß"]
    assert len(prompts(await history(here, '"hi" OR owner:x*'))) == 0
    assert len(prompts(await history(here, '"HI')) or []) == 1
    assert text_of(await history(here, "@@@")).startswith("None of your prompts here has")


async def test_one_is_shown_here_again_with_its_buttons_and_free(here: World, books: Books) -> None:
    await made(here, "a lighthouse")
    first = results(here)[0]
    spent = books.spent("customer")
    answer = await here.member.click(await history(here), label="Show here")
    await eventually(lambda: len(results(here)) == 2)
    again = results(here)[-1]
    assert buttons(again) == buttons(first)
    assert any(str(again.id) in said for said in await eventually(lambda: private(answer)))
    assert books.spent("customer") == spent


async def test_nobody_elses_result_can_be_shown(here: World) -> None:
    await made(here, "a lighthouse")
    custom_id = buttons(await history(here))["Show here"]
    assert refusal(await here.moderator.click(old_button(here, custom_id), label="Old")) == NOT_YOURS
    assert len(results(here)) == 1


async def test_what_was_made_in_another_server_stays_there(here: World) -> None:
    await made(here, "a lighthouse")
    custom_id = buttons(await history(here))["Show here"]
    elsewhere = here.env.create_guild("Elsewhere")
    channel, ann = elsewhere.create_text_channel("general"), elsewhere.add_member(here.member.user)
    assert refusal(await ann.click(old_button(here, custom_id, channel), label="Old")) == NOT_YOURS
    assert len(channel.history()) == 1


async def test_what_was_deleted_is_marked_and_not_brought_back(here: World, books: Books, restart: Restart) -> None:
    await made(here, "a lighthouse")
    shown = await history(here)
    (result,) = results(here)
    await here.env.bot.get_channel(here.channel.id).get_partial_message(result.id).delete()  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue, reportUnknownMemberType] - a text channel
    await eventually(lambda: books.rows("SELECT 1 FROM jobs WHERE deleted_at IS NOT NULL"))
    assert refusal(await here.member.click(shown, label="Show here")) == "This order is not known any more."
    async with restart() as after:
        listed = await history(after)
        assert "deleted" in text_of(listed)
        assert buttons(listed) == {}
        assert thumbnails(here, listed) == []


async def test_a_private_result_is_listed_for_its_member_and_never_posted(here: World, books: Books) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a secret", private=True)
    await eventually(lambda: books.states() == ["delivered"])
    shown = await history(here)
    assert buttons(shown).keys() == {"Show the images"}
    assert "private" in text_of(shown)
    assert prompts(await history(here, "secret")) == ["a secret"]
    (custom_id,) = buttons(shown).values()
    crafted = old_button(here, f"p1:history:show:{custom_id.split(':')[2]}")
    stays = "This was ordered privately, so it is not posted here. **/jobs** shows it to you alone."
    assert refusal(await here.member.click(crafted, label="Old")) == stays
    assert results(here) == []


FOR_ADULTS = "That image was made in an age-restricted channel, so I show it to everyone in such channels alone."


async def test_what_was_made_in_an_age_restricted_channel_is_shown_in_such_channels_alone(here: World) -> None:
    await made(here, "a lighthouse")
    elsewhere = here.member.guild.create_text_channel("elsewhere")
    restricted, open_to_all = [here.app.client.get_channel(one.id) for one in (here.channel, elsewhere)]
    restricted.nsfw = True  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess] - simcord knows no age restriction
    shown = (await here.member.slash(elsewhere, "history")).response
    assert shown is not None
    assert refusal(await here.member.click(shown.message, label="Show here")).startswith(FOR_ADULTS)
    assert [one for one in elsewhere.history() if image_urls(one)] == []
    open_to_all.nsfw = True  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess] - the same
    await here.member.click(shown.message, label="Show here")
    await eventually(lambda: [one for one in elsewhere.history() if image_urls(one)])


@pytest.mark.parametrize("what", ["is gone", "is open to all now"])
async def test_it_stays_so_whatever_becomes_of_that_channel(here: World, what: str) -> None:
    restricted = here.member.guild.create_text_channel("restricted")
    known: Any = here.app.client.get_channel(restricted.id)
    known.nsfw = True  # simcord knows no age restriction
    await here.member.slash(restricted, "imagine", prompt="a lighthouse")
    await eventually(lambda: [one for one in restricted.history() if image_urls(one)])
    if what == "is gone":
        here.env.backend.delete_channel(restricted.id)
        await eventually(lambda: here.app.client.get_channel(restricted.id) is None)
    else:
        known.nsfw = False
    shown = await history(here)
    assert refusal(await here.member.click(shown, label="Show here")).startswith(FOR_ADULTS)
    assert results(here) == []


async def test_it_is_not_compared_where_all_may_look_by_now_and_what_is_made_again_there_is(here: World) -> None:
    known: Any = here.app.client.get_channel(here.channel.id)
    known.nsfw = True  # simcord knows no age restriction
    await here.member.slash(here.channel, "edit", prompt="make it night", image=("me.png", picture("PNG")))
    (result,) = await delivered(here)
    known.nsfw = False
    assert refusal(await here.member.click(result, label="Compare")).startswith(FOR_ADULTS)
    await here.member.click(result, label="Again")
    _, again = await delivered(here, 2)
    await here.member.click(again, label="Compare")
    await eventually(lambda: len(results(here)) == 3)


async def test_what_cannot_be_shown_was_not_shown_a_moment_ago(here: World, books: Books) -> None:
    await made(here, "a lighthouse")
    shown = await history(here)
    [(job_id,)] = books.rows("SELECT id FROM jobs")
    await here.app.gallery.remove(await here.app.studio.job(str(job_id)))
    for _ in range(2):
        said = await told(await here.member.click(shown, label="Show here"))
        assert said == "The files of this order are no longer kept."


async def test_nothing_is_shown_where_moderators_allow_no_images(here: World) -> None:
    await made(here, "a lighthouse")
    shown = await history(here)
    here.member.guild.create_text_channel("elsewhere")
    for name, value in (("listed_channels", f"<#{here.channel.id}>"), ("channels", "except")):
        await here.moderator.slash(here.channel, "settings set", name=name, value=value)
    closed = "The moderators of this server do not allow images in this channel. Please order in another one."
    assert await told(await here.member.click(shown, label="Show here")) == closed
    assert len(results(here)) == 1


async def test_who_is_blocked_shows_nothing_to_everyone(here: World) -> None:
    await made(here, "a lighthouse")
    await here.moderator.slash(here.channel, "block", member=here.member)
    said = await told(await here.member.click(await history(here), label="Show here"))
    assert said.startswith("You cannot order images in this server.")
    assert len(results(here)) == 1


async def test_an_empty_history_says_what_to_do(here: World) -> None:
    assert text_of(await history(here)) == "There is nothing here. Try **/imagine**."


@pytest.mark.settings(quota={"person_daily_credits": 100})
async def test_it_works_in_direct_messages(here: World, books: Books) -> None:
    await made(here, "in the server")
    await here.member.user.slash("imagine", prompt="between us")
    await eventually(lambda: books.states() == ["delivered"] * 2)
    answer = await here.member.user.slash("history")
    assert answer.response is not None
    assert prompts(answer.response.message) == ["between us"]
    before = len(here.member.user.dm_channel.history())
    await here.member.user.click(answer.response.message, label="Show here")
    await eventually(lambda: len(here.member.user.dm_channel.history()) == before + 1)
