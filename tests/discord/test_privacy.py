"""What is forgotten, when, and what is not lifted by it."""

import io
import json
import zipfile
from typing import Any

import pytest
import simcord
from discord_acts import Books, delivered, eventually, private, refusal, told

from bot.domain.errors import SuspendedError
from bot.domain.job import NO_MESSAGE
from bot.process import SWEEP_EVERY
from bot.sandbox.once import parts_of
from bot.sandbox.world import World

DAY = 86_400


async def order(here: World, who: simcord.MemberActor | None = None, prompt: str = "a lighthouse") -> str:
    return "\n".join(private(await (who or here.member).slash(here.channel, "imagine", prompt=prompt)))


async def act(here: World, command: str, **options: object) -> str:
    return refusal(await here.moderator.slash(here.channel, command, **options))


async def forget(here: World, books: Books, who: simcord.MemberActor) -> None:
    asked = await who.slash(here.channel, "mydata erase")
    assert asked.response is not None
    await who.click(asked.response.message, label="Forget me")
    await eventually(lambda: books.rows("SELECT 1 FROM erasures"))
    await here.app.privacy.sweep()
    assert books.rows("SELECT 1 FROM erasures") == []


def test_whoever_asks_is_forgotten_within_the_hour() -> None:
    assert SWEEP_EVERY < 3600 / 2, "one sweep may be missed"


async def test_who_asks_while_the_books_take_too_long_is_told_so_and_asks_again(
    here: World, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await here.member.slash(here.channel, "mydata erase")
    assert asked.response is not None
    with monkeypatch.context() as patched:
        patched.setattr("bot.service.privacy.BOOKS_TIMEOUT", 0.0)
        late = await here.member.click(asked.response.message, label="Forget me")
    assert refusal(late).startswith("The bot is very busy.")
    await here.member.click(asked.response.message, label="Forget me")
    await eventually(lambda: books.rows("SELECT 1 FROM erasures"))


async def test_a_block_survives_that_its_member_is_forgotten(here: World, books: Books) -> None:
    await act(here, "block", member=here.member, days=2)
    await forget(here, books, here.member)
    assert books.rows(f"SELECT 1 FROM member_acts WHERE member_id = {here.member.id}") == []  # noqa: S608 - a number
    assert "You cannot order" in await order(here)
    assert "is **blocked**" in await act(here, "who", member=here.member)
    here.time.passed += 2 * DAY + 1
    assert await order(here) == ""
    await delivered(here)


async def test_strikes_survive_that_their_member_is_forgotten_and_can_be_taken_away(here: World, books: Books) -> None:
    await act(here, "strike", member=here.member)
    await act(here, "strike", member=here.member)
    await forget(here, books, here.member)
    assert "is **blocked**" in await act(here, "strike", member=here.member)
    assert "may order again" in await act(here, "unblock", member=here.member)
    assert await order(here) == ""
    await delivered(here)


async def test_nobody_is_forgotten_by_a_click_of_somebody_else(here: World, books: Books) -> None:
    asked = await here.member.slash(here.channel, "mydata erase")
    assert asked.response is not None
    button = next(part for part in parts_of(asked.response.message.components) if part.get("type") == 2)
    bot = here.env.bot.user
    assert bot is not None
    row = {"type": 1, "components": [dict(button)]}
    here.env.backend.create_message(here.channel.id, bot.id, "", components=[row])
    await here.other.click(here.channel.history()[-1], label="Forget me")
    assert books.rows("SELECT 1 FROM erasures") == []


async def exported(here: World, name: str) -> Any:  # noqa: ANN401 - JSON
    answer = await here.member.slash(here.channel, "mydata export")
    await told(answer)
    (shown,) = [one.message for one in [answer.response, *answer.followups] if one is not None]
    (file,) = [part for part in parts_of(shown.components) if part.get("type") == 13]
    packed = here.env.backend.cdn.get(file["file"]["url"])
    assert packed is not None
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return json.loads(archive.read(name))


async def test_an_export_tells_of_blocks_and_strikes(here: World) -> None:
    await act(here, "strike", member=here.member, reason="rude")
    (strike,) = await exported(here, "blocks_strikes_and_grants.json")
    assert (strike["kind"], strike["reason"]) == ("strike", "rude")


async def test_an_export_names_no_message_of_images_that_were_posted_nowhere(here: World, books: Books) -> None:
    await order(here, prompt="a lighthouse")
    await eventually(lambda: books.states() == ["delivered"])
    job = (await here.app.store.of_member(f"guild:{here.member.guild.id}", here.member.id, 1))[0]
    (made,) = await exported(here, "orders.json")
    assert made["message_id"] == job.message_id
    await here.app.store.save(job.but(message_id=NO_MESSAGE))
    (made,) = await exported(here, "orders.json")
    assert (made["message_id"], made["posted_in"]) == (None, None)


async def test_old_prompts_are_forgotten_and_young_ones_and_the_books_stay(here: World, books: Books) -> None:
    await order(here, prompt="an old secret")
    await delivered(here)
    here.time.passed += 300 * DAY
    await order(here, prompt="a young one")
    await delivered(here, 2)
    here.time.passed += 100 * DAY
    await here.app.privacy.sweep()
    said = refusal(await here.member.slash(here.channel, "history"))
    assert "a young one" in said
    assert "an old secret" not in said
    assert books.spent("customer") == 16


async def test_a_server_that_was_left_is_forgotten_after_thirty_days_and_no_other_is(here: World, books: Books) -> None:
    guild = here.env.create_guild("Elsewhere")
    channel, eve = guild.create_text_channel("pictures"), guild.add_member(here.env.create_user("eve"))
    await eve.slash(channel, "imagine", prompt="a secret of elsewhere")
    await order(here, prompt="ours")
    await eventually(lambda: books.states() == ["delivered"] * 2)
    await here.app.client.on_ready()  # connected anew: the servers are known
    here.env.backend.remove_guild(guild.id)
    left = f"SELECT left_at FROM servers WHERE guild_id = {guild.id}"  # noqa: S608 - a number
    await eventually(lambda: books.rows(left) not in ([], [(None,)]))
    here.time.passed += 29 * DAY
    await here.app.privacy.sweep()
    assert books.rows("SELECT count(*) FROM jobs WHERE order_json LIKE '%a secret of elsewhere%'") == [(1,)]
    here.time.passed += 2 * DAY
    await here.app.privacy.sweep()
    assert books.rows("SELECT count(*) FROM jobs WHERE order_json LIKE '%a secret of elsewhere%'") == [(0,)]
    assert books.rows(left) == []
    assert "ours" in refusal(await here.member.slash(here.channel, "history"))


async def test_a_suspended_server_stays_suspended_when_it_comes_back_after_it_was_forgotten(
    here: World, books: Books
) -> None:
    guild = here.env.create_guild("Elsewhere")
    await here.app.client.on_ready()  # connected anew: the servers are known
    await here.app.purse.change(guild.id, "suspended", value=True)
    here.env.backend.remove_guild(guild.id)
    row = f"SELECT name, suspended, left_at IS NULL FROM servers WHERE guild_id = {guild.id}"  # noqa: S608 - a number
    await eventually(lambda: books.rows(row) == [("Elsewhere", 1, 0)])
    here.time.passed += 31 * DAY
    await here.app.privacy.sweep()
    assert books.rows(row) == [("", 1, 0)]
    await here.app.privacy.sweep()
    await here.app.servers.joined(guild.id, "Elsewhere again", here.time())  # simcord gives no id out twice
    with pytest.raises(SuspendedError):
        here.app.purse.check(await here.app.purse.server(f"guild:{guild.id}"))
    assert books.rows(row) == [("Elsewhere again", 1, 1)]
