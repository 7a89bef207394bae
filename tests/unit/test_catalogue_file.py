"""The model catalogue is data: a new model is an edit of the file, and a broken file is refused with its reason."""

from pathlib import Path

import pytest
from doubles import an_order

from bot.adapters.catalogue_file import load_catalogue, unreachable_parameters
from bot.domain.errors import StartError
from bot.domain.order import Choices
from bot.settings import MODELS_FILE

HOUSE = MODELS_FILE.read_text(encoding="utf-8")

NEW_MODEL = """
[[model]]
name = "nano-banana-3"
title = "Nano Banana 3"
generate = "fal-ai/nano-banana-3"
edit = "fal-ai/nano-banana-3/edit"
max_references = 5
deadline_minutes = 0.5

[model.price]
image = "0.2"
times = { resolution = { "8K" = "3.5" } }

[model.parameters]
num_images = { type = "integer", minimum = 1, maximum = 2, default = 1 }
resolution = { type = "enum", values = ["4K", "8K"], default = "4K" }
"""

SMALL = """
default_model = "small"

[[model]]
name = "small"
title = "Small"
generate = "fal-ai/small"
edit = "fal-ai/small/edit"
max_references = 1
deadline_minutes = 1

[model.price]
image = "0.1"
times = { size = { big = "2" } }

[model.parameters]
size = { type = "enum", values = ["big", "little"], default = "little" }
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "models.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    """The one line that the operator reads."""
    path = written(folder, text)
    with pytest.raises(StartError) as refused:
        load_catalogue(path)
    assert str(path) in refused.value.reason
    assert "\n" not in refused.value.reason
    return refused.value.reason


def test_the_house_catalogue_is_whole() -> None:
    catalogue = load_catalogue(MODELS_FILE)
    assert tuple(catalogue.models) == ("nano-banana-2", "nano-banana-pro", "nano-banana")
    assert catalogue.default_model == "nano-banana-2"
    assert list(unreachable_parameters(catalogue)) == []


def test_a_new_model_is_only_an_edit_of_the_file(tmp_path: Path) -> None:
    catalogue = load_catalogue(written(tmp_path, HOUSE + NEW_MODEL))
    model = catalogue.model("nano-banana-3")
    order = an_order(model="nano-banana-3", choices=Choices(resolution="8K", images=2), references=5)
    request = catalogue.request(order, max_tolerance=6, seed=1)
    assert request.endpoint == "fal-ai/nano-banana-3/edit"
    assert request.arguments == {"prompt": "a fox", "num_images": 2, "resolution": "8K"}
    assert (model.cost(request.arguments, 2), model.deadline) == (140, 30.0)


def test_what_differs_on_the_edit_endpoint_is_all_that_an_edit_lists(tmp_path: Path) -> None:
    edit = '[model.edit_parameters]\nsize = { type = "enum", values = ["huge"], default = "huge" }\n'
    model = load_catalogue(written(tmp_path, SMALL + edit)).model("small")
    assert model.generate.parameters["size"].values == ("big", "little")
    assert model.edit.parameters["size"].values == ("huge",)


def test_a_parameter_that_nothing_would_ever_send_is_noticed(tmp_path: Path) -> None:
    catalogue = load_catalogue(written(tmp_path, SMALL + 'mood = { type = "enum", values = ["sad"] }\n'))
    assert list(unreachable_parameters(catalogue)) == ["small: mood"]


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('name = "small"\n', "", "model.0.name: field required"),
        ('name = "small"', 'name = "Small Model"', "model.0.name: string should match"),
        ('title = "Small"', 'title = ""', "model.0.title: string should have at least 1"),
        ('generate = "fal-ai/small"', 'generate = "https://fal.run"', "model.0.generate: string should match"),
        ('edit = "fal-ai/small/edit"', 'edit = "x"', "model.0.edit: string should match"),
        ("max_references = 1", "max_references = 0", "model.0.max_references: input should be greater"),
        ("max_references = 1", "max_references = 15", "model.0.max_references: input should be less"),
        ("deadline_minutes = 1", "deadline_minutes = 0", "model.0.deadline_minutes: input should be greater"),
        ("deadline_minutes = 1", "deadline_minutes = 1\nspeed = 3", "model.0.speed: extra inputs are not permitted"),
        ('image = "0.1"', 'image = "cheap"', "model.0.price.image: input should be a valid decimal"),
        ('image = "0.1"', 'image = "-0.1"', "model.0.price.image: input should be greater"),
        ('image = "0.1"', "", "model.0.price.image: field required"),
        ("{ big =", "{ giant =", "names values that size lacks: giant"),
        ("times = { size", "times = { mood", "depends on mood, which the model lacks"),
        ('values = ["big", "little"], ', "", "an enum, and only an enum, lists its values"),
        ('type = "enum"', 'type = "integer"', "an enum, and only an enum, lists its values"),
        ('type = "enum"', 'type = "float"', "parameters.size.type: input should be"),
        ('default = "little"', 'default = "tiny"', "default is not one of the accepted values"),
        ('default = "little"', 'default = "little", usual = 1', "parameters.size.usual: extra inputs"),
        ('default_model = "small"', 'default_model = "other"', "default_model other is not in the list"),
        ('default_model = "small"\n', "", "default_model: field required"),
        ('default_model = "small"', 'default_model = "small"\nmodels = 3', "models: extra inputs are not permitted"),
    ],
)
def test_a_broken_catalogue_is_refused_with_a_line_that_names_it(
    tmp_path: Path, was: str, becomes: str, said: str
) -> None:
    assert was in SMALL
    assert said in refusal(tmp_path, SMALL.replace(was, becomes, 1))


def test_two_models_of_one_name_are_refused(tmp_path: Path) -> None:
    again = SMALL.replace('default_model = "small"', "")
    assert "two models have the same name" in refusal(tmp_path, SMALL + again)


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    broken = SMALL.replace("max_references = 1", "max_references = 0").replace('title = "Small"', "title = 3")
    said = refusal(tmp_path, broken)
    assert "model.0.max_references" in said
    assert "model.0.title" in said


def test_an_empty_catalogue_is_refused(tmp_path: Path) -> None:
    assert "model: list should have at least 1 item" in refusal(tmp_path, 'default_model = "x"\nmodel = []')


def test_more_models_than_a_menu_shows_are_refused(tmp_path: Path) -> None:
    block = SMALL[SMALL.index("[[model]]") :]
    many = 'default_model = "m0"\n' + "".join(block.replace('name = "small"', f'name = "m{n}"') for n in range(26))
    assert "model: list should have at most 25 items" in refusal(tmp_path, many)


def test_bad_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    assert "at line 2" in refusal(tmp_path, "default_model = 'x'\nmodel = ==\n")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "models.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StartError, match="utf-8"):
        load_catalogue(path)


def test_a_missing_catalogue_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"nowhere\.toml: No such file"):
        load_catalogue(tmp_path / "nowhere.toml")
