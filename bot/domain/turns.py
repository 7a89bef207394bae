"""Whose turn it is: fair shares of credits, first among servers, then among a server's members, then by arrival.

Start-time fair queueing. A turn costs its order's credits (a server's are divided by its weight), and whoever has gone
the least far goes next. Nobody stands behind the mark where the last turn began, so time without orders, or with
pictures that were not ready, earns no run of turns later; and once nobody else waits, nothing is remembered.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter, itemgetter
from types import MappingProxyType
from typing import Generic, TypeVar

P = TypeVar("P", str, int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An order in our own line."""

    job_id: str
    number: int
    """The order of arrival."""
    scope: str
    member_id: int
    credits: int
    created_at: float
    """Unix seconds."""
    ready: bool
    """Whether its pictures are prepared; until then others may pass it."""
    had_turn: bool = False
    """Whether it has paid for a turn that a restart cut short: it goes first, for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A turn that was given, as the books know it; times in unix seconds."""

    scope: str
    member_id: int
    credits: int
    created_at: float
    at: float


@dataclass(slots=True)
class _Shares(Generic[P]):
    """How far each of several parties has gone."""

    mark: float = 0.0
    """Where the last turn began. Who is not beyond it stands there, and is due."""
    beyond: dict[P, float] = field(default_factory=dict[P, float])

    def order(
        self, orders: Iterable[Waiting], party: Callable[[Waiting], P], cost: Callable[[Waiting], float]
    ) -> list[Waiting]:
        """These in the order of their turns; each party's own come in an order that they keep."""
        stands = dict[P, float]()
        begins = list[tuple[float, int, Waiting]]()
        for one in orders:
            who = party(one)
            at = stands[who] if who in stands else self._stands(who)
            begins.append((at, one.number, one))
            stands[who] = at + cost(one)
        return [one for _, _, one in sorted(begins, key=itemgetter(0, 1))]

    def charge(self, party: P, cost: float) -> None:
        self.mark = self._stands(party)
        self.beyond = {one: gone for one, gone in self.beyond.items() if gone > self.mark}
        self.beyond[party] = self.mark + cost

    def _stands(self, party: P) -> float:
        return self.beyond.get(party, self.mark)


_NOBODY = _Shares[int]()
"""Nobody is beyond the mark. Never charged."""


class Turns:
    """Who had how much while others waited."""

    def __init__(self, weights: Mapping[str, float] = MappingProxyType({})) -> None:
        """`weights`: of servers, by scope; 1 for those that it does not name."""
        self._weights = weights
        self._scopes = _Shares[str]()
        self._members = dict[str, _Shares[int]]()

    def order(self, line: Iterable[Waiting]) -> list[Waiting]:
        """The order in which these go if nobody comes or leaves."""
        first, scopes = list[Waiting](), defaultdict[str, list[Waiting]](list)
        for one in sorted(line, key=attrgetter("number")):
            (first if one.had_turn else scopes[one.scope]).append(one)
        within = [
            self._members.get(scope, _NOBODY).order(orders, attrgetter("member_id"), attrgetter("credits"))
            for scope, orders in scopes.items()
        ]
        return first + self._scopes.order(chain.from_iterable(within), attrgetter("scope"), self._cost)

    def give(self, turn: Waiting, others: Iterable[Waiting]) -> None:
        """Charge a turn; `others` wait on."""
        if not turn.had_turn:
            waiting = {one.scope for one in others if not one.had_turn}
            self._charge(turn, anyone=bool(waiting), of_scope=turn.scope in waiting)

    def resume(self, given: Sequence[Turn], line: Iterable[Waiting]) -> None:
        """Be where the turns given so far, the oldest first, have led; `line` still waits.

        Who else waited at each turn is told by when they came. What came before the last time that nobody waited is of
        no account.
        """
        came: dict[str, float] = {}
        for one in line:
            if not one.had_turn:
                came[one.scope] = min(one.created_at, came.get(one.scope, math.inf))
        first = min(came.values(), default=math.inf)
        counting = list[tuple[Turn, bool]]()
        for turn in reversed(given):
            if first > turn.at:
                break
            counting.append((turn, came.get(turn.scope, math.inf) <= turn.at))
            came[turn.scope] = min(turn.created_at, came.get(turn.scope, math.inf))
            first = min(first, turn.created_at)
        for turn, of_scope in reversed(counting):
            self._charge(turn, anyone=True, of_scope=of_scope)

    def _charge(self, turn: Turn | Waiting, *, anyone: bool, of_scope: bool) -> None:
        if not anyone:
            self._scopes = _Shares[str]()
            self._members = {}
            return
        self._scopes.charge(turn.scope, self._cost(turn))
        if of_scope:
            self._members.setdefault(turn.scope, _Shares[int]()).charge(turn.member_id, turn.credits)
        else:
            self._members.pop(turn.scope, None)

    def _cost(self, turn: Turn | Waiting) -> float:
        return turn.credits / self._weights.get(turn.scope, 1.0)
