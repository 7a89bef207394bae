"""`python -m tests.bench`: the bot beside a naive one, by turns, under the same loads on the same loopback servers.

Prints a table, and which numbers to reach were reached; writes both as bench.md, bench.png and rounds.json.
"""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tests.bench.chart import draw
from tests.bench.fairness import Fairness, measure_fairness
from tests.bench.figures import Figures, medians
from tests.bench.plan import Load, Plan, Side, full, full_load, quick
from tests.bench.report import Results, machine, markdown, number, table, targets
from tests.bench.rounds import measure
from tests.bench.stage import BenchError, trusted
from tests.loopback.certificates import Certificates

OUT = Path("out/bench")


@dataclass(slots=True)
class Bench:
    """A run, and what it has found so far."""

    plan: Plan
    folder: Path
    certificates: Certificates
    settings: Mapping[str, str]
    rounds: dict[Load, dict[Side, list[Figures]]] = field(default_factory=dict[Load, dict[Side, list[Figures]]])
    fairness: Fairness | None = None
    troubles: list[str] = field(default_factory=list[str])

    async def run(self) -> None:
        """A part that goes wrong does not take the others with it."""
        for load in self.plan.loads:
            for number_ in range(load.rounds):
                for side in (*Side,)[:: -1 if number_ % 2 else 1]:
                    await self._round(load, number_, side)
        if self.plan.fairness:
            try:
                self.fairness = await measure_fairness(self.folder, self.certificates, self.settings)
            except BenchError as error:
                self._failed("fairness", error)

    async def _round(self, load: Load, number_: int, side: Side) -> None:
        name = f"orders: {load.name}, round {number_ + 1}, {side}"
        folder = self.folder / f"{load.orders}-{load.images}-{number_}-{side}"
        try:
            figures = await measure(side, load, folder, self.certificates, self.settings)
        except BenchError as error:
            self._failed(name, error)
            return
        self.rounds.setdefault(load, defaultdict(list))[side].append(figures)
        said = f"{number(figures.cpu_ms)} ms CPU, posted after {number(figures.posted_p50)} s"
        say(f"{name}: {said}, {number(figures.finished)} finished")

    def _failed(self, what: str, error: BenchError) -> None:
        self.troubles.append(f"{what}: {error}")
        say(f"{what} WENT WRONG: {error}")

    @property
    def results(self) -> Results:
        return {
            load: {side: medians(sides[side]) for side in Side if sides[side]} for load, sides in self.rounds.items()
        }


def write(bench: Bench, out: Path) -> None:
    """Everything that was found, for people and for programs."""
    out.mkdir(parents=True, exist_ok=True)
    page = markdown(bench.plan, bench.results, bench.fairness, bench.troubles, "bench.png")
    (out / "bench.md").write_text(page, encoding="utf-8")
    rounds = [
        {"load": load.name, "side": side, **asdict(figures)}
        for load, sides in bench.rounds.items()
        for side, found in sides.items()
        for figures in found
    ]
    fairness = None if bench.fairness is None else asdict(bench.fairness)
    (out / "rounds.json").write_text(json.dumps({"rounds": rounds, "fairness": fairness}, indent=1), encoding="utf-8")
    if bench.rounds:
        draw(bench.results, out / "bench.png", machine())


def plan_of(chosen: argparse.Namespace) -> Plan:
    """What the command line asks for."""
    plan = quick() if chosen.quick else full()
    if chosen.jobs:
        seconds = chosen.seconds or max(load.seconds for load in plan.loads)
        plan = replace(plan, loads=[full_load(jobs, seconds) for jobs in chosen.jobs], fairness=False)
    if chosen.fairness:
        plan = replace(plan, fairness=True, loads=plan.loads if chosen.jobs else [])
    if chosen.repeat:
        plan = replace(plan, loads=[replace(load, rounds=chosen.repeat) for load in plan.loads])
    return plan


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes instead of a quarter of an hour")
    parser.add_argument("--jobs", type=int, nargs="+", metavar="N", help="these numbers of orders, and nothing else")
    parser.add_argument("--seconds", type=float, help="what fal takes for each order; with --jobs")
    parser.add_argument("--fairness", action="store_true", help="the order of submissions; alone, or after --jobs")
    parser.add_argument("--repeat", type=int, metavar="N", help="rounds of each; the table shows their medians")
    parser.add_argument("--set", action="append", default=[], metavar="BOT_X__Y=Z", help="a setting of our bot")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help=f"for the results (default {OUT})")
    return parser.parse_args(arguments)


async def until_ended(bench: Bench) -> None:
    """A SIGTERM, too, ends every process that was started; Ctrl-C does by itself."""
    running = asyncio.ensure_future(bench.run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    await running


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the command's answer


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 1 when a part could not be measured."""
    chosen = parsed(arguments)
    settings = dict(one.split("=", 1) for one in chosen.set)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bench = Bench(plan_of(chosen), Path(folder), trusted(Path(folder)), settings)
        try:
            asyncio.run(until_ended(bench))
        except (KeyboardInterrupt, asyncio.CancelledError):
            say("stopped; what was measured until now:")
    write(bench, chosen.out)
    say(f"\n{table(bench.results)}\n")
    say("\n".join(map(str, targets(bench.results, bench.fairness))))
    say(f"\nwritten to {chosen.out}")
    return 1 if bench.troubles else 0


if __name__ == "__main__":
    sys.exit(main())
