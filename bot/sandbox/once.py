"""`sandbox --once`: an order through the whole bot, without a page, and replies to what comes of it."""

import asyncio
import re
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
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
SILENCE = 5.0
"""Seconds after which a reply without any answer counts as talk, which the bot leaves alone."""


async def once(settings: Settings, chosen: Namespace) -> int:
    """Order, print what the channel shows, save the images; 0 when images came."""
    with tempfile.TemporaryDirectory() as folder:
        fal = LoopbackFal(concurrency=settings.fal.max_concurrent, seconds=chosen.seconds or 0.5)
        async with fal, world(settings, Path(folder), fal=fal) as here:
            shown = _Shown()
            came = await _order(here, chosen, shown)
            for number, words in enumerate(chosen.then, start=1):
                came = came and await _reply(here, words, _Out(chosen.out, f"edit-{number}-"), shown)
            return 0 if came else 1


async def _order(here: World, chosen: Namespace, shown: "_Shown") -> bool:
    """The command itself; whether images came."""
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
    if answer.response is not None:
        shown.say(text_of(answer.response.message), private=answer.response.ephemeral)

    def is_over() -> bool:
        for followup in answer.followups:
            shown.say(text_of(followup.message), private=followup.ephemeral)
        refused = answer.response is not None and answer.response.ephemeral
        return refused or any(followup.ephemeral for followup in answer.followups)

    return await _follow(here, _Out(chosen.out), shown, is_over)


async def _reply(here: World, words: str, out: "_Out", shown: "_Shown") -> bool:
    """A plain reply by the same member to the newest result; whether images came."""
    result = next(message for message in reversed(here.channel.history()) if image_urls(message))
    print(f"ann, in reply: {words}", flush=True)  # noqa: T201 - what this command is for
    begun = time.perf_counter()
    asked = await here.member.send(here.channel, words, reply_to=result)

    def is_over() -> bool:
        answers = [one for one in here.channel.history() if one.id > asked.id and not image_urls(one)]
        if not answers:
            return time.perf_counter() > begun + SILENCE
        return not any(_is_cancellable(one) for one in answers)

    return await _follow(here, out, shown, is_over, after=asked.id)


async def _follow(here: World, out: "_Out", shown: "_Shown", is_over: Callable[[], bool], after: int = 0) -> bool:
    """Show what the bot says after that message until images came, which are saved, or nothing more will come."""
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                await asyncio.sleep(0.1)
                over, saved = is_over(), 0
                for message in here.channel.history():
                    if message.id > after:
                        shown.say(text_of(message))
                        saved += await _save(here, message, out)
                if saved or over:
                    return saved > 0
    except TimeoutError:
        print("nothing came in time")  # noqa: T201 - what this command is for
        return False


def _is_cancellable(message: discord.Message) -> bool:
    return any(str(part.get("custom_id", "")).startswith("v1:cancel:") for part in parts_of(message.components))


@dataclass(frozen=True, slots=True)
class _Out:
    """Where images are saved, and what their names begin with."""

    folder: Path
    prefix: str = ""


class _Shown:
    """Prints each new thing once."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def say(self, text: str, *, private: bool = False) -> None:
        if text and text not in self._said:
            self._said.add(text)
            text = re.sub(r"<@\d+>", "@ann", text)
            print(f"bot{' (only ann sees this)' if private else ''}: {text}", flush=True)  # noqa: T201 - what this command is for


async def _save(here: World, message: discord.Message, out: _Out) -> int:
    saved = 0
    for url in image_urls(message):
        data = here.env.backend.cdn.get(url)
        if data is not None:
            await asyncio.to_thread(out.folder.mkdir, parents=True, exist_ok=True)
            path = out.folder / f"{out.prefix}{url.rpartition('/')[2]}"
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
