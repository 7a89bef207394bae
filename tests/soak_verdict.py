"""What a soak left behind: the rows, fal's bills and everything that stands in Discord, held against each other."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from bot import texts
from bot.adapters.sealing import Seal
from bot.adapters.sqlite_rows import from_row
from bot.domain.credits import credits_for
from bot.domain.errors import UnexpectedError, unpacked
from bot.domain.job import Job, State
from bot.sandbox.fal_server import LoopbackFal
from tests.loopback.discord_interaction import Interaction
from tests.loopback.discord_server import LoopbackDiscord
from tests.loopback.discord_state import Message

JOBS = """
    SELECT *, (SELECT sum(credits) FROM ledger WHERE job_id = jobs.id AND book = 'operator') AS operator FROM jobs
"""


TALLY = """
    SELECT count(*), total(told = 0 OR state NOT IN ('delivered', 'failed', 'cancelled', 'rendered')) FROM jobs
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One job, with what the operator's book shows for it."""

    job: Job
    operator: int

    @property
    def over(self) -> bool:
        """Whether nothing more will happen; what could be posted nowhere waits for its member."""
        return self.job.told and (self.job.ended or self.job.state is State.RENDERED)

    def __str__(self) -> str:
        return f"{self.job.id} {self.job.state} {self.job.order.prompt!r} {self.job.error or ''}"


def tally(database: Path) -> tuple[int, int]:
    """How many jobs there are, and how many of them are not over."""
    if not database.is_file():
        return 0, 0
    try:
        with closing(sqlite3.connect(database, timeout=20)) as connection:
            every, going_on = connection.execute(TALLY).fetchone()
    except sqlite3.OperationalError:  # the bot is just making the tables
        return 0, 0
    return every, int(going_on)


def entries(database: Path) -> list[Entry]:
    """Every job in the file."""
    nobody = Seal("a look opens no token")
    with closing(sqlite3.connect(database, timeout=20)) as connection:
        connection.row_factory = sqlite3.Row
        return [Entry(from_row(row, nobody), row["operator"]) for row in connection.execute(JOBS)]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Each field names what is wrong; all are empty after a good soak."""

    lost: Sequence[str]
    delivered_twice: Sequence[str]
    paid_twice: Sequence[str]
    unbooked: Sequence[str]
    untold: Sequence[str]
    hanging: Sequence[str]


class Remains:
    """Everything that is left, by job."""

    def __init__(
        self, found: Sequence[Entry], orders: Sequence[Interaction], fal: LoopbackFal, discord: LoopbackDiscord
    ) -> None:
        self._found = found
        self._by_prompt = {one.job.order.prompt: one for one in found}
        self._orders = {str(one.data["options"][0]["value"]): one for one in orders}
        self._discord = discord
        self._messages = [one for one in discord.world.messages.values() if not one.deleted]
        self._requests = Counter(job.prompt for job in fal.jobs.values())
        self._billed = Counter[str]()
        for job in fal.jobs.values():
            self._billed[job.prompt] += credits_for(Decimal(job.units) * job.schema.unit_price)

    def verdict(self) -> Verdict:
        """Hold everything against everything."""
        posted = {entry.job.id: self._posted(entry.job) for entry in self._found}
        return Verdict(
            lost=[
                str(entry)
                for entry in self._found
                if not entry.over or (entry.job.state is State.DELIVERED and not posted[entry.job.id])
            ],
            delivered_twice=[
                f"{entry}: {posted[entry.job.id]}" for entry in self._found if len(posted[entry.job.id]) > 1
            ],
            paid_twice=list(self._paid_twice()),
            unbooked=list(self._unbooked()),
            untold=[str(entry) for entry in self._found if entry.over and not self._told(entry.job)],
            hanging=[
                f"{message.id} {message.text!r}"
                for message in self._messages
                if "Cancel" in [button["label"] for button in message.buttons] and not message.ephemeral
            ],
        )

    def _posted(self, job: Job) -> list[Message]:
        """The messages with this job's pictures, wherever they stand."""
        return [
            one
            for one in self._messages
            if one.attachments and any(job.id in str(button.get("custom_id")) for button in one.buttons)
        ]

    def _paid_twice(self) -> Iterator[str]:
        """A request for each try that the row knows of, and no more."""
        for prompt, requests in self._requests.items():
            entry = self._by_prompt.get(prompt)
            tries = 0 if entry is None else (entry.job.submitted_at is not None) + entry.job.retried
            if requests > tries:
                yield f"{requests} requests for {tries} tries: {entry or prompt}"

    def _unbooked(self) -> Iterator[str]:
        """What fal billed stands in the operator's book; of what was delivered, exactly that."""
        for entry in self._found:
            billed = self._billed[entry.job.order.prompt]
            if billed > entry.operator or (entry.job.state is State.DELIVERED and billed != entry.operator):
                yield f"fal billed {billed}, the operator's book shows {entry.operator}: {entry}"

    def _told(self, job: Job) -> bool:
        """Whether the member can know how their order ended."""
        order = self._orders[job.order.prompt]
        answer = order.message if order.message is not None and not order.message.deleted else None
        match job.state:
            case State.DELIVERED:
                return bool(self._posted(job))
            case State.CANCELLED:  # an order that never got an answer was withdrawn: Discord itself said so
                told = (texts.CANCELLED, texts.explain(UnexpectedError()))
                return order.answer is None or (answer is not None and any(one in answer.text for one in told))
            case _:
                sentence = texts.explain(unpacked(job.error or ""))
                direct = self._discord.messages(self._discord.dm(order.person))
                said = [*order.followups, *([answer] if answer else []), *direct]
                return any(sentence in one.text for one in said)
