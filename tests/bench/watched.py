"""Runs a module as its own program, and writes down how late its event loop is.

`python -m tests.bench.watched FILE MODULE [ARGUMENT ...]` is `python -m MODULE [ARGUMENT ...]` with a timer more in
every event loop; FILE gets a line per tick: epoch seconds, and by how many seconds the tick was late. It is written
while the program runs, so that a kill loses the last second alone.
"""

import asyncio
import runpy
import sys
import time
from collections.abc import Coroutine
from contextvars import Context
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TypeVar

TICK = 0.2
"""Seconds between two looks at the clock: they cost some 1 ms of CPU a second, in both bots."""
LINES = 5
"""Ticks that are written together."""

T = TypeVar("T")


class Lateness:
    """A timer that finds out when it is called."""

    def __init__(self, loop: asyncio.AbstractEventLoop, file: TextIOWrapper) -> None:
        self._loop = loop
        self._file = file
        self._due = time.monotonic()  # uvloop's own clock knows milliseconds alone
        self._lines: list[str] = []

    def tick(self) -> None:
        """Note how late this call is, and ask for the next. uvloop's may be a millisecond early."""
        late = max(0.0, time.monotonic() - self._due)
        self._lines.append(f"{time.time():.3f} {late:.6f}\n")
        if len(self._lines) == LINES:
            self._file.writelines(self._lines)
            self._file.flush()
            self._lines.clear()
        self._due = time.monotonic() + TICK
        self._loop.call_later(TICK, self.tick)


def watch(file: TextIOWrapper) -> None:
    """Put a timer into every loop that the program runs, whichever kind it chooses."""
    run = asyncio.Runner.run

    def run_watched(self: asyncio.Runner, coro: Coroutine[Any, Any, T], *, context: Context | None = None) -> T:
        loop = self.get_loop()
        loop.call_soon(Lateness(loop, file).tick)
        return run(self, coro, context=context)

    asyncio.Runner.run = run_watched


def main() -> None:
    """The program sees its own name and arguments only."""
    _, file, module, *arguments = sys.argv
    with Path(file).open("w", encoding="ascii") as open_file:
        watch(open_file)
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
