"""How an order becomes a request: what is sent, what is refused, and in which words."""

from dataclasses import replace

import pytest
from doubles import CATALOGUE, an_order
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.catalogue import PARAMETER_OF, Catalogue, Endpoint, Parameter, check_edit, check_prompt
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

MODELS = tuple(CATALOGUE.models)
TEN_RATIOS = {"21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16"}


def request(order: Order, *, max_tolerance: int = 6, seed: int = 99) -> Request:
    return CATALOGUE.request(order, max_tolerance=max_tolerance, seed=seed)


# --- what is sent ---------------------------------------------------------------------------------


def test_an_order_without_choices_sends_every_default_and_a_seed_of_ours() -> None:
    assert request(an_order("a fox")) == Request(
        endpoint="fal-ai/nano-banana-2",
        arguments={
            "prompt": "a fox",
            "num_images": 1,
            "seed": 99,
            "aspect_ratio": "auto",
            "resolution": "1K",
            "output_format": "png",
            "safety_tolerance": "4",
            "sync_mode": False,
            "limit_generations": True,
            "enable_web_search": False,
        },
        images=1,
        unit_price="0.08",
    )


def test_every_choice_is_sent_in_fals_own_words_and_types() -> None:
    choices = Choices(
        aspect_ratio="8:1", resolution="4K", images=1, format="webp", seed=7, safety=2, web_search=True, thinking="high"
    )
    arguments = request(an_order(choices=choices)).arguments
    assert {name: arguments[name] for name in PARAMETER_OF.values()} == {
        "aspect_ratio": "8:1",
        "resolution": "4K",
        "num_images": 1,
        "output_format": "webp",
        "seed": 7,
        "safety_tolerance": "2",
        "enable_web_search": True,
        "thinking_level": "high",
    }


def test_pictures_send_an_order_to_the_edit_endpoint_with_its_own_defaults() -> None:
    plain, edit = (request(an_order(model="nano-banana-pro", references=n)) for n in (0, 1))
    assert (plain.endpoint, plain.arguments["aspect_ratio"]) == ("fal-ai/nano-banana-pro", "1:1")
    assert (edit.endpoint, edit.arguments["aspect_ratio"]) == ("fal-ai/nano-banana-pro/edit", "auto")


def test_pictures_are_sent_only_once_they_have_an_address_at_fal() -> None:
    made = request(an_order(references=2))
    assert "image_urls" not in made.arguments
    assert made.with_pictures(["u1", "u2"]).arguments["image_urls"] == ["u1", "u2"]
    assert "image_urls" not in made.arguments


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("references", [0, 1])
def test_only_listed_parameters_are_ever_sent(model: str, references: int) -> None:
    made = request(an_order(model=model, references=references))
    assert set(made.arguments) - {"prompt"} <= set(CATALOGUE.model(model).endpoint(edit=references > 0).parameters)


def test_several_images_are_sent_without_a_seed() -> None:
    """With one seed fal makes identical twins (fal-ai/fal issue 1022)."""
    made = request(an_order(choices=Choices(images=4)))
    assert "seed" not in made.arguments
    assert (made.images, made.arguments["num_images"]) == (4, 4)


def test_a_chosen_seed_goes_before_ours() -> None:
    assert request(an_order(choices=Choices(seed=0))).arguments["seed"] == 0


@pytest.mark.parametrize(("limit", "sent"), [(6, "4"), (4, "4"), (3, "3"), (1, "1")])
def test_the_operators_limit_caps_the_default_safety_quietly(limit: int, sent: str) -> None:
    assert request(an_order(), max_tolerance=limit).arguments["safety_tolerance"] == sent


@pytest.mark.parametrize("chosen", [1, 2, 3])
def test_a_stricter_safety_is_always_taken(chosen: int) -> None:
    made = request(an_order(choices=Choices(safety=chosen)), max_tolerance=3)
    assert made.arguments["safety_tolerance"] == str(chosen)


@given(st.sampled_from(MODELS), st.booleans(), st.data())
def test_what_the_catalogue_lists_is_accepted_and_sent(model: str, edit: bool, data: st.DataObject) -> None:  # noqa: FBT001 - drawn, not called
    endpoint = CATALOGUE.model(model).endpoint(edit=edit)
    options = [
        option
        for option, name in PARAMETER_OF.items()
        if name in endpoint.parameters and endpoint.parameters[name].values
    ]
    option = data.draw(st.sampled_from(options))
    value = data.draw(st.sampled_from(endpoint.parameters[PARAMETER_OF[option]].values))
    chosen = Choices(**{option: int(value) if option == "safety" else value})  # pyright: ignore[reportArgumentType] - drawn by option
    order = an_order(model=model, choices=chosen, references=int(edit))
    assert request(order).arguments[PARAMETER_OF[option]] == value


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt", ["", "   ", "\n\t", "\u200b", "\u200b \ufeff\u2060"])
def test_a_prompt_without_a_visible_character_is_refused(prompt: str) -> None:
    with pytest.raises(EmptyPromptError):
        request(an_order(prompt))


def test_the_longest_prompt_is_taken_and_one_more_character_is_not() -> None:
    check_prompt("x" * PROMPT_LIMIT)
    with pytest.raises(PromptTooLongError) as refused:
        check_prompt("x" * (PROMPT_LIMIT + 1))
    assert (refused.value.limit, refused.value.length) == (PROMPT_LIMIT, PROMPT_LIMIT + 1)


def test_an_unknown_model_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UnknownModelError) as refused:
        request(an_order(model="dall-e"))
    assert (refused.value.given, refused.value.names) == ("dall-e", MODELS)


@pytest.mark.parametrize(
    ("model", "choices", "option", "others"),
    [
        ("nano-banana", Choices(resolution="2K"), "resolution", ("Nano Banana 2", "Nano Banana Pro")),
        ("nano-banana", Choices(web_search=True), "web_search", ("Nano Banana 2", "Nano Banana Pro")),
        ("nano-banana-pro", Choices(thinking="high"), "thinking", ("Nano Banana 2",)),
    ],
)
def test_an_option_that_a_model_lacks_is_refused_with_the_models_that_have_it(
    model: str, choices: Choices, option: str, others: tuple[str, ...]
) -> None:
    with pytest.raises(LacksOptionError) as refused:
        request(an_order(model=model, choices=choices))
    assert (refused.value.option, refused.value.models) == (option, others)


@pytest.mark.parametrize(
    ("model", "choices", "option", "given_value"),
    [
        ("nano-banana-pro", Choices(resolution="0.5K"), "resolution", "0.5K"),
        ("nano-banana-pro", Choices(aspect_ratio="8:1"), "aspect_ratio", "8:1"),
        ("nano-banana", Choices(aspect_ratio="auto"), "aspect_ratio", "auto"),
        ("nano-banana-2", Choices(format="gif"), "format", "gif"),
        ("nano-banana-2", Choices(thinking="medium"), "thinking", "medium"),
        ("nano-banana-2", Choices(images=0), "images", "0"),
        ("nano-banana-2", Choices(images=5), "images", "5"),
        ("nano-banana-2", Choices(seed=-1), "seed", "-1"),
        ("nano-banana-2", Choices(seed=2**31), "seed", "2147483648"),
        ("nano-banana-2", Choices(safety=7), "safety", "7"),
        ("nano-banana-2", Choices(images=True), "images", "true"),
    ],
)
def test_a_value_that_a_model_lacks_is_refused_with_the_values_it_has(
    model: str, choices: Choices, option: str, given_value: str
) -> None:
    with pytest.raises(BadChoiceError) as refused:
        request(an_order(model=model, choices=choices))
    parameter = CATALOGUE.model(model).generate.parameters[PARAMETER_OF[option]]
    assert (refused.value.option, refused.value.given) == (option, given_value)
    assert refused.value.allowed == parameter.allowed()


def test_a_ratio_that_only_the_edit_endpoint_has_is_taken_with_a_picture() -> None:
    order = an_order(model="nano-banana", choices=Choices(aspect_ratio="auto"), references=1)
    assert request(order).arguments["aspect_ratio"] == "auto"


def test_a_seed_with_several_images_is_refused() -> None:
    with pytest.raises(SeedWithSeveralError):
        request(an_order(choices=Choices(images=2, seed=7)))
    assert request(an_order(choices=Choices(images=1, seed=7))).arguments["seed"] == 7


def test_a_laxer_safety_than_the_operator_allows_is_refused() -> None:
    with pytest.raises(SafetyTooLaxError) as refused:
        request(an_order(choices=Choices(safety=5)), max_tolerance=4)
    assert refused.value.limit == 4


@pytest.mark.parametrize(("model", "most"), [("nano-banana-2", 14), ("nano-banana-pro", 14), ("nano-banana", 3)])
def test_as_many_pictures_as_the_model_takes_and_no_more(model: str, most: int) -> None:
    request(an_order(model=model, references=most))
    with pytest.raises(TooManyReferencesError) as refused:
        request(an_order(model=model, references=most + 1))
    assert (refused.value.limit, refused.value.given) == (most, most + 1)


def test_an_edit_needs_a_picture() -> None:
    check_edit(an_order(references=1))
    with pytest.raises(NoReferenceError):
        check_edit(an_order())


# --- the catalogue itself -------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("edit", [False, True])
def test_a_model_is_found_again_by_each_of_its_endpoints(model: str, *, edit: bool) -> None:
    found = CATALOGUE.model(model)
    assert CATALOGUE.model_of(found.endpoint(edit=edit).id) is found


def test_an_endpoint_that_left_the_catalogue_is_an_unknown_model() -> None:
    with pytest.raises(UnknownModelError):
        CATALOGUE.model_of("fal-ai/nano-banana-9")


def test_the_house_catalogue_offers_what_fals_types_say() -> None:
    """facts/fal.md, part 8."""
    ratios = {
        (name, edit): set(CATALOGUE.model(name).endpoint(edit=edit).parameters["aspect_ratio"].values)
        for name in MODELS
        for edit in (False, True)
    }
    with_auto, with_strips = TEN_RATIOS | {"auto"}, TEN_RATIOS | {"auto", "4:1", "1:4", "8:1", "1:8"}
    assert ratios == {
        ("nano-banana-2", False): with_strips,
        ("nano-banana-2", True): with_strips,
        ("nano-banana-pro", False): with_auto,
        ("nano-banana-pro", True): with_auto,
        ("nano-banana", False): TEN_RATIOS,
        ("nano-banana", True): with_auto,
    }


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        (Parameter(type="enum", values=("1", "2")), ["1", 2], ["3", None, True]),
        (Parameter(type="integer", minimum=1, maximum=4), [1, 4], [0, 5, True, "2", 2.0, None]),
        (Parameter(type="integer"), [-5, 10**12], [False, None]),
        (Parameter(type="boolean"), [True, False], [0, 1, "true", None]),
    ],
)
def test_a_parameter_accepts_its_own_values_only(parameter: Parameter, good: list[object], bad: list[object]) -> None:
    assert all(parameter.accepts(value) for value in good)
    assert not any(parameter.accepts(value) for value in bad)


def test_what_is_allowed_is_said_in_words() -> None:
    assert Parameter(type="enum", values=("1K", "2K")).allowed() == ("1K", "2K")
    assert Parameter(type="boolean").allowed() == ("true", "false")
    assert Parameter(type="integer", minimum=1, maximum=4).allowed() == ("1 to 4",)


def test_a_model_without_seeds_is_sent_none() -> None:
    model = CATALOGUE.model("nano-banana")
    seedless = {name: one for name, one in model.generate.parameters.items() if name != "seed"}
    bare = replace(model, generate=Endpoint(id=model.generate.id, parameters=seedless))
    alone = Catalogue(models={bare.name: bare}, default_model=bare.name)
    made = alone.request(an_order(model="nano-banana"), max_tolerance=6, seed=1)
    assert "seed" not in made.arguments
