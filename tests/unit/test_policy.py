"""The policy: no order above any limit passes, lifting a limit forbids nothing, a role never takes, a thread is its channel."""

from dataclasses import replace

import pytest
from doubles import CATALOGUE, an_order
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.asking import Asker, Where
from bot.domain.errors import (
    ChannelClosedError,
    ModelForbiddenError,
    PrivateNeedsApprovalError,
    RefusedError,
    ResolutionForbiddenError,
    RoleNeededError,
    SafetyForbiddenError,
    TooManyImagesError,
    WordForbiddenError,
)
from bot.domain.ledger import Limits
from bot.domain.order import Choices, Order
from bot.domain.policy import Effective, House, Source, effective, objections, settled, size_of
from bot.domain.rules import ChannelRules, Channels, Rules
from bot.domain.words import WordKind, WordRule

HOUSE = House(
    limits=Limits(member_day=200, server_day=1000, operator_month=5000, member_jobs=3, server_jobs=20), max_tolerance=6
)
ANN = Asker(member_id=7)
MODELS = tuple(CATALOGUE.models)
SIZES = ("0.5K", "1K", "2K", "4K")
CHANNELS, ROLES, SERVER = (100, 101, 102), (1, 2, 3, 4), 77


def held(rules: Rules, *, roles: frozenset[int] = frozenset(), where: Where | None = None) -> Effective:
    here = where or Where(guild_id=1, channel_id=100)
    return effective(rules, asker=Asker(member_id=7, roles=roles), where=here, house=HOUSE, catalogue=CATALOGUE)


def said(order: Order, rules: Rules, **more: object) -> list[type[RefusedError]]:
    holds = held(rules, **more)  # pyright: ignore[reportArgumentType] - the same names
    order = settled(order, holds, CATALOGUE)
    request = CATALOGUE.request(order, max_tolerance=6, seed=1)
    return [type(one) for one in objections(order, request, holds=holds, asker=ANN, catalogue=CATALOGUE)]


def maybe(values: st.SearchStrategy[int]) -> st.SearchStrategy[int | None]:
    return st.none() | values


models = st.none() | st.frozensets(st.sampled_from(MODELS), min_size=1)
own_rules = st.builds(
    ChannelRules, models=models, largest_resolution=st.none() | st.sampled_from(SIZES), safety=maybe(st.integers(1, 6))
)
all_rules = st.builds(
    Rules,
    models=models,
    default_model=st.none() | st.sampled_from(MODELS),
    server_day=maybe(st.integers(1, 2000)),
    server_month=maybe(st.integers(1, 9000)),
    member_day=maybe(st.integers(1, 2000)),
    member_jobs=maybe(st.integers(1, 30)),
    server_jobs=maybe(st.integers(1, 30)),
    largest_resolution=st.none() | st.sampled_from(SIZES),
    most_images=maybe(st.integers(1, 4)),
    role_allowances=st.dictionaries(st.sampled_from(ROLES), maybe(st.integers(1, 3000))),
    roles_only=st.booleans(),
    channels=st.sampled_from(Channels),
    listed_channels=st.frozensets(st.sampled_from(CHANNELS)),
    channel_rules=st.dictionaries(st.sampled_from(CHANNELS), own_rules),
    safety=maybe(st.integers(1, 6)),
    private=st.booleans(),
    approval_channels=st.frozensets(st.sampled_from(CHANNELS)),
    approval_roles=st.frozensets(st.sampled_from((*ROLES, SERVER))),
)
places = st.builds(
    Where,
    guild_id=st.just(SERVER),
    channel_id=st.sampled_from(CHANNELS),
    age_restricted=st.booleans(),
)
members = st.frozensets(st.sampled_from(ROLES))


def ordered(
    model: str,
    resolution: str | None,
    images: int | None,
    safety: int | None,
    private: bool,  # noqa: FBT001 - drawn by hypothesis
) -> Order:
    choices = Choices(images=images, safety=safety, resolution=resolution)
    return replace(an_order(model=model, choices=choices), private=private)


orders = st.builds(
    ordered,
    st.sampled_from(("nano-banana-2", "nano-banana-pro")),
    st.none() | st.sampled_from(SIZES[1:]),
    maybe(st.integers(1, 4)),
    maybe(st.integers(1, 6)),
    st.booleans(),
)


@given(orders, all_rules, places, members)
def test_no_order_beyond_any_rule_passes(order: Order, rules: Rules, where: Where, roles: frozenset[int]) -> None:
    holds = held(rules, roles=roles, where=where)
    order = settled(order, holds, CATALOGUE)
    request = CATALOGUE.request(order, max_tolerance=6, seed=1)
    if objections(order, request, holds=holds, asker=ANN, catalogue=CATALOGUE):
        return
    own = rules.channel_rules.get(where.channel_id, ChannelRules())
    allowed = own.models if own.models is not None else rules.models
    assert allowed is None or order.model in allowed
    largest = own.largest_resolution or rules.largest_resolution
    assert largest is None or size_of(str(request.arguments["resolution"])) <= size_of(largest)
    assert rules.most_images is None or request.images <= rules.most_images
    laxest = min(one for one in (6, own.safety or rules.safety) if one is not None)
    assert (order.choices.safety or 1) <= (laxest if where.age_restricted else min(laxest, 4))
    assert not (order.private and not rules.private)
    assert not (order.private and holds.approval.value)
    assert not (rules.roles_only and not roles & rules.role_allowances.keys())
    listed = where.channel_id in rules.listed_channels
    assert {Channels.EVERY: True, Channels.ONLY: listed, Channels.EXCEPT: not listed}[rules.channels]


@given(all_rules, places, members)
def test_no_limit_is_above_the_operators_nor_a_members_above_the_servers(
    rules: Rules, where: Where, roles: frozenset[int]
) -> None:
    limits = held(rules, roles=roles, where=where).limits
    assert limits.member_day <= limits.server_day <= HOUSE.limits.server_day
    assert limits.server_month is None or limits.server_month <= HOUSE.limits.operator_month
    assert limits.member_jobs <= HOUSE.limits.member_jobs
    assert limits.server_jobs <= HOUSE.limits.server_jobs


def lifted(rules: Rules, name: str) -> Rules:
    """The same rules with one of them lifted."""
    value: object = {"roles_only": False, "private": True, "channels": Channels.EVERY}.get(name)
    if name in {"server_day", "member_day"}:
        value = 10**6
    if name.startswith("approval"):
        value = frozenset[int]()
    return replace(rules, **{name: value})  # pyright: ignore[reportArgumentType] - a field by its name


LIFTED = ("models", "server_day", "server_month", "member_day", "member_jobs", "server_jobs", "largest_resolution",
          "most_images", "roles_only", "channels", "safety", "private", "approval_channels", "approval_roles")  # fmt: skip


@given(orders, all_rules, places, members, st.sampled_from(LIFTED))
def test_lifting_a_limit_never_forbids_more(
    order: Order, rules: Rules, where: Where, roles: frozenset[int], name: str
) -> None:
    before = set(said(order, rules, roles=roles, where=where))
    after = set(said(order, lifted(rules, name), roles=roles, where=where))
    assert after <= before
    old, new = (held(one, roles=roles, where=where).limits for one in (rules, lifted(rules, name)))
    assert new.member_day >= old.member_day
    assert new.server_day >= old.server_day
    assert (new.server_month or 10**6) >= (old.server_month or 10**6)
    assert new.member_jobs >= old.member_jobs
    assert new.server_jobs >= old.server_jobs


@given(orders, all_rules, places, members)
def test_approval_lets_nothing_pass_that_is_refused_without_it(
    order: Order, rules: Rules, where: Where, roles: frozenset[int]
) -> None:
    free = replace(rules, approval_channels=frozenset(), approval_roles=frozenset())
    refused, without = (
        set(said(order, rules, roles=roles, where=where)),
        set(said(order, free, roles=roles, where=where)),
    )
    assert without <= refused <= without | {PrivateNeedsApprovalError}
    assert held(rules, roles=roles, where=where).limits == held(free, roles=roles, where=where).limits


@given(all_rules, places, members)
def test_an_order_waits_where_its_channel_or_one_of_its_members_roles_is_listed_and_nowhere_else(
    rules: Rules, where: Where, roles: frozenset[int]
) -> None:
    approval = held(rules, roles=roles, where=where).approval
    by_channel = where.channel_id in rules.approval_channels
    by_role = bool(rules.approval_roles & roles) or SERVER in rules.approval_roles
    assert approval.value == (by_channel or by_role)
    if approval.value:
        assert approval.source is (Source.CHANNEL if by_channel else Source.ROLE)


@given(orders, all_rules, places, members, st.sampled_from(ROLES))
def test_a_role_never_lowers_an_allowance(
    order: Order, rules: Rules, where: Where, roles: frozenset[int], role: int
) -> None:
    before, after = held(rules, roles=roles, where=where), held(rules, roles=roles | {role}, where=where)
    assert after.member_day.value >= before.member_day.value
    assert after.welcome.value >= before.welcome.value
    more = set(said(order, rules, roles=roles | {role}, where=where)) - set(
        said(order, rules, roles=roles, where=where)
    )
    assert more <= {PrivateNeedsApprovalError}, "a role may only make its members wait"


@given(all_rules, places, members)
def test_a_thread_follows_its_channel(rules: Rules, where: Where, roles: frozenset[int]) -> None:
    thread = replace(where, channel_id=999, parent_id=where.channel_id)
    assert held(rules, roles=roles, where=thread) == held(rules, roles=roles, where=where)


def test_nothing_set_forbids_nothing_and_leaves_the_operators_limits() -> None:
    assert said(an_order(), Rules()) == []
    assert held(Rules()).limits == HOUSE.limits


def test_every_reason_is_told_and_not_the_first_alone() -> None:
    rules = Rules(
        models=frozenset({"nano-banana"}),
        channels=Channels.ONLY,
        roles_only=True,
        role_allowances={1: 5},
        largest_resolution="1K",
        most_images=1,
        safety=1,
    )
    order = an_order(choices=Choices(resolution="4K", images=4, safety=4))
    holds = held(rules)
    request = CATALOGUE.request(order, max_tolerance=6, seed=1)
    word = WordRule(number=1, kind=WordKind.WORDS, text="fox")
    found = objections(order, request, holds=holds, asker=ANN, catalogue=CATALOGUE, word=word)
    assert [type(one) for one in found] == [
        ChannelClosedError,
        RoleNeededError,
        ModelForbiddenError,
        WordForbiddenError,
        ResolutionForbiddenError,
        TooManyImagesError,
        SafetyForbiddenError,
    ]


@pytest.mark.parametrize(("restricted", "expected"), [(True, []), (False, [SafetyForbiddenError])])
def test_a_tolerance_above_the_default_is_for_age_restricted_channels(
    *, restricted: bool, expected: list[type[RefusedError]]
) -> None:
    where = Where(guild_id=1, channel_id=100, age_restricted=restricted)
    assert said(an_order(choices=Choices(safety=5)), Rules(), where=where) == expected


def test_each_value_tells_where_it_comes_from() -> None:
    rules = Rules(
        models=frozenset({"nano-banana"}),
        role_allowances={1: 500, 2: None},
        server_day=600,
        channel_rules={100: ChannelRules(largest_resolution="2K")},
    )
    holds = held(rules, roles=frozenset({1}))
    assert (holds.models.value, holds.models.source) == (("nano-banana",), Source.SERVER)
    assert (holds.member_day.value, holds.member_day.source) == (500, Source.ROLE)
    assert (holds.server_day.value, holds.server_day.source) == (600, Source.SERVER)
    assert (holds.largest_resolution.value, holds.largest_resolution.source) == ("2K", Source.CHANNEL)
    assert (holds.member_jobs.value, holds.member_jobs.source) == (3, Source.OPERATOR)
    assert held(rules, roles=frozenset({1, 2})).member_day.value == 600


def test_a_usual_model_that_is_not_allowed_gives_way_to_one_that_is() -> None:
    rules = Rules(models=frozenset({"nano-banana", "gone"}), default_model="nano-banana-pro")
    order = settled(an_order(model=""), held(rules), CATALOGUE)
    assert order.model == "nano-banana"


def test_a_resolution_that_nobody_chose_shrinks_to_what_is_allowed() -> None:
    holds = held(Rules(largest_resolution="0.5K"))
    assert settled(an_order(), holds, CATALOGUE).choices.resolution == "0.5K"
    assert settled(an_order(choices=Choices(resolution="4K")), holds, CATALOGUE).choices.resolution == "4K"
