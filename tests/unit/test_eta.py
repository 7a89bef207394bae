"""What members are told about time: near the best that could be said, and nothing when nothing is known."""

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

import pytest
from doubles import CATALOGUE, WIDE, HandClock, a_job, open_books
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import texts
from bot.domain.eta import ENOUGH, RECENT, Kind, Times, done_in, kind_of, middle

ONE = Kind(endpoint="fal-ai/nano-banana-2", resolution="1K", images=1)
FOUR = Kind(endpoint="fal-ai/nano-banana-2", resolution="1K", images=4)
LARGE = Kind(endpoint="fal-ai/nano-banana-2", resolution="4K", images=1)
EDIT = Kind(endpoint="fal-ai/nano-banana-2/edit", resolution="1K", images=1)
SIGMA = 0.3
TEN_POINTS = 0.10
SPREADS = st.lists(st.floats(1, 100), min_size=1, max_size=5).map(sorted)


def error(told: float | None, took: float) -> float:
    """How far off, as a share of the truth."""
    assert told is not None
    return abs(told - took) / took


def told(times: Times, kind: Kind = ONE) -> float | None:
    return middle(times.usual(kind))


def best_constant(truths: Sequence[float]) -> float:
    """The least mean error that one guess for all could have had, known afterwards."""
    guesses = (math.exp(exponent / 100) for exponent in range(700))
    return min(fmean(error(guess, took) for took in truths) for guess in guesses)


# --- near the best that could be said -------------------------------------------------------------


@settings(max_examples=30)
@given(seed=st.integers(0), usual=st.floats(3, 300), rough=st.none() | st.floats(1, 1000))
def test_after_twenty_jobs_what_is_told_is_within_ten_points_of_the_best_constant_guess(
    seed: int, usual: float, rough: float | None
) -> None:
    """Whatever the catalogue said at first."""
    times = Times({} if rough is None else {ONE.endpoint: rough})
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    took = [chance.lognormvariate(math.log(usual), SIGMA) for _ in range(220)]
    for one in took[:20]:
        times.add(ONE, one)
    errors = list[float]()
    for one in took[20:]:
        errors.append(error(told(times), one))
        times.add(ONE, one)
    assert fmean(errors) <= best_constant(took[20:]) + TEN_POINTS


@settings(max_examples=20, derandomize=True)
@given(seed=st.integers(0), places=st.integers(1, 10), load=st.integers(1, 30))
def test_what_is_told_to_those_who_wait_is_within_ten_points_of_it_too(seed: int, places: int, load: int) -> None:
    """The last of a line is told when it will be done; the guess is one time for all requests, known afterwards."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret

    def another() -> float:
        return chance.lognormvariate(math.log(20), SIGMA)

    times = Times()
    for _ in range(20):
        times.add(ONE, another())
    ours, by_guess = list[float](), defaultdict[float, list[float]](list)
    for _ in range(60):
        so_far = [chance.uniform(0, 15) for _ in range(places)]
        left = [[max(1.0, another() - since)] for since in so_far]
        truth = last(done_in([[another()] for _ in range(load)], left, places))
        foretold = last(done_in([times.usual(ONE)] * load, [times.left(ONE, since) for since in so_far], places))
        ours.append(error(foretold, truth))
        for guess in range(14, 26):
            known = done_in([[guess]] * load, [[max(1.0, guess - since)] for since in so_far], places)
            by_guess[guess].append(error(last(known), truth))
        times.add(ONE, another())
    assert fmean(ours) <= min(map(fmean, by_guess.values())) + TEN_POINTS


def last(line: Iterable[float | None]) -> float:
    *_, seconds = line
    assert seconds is not None
    return seconds


def test_one_request_that_hung_changes_nothing() -> None:
    times = Times()
    for seconds in (10.0, 11.0, 12.0, 9.0, 600.0, 10.0, 11.0):
        times.add(ONE, seconds)
    assert 10.0 <= (told(times) or 0) <= 12.0


def test_a_day_on_which_fal_is_slow_is_told_after_some_requests() -> None:
    times = Times()
    for seconds in (*[10.0] * 200, *[40.0] * (RECENT * 3 // 4)):
        times.add(ONE, seconds)
    assert told(times) == 40.0


# --- while few were seen --------------------------------------------------------------------------


def test_nothing_is_told_when_nothing_is_known() -> None:
    assert told(Times()) is None
    assert middle(Times().left(ONE, 5.0)) is None


def test_the_catalogue_speaks_until_enough_were_seen() -> None:
    times = Times({ONE.endpoint: 20.0})
    for _ in range(ENOUGH - 1):
        times.add(ONE, 60.0)
        assert told(times) == 20.0
    times.add(ONE, 60.0)
    assert told(times) == 60.0


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(ONE, 10.0), (FOUR, 10.0), (LARGE, 30.0), (EDIT, None)],
    ids=["same", "count", "size", "edit"],
)
def test_a_kind_of_which_few_were_seen_is_told_from_the_next_wider_group(asked: Kind, seconds: float | None) -> None:
    times = Times()
    for _ in range(ENOUGH):
        times.add(ONE, 10.0)
    for resolution in ("0.5K", "2K") * (2 * ENOUGH):
        times.add(Kind(endpoint=ONE.endpoint, resolution=resolution, images=1), 30.0)
    assert told(times, asked) == seconds


def test_each_endpoint_of_the_catalogue_has_a_rough_time_of_its_model() -> None:
    rough = CATALOGUE.rough_times()
    assert set(rough) == {end.id for model in CATALOGUE.models.values() for end in (model.generate, model.edit)}
    assert rough["fal-ai/nano-banana-2/edit"] == CATALOGUE.models["nano-banana-2"].rough_seconds


def test_a_request_is_of_the_kind_of_its_endpoint_resolution_and_count() -> None:
    assert kind_of(a_job().request) == ONE


# --- what is left ---------------------------------------------------------------------------------


def test_what_is_left_is_told_from_those_that_took_longer_than_so_far() -> None:
    times = Times()
    for seconds in (10.0, 20.0, 30.0, 40.0, 50.0):
        times.add(ONE, seconds)
    assert [middle(times.left(ONE, so_far)) for so_far in (0.0, 25.0, 45.0)] == [30.0, 15.0, 5.0]


def test_a_request_slower_than_all_others_still_has_something_left() -> None:
    times = Times({ONE.endpoint: 20.0})
    assert middle(times.left(ONE, 40.0)) == 10.0


@given(st.lists(SPREADS, max_size=20), st.lists(SPREADS, max_size=8), st.integers(1, 6))
def test_more_places_never_make_anyone_wait_longer(
    line: list[list[float]], running: list[list[float]], places: int
) -> None:
    few, more = (list(done_in(line, running, count)) for count in (places, places + 1))
    assert all(b <= a for a, b in zip(map(float, few), map(float, more), strict=True))  # pyright: ignore[reportArgumentType] - all are known


LINES: list[tuple[list[list[float]], list[list[float]], int, list[float | None]]] = [
    ([[10], [10]], [], 2, [10, 10]),
    ([[10], [10]], [[4]], 1, [14, 24]),
    ([[10]], [[4], [6], [9]], 2, [16]),  # one more runs than there are places
    ([[10], [], [10], [10]], [], 1, [10, None, None, None]),
    ([[10]], [[], [4]], 2, [14]),
    ([[10]], [[]], 1, [None]),
    ([[10]], [], 0, [None]),
    ([[10]], [[10, 20, 30]], 1, [30]),
    ([[10]], [[10, 20, 30]] * 3, 3, [20]),  # the first of three such ends sooner than most of them
]


@pytest.mark.parametrize(("line", "running", "places", "done"), LINES)
def test_a_line_is_done_when_its_places_allow(
    line: list[list[float]], running: list[list[float]], places: int, done: list[float | None]
) -> None:
    assert list(done_in(line, running, places)) == done


# --- in the file ----------------------------------------------------------------------------------


async def test_times_outlive_the_process_and_the_file_keeps_the_newest_of_each_kind(tmp_path: Path) -> None:
    async with open_books(tmp_path / "bot.sqlite3", HandClock()) as books:
        books.timings.keep(FOUR, 77.0)
        for seconds in range(1, RECENT + 31):
            books.timings.keep(ONE, float(seconds))
    async with open_books(tmp_path / "bot.sqlite3", HandClock()) as books:
        kept = await books.timings.times()
    assert kept == [(FOUR, 77.0), *((ONE, float(seconds)) for seconds in range(31, RECENT + 31))]


async def test_a_file_that_takes_nothing_costs_an_estimate_and_no_job(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_books(tmp_path / "bot.sqlite3", HandClock()) as books:
        books.outside.execute("DROP TABLE timings")
        books.timings.keep(ONE, 3.0)
        job = await books.store.hold(a_job(), WIDE)
        assert books.state_of(job) == "held"
    assert "what nobody waits for was not written (no such table: timings)" in caplog.text


# --- in words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "about 5 s"),
        (12.4, "about 10 s"),
        (28, "about 30 s"),
        (38.2, "about 40 s"),
        (49.9, "about 50 s"),
        (52, "about 1 min"),
        (100, "about 2 min"),
        (3600, "about 60 min"),
    ],
)
def test_a_time_is_said_as_precisely_as_it_is_known(seconds: float, said: str) -> None:
    assert texts.about(seconds) == said
