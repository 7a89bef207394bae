"""Orders, turns and requests on a clock that only exists here: what the fair turns do over an afternoon, in a moment."""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from bot.domain.turns import Turn, Turns, Waiting


def an_arrival(
    number: int, scope: str = "guild:1", member: int = 1, *, credit: int = 8, at: float = 0.0, ready: bool = True
) -> Waiting:
    return Waiting(
        job_id=f"{number:04}",
        number=number,
        scope=scope,
        member_id=member,
        credits=credit,
        created_at=at,
        ready=ready,
    )


@dataclass(slots=True)
class Afternoon:
    """So many places at fal, and whoever comes. `restart` forgets everything but what the books would hold."""

    places: int
    weights: dict[str, float] = field(default_factory=dict[str, float])
    takes: Callable[[Waiting], float] = lambda _: 10.0
    """Seconds at fal."""
    now: float = 0.0
    turns: Turns = field(init=False)
    line: dict[str, Waiting] = field(default_factory=dict[str, Waiting])
    given: list[Waiting] = field(default_factory=list[Waiting])
    """Who had a turn, in order."""
    _books: list[Turn] = field(default_factory=list[Turn])
    _ends: list[float] = field(default_factory=list[float])

    def __post_init__(self) -> None:
        self.turns = Turns(self.weights)

    def come(self, arrivals: Iterable[Waiting]) -> None:
        """All at once."""
        for one in arrivals:
            self.line[one.job_id] = replace(one, created_at=self.now)
        self._call()

    def go_on(self) -> None:
        """Until the next request is done."""
        self.now = max(self.now, heapq.heappop(self._ends))
        self._call()

    def go_on_for(self, turns: int) -> list[Waiting]:
        """Until so many turns were given or nobody waits; these turns."""
        before = len(self.given)
        while self.line and len(self.given) < before + turns:
            self.go_on()
        return self.given[before : before + turns]

    def prepared(self, job_id: str) -> None:
        """Its pictures are ready."""
        self.line[job_id] = replace(self.line[job_id], ready=True)
        self._call()

    def restart(self) -> None:
        self.turns = Turns(self.weights)
        self.turns.resume(self._books, self.line.values())

    def _call(self) -> None:
        while len(self._ends) < self.places:
            ready = self.turns.order(one for one in self.line.values() if one.ready)
            if not ready:
                return
            turn = ready[0]
            self.now += 0.001  # no two turns are given in the same moment
            del self.line[turn.job_id]
            self.turns.give(turn, self.line.values())
            self.given.append(turn)
            self._books.append(
                Turn(
                    scope=turn.scope,
                    member_id=turn.member_id,
                    credits=turn.credits,
                    created_at=turn.created_at,
                    at=self.now,
                )
            )
            heapq.heappush(self._ends, self.now + self.takes(turn))


def jain(amounts: Iterable[float]) -> float:
    """Jain's fairness index: 1 when all have the same, 1/n when one has everything."""
    all_of_them = list(amounts)
    return sum(all_of_them) ** 2 / (len(all_of_them) * sum(one * one for one in all_of_them))
