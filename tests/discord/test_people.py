"""What moderators do about one member, as both of them see it."""

import asyncio
from typing import Any

import pytest
from discord_acts import Books, delivered, private, refusal
from discord_restart import Restart

from bot.adapters.sqlite_people import SqlitePeople
from bot.domain.conduct import Conduct
from bot.sandbox.world import World

DAY = 86_400


async def act(here: World, command: str, **options: object) -> str:
    return refusal(await here.moderator.slash(here.channel, command, **options))


async def order(here: World, **options: object) -> str:
    """What ann is told privately; nothing when her order is taken."""
    answer = await here.member.slash(here.channel, "imagine", **({"prompt": "a lighthouse"} | options))
    return "\n".join(private(answer))


async def test_a_blocked_member_is_told_kindly_and_nothing_is_held(here: World, books: Books) -> None:
    said = await act(here, "block", member=here.member, reason="spam", days=2)
    assert f"<@{here.member.id}> is **blocked** until <t:" in said
    assert "Reason: spam\n" in said
    told = await order(here)
    assert told.startswith("You cannot order images in this server until <t:")
    assert "The reason given: `spam`." in told
    assert books.untouched()


async def test_a_blocked_member_reads_the_whole_reason(here: World) -> None:
    reason = "Please do not post pictures of other members of this server without asking them; this was the third time."
    await here.moderator.slash(here.channel, "block", member=here.member, reason=reason)
    said = refusal(await here.member.slash(here.channel, "imagine", prompt="a lighthouse"))
    assert f"The reason given: `{reason}`." in said


async def test_a_grant_whose_outcome_is_not_known_in_time_is_not_called_undone(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = SqlitePeople.grant

    async def late(*whom: Any, **how: Any) -> Conduct:  # noqa: ANN401 - the store's own
        now = await grant(*whom, **how)
        await asyncio.sleep(1.5)
        return now

    with monkeypatch.context() as busy:
        busy.setattr(SqlitePeople, "grant", late)
        said = await act(here, "allowance grant", member=here.member, credits=50)
    assert said == "The bot is very busy, and this may be done or not: look with `/who` before you do it again."
    assert "50 credits granted for today" in await act(here, "who", member=here.member)


async def test_a_block_ends_by_itself(here: World) -> None:
    await act(here, "block", member=here.member, days=2)
    here.time.passed += 2 * DAY - 60
    assert "You cannot order" in await order(here)
    here.time.passed += 61
    assert await order(here) == ""
    await delivered(here)


async def test_a_block_outlives_a_restart_and_can_be_ended(here: World, restart: Restart) -> None:
    await act(here, "block", member=here.member)
    async with restart(killed=True) as after:
        assert await order(after) == "You cannot order images in this server. A moderator here can tell you more."
        assert "may order again" in await act(after, "unblock", member=after.member)
        assert "is not blocked" in await act(after, "unblock", member=after.member)
        assert await order(after) == ""
        await delivered(after)


async def test_a_block_holds_for_buttons_too(here: World, books: Books) -> None:
    await order(here)
    (result,) = await delivered(here)
    await act(here, "block", member=here.member)
    assert "You cannot order" in refusal(await here.member.click(result, label="Again"))
    assert len(books.states()) == 1


async def test_others_still_order_while_one_is_blocked(here: World) -> None:
    await act(here, "block", member=here.member)
    await here.other.slash(here.channel, "imagine", prompt="a lighthouse")
    await delivered(here)


async def test_the_third_strike_blocks_for_a_week_and_then_counting_begins_anew(here: World) -> None:
    assert "is not blocked; 1 strike of 3 in 30 days, then a block for 7 days." in await act(
        here, "strike", member=here.member
    )
    assert "2 strikes of 3" in await act(here, "strike", member=here.member)
    assert "is **blocked** until" in await act(here, "strike", member=here.member, reason="again")
    assert "You cannot order" in await order(here)
    here.time.passed += 7 * DAY + 1
    assert "is not blocked; 0 strikes of 3" in await act(here, "who", member=here.member)


async def test_old_strikes_do_not_count(here: World) -> None:
    await act(here, "strike", member=here.member)
    await act(here, "strike", member=here.member)
    here.time.passed += 31 * DAY
    assert "1 strike of 3" in await act(here, "strike", member=here.member)


async def test_strikes_never_shorten_a_block(here: World) -> None:
    await act(here, "block", member=here.member)
    said = [await act(here, "strike", member=here.member) for _ in range(3)]
    assert "is **blocked** until a moderator ends it" in said[-1]


@pytest.mark.parametrize("command", ["block", "strike"])
async def test_nobody_locks_themself_out(here: World, command: str) -> None:
    assert await act(here, command, member=here.moderator) == (
        "That is you: ask another moderator. Nothing was changed."
    )


async def test_a_reason_is_quiet(here: World) -> None:
    said = await act(here, "block", member=here.member, reason="@everyone **shouts**")
    assert "@everyone" not in said
    assert "\\*\\*shouts" in said


@pytest.mark.settings(quota={"member_daily_credits": 8})
async def test_a_grant_and_a_reset_let_a_member_go_on_today_alone(here: World) -> None:
    assert await order(here) == ""
    await delivered(here)
    assert "left" in await order(here)
    assert "8 credits more for today" in await act(here, "allowance grant", member=here.member, credits=8)
    assert await order(here) == ""
    await delivered(here, 2)
    assert "8 credits of" in await act(here, "allowance reset", member=here.member)
    assert "**You** have 8 credits of 24 left" in refusal(await here.member.slash(here.channel, "quota"))
    here.time.passed += DAY
    assert "**You** have 8 credits of 8 left" in refusal(await here.member.slash(here.channel, "quota"))


async def test_who_says_what_holds_and_where_it_comes_from(here: World) -> None:
    await act(here, "settings set", name="most_images", value="1")
    await act(here, "strike", member=here.member)
    said = await act(here, "who", member=here.member)
    assert "1 strike of 3" in said
    assert "left today and 0 orders on the way" in said
    assert "server" in said
    assert f"<@{here.member.id}> in <#{here.channel.id}>" in said


async def test_a_strike_for_who_is_blocked_already_is_counted_and_the_reason_of_the_block_stays(here: World) -> None:
    await act(here, "block", member=here.member, days=3, reason="rude prompts")
    said = await act(here, "strike", member=here.member, reason="again")
    assert "is **blocked** until" in said
    assert "; 1 strike of 3. Reason: rude prompts" in said
