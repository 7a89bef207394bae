"""A job changes its state by the table and in no other way."""

from dataclasses import FrozenInstanceError

import pytest
from doubles import a_job
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.job import ENDED, IN_FLIGHT, NEXT, State, WrongStepError

STEPS = [(one, two) for one in State for two in State]


@pytest.mark.parametrize(("state", "following"), STEPS)
def test_only_a_step_of_the_table_is_taken(state: State, following: State) -> None:
    job = a_job(state=state)
    if following in NEXT[state]:
        assert job.to(following).state is following
    else:
        with pytest.raises(WrongStepError):
            job.to(following)
    assert job.state is state


@given(st.lists(st.sampled_from(State), max_size=30))
def test_no_walk_leaves_the_table_or_goes_on_after_its_end(wishes: list[State]) -> None:
    job = a_job()
    for wish in wishes:
        before = job.state
        try:
            job = job.to(wish)
        except WrongStepError:
            assert job.state is before
        else:
            assert not a_job(state=before).ended
            assert wish in NEXT[before]


def test_every_state_is_in_the_table_and_can_be_reached() -> None:
    assert set(NEXT) == set(State)
    reached = {State.HELD}
    while more := set[State]().union(*(NEXT[state] for state in reached)) - reached:
        reached |= more
    assert reached == set(State)


def test_what_was_rendered_can_only_be_delivered() -> None:
    """From RENDERED on nothing is paid again, whatever Discord does."""
    assert NEXT[State.RENDERED] == {State.DELIVERED}


def test_a_job_whose_submit_went_out_is_never_cancelled_without_an_answer() -> None:
    assert State.CANCELLED not in NEXT[State.SUBMITTING] | NEXT[State.LOST]


def test_a_lost_job_is_never_sent_again() -> None:
    assert not NEXT[State.LOST] & {State.HELD, State.SUBMITTING}


def test_the_ends_are_delivered_failed_and_cancelled() -> None:
    assert {State.DELIVERED, State.FAILED, State.CANCELLED} == ENDED
    assert {state for state in State if a_job(state=state).ended} == ENDED


def test_only_what_has_not_rendered_counts_as_on_its_way() -> None:
    assert {State.HELD, State.SUBMITTING, State.QUEUED} == IN_FLIGHT


def test_a_step_says_what_became_known_with_it() -> None:
    job = a_job().to(State.SUBMITTING, submitted_at=12.5)
    assert (job.state, job.submitted_at) == (State.SUBMITTING, 12.5)


def test_knowing_more_never_changes_the_state() -> None:
    job = a_job()
    assert job.but(cancel_wanted=True).cancel_wanted
    with pytest.raises(WrongStepError):
        job.but(state=State.DELIVERED)


def test_a_job_is_never_changed_in_place() -> None:
    job = a_job()
    with pytest.raises(FrozenInstanceError):
        job.state = State.DELIVERED  # pyright: ignore[reportAttributeAccessIssue] - the point of the test


def test_secrets_do_not_show_when_a_job_is_printed() -> None:
    job = a_job(token="SECRET-TOKEN", pictures=2, state=State.RENDERED)
    assert "SECRET-TOKEN" not in repr(job)
    assert job.pictures[0].url not in repr(job)
