"""Preferences: what a member usually wants, filled in where an order leaves it open."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace

from bot.domain.catalogue import PARAMETER_OF, Catalogue, Parameter
from bot.domain.credits import word
from bot.domain.errors import BadChoiceError
from bot.domain.order import Order

FILLED = ("aspect_ratio", "resolution", "format", "images")
"""Options that are filled in, after the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """One member's, in every server; None where they have none. Values are fal's own words."""

    model: str | None = None
    aspect_ratio: str | None = None
    resolution: str | None = None
    format: str | None = None
    images: int | None = None
    others_may_edit: bool = True
    """Whether others may edit the pictures that this member posts."""

    def set(self) -> dict[str, str | int | bool]:
        """Only what differs from having none, by name."""
        nothing = Preferences()
        chosen = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in chosen.items() if value != getattr(nothing, name)}


def filled(order: Order, preferences: Preferences, is_taken: Callable[[Order], bool]) -> Order:
    """The order with its member's preferences where it is open; one with which it would not be taken is left out.

    An edit keeps its picture's shape. `is_taken` says whether an order would be.
    """
    order = replace(order, filled=True)
    wanted = [replace(order, model=preferences.model)] if preferences.model and not order.model else []
    order = next(filter(is_taken, wanted), order)
    for option in FILLED:
        value = getattr(preferences, option)
        is_open = getattr(order.choices, option) is None and not (option == "aspect_ratio" and order.is_edit)
        if value is None or not is_open:
            continue
        candidate = replace(order, choices=replace(order.choices, **{option: value}))
        if is_taken(candidate):
            order = candidate
    return order


def check_preferences(preferences: Preferences, catalogue: Catalogue) -> None:
    """Every value must be one that some model has. Raises UnknownModelError, BadChoiceError."""
    if preferences.model is not None:
        catalogue.model(preferences.model)
    for option in FILLED:
        value = getattr(preferences, option)
        having = list(_having(option, catalogue))
        if value is not None and not any(parameter.accepts(value) for _, parameter in having):
            title, parameter = having[0]
            raise BadChoiceError(model=title, option=option, given=word(value), allowed=parameter.allowed())


def _having(option: str, catalogue: Catalogue) -> Iterator[tuple[str, Parameter]]:
    for model in catalogue.models.values():
        parameter = model.generate.parameters.get(PARAMETER_OF[option])
        if parameter is not None:
            yield model.title, parameter
