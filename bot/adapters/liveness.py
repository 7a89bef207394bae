"""Whether Discord and fal answer, and accept our keys; asks for nothing that costs."""

import aiohttp
from pydantic import TypeAdapter

from bot.domain.errors import StartError

OBJECT = TypeAdapter(dict[str, object])
TIMEOUT = aiohttp.ClientTimeout(total=10)


async def discord_answers(session: aiohttp.ClientSession, api_url: str, token: str) -> str:
    """The bot's own name at Discord. Raises StartError."""
    status, body = await _get(session, f"{api_url}/users/@me", {"Authorization": f"Bot {token}"})
    if status != 200:  # noqa: PLR2004 - the one good status
        raise StartError("the token is refused" if status == 401 else f"answers with HTTP {status}")  # noqa: PLR2004 - unauthorised
    return f"answers, as {body.get('username', '?')}"


async def application_id(session: aiohttp.ClientSession, api_url: str, token: str) -> str:
    """The application's id at Discord. Raises StartError."""
    status, body = await _get(session, f"{api_url}/oauth2/applications/@me", {"Authorization": f"Bot {token}"})
    if status != 200 or not str(body.get("id", "")).isdecimal():  # noqa: PLR2004 - the one good status
        raise StartError("Discord refuses the token" if status == 401 else f"Discord answers with HTTP {status}")  # noqa: PLR2004 - unauthorised
    return str(body["id"])


async def fal_answers(session: aiohttp.ClientSession, api_url: str, key: str, endpoint: str) -> str:
    """Whether fal knows the key and the endpoint, by its price list. Raises StartError."""
    status, _ = await _get(
        session, f"{api_url}/v1/models/pricing?endpoint_id={endpoint}", {"Authorization": f"Key {key}"}
    )
    if status in {401, 403}:
        raise StartError("the key is refused")
    if status == 404:  # noqa: PLR2004 - unknown endpoint
        raise StartError(f"{endpoint} does not exist (any more)")
    if status != 200:  # noqa: PLR2004 - the one good status
        raise StartError(f"answers with HTTP {status}")
    return f"answers, and knows {endpoint}"


async def _get(session: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> tuple[int, dict[str, object]]:
    try:
        async with session.get(url, headers=headers, timeout=TIMEOUT, allow_redirects=False) as response:
            status, body = response.status, await response.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise StartError(f"cannot be reached: {type(error).__name__}") from None
    try:
        return status, OBJECT.validate_json(body)
    except ValueError:
        return status, {}
