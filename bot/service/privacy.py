"""Privacy: what is stored about a member, and forgetting it in time."""

import asyncio
import io
import json
import logging
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bot.domain.errors import BooksBusyError
from bot.domain.job import Job
from bot.domain.ledger import DAY, day_of
from bot.service.ports import Clock
from bot.service.racing import BOOKS_TIMEOUT, within

_log = logging.getLogger(__name__)

MOST_JOBS = 20_000
"""In one export."""


class Erasure(Protocol):
    """Forgetting, in the database."""

    async def want(self, member_id: int, at: float) -> None:
        """A member asked; asking twice changes nothing."""
        ...

    async def wanted(self) -> list[int]:
        """Members who asked and are not forgotten yet."""
        ...

    async def jobs_of(self, member_id: int, most: int) -> list[Job]:
        """Everything they ordered anywhere, the newest first."""
        ...

    async def facts_of(self, member_id: int) -> dict[str, list[dict[str, Any]]]:
        """What other tables hold about them, by table."""
        ...

    async def erase_member(self, member_id: int, at: float) -> Sequence[str]:
        """Forget a batch of ended jobs; returns their ids, none when none is left."""
        ...

    async def finish_member(self, member_id: int) -> bool:
        """Forget what else names them, once no job does; False while one is on its way."""
        ...

    async def erase_scope(self, scope: str, at: float) -> Sequence[str]:
        """The same of a server's jobs."""
        ...

    async def finish_scope(self, scope: str) -> None:
        """Forget what else a server left."""
        ...

    async def erase_before(self, moment: float, at: float) -> Sequence[str]:
        """Forget jobs ordered before then (unix seconds)."""
        ...

    async def drop_counts(self, day: str) -> None:
        """Drop what was counted before that UTC day."""
        ...


class LeftServers(Protocol):
    """Servers that the bot was in."""

    async def left_before(self, moment: float) -> list[int]:
        """Those that it left before then (unix seconds)."""
        ...

    async def forget(self, guild_id: int) -> None:
        """Drop what is known of one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long things are kept, in days."""

    prompts: int
    counts: int
    left_servers: int


class Privacy:
    """Exports and forgets."""

    def __init__(
        self,
        erasure: Erasure,
        servers: LeftServers,
        retention: Retention,
        jobs_dir: Path,
        clock: Clock,
        recipe: Callable[[Job], str],
    ) -> None:
        """`recipe` tells in words how to make a job's images again."""
        self._erasure = erasure
        self._servers = servers
        self._retention = retention
        self._dir = jobs_dir
        self._clock = clock
        self._recipe = recipe

    async def export(self, member_id: int, name: str) -> bytes:
        """A ZIP with everything stored about a member, as JSON, and their recipes. Raises BooksBusyError."""
        async with within(10.0, BooksBusyError()):
            jobs = await self._erasure.jobs_of(member_id, MOST_JOBS)
            facts = await self._erasure.facts_of(member_id)
        return await asyncio.to_thread(_zipped, member_id, name, jobs, facts, self._recipe)

    async def ask(self, member_id: int) -> None:
        """Have a member forgotten, within the hour. Raises BooksBusyError; asking again does no harm."""
        async with within(BOOKS_TIMEOUT, BooksBusyError()):
            await self._erasure.want(member_id, self._clock())

    async def sweep(self) -> None:
        """Forget who asked, what is too old, and servers that were left long ago."""
        for member_id in await self._erasure.wanted():
            await self._forget_jobs(lambda now, one=member_id: self._erasure.erase_member(one, now))
            if await self._erasure.finish_member(member_id):
                _log.info("somebody who asked for it was forgotten")
        now = self._clock()
        before = now - self._retention.prompts * DAY
        await self._forget_jobs(lambda at: self._erasure.erase_before(before, at))
        await self._erasure.drop_counts(day_of(now - self._retention.counts * DAY))
        for guild_id in await self._servers.left_before(now - self._retention.left_servers * DAY):
            scope = f"guild:{guild_id}"
            await self._forget_jobs(lambda at, one=scope: self._erasure.erase_scope(one, at))
            await self._erasure.finish_scope(scope)
            await self._servers.forget(guild_id)
            _log.info("a server that was left was forgotten")

    async def _forget_jobs(self, batch: Callable[[float], Any]) -> None:
        while ids := await batch(self._clock()):
            await asyncio.to_thread(self._remove, ids)

    def _remove(self, ids: Sequence[str]) -> None:
        for job_id in ids:
            shutil.rmtree(self._dir / job_id, ignore_errors=True)


def _zipped(
    member_id: int, name: str, jobs: Sequence[Job], facts: dict[str, list[dict[str, Any]]], recipe: Callable[[Job], str]
) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("me.json", _json({"member_id": member_id, "name": name}))
        archive.writestr("orders.json", _json([_order(job) for job in jobs]))
        archive.writestr("recipes.txt", "\n\n".join(recipe(job) for job in jobs if job.pictures) or "No images yet.")
        for table, rows in facts.items():
            archive.writestr(f"{table}.json", _json(rows))
    return made.getvalue()


def _order(job: Job) -> dict[str, object]:
    return {
        "id": job.id,
        "state": job.state.value,
        "where": job.order.scope,
        "channel_id": job.order.channel_id,
        "prompt": job.order.prompt,
        "model": job.order.model,
        "choices": job.order.choices.made(),
        "pictures_sent": [one.filename for one in job.order.references],
        "arguments": {key: value for key, value in job.request.arguments.items() if key != "image_urls"},
        "credits_held": job.credits,
        "credits_charged": job.charged,
        "ordered_at": job.created_at,
        "made_at": job.rendered_at,
        "images": [f"{one.width} x {one.height}, {one.size} bytes" for one in job.pictures],
        "message_id": job.message_id or None,
        "posted_in": job.stands_in if job.message_id else None,
    }


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
