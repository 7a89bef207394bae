"""Runs a module as its own program, and writes down how late its event loop is.

`python -m tests.bench.watched FILE MODULE [ARGUMENT ...]` is `python -m MODULE [ARGUMENT ...]` with a timer more in
every event loop; FILE gets a line per tick: epoch seconds, and by how many seconds the tick was late. It is written
while the program runs, so that a kill loses the last second alone.
"""

import asyncio
import runpy
import sys
import time
from io import TextIOWrapper
from pathlib import Path

TICK = 0.05
"""Seconds between two looks at the clock: they cost some 3 ms of CPU a second, in both bots."""
LINES = 20
"""Ticks that are written together."""


class Lateness:
    """A timer that finds out when it is called."""

    def __init__(self, loop: asyncio.AbstractEventLoop, file: TextIOWrapper) -> None:
        self._loop = loop
        self._file = file
        self._due = loop.time()
        self._lines: list[str] = []

    def tick(self) -> None:
        """Note how late this call is, and ask for the next."""
        late = self._loop.time() - self._due
        self._lines.append(f"{time.time():.3f} {late:.6f}\n")
        if len(self._lines) == LINES:
            self._file.writelines(self._lines)
            self._file.flush()
            self._lines.clear()
        self._due = self._loop.time() + TICK
        self._loop.call_at(self._due, self.tick)


class WatchedLoops(asyncio.DefaultEventLoopPolicy):
    """Makes the loops that Python would make, each with a timer in it."""

    def __init__(self, file: TextIOWrapper) -> None:
        super().__init__()
        self._file = file

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        loop = super().new_event_loop()
        loop.call_soon(Lateness(loop, self._file).tick)
        return loop


def main() -> None:
    """The program sees its own name and arguments only."""
    _, file, module, *arguments = sys.argv
    with Path(file).open("w", encoding="ascii") as open_file:
        asyncio.set_event_loop_policy(WatchedLoops(open_file))  # pyright: ignore[reportDeprecated] - until Python 3.16
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
