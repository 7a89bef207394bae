"""The journal: what happens in a server, on its way to the server's log channel.

It is a courtesy: nothing that it tells of ever waits for it, and what was not posted when the process ends is not told.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from bot.domain.asking import is_person
from bot.domain.job import Job, State, Word
from bot.domain.journal import Acted, Deleted, Failed, Finished, LeftOut, Ordered, Refused
from bot.service.ports import Clock
from bot.service.ruling import Changed
from bot.service.stores import RulesStore

_log = logging.getLogger(__name__)

Event = Ordered | Finished | Failed | Refused | Deleted | Acted | Changed | LeftOut
MOST_WAITING = 500
"""Events of one server."""
MOST_LINES, MOST_CHARACTERS = 10, 3800
"""Of one message; Discord takes 4,000 characters, and five messages in five seconds."""
KNOWN = 60.0
"""Seconds that a server's log channel is taken to be the one that was read last, unless a change of the rules comes by.

Only for speed: each read is a hop to the database's thread and back, 0.3 ms of CPU, for two events of every order.
"""
GRACE = 2.0
"""Seconds that the bot's stop spends on what was not posted yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One message of the log."""

    lines: tuple[str, ...]
    result: Job | None = None
    """The job whose images the message is about."""


Post = Callable[[int, int, Page], Awaitable[None]]
"""Puts a page into a channel: server id, channel id. It may take its time, and raises nothing for Discord's sake."""


class Journal:
    """Takes what happened; `run` posts it until it is cancelled. Servers do not wait for each other."""

    def __init__(
        self,
        rules: RulesStore,
        line: Callable[[Event, float], str],
        clock: Clock,
        posted_in: Callable[[str], Awaitable[int | None]],
        most: int = MOST_WAITING,
    ) -> None:
        """`line` says an event in at most 3,800 characters; its second argument is when it happened (unix seconds).

        `posted_in`: the channel in which a job's images stand, if it is not the order's.
        """
        self._rules = rules
        self._line = line
        self._clock = clock
        self._posted_in = posted_in
        self._most = most
        self._waiting: dict[str, deque[tuple[Event, float]]] = {}
        self._known: dict[str, tuple[int | None, float]] = {}
        self._news: asyncio.Queue[str] = asyncio.Queue()
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, event: Event) -> None:
        """Returns at once, whatever happens to the log."""
        if is_person(event.scope) or _is_in_a_question(event):
            return
        waiting = self._waiting.get(event.scope)
        if waiting is None:
            waiting = self._waiting[event.scope] = deque()
            self._news.put_nowait(event.scope)
            self._idle.clear()
        elif len(waiting) >= self._most:
            self._leave_one_out(event.scope, waiting)
        waiting.append((event, self._clock()))

    async def run(self, post: Post) -> None:
        """Post what comes; after its cancellation what waits is posted still, for two seconds at most."""
        async with asyncio.TaskGroup() as writers:

            def begin(scope: str) -> None:
                writers.create_task(self._write(scope, post), name=f"journal-{scope}")

            try:
                while True:
                    begin(await self._news.get())
            finally:
                while not self._news.empty():
                    begin(self._news.get_nowait())
                await self.drain()

    async def drain(self) -> None:
        """Wait until all is posted, but not for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await self._idle.wait()

    async def _write(self, scope: str, post: Post) -> None:
        """All that waits of one server."""
        waiting, guild_id = self._waiting[scope], int(scope.partition(":")[2])
        while waiting:
            first = waiting.popleft()
            try:
                if channels := await self._channels(first[0]):
                    page = self._page((await self._placed(first[0]), first[1]), waiting)
                    for channel_id in channels:
                        await post(guild_id, channel_id, page)
            except Exception:  # noqa: BLE001 - the boundary of one page: the next ones are written all the same
                _log.exception("a page of the log of %s was not written", scope)
        del self._waiting[scope]
        if not self._waiting:
            self._idle.set()

    async def _channels(self, event: Event) -> list[int]:
        """Where the log moves from is told, too: nobody silences it unseen."""
        now, until = self._known.get(event.scope, (None, 0.0))
        if isinstance(event, Changed) or not 0 <= until - self._clock() <= KNOWN:
            self._known.pop(event.scope, None)
            now = (await self._rules.rules(event.scope)).rules.log_channel
            self._known[event.scope] = now, self._clock() + KNOWN
        return [one for one in dict.fromkeys((now, _moved_from(event))) if one is not None]

    async def _placed(self, event: Event) -> Event:
        """A result with where it stands, which the store alone knows; private ones are not led to."""
        if not isinstance(event, Finished) or event.job.order.private or event.job.message_id is None:
            return event
        return Finished(job=event.job.but(posted_in=await self._posted_in(event.job.id)))

    def _page(self, first: tuple[Event, float], waiting: deque[tuple[Event, float]]) -> Page:
        """One result alone, or as many others as fit."""
        lines = [self._line(*first)]
        if isinstance(first[0], Finished) and not first[0].job.order.private:
            return Page(lines=tuple(lines), result=first[0].job)
        while waiting and len(lines) < MOST_LINES and not _stands_alone(first[0]) and not _stands_alone(waiting[0][0]):
            line = self._line(*waiting[0])
            if sum(map(len, lines)) + len(line) > MOST_CHARACTERS:
                break
            lines.append(line)
            waiting.popleft()
        return Page(lines=tuple(lines))

    def _leave_one_out(self, scope: str, waiting: deque[tuple[Event, float]]) -> None:
        """The oldest of what comes in masses; the count of what is missing goes first."""
        event, at = waiting[0]
        count = event.count if isinstance(event, LeftOut) else 0
        if count:
            waiting.popleft()
        common = (number for number, (one, _) in enumerate(waiting) if isinstance(one, Ordered | Refused))
        del waiting[next(common, 0)]
        waiting.appendleft((LeftOut(scope=scope, count=count + 1), at))


def _is_in_a_question(event: Event) -> bool:
    """Whether the question to the moderators, which stands in the log, says it: who asks, and that it was refused or called off."""
    match event:
        case Ordered(job=job):
            return job.awaits_approval
        case Failed(job=job):
            unanswered = job.state is State.CANCELLED and job.approval is not None and job.approval.by is None
            return unanswered or (job.approval is not None and job.approval.word is Word.REFUSED)
        case _:
            return False


def _stands_alone(event: Event) -> bool:
    """Whether it cannot share a message with others."""
    return (isinstance(event, Finished) and not event.job.order.private) or _moved_from(event) is not None


def _moved_from(event: Event) -> int | None:
    """The log channel that holds no more."""
    changes = event.changes if isinstance(event, Changed) else ()
    return next((cast("int | None", one.before) for one in changes if one.target.name == "log_channel"), None)
