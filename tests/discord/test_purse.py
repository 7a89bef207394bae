"""/usage, /mydata and the operator's rules for servers, as people see them."""

import io
import json
import zipfile

import pytest
from discord_acts import Books, delivered, eventually, private, refusal, told

from bot.sandbox.once import parts_of
from bot.sandbox.world import World


def guild_id(here: World) -> int:
    guild = here.app.client.guilds[0]
    return guild.id


async def ordered(here: World, prompt: str = "a harbour at dawn") -> None:
    await here.member.slash(here.channel, "imagine", prompt=prompt)
    await delivered(here)


async def test_usage_me_shows_ones_own_and_a_chart_with_words(here: World) -> None:
    await ordered(here)
    answer = await here.member.slash(here.channel, "usage me")
    sentence = await told(answer)
    assert "**8 credits** for 1 image in 1 order" in sentence
    assert "Nano Banana 2: 8" in sentence
    (shown,) = [one.message for one in [answer.response, *answer.followups] if one is not None]
    galleries = [part for part in parts_of(shown.components) if part.get("type") == 12]
    assert "Together 8; Nano Banana 2: 8." in galleries[0]["items"][0]["description"]
    files = [part for part in parts_of(shown.components) if part.get("type") == 13]
    table = here.env.backend.cdn.get(files[0]["file"]["url"])
    assert table is not None
    assert b"nano-banana-2,1,1,8," in table


async def test_where_nothing_was_ordered_no_empty_chart_is_shown(here: World) -> None:
    answer = await here.member.slash(here.channel, "usage me")
    assert "Nothing was ordered" in await told(answer)
    shown = [one.message for one in [answer.response, *answer.followups] if one is not None]
    assert [part for one in shown for part in parts_of(one.components) if part.get("type") == 12] == []


async def test_usage_of_the_server_is_for_moderators(here: World) -> None:
    await ordered(here)
    assert (
        refusal(await here.member.slash(here.channel, "usage server")) == "Only moderators of this server can do that."
    )
    sentence = await told(await here.moderator.slash(here.channel, "usage server"))
    assert f"**Members:** {here.member.mention}: 8" in sentence


async def test_a_suspended_server_orders_nothing_and_a_resumed_one_does_again(here: World, books: Books) -> None:
    await here.app.servers.change(guild_id(here), "suspended", value=True)
    answer = await here.member.slash(here.channel, "imagine", prompt="a harbour")
    assert refusal(answer).startswith("The bot is switched off for this server")
    assert books.states() == []
    await here.app.servers.change(guild_id(here), "suspended", value=False)
    await ordered(here)


async def test_a_cap_from_the_command_line_holds_for_the_next_order(here: World) -> None:
    await ordered(here)
    await here.app.servers.change(guild_id(here), "monthly", 15)
    answer = await here.member.slash(here.channel, "imagine", prompt="one more")
    assert refusal(answer).startswith("This server has 7 credits left this month and this needs 8.")


@pytest.mark.settings(operator={"allow_list": True})
async def test_with_the_allow_list_only_allowed_servers_order(here: World) -> None:
    answer = await here.member.slash(here.channel, "imagine", prompt="a harbour")
    assert refusal(answer).startswith("The people who run this bot have not opened it for this server yet.")
    await here.app.servers.change(guild_id(here), "allowed", value=True)
    await ordered(here)


async def test_an_export_has_everything_about_a_member_and_nothing_of_others(here: World) -> None:
    await ordered(here)
    await here.other.slash(here.channel, "imagine", prompt="the other's secret")
    await delivered(here, 2)
    answer = await here.member.slash(here.channel, "mydata export")
    await told(answer)
    (shown,) = [one.message for one in [answer.response, *answer.followups] if one is not None]
    (file,) = [part for part in parts_of(shown.components) if part.get("type") == 13]
    packed = here.env.backend.cdn.get(file["file"]["url"])
    assert packed is not None
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        orders = json.loads(archive.read("orders.json"))
        assert [order["prompt"] for order in orders] == ["a harbour at dawn"]
        recipe = archive.read("recipes.txt").decode()
        assert recipe.startswith(
            "/imagine prompt:a harbour at dawn model:nano-banana-2 aspect_ratio:auto resolution:1K "
        )
        assert f" seed:{orders[0]['arguments']['seed']} " in recipe
        assert all(b"the other's secret" not in archive.read(name) for name in archive.namelist())


async def test_forgetting_asks_first_and_then_leaves_no_word(here: World, books: Books) -> None:
    await ordered(here)
    answer = await here.member.slash(here.channel, "mydata erase")
    assert "cannot be undone" in refusal(answer)
    assert answer.response is not None
    click = await here.member.click(answer.response.message, label="Forget me")
    assert "within the hour" in private(click)[0]
    await eventually(lambda: books.rows("SELECT 1 FROM erasures"))
    await here.app.privacy.sweep()
    assert books.rows("SELECT 1 FROM erasures") == []
    assert books.rows(f"SELECT 1 FROM jobs WHERE member_id = {here.member.id}") == []  # noqa: S608 - a number
    assert books.rows("SELECT json_extract(order_json, '$.prompt') FROM jobs") == [("",)]
    assert books.spent("customer") == 8
    jobs = await told(await here.member.slash(here.channel, "jobs"))
    assert jobs.startswith("You have not ordered anything here yet.")
