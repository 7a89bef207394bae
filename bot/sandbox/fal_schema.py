"""What the six Nano Banana endpoints accept and cost, written by hand from fal's own pages and generated types.

It knows nothing of the bot's catalogue (config/models.toml) on purpose: two sources that check each other.
Source: @fal-ai/client 1.10.1 (generated types) and fal's model pages, read in November 2026.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, cast

TEN_RATIOS: Final = ("21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16")
ELEVEN_RATIOS: Final = ("auto", *TEN_RATIOS)
FIFTEEN_RATIOS: Final = (*ELEVEN_RATIOS, "4:1", "1:4", "8:1", "1:8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One key of a request body."""

    kind: type[str] | type[int] | type[bool] | type[list[str]]
    required: bool = False
    default: str | int | bool | None = None
    """What fal takes when the key is absent; None when it takes nothing."""
    values: tuple[str, ...] = ()
    """The only strings allowed; empty for free text."""
    at_least: int | None = None
    """Of a number its smallest value, of text and lists the smallest length."""
    at_most: int | None = None
    """Of a number its greatest value, of a list the greatest length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint id with its parameters and prices in US dollars per made image."""

    name: str
    parameters: dict[str, Parameter]
    unit_price: Decimal
    times: dict[str, Decimal]
    """Multipliers of the price by resolution; 1 where absent."""
    plus: dict[tuple[str, object], Decimal]
    """Dollars added per image for a parameter's value."""

    @property
    def app(self) -> str:
        """The id without its sub-path: the part fal puts into the URLs it hands out."""
        return "/".join(self.name.split("/")[:2])

    def complete(self, arguments: dict[str, object]) -> dict[str, object]:
        """Return the arguments together with fal's defaults."""
        defaults = {name: p.default for name, p in self.parameters.items() if p.default is not None}
        return {**defaults, **arguments}

    def billable_units(self, arguments: dict[str, object], *, images: int) -> Decimal:
        """Return how many times `unit_price` fal charges for so many made images."""
        chosen = self.complete(arguments)
        each = self.times.get(str(chosen.get("resolution")), Decimal(1))
        each += (
            sum(dollars for (name, value), dollars in self.plus.items() if chosen.get(name) == value) / self.unit_price
        )
        return each * images


def _one_of(*values: str, default: str | None = None) -> Parameter:
    return Parameter(kind=str, values=values, default=default)


def _flag(*, default: bool) -> Parameter:
    return Parameter(kind=bool, default=default)


def _shared(*, ratios: tuple[str, ...], ratio: str, limited: bool) -> dict[str, Parameter]:
    return {
        "prompt": Parameter(kind=str, required=True, at_least=1),
        "num_images": Parameter(kind=int, at_least=1, at_most=4, default=1),
        "seed": Parameter(kind=int),
        "aspect_ratio": _one_of(*ratios, default=ratio),
        "output_format": _one_of("jpeg", "png", "webp", default="png"),
        "safety_tolerance": _one_of("1", "2", "3", "4", "5", "6", default="4"),
        "sync_mode": _flag(default=False),
        "limit_generations": _flag(default=limited),
    }


def _image_urls(at_most: int) -> dict[str, Parameter]:
    return {"image_urls": Parameter(kind=list[str], required=True, at_least=1, at_most=at_most)}


_PRO: Final = {"resolution": _one_of("1K", "2K", "4K", default="1K"), "enable_web_search": _flag(default=False)}
_SECOND: Final = {
    "resolution": _one_of("0.5K", "1K", "2K", "4K", default="1K"),
    "enable_web_search": _flag(default=False),
    "thinking_level": _one_of("minimal", "high"),
}
_PARAMETERS: Final[dict[str, dict[str, Parameter]]] = {
    "fal-ai/nano-banana": _shared(ratios=TEN_RATIOS, ratio="1:1", limited=False),
    "fal-ai/nano-banana/edit": _shared(ratios=ELEVEN_RATIOS, ratio="auto", limited=False) | _image_urls(3),
    "fal-ai/nano-banana-pro": _shared(ratios=ELEVEN_RATIOS, ratio="1:1", limited=False) | _PRO,
    "fal-ai/nano-banana-pro/edit": _shared(ratios=ELEVEN_RATIOS, ratio="auto", limited=False) | _PRO | _image_urls(14),
    "fal-ai/nano-banana-2": _shared(ratios=FIFTEEN_RATIOS, ratio="auto", limited=True) | _SECOND,
    "fal-ai/nano-banana-2/edit": _shared(ratios=FIFTEEN_RATIOS, ratio="auto", limited=True) | _SECOND | _image_urls(14),
}
_UNIT_PRICES: Final = {
    "fal-ai/nano-banana": Decimal("0.0398"),
    "fal-ai/nano-banana-pro": Decimal("0.15"),
    "fal-ai/nano-banana-2": Decimal("0.08"),
}
_TIMES: Final = {
    "fal-ai/nano-banana": {},
    "fal-ai/nano-banana-pro": {"4K": Decimal(2)},
    "fal-ai/nano-banana-2": {"0.5K": Decimal("0.75"), "2K": Decimal("1.5"), "4K": Decimal(2)},
}
_WEB_SEARCH: Final[dict[tuple[str, object], Decimal]] = {("enable_web_search", True): Decimal("0.015")}
_PLUS: Final[dict[str, dict[tuple[str, object], Decimal]]] = {
    "fal-ai/nano-banana": {},
    "fal-ai/nano-banana-pro": _WEB_SEARCH,
    "fal-ai/nano-banana-2": _WEB_SEARCH | {("thinking_level", "high"): Decimal("0.002")},
}


def _endpoint(name: str) -> Endpoint:
    app = name.removesuffix("/edit")
    return Endpoint(
        name=name, parameters=_PARAMETERS[name], unit_price=_UNIT_PRICES[app], times=_TIMES[app], plus=_PLUS[app]
    )


ENDPOINTS: Final = {name: _endpoint(name) for name in _PARAMETERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One entry of a 422's `detail`."""

    name: str
    type: str
    msg: str
    given: object
    ctx: dict[str, object] | None = None


def problems(endpoint: Endpoint, arguments: dict[str, object]) -> list[Problem]:
    """Return everything that is wrong with a request body; an empty list when fal would take it."""
    found = [
        Problem(name=name, type="missing", msg="Field required", given=arguments)
        for name, parameter in endpoint.parameters.items()
        if parameter.required and name not in arguments
    ]
    for name, given in arguments.items():
        parameter = endpoint.parameters.get(name)
        if parameter is None:
            # What fal does with an unknown key is not known; the bot must never send one.
            found.append(Problem(name=name, type="extra_forbidden", msg="Extra inputs are not permitted", given=given))
        elif (problem := _problem(name, parameter, given)) is not None:
            found.append(problem)
    return found


def _problem(name: str, parameter: Parameter, given: object) -> Problem | None:
    if parameter.kind is bool:
        return None if isinstance(given, bool) else _wrong_kind(name, "bool_type", "boolean", given)
    if parameter.kind is int:
        if isinstance(given, bool) or not isinstance(given, int):
            return _wrong_kind(name, "int_type", "integer", given)
        return _outside(name, parameter, given)
    if parameter.kind is str:
        return _text_problem(name, parameter, given)
    return _list_problem(name, parameter, given)


def _wrong_kind(name: str, kind: str, noun: str, given: object) -> Problem:
    return Problem(name=name, type=kind, msg=f"Input should be a valid {noun}", given=given)


def _outside(name: str, parameter: Parameter, given: int) -> Problem | None:
    low, high = parameter.at_least, parameter.at_most
    if low is not None and given < low:
        msg = f"Input should be greater than or equal to {low}"
        return Problem(name=name, type="greater_than_equal", msg=msg, given=given, ctx={"ge": low})
    if high is not None and given > high:
        msg = f"Input should be less than or equal to {high}"
        return Problem(name=name, type="less_than_equal", msg=msg, given=given, ctx={"le": high})
    return None


def _text_problem(name: str, parameter: Parameter, given: object) -> Problem | None:
    if not isinstance(given, str):
        return _wrong_kind(name, "string_type", "string", given)
    if parameter.values and given not in parameter.values:
        msg = f"Input should be one of {', '.join(parameter.values)}"
        return Problem(name=name, type="one_of", msg=msg, given=given, ctx={"expected": list(parameter.values)})
    if parameter.at_least is not None and len(given.strip()) < parameter.at_least:
        msg = f"String should have at least {parameter.at_least} character"
        ctx: dict[str, object] = {"min_length": parameter.at_least}
        return Problem(name=name, type="string_too_short", msg=msg, given=given, ctx=ctx)
    return None


def _list_problem(name: str, parameter: Parameter, given: object) -> Problem | None:
    items = cast("list[object]", given) if isinstance(given, list) else None
    if items is None or not all(isinstance(item, str) for item in items):
        return _wrong_kind(name, "list_type", "list of strings", cast("object", given))
    length = len(items)
    if parameter.at_least is not None and length < parameter.at_least:
        msg = f"List should have at least {parameter.at_least} item"
        return Problem(
            name=name, type="sequence_too_short", msg=msg, given=items, ctx={"min_length": parameter.at_least}
        )
    if parameter.at_most is not None and length > parameter.at_most:
        msg = f"List should have at most {parameter.at_most} items"
        return Problem(name=name, type="sequence_too_long", msg=msg, given=items, ctx={"max_length": parameter.at_most})
    return None
