"""The bot that one writes from fal's public example: what the other one is measured against.

fal's example: `fal_client.subscribe_async(..., with_logs=True, on_queue_update=...)`. Discord's part follows
discord.py's: defer, edit the answer at every update, and send the picture as a `discord.File` from memory. Its
addresses are those of loopback servers, from the environment; fal_client reads FAL_QUEUE_RUN_HOST itself.
"""

import io
import os
import time
from collections.abc import Callable, Coroutine
from typing import Any

import discord
import fal_client
import httpx
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

ENDPOINT = "fal-ai/nano-banana-2"


class NaiveBot(discord.Client):
    """One command."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.default())
        self.tree = app_commands.CommandTree(self)
        self.tree.command(description="Make an image")(imagine)

    async def setup_hook(self) -> None:
        await self.tree.sync()


async def imagine(interaction: discord.Interaction, prompt: str, images: int = 1) -> None:
    """Everything in one go."""
    await interaction.response.defer(thinking=True)
    result: dict[str, Any] = await fal_client.subscribe_async(
        ENDPOINT,
        arguments={"prompt": prompt, "num_images": images},
        with_logs=True,
        on_queue_update=progress(interaction, prompt),
    )
    files: list[discord.File] = []
    async with httpx.AsyncClient() as http:
        for number, image in enumerate(result["images"]):
            response = await http.get(image["url"])
            files.append(discord.File(io.BytesIO(response.content), f"image{number}.png"))
    await interaction.edit_original_response(content=f"**{prompt}**", attachments=files)


def progress(interaction: discord.Interaction, prompt: str) -> Callable[[fal_client.Status], Coroutine[Any, Any, None]]:
    """What fal_client awaits at every update."""
    began = time.monotonic()

    async def update(status: fal_client.Status) -> None:
        match status:
            case fal_client.Queued(position=position):
                said = f"Waiting in line, {position} ahead"
            case fal_client.InProgress():
                said = f"Generating, {time.monotonic() - began:.0f} s"
            case _:
                said = "Done"
        await interaction.edit_original_response(content=f"**{prompt}**\n{said}")

    return update


def main() -> None:
    """Until it is killed."""
    Route.BASE = os.environ["DISCORD_API_URL"]
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD_GATEWAY_URL"])
    NaiveBot().run(os.environ["DISCORD_TOKEN"], log_level=30)


if __name__ == "__main__":
    main()
