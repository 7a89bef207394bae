"""`python -m bot check`: what stands between this machine and a running bot, one line each."""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
from pydantic import SecretStr

from bot.adapters.catalogue_file import load_catalogue, unreachable_parameters
from bot.adapters.liveness import discord_answers, fal_answers
from bot.adapters.sqlite_schema import DATABASE, look
from bot.domain.catalogue import Catalogue
from bot.domain.errors import StartError
from bot.settings import MODELS_FILE, Settings, Start, load_settings


async def check(start: Start) -> int:
    """Print every finding; 0 when all is well, 1 otherwise."""
    async with aiohttp.ClientSession(trust_env=True) as session:
        findings = _Findings(start, session)
        well = [
            await _print("settings", findings.settings),
            await _print("catalogue", findings.catalogue),
            await _print("database", findings.database),
            await _print("DISCORD_TOKEN", findings.discord_token),
            await _print("FAL_KEY", findings.fal_key),
            await _print("Discord", findings.discord),
            await _print("fal", findings.fal),
        ]
    return 0 if all(well) else 1


class _Findings:
    """Each look returns what it found in words, or raises StartError."""

    def __init__(self, start: Start, session: aiohttp.ClientSession) -> None:
        self._start = start
        self._session = session

    async def settings(self) -> str:
        await asyncio.to_thread(self._settings)
        return str(self._start.bot_settings)

    async def catalogue(self) -> str:
        catalogue = await asyncio.to_thread(_catalogue)
        if unreachable := list(unreachable_parameters(catalogue)):
            raise StartError(f"never sent, as no option sets them and they have no default: {', '.join(unreachable)}")
        return ", ".join(catalogue.models)

    async def database(self) -> str:
        return await asyncio.to_thread(look, self._start.bot_data_dir / DATABASE)

    async def discord_token(self) -> str:
        _secret(self._start.discord_token)
        return "set"

    async def fal_key(self) -> str:
        _secret(self._start.fal_key)
        return "set"

    async def discord(self) -> str:
        url = str(self._settings().discord.api_url).rstrip("/")
        return await discord_answers(self._session, url, _secret(self._start.discord_token))

    async def fal(self) -> str:
        url = str(self._settings().fal.api_url).rstrip("/")
        catalogue = await asyncio.to_thread(_catalogue)
        endpoint = catalogue.model(catalogue.default_model).generate.id
        return await fal_answers(self._session, url, _secret(self._start.fal_key), endpoint)

    def _settings(self) -> Settings:
        return load_settings(self._start.bot_settings)


async def _print(name: str, find: Callable[[], Awaitable[str]]) -> bool:
    try:
        print(f"ok    {name}: {await find()}")  # noqa: T201 - the command's answer
    except StartError as error:
        print(f"wrong {name}: {error}")  # noqa: T201 - the command's answer
        return False
    return True


def _catalogue() -> Catalogue:
    return load_catalogue(MODELS_FILE)


def _secret(secret: SecretStr | None) -> str:
    if secret is None or not secret.get_secret_value().strip():
        raise StartError("not set (in the environment or in .env)")
    return secret.get_secret_value().strip()
