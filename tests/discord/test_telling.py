"""A member whom a moderator blocks, strikes or lets order again is told, and the moderator learns whether."""

import asyncio

import pytest
import simcord
from discord_acts import buttons, eventually, private, refusal

from bot.adapters.discord_news import DirectNews
from bot.sandbox.once import text_of
from bot.sandbox.world import World

TOLD = "They were told in a direct message."
NOT_TOLD = "They could not be told: direct messages from here do not reach them."


async def act(here: World, command: str, **options: object) -> str:
    return refusal(await here.moderator.slash(here.channel, command, **options))


def direct(who: simcord.MemberActor) -> list[str]:
    """The bot's direct messages to a member, oldest first."""
    return [text_of(message) for message in who.user.dm_channel.history()]


async def test_a_blocked_member_reads_where_why_and_until_when(here: World) -> None:
    said = await act(here, "block", member=here.member, reason="spam", days=2)
    assert said.endswith(f"-# {TOLD}")
    (told,) = direct(here.member)
    assert told.startswith("A moderator of **Sandbox** has stopped your image orders there. The reason given: spam")
    assert "You cannot order images there until <t:" in told
    assert told.endswith("please talk to a moderator there.")
    assert str(here.moderator.id) not in told
    assert direct(here.other) == []


async def test_a_struck_member_reads_how_many_count_and_what_they_lead_to(here: World) -> None:
    await act(here, "settings set", name="strikes_to_block", value="2")
    assert (await act(here, "strike", member=here.member, reason="rude")).endswith(TOLD)
    (told,) = direct(here.member)
    assert told.startswith("A moderator of **Sandbox** has given you a strike for your image orders there.")
    assert "It is 1 of 2, and you can go on ordering. A strike counts for 30 days" in told
    await act(here, "strike", member=here.member)
    assert "You cannot order images there until <t:" in direct(here.member)[1]


async def test_a_member_who_may_order_again_reads_so_and_only_when_something_ended(here: World) -> None:
    await act(here, "block", member=here.member)
    assert (await act(here, "unblock", member=here.member)).endswith(TOLD)
    assert direct(here.member)[1].startswith("You can order images in **Sandbox** again")
    await act(here, "unblock", member=here.member)
    assert len(direct(here.member)) == 2


async def test_closed_direct_messages_are_no_failure_and_the_moderator_reads_so(here: World) -> None:
    here.env.inject_error("POST", "/users/@me/channels", status=403, code=50007, times=None)
    said = await act(here, "block", member=here.member)
    assert "is **blocked** until a moderator ends it" in said
    assert said.endswith(f"-# {NOT_TOLD}")
    assert direct(here.member) == []


async def test_the_moderator_is_answered_before_the_member_is_told(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = asyncio.Event()

    async def slow(*_: object) -> bool:
        return await arrived.wait()

    monkeypatch.setattr(DirectNews, "tell", slow)
    doing = asyncio.ensure_future(here.moderator.slash(here.channel, "block", member=here.member))
    await eventually(lambda: any("Telling them in a direct message" in str(one.json) for one in here.env.http_requests))
    arrived.set()
    assert refusal(await doing).endswith(f"-# {TOLD}")


async def test_nobody_reaches_a_stranger_by_blocking_them(here: World) -> None:
    guild = here.env.create_guild("Elsewhere")
    stranger = guild.add_member(here.env.create_user("eve"))
    said = await act(here, "block", member=stranger.user, reason="words of my own")
    assert said.endswith(NOT_TOLD)
    assert direct(stranger) == []


async def test_what_a_moderator_typed_has_no_effect_in_the_message(here: World) -> None:
    await act(here, "block", member=here.member, reason="@everyone [free](https://bad.example) **now**")
    (told,) = direct(here.member)
    assert "@everyone" not in told
    assert "\\[free\\]\\(https" in told


# --- strikes as the server wants them -------------------------------------------------------------


async def order(here: World) -> str:
    return "\n".join(private(await here.member.slash(here.channel, "imagine", prompt="a lighthouse")))


async def test_the_numbers_of_strikes_are_set_in_the_panel_and_hold_for_the_next_strike(here: World) -> None:
    opened = await here.moderator.slash(here.channel, "settings panel")
    assert opened.response is not None
    page = await here.moderator.click(opened.response.message, label="Safety")
    assert page.response is not None
    assert "**Strikes that block a member**: 3 (up to 20)" in text_of(page.response.message)
    assert "Change strikes" in buttons(page.response.message)
    form = await here.moderator.click(page.response.message, label="Change strikes")
    wanted = {"strikes_to_block": "1", "strike_days": "30", "strike_block_days": "2"}
    changed = await here.moderator.submit_modal(form, wanted)
    assert changed.response is not None
    said = text_of(changed.response.message)
    assert said.startswith("## Settings · Safety\nSaved. **Strikes that block a member**: 3 → 1")
    assert "**Days that strikes block for**: 7 → 2" in said
    assert "0 strikes of 1 in 30 days, then a block for 2 days" in await act(here, "who", member=here.member)
    assert "is **blocked** until" in await act(here, "strike", member=here.member)
    assert "You cannot order" in await order(here)
    here.time.passed += 2 * 86_400 + 1
    assert await order(here) == ""


async def test_strikes_stop_counting_after_as_many_days_as_are_set(here: World) -> None:
    await act(here, "settings set", name="strike_days", value="2")
    await act(here, "strike", member=here.member)
    here.time.passed += 2 * 86_400 + 1
    assert "0 strikes of 3 in 2 days" in await act(here, "who", member=here.member)
