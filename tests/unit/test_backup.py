"""`python -m bot backup` and `audit`: a copy of a running bot that another one can go on from, or one line why not."""

import asyncio
import stat
import tarfile
from pathlib import Path

import pytest
from doubles import WIDE, Books, HandClock, a_job, open_books

from bot.backup import run_audit, run_backup
from bot.domain.errors import StartError


def put(file: Path, content: bytes = b"picture") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def spoil(books: Books) -> None:
    """Somebody edits the file by hand."""
    books.outside.execute("UPDATE spending SET credits = credits + 1 WHERE account LIKE 'operator%'")


async def test_a_backup_of_a_running_bot_is_one_that_another_goes_on_from(
    books: Books, clock: HandClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = await books.store.hold(a_job(), WIDE)
    put(tmp_path / "jobs" / job.id / "image-1.png")
    put(tmp_path / "jobs" / job.id / "image-2.part")
    put(tmp_path / "jobs" / job.id / "image-2.raw")
    target = tmp_path / "kept" / "bot.tar"
    target.parent.mkdir()
    assert await asyncio.to_thread(run_backup, tmp_path, target) == 0
    assert f"{target}: {target.stat().st_size:,} bytes, checked; 0 differences" in capsys.readouterr().out
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(target.parent.iterdir()) == [target]
    with tarfile.open(target) as tar:
        assert sorted(tar.getnames()) == ["bot.sqlite3", f"jobs/{job.id}/image-1.png"]
        tar.extractall(tmp_path / "restored", filter="data")
    async with open_books(tmp_path / "restored" / "bot.sqlite3", clock) as restored:
        assert await restored.store.unfinished() == [job]
    assert (tmp_path / "restored" / "jobs" / job.id / "image-1.png").read_bytes() == b"picture"


async def test_books_that_do_not_agree_are_kept_and_said(
    books: Books, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await books.store.hold(a_job(), WIDE)
    assert await asyncio.to_thread(run_audit, tmp_path) == 0
    assert capsys.readouterr().out == "the books agree\n"
    spoil(books)
    assert await asyncio.to_thread(run_audit, tmp_path) == 1
    assert capsys.readouterr().out.endswith("differences\n")
    target = tmp_path / "bot.tar"
    assert await asyncio.to_thread(run_backup, tmp_path, target) == 1
    assert target.exists()
    assert "0 differences" not in capsys.readouterr().out


async def test_a_backup_replaces_no_file(books: Books, tmp_path: Path) -> None:
    await books.store.hold(a_job(), WIDE)
    put(target := tmp_path / "bot.tar", b"the last good one")
    with pytest.raises(StartError, match="exists already"):
        run_backup(tmp_path, target)
    assert target.read_bytes() == b"the last good one"


@pytest.mark.usefixtures("books")
def test_a_backup_into_a_folder_that_does_not_exist_says_so(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="there is no folder"):
        run_backup(tmp_path, tmp_path / "nowhere" / "bot.tar")


def test_where_no_database_is_neither_makes_one(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="there is no database in"):
        run_audit(tmp_path)
    with pytest.raises(StartError, match="there is no database in"):
        run_backup(tmp_path, tmp_path / "bot.tar")
    assert list(tmp_path.iterdir()) == []
