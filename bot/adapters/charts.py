"""Charts, drawn by a process of their own."""

import asyncio
import json
import logging
import sys
from collections.abc import Mapping, Sequence

_log = logging.getLogger(__name__)

TIMEOUT = 20.0
"""Seconds for one chart, loading the library included."""


class Charts:
    """One at a time: each takes a core for a second."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def bars(
        self, *, title: str, unit: str, days: Sequence[str], series: Mapping[str, Sequence[int]]
    ) -> bytes | None:
        """Stacked bars by day as a PNG; None when it could not be drawn, which is no reason to say nothing at all."""
        given = json.dumps({"title": title, "unit": unit, "days": days, "series": series}).encode()
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot.adapters.chart",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                async with asyncio.timeout(TIMEOUT):
                    drawn, _ = await process.communicate(given)
            except TimeoutError:
                _log.warning("a chart took too long")
                return None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if process.returncode or not drawn:
            _log.warning("a chart could not be drawn (exit code %s)", process.returncode)
            return None
        return drawn
