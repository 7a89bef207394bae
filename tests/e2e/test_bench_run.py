"""The benchmark itself, as small as it gets: both bots deliver, and what it writes can be read. No time is asserted."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest

from bot.settings import ROOT


@asynccontextmanager
async def bench(*arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A run that is interrupted when a test does not wait for its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench",
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        # What a shell runs in the background ignores SIGINT, and so would all that it starts.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await process.communicate()


async def test_both_bots_deliver_one_order_and_everything_about_it_is_written_down(tmp_path: Path) -> None:
    async with bench("--jobs", "1", "--seconds", "0.3", "--repeat", "1", "--out", str(tmp_path)) as process:
        output, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, output.decode()

    ours, naive = json.loads((tmp_path / "rounds.json").read_text(encoding="utf-8"))["rounds"]
    assert (ours["side"], naive["side"]) == ("bot", "naive")
    for one in (ours, naive):
        assert (one["finished"], one["limited"]) == (1, 0)
        assert min(one[name] for name in ("cpu_ms", "posted_p50", "ack_p99", "memory_mb")) > 0
        assert one["lag_p99"] >= 0
        assert min(one["fal_calls"], one["discord_calls"]) >= 3

    page = (tmp_path / "bench.md").read_text(encoding="utf-8")
    assert "| 1 | ratio |" in page
    assert "Numbers to reach" in page
    assert "Numbers to reach" not in output.decode()
    assert "no 429 in any load: 0" in output.decode()
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_run_leaves_no_process_and_no_folder_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with bench("--jobs", "1", "--seconds", "60", "--repeat", "1", "--out", str(tmp_path)) as process:
        me = psutil.Process(process.pid)
        async with asyncio.timeout(60):
            while len(children := me.children(recursive=True)) < 3:  # noqa: ASYNC110 - nobody tells of another's children
                await asyncio.sleep(0.05)
        folder = next(
            Path(part).parent for child in children for part in child.cmdline() if part.endswith("certificate.pem")
        )
        assert folder.is_dir()

        process.send_signal(number)
        output, _ = await asyncio.wait_for(process.communicate(), 60)

    assert b"stopped" in output
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert not folder.exists()
