"""Blocks, strikes and grants in SQLite."""

import sqlite3

from bot.adapters.persons import Persons
from bot.adapters.sqlite_connection import Database
from bot.adapters.sqlite_tree import DELETED_JOB
from bot.domain.conduct import REASON_LENGTH, Block, Conduct, StrikeRules, later
from bot.domain.job import Job
from bot.domain.ledger import DAY, day_of

ADD_ACT = """
    INSERT INTO member_acts (scope, member_id, kind, reason, done_by, done_at, until, day, credits)
    VALUES (:scope, :member_id, :kind, :reason, :done_by, :done_at, :until, :day, :credits)
"""
LAST_BLOCK = """
    SELECT id, kind, until, reason, done_by FROM member_acts INDEXED BY member_acts_of_member
    WHERE scope = ? AND member_id IN (?, ?) AND kind IN ('block', 'unblock') ORDER BY id DESC LIMIT 1
"""
STRIKES = """
    SELECT count(*) FROM member_acts INDEXED BY member_acts_of_member
    WHERE scope = ? AND member_id IN (?, ?) AND id > ? AND kind = 'strike' AND done_at > ?
"""
GRANTED = """
    SELECT coalesce(sum(credits), 0) FROM member_acts INDEXED BY member_grants
    WHERE scope = ? AND member_id IN (?, ?) AND day = ? AND kind = 'grant'
"""
SPENT = "SELECT credits FROM spending WHERE account = ? AND period = ?"


_Act = dict[str, str | int | float | None]
"""A row of `member_acts`."""


class SqlitePeople:
    """The PeopleStore port. Rows are only added; who was forgotten meanwhile is found by the stand-in."""

    def __init__(self, database: Database, persons: Persons) -> None:
        self._database = database
        self._persons = persons

    async def block_of(self, scope: str, member_id: int, now: float) -> Block | None:
        """The block that holds at that time (unix seconds)."""
        last = await self._database.read(LAST_BLOCK, (scope, member_id, self._persons.stand_in(member_id)))
        return _block(last[0] if last else None, now)

    async def conduct(self, scope: str, member_id: int, now: float, rules: StrikeRules) -> Conduct:
        """What holds for a member at that time (unix seconds)."""
        whom = (scope, member_id, self._persons.stand_in(member_id))
        last = await self._database.read(LAST_BLOCK, whom)
        since = last[0]["id"] if last else 0
        strikes = await self._database.read(STRIKES, (*whom, since, now - rules.days * DAY))
        granted = await self._database.read(GRANTED, (*whom, day_of(now)))
        return Conduct(
            block=_block(last[0] if last else None, now),
            strikes=strikes[0][0],
            strike_rules=rules,
            granted=granted[0][0],
        )

    async def block(
        self, scope: str, member_id: int, *, by: int, at: float, until: float | None, reason: str, rules: StrikeRules
    ) -> Conduct:
        """Replaces an earlier block."""
        row = _act(scope, member_id, "block", by=by, at=at, reason=reason) | {"until": until}
        return await self._added((scope, member_id), row, at, rules)

    async def unblock(self, scope: str, member_id: int, *, by: int, at: float) -> None:
        """Also takes the strikes away."""
        row = _act(scope, member_id, "unblock", by=by, at=at)
        await self._database.write(lambda connection: _add(connection, row))

    async def strike(
        self, scope: str, member_id: int, *, by: int, at: float, reason: str, rules: StrikeRules
    ) -> Conduct:
        """Count and block in one transaction: two moderators at once make two strikes."""
        whom = (scope, member_id, self._persons.stand_in(member_id))

        def work(connection: sqlite3.Connection) -> Conduct:
            _add(connection, _act(scope, member_id, "strike", by=by, at=at, reason=reason))
            now = _conduct(connection, whom, at, rules)
            if now.strikes < rules.to_block:
                return now
            until = at + rules.block_days * DAY
            until = later(now.block.until, until) if now.block else until
            _add(connection, _act(scope, member_id, "block", by=by, at=at, reason=reason) | {"until": until})
            return _conduct(connection, whom, at, rules)

        return await self._database.write(work)

    async def grant(
        self, scope: str, member_id: int, credit: int, *, by: int, at: float, reason: str, rules: StrikeRules
    ) -> Conduct:
        """Add credits to what a member may spend on that day (UTC)."""
        row = _act(scope, member_id, "grant", by=by, at=at, reason=reason) | {"day": day_of(at), "credits": credit}
        return await self._added((scope, member_id), row, at, rules)

    async def delete_and_grant(self, job: Job, credit: int, *, by: int, at: float) -> int | None:
        """Both or neither: of two who do it at once, one grants."""
        scope, member_id = job.order.scope, job.order.member_id

        def work(connection: sqlite3.Connection) -> int | None:
            if connection.execute(DELETED_JOB, (at, job.id)).rowcount != 1:
                return None
            given = min(credit, self._not_granted(connection, scope, member_id, at))
            if given:
                row = _act(scope, member_id, "grant", by=by, at=at) | {"day": day_of(at), "credits": given}
                _add(connection, row)
            return given

        return await self._database.write(work)

    async def reset(self, scope: str, member_id: int, *, by: int, at: float) -> int:
        """Grant what was spent that day and not granted yet, read in the same transaction."""

        def work(connection: sqlite3.Connection) -> int:
            missing = self._not_granted(connection, scope, member_id, at)
            if missing:
                row = _act(scope, member_id, "grant", by=by, at=at) | {"day": day_of(at), "credits": missing}
                _add(connection, row)
            return missing

        return await self._database.write(work)

    async def _added(self, whose: tuple[str, int], row: _Act, at: float, rules: StrikeRules) -> Conduct:
        """How the member stands with it, read in the same transaction: what is stored is known, too."""
        whom = (*whose, self._persons.stand_in(whose[1]))

        def work(connection: sqlite3.Connection) -> Conduct:
            _add(connection, row)
            return _conduct(connection, whom, at, rules)

        return await self._database.write(work)

    def _not_granted(self, connection: sqlite3.Connection, scope: str, member_id: int, at: float) -> int:
        """What a member spent that day beyond what was granted: more than that is never given back."""
        stand_in = self._persons.stand_in(member_id)
        accounts = (f"member:{scope}:{member_id}", f"member:{scope}:{stand_in}")
        spent = sum(row[0] for one in accounts for row in connection.execute(SPENT, (one, day_of(at))))
        return max(0, spent - granted(connection, scope, (member_id, stand_in), day_of(at)))


def granted(connection: sqlite3.Connection, scope: str, ids: tuple[int, int], day: str) -> int:
    """Credits added to a member's day, for the transaction that holds an order; `ids`: theirs and their stand-in."""
    return int(connection.execute(GRANTED, (scope, *ids, day)).fetchone()[0])


def _conduct(connection: sqlite3.Connection, whom: tuple[str, int, int], now: float, rules: StrikeRules) -> Conduct:
    """What holds for a member; `whom`: the scope, the member and their stand-in."""
    last = connection.execute(LAST_BLOCK, whom).fetchone()
    (strikes,) = connection.execute(STRIKES, (*whom, last["id"] if last else 0, now - rules.days * DAY)).fetchone()
    (given,) = connection.execute(GRANTED, (*whom, day_of(now))).fetchone()
    return Conduct(block=_block(last, now), strikes=strikes, strike_rules=rules, granted=given)


def _block(last: sqlite3.Row | None, now: float) -> Block | None:
    if last is None or last["kind"] == "unblock" or (last["until"] is not None and last["until"] <= now):
        return None
    return Block(until=last["until"], reason=last["reason"], done_by=last["done_by"])


def _act(scope: str, member_id: int, kind: str, *, by: int, at: float, reason: str = "") -> _Act:
    whom = {"scope": scope, "member_id": member_id, "kind": kind, "reason": reason[:REASON_LENGTH]}
    return whom | {"done_by": by, "done_at": at, "until": None, "day": None, "credits": None}


def _add(connection: sqlite3.Connection, row: _Act) -> None:
    connection.execute(ADD_ACT, row)
