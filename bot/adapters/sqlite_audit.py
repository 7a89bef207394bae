"""The books, added up again from the rows: what should agree, and what does not."""

import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from bot.adapters.sealing import Seal
from bot.adapters.sqlite_rows import from_row
from bot.domain.credits import credits_for
from bot.domain.errors import StartError
from bot.domain.job import Job

CHECKS = (
    (
        "a job without exactly one hold of its credits in both books",
        """
        SELECT id, state FROM jobs WHERE (
            SELECT count(*) FROM ledger
            WHERE job_id = jobs.id AND kind = 'hold' AND ledger.credits = jobs.credits
        ) <> 2
        """,
    ),
    (
        "an open job whose hold is closed, or an ended or rendered one whose hold is open",
        """
        SELECT id, state FROM jobs WHERE (
            SELECT count(*) FROM ledger WHERE job_id = jobs.id AND kind <> 'hold'
        ) <> CASE WHEN state IN ('held', 'submitting', 'queued', 'lost') THEN 0 ELSE 2 END
        """,
    ),
    (
        "a job whose charge differs from the customer's book",
        """
        SELECT id, state FROM jobs WHERE charged IS NOT NULL AND charged <> (
            SELECT sum(ledger.credits) FROM ledger WHERE job_id = jobs.id AND book = 'customer'
        )
        """,
    ),
    (
        "a failed or cancelled job that was charged",
        "SELECT id, state FROM jobs WHERE state IN ('failed', 'cancelled') AND charged <> 0",
    ),
    (
        "a sum that differs from the ledger",
        """
        WITH again AS (
            SELECT 'operator' AS account, substr(day, 1, 7) AS period, credits FROM ledger WHERE book = 'operator'
            UNION ALL SELECT 'operator', day, credits FROM ledger WHERE book = 'operator'
            UNION ALL SELECT 'scope:' || scope, day, credits FROM ledger WHERE book = 'customer'
            UNION ALL SELECT 'scope:' || scope, substr(day, 1, 7), credits FROM ledger WHERE book = 'customer'
            UNION ALL SELECT 'member:' || scope || ':' || member_id, day, credits FROM ledger WHERE book = 'customer'
            UNION ALL SELECT account, period, -credits FROM spending
        )
        SELECT account, period FROM again GROUP BY account, period HAVING sum(credits) <> 0
        """,
    ),
    (
        "a finished job whose operator's book is below its charge, or above its hold, and what was wasted",
        """
        SELECT id, state FROM jobs WHERE state IN ('rendered', 'delivered') AND (
            SELECT sum(ledger.credits) FROM ledger WHERE job_id = jobs.id AND book = 'operator'
        ) NOT BETWEEN charged + wasted AND jobs.credits + wasted
        """,
    ),
)
FINISHED = """
    SELECT jobs.*, (SELECT sum(ledger.credits) FROM ledger WHERE job_id = jobs.id AND book = 'operator') AS paid
    FROM jobs WHERE units IS NOT NULL AND charged IS NOT NULL
"""


def audit(path: Path) -> Iterator[str]:
    """Every difference, in words; none when the books agree. Raises StartError when the file cannot be read."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
    except sqlite3.Error as error:
        raise StartError(f"database {path}: {error}") from None
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("BEGIN")
        for name, sql in CHECKS:
            for row in connection.execute(sql):
                yield f"{name}: {' '.join(str(value) for value in row)}"
        yield from _units(connection)
    except sqlite3.Error as error:
        raise StartError(f"database {path}: {error}") from None
    finally:
        connection.close()


def _units(connection: sqlite3.Connection) -> Iterator[str]:
    """Where fal named its billable units, they times the price of that day are what the operator's book says."""
    nobody = Seal("an audit opens no token")
    for row in connection.execute(FINISHED):
        job: Job = from_row(row, nobody)
        if job.request.unit_price:
            billed = credits_for(Decimal(str(job.units)) * Decimal(job.request.unit_price))
            if billed != row["paid"] - job.wasted:
                yield f"a job booked with {row['paid'] - job.wasted} credits for which fal billed {billed}: {job.id}"
