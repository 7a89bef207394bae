"""What the operator rules from the command line."""

from pathlib import Path

import pytest

from bot.__main__ import main
from bot.adapters.sqlite_schema import migrate


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOT_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def test_what_is_set_for_a_server_is_listed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    migrate(data / "bot.sqlite3")
    assert main(["server", "42", "--monthly", "700", "--suspend"]) == 0
    assert main(["server", "43", "--monthly", "default", "--allow", "--leave"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "42 ?: cap 700, suspended",
        "43 ?: cap default, allowed, to be left",
    ]
    assert main(["servers"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "42 ?: 0 credits this month, cap 700, suspended",
        "43 ?: 0 credits this month, cap default, allowed, to be left",
    ]


@pytest.mark.parametrize("words", [["server", "0"], ["server", "x"], ["server", "42", "--monthly", "-5"]])
def test_numbers_that_can_be_none_are_refused(data: Path, words: list[str]) -> None:
    migrate(data / "bot.sqlite3")
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2


def test_without_a_database_nothing_is_set(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not data.exists()
    assert main(["notice", "hello"]) == 2
    assert "start the bot once" in capsys.readouterr().err


def test_a_notice_has_a_length(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    migrate(data / "bot.sqlite3")
    assert main(["notice", "x" * 1801]) == 2
    assert "1 to 1,800 characters" in capsys.readouterr().err
    assert main(["notice", "we move house"]) == 0


@pytest.mark.usefixtures("data")
def test_the_price_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prices"]) == 0
    assert "fal-ai/nano-banana-2/edit: $0.08" in capsys.readouterr().out.splitlines()
