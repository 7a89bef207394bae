"""A database as a busy bot has it after a year: very many jobs of many servers, with their books, most of them over."""

import random
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bot.adapters.catalogue_file import load_catalogue
from bot.adapters.sealing import Seal
from bot.adapters.sqlite_rows import to_row
from bot.adapters.sqlite_schema import migrate
from bot.adapters.sqlite_store import ADD_ENTRY, INSERT_JOB, UPDATE_JOB
from bot.domain.job import Job, Picture, Reply, State, Ticket
from bot.domain.ledger import day_of
from bot.domain.order import Order
from bot.settings import MODELS_FILE

SERVERS, MEMBERS = 60, 50
"""Servers, and members of each."""
ID = 10**18
"""Ids in Discord are about as long."""
YEAR = 365 * 24 * 3600.0
WAITING = 40
"""The newest orders: they are still in line."""
PROMPT = "a lighthouse on a cliff at dusk, long exposure, in the style of an old travel poster, number {}"
DELIVER = "UPDATE jobs SET state = 'delivered', message_id = number WHERE state = 'rendered'"


def scope_of(number: int) -> str:
    """The books of a server here, by its number from 0."""
    return f"guild:{ID + number % SERVERS}"


def member_of(number: int) -> int:
    """The id of a member here."""
    return 2 * ID + number % (SERVERS * MEMBERS)


def fill(path: Path, jobs: int, now: float, token: str) -> None:
    """Make the file; the last order came just before `now` (unix seconds). `token` seals what is sealed."""
    migrate(path)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        seal = Seal(token)
        for job in _orders(jobs, now):
            connection.execute(INSERT_JOB, to_row(job, seal))
            connection.executemany(ADD_ENTRY, _entries(job, "hold", job.credits))
            if job.created_at < now - WAITING:
                over = _over(job)
                connection.execute(UPDATE_JOB, to_row(over, seal))
                paid = over.state is State.RENDERED
                connection.executemany(
                    ADD_ENTRY, _entries(job, *(("settle", 0) if paid else ("release", -job.credits)))
                )
        connection.execute(DELIVER)
        connection.execute("COMMIT")
    finally:
        connection.close()


def _orders(count: int, now: float) -> Iterator[Job]:
    catalogue, chance = load_catalogue(MODELS_FILE), random.Random(1)  # noqa: S311 - nothing secret
    models = [*catalogue.models]
    for number in range(count):
        at = now - (count - number) if number >= count - WAITING else now - YEAR * (1 - number / count) - WAITING
        member, prompt = chance.randrange(SERVERS * MEMBERS), PROMPT.format(number)
        order = Order(
            scope=scope_of(member),
            guild_id=ID + member % SERVERS,
            channel_id=3 * ID + member % SERVERS,
            member_id=member_of(member),
            prompt=prompt,
            model=chance.choice(models),
        )
        request = catalogue.request(order, max_tolerance=4, seed=number)
        yield Job(
            id=f"{number:016x}",
            order=order,
            request=request,
            credits=catalogue.model(order.model).cost(request.arguments, request.images),
            created_at=at,
            reply=Reply(application_id=ID, token="a" * 200, created_at=at, message_id=4 * ID + number),
        )


def _over(job: Job) -> Job:
    """How it ended: of ten, nine were delivered."""
    submitted = job.created_at + 2
    if int(job.id, 16) % 10 == 0:
        return job.to(State.FAILED, charged=0, told=True, submitted_at=submitted, error='{"code": "ContentRefused"}')
    address = f"https://queue.fal.run/fal-ai/nano-banana-2/requests/{job.id}"
    ticket = Ticket(request_id=job.id, status_url=f"{address}/status", response_url=address, cancel_url=f"{address}/c")
    url = f"https://v3b.fal.media/files/b/{job.id}/{job.id}.png"
    picture = Picture(url=url, filename="1.png", content_type="image/png", width=1024, height=1024, size=1_500_000)
    queued = job.to(State.SUBMITTING, submitted_at=submitted).to(State.QUEUED, ticket=ticket)
    return queued.to(
        State.RENDERED, pictures=(picture,), rendered_at=submitted + 20, charged=job.credits, units=1.0, told=True
    )


def _entries(job: Job, kind: str, credit: int) -> list[Mapping[str, Any]]:
    entry = {"job_id": job.id, "kind": kind, "credits": credit, "at": job.created_at, "scope": job.order.scope}
    entry |= {"member_id": job.order.member_id, "day": day_of(job.created_at)}
    return [entry | {"book": book} for book in ("customer", "operator")]
