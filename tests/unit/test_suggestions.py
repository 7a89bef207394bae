"""What autocomplete offers while an order is being typed."""

from dataclasses import replace

import pytest
from doubles import CATALOGUE

from bot.domain.catalogue import Parameter
from bot.domain.suggestions import MOST, suggest

ALL = tuple(CATALOGUE.models)


def offered(option: str, typed: str = "", *, edit: bool = False, **chosen: object) -> list[str]:
    return offered_after(option, chosen, typed, edit=edit)


def offered_after(option: str, chosen: dict[str, object], typed: str = "", *, edit: bool = False) -> list[str]:
    return [value for value, _ in suggest(CATALOGUE, ALL, option, typed, chosen, edit=edit)]


def test_models_are_offered_by_title_in_the_catalogues_order() -> None:
    assert list(suggest(CATALOGUE, ALL, "model", "", {}, edit=False)) == [
        ("nano-banana-2", "Nano Banana 2 (usual)"),
        ("nano-banana-pro", "Nano Banana Pro"),
        ("nano-banana", "Nano Banana"),
    ]


@pytest.mark.parametrize(
    ("chosen", "models"),
    [
        ({"thinking": "high"}, ["nano-banana-2"]),
        ({"resolution": "0.5K"}, ["nano-banana-2"]),
        ({"resolution": "2K"}, ["nano-banana-2", "nano-banana-pro"]),
        ({"resolution": "9K"}, []),
        ({"aspect_ratio": "auto"}, ["nano-banana-2", "nano-banana-pro"]),
        ({"web_search": True}, ["nano-banana-2", "nano-banana-pro"]),
        ({"safety": 3, "seed": 5, "format": "webp"}, ["nano-banana-2", "nano-banana-pro", "nano-banana"]),
        ({"prompt": "a fox", "images": 99, "resolution": ""}, ["nano-banana-2", "nano-banana-pro", "nano-banana"]),
    ],
)
def test_only_models_that_can_do_what_is_chosen_already_are_offered(
    chosen: dict[str, object], models: list[str]
) -> None:
    assert offered_after("model", chosen) == models


def test_the_usual_model_comes_first_decides_the_values_and_only_usable_ones_are_offered() -> None:
    usable = ("nano-banana-pro", "nano-banana-2")
    assert list(suggest(CATALOGUE, usable, "model", "", {}, edit=False)) == [
        ("nano-banana-pro", "Nano Banana Pro (usual)"),
        ("nano-banana-2", "Nano Banana 2"),
    ]
    assert [value for value, _ in suggest(CATALOGUE, usable, "resolution", "", {}, edit=False)] == ["1K", "2K", "4K"]


def test_an_edit_is_offered_what_the_edit_endpoint_has() -> None:
    assert offered("model", edit=True, aspect_ratio="auto") == ["nano-banana-2", "nano-banana-pro", "nano-banana"]
    assert "auto" in offered("aspect_ratio", edit=True, model="nano-banana")
    assert "auto" not in offered("aspect_ratio", model="nano-banana")


def test_values_follow_the_chosen_model_and_else_the_default_one() -> None:
    assert offered("resolution") == ["0.5K", "1K", "2K", "4K"]
    assert offered("resolution", model="nano-banana-pro") == ["1K", "2K", "4K"]
    assert offered("resolution", model=None) == ["0.5K", "1K", "2K", "4K"]


@pytest.mark.parametrize(
    ("option", "model"),
    [("resolution", "nano-banana"), ("thinking", "nano-banana-pro"), ("resolution", "half-typed"), ("prompt", None)],
)
def test_what_cannot_be_chosen_is_offered_as_nothing(option: str, model: str | None) -> None:
    assert offered(option, model=model) == []


def test_the_usual_value_is_marked() -> None:
    labels = dict(suggest(CATALOGUE, ALL, "format", "", {}, edit=False))
    assert labels == {"jpeg": "jpeg", "png": "png (usual)", "webp": "webp"}


@pytest.mark.parametrize(
    ("option", "typed", "values"),
    [
        ("aspect_ratio", "16", ["16:9", "9:16"]),
        ("model", "PRO", ["nano-banana-pro"]),
        ("model", " banana p ", ["nano-banana-pro"]),
        ("resolution", "usual", ["1K"]),
        ("resolution", "k", ["0.5K", "1K", "2K", "4K"]),
        ("format", "tiff", []),
    ],
)
def test_what_is_typed_narrows_the_offer_by_value_or_label(option: str, typed: str, values: list[str]) -> None:
    assert offered(option, typed) == values


def test_no_more_is_offered_than_discord_shows() -> None:
    model = CATALOGUE.models["nano-banana-2"]
    many = Parameter(type="enum", values=tuple(f"{number}:1" for number in range(1, 40)))
    endpoint = replace(model.generate, parameters={**model.generate.parameters, "aspect_ratio": many})
    catalogue = replace(CATALOGUE, models={model.name: replace(model, generate=endpoint)})
    assert len(suggest(catalogue, (model.name,), "aspect_ratio", "", {}, edit=False)) == MOST == 25
