"""`sandbox --once`: one order through the whole bot, without a page."""

import asyncio
import re
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import discord
import simcord

from bot.domain.catalogue import PARAMETER_OF
from bot.domain.errors import StartError
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.world import World, world
from bot.settings import Settings

PATIENCE = 120.0
"""Seconds for one order."""


async def once(settings: Settings, chosen: Namespace) -> int:
    """Order, print what the channel shows, save the images; 0 when images came."""
    with tempfile.TemporaryDirectory() as folder:
        fal = LoopbackFal(concurrency=settings.fal.max_concurrent, seconds=chosen.seconds or 0.5)
        async with fal, world(settings, Path(folder), fal=fal) as here:
            return await _order(here, chosen)


async def _order(here: World, chosen: Namespace) -> int:
    options = {name: getattr(chosen, name) for name in ("model", *PARAMETER_OF) if getattr(chosen, name) is not None}
    pictures = {
        "image" if number == 1 else f"image{number}": (path.name, await asyncio.to_thread(path.read_bytes))
        for number, path in enumerate(chosen.edit, start=1)
    }
    command = "edit" if pictures else "imagine"
    print(f"ann: /{command} {chosen.once}", flush=True)  # noqa: T201 - what this command is for
    try:
        answer = await here.member.slash(here.channel, command, prompt=chosen.once, **options, **pictures)
    except simcord.OptionError as error:
        raise StartError(f"Discord would not send this: {error}") from None
    shown = _Shown()
    if answer.response is not None:
        shown.say(text_of(answer.response.message), private=answer.response.ephemeral)
    saved = 0
    try:
        async with asyncio.timeout(PATIENCE):
            while not saved and not (answer.response is not None and answer.response.ephemeral):
                await asyncio.sleep(0.1)
                for followup in answer.followups:
                    shown.say(text_of(followup.message), private=followup.ephemeral)
                for message in here.channel.history():
                    shown.say(text_of(message))
                    saved += await _save(here, message, chosen.out)
                if any(followup.ephemeral for followup in answer.followups):
                    break
    except TimeoutError:
        print("nothing came in time")  # noqa: T201 - what this command is for
    return 0 if saved else 1


class _Shown:
    """Prints each new thing once."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def say(self, text: str, *, private: bool = False) -> None:
        if text and text not in self._said:
            self._said.add(text)
            text = re.sub(r"<@\d+>", "@ann", text)
            print(f"bot{' (only ann sees this)' if private else ''}: {text}", flush=True)  # noqa: T201 - what this command is for


async def _save(here: World, message: discord.Message, out: Path) -> int:
    saved = 0
    for url in image_urls(message):
        data = here.env.backend.cdn.get(url)
        if data is not None:
            await asyncio.to_thread(out.mkdir, parents=True, exist_ok=True)
            path = out / url.rsplit("/", 1)[-1]
            await asyncio.to_thread(path.write_bytes, data)
            print(f"saved {path} ({len(data):,} bytes)", flush=True)  # noqa: T201 - what this command is for
            saved += 1
    return saved


def parts_of(components: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - raw components of a message
    """Every component of a message, nested ones included."""
    for component in components:
        raw: dict[str, Any] = component.to_dict() if hasattr(component, "to_dict") else component
        yield raw
        yield from parts_of(raw.get("components", []))


def text_of(message: discord.Message) -> str:
    """What a message says, as it was sent."""
    texts = [str(part["content"]) for part in parts_of(message.components) if part.get("type") == 10]  # noqa: PLR2004 - text display
    return "\n".join(filter(None, [message.content, *texts]))


def image_urls(message: discord.Message) -> list[str]:
    """Addresses of the pictures in a message."""
    galleries = [part for part in parts_of(message.components) if part.get("type") == 12]  # noqa: PLR2004 - media gallery
    return [str(item["media"]["url"]) for gallery in galleries for item in gallery["items"]]
