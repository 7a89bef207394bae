"""The service's ports in memory, and small things to put into them. The books are never doubled: they are real SQLite."""

import asyncio
import functools
import itertools
import sqlite3
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.adapters.catalogue_file import load_catalogue
from bot.adapters.persons import Persons
from bot.adapters.sealing import Seal
from bot.adapters.sqlite_connection import Database
from bot.adapters.sqlite_schema import migrate
from bot.adapters.sqlite_store import SqliteStore
from bot.adapters.sqlite_timings import SqliteTimings
from bot.adapters.sqlite_tree import SqliteTree
from bot.domain.errors import BotError, CancelledAtFalError, FalDownError, GenerationError
from bot.domain.eta import Kind
from bot.domain.job import Job, Picture, Reply, State, Ticket
from bot.domain.ledger import Limits
from bot.domain.order import Choices, Order, Reference, Request
from bot.domain.turns import Turn
from bot.service.ports import Completed, ImageLink, InProgress, InQueue, Phase, Prepared, Result, Status
from bot.service.racing import unless
from bot.settings import MODELS_FILE

CATALOGUE = load_catalogue(MODELS_FILE)
NOON = 1_795_435_200.0
"""2026-11-23 12:00 UTC."""
WIDE = Limits(
    member_day=10**6,
    server_day=10**6,
    server_month=10**6,
    operator_month=10**6,
    member_jobs=10**4,
    server_jobs=10**4,
)
"""Limits that nothing here reaches."""
BOT_TOKEN = "the bot's own token"  # noqa: S105 - opens nothing

_ids = itertools.count(1)


# --- orders and jobs ------------------------------------------------------------------------------


def an_order(
    prompt: str = "a fox",
    *,
    guild: int = 1,
    member: int = 7,
    model: str = "nano-banana-2",
    choices: Choices | None = None,
    references: int = 0,
) -> Order:
    return Order(
        scope=f"guild:{guild}",
        guild_id=guild,
        channel_id=guild * 100,
        member_id=member,
        prompt=prompt,
        model=model,
        choices=choices or Choices(),
        references=tuple(
            Reference(url=f"https://cdn.invalid/{n}", filename=f"{n}.png", content_type="image/png", size=n * 1000)
            for n in range(1, references + 1)
        ),
    )


def a_job(
    order: Order | None = None,
    *,
    state: State = State.HELD,
    credit: int | None = None,
    at: float = NOON,
    token: str | None = None,
    pictures: int = 0,
) -> Job:
    """An order as the desk makes it; `credit` and `state` as wished."""
    order = order or an_order()
    request = CATALOGUE.request(order, max_tolerance=6, seed=1)
    reply = None if token is None else Reply(application_id=5, token=token, created_at=at, message_id=None)
    return Job(
        id=f"{next(_ids):016x}",
        state=state,
        order=order,
        request=request,
        credits=credit or CATALOGUE.model(order.model).cost(request.arguments, request.images),
        created_at=at,
        reply=reply,
        pictures=tuple(a_picture(position) for position in range(1, pictures + 1)),
    )


def a_picture(position: int = 1) -> Picture:
    return Picture(
        url=f"https://fal.invalid/made-{position}.png",
        filename=f"{position}.png",
        content_type="image/png",
        width=1024,
        height=768,
        size=1_000_000 + position,
    )


def a_ticket(request_id: str = "r1") -> Ticket:
    base = f"https://fal.invalid/requests/{request_id}"
    return Ticket(request_id=request_id, status_url=f"{base}/status", response_url=base, cancel_url=f"{base}/cancel")


# --- time -----------------------------------------------------------------------------------------


class HandClock:
    """A clock that stands until it is turned; whoever sleeps by it wakes when it has been turned far enough."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        sleeper = (self.now + seconds, asyncio.Event())
        self._sleepers.append(sleeper)
        try:
            await sleeper[1].wait()
        finally:
            self._sleepers.remove(sleeper)

    def turn(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        for at, woken in self._sleepers:
            if at <= self.now:
                woken.set()

    @property
    def asleep(self) -> int:
        """How many sleep by this clock."""
        return len(self._sleepers)


async def until(fact: Callable[[], object], *, seconds: float = 5) -> None:
    """Wait in real time for something to become true, so many seconds at most."""
    async with asyncio.timeout(seconds):
        while not fact():  # noqa: ASYNC110 - facts of a file have no event
            await asyncio.sleep(0.001)


# --- the books ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Books:
    """An open store, and a look at the file under it from outside."""

    store: SqliteStore
    tree: SqliteTree
    timings: SqliteTimings
    database: Database
    outside: sqlite3.Connection

    def rows(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """What another process would read in the file: only what is committed."""
        return self.outside.execute(sql, parameters).fetchall()

    def state_of(self, job: Job) -> str:
        return str(self.rows("SELECT state FROM jobs WHERE id = ?", job.id)[0][0])

    def entries(self, job: Job) -> dict[str, list[tuple[str, int]]]:
        """The job's ledger: by book, kinds and credits."""
        found: dict[str, list[tuple[str, int]]] = {"customer": [], "operator": []}
        for book, kind, credit in self.rows(
            "SELECT book, kind, credits FROM ledger WHERE job_id = ? ORDER BY entry", job.id
        ):
            found[str(book)].append((str(kind), int(str(credit))))
        return found

    def charged(self, job: Job) -> tuple[int, int]:
        """What the customer and the operator pay for this job by the ledger."""
        found = self.entries(job)
        return sum(credit for _, credit in found["customer"]), sum(credit for _, credit in found["operator"])


@functools.cache
def _migrated_file() -> bytes:
    """Migrated once for all tests: a copy is a tenth of the work."""
    with tempfile.TemporaryDirectory() as folder:
        migrate(path := Path(folder) / "bot.sqlite3")
        return path.read_bytes()


@asynccontextmanager
async def open_books(path: Path, clock: Callable[[], float], token: str = BOT_TOKEN) -> AsyncGenerator[Books]:
    """A real database file, migrated and open."""
    if not path.exists():
        path.write_bytes(_migrated_file())
    database = await Database.open(path, soon=0.01)
    outside = sqlite3.connect(path, isolation_level=None)
    try:
        seal = Seal(token)
        store = SqliteStore(database, seal, Persons(token), clock)
        yield Books(store, SqliteTree(database), SqliteTimings(database), database, outside)
    finally:
        outside.close()
        await database.close()


@dataclass(slots=True)
class FakeTimings:
    """What the line goes on from, in memory."""

    given: list[Turn] = field(default_factory=list[Turn])
    took: list[tuple[Kind, float]] = field(default_factory=list[tuple[Kind, float]])

    async def turns(self) -> list[Turn]:
        return self.given

    async def times(self) -> list[tuple[Kind, float]]:
        return self.took

    def keep(self, kind: Kind, seconds: float) -> None:
        self.took.append((kind, seconds))


# --- fal ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Plan:
    """What fal does with one prompt. Unplanned, it makes what is asked for at once."""

    refusals: list[BaseException] = field(default_factory=list[BaseException])
    """Raised at submit, try by try."""
    answering: asyncio.Event | None = None
    """The submit is answered only after this."""
    working: asyncio.Event | None = None
    """The request is completed only after this, or by a cancel that works."""
    endings: list[BaseException] = field(default_factory=list[BaseException])
    """Raised instead of a result, try by try."""
    images: int | None = None
    """How many come, when not what was asked for."""
    cancels: bool = True
    """Whether a cancel stops it while it is working."""
    deaf: int = 0
    """How many cancels are not heard at all."""


@dataclass(slots=True)
class FakeFal:
    """fal's queue, of one mind per prompt."""

    plans: dict[str, Plan] = field(default_factory=dict[str, Plan])
    submitted: list[Request] = field(default_factory=list[Request])
    uploads: list[Path] = field(default_factory=list[Path])
    upload_refusals: list[GenerationError] = field(default_factory=list[GenerationError])
    cancels: list[str] = field(default_factory=list[str])
    looks: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    listed: list[Ticket | GenerationError | None] = field(default_factory=list[Ticket | GenerationError | None])
    """What looking for a lost request answers, look by look; then nothing is found."""
    most_at_once: int = 0
    at_submit: Callable[[], None] = lambda: None
    _known: dict[str, tuple[Request, Plan]] = field(default_factory=dict[str, tuple[Request, Plan]])
    _done: set[str] = field(default_factory=set[str])
    _stopped: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])

    def plan(self, prompt: str) -> Plan:
        return self.plans.setdefault(prompt, Plan())

    @property
    def prompts(self) -> list[object]:
        """What was submitted, in order."""
        return [request.arguments["prompt"] for request in self.submitted]

    @property
    def at_work(self) -> int:
        return len(self._known) - len(self._done)

    def knows(self, request: Request, request_id: str) -> Ticket:
        """Have fal know a request that never was submitted through this object."""
        self._known[request_id] = (request, self.plan(str(request.arguments["prompt"])))
        self._stopped[request_id] = asyncio.Event()
        return a_ticket(request_id)

    async def upload(self, path: Path, content_type: str) -> str:
        assert content_type == "image/png"
        if self.upload_refusals:
            raise self.upload_refusals.pop(0)
        self.uploads.append(path)
        return f"https://fal.invalid/uploads/{len(self.uploads)}.png"

    async def submit(self, request: Request) -> Ticket:
        self.at_submit()
        self.submitted.append(request)
        plan = self.plan(str(request.arguments["prompt"]))
        if plan.answering is not None:
            await plan.answering.wait()
        if plan.refusals:
            raise plan.refusals.pop(0)
        ticket = self.knows(request, f"r{len(self.submitted)}")
        self.most_at_once = max(self.most_at_once, self.at_work)
        return ticket

    async def watch(self, ticket: Ticket) -> AsyncGenerator[Status]:
        _, plan = self._known[ticket.request_id]
        yield InQueue(0)
        yield InProgress()
        if plan.working is not None:
            await unless(self._stopped[ticket.request_id], plan.working.wait())
        self._done.add(ticket.request_id)
        yield Completed()

    async def result(self, ticket: Ticket) -> Result:
        request, plan = self._known[ticket.request_id]
        if self._stopped[ticket.request_id].is_set():
            raise CancelledAtFalError
        if plan.endings:
            raise plan.endings.pop(0)
        images = request.images if plan.images is None else plan.images
        links = (ImageLink(url=f"https://fal.invalid/{n}.png", content_type="image/png") for n in range(images))
        return Result(images=tuple(links), units=float(images))

    async def cancel(self, ticket: Ticket) -> None:
        _, plan = self._known[ticket.request_id]
        self.cancels.append(ticket.request_id)
        if plan.deaf > 0:
            plan.deaf -= 1
            raise FalDownError
        if plan.cancels and plan.working is not None and not plan.working.is_set():
            self._stopped[ticket.request_id].set()

    async def find(self, request: Request, since: float, until: float) -> tuple[Ticket, ...]:
        self.looks.append((since, until))
        found = self.listed.pop(0) if self.listed else None
        if isinstance(found, GenerationError):
            raise found
        if found is not None:
            self.knows(request, found.request_id)
        return (found,) if found else ()


# --- pictures and Discord -------------------------------------------------------------------------


@dataclass(slots=True)
class FakeIntake:
    """Pictures that are always fine, unless a test says otherwise."""

    prepared: list[Reference] = field(default_factory=list[Reference])
    owns: list[Path | None] = field(default_factory=list[Path | None])
    """Of each prepared picture, where the bot's own file is."""
    collected: list[tuple[str, int, str | None]] = field(default_factory=list[tuple[str, int, str | None]])
    """Folder, position and address."""
    refuse: BaseException | None = None
    lose: BaseException | None = None
    fetching: asyncio.Event | None = None
    """A result's image is there only after this."""
    reading: asyncio.Event | None = None
    """A member's picture is there only after this."""

    async def prepare(self, reference: Reference, position: int, folder: Path, own: Path | None = None) -> Prepared:
        if self.reading is not None:
            await self.reading.wait()
        if self.refuse is not None:
            raise self.refuse
        self.prepared.append(reference)
        self.owns.append(own)
        return Prepared(path=folder / f"in-{position}.png", content_type="image/png")

    async def collect(self, link: ImageLink, position: int, folder: Path) -> Picture:
        if self.fetching is not None:
            await self.fetching.wait()
        if self.lose is not None:
            raise self.lose
        self.collected.append((folder.name, position, link.url))
        return a_picture(position)


@dataclass(slots=True)
class FakeStage:
    """Remembers what people saw, and when by the hand clock."""

    clock: Callable[[], float]
    shown: list[tuple[float, str, Phase]] = field(default_factory=list[tuple[float, str, Phase]])
    delivered: list[Job] = field(default_factory=list[Job])
    looked_first: list[bool] = field(default_factory=list[bool])
    """Of each delivery, whether an earlier one was looked for."""
    told: list[tuple[Job, BotError]] = field(default_factory=list[tuple[Job, BotError]])
    told_again: list[bool] = field(default_factory=list[bool])
    called_off: list[Job] = field(default_factory=list[Job])
    cleared: list[Job] = field(default_factory=list[Job])
    refuse: BaseException | None = None
    """Raised by deliver."""
    stumble: BaseException | None = None
    """Raised by tell."""
    posting: asyncio.Event | None = None
    """A delivery is over only after this."""
    showing: asyncio.Event | None = None
    """An edit is over only after this."""
    at_deliver: Callable[[], None] = lambda: None

    async def show(self, job: Job, phase: Phase) -> None:
        self.shown.append((self.clock(), job.id, phase))
        if self.showing is not None:
            await self.showing.wait()

    async def deliver(self, job: Job, folder: Path, *, again: bool) -> int:
        assert folder.name == job.id
        self.at_deliver()
        if self.posting is not None:
            await self.posting.wait()
        if self.refuse is not None:
            raise self.refuse
        self.delivered.append(job)
        self.looked_first.append(again)
        return 900_000 + job.number

    async def clear(self, job: Job) -> None:
        self.cleared.append(job)

    async def tell(self, job: Job, error: BotError, *, again: bool) -> None:
        if self.stumble is not None:
            raise self.stumble
        self.told.append((job, error))
        self.told_again.append(again)

    async def cancelled(self, job: Job) -> None:
        self.called_off.append(job)

    def phases(self, job: Job) -> list[Phase]:
        """What the progress message of this job said, in order."""
        return [phase for _, job_id, phase in self.shown if job_id == job.id]


@dataclass(slots=True)
class FakeQuestions:
    """A log channel whose moderators see what stands in it."""

    asked: list[Job] = field(default_factory=list[Job])
    looked_first: list[bool] = field(default_factory=list[bool])
    """Of each question, whether an earlier one was looked for."""
    closed: list[Job] = field(default_factory=list[Job])
    closed_by: list[int | None] = field(default_factory=list[int | None])
    gone: bool = False
    refuse: BaseException | None = None
    """Raised by ask."""
    asking: asyncio.Event | None = None
    """A question stands only after this."""

    async def ask(self, job: Job, *, again: bool) -> int:
        if self.asking is not None:
            await self.asking.wait()
        if self.refuse is not None:
            raise self.refuse
        self.asked.append(job)
        self.looked_first.append(again)
        return 700_000 + job.number

    def is_gone(self, job: Job) -> bool:
        assert job.approval is not None
        return self.gone

    async def close(self, job: Job, *, by: int | None) -> None:
        self.closed.append(job)
        self.closed_by.append(by)
