"""How SQLite goes about each of our queries: by an index, however many jobs there are.

Every constant with SQL in an `adapters/sqlite_*` module is looked at, and every statement of the schema's triggers.
"""

import ast
import importlib
import re
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bot.adapters import sqlite_schema
from bot.settings import ROOT

SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH)\b")
MAINTENANCE = {"sqlite_audit", "sqlite_schema"}
"""They read whole tables, which is what they are for: at a change of the schema, or when the operator asks."""
MODULES = sorted(path.stem for path in (ROOT / "bot" / "adapters").glob("sqlite_*.py") if path.stem not in MAINTENANCE)
SMALL_TABLES = {"word_changes", "servers", "rules", "notices", "erasures", "timings", "notes"}
"""A row for a server or a person with a wish, or bounded: these may be read whole."""
SMALL_INDEXES = {"jobs_unfinished", "jobs_untold", "jobs_in_flight", "jobs_wasting"}
"""Partial indexes that hold what is on its way now, not what was ever ordered."""
SWEEPS = {"DELETE FROM refusals WHERE day < ?", "DELETE FROM usage WHERE day < ?"}
"""Once a day, in the background."""


def strings(value: object) -> Iterator[str]:
    """The strings in a constant, however deep."""
    match value:
        case str():
            yield value
        case Mapping():
            for one in value.values():  # pyright: ignore[reportUnknownVariableType] - whatever a constant holds
                yield from strings(one)  # pyright: ignore[reportUnknownArgumentType] - the same
        case tuple() | list():
            for one in value:  # pyright: ignore[reportUnknownVariableType] - the same
                yield from strings(one)  # pyright: ignore[reportUnknownArgumentType] - the same
        case _:
            pass


def queries() -> Iterator[tuple[str, str]]:
    for name in MODULES:
        for constant, value in vars(importlib.import_module(f"bot.adapters.{name}")).items():
            if constant.isupper():
                yield from ((f"{name}.{constant}", sql) for sql in strings(value) if SQL.match(sql))


def trigger_statements(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """SQLite explains no triggers, so their statements are explained alone, the row's values as parameters."""
    for name, sql in connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall():
        head, body = sql.split("BEGIN", 1)
        rows = "new" if re.search(r"(BEFORE|AFTER) INSERT", head) else "new|old"
        body = re.sub(r"raise\(.*?\)", "1", body[: body.rindex("END")])
        for statement in sqlite_schema.statements(re.sub(rf"\b({rows})\.(\w+)", r":\1_\2", body)):
            yield f"trigger {name}", statement


def plan(connection: sqlite3.Connection, sql: str) -> list[str]:
    bare = re.sub(r"'[^']*'", "", sql)
    names = re.findall(r":(\w+)", bare)
    values = dict.fromkeys(names) if names else (None,) * bare.count("?")
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


def reads_much(step: str) -> bool:
    """Whether a step of a plan goes through all rows of something that grows with every order."""
    scan = re.match(r"SCAN (\w+)(?: .*\bINDEX (\w+))?", step)
    if scan is None or re.match(r"SCAN (\d+ )?CONSTANT ROW|SCAN \w+ VIRTUAL TABLE INDEX", step):
        return False
    table, index = scan.groups()
    return not (table in SMALL_TABLES or index in SMALL_INDEXES)


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path: Path = tmp_path_factory.mktemp("plans") / "bot.sqlite3"
    sqlite_schema.migrate(path)
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


@pytest.mark.parametrize(("where", "sql"), [pytest.param(*one, id=one[0]) for one in queries()])
def test_no_query_goes_through_all_jobs_or_entries(schema: sqlite3.Connection, where: str, sql: str) -> None:
    steps = plan(schema, sql)
    assert sql in SWEEPS or [step for step in steps if reads_much(step)] == [], where


def test_no_trigger_does(schema: sqlite3.Connection) -> None:
    found = list(trigger_statements(schema))
    assert len({where for where, _ in found}) >= 8
    slow = [(where, step) for where, sql in found for step in plan(schema, sql) if reads_much(step)]
    assert slow == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM jobs WHERE order_json = ?",
        "SELECT count(*) FROM jobs",
        "SELECT * FROM ledger AS held WHERE held.at > ?",
        "SELECT sum(credits) FROM spending WHERE credits > :least",
        "UPDATE jobs SET told = 1 WHERE error IS NOT NULL",
        "DELETE FROM jobs WHERE charged = 0",
        "SELECT id FROM jobs WHERE created_at > ? ORDER BY rendered_at",
        "SELECT 1 FROM jobs, ledger WHERE jobs.credits = ledger.credits",
    ],
)
def test_a_query_that_does_would_be_noticed(schema: sqlite3.Connection, sql: str) -> None:
    assert any(reads_much(step) for step in plan(schema, sql))


@pytest.mark.parametrize("module", MODULES)
def test_sql_stands_in_constants_where_its_plan_is_looked_at(module: str) -> None:
    tree = ast.parse((ROOT / "bot" / "adapters" / f"{module}.py").read_text(encoding="utf-8"))
    inside = [
        f"{module}:{node.lineno}"
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]
    assert inside == []
