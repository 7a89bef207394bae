"""`python -m bot sandbox --once`: the whole bot for one order, and a chain of edits by replies."""

import asyncio
import sys
from pathlib import Path

from bot.settings import ROOT


async def sandbox(*arguments: str) -> tuple[int, str]:
    """Its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "sandbox",
        "--seconds",
        "0.1",
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 90)
    return process.returncode or 0, output.decode()


async def test_a_chain_of_three_images_is_made_by_replies(tmp_path: Path) -> None:
    code, output = await sandbox(
        "--once", "a lighthouse", "--then", "make it night", "--then", "add a moon", "--out", str(tmp_path)
    )
    assert code == 0, output
    assert "Edit 1 of [this image]" in output
    assert "Edit 2 of [this image]" in output
    assert {path.name for path in tmp_path.iterdir()} == {"image-1.png", "edit-1-image-1.png", "edit-2-image-1.png"}


async def test_a_reply_that_is_refused_ends_the_chain_and_fails(tmp_path: Path) -> None:
    code, output = await sandbox(
        "--once", "a lighthouse", "--then", "make it --bogus", "--then", "add a moon", "--out", str(tmp_path)
    )
    assert code == 1
    assert "I do not know `--bogus`" in output
    assert "add a moon" not in output


async def test_a_reply_that_is_talk_is_left_alone(tmp_path: Path) -> None:
    code, _ = await sandbox("--once", "a lighthouse", "--then", "nice", "--out", str(tmp_path))
    assert code == 1


async def test_then_without_once_is_refused(tmp_path: Path) -> None:
    code, output = await sandbox("--then", "make it night", "--out", str(tmp_path))
    assert code == 2
    assert "give --once, too" in output
