"""What the operator must hear: each alert once, and once more when it is over."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum


class Subject(StrEnum):
    """What an alert is about."""

    ACCOUNT = "account"
    """fal refuses the key or the balance is out."""
    FAL_AWAY = "fal_away"
    """fal takes no requests: too busy, or unreachable."""
    INVALID_REQUESTS = "invalid_requests"
    """fal refuses the form of our requests, or an endpoint is gone."""
    LOST = "lost"
    """A request's answer was lost, and the request is being looked for."""
    DELIVERY = "delivery"
    """Finished images cannot be posted."""
    PURSE_HALF = "purse_half"
    """Half of the month's stop is spent."""
    PURSE_LOW = "purse_low"
    """Four fifths of it are."""
    PURSE_EMPTY = "purse_empty"
    """All of it is: nothing is sent to fal until the month ends or the stop is raised."""
    DISK = "disk"
    """The disk of the data folder is nearly full."""


class Alerts:
    """Keeps what is up; `run` tells the operator."""

    def __init__(self) -> None:
        self._up: dict[Subject, set[str]] = {}
        self._news: asyncio.Queue[tuple[Subject, bool]] = asyncio.Queue()

    def up(self, subject: Subject, case: str = "") -> None:
        """Something is wrong, told once; `case` tells several troubles of one subject apart."""
        cases = self._up.setdefault(subject, set())
        if not cases:
            self._news.put_nowait((subject, True))
        cases.add(case)

    def over(self, subject: Subject, case: str = "") -> None:
        """That case is well again; told once all cases of the subject are."""
        cases = self._up.get(subject, set())
        if case in cases:
            cases.discard(case)
            if not cases:
                self._news.put_nowait((subject, False))

    async def run(self, tell: Callable[[Subject, bool], Awaitable[None]]) -> None:
        """Tell each piece of news, in order, until cancelled. `tell` gets the subject and whether it is up."""
        while True:
            await tell(*await self._news.get())
