"""`python -m bot check`: what stands between this machine and a running bot, one line each."""

import asyncio
from collections.abc import Callable, Iterable

from pydantic import SecretStr

from bot.adapters.catalogue_file import load_catalogue, unreachable_parameters
from bot.adapters.sqlite_schema import look
from bot.domain.errors import StartError
from bot.settings import MODELS_FILE, Start, load_settings


async def check(start: Start) -> int:
    """Print every finding; 0 when all is well, 1 otherwise."""
    findings: Iterable[tuple[str, Callable[[], str]]] = (
        ("settings", lambda: _settings(start)),
        ("catalogue", _catalogue),
        ("database", lambda: look(start.bot_data_dir / "bot.sqlite3")),
        ("DISCORD_TOKEN", lambda: _present(start.discord_token)),
        ("FAL_KEY", lambda: _present(start.fal_key)),
    )
    well = True
    for name, find in findings:
        try:
            line = f"ok    {name}: {await asyncio.to_thread(find)}"
        except StartError as error:
            line, well = f"wrong {name}: {error}", False
        print(line)  # noqa: T201 - the command's answer
    return 0 if well else 1


def _settings(start: Start) -> str:
    load_settings(start.bot_settings)
    return str(start.bot_settings)


def _catalogue() -> str:
    catalogue = load_catalogue(MODELS_FILE)
    if unreachable := list(unreachable_parameters(catalogue)):
        raise StartError(f"never sent, because no option sets them and they have no default: {', '.join(unreachable)}")
    return ", ".join(catalogue.models)


def _present(secret: SecretStr | None) -> str:
    if secret is None or not secret.get_secret_value().strip():
        raise StartError("not set (in the environment or in .env)")
    return "set"
