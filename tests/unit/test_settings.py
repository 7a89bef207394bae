"""Settings: a file, the environment over it, and one clear line when something is wrong."""

import os
from pathlib import Path

import pytest

from bot.domain.errors import StartError
from bot.settings import SETTINGS_FILE, Start, load_settings

HOUSE = SETTINGS_FILE.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction] - pytest uses it
    """Whatever the developer's shell sets is no part of these tests."""
    for name in list(os.environ):
        if name.upper().startswith("BOT_") or name.upper() in {"DISCORD_TOKEN", "FAL_KEY"}:
            monkeypatch.delenv(name)


def written(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path = SETTINGS_FILE) -> str:
    """The one line that the operator reads."""
    with pytest.raises(StartError) as refused:
        load_settings(path)
    assert "\n" not in refused.value.reason
    return refused.value.reason


# --- the file -------------------------------------------------------------------------------------


def test_the_house_settings_load() -> None:
    settings = load_settings(SETTINGS_FILE)
    assert settings.quota.member_daily_credits == 200
    assert settings.quota.server_daily_credits == 1000
    assert settings.quota.total_monthly_credits == 5000
    assert (settings.quota.member_jobs, settings.quota.server_jobs) == (3, 20)
    assert settings.safety.max_tolerance == 4
    assert settings.fal.max_concurrent == 2
    assert str(settings.fal.queue_url) == "https://queue.fal.run/"
    assert settings.discord.message_content is False


def test_sections_with_sound_defaults_may_be_left_out(tmp_path: Path) -> None:
    quota_and_results = HOUSE[HOUSE.index("[quota]") : HOUSE.index("[safety]")] + HOUSE[HOUSE.index("[results]") :]
    assert load_settings(written(tmp_path, quota_and_results)) == load_settings(SETTINGS_FILE)


def test_money_has_no_default(tmp_path: Path) -> None:
    without = HOUSE[: HOUSE.index("[quota]")] + HOUSE[HOUSE.index("[safety]") :]
    assert "quota: field required" in refusal(written(tmp_path, without))


def test_settings_cannot_be_changed_once_loaded() -> None:
    settings = load_settings(SETTINGS_FILE)
    with pytest.raises(ValueError, match="frozen"):
        settings.quota.member_jobs = 9


# --- the environment ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "value", "section", "key", "means"),
    [
        ("BOT_QUOTA__MEMBER_DAILY_CREDITS", "500", "quota", "member_daily_credits", 500),
        ("BOT_QUOTA__TOTAL_MONTHLY_CREDITS", "0", "quota", "total_monthly_credits", 0),
        ("bot_fal__max_concurrent", "40", "fal", "max_concurrent", 40),
        ("BOT_SAFETY__MAX_TOLERANCE", "6", "safety", "max_tolerance", 6),
        ("BOT_DISCORD__MESSAGE_CONTENT", "true", "discord", "message_content", True),
        ("BOT_RESULTS__MAX_GIB", "0.5", "results", "max_gib", 0.5),
    ],
)
def test_the_environment_goes_before_the_file(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, section: str, key: str, means: object
) -> None:
    monkeypatch.setenv(variable, value)
    assert getattr(getattr(load_settings(SETTINGS_FILE), section), key) == means


def test_servers_get_weights_from_the_file_or_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    weighted = HOUSE.replace('# "guild:123456789012345678" = 2.0', '"guild:123456789012345678" = 2.0')
    assert load_settings(SETTINGS_FILE).fal.weights == {}
    assert load_settings(written(tmp_path, weighted)).fal.weights == {"guild:123456789012345678": 2.0}
    monkeypatch.setenv("BOT_FAL__WEIGHTS", '{"guild:1": 0.5, "person:2": 3}')
    assert load_settings(SETTINGS_FILE).fal.weights == {"guild:1": 0.5, "person:2": 3.0}


@pytest.mark.parametrize("weights", ['{"guild:1": 0}', '{"guild:1": "inf"}', '{"guild": 2}', '{"guild:1x": 2}', "[]"])
def test_a_malformed_weight_is_named(monkeypatch: pytest.MonkeyPatch, weights: str) -> None:
    monkeypatch.setenv("BOT_FAL__WEIGHTS", weights)
    assert "fal.weights" in refusal()


def test_an_override_leaves_the_rest_of_its_section_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_settings(SETTINGS_FILE)
    monkeypatch.setenv("BOT_QUOTA__MEMBER_JOBS", "9")
    after = load_settings(SETTINGS_FILE)
    assert after.quota == before.quota.model_copy(update={"member_jobs": 9})
    assert after.model_copy(update={"quota": before.quota}) == before


def test_the_environment_can_supply_a_whole_section(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without = HOUSE[: HOUSE.index("[results]")]
    monkeypatch.setenv("BOT_RESULTS__KEEP_DAYS", "3")
    monkeypatch.setenv("BOT_RESULTS__MAX_GIB", "1.5")
    settings = load_settings(written(tmp_path, without))
    assert (settings.results.keep_days, settings.results.max_gib) == (3, 1.5)


def test_the_start_reads_secrets_and_places_and_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a-discord-secret")
    monkeypatch.setenv("FAL_KEY", "a-fal-secret")
    monkeypatch.setenv("BOT_DATA_DIR", "/somewhere")
    start = Start()
    assert start.discord_token is not None
    assert start.discord_token.get_secret_value() == "a-discord-secret"
    assert start.bot_data_dir == Path("/somewhere")
    assert "secret" not in repr(start).replace("SecretStr", "")


def test_the_places_of_data_and_settings_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_DATA_DIR", "/somewhere")
    monkeypatch.setenv("BOT_SETTINGS", "/somewhere/settings.toml")
    load_settings(SETTINGS_FILE)


# --- what is wrong is named -----------------------------------------------------------------------

MALFORMED = [
    ("discord", "message_content", "perhaps"),
    ("discord", "api_url", "ftp://discord.com"),
    ("discord", "api_url", "discord.com"),
    ("discord", "gateway_url", "https://gateway.discord.gg"),
    ("fal", "max_concurrent", "0"),
    ("fal", "max_concurrent", "1001"),
    ("fal", "max_concurrent", "two"),
    ("fal", "max_concurrent", "1.5"),
    ("fal", "keep_outputs", "0"),
    ("fal", "queue_priority", "high"),
    ("fal", "queue_url", "file:///etc/passwd"),
    ("fal", "rest_url", ""),
    ("fal", "cdn_url", "https://"),
    ("fal", "api_url", "//api.fal.ai"),
    ("quota", "server_daily_credits", "-1"),
    ("quota", "server_daily_credits", "lots"),
    ("quota", "member_daily_credits", "100000001"),
    ("quota", "member_jobs", "0"),
    ("quota", "server_jobs", "0"),
    ("quota", "total_monthly_credits", "12.5"),
    ("safety", "max_tolerance", "0"),
    ("safety", "max_tolerance", "7"),
    ("results", "keep_days", "-1"),
    ("results", "max_gib", "0"),
    ("results", "max_gib", "nan"),
]


@pytest.mark.parametrize(("section", "key", "value"), MALFORMED)
def test_a_malformed_value_in_the_environment_is_named(
    monkeypatch: pytest.MonkeyPatch, section: str, key: str, value: str
) -> None:
    variable = f"BOT_{section.upper()}__{key.upper()}"
    monkeypatch.setenv(variable, value)
    said = refusal()
    assert f"{section}.{key}: " in said
    assert variable in said


@pytest.mark.parametrize(("section", "key", "value"), MALFORMED)
def test_a_malformed_value_in_the_file_is_named(tmp_path: Path, section: str, key: str, value: str) -> None:
    lines = HOUSE.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith(key) and f"[{section}]" in section_of(lines, n))
    lines[at] = f'{key} = "{value}"'
    path = written(tmp_path, "\n".join(lines))
    said = refusal(path)
    assert str(path) in said
    assert f"{section}.{key}: " in said


def section_of(lines: list[str], at: int) -> str:
    return next(line for line in lines[at::-1] if line.startswith("["))


def test_every_mistake_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_FAL__MAX_CONCURRENT", "none")
    monkeypatch.setenv("BOT_QUOTA__MEMBER_JOBS", "none")
    said = refusal()
    assert "fal.max_concurrent" in said
    assert "quota.member_jobs" in said


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("[discrod]\nx = 1", "discrod: extra inputs are not permitted"),
        ("[quota2]", "quota2: extra inputs are not permitted"),
        ("[results.more]\nx = 1", "results.more: extra inputs are not permitted"),
    ],
)
def test_an_unknown_section_in_the_file_is_refused(tmp_path: Path, added: str, said: str) -> None:
    assert said in refusal(written(tmp_path, f"{HOUSE}\n{added}\n"))


def test_an_unknown_key_in_the_file_is_refused(tmp_path: Path) -> None:
    assert "results.keep_weeks: extra inputs" in refusal(written(tmp_path, f"{HOUSE}\nkeep_weeks = 3\n"))


def test_an_unknown_section_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_QOUTA__MEMBER_JOBS", "3")
    assert "BOT_QOUTA__MEMBER_JOBS" in refusal()


def test_an_unknown_key_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_QUOTA__MEMBERJOBS", "3")
    assert "BOT_QUOTA__MEMBERJOBS" in refusal()


def test_a_section_as_one_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_QUOTA", "plenty")
    assert "quota" in refusal()


def test_bad_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    said = refusal(written(tmp_path, "[quota]\nmember_jobs = \n"))
    assert "settings.toml" in said
    assert "line 2" in said


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(b"\xff\xfe")
    assert "utf-8" in refusal(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    assert "nowhere.toml: No such file" in refusal(tmp_path / "nowhere.toml")


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    assert "directory" in refusal(tmp_path)
