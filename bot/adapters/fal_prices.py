"""fal's own price list, for a check of ours."""

from decimal import Decimal

import aiohttp
from pydantic import BaseModel, ValidationError

from bot.domain.errors import StartError

TIMEOUT = aiohttp.ClientTimeout(total=20)


class _Price(BaseModel):
    endpoint_id: str
    unit_price: Decimal
    currency: str


class _Prices(BaseModel):
    prices: list[_Price]


async def prices_at_fal(
    session: aiohttp.ClientSession, api_url: str, key: str, endpoints: list[str]
) -> dict[str, Decimal]:
    """US dollars a unit of each endpoint that fal knows, asked one at a time: one unknown would fail them all.

    Raises StartError.
    """
    found: dict[str, Decimal] = {}
    for endpoint in endpoints:
        try:
            async with session.get(
                f"{api_url}/v1/models/pricing",
                params={"endpoint_id": endpoint},
                headers={"Authorization": f"Key {key}"},
                timeout=TIMEOUT,
                allow_redirects=False,
            ) as response:
                status, body = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StartError(f"fal's price list cannot be reached: {type(error).__name__}") from None
        if status == 404:  # noqa: PLR2004 - an endpoint that fal does not know
            continue
        if status != 200:  # noqa: PLR2004 - the one good status
            raise StartError(f"fal's price list answers with HTTP {status}")
        try:
            prices = _Prices.model_validate_json(body).prices
        except ValidationError:
            raise StartError("fal's price list is not readable") from None
        found |= {one.endpoint_id: one.unit_price.normalize() for one in prices if one.currency == "USD"}
    return found
