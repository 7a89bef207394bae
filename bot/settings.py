"""Settings: config/settings.toml, overridden by the environment; secrets by the environment or `.env` alone."""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, UrlConstraints, ValidationError
from pydantic_core import ErrorDetails, Url
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from bot.domain.errors import StartError

ROOT = Path(__file__).resolve().parent.parent
SETTINGS_FILE = ROOT / "config" / "settings.toml"
MODELS_FILE = ROOT / "config" / "models.toml"
Scope = Annotated[str, StringConstraints(pattern=r"^(guild|person):[0-9]{1,20}$")]
Credits = Annotated[int, Field(ge=0, le=100_000_000)]
HttpUrl = Annotated[Url, UrlConstraints(allowed_schemes=["https", "http"], host_required=True)]
WsUrl = Annotated[Url, UrlConstraints(allowed_schemes=["wss", "ws"], host_required=True)]


class Section(BaseModel):
    """A part of the settings; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DiscordSettings(Section):
    """How the bot reaches Discord."""

    message_content: bool = False
    user_install: bool = False
    api_url: HttpUrl = Url("https://discord.com/api/v10")
    gateway_url: WsUrl = Url("wss://gateway.discord.gg/")


class FalSettings(Section):
    """How the bot reaches fal, and how much of it at once."""

    max_concurrent: Annotated[int, Field(ge=1, le=1000)] = 2
    max_wait: Annotated[float, Field(gt=0, le=24, description="hours")] = 1
    queue_priority: Literal["normal", "low"] = "normal"
    weights: dict[Scope, Annotated[float, Field(ge=0.01, le=100)]] = {}
    find_lost: Annotated[float, Field(gt=0, le=24 * 60, description="minutes")] = 60
    keep_outputs: Annotated[int, Field(ge=1, le=3650, description="days")] = 7
    streams: Annotated[int, Field(ge=0, le=1000)] = 200
    queue_url: HttpUrl = Url("https://queue.fal.run")
    rest_url: HttpUrl = Url("https://rest.fal.ai")
    cdn_url: HttpUrl = Url("https://v3.fal.media")
    api_url: HttpUrl = Url("https://api.fal.ai")


class QuotaSettings(Section):
    """Limits in credits (one US cent of list price) and in orders on their way."""

    server_daily_credits: Credits
    member_daily_credits: Credits
    member_jobs: Annotated[int, Field(ge=1, le=10_000)]
    server_jobs: Annotated[int, Field(ge=1, le=100_000)]
    total_monthly_credits: Credits
    server_monthly_credits: Credits | None = None
    """A server's cap where the operator set none for it; None: the total."""
    person_daily_credits: Credits = 0
    person_jobs: Annotated[int, Field(ge=1, le=10_000)] = 2


class SafetySettings(Section):
    """fal's content check: 1 is the strictest, 6 the least strict."""

    max_tolerance: Annotated[int, Field(ge=1, le=6)] = 4


class ResultsSettings(Section):
    """How long finished pictures stay on disk."""

    keep_days: Annotated[int, Field(ge=0, le=3650)]
    max_gib: Annotated[float, Field(gt=0)]


class OperatorSettings(Section):
    """How the operator hears of trouble, and where the operator rules."""

    channel_id: Annotated[int, Field(ge=0)] = 0
    home_server: Annotated[int, Field(ge=0)] = 0
    allow_list: bool = False


class RetentionSettings(Section):
    """How long things are remembered, in days."""

    prompts: Annotated[int, Field(ge=1, le=36500)] = 365
    counts: Annotated[int, Field(ge=90, le=36500)] = 730
    left_servers: Annotated[int, Field(ge=0, le=3650)] = 30


class Settings(BaseSettings):
    """Everything the operator may set."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix="BOT_", env_nested_delimiter="__")

    discord: DiscordSettings = DiscordSettings()
    fal: FalSettings = FalSettings()
    quota: QuotaSettings
    safety: SafetySettings = SafetySettings()
    results: ResultsSettings
    operator: OperatorSettings = OperatorSettings()
    retention: RetentionSettings = RetentionSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings passes these by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file, whose content comes as arguments."""
        return env_settings, init_settings


class Start(BaseSettings):
    """What the process is started with, from the environment alone."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    discord_token: SecretStr | None = None
    fal_key: SecretStr | None = None
    bot_data_dir: Path = Path("data")
    bot_settings: Path = SETTINGS_FILE


def load_settings(path: Path) -> Settings:
    """Read the settings file and the environment. Raises StartError that names every value that is wrong."""
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StartError(f"settings {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StartError(f"settings {path}: {error}") from None
    _refuse_unknown_sections()
    try:
        return Settings(**content)
    except ValidationError as error:
        raise StartError(f"settings {path}: {'; '.join(_said(one) for one in error.errors())}") from None
    except SettingsError as error:  # a whole section in one variable, and that is no JSON
        raise StartError(f"settings: {error}") from None


def _refuse_unknown_sections() -> None:
    """pydantic-settings would ignore a misspelt section in the environment."""
    for name in os.environ:
        section, mark, key = name.upper().removeprefix("BOT_").partition("__")
        if name.upper().startswith("BOT_") and mark and section.lower() not in Settings.model_fields:
            raise StartError(
                f"settings: the environment sets {name}, but there is no section {section.lower()} (key {key.lower()})"
            )


def _said(error: ErrorDetails) -> str:
    where = ".".join(str(part) for part in error["loc"])
    variable = "BOT_" + "__".join(str(part).upper() for part in error["loc"])
    return f"{where}: {error['msg'][0].lower()}{error['msg'][1:]} (or {variable})"
