"""What Discord offers while a member types an option."""

from typing import Any

from bot.sandbox.world import World

RATIOS = ["21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16"]
EXTREME = ["4:1", "1:4", "8:1", "1:8"]


async def offered(here: World, command: str, option: str, typed: str = "", **chosen: Any) -> list[str]:  # noqa: ANN401 - a command's options
    choices = await here.member.autocomplete(here.channel, command, option, typed, **chosen)
    assert len(choices) <= 25
    return [str(choice["value"]) for choice in choices]


EXPECTED: dict[str, tuple[str, str, dict[str, Any], list[str]]] = {
    "all models": ("imagine", "model", {}, ["nano-banana-2", "nano-banana-pro", "nano-banana"]),
    "models that can think": ("imagine", "model", {"thinking": "high"}, ["nano-banana-2"]),
    "models with a size": ("imagine", "model", {"resolution": "4K"}, ["nano-banana-2", "nano-banana-pro"]),
    "models with the smallest size": ("imagine", "model", {"resolution": "0.5K"}, ["nano-banana-2"]),
    "models with a panorama": ("imagine", "model", {"aspect_ratio": "8:1"}, ["nano-banana-2"]),
    "models that search": ("imagine", "model", {"web_search": True}, ["nano-banana-2", "nano-banana-pro"]),
    "models that choose the shape of a new image": (
        "imagine",
        "model",
        {"aspect_ratio": "auto"},
        ["nano-banana-2", "nano-banana-pro"],
    ),
    "models that choose the shape of an edit": (
        "edit",
        "model",
        {"aspect_ratio": "auto"},
        ["nano-banana-2", "nano-banana-pro", "nano-banana"],
    ),
    "shapes of the usual model": ("imagine", "aspect_ratio", {}, ["auto", *RATIOS, *EXTREME]),
    "shapes of Pro": ("imagine", "aspect_ratio", {"model": "nano-banana-pro"}, ["auto", *RATIOS]),
    "shapes of the first one": ("imagine", "aspect_ratio", {"model": "nano-banana"}, RATIOS),
    "shapes of an edit with the first one": ("edit", "aspect_ratio", {"model": "nano-banana"}, ["auto", *RATIOS]),
    "sizes of the usual model": ("imagine", "resolution", {}, ["0.5K", "1K", "2K", "4K"]),
    "sizes of Pro": ("edit", "resolution", {"model": "nano-banana-pro"}, ["1K", "2K", "4K"]),
    "no sizes where there are none": ("imagine", "resolution", {"model": "nano-banana"}, []),
    "formats": ("imagine", "format", {}, ["jpeg", "png", "webp"]),
    "thinking": ("imagine", "thinking", {}, ["minimal", "high"]),
    "no thinking where there is none": ("edit", "thinking", {"model": "nano-banana-pro"}, []),
    "nothing for a model that is not there": ("imagine", "aspect_ratio", {"model": "dall-e"}, []),
}


async def test_what_is_offered_follows_what_was_chosen(here: World) -> None:
    found = {
        name: await offered(here, command, option, **chosen) for name, (command, option, chosen, _) in EXPECTED.items()
    }
    assert found == {name: values for name, (*_, values) in EXPECTED.items()}


async def test_typed_text_filters_by_value_and_by_label(here: World) -> None:
    assert await offered(here, "imagine", "model", "pro") == ["nano-banana-pro"]
    assert await offered(here, "imagine", "model", "Banana 2") == ["nano-banana-2"]
    assert await offered(here, "imagine", "aspect_ratio", " 16") == ["16:9", "9:16"]
    assert await offered(here, "imagine", "resolution", "4k") == ["4K"]
    assert await offered(here, "imagine", "aspect_ratio", "circle") == []


async def test_the_usual_value_is_marked(here: World) -> None:
    choices = await here.member.autocomplete(here.channel, "imagine", "resolution", "")
    assert [choice["name"] for choice in choices] == ["0.5K", "1K (usual)", "2K", "4K"]
    choices = await here.member.autocomplete(here.channel, "imagine", "model", "")
    assert [choice["name"] for choice in choices] == ["Nano Banana 2 (usual)", "Nano Banana Pro", "Nano Banana"]


async def test_what_is_offered_follows_the_members_preferences_and_the_servers_models(here: World) -> None:
    await here.member.slash(here.channel, "prefer set", model="nano-banana-pro")
    assert await offered(here, "imagine", "resolution") == ["1K", "2K", "4K"]
    assert await offered(here, "imagine", "model") == ["nano-banana-pro", "nano-banana-2", "nano-banana"]
    await here.moderator.slash(here.channel, "settings set", name="models", value="nano-banana-2 nano-banana")
    assert await offered(here, "imagine", "model") == ["nano-banana-2", "nano-banana"]
