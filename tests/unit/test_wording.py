"""What a member writes in a message, and what the bot reads in it."""

import pytest

from bot.adapters.catalogue_file import load_catalogue
from bot.domain.errors import UnknownOptionsError
from bot.domain.order import Choices
from bot.domain.wording import read
from bot.settings import MODELS_FILE

CATALOGUE = load_catalogue(MODELS_FILE)


def test_options_at_the_end_of_a_message_set_the_choices() -> None:
    said = read("make it night --ar 16:9 --model pro --2k --images 2 --jpg", CATALOGUE)
    assert said.prompt == "make it night"
    assert said.model == "nano-banana-pro"
    assert said.choices == Choices(aspect_ratio="16:9", resolution="2K", images=2, format="jpeg")
    assert said.has_options


@pytest.mark.parametrize("text", ["make it night", "a well-known hat - red", "2-3 cats, half-asleep"])
def test_dashes_in_ordinary_words_are_no_options(text: str) -> None:
    said = read(text, CATALOGUE)
    assert said.prompt == text
    assert not said.has_options


def test_unknown_options_are_named_not_swallowed() -> None:
    with pytest.raises(UnknownOptionsError) as caught:
        read("make it night --chaos 20 --tile --2k --seed red", CATALOGUE)
    assert caught.value.given == ("--chaos 20", "--tile", "--seed red")


def test_an_option_without_its_value_is_named() -> None:
    with pytest.raises(UnknownOptionsError) as caught:
        read("make it night --ar --2k", CATALOGUE)
    assert caught.value.given == ("--ar",)


def test_an_unknown_model_is_left_for_the_catalogue_to_refuse() -> None:
    assert read("make it night --model dalle", CATALOGUE).model == "dalle"


def test_a_phone_that_turns_two_dashes_into_one_long_one_is_understood() -> None:
    assert read("make it night \u2014ar 1:1", CATALOGUE).choices == Choices(aspect_ratio="1:1")


@pytest.mark.parametrize(
    ("text", "which"),
    [
        ("make image 2 blue", 2),
        ("make the second one blue", 2),
        ("#3 but darker", 3),
        ("darken the last picture", -1),
        ("make it blue", None),
        ("the second cat should smile", None),
        ("image 12 cats", None),
        ("put the hat of image 1 on image 2", None),
        ("image 2, yes image 2", 2),
        ("the 2ND PICTURE please", 2),
    ],
)
def test_a_picture_of_a_set_is_named_in_words(text: str, which: int | None) -> None:
    assert read(text, CATALOGUE).which == which


@pytest.mark.parametrize("text", ["", "nice", "lol!", "😍", "👍 👍", "🔥🔥🔥"])
def test_a_word_or_an_emoji_is_talk(text: str) -> None:
    assert read(text, CATALOGUE).is_talk


@pytest.mark.parametrize("text", ["make it night", "more fog", "add 2 cats", "night --2k"])
def test_two_words_are_an_order(text: str) -> None:
    assert not read(text, CATALOGUE).is_talk


def test_words_between_or_after_options_are_named_not_swallowed() -> None:
    with pytest.raises(UnknownOptionsError) as caught:
        read("make it night --2k but with stars --ar 1:1", CATALOGUE)
    assert caught.value.given == ("but", "with", "stars")


def test_dashes_inside_an_option_are_understood() -> None:
    assert read("x y --aspect-ratio=4:3 --web-search", CATALOGUE).choices == Choices(
        aspect_ratio="4:3", web_search=True
    )


@pytest.mark.parametrize("text", ["--seed \u0661", "--n \u00b2", "--images -1"])
def test_a_number_that_is_none_is_named(text: str) -> None:
    with pytest.raises(UnknownOptionsError):
        read(f"make it night {text}", CATALOGUE)


def test_a_message_of_four_thousand_dashes_is_read_at_once() -> None:
    with pytest.raises(UnknownOptionsError):
        read("--a " * 1000, CATALOGUE)
    assert read("-" * 4000, CATALOGUE).prompt == "-" * 4000
