"""Fair turns: what one may do to the others, and what a restart may change, which is nothing."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from fair_play import Afternoon, an_arrival, jain
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.turns import Turns, Waiting

PRICES = (4, 6, 8, 12, 15, 16, 30, 32)
CREDITS = st.sampled_from(PRICES)
"""What orders cost: one image of each model and size, or a few."""


def numbers(turns: list[Waiting]) -> list[int]:
    return [one.number for one in turns]


# --- one beside many ------------------------------------------------------------------------------


@given(shuffled=st.permutations(range(220)))
def test_twenty_servers_with_one_order_each_are_served_beside_one_with_two_hundred(shuffled: list[int]) -> None:
    """Whoever came first, all twenty are among the first thirty."""
    afternoon = Afternoon(10)
    afternoon.come(an_arrival(number, f"guild:{max(0, who - 199)}", who) for number, who in enumerate(shuffled))
    first = afternoon.given[:30] + afternoon.go_on_for(30 - len(afternoon.given))
    assert {f"guild:{one}" for one in range(1, 21)} <= {one.scope for one in first}


def test_twenty_who_come_when_the_two_hundred_already_wait_come_next() -> None:
    afternoon = Afternoon(10)
    afternoon.come(an_arrival(number) for number in range(200))
    afternoon.come(an_arrival(200 + one, f"guild:{one}") for one in range(2, 22))
    assert {one.scope for one in afternoon.go_on_for(20)} == {f"guild:{one}" for one in range(2, 22)}


@given(
    flood=st.lists(CREDITS, min_size=50, max_size=50),
    before=st.integers(0, 40),
    single=CREDITS,
    server=st.sampled_from(["guild:1", "guild:2"]),
    places=st.integers(1, 4),
)
def test_a_member_with_fifty_orders_delays_anothers_single_one_by_one_turn_at_most(
    flood: list[int], before: int, single: int, server: str, places: int
) -> None:
    afternoon = Afternoon(places)
    afternoon.come(an_arrival(number, credit=credit) for number, credit in enumerate(flood))
    afternoon.go_on_for(before)
    had = len(afternoon.given)
    afternoon.come([an_arrival(999, server, 2, credit=single)])
    afternoon.go_on_for(3)
    assert numbers(afternoon.given[had:]).index(999) <= 1


# --- shares ---------------------------------------------------------------------------------------


def every_hundred(afternoon: Afternoon, costs: Callable[[int, int], int]) -> Iterator[list[int]]:
    """Ten servers that all wait all the time: what each had, in credits, in every hundred turns of three hundred.

    `costs`: credits of a server's n-th order.
    """
    ordered = Counter[int]()

    def comes(server: int) -> Waiting:
        ordered[server] += 1
        cost = costs(server, ordered[server])
        return an_arrival(ordered.total(), f"guild:{server}", ordered[server] % 3, credit=cost)

    afternoon.come([comes(number % 10) for number in range(300)])  # none of them is ever without an order
    while len(afternoon.given) < 300:
        scopes = [one.scope for one in afternoon.go_on_for(1)]
        afternoon.come([comes(int(scope.removeprefix("guild:"))) for scope in scopes])
        if len(afternoon.given) % 30 == 0:
            afternoon.restart()
    for start in range(len(afternoon.given) - 99):
        had = Counter[str]()
        for one in afternoon.given[start : start + 100]:
            had[one.scope] += one.credits
        yield [had[f"guild:{one}"] for one in range(10)]


@settings(max_examples=10)
@given(st.integers(0), st.integers(1, 20))
def test_servers_that_all_wait_get_the_same_in_credits_in_any_hundred_turns(seed: int, places: int) -> None:
    costs = random.Random(seed).choices(PRICES, k=10_000)  # noqa: S311 - nothing secret
    hundreds = every_hundred(Afternoon(places), lambda server, n: costs[n * 10 + server])
    assert min(map(jain, hundreds)) >= 0.95


@settings(max_examples=15)
@given(st.lists(st.lists(CREDITS, min_size=1, max_size=4), min_size=10, max_size=10), st.integers(1, 20))
def test_whatever_each_makes_no_server_is_more_than_two_of_the_dearest_orders_ahead(
    tastes: list[list[int]], places: int
) -> None:
    """Some may make the cheapest images alone, others the dearest, or both by turns; an order cannot be cut in two."""
    hundreds = every_hundred(Afternoon(places), lambda server, n: tastes[server][n % len(tastes[server])])
    assert max(max(had) - min(had) for had in hundreds) <= 2 * max(map(max, tastes))


@settings(max_examples=40)
@given(st.lists(CREDITS, min_size=300, max_size=300))
def test_members_of_one_server_share_its_turns_alike(costs: list[int]) -> None:
    """One member has as many orders as the four others together."""
    afternoon = Afternoon(2)
    afternoon.come(an_arrival(n, member=0 if n % 2 else n % 8 // 2 + 1, credit=c) for n, c in enumerate(costs))
    had = Counter[int]()
    for one in afternoon.go_on_for(100):
        had[one.member_id] += one.credits
    assert jain(had[member] for member in range(5)) >= 0.95


@pytest.mark.parametrize("weight", [0.5, 2.0, 3.0])
def test_a_servers_weight_multiplies_its_share(weight: float) -> None:
    afternoon = Afternoon(2, {"guild:1": weight})
    afternoon.come(an_arrival(number, f"guild:{number % 2}") for number in range(400))
    had = Counter(one.scope for one in afternoon.go_on_for(120))
    assert had["guild:1"] / had["guild:0"] == pytest.approx(weight, rel=0.05)


def test_orders_of_one_member_go_as_they_came() -> None:
    afternoon = Afternoon(1)
    afternoon.come(an_arrival(number, credit=credit) for number, credit in enumerate([32, 4, 16, 8]))
    afternoon.go_on_for(3)
    assert numbers(afternoon.given) == [0, 1, 2, 3]


def test_a_costly_order_is_paid_for_with_turns() -> None:
    afternoon = Afternoon(1)
    afternoon.come([an_arrival(0, "guild:9")])  # fills the place
    afternoon.come([an_arrival(1, "guild:1", credit=32), an_arrival(2, "guild:1")])
    afternoon.come(an_arrival(number, "guild:2", credit=8) for number in range(3, 9))
    assert numbers(afternoon.go_on_for(7)) == [1, 3, 4, 5, 6, 2, 7]


# --- no hoard, no debt ----------------------------------------------------------------------------


@given(idle=st.integers(0, 100))
def test_a_server_that_ordered_nothing_for_long_gets_no_run_of_turns(idle: int) -> None:
    afternoon = Afternoon(1)
    afternoon.come(an_arrival(number, f"guild:{number % 2}") for number in range(300))
    afternoon.go_on_for(idle)
    afternoon.come(an_arrival(1000 + number, "guild:5") for number in range(50))
    had = Counter(one.scope for one in afternoon.go_on_for(30))
    assert max(had.values()) - min(had.values()) <= 1


def test_pictures_that_took_long_keep_their_place_but_earn_no_run_of_turns() -> None:
    afternoon = Afternoon(1)
    afternoon.come(an_arrival(number, "guild:5", ready=False) for number in range(5))
    afternoon.come(an_arrival(number, f"guild:{number % 2}") for number in range(5, 105))
    afternoon.go_on_for(40)
    for number in range(5):
        afternoon.prepared(f"{number:04}")
    scopes = [one.scope for one in afternoon.go_on_for(9)]
    assert scopes[0] == "guild:5"
    assert scopes.count("guild:5") <= 4  # its third of nine, and the one that was due


def test_a_member_whose_pictures_took_long_keeps_the_place_too() -> None:
    afternoon = Afternoon(1)
    afternoon.come([an_arrival(0, member=1), an_arrival(1, member=2, ready=False)])
    afternoon.come(an_arrival(number, member=3) for number in range(2, 20))
    afternoon.go_on_for(5)
    afternoon.prepared("0001")
    assert numbers(afternoon.go_on_for(1)) == [1]


def test_once_nobody_waits_nobody_owes_anything() -> None:
    """Else who ordered something costly in an empty hour would stand behind a flood later."""
    afternoon = Afternoon(1)
    afternoon.come([an_arrival(0, "guild:1"), an_arrival(1, "guild:2", credit=120)])
    afternoon.go_on()
    afternoon.go_on()
    afternoon.come(an_arrival(number, "guild:1") for number in range(2, 50))
    afternoon.come([an_arrival(50, "guild:2")])
    assert 50 in numbers(afternoon.go_on_for(1))


def test_a_member_owes_nothing_once_nobody_of_the_server_waits_while_others_do() -> None:
    afternoon = Afternoon(1)
    afternoon.come(an_arrival(number, "guild:9") for number in range(60))
    afternoon.come([an_arrival(60, member=2, credit=120), an_arrival(61, member=1)])
    afternoon.go_on_for(20)
    afternoon.come(an_arrival(number, member=1) for number in range(62, 80))
    afternoon.come([an_arrival(80, member=2)])
    assert 80 in numbers([one for one in afternoon.go_on_for(40) if one.scope == "guild:1"])[:2]


# --- nobody starves -------------------------------------------------------------------------------

ARRIVALS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3), CREDITS, st.integers(0, 3)), min_size=1, max_size=80
)
"""Server, member, credits, and after how many ends of requests."""


@given(ARRIVALS, st.integers(1, 4), st.dictionaries(st.sampled_from(["guild:0", "guild:1"]), st.floats(0.25, 4)))
def test_everyone_gets_a_turn_however_others_keep_coming(
    arrivals: list[tuple[int, int, int, int]], places: int, weights: dict[str, float]
) -> None:
    """One order among six floods that never end: each of them has one turn before it at most."""
    afternoon = Afternoon(places, weights)
    for number, (scope, member, credit, ends) in enumerate(arrivals):
        afternoon.come([an_arrival(number, f"guild:{scope}", member, credit=credit)])
        for _ in range(min(ends, len(afternoon.given))):
            if afternoon.line:
                afternoon.go_on()
    afternoon.come([an_arrival(5000, "guild:99", credit=32)])
    had = len(afternoon.given)
    number = 6000
    while 5000 not in numbers(afternoon.given):
        for scope in range(6):  # for every turn, six more come
            number += 1
            afternoon.come([an_arrival(number, f"guild:{scope}", number % 3, credit=4)])
        afternoon.go_on()
    since = Counter(one.scope for one in afternoon.given[had:])
    assert max(since.values(), default=0) <= 1


# --- a restart ------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(ARRIVALS, st.integers(1, 4), st.integers(0, 80), st.dictionaries(st.just("guild:1"), st.floats(0.25, 4)))
def test_a_restart_at_any_moment_changes_no_order(
    arrivals: list[tuple[int, int, int, int]], places: int, restart_after: int, weights: dict[str, float]
) -> None:
    def played(*, restart: bool) -> list[int]:
        afternoon = Afternoon(places, weights)
        for number, (scope, member, credit, ends) in enumerate(arrivals):
            afternoon.now += 0.1
            afternoon.come([an_arrival(number, f"guild:{scope}", member, credit=credit)])
            for _ in range(ends):
                if afternoon.line:
                    afternoon.go_on()
            if restart and number == restart_after:
                afternoon.restart()
        if restart and restart_after >= len(arrivals):
            afternoon.restart()
        afternoon.go_on_for(1000)
        return numbers(afternoon.given)

    assert played(restart=True) == played(restart=False)


def test_a_turn_that_a_restart_cut_short_is_taken_first_and_costs_nothing() -> None:
    line = [an_arrival(1, "guild:2"), replace(an_arrival(7, credit=120), had_turn=True)]
    turns = Turns()
    first, second = turns.order(line)
    assert numbers([first, second]) == [7, 1]
    turns.give(first, line[:1])
    assert numbers(turns.order([an_arrival(8), an_arrival(9, "guild:2")])) == [8, 9]


@given(st.permutations(range(12)))
def test_the_order_foretold_is_the_order_that_comes(shuffled: list[int]) -> None:
    afternoon = Afternoon(1)
    afternoon.come([an_arrival(99, "guild:9")])
    afternoon.come(an_arrival(n, f"guild:{who % 3}", who % 2, credit=who + 1) for n, who in enumerate(shuffled))
    foretold = numbers(afternoon.turns.order(afternoon.line.values()))
    assert numbers(afternoon.go_on_for(12)) == foretold
