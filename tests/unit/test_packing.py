"""How the files of one message share its room."""

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.packing import REQUEST_BUDGET, shares

MIB = 1024 * 1024
sizes_of_files = st.lists(st.integers(0, 60 * MIB), min_size=1, max_size=10)
file_limits = st.integers(1 * MIB, 100 * MIB)
budgets = st.integers(1 * MIB, 30 * MIB)


@given(sizes_of_files, file_limits, budgets)
def test_what_is_posted_never_exceeds_a_file_s_limit_nor_the_budget(
    sizes: list[int], file_limit: int, budget: int
) -> None:
    allowed = shares(sizes, file_limit, budget)
    assert len(allowed) == len(sizes)
    assert all(0 <= share <= file_limit for share in allowed)
    assert sum(min(size, share) for size, share in zip(sizes, allowed, strict=True)) <= budget


@given(sizes_of_files, file_limits, budgets)
def test_a_small_file_never_suffers_for_a_big_one(sizes: list[int], file_limit: int, budget: int) -> None:
    """Up to an even share every file goes as it is, however big the others are."""
    for size, share in zip(sizes, shares(sizes, file_limit, budget), strict=True):
        if size <= min(file_limit, budget // len(sizes)):
            assert share >= size


@given(sizes_of_files, file_limits, budgets)
def test_what_shrinks_may_be_at_least_as_big_as_anything_else_in_the_message(
    sizes: list[int], file_limit: int, budget: int
) -> None:
    allowed = shares(sizes, file_limit, budget)
    posted = [min(size, share) for size, share in zip(sizes, allowed, strict=True)]
    for size, share in zip(sizes, allowed, strict=True):
        assert share >= size or share >= max(posted) - len(sizes)  # bytes that do not divide


@given(sizes_of_files, file_limits, budgets)
def test_no_room_is_wasted_while_a_file_must_shrink(sizes: list[int], file_limit: int, budget: int) -> None:
    allowed = shares(sizes, file_limit, budget)
    shrinking = [share for size, share in zip(sizes, allowed, strict=True) if share < min(size, file_limit)]
    used = sum(min(size, share) for size, share in zip(sizes, allowed, strict=True))
    assert not shrinking or budget - used < len(sizes)


@given(sizes_of_files, file_limits, budgets)
def test_a_file_s_place_in_the_message_gives_it_no_more_room(sizes: list[int], file_limit: int, budget: int) -> None:
    assert sorted(shares(sizes, file_limit, budget)) == sorted(shares(sizes[::-1], file_limit, budget))


def test_four_small_files_go_as_they_are() -> None:
    sizes = [2 * MIB, 3 * MIB, 2 * MIB, 4 * MIB]
    assert all(share >= size for size, share in zip(sizes, shares(sizes, 10 * MIB), strict=True))


def test_big_files_share_what_small_ones_leave() -> None:
    assert shares([20 * MIB, 1 * MIB, 20 * MIB], 50 * MIB, 24 * MIB) == [11.5 * MIB, 8 * MIB, 11.5 * MIB]


def test_one_file_alone_has_the_smaller_of_both_limits() -> None:
    assert shares([90 * MIB], 50 * MIB) == [REQUEST_BUDGET]
    assert shares([90 * MIB], 10 * MIB) == [10 * MIB]


def test_no_files_need_no_room() -> None:
    assert shares([], 10 * MIB) == []
