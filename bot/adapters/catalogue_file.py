"""config/models.toml -> the domain's Catalogue, checked on the way in."""

import tomllib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.domain.catalogue import PARAMETER_OF, Catalogue, Endpoint, Model, Parameter
from bot.domain.credits import Price
from bot.domain.errors import StartError

Dollars = Annotated[Decimal, Field(ge=0, le=1000)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Parameter(_Entry):
    type: Literal["enum", "integer", "boolean"]
    values: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    default: bool | int | str | None = None

    @model_validator(mode="after")
    def _default_fits(self) -> Self:
        if (self.type == "enum") != bool(self.values):
            raise ValueError("an enum, and only an enum, lists its values")
        if self.default is not None and not self.made().accepts(self.default):
            raise ValueError("the default is not one of the accepted values")
        return self

    def made(self) -> Parameter:
        return Parameter(**self.model_dump())


class _Price(_Entry):
    image: Annotated[Decimal, Field(gt=0, le=1000)]
    times: dict[str, dict[str, Dollars]] = {}
    plus: dict[str, dict[str, Dollars]] = {}


class _Model(_Entry):
    name: Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,32}$")]
    title: Annotated[str, Field(min_length=1, max_length=60)]
    generate: Annotated[str, Field(pattern=r"^[\w.-]+/[\w./-]+$")]
    edit: Annotated[str, Field(pattern=r"^[\w.-]+/[\w./-]+$")]
    max_references: Annotated[int, Field(ge=1, le=14)]
    deadline_minutes: Annotated[float, Field(gt=0, le=120)]
    rough_seconds: Annotated[float, Field(gt=0, le=7200)] | None = None
    price: _Price
    parameters: dict[str, _Parameter]
    edit_parameters: dict[str, _Parameter] = {}

    @model_validator(mode="after")
    def _price_names_parameters(self) -> Self:
        for name, values in (*self.price.times.items(), *self.price.plus.items()):
            if name not in self.parameters:
                raise ValueError(f"the price depends on {name}, which the model lacks")
            if unknown := set(values) - set(self.parameters[name].made().allowed()):
                raise ValueError(f"the price names values that {name} lacks: {', '.join(sorted(unknown))}")
        return self

    def made(self) -> Model:
        common = {name: one.made() for name, one in self.parameters.items()}
        changed = {name: one.made() for name, one in self.edit_parameters.items()}
        return Model(
            name=self.name,
            title=self.title,
            generate=Endpoint(id=self.generate, parameters=common),
            edit=Endpoint(id=self.edit, parameters=common | changed),
            max_references=self.max_references,
            deadline=self.deadline_minutes * 60,
            rough_seconds=self.rough_seconds,
            price=Price(image=self.price.image, times=self.price.times, plus=self.price.plus),
        )


class _File(_Entry):
    default_model: str
    model: Annotated[list[_Model], Field(min_length=1, max_length=25)]

    @model_validator(mode="after")
    def _names_are_sound(self) -> Self:
        names = [one.name for one in self.model]
        if len(set(names)) < len(names):
            raise ValueError("two models have the same name")
        if self.default_model not in names:
            raise ValueError(f"default_model {self.default_model} is not in the list")
        return self


def load_catalogue(path: Path) -> Catalogue:
    """Read the model catalogue. Raises StartError that names what is wrong."""
    try:
        content = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise StartError(f"catalogue {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StartError(f"catalogue {path}: {error}") from None
    except ValidationError as error:
        raise StartError(f"catalogue {path}: {'; '.join(_said(error))}") from None
    return Catalogue(models={one.name: one.made() for one in content.model}, default_model=content.default_model)


def unreachable_parameters(catalogue: Catalogue) -> Iterable[str]:
    """Parameters without a default that no option sets: they would never be sent."""
    for model in catalogue.models.values():
        for name, one in model.edit.parameters.items():
            if one.default is None and name not in PARAMETER_OF.values():
                yield f"{model.name}: {name}"


def _said(error: ValidationError) -> Iterable[str]:
    for one in error.errors():
        yield f"{'.'.join(str(part) for part in one['loc'])}: {one['msg'][0].lower()}{one['msg'][1:]}"
