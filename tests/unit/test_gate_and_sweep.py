"""Small things that would last: a gate shut for a day, and files swept while their job moves on."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from doubles import HandClock

from bot.adapters.discord_files import Packer
from bot.adapters.fresh import Fresh
from bot.adapters.pictures import PictureWorker
from bot.domain.errors import AccountError
from bot.service.alerts import Alerts
from bot.service.gallery import Gallery
from bot.service.gate import Gate


async def test_a_gate_that_was_shut_before_the_clock_was_set_back_is_open(clock: HandClock) -> None:
    gate = Gate(clock, clock.sleep, Alerts())
    gate.shut(AccountError(unsent=True))
    assert gate.is_shut
    clock.now -= 86_400
    assert not gate.is_shut
    gate.check()
    assert await gate.passage()


class MovingFiles:
    """A job whose images are complete and delivered between two looks."""

    def __init__(self) -> None:
        self._delivered = False

    async def with_files(self, since: float) -> Sequence[str]:
        assert since
        found = ["moving"] if self._delivered else []
        self._delivered = True
        return found

    async def busy(self) -> Sequence[str]:
        found = [] if self._delivered else ["moving"]
        self._delivered = True
        return found


@pytest.mark.parametrize(("folder", "swept"), [("moving", 0), ("of nobody", 1)])
async def test_files_of_a_job_that_is_delivered_during_the_sweep_stay(
    folder: str, swept: int, clock: HandClock, tmp_path: Path
) -> None:
    (tmp_path / folder).mkdir()
    gallery = Gallery(Packer(PictureWorker(), Fresh()), MovingFiles(), tmp_path, keep_days=30, max_gib=1, clock=clock)
    assert await gallery.sweep() == swept
    assert (tmp_path / folder).exists() is not bool(swept)
