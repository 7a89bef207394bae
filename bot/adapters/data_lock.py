"""One running bot per data folder."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bot.domain.errors import StartError


@contextmanager
def locked(data_dir: Path) -> Generator[None]:
    """Hold the folder; the lock goes with the process, however it ends. Raises StartError when another one has it."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = (data_dir / "lock").open("w")
    except OSError as error:
        raise StartError(f"data folder {data_dir}: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StartError(f"data folder {data_dir}: another bot is running on it") from None
        yield
