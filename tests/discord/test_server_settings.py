"""/settings as plain commands: what a moderator sets holds for the very next order."""

import pytest
from discord_acts import Books, buttons, delivered, private, refusal, told

from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.world import World

NAME_A_CHANNEL = "Nothing was changed. Please pick a channel from the list that opens at `#`, or give its id."
NAME_A_ROLE = "Nothing was changed. Please pick a role from the list that opens at `@`, or give its id."


async def set_to(here: World, name: str, value: str, **more: object) -> str:
    return refusal(await here.moderator.slash(here.channel, "settings set", name=name, value=value, **more))


async def order(here: World, **options: object) -> str:
    """What ann is told privately; nothing when her order is taken."""
    answer = await here.member.slash(here.channel, "imagine", **({"prompt": "a lighthouse"} | options))
    return "\n".join(private(answer))


async def test_a_moderator_sees_every_setting_with_the_name_to_set_it_by(here: World) -> None:
    page = refusal(await here.moderator.slash(here.channel, "settings show"))
    assert "**Member: credits a day**: as the operator allows · `member_day`" in page
    assert "**Allowed models**: all · `models`" in page
    assert len(page) <= 4000


async def test_what_is_set_holds_for_the_next_order(here: World, books: Books) -> None:
    assert await set_to(here, "most_images", "1") == "Saved. **Most images in one order**: any number → 1"
    assert await order(here, images=2) == "One order can make 1 image here; this asks for 2."
    assert books.untouched()
    assert await order(here) == ""
    await delivered(here)


async def test_an_answer_carries_an_undo(here: World) -> None:
    answer = await here.moderator.slash(here.channel, "settings set", name="most_images", value="1")
    assert answer.response is not None
    assert list(buttons(answer.response.message)) == ["Undo"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("server_day", "0", "`server_day` is a whole number from 1, or `default`; `0` is not. Nothing was changed."),
        ("server_day", "-1", "`server_day` is a whole number from 1, or `default`; `-1` is not. Nothing was changed."),
        ("server_day", "1001", "`server_day` can be 1,000 at most. Nothing was changed."),
        ("safety", "5", "`safety` can be 4 at most. Nothing was changed."),
        ("channels", "only", "No channel would be left for images, so nothing was changed."),
        ("models", "dall-e", "`models` cannot be `dall-e`. It can be `nano-banana-2`"),
        ("colour", "red", "There is no setting `colour`."),
        ("approval_channels", "#talk", "`approval_channels` cannot be `#talk`. " + NAME_A_CHANNEL),
        ("log_channel", "talk", "`log_channel` cannot be `talk`. " + NAME_A_CHANNEL),
        ("approval_roles", "@new", "`approval_roles` cannot be `@new`. " + NAME_A_ROLE),
        ("roles_only", "on", "No role with an allowance would be left"),
        ("most_images", "default", "It is set like that already."),
    ],
)
async def test_a_value_that_may_not_be_is_refused_with_a_sentence(
    here: World, name: str, value: str, said: str
) -> None:
    assert (await set_to(here, name, value)).startswith(said)


async def test_members_cannot_run_it(here: World) -> None:
    with pytest.raises(Exception, match="permission"):
        await here.member.slash(here.channel, "settings show")


async def test_the_only_allowed_model_becomes_the_usual_one(here: World, fal: LoopbackFal) -> None:
    await set_to(here, "models", "nano-banana")
    assert await order(here) == ""
    await delivered(here)
    assert [job.endpoint for job in fal.jobs.values()] == ["fal-ai/nano-banana"]
    assert (
        await order(here, model="nano-banana-pro") == "Nano Banana Pro is not allowed here. Please choose Nano Banana."
    )


async def test_a_channel_has_its_own_rules(here: World) -> None:
    said = await set_to(here, "largest_resolution", "1K", channel=here.channel)
    assert said == f"Saved. **Largest resolution** in <#{here.channel.id}>: as in the server → 1K"
    assert (await order(here, resolution="2K")).startswith("Images can be 1K at most here.")


async def test_an_order_in_a_channel_that_is_not_listed_is_refused(here: World) -> None:
    assert here.channel.guild is not None
    other = here.channel.guild.create_text_channel("talk")
    await set_to(here, "listed_channels", f"<#{other.id}>")
    await set_to(here, "channels", "only")
    assert (await order(here)).startswith("The moderators of this server do not allow images in this channel.")


async def test_a_costly_order_asks_once_more_and_goes_ahead_at_a_click(here: World, books: Books) -> None:
    await set_to(here, "confirm_above", "10")
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse", images=2)
    assert refusal(answer).startswith("This costs **16 credits**. This server asks once more above 10.")
    assert books.untouched()
    assert answer.response is not None
    await here.member.click(answer.response.message, label="Go ahead (16 credits)")
    await delivered(here)
    assert books.spent("customer") == 16


async def test_word_rules_bite_at_every_look_alike_and_spare_words_around_them(here: World) -> None:
    answer = await here.moderator.slash(here.channel, "settings words", action="add", text="ass\n/gr[ae]y cat/")
    assert private(answer) == ["Saved. **Word rules** added: `ass`, `/gr[ae]y cat/`"]
    assert (
        await order(here, prompt="an а\u200bss")
        == "This server does not allow `ass` in a prompt. Please say it differently."
    )
    assert "`gr[ae]y cat`" in await order(here, prompt="a GREY cat")
    assert await order(here, prompt="a glass of grass") == ""
    await delivered(here)
    await set_to(here, "names_word", "off")
    assert (
        await order(here, prompt="ass")
        == "This server has rules about words, and your prompt breaks one. Please say it differently."
    )


async def test_a_prompt_can_be_tested_against_the_rules(here: World) -> None:
    await here.moderator.slash(here.channel, "settings words", action="add", text="very bad")
    tried = await here.moderator.slash(here.channel, "settings words", action="test", text="a VERY-bad day")
    assert private(tried) == ["1 rule would block that: `very bad`"]


@pytest.mark.parametrize("action", ["add", "remove", "test"])
async def test_word_rules_without_any_words_are_asked_for(here: World, action: str) -> None:
    answer = await here.moderator.slash(here.channel, "settings words", action=action)
    assert await told(answer) == "Please give `text`, or a `file` with one rule a line. Nothing was changed."


@pytest.mark.parametrize("text", ["/(a/", "/a*/", "/(?=a)b/", "★"])
async def test_what_cannot_be_a_rule_is_refused_when_it_is_saved(here: World, text: str) -> None:
    answer = await here.moderator.slash(here.channel, "settings words", action="add", text=text)
    (said,) = private(answer)
    assert not said.startswith("Saved")


async def test_history_tells_who_changed_what(here: World) -> None:
    await set_to(here, "most_images", "2")
    await set_to(here, "private", "off")
    page = refusal(await here.moderator.slash(here.channel, "settings history"))
    newest, older = page.split(f"<@{here.moderator.id}>")[1:]
    assert "**Private results**: on → off" in newest
    assert "**Most images in one order**: any number → 2" in older
