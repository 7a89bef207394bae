"""`python -m bot audit` and `python -m bot backup FILE`: both work beside a running bot."""

import contextlib
import os
import tarfile
import tempfile
from pathlib import Path

from bot.adapters.sqlite_audit import audit
from bot.adapters.sqlite_schema import DATABASE, copy_database, look
from bot.domain.errors import StartError


def run_audit(data_dir: Path) -> int:
    """Print every difference in the books; 0 only when there is none."""
    path = _database(data_dir)
    differences = 0
    for line in audit(path):
        differences += 1
        print(line)  # noqa: T201 - the command's answer
    print("the books agree" if not differences else f"{differences} differences")  # noqa: T201 - the same
    return 1 if differences else 0


def run_backup(data_dir: Path, target: Path) -> int:
    """Write a checked copy of the database and the pictures as one tar file; 0 when it is good."""
    path = _database(data_dir)
    if target.exists():
        raise StartError(f"{target} exists already")
    if not target.parent.is_dir():
        raise StartError(f"there is no folder {target.parent}")
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        copy, packed = Path(folder) / path.name, Path(folder) / "packed.tar"
        copy_database(path, copy)
        look(copy)
        differences = list(audit(copy))
        with tarfile.open(packed, "w") as tar:
            tar.add(copy, path.name)
            for file in sorted((data_dir / "jobs").glob("*/*")):
                with contextlib.suppress(FileNotFoundError):  # swept, or put in its place, meanwhile
                    tar.add(file, str(file.relative_to(data_dir)), filter=_finished)
        packed.chmod(0o600)
        packed.replace(target)
    size = os.stat(target).st_size  # noqa: PTH116 - one call, as written
    print(f"{target}: {size:,} bytes, checked; {len(differences)} differences in the books")  # noqa: T201 - the answer
    return 1 if differences else 0


def _finished(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Files that are still growing stay out."""
    return None if member.name.endswith((".part", ".raw", ".tmp")) else member


def _database(data_dir: Path) -> Path:
    path = data_dir / DATABASE
    if not path.is_file():
        raise StartError(f"there is no database in {data_dir}")
    return path
