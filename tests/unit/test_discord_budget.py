"""Calls to bot routes against Discord's limits, in simulated time: how many go, and who goes first."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from simulated_time import simulate

from bot.adapters.discord_budget import AT_ONCE, PER_SECOND, Budget, Lane
from tests.loopback.discord_limits import GLOBAL_PER_SECOND, Window


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Discord:
    """Discord's side: a call is counted when it arrives, and the answer tells how its channel stands."""

    limit: int = 5
    length: float = 5.0
    silent: bool = False
    """Answers say nothing of limits."""
    budget: Budget = field(default_factory=Budget)
    went: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    returned: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    refused: int = 0
    _everything: Window = field(default_factory=lambda: Window(GLOBAL_PER_SECOND, 1.0))
    _windows: dict[int, Window] = field(default_factory=dict[int, Window])
    _lanes: dict[int, Lane] = field(default_factory=dict[int, Lane])

    async def call(self, channel: int, name: str = "", *, there: float = 0.05, back: float = 0.05) -> None:
        """As discord.py makes it; seconds until it is counted, and from then until its answer is here."""
        lane = self._lanes.setdefault(channel, self.budget.lane())
        async with lane:
            self.went.append((now(), name))
            await asyncio.sleep(there)
            headers = self._counted(channel)
            await asyncio.sleep(back)
            if not self.silent:
                lane.update(cast("aiohttp.ClientResponse", SimpleNamespace(headers=CIMultiDict(headers))))
        self.returned.append((now(), name))

    async def final(self, channel: int, name: str = "final", *, there: float = 0.05, back: float = 0.05) -> None:
        with self.budget.first():
            await self.call(channel, name, there=there, back=back)

    async def known(self, *channels: int) -> None:
        """Make a first call to each channel, and let it be forgotten."""
        for channel in channels:
            await self.call(channel)
        await asyncio.sleep(self.length + 1)
        self.went.clear()
        self.returned.clear()

    def _counted(self, channel: int) -> dict[str, str]:
        window = self._windows.setdefault(channel, Window(self.limit, self.length))
        fits = self._everything.take(now())
        self.refused += not (window.take(now()) and fits)
        return window.headers(now(), "bucket")

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.went]


def at_discord(act: Callable[[Discord], Awaitable[None]], **traits: float) -> Discord:
    """Let a story happen; Discord as it was left."""

    async def story() -> Discord:
        discord = Discord(**traits)  # pyright: ignore[reportArgumentType] - its own fields
        async with asyncio.timeout(3600):  # of simulated time; else what never goes would hang
            await act(discord)
        return discord

    return simulate(story())


# --- how many -------------------------------------------------------------------------------------


def most_within(seconds: float, times: Sequence[float]) -> int:
    return max(sum(start <= time < start + seconds for time in times) for start in times)


def test_a_burst_to_many_channels_never_exceeds_what_all_routes_together_may() -> None:
    async def act(discord: Discord) -> None:
        async with asyncio.TaskGroup() as tasks:
            for channel in range(300):
                tasks.create_task(discord.final(channel))

    discord = at_discord(act)
    times = [at for at, _ in discord.went]
    assert discord.refused == 0
    assert len(times) == 300
    assert most_within(1.0, times) == PER_SECOND
    assert times[-1] == pytest.approx(6 * 1.1)


def test_a_burst_to_one_channel_is_never_refused_and_takes_no_longer_than_it_must() -> None:
    async def act(discord: Discord) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(20):
                tasks.create_task(discord.final(1))

    discord = at_discord(act)
    assert discord.refused == 0
    assert [round(at, 1) for at, _ in discord.went] == [0, *[0.1] * 4, *[5.1] * 5, *[10.2] * 5, *[15.4] * 5]


@given(
    st.lists(
        st.tuples(
            st.floats(0, 12),  # when
            st.integers(0, 5),  # channel
            st.booleans(),  # final
            st.floats(0, 3),  # there
            st.floats(0, 3),  # back
        ),
        max_size=120,
    ),
    st.sampled_from([(5, 5.0), (1, 1.0), (2, 0.3), (50, 60.0)]),
)
def test_no_call_is_refused_however_long_calls_take(
    plans: list[tuple[float, int, bool, float, float]], limit: tuple[int, float]
) -> None:
    async def act(discord: Discord) -> None:
        async def one(when: float, channel: int, final: bool, there: float, back: float) -> None:  # noqa: FBT001 - drawn
            await asyncio.sleep(when)
            await (discord.final if final else discord.call)(channel, there=there, back=back)

        async with asyncio.TaskGroup() as tasks:
            for plan in plans:
                tasks.create_task(one(*plan))

    discord = at_discord(act, limit=limit[0], length=limit[1])
    assert discord.refused == 0
    assert len(discord.returned) == len(plans)


def test_calls_on_their_way_when_a_bucket_fills_again_count_in_the_new_window() -> None:
    async def act(discord: Discord) -> None:
        await discord.known(1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(discord.call(1, "a short one"))
            await asyncio.sleep(4)
            for _ in range(4):
                tasks.create_task(discord.call(1, "long", there=3))
            for _ in range(5):
                tasks.create_task(discord.call(1, "later", there=1.9))

    discord = at_discord(act)
    assert discord.refused == 0


# --- who goes first -------------------------------------------------------------------------------


def test_in_one_channel_a_final_message_goes_before_all_that_wait_there() -> None:
    async def act(discord: Discord) -> None:
        await discord.known(1)
        async with asyncio.TaskGroup() as tasks:
            for number in range(12):
                tasks.create_task(discord.call(1, f"other {number}"))
            await asyncio.sleep(1)
            tasks.create_task(discord.final(1, "a final"))
            await asyncio.sleep(1)
            tasks.create_task(discord.final(1, "the next"))

    discord = at_discord(act)
    others = [f"other {number}" for number in range(12)]
    assert discord.names == [*others[:5], "a final", "the next", *others[5:]]
    assert discord.refused == 0


def test_a_final_message_goes_before_all_that_wait_for_a_place_among_all_calls() -> None:
    async def act(discord: Discord) -> None:
        await discord.known(*range(101))
        async with asyncio.TaskGroup() as tasks:
            for channel in range(100):
                tasks.create_task(discord.call(channel, "other"))
            await asyncio.sleep(0.5)
            tasks.create_task(discord.final(100))

    discord = at_discord(act)
    assert discord.names.index("final") == PER_SECOND


def test_final_messages_go_in_the_order_they_came() -> None:
    async def act(discord: Discord) -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(30):
                tasks.create_task(discord.final(number % 2, f"{number}"))

    names = at_discord(act).names
    for lane in (0, 1):
        mine = [int(name) for name in names if int(name) % 2 == lane]
        assert mine == sorted(mine)


def test_calls_that_wait_for_one_channel_take_no_place_from_others() -> None:
    async def act(discord: Discord) -> None:
        await discord.known(1, 2)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(60):
                tasks.create_task(discord.final(1, "busy"))
            await asyncio.sleep(2)
            begun = now()
            await discord.call(2, "elsewhere")
            assert now() - begun == pytest.approx(0.1)

    assert at_discord(act).refused == 0


def test_only_the_calls_of_the_task_that_sends_a_final_message_go_first_and_only_meanwhile() -> None:
    async def act(discord: Discord) -> None:
        await discord.known(1)
        await discord.final(1)
        async with asyncio.TaskGroup() as tasks:
            for number in range(9):
                tasks.create_task(discord.call(1, f"{number}"))
            await asyncio.sleep(0.1)
            await discord.call(1, "last")

    assert at_discord(act).names == ["final", *map(str, range(9)), "last"]


# --- what takes long ------------------------------------------------------------------------------


LEFT = PER_SECOND - AT_ONCE
SLOW = 200.0
"""Seconds of an upload over a narrow line."""


def test_however_many_uploads_crawl_other_calls_go_at_once() -> None:
    async def act(discord: Discord) -> None:
        async with asyncio.TaskGroup() as tasks:
            for channel in range(2 * PER_SECOND):
                tasks.create_task(discord.final(channel, there=SLOW))
            await asyncio.sleep(1)
            begun = now()
            async with asyncio.TaskGroup() as others:
                for channel in range(1000, 1000 + LEFT):
                    others.create_task(discord.call(channel, "other"))
            assert now() - begun == pytest.approx(0.1)

    discord = at_discord(act)
    assert discord.refused == 0
    assert discord.names.count("final") == 2 * PER_SECOND


def test_however_many_other_calls_hang_final_messages_go_at_once() -> None:
    async def act(discord: Discord) -> None:
        async with asyncio.TaskGroup() as tasks:
            for channel in range(2 * PER_SECOND):
                tasks.create_task(discord.call(channel, there=SLOW))
            await asyncio.sleep(1)
            begun = now()
            await discord.final(1000)
            assert now() - begun == pytest.approx(0.1)

    assert at_discord(act).refused == 0


def test_uploads_that_discord_counts_only_at_their_end_are_not_too_many_together_with_what_goes_then() -> None:
    async def act(discord: Discord) -> None:
        async with asyncio.TaskGroup() as tasks:
            for channel in range(PER_SECOND):
                tasks.create_task(discord.final(channel, there=3))
            await asyncio.sleep(2.9)
            for channel in range(1000, 1000 + PER_SECOND):
                tasks.create_task(discord.call(channel))

    assert at_discord(act).refused == 0


def test_the_next_upload_goes_before_all_others_that_wait_once_one_is_over() -> None:
    async def act(discord: Discord) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(discord.final(0, there=5))
            for channel in range(1, AT_ONCE):
                tasks.create_task(discord.final(channel, there=SLOW))
            tasks.create_task(discord.final(AT_ONCE, "the next", there=SLOW))
            for channel in range(1000, 1200):
                tasks.create_task(discord.call(channel, "other"))

    discord = at_discord(act)
    assert discord.refused == 0
    afterwards = [name for at, name in discord.went if at > 5.05]
    assert afterwards[0] == "the next"
    assert afterwards.count("other") == 200 - 5 * LEFT


def test_uploads_that_are_called_off_as_they_are_let_go_leave_room_for_the_next() -> None:
    async def act(discord: Discord) -> None:
        lane = discord.budget.lane()
        for _ in range(AT_ONCE):
            async with lane:
                waiting = asyncio.create_task(lane.__aenter__())
                await asyncio.sleep(0.1)
            waiting.cancel()
            await asyncio.wait({waiting})
        async with asyncio.timeout(SLOW), lane:
            pass

    at_discord(act)


# --- what goes wrong ------------------------------------------------------------------------------


def test_the_call_that_uses_a_bucket_up_returns_with_its_answer() -> None:
    async def act(discord: Discord) -> None:
        await discord.known(1)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(5):
                tasks.create_task(discord.call(1))

    discord = at_discord(act)
    assert {round(back - gone, 3) for (gone, _), (back, _) in zip(discord.went, discord.returned, strict=True)} == {0.1}


def test_where_answers_say_nothing_of_limits_one_call_goes_after_the_other() -> None:
    async def act(discord: Discord) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(4):
                tasks.create_task(discord.call(1))

    assert [round(at, 1) for at, _ in at_discord(act, silent=True, limit=100).went] == [0, 0.1, 0.2, 0.3]


def test_a_call_that_fails_or_is_cut_off_makes_room_for_the_next() -> None:
    async def act(discord: Discord) -> None:
        lane = discord.budget.lane()
        with pytest.raises(OSError, match="reset"):
            async with lane:
                raise OSError("reset")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1), lane:
                await asyncio.sleep(2)
        async with lane:
            assert now() == pytest.approx(1)

    at_discord(act)


def test_a_call_that_is_called_off_is_passed_over() -> None:
    async def act(discord: Discord) -> None:
        lane = discord.budget.lane()
        async with lane:
            waiting = [asyncio.create_task(lane.__aenter__()) for _ in range(3)]
            await asyncio.sleep(0.1)
            waiting[0].cancel()
            waiting[1].cancel()
        await waiting[2]
        assert now() == pytest.approx(0.1)

    at_discord(act)


@pytest.mark.parametrize("turns", range(4))
def test_a_call_that_is_called_off_as_it_is_let_go_takes_no_place(turns: int) -> None:
    async def act(discord: Discord) -> None:
        lane = discord.budget.lane()
        entered = False

        async def other() -> None:
            nonlocal entered
            async with lane:
                entered = True

        async with lane:
            waiting = asyncio.create_task(other())
            await asyncio.sleep(0.1)
        for _ in range(turns):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
        assert entered == (turns > 0)
        for _ in range(PER_SECOND - 1):
            async with lane:
                pass
        assert now() == pytest.approx(0.1 if turns == 0 else 1.1)

    at_discord(act)


def test_a_bucket_is_forgotten_when_it_was_idle_for_long_and_never_while_somebody_waits() -> None:
    async def act(discord: Discord) -> None:
        lane = discord.budget.lane()
        async with lane:
            waiting = asyncio.create_task(lane.__aenter__())
            await asyncio.sleep(600)
            assert not lane.is_inactive()
        await waiting
        assert not lane.is_inactive()
        await lane.__aexit__()
        await asyncio.sleep(301)
        assert lane.is_inactive()

    at_discord(act)
