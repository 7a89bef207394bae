"""The database file: opened, checked and brought to the newest schema, or left as it was with one clear reason."""

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path

from bot.domain.errors import StartError

DATABASE = "bot.sqlite3"
"""The file's name in the data folder."""
CHECKED_STEPS = 2_000_000
"""Steps of SQLite's machine that the check at the start takes, at most, beyond the look at the file's own structure.

Only for speed: a check of all of 350 MB, 100,000 jobs, took 1.1 s of each start, and this one 0.2. `check` and a new
schema look at all.
"""


def migrate(path: Path) -> int:
    """Bring the file to the newest schema, all steps in one transaction; returns the schema's number.

    Raises StartError: not a database, locked, read-only, full, newer than this code, or damaged, for which a file of an
    older schema is checked.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None, timeout=5)
    except (OSError, sqlite3.Error) as error:
        raise StartError(f"database {path}: {error}") from None
    try:
        return _migrate(connection, path)
    except sqlite3.Error as error:
        raise StartError(f"database {path}: {error}") from None
    finally:
        connection.close()


def copy_database(source: Path, target: Path) -> None:
    """A consistent copy, while others write. Raises StartError."""
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=5)) as reader,
            closing(sqlite3.connect(target)) as writer,
        ):
            reader.backup(writer)
    except sqlite3.Error as error:
        raise StartError(f"database {source}: {error}") from None


def check_whole(path: Path) -> None:
    """Look for damage as long as a start may take, without changing the file. Raises StartError."""
    if _is_there(path):
        with _reading(path) as connection:
            _refuse_damaged(connection, path, CHECKED_STEPS)


def look(path: Path) -> str:
    """Look at all of the file without changing it; returns what is there in words. Raises StartError."""
    if not _is_there(path):
        return f"{path} will be made at the first start"
    newest = steps()[-1][0]
    with _reading(path) as connection:
        _refuse_damaged(connection, path)
        current = int(connection.execute("PRAGMA user_version").fetchone()[0])
    _refuse_newer(path, current, newest)
    return f"{path}, schema {current} of {newest}"


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # no right to look into the folder, a name that is too long
        raise StartError(f"database {path}: {error.strerror}") from None


@contextmanager
def _reading(path: Path) -> Generator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise StartError(f"database {path}: {error}") from None


def steps() -> list[tuple[int, str]]:
    """Number and SQL of each migration, in order."""
    folder = resources.files("bot.adapters") / "schema"
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".sql")), key=lambda one: one.name)
    return [(int(one.name[:4]), one.read_text(encoding="utf-8")) for one in files]


def statements(script: str) -> Iterator[str]:
    """The single statements of a script. `executescript` would commit first, so a broken step would leave half behind."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending.strip()
            pending = ""
    if any(line.strip() and not line.strip().startswith("--") for line in pending.splitlines()):
        raise ValueError(f"a migration ends in the middle of a statement: {pending.strip()[:60]}")


def _migrate(connection: sqlite3.Connection, path: Path) -> int:
    if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise StartError(f"database {path}: write-ahead logging is not possible here")
    newest = steps()[-1][0]
    current = int(connection.execute("PRAGMA user_version").fetchone()[0])
    _refuse_newer(path, current, newest)
    if current == newest:
        connection.execute("BEGIN IMMEDIATE")  # locked, read-only or full is found out now, not at the first order
        connection.execute(f"PRAGMA user_version = {newest}")
        connection.execute("COMMIT")
        return newest
    _refuse_damaged(connection, path)
    if current > 0:
        copy_database(path, path.with_name(f"{path.name}.before-schema-{newest}"))
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number, script in steps():
            if number > current:
                for statement in statements(script):
                    connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {newest}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return newest


def _refuse_damaged(connection: sqlite3.Connection, path: Path, steps: int | None = None) -> None:
    """Raises StartError for damage that is found within so many steps."""
    if steps is not None:
        connection.set_progress_handler(lambda: True, steps)
    try:
        damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return
    finally:
        connection.set_progress_handler(None, 0)
    if damage != "ok":
        raise StartError(f"database {path}: damaged ({' '.join(damage.split())})")


def _refuse_newer(path: Path, current: int, newest: int) -> None:
    if current > newest:
        raise StartError(f"database {path}: its schema {current} is newer than this version's {newest}; update the bot")
