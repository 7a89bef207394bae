"""The models as data: what each endpoint takes, what it costs, and how an order becomes its request."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from bot.domain.credits import Price, credits_for, word
from bot.domain.errors import (
    BadChoiceError,
    EmptyPromptError,
    LacksOptionError,
    NoReferenceError,
    PromptTooLongError,
    SafetyTooLaxError,
    SeedWithSeveralError,
    TooManyReferencesError,
    UnknownModelError,
)
from bot.domain.order import PROMPT_LIMIT, Choices, Order, Request

PARAMETER_OF: Mapping[str, str] = MappingProxyType(
    {
        "aspect_ratio": "aspect_ratio",
        "resolution": "resolution",
        "images": "num_images",
        "format": "output_format",
        "seed": "seed",
        "safety": "safety_tolerance",
        "web_search": "enable_web_search",
        "thinking": "thinking_level",
    }
)
"""A member's option and fal's name for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of an endpoint. With a default it is always sent, without one only when chosen."""

    type: Literal["enum", "integer", "boolean"]
    values: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    default: str | int | bool | None = None

    def accepts(self, value: object) -> bool:
        """Whether fal takes this value here."""
        match self.type:
            case "enum":
                return word(value) in self.values
            case "boolean":
                return isinstance(value, bool)
            case "integer":
                return (
                    isinstance(value, int)
                    and not isinstance(value, bool)
                    and (self.minimum is None or value >= self.minimum)
                    and (self.maximum is None or value <= self.maximum)
                )

    def allowed(self) -> tuple[str, ...]:
        """The values in words, for a person."""
        match self.type:
            case "enum":
                return self.values
            case "boolean":
                return ("true", "false")
            case "integer":
                return (f"{self.minimum} to {self.maximum}",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address at fal, such as `fal-ai/nano-banana-2/edit`."""

    id: str
    parameters: Mapping[str, Parameter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model of the family, with its generate and its edit endpoint."""

    name: str
    title: str
    generate: Endpoint
    edit: Endpoint
    max_references: int
    deadline: float
    """Seconds from submission after which a request is given up and cancelled."""
    rough_seconds: float | None
    """What a request takes, roughly, until the bot has seen some."""
    price: Price

    def endpoint(self, *, edit: bool) -> Endpoint:
        """The endpoint for this kind of order."""
        return self.edit if edit else self.generate

    def cost(self, arguments: Mapping[str, object], images: int) -> int:
        """Credits for `images` images made with these arguments."""
        return credits_for(self.price.of(arguments, images))


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Every model on offer, in the order they are shown."""

    models: Mapping[str, Model]
    default_model: str

    def model(self, name: str) -> Model:
        """Raises UnknownModelError."""
        try:
            return self.models[name]
        except KeyError:
            raise UnknownModelError(given=name, names=tuple(self.models)) from None

    def title_of(self, name: str) -> str:
        """A model's title, or its name once it has left the catalogue."""
        return self.models[name].title if name in self.models else name

    def model_of(self, endpoint: str) -> Model:
        """The model behind an endpoint. Raises UnknownModelError when it has left the catalogue."""
        for model in self.models.values():
            if endpoint in (model.generate.id, model.edit.id):
                return model
        raise UnknownModelError(given=endpoint, names=tuple(self.models))

    def rough_times(self) -> dict[str, float]:
        """Seconds by endpoint, where something is known."""
        return {
            endpoint.id: model.rough_seconds
            for model in self.models.values()
            for endpoint in (model.generate, model.edit)
            if model.rough_seconds is not None
        }

    def request(self, order: Order, *, max_tolerance: int, seed: int) -> Request:
        """Check an order and build its request; `seed` is used for a single image when the member chose none.

        Raises a RefusedError that names what is wrong and what there is.
        """
        check_prompt(order.prompt)
        model = self.model(order.model)
        self._check_references(order, model)
        parameters = model.endpoint(edit=order.is_edit).parameters
        arguments: dict[str, str | int | bool | list[str]] = {"prompt": order.prompt}
        arguments |= {name: one.default for name, one in parameters.items() if one.default is not None}
        arguments |= self._chosen(order.choices, model, parameters)
        _keep_safe(order.choices, arguments, max_tolerance)
        images = arguments.get("num_images", 1)
        if not isinstance(images, int):
            raise TypeError("num_images is an integer in every catalogue")
        if images > 1 and order.choices.seed is not None:
            raise SeedWithSeveralError
        if images == 1 and "seed" in parameters:
            arguments.setdefault("seed", seed)
        endpoint = model.endpoint(edit=order.is_edit).id
        return Request(endpoint=endpoint, arguments=arguments, images=images, unit_price=str(model.price.image))

    def _check_references(self, order: Order, model: Model) -> None:
        if len(order.references) > model.max_references:
            raise TooManyReferencesError(model=model.title, limit=model.max_references, given=len(order.references))

    def _chosen(
        self, choices: Choices, model: Model, parameters: Mapping[str, Parameter]
    ) -> dict[str, str | int | bool]:
        chosen: dict[str, str | int | bool] = {}
        for option, value in choices.made().items():
            name = PARAMETER_OF[option]
            if name not in parameters:
                raise LacksOptionError(model=model.title, option=option, models=self._having(name))
            if not parameters[name].accepts(value):
                raise BadChoiceError(
                    model=model.title, option=option, given=word(value), allowed=parameters[name].allowed()
                )
            chosen[name] = word(value) if parameters[name].type == "enum" else value
        return chosen

    def _having(self, name: str) -> tuple[str, ...]:
        return tuple(model.title for model in self.models.values() if name in model.generate.parameters)


def check_prompt(prompt: str) -> None:
    """Raises EmptyPromptError or PromptTooLongError."""
    if not prompt.strip() or not any(character.isprintable() and not character.isspace() for character in prompt):
        raise EmptyPromptError
    if len(prompt) > PROMPT_LIMIT:
        raise PromptTooLongError(limit=PROMPT_LIMIT, length=len(prompt))


def check_edit(order: Order) -> None:
    """An edit needs a picture. Raises NoReferenceError."""
    if not order.references:
        raise NoReferenceError


def _keep_safe(choices: Choices, arguments: dict[str, str | int | bool | list[str]], limit: int) -> None:
    """The operator's limit caps the default quietly and refuses a laxer choice."""
    if "safety_tolerance" not in arguments:
        return
    if choices.safety is not None and choices.safety > limit:
        raise SafetyTooLaxError(limit=limit)
    arguments["safety_tolerance"] = str(min(int(str(arguments["safety_tolerance"])), limit))
