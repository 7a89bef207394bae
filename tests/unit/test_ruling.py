"""Moderators change rules: what may not be, what is undone, what was changed meanwhile, and what the books then hold."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import closing
from pathlib import Path

import pytest
from doubles import CATALOGUE, Books, HandClock, a_job, an_order, open_books
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.sqlite_connection import Database
from bot.adapters.sqlite_rules import SqliteRules
from bot.adapters.sqlite_schema import migrate
from bot.domain.conduct import StrikeRules
from bot.domain.errors import (
    Allowance,
    BadNumberError,
    BadValueError,
    NotForOneError,
    NothingLeftError,
    NothingToUndoError,
    OverCapError,
    PanelOverError,
    QuotaExceededError,
    RulesChangedError,
    TooManyValuesError,
    UnchangedError,
    UnknownSettingError,
)
from bot.domain.ledger import Limits
from bot.domain.policy import House
from bot.domain.rules import Replies, Rules
from bot.domain.ruling import SETTINGS, Target, differences, value_of, with_value
from bot.service.passes import Passes, Visitor
from bot.service.ruling import Changed, Ruling

HOUSE = House(
    limits=Limits(member_day=200, server_day=1000, operator_month=5000, member_jobs=3, server_jobs=20), max_tolerance=4
)
SERVER = "guild:1"
ANN, BEN = 5, 6


class Scene:
    def __init__(self, store: SqliteRules) -> None:
        self.heard: list[Changed] = []
        self.month: int | None = None
        self.ruling = Ruling(store, self.house, CATALOGUE, lambda: 1000.0, self.heard.append)

    async def house(self, _scope: str) -> House:
        return HOUSE.capped(self.month)

    async def set(self, name: str, text: str, *, by: int = ANN, seen: int | None = None, **where: int) -> Changed:
        return await self.ruling.change(
            SERVER, {Target(name, **where): text}, by=by, seen=seen, channels={100: True, 101: False}
        )

    async def rules(self) -> Rules:
        return (await self.ruling.record(SERVER)).rules


@pytest.fixture
async def here(tmp_path: Path) -> AsyncGenerator[Scene]:
    migrate(tmp_path / "bot.sqlite3")
    database = await Database.open(tmp_path / "bot.sqlite3")
    yield Scene(SqliteRules(database))
    await database.close()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("server_day", "1,000", 1000),
        ("models", "nano-banana, Nano-Banana-Pro", frozenset({"nano-banana", "nano-banana-pro"})),
        ("models", " ".join(CATALOGUE.models), None),
        ("default_model", "nano-banana", "nano-banana"),
        ("largest_resolution", "2k", "2K"),
        ("private", "OFF", False),
        ("replies", "mention", Replies.MENTION),
        ("listed_channels", "<#100><#101> 102", frozenset({100, 101, 102})),
        ("log_channel", "<#100>", 100),
        ("approval_channels", "<#100> 101", frozenset({100, 101})),
        ("approval_roles", "<@&7><@&8>, 9", frozenset({7, 8, 9})),
        ("approval_roles", "none", frozenset[int]()),
        ("confirm_above", "0", 0),
    ],
)
async def test_a_value_is_read_as_people_write_it(here: Scene, name: str, text: str, expected: object) -> None:
    if value_of(Rules(), Target(name)) == expected:
        with pytest.raises(UnchangedError):
            await here.set(name, text)
        return
    await here.set(name, text)
    assert value_of(await here.rules(), Target(name)) == expected


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("server_day", "0", BadNumberError),
        ("server_day", "-1", BadNumberError),
        ("server_day", "1.5", BadNumberError),
        ("server_day", "9" * 10, BadNumberError),
        ("server_day", "1001", OverCapError),
        ("server_month", "5001", OverCapError),
        ("member_day", "1001", OverCapError),
        ("member_jobs", "4", OverCapError),
        ("server_jobs", "21", OverCapError),
        ("most_images", "5", OverCapError),
        ("strikes_to_block", "0", BadNumberError),
        ("strikes_to_block", "21", OverCapError),
        ("strike_days", "366", OverCapError),
        ("strike_block_days", "366", OverCapError),
        ("safety", "5", OverCapError),
        ("private", "perhaps", BadValueError),
        ("largest_resolution", "8K", BadValueError),
        ("models", "dall-e", BadValueError),
        ("log_channel", "somewhere", BadValueError),
        ("log_channel", "<@&7>", BadValueError),
        ("approval_roles", "<#100>", BadValueError),
        ("approval_channels", "<@&7>", BadValueError),
        ("listed_channels", " ".join(str(n) for n in range(101)), TooManyValuesError),
        ("channels", "only", NothingLeftError),
        ("roles_only", "on", NothingLeftError),
        ("version", "3", UnknownSettingError),
        ("channel_rules", "{}", UnknownSettingError),
    ],
)
async def test_a_value_that_may_not_be_is_refused_and_nothing_is_changed(
    here: Scene, name: str, text: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await here.set(name, text)
    assert (await here.ruling.record(SERVER)).version == 0
    assert here.heard == []


@pytest.mark.parametrize(
    ("name", "where"), [("private", {"channel_id": 100}), ("safety", {"role_id": 7}), ("server_day", {"role_id": 7})]
)
async def test_what_holds_for_everybody_cannot_differ(here: Scene, name: str, where: dict[str, int]) -> None:
    with pytest.raises(NotForOneError):
        await here.set(name, "1", **where)


async def test_no_moderator_locks_everybody_out(here: Scene) -> None:
    await here.set("channels", "except")
    await here.set("listed_channels", "100")
    with pytest.raises(NothingLeftError):
        await here.set("listed_channels", "100 101")
    await here.set("channels", "only")
    with pytest.raises(NothingLeftError):
        await here.set("listed_channels", "")
    await here.set("member_day", "50", role_id=7)
    await here.set("roles_only", "on")
    with pytest.raises(NothingLeftError):
        await here.set("member_day", "default", role_id=7)


async def test_a_role_may_have_as_much_as_the_server_and_not_more(here: Scene) -> None:
    await here.set("server_day", "300")
    with pytest.raises(OverCapError):
        await here.set("member_day", "301", role_id=7)
    await here.set("member_day", "unlimited", role_id=7)
    assert (await here.rules()).role_allowances == {7: None}


@pytest.mark.parametrize(("month", "fits", "over"), [(100, 100, 101), (9999, 5000, 5001)])
async def test_a_server_sets_no_month_above_its_own_cap_nor_above_the_operators(
    here: Scene, month: int, fits: int, over: int
) -> None:
    here.month = month
    with pytest.raises(OverCapError) as refused:
        await here.set("server_month", str(over))
    assert refused.value.cap == fits
    await here.set("server_month", str(fits))


async def test_an_undo_does_not_bring_back_more_than_a_later_cap_allows(here: Scene) -> None:
    await here.set("server_month", "500")
    second = await here.set("server_month", "50")
    here.month = 100
    with pytest.raises(OverCapError):
        await here.ruling.undo(SERVER, second.version, by=ANN)


async def test_the_usual_model_is_one_that_is_allowed(here: Scene) -> None:
    await here.set("models", "nano-banana")
    with pytest.raises(BadValueError):
        await here.set("default_model", "nano-banana-pro")


async def test_of_two_who_change_the_same_the_second_is_told(here: Scene) -> None:
    await here.set("server_day", "500", by=ANN, seen=0)
    with pytest.raises(RulesChangedError):
        await here.set("server_day", "600", by=BEN, seen=0)
    await here.set("server_month", "600", by=BEN, seen=0)
    assert ((await here.rules()).server_day, (await here.rules()).server_month) == (500, 600)


async def test_of_two_who_change_the_same_at_the_same_moment_one_is_told(here: Scene) -> None:
    ends = await asyncio.gather(
        here.set("server_day", "500", by=ANN), here.set("server_day", "600", by=BEN), return_exceptions=True
    )
    assert {type(end) for end in ends} == {Changed, RulesChangedError}
    (stored,) = (end for end in ends if isinstance(end, Changed))
    assert (await here.rules()).server_day == stored.changes[0].after


async def test_rules_that_an_earlier_version_stored_have_the_standard_for_what_is_new(
    here: Scene, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "bot.sqlite3")) as outside, outside:
        outside.execute(
            "INSERT INTO rules (scope, version, rules_json, changed_by, changed_at) VALUES (?, 1, ?, 5, 1.0)",
            (SERVER, '{"server_day": 500, "replies": "off"}'),
        )
    rules = await here.rules()
    assert (rules.server_day, rules.strikes) == (500, StrikeRules(to_block=3, days=30, block_days=7))
    await here.set("strike_days", "10")
    assert ((await here.rules()).server_day, (await here.rules()).strike_days) == (500, 10)


async def test_a_list_of_channels_that_are_not_the_servers_locks_nobody_out(here: Scene) -> None:
    await here.set("listed_channels", "999")
    with pytest.raises(NothingLeftError):
        await here.set("channels", "only")


async def test_a_form_changes_all_of_its_values_or_none(here: Scene) -> None:
    wanted = {Target("server_day"): "500", Target("member_day"): "0"}
    with pytest.raises(BadNumberError):
        await here.ruling.change(SERVER, wanted, by=ANN)
    assert await here.rules() == Rules()


async def test_a_field_that_was_left_alone_does_not_take_back_what_somebody_else_set(here: Scene) -> None:
    await here.set("server_month", "600", by=BEN)
    wanted = {Target("server_day"): "500", Target("server_month"): ""}
    await here.ruling.change(SERVER, wanted, by=ANN, seen=0)
    assert ((await here.rules()).server_day, (await here.rules()).server_month) == (500, 600)


async def test_an_undo_takes_back_its_own_change_whatever_else_was_changed_since(here: Scene) -> None:
    first = await here.set("server_day", "500")
    await here.set("private", "off")
    await here.ruling.undo(SERVER, first.version, by=BEN)
    rules = await here.rules()
    assert (rules.server_day, rules.private) == (None, False)
    with pytest.raises(NothingToUndoError):
        await here.ruling.undo(SERVER, first.version, by=BEN)


async def test_what_was_changed_again_since_is_not_undone(here: Scene) -> None:
    first = await here.set("server_day", "500")
    await here.set("server_day", "400")
    with pytest.raises(RulesChangedError):
        await here.ruling.undo(SERVER, first.version, by=ANN)


@pytest.mark.parametrize("version", [-1, 0, 1])
async def test_there_is_nothing_to_undo_where_nothing_was_done(here: Scene, version: int) -> None:
    with pytest.raises(NothingToUndoError):
        await here.ruling.undo(SERVER, version, by=ANN)


async def test_every_change_is_kept_and_heard_with_before_and_after(here: Scene) -> None:
    await here.set("server_day", "500")
    await here.set("server_day", "400", by=BEN)
    await here.ruling.reset_all(SERVER, by=ANN)
    history = await here.ruling.history(SERVER, 10)
    assert here.heard == history[::-1]
    assert [(one.by, one.changes[0].before, one.changes[0].after) for one in history] == [
        (ANN, 400, None),
        (BEN, 500, 400),
        (ANN, None, 500),
    ]
    assert await here.ruling.history("guild:2", 10) == []


targets = st.sampled_from(
    [Target(name) for name in SETTINGS]
    + [Target(one.name, channel_id=100) for one in SETTINGS.values() if one.by_channel]
    + [Target("member_day", role_id=7)]
)


@given(targets, st.integers(100, 199))
def test_a_value_that_is_written_is_the_only_one_that_differs(target: Target, value: int) -> None:
    new = with_value(Rules(), target, value)
    (change,) = differences(Rules(), new)
    assert (change.target, change.after) == (target, value)
    assert with_value(new, target, change.before) == Rules()


# --- the books ------------------------------------------------------------------------------------


@pytest.fixture
async def books(tmp_path: Path) -> AsyncGenerator[Books]:
    async with open_books(tmp_path / "books.sqlite3", HandClock()) as opened:
        yield opened


async def test_a_servers_month_is_checked_where_credits_are_held(books: Books) -> None:
    limits = Limits(
        member_day=10**6, server_day=10**6, operator_month=10**6, member_jobs=99, server_jobs=99, server_month=20
    )
    await books.store.hold(a_job(an_order(member=1), credit=16), limits)
    with pytest.raises(QuotaExceededError) as refused:
        await books.store.hold(a_job(an_order(member=2), credit=8), limits)
    assert (refused.value.allowance, refused.value.left) == (Allowance.SERVER_MONTH, 4)
    await books.store.hold(a_job(an_order(guild=2), credit=8), limits)


# --- passes ---------------------------------------------------------------------------------------


def visitor(*, guild: int = 1, member: int = ANN, roles: tuple[int, ...] = (3, 4), manager: bool = False) -> Visitor:
    return Visitor(guild_id=guild, member_id=member, roles=roles, manager=manager)


@pytest.mark.parametrize(
    ("opener", "clicker", "seconds", "holds"),
    [
        (visitor(), visitor(roles=(4, 3)), 899, True),
        (visitor(), visitor(), 901, False),
        (visitor(), visitor(roles=(3,)), 1, False),
        (visitor(), visitor(roles=(3, 4, 5)), 1, False),
        (visitor(), visitor(member=BEN), 1, False),
        (visitor(), visitor(guild=2), 1, False),
        (visitor(), visitor(manager=True), 3600, True),
        (visitor(manager=True), visitor(manager=True, roles=()), 23 * 3600, True),
        (visitor(manager=True), visitor(manager=True), 25 * 3600, False),
        (visitor(manager=True), visitor(), 1, False),
        (visitor(manager=True), visitor(manager=True, member=BEN), 1, False),
        (visitor(manager=True), visitor(manager=True, guild=2), 1, False),
    ],
)
def test_a_pass_holds_for_its_opener_as_they_were(
    *, opener: Visitor, clicker: Visitor, seconds: int, holds: bool
) -> None:
    now = [1_795_000_000.0]
    ticket = Passes("secret", lambda: now[0]).issue(opener)
    assert len(ticket) <= 26
    now[0] += seconds
    after_a_restart = Passes("secret", lambda: now[0])
    if holds:
        after_a_restart.check(ticket, clicker)
    else:
        with pytest.raises(PanelOverError):
            after_a_restart.check(ticket, clicker)


@pytest.mark.parametrize("made_up", ["", ",", ",,", "6b078de9,00000000,00000000", "zz,1,2", "6b078de9"])
def test_a_pass_cannot_be_made_up(made_up: str) -> None:
    with pytest.raises(PanelOverError):
        Passes("secret", lambda: 1_795_000_000.0).check(made_up, visitor(manager=True))


async def test_rules_that_an_earlier_version_stored_still_load(here: Scene, tmp_path: Path) -> None:
    """They know nothing of what came later."""
    with closing(sqlite3.connect(tmp_path / "bot.sqlite3", isolation_level=None)) as connection:
        row = (SERVER, '{"server_day": 500, "log_channel": 100}', ANN)
        connection.execute("INSERT INTO rules VALUES (?, 1, ?, ?, 1000.0)", row)
    assert await here.rules() == Rules(server_day=500, log_channel=100)
