"""What stands in a message of the bot's, read back from its components."""

from collections.abc import Iterable, Iterator
from typing import Any

import discord


def custom_ids(components: Iterable[Any]) -> Iterator[str]:
    """The custom_ids in a message, however deep."""
    for component in components:
        if custom_id := getattr(component, "custom_id", None):
            yield custom_id
        yield from custom_ids(getattr(component, "children", []))


def has_pictures(components: Iterable[Any]) -> bool:
    """Whether a message shows pictures."""
    return any(
        isinstance(component, discord.MediaGalleryComponent) or has_pictures(getattr(component, "children", []))
        for component in components
    )
