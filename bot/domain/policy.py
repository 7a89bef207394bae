"""What a server's rules say to an order: nothing, or every reason why not. Used by every door.

`effective` works out what holds for a member in a channel, and where each value comes from; `objections` compares an
order with it. Both are pure.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, TypeVar

from bot.domain.asking import Asker, Where, is_person
from bot.domain.catalogue import Catalogue
from bot.domain.errors import (
    ChannelClosedError,
    ModelForbiddenError,
    OnlyOwnPicturesError,
    PrivateForbiddenError,
    PrivateNeedsApprovalError,
    RefusedError,
    ResolutionForbiddenError,
    RoleNeededError,
    SafetyForbiddenError,
    TooManyImagesError,
    WordForbiddenError,
)
from bot.domain.ledger import Limits
from bot.domain.order import Order, Request
from bot.domain.rules import ChannelRules, Channels, Editable, Replies, Rules
from bot.domain.words import WordRule

T = TypeVar("T")

FIXED_SIZE = "1K"
"""What a model without a choice of resolutions makes."""


class Source(StrEnum):
    """Who says so."""

    OPERATOR = "operator"
    SERVER = "server"
    CHANNEL = "channel"
    ROLE = "role"
    AGE = "age"
    """Discord's mark of age-restricted channels, or its absence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The operator's rules for every order: caps that no server can lift."""

    limits: Limits
    max_tolerance: int
    person_day: int = 0
    """Credits a day of one person outside servers; 0: nothing can be ordered there."""
    person_jobs: int = 1

    def capped(self, month: int | None) -> "House":
        """The same with the operator's cap for one server, in credits a month; None for none of its own."""
        return self if month is None else replace(self, limits=replace(self.limits, server_month=month))

    def of(self, scope: str) -> "House":
        """The rules for these books: a person is their own server."""
        if not is_person(scope):
            return self
        own = replace(
            self.limits,
            member_day=self.person_day,
            server_day=self.person_day,
            server_month=None,
            member_jobs=self.person_jobs,
            server_jobs=self.person_jobs,
        )
        return replace(self, limits=own)


@dataclass(frozen=True, slots=True)
class Said(Generic[T]):
    """A value, and where it comes from."""

    value: T
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """What holds for one member in one channel."""

    open: Said[bool]
    """Whether orders are taken in this channel."""
    welcome: Said[bool]
    """Whether this member may order at all."""
    models: Said[tuple[str, ...]]
    """In the catalogue's order."""
    default_model: str
    largest_resolution: Said[str | None]
    """None: as large as the model can."""
    most_images: Said[int | None]
    safety: Said[int]
    member_day: Said[int]
    server_day: Said[int]
    server_month: Said[int | None]
    member_jobs: Said[int]
    server_jobs: Said[int]
    confirm_above: int | None
    replies: Said[Replies]
    editable: Editable
    private: bool
    names_word: bool
    operator_month: int
    approval: Said[bool]
    """Whether a moderator has to approve."""
    log_channel: int | None
    """Where they are asked."""

    @property
    def limits(self) -> Limits:
        """What the books check an order against."""
        return Limits(
            member_day=self.member_day.value,
            server_day=self.server_day.value,
            server_month=self.server_month.value,
            operator_month=self.operator_month,
            member_jobs=self.member_jobs.value,
            server_jobs=self.server_jobs.value,
        )


def effective(rules: Rules, *, asker: Asker, where: Where, house: House, catalogue: Catalogue) -> Effective:
    """What holds for this member here. Roles, channels and models that are gone do no harm."""
    here = rules.channel_rules.get(where.home, ChannelRules())
    models = _first((here.models, Source.CHANNEL), (rules.models, Source.SERVER))
    allowed = tuple(name for name in catalogue.models if models.value is None or name in models.value)
    preferred = (rules.default_model, catalogue.default_model, *allowed)
    server_day = _capped(rules.server_day, house.limits.server_day)
    member_day, welcome = _of_member(rules, asker, house, server_day)
    return Effective(
        open=_open(rules, where),
        welcome=welcome,
        models=Said(allowed, models.source),
        default_model=next((name for name in preferred if name in allowed), catalogue.default_model),
        largest_resolution=_first((here.largest_resolution, Source.CHANNEL), (rules.largest_resolution, Source.SERVER)),
        most_images=_first((rules.most_images, Source.SERVER)),
        safety=_safety(rules, here, where, house, catalogue),
        member_day=member_day,
        server_day=server_day,
        server_month=_month(rules, house),
        member_jobs=_capped(rules.member_jobs, house.limits.member_jobs),
        server_jobs=_capped(rules.server_jobs, house.limits.server_jobs),
        confirm_above=rules.confirm_above,
        replies=Said(rules.replies, Source.SERVER) if here.replies is None else Said(here.replies, Source.CHANNEL),
        editable=rules.editable,
        private=rules.private,
        names_word=rules.names_word,
        operator_month=house.limits.operator_month,
        approval=_approval(rules, asker, where),
        log_channel=rules.log_channel,
    )


def settled(order: Order, holds: Effective, catalogue: Catalogue) -> Order:
    """What a member left open, as the rules have it here: the model, and a resolution that is not too large.

    Raises UnknownModelError.
    """
    order = order if order.model else replace(order, model=holds.default_model)
    limit = holds.largest_resolution.value
    parameter = catalogue.model(order.model).endpoint(edit=order.is_edit).parameters.get("resolution")
    if limit is None or parameter is None or order.choices.resolution is not None:
        return order
    fitting = [one for one in parameter.values if size_of(one) <= size_of(limit)]
    if not fitting or size_of(str(parameter.default)) <= size_of(limit):
        return order
    return replace(order, choices=replace(order.choices, resolution=max(fitting, key=size_of)))


def objections(  # noqa: C901 - one reason after the other
    order: Order,
    request: Request,
    *,
    holds: Effective,
    catalogue: Catalogue,
    word: WordRule | None = None,
    asker: Asker,
) -> list[RefusedError]:
    """Every reason why this order may not be taken, the most telling first; empty when it may.

    `word` is the word rule that its prompt breaks. Credits and orders on their way are checked with `holds.limits` by the
    books, in the transaction that holds them.
    """
    found = list[RefusedError]()
    if not holds.open.value:
        found.append(ChannelClosedError())
    if not holds.welcome.value:
        found.append(RoleNeededError())
    if order.model not in holds.models.value:
        titles = tuple(catalogue.model(name).title for name in holds.models.value)
        found.append(ModelForbiddenError(model=catalogue.model(order.model).title, models=titles))
    if word is not None:
        found.append(WordForbiddenError(rule=word.text[:40], named=holds.names_word))
    limit, size = holds.largest_resolution.value, str(request.arguments.get("resolution", FIXED_SIZE))
    if limit is not None and size_of(size) > size_of(limit):
        found.append(ResolutionForbiddenError(limit=limit))
    most = holds.most_images.value
    if most is not None and request.images > most:
        found.append(TooManyImagesError(limit=most, given=request.images))
    if order.choices.safety is not None and order.choices.safety > holds.safety.value:
        by_age = holds.safety.source is Source.AGE
        found.append(SafetyForbiddenError(limit=holds.safety.value, age_restricted=by_age))
    if order.private and not holds.private:
        found.append(PrivateForbiddenError())
    if order.private and holds.approval.value:
        found.append(PrivateNeedsApprovalError())
    if holds.editable is Editable.OWN and authors_asked(order, asker):
        found.append(OnlyOwnPicturesError())
    return found


def size_of(resolution: str) -> float:
    """Of `2K`: 2. Whatever does not read so counts as too large."""
    try:
        return float(resolution.removesuffix("K"))
    except ValueError:
        return float("inf")


def _open(rules: Rules, where: Where) -> Said[bool]:
    listed = where.home in rules.listed_channels
    match rules.channels:
        case Channels.EVERY:
            return Said(value=True, source=Source.SERVER)
        case Channels.ONLY:
            return Said(value=listed, source=Source.SERVER)
        case Channels.EXCEPT:
            return Said(value=not listed, source=Source.SERVER)


def _approval(rules: Rules, asker: Asker, where: Where) -> Said[bool]:
    if where.home in rules.approval_channels:
        return Said(value=True, source=Source.CHANNEL)
    if rules.approval_roles & {*asker.roles, where.guild_id}:  # a server's own id is its role for everyone
        return Said(value=True, source=Source.ROLE)
    return Said(value=False, source=Source.SERVER)


def _of_member(rules: Rules, asker: Asker, house: House, server_day: Said[int]) -> tuple[Said[int], Said[bool]]:
    """Credits a day, the best of what they have; and whether they may order. Never more than the server has."""
    of_roles = [credit for role, credit in rules.role_allowances.items() if role in asker.roles]
    welcome = Said(value=bool(of_roles) or not rules.roles_only, source=Source.SERVER)
    best = max((server_day.value if one is None else min(one, server_day.value) for one in of_roles), default=0)
    base = _capped(rules.member_day, server_day.value, house.limits.member_day)
    if rules.roles_only or best > base.value:
        return Said(best, Source.ROLE if of_roles else Source.SERVER), welcome
    return base, welcome


def _capped(own: int | None, cap: int, standard: int | None = None) -> Said[int]:
    """The server's own value, never above the cap; else the operator's."""
    if own is None or own > cap:
        return Said(cap if own is not None or standard is None else min(standard, cap), Source.OPERATOR)
    return Said(own, Source.SERVER)


def _month(rules: Rules, house: House) -> Said[int | None]:
    caps = [one for one in (house.limits.server_month, house.limits.operator_month) if one is not None]
    if rules.server_month is not None and rules.server_month <= min(caps):
        return Said(rules.server_month, Source.SERVER)
    return Said(house.limits.server_month, Source.OPERATOR)


def _safety(rules: Rules, here: ChannelRules, where: Where, house: House, catalogue: Catalogue) -> Said[int]:
    """The laxest tolerance; above fal's own default in age-restricted channels alone."""
    said = _first((here.safety, Source.CHANNEL), (rules.safety, Source.SERVER))
    held = Said(house.max_tolerance, Source.OPERATOR)
    if said.value is not None and said.value < held.value:
        held = Said(said.value, said.source)
    usual = default_tolerance(catalogue)
    return held if where.age_restricted or held.value <= usual else Said(usual, Source.AGE)


def default_tolerance(catalogue: Catalogue) -> int:
    """fal's own tolerance, the strictest of all models'."""
    of_models = [model.generate.parameters.get("safety_tolerance") for model in catalogue.models.values()]
    return min((int(str(one.default)) for one in of_models if one is not None and one.default is not None), default=1)


def _first(*said: tuple[T | None, Source]) -> Said[T | None]:
    """The nearest value that was set; nothing, by the operator, when none was."""
    for value, source in said:
        if value is not None:
            return Said(value, source)
    return Said(None, Source.OPERATOR)


def authors_asked(order: Order, asker: Asker) -> frozenset[int]:
    """Members other than the asker whose pictures the order uses; the bot's own images belong to nobody."""
    authors = (one.origin.author_id for one in order.references if one.origin is not None and one.made is None)
    return frozenset(author for author in authors if author is not None and author != asker.member_id)
