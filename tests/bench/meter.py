"""CPU and memory of a process, from the kernel's own books (Linux)."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Since the meter began."""

    cpu: float
    """Seconds, of the process and its children."""
    memory: int
    """Bytes: the most that the process held at once, above what it held at the beginning."""
    children: int
    """Bytes: the most that each of its children held, together."""


class Meter:
    """Made when the process idles; read as often as wanted."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        # "5" resets the peak. Source: proc(5), /proc/pid/clear_refs. Where that is forbidden, the start counts too.
        with suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
        self._base = self._process.memory_info().rss
        self._cpu = self._spent()

    def read(self) -> Usage:
        children = self._process.children(recursive=True)
        return Usage(
            cpu=self._spent() - self._cpu,
            memory=max(0, _peak(self._process.pid) - self._base),
            children=sum(_peak(child.pid) for child in children),
        )

    def _spent(self) -> float:
        """Seconds; children that have ended are in their parent's own figures."""
        own = self._process.cpu_times()
        alive = [child.cpu_times() for child in self._process.children(recursive=True)]
        ended = own.children_user + own.children_system
        return ended + sum(one.user + one.system for one in (own, *alive))


def _peak(pid: int) -> int:
    """Bytes."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.split()[0]) * 1024
    return 0
