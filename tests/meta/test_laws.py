"""The laws of this house: what must hold everywhere, held here once."""

import ast
import functools
import importlib.metadata
import inspect
import itertools
import re
import sqlite3
import tomllib
import typing
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import fields, is_dataclass
from pathlib import Path

import aiosqlite
import pytest

from bot import texts
from bot.adapters import sqlite_schema
from bot.adapters.catalogue_file import load_catalogue
from bot.domain.baskets import BASKET_LIFE
from bot.domain.drafts import DRAFT_LIFE
from bot.domain.errors import (
    AccountError,
    Allowance,
    ApprovalExpiredError,
    BadChoiceError,
    BotError,
    DeclaredPictureError,
    EndpointGoneError,
    InvalidRequestError,
    NeedsGoAheadError,
    StartError,
    UnexpectedError,
    UnknownModelError,
    packed,
    unpacked,
)
from bot.domain.ledger import DAY
from bot.service.approvals import PATIENCE
from bot.service.desk import ASKED_FOR
from bot.settings import MODELS_FILE, ROOT, SETTINGS_FILE, load_settings

PRODUCT = sorted(path for folder in ("bot", "cogs") for path in (ROOT / folder).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
CONFIG = sorted((ROOT / "config").glob("*.toml"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


# --- every error has its sentence -----------------------------------------------------------------


def errors_below(kind: type[BotError]) -> Iterator[type[BotError]]:
    for below in kind.__subclasses__():
        yield below
        yield from errors_below(below)


KINDS = sorted(set(errors_below(BotError)), key=lambda kind: kind.__name__)
RAISED = [kind for kind in KINDS if not kind.__subclasses__()]
FAMILIES = {BotError, *KINDS} - set(RAISED)
SAME_FOR_MEMBERS = {InvalidRequestError, EndpointGoneError, AccountError}
"""The operator's trouble: a member can do the same about each of them, which is nothing."""

SAMPLES: dict[object, tuple[object, ...]] = {
    int: (1, 3_000_000),
    int | None: (None, 2),
    str: ("word",),
    bool: (False, True),
    tuple[str, ...]: ((), ("one",), ("one", "two")),
    Allowance: tuple(Allowance),
}


def samples(kind: type[BotError]) -> Iterator[BotError]:
    """One of each kind for every combination of what its fields can hold."""
    hints = typing.get_type_hints(kind)
    names = [one.name for one in fields(kind)] if is_dataclass(kind) else []
    for values in itertools.product(*(SAMPLES[hints[name]] for name in names)):
        yield kind(**dict(zip(names, values, strict=True)))


@pytest.mark.parametrize("kind", RAISED, ids=lambda kind: kind.__name__)
def test_every_error_has_a_sentence_that_is_not_the_generic_one(kind: type[BotError]) -> None:
    generic = texts.explain(BotError())
    for error in samples(kind):
        assert (texts.explain(error) == generic) == (kind is UnexpectedError)


def test_no_two_errors_share_a_sentence_unless_a_member_could_do_the_same_about_both() -> None:
    said: defaultdict[str, set[type[BotError]]] = defaultdict(set)
    for kind in RAISED:
        for error in samples(kind):
            said[texts.explain(error)].add(kind)
    assert [kinds for kinds in said.values() if len(kinds) > 1] == [SAME_FOR_MEMBERS]


@pytest.mark.parametrize("kind", RAISED, ids=lambda kind: kind.__name__)
def test_a_sentence_is_short_and_shows_nothing_of_the_code(kind: type[BotError]) -> None:
    for error in samples(kind):
        sentence = texts.explain(error)
        assert 0 < len(sentence) <= 400
        assert sentence.endswith((".", ")"))
        assert kind.__name__ not in sentence
        assert not re.search(r"Error|None|True|False|Allowance|\(\)|\['|\('|=|_day|_month|\{|\}", sentence)


def test_what_a_member_typed_makes_no_sentence_long() -> None:
    catalogue, long = load_catalogue(MODELS_FILE), "x" * 4000
    allowed = max((one.allowed() for one in catalogue.models["nano-banana-2"].edit.parameters.values()), key=len)
    for error in (
        UnknownModelError(given=long, names=tuple(catalogue.models)),
        BadChoiceError(model="Nano Banana Pro", option="aspect_ratio", given=long, allowed=allowed),
        DeclaredPictureError(filename=long, limit_bytes=1, too_large=True),
        DeclaredPictureError(filename=long, limit_bytes=1, too_large=False),
    ):
        assert len(texts.explain(error)) <= 400


@pytest.mark.parametrize("kind", RAISED, ids=lambda kind: kind.__name__)
def test_an_error_kept_with_its_job_is_told_after_a_restart_as_it_would_have_been_before(kind: type[BotError]) -> None:
    for error in samples(kind):
        kept = unpacked(packed(error))
        assert type(kept) is kind
        assert texts.explain(kept) == texts.explain(error)


def test_the_times_that_sentences_tell_are_the_times_that_hold() -> None:
    hours, minutes = PATIENCE / 3600, ASKED_FOR / 60
    assert f"{hours:.0f} hours" in texts.explain(ApprovalExpiredError())
    assert f"{minutes:.0f} minutes" in texts.explain(NeedsGoAheadError(credits=2, above=1, offer_id="0"))
    assert (DRAFT_LIFE, "an hour" in texts.KEPT_PROMPT) == (3600, True)
    assert (BASKET_LIFE, "a week" in texts.BASKET_HINT) == (7 * DAY, True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"code": "Gone"}', '{"code": "Lost", "age": 3}'])
def test_an_error_that_this_version_does_not_know_is_an_unexpected_one(text: str) -> None:
    assert type(unpacked(text)) is UnexpectedError


def test_the_families_of_errors_are_never_raised_themselves() -> None:
    names = {kind.__name__ for kind in FAMILIES}
    raised = [
        f"{named(path)}:{node.lineno}"
        for path in PRODUCT
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Raise) and node.exc is not None
        for name in [node.exc.func if isinstance(node.exc, ast.Call) else node.exc]
        if isinstance(name, ast.Name) and name.id in names
    ]
    assert raised == []


# --- config ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CONFIG, ids=named)
def test_every_config_file_is_sound_toml_and_one_that_the_bot_reads(path: Path) -> None:
    assert tomllib.loads(path.read_text(encoding="utf-8"))
    assert path in {SETTINGS_FILE, MODELS_FILE}


def test_the_config_that_ships_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BOT_QUOTA__MEMBER_JOBS", "BOT_SETTINGS"):
        monkeypatch.delenv(name, raising=False)
    load_settings(SETTINGS_FILE)
    assert load_catalogue(MODELS_FILE).models


# --- the schema -----------------------------------------------------------------------------------


def schema_of(path: Path) -> list[tuple[str, ...]]:
    connection = sqlite3.connect(path)
    try:
        [version] = connection.execute("PRAGMA user_version").fetchone()
        rows = connection.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master").fetchall()
    finally:
        connection.close()
    return sorted([*rows, ("version", str(version), "", "")])


def test_migrating_step_by_step_makes_the_schema_that_a_fresh_file_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh, grown, steps = tmp_path / "fresh", tmp_path / "grown", sqlite_schema.steps()
    sqlite_schema.migrate(fresh)
    for number, _ in steps:
        monkeypatch.setattr(sqlite_schema, "steps", lambda number=number: [one for one in steps if one[0] <= number])
        assert sqlite_schema.migrate(grown) == number
    assert schema_of(grown) == schema_of(fresh)


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite3"
    sqlite_schema.migrate(path)
    before = schema_of(path)
    assert sqlite_schema.migrate(path) == sqlite_schema.steps()[-1][0]
    assert schema_of(path) == before


def test_the_steps_are_numbered_without_gaps() -> None:
    assert [number for number, _ in sqlite_schema.steps()] == list(range(1, len(sqlite_schema.steps()) + 1))


TRIGGER = """
CREATE TRIGGER t AFTER INSERT ON a -- one; with a semicolon
BEGIN
    INSERT INTO b VALUES ('; END;');
    UPDATE b SET x = CASE x WHEN 1 THEN 2 ELSE 3 END;
END;
"""


def test_a_script_is_split_into_its_statements_with_whole_triggers() -> None:
    script = f"-- a head; not a statement\nCREATE TABLE a (x);\n\nCREATE TABLE b (x);{TRIGGER}-- the end\n"
    first, second, third = (part.split("\n", 1)[-1] for part in sqlite_schema.statements(f"\n{script}"))
    assert first.endswith("CREATE TABLE a (x);")
    assert second == "CREATE TABLE b (x);"
    assert third == TRIGGER.strip().split("\n", 1)[-1]


def test_every_statement_of_the_schema_is_one_that_sqlite_takes_alone() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for _, script in sqlite_schema.steps():
            split = list(sqlite_schema.statements(script))
            for statement in split:
                connection.execute(statement)  # execute() refuses more than one
            assert sum(one.count("CREATE TRIGGER") for one in split) == script.count("CREATE TRIGGER")
    finally:
        connection.close()


@pytest.mark.parametrize("script", ["CREATE TABLE a (x)", "CREATE TABLE a (x);\nCREATE TRIGGER t BEGIN SELECT 1;"])
def test_a_script_that_ends_in_the_middle_is_refused(script: str) -> None:
    with pytest.raises(ValueError, match="in the middle of a statement"):
        list(sqlite_schema.statements(script))


@pytest.mark.parametrize(
    "broken", ["CREATE TABLE half (x);\nCREATE TABLE half (x);", "CREATE TABLE half (x);\nDROP TABLE jobs;\nNONSENSE;"]
)
def test_a_broken_step_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    old, fresh, steps = tmp_path / "old", tmp_path / "fresh", sqlite_schema.steps()
    sqlite_schema.migrate(old)
    before = schema_of(old)
    monkeypatch.setattr(sqlite_schema, "steps", lambda: [*steps, (len(steps) + 1, broken)])
    for path in (old, fresh):
        with pytest.raises(StartError):
            sqlite_schema.migrate(path)
    assert schema_of(old) == before
    assert schema_of(fresh) == [("version", "0", "", "")]


def test_a_file_is_copied_before_its_schema_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, steps = tmp_path / "bot.sqlite3", sqlite_schema.steps()
    sqlite_schema.migrate(path)
    before = schema_of(path)
    monkeypatch.setattr(sqlite_schema, "steps", lambda: [*steps, (len(steps) + 1, "CREATE TABLE more (x);")])
    sqlite_schema.migrate(path)
    [copy] = tmp_path.glob("*.before-schema-*")
    assert schema_of(copy) == before


def test_a_file_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite3"
    sqlite_schema.migrate(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StartError, match="newer than this version"):
        sqlite_schema.migrate(path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite3"
    path.write_bytes(b"not a database, whatever its name says" * 100)
    with pytest.raises(StartError, match="not a database"):
        sqlite_schema.migrate(path)


def damaged(path: Path) -> None:
    """A page of an index is overwritten, as by a disk that fails."""
    sqlite_schema.migrate(path)
    with closing(sqlite3.connect(path)) as connection:
        [size] = connection.execute("PRAGMA page_size").fetchone()
        [page] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'jobs_in_flight'").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite3"
    damaged(path)
    with pytest.raises(StartError, match="damaged"):
        sqlite_schema.check_whole(path)
    with pytest.raises(StartError, match="damaged"):
        sqlite_schema.look(path)


def test_a_damaged_file_is_not_brought_to_a_newer_schema(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite3"
    damaged(path)
    newest = sqlite_schema.steps()[-1][0]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {newest - 1}")
    with pytest.raises(StartError, match="damaged"):
        sqlite_schema.migrate(path)


def test_a_file_that_is_not_there_yet_is_whole_and_is_not_made_by_the_look(tmp_path: Path) -> None:
    sqlite_schema.check_whole(tmp_path / "bot.sqlite3")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("looked_at", [sqlite_schema.check_whole, sqlite_schema.look])
def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path: Path, looked_at: Callable[[Path], object]) -> None:
    with pytest.raises(StartError, match="too long"):
        looked_at(tmp_path / ("a" * 300) / "bot.sqlite3")


def test_a_start_does_not_wait_for_the_check_of_a_large_file_and_the_look_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bot.sqlite3"
    damaged(path)
    monkeypatch.setattr(sqlite_schema, "CHECKED_STEPS", 1)
    sqlite_schema.check_whole(path)
    with pytest.raises(StartError, match="damaged"):
        sqlite_schema.look(path)


def test_the_private_names_of_aiosqlite_are_those_that_we_rely_on() -> None:
    """bot/adapters/sqlite_connection.py runs whole transactions in aiosqlite's own thread."""
    assert importlib.metadata.version("aiosqlite") == "0.22.1"
    assert isinstance(inspect.getattr_static(aiosqlite.Connection, "_conn"), property)
    execute = inspect.getattr_static(aiosqlite.Connection, "_execute")
    assert inspect.iscoroutinefunction(execute)
    assert list(inspect.signature(execute).parameters) == ["self", "fn", "args", "kwargs"]


# --- the shape of the code ------------------------------------------------------------------------


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A slash command's signature is its options, one a line."""
    return any("app_commands.command" in ast.unparse(decorator) for decorator in function.decorator_list)


def names_used(path: Path) -> Iterable[str]:
    for node in ast.walk(parsed(path)):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name):
                yield name
            case _:
                pass


def test_every_module_says_what_it_is_for() -> None:
    said: defaultdict[str, list[str]] = defaultdict(list)
    for path in PRODUCT:
        said[ast.get_docstring(parsed(path)) or ""].append(named(path))
    assert said.pop("", []) == []
    assert [paths for paths in said.values() if len(paths) > 1] == []


def test_no_file_is_longer_than_one_can_read_at_once() -> None:
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in PRODUCT}
    lists = {"bot/texts.py", "bot/domain/errors.py"}  # one sentence after the other, one failure after the other
    assert {name for name, length in lengths.items() if length > 300} == lists


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{named(path)}: {function.name}": length
        for path in PRODUCT
        for function in functions(path)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > 40
        and not (named(path) == "cogs/imagine.py" and is_command(function))
    }
    assert long == {}


KNOWN_TO = {
    "discord": ("bot/app.py", "bot/process.py", "bot/client.py", "bot/views/", "bot/adapters/discord_", "bot/sandbox/", "cogs/"),
    "fal_client": ("bot/adapters/fal",),
    "aiosqlite": ("bot/adapters/sqlite_connection.py",),
    "simcord": ("bot/sandbox/",),
}  # fmt: skip
"""A vendor's library, and the files that may import it."""


@pytest.mark.parametrize("library", KNOWN_TO)
def test_a_vendor_is_known_to_its_own_files_alone(library: str) -> None:
    importers = [path for path in PRODUCT if library in imported(path)]
    assert importers
    assert [named(path) for path in importers if not named(path).startswith(KNOWN_TO[library])] == []


def imported(path: Path) -> set[str]:
    """The top-level packages that a file imports."""
    found = set[str]()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found.update(one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_nobody_uses_executescript() -> None:
    """It commits before it begins, so that a broken script leaves half of itself behind."""
    assert [named(path) for path in (*PRODUCT, *TESTS) if "executescript" in names_used(path)] == []


def test_nobody_doubles_our_code_with_a_mock() -> None:
    """A double is a typed class that implements the port."""
    mocks = {"Mock", "MagicMock", "AsyncMock", "NonCallableMock", "create_autospec"}
    assert [named(path) for path in (*PRODUCT, *TESTS) if mocks & set(names_used(path))] == []


def test_nothing_is_left_for_later() -> None:
    words = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")))
    left = [named(path) for path in (*PRODUCT, *TESTS, *CONFIG) if words.search(path.read_text(encoding="utf-8"))]
    assert left == []


def test_every_silenced_rule_says_why() -> None:
    """Such as `# noqa: S608 - column names of ours`."""
    bare = re.compile(r"#\s*(noqa(?!: [A-Z]+\d+)|noqa: [A-Z0-9, ]+$|(type|pyright): ignore(\[[\w, ]+\])?$)")
    silent = [
        f"{named(path)}:{number}"
        for path in (*PRODUCT, *TESTS)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if bare.search(line.rstrip()) and "re.compile" not in line
    ]
    assert silent == []
