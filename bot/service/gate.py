"""The gate before fal: shut for a while after fal turned a request away, then tried again by itself."""

from bot.domain.errors import AccountError, ClosedError, GenerationError
from bot.service.alerts import Alerts, Subject
from bot.service.ports import Clock, Sleep

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds that the gate stays shut; twice as long after each failure in a row."""


class Gate:
    """Whether requests of ours go to fal now. After a pause the next one tries; its success opens the gate for all."""

    def __init__(self, clock: Clock, sleep: Sleep, alerts: Alerts) -> None:
        self._clock = clock
        self._sleep = sleep
        self._alerts = alerts
        self._failures = 0
        self._shut_until = 0.0
        self._account = False

    def check(self) -> None:
        """Raises ClosedError while fal refuses the account: new orders could only wait."""
        if self._account and self.is_shut:
            raise ClosedError

    @property
    def is_shut(self) -> bool:
        """Whether requests have to wait now; a clock that was set back keeps nobody waiting."""
        return 0 < self._shut_until - self._clock() <= LONGEST_PAUSE

    async def passage(self) -> bool:
        """Wait until the gate is not shut; True then."""
        while self.is_shut:
            await self._sleep(min(self._shut_until - self._clock(), 1.0))
        return True

    def shut(self, error: GenerationError) -> None:
        """fal turned a request away. Those that left together count once: only a new try lengthens the pause."""
        account = isinstance(error, AccountError)
        if not self.is_shut:
            self._shut_until = self._clock() + min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._failures)
            self._failures = min(self._failures + 1, 10)
            self._account = False
        self._account = self._account or account
        self._alerts.up(Subject.ACCOUNT if account else Subject.FAL_AWAY)

    def opened(self) -> None:
        """fal took a request."""
        self._failures = 0
        self._shut_until = 0.0
        self._account = False
        self._alerts.over(Subject.ACCOUNT)
        self._alerts.over(Subject.FAL_AWAY)
