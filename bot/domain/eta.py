"""How long fal will take, told from how long it took lately, and when an order that waits will be done."""

import heapq
import math
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from types import MappingProxyType

from bot.domain.order import Request

RECENT = 50
"""Times kept of each kind, and looked at in each group: enough to be steady, few enough to follow a slow day."""
ENOUGH = 5
"""Times that a group needs before it is believed rather than a wider one."""
OVERDUE = 0.25
"""What is left of a request that is slower than all seen lately, as a share of its time so far."""
QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)

Spread = Sequence[float]
"""Seconds, each as likely as the others, in order. Empty when nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a request's time depends on most."""

    endpoint: str
    resolution: str
    """Empty where the endpoint has none."""
    images: int


def kind_of(request: Request) -> Kind:
    """The kind of a request."""
    resolution = str(request.arguments.get("resolution", ""))
    return Kind(endpoint=request.endpoint, resolution=resolution, images=request.images)


class Times:
    """Seconds that requests took at fal, from submission to completion, the newest of each group."""

    def __init__(self, rough: Mapping[str, float] = MappingProxyType({})) -> None:
        """`rough`: seconds by endpoint, used until enough were seen."""
        self._rough = rough
        self._recent = defaultdict[tuple[object, ...], deque[float]](lambda: deque(maxlen=RECENT))
        # Only for speed: a look at 1,000 who wait takes 9 ms instead of 22.
        self._sorted: dict[Kind, list[float]] = {}
        self._usual: dict[Kind, Spread] = {}

    def add(self, kind: Kind, seconds: float) -> None:
        """One more was seen."""
        for group in _groups(kind):
            self._recent[group].append(seconds)
        self._sorted.clear()
        self._usual.clear()

    def usual(self, kind: Kind) -> Spread:
        """How long such a request takes."""
        if kind not in self._usual:
            self._usual[kind] = _quantiles(self._of(kind))
        return self._usual[kind]

    def left(self, kind: Kind, so_far: float) -> Spread:
        """How long such a request takes yet that has run for some seconds already: as those did that ran as long."""
        times = self._of(kind)
        longer = [one - so_far for one in times if one > so_far]
        return _quantiles(longer) if longer or not times else [so_far * OVERDUE]

    def _of(self, kind: Kind) -> list[float]:
        """Times of the narrowest group that has enough, in order of length."""
        if kind not in self._sorted:
            enough = (self._recent[group] for group in _groups(kind) if len(self._recent[group]) >= ENOUGH)
            rough = [self._rough[kind.endpoint]] if kind.endpoint in self._rough else []
            self._sorted[kind] = sorted(next(enough, rough))
        return self._sorted[kind]


def _groups(kind: Kind) -> tuple[tuple[object, ...], ...]:
    """From the narrowest to the widest."""
    return (kind.endpoint, kind.resolution, kind.images), (kind.endpoint, kind.resolution), (kind.endpoint,)


def _quantiles(times: Sequence[float]) -> Spread:
    return [times[int(len(times) * quantile)] for quantile in QUANTILES] if times else []


def middle(spread: Spread) -> float | None:
    """What is told: the mean of the middle half, so that a request that hung for minutes does not shift it."""
    cut = len(spread) // 4
    return fmean(spread[cut : len(spread) - cut]) if spread else None


def done_in(line: Iterable[Spread], running: Sequence[Spread], places: int) -> Iterator[float | None]:
    """Seconds until each order of a line is done; None where that depends on what is not known.

    `line`: how long each takes, in the order of turns. `running`: how long those at fal take yet, which may be more
    than there are places. The n-th place is free when n ends can be expected: the first of ten that run comes much
    sooner than any one of them. What is not known counts as never ending: it makes others later, never earlier.
    """
    ends = [(end, 1 / len(spread)) for spread in running for end in spread]
    heapq.heapify(ends)
    now, ended = 0.0, 0.0
    for number, takes in enumerate(line, start=1):
        needed = number - (places - len(running)) - 0.5
        while ended < needed:
            now, weight = heapq.heappop(ends) if ends else (math.inf, math.inf)
            ended += weight
        if (usual := middle(takes)) is not None:
            heapq.heappush(ends, (now + usual, 1.0))
        yield None if usual is None or math.isinf(now) else now + usual
