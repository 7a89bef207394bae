"""A very small discord.py bot, to try the loopback Discord with.

`python -m tests.loopback.sketch_bot API_URL GATEWAY_URL TOKEN` runs it as its own process.
"""

import asyncio
import io
import re
import sys
from typing import Any, Self

import discord
import discord.gateway
import discord.http
import yarl
from discord import app_commands
from PIL import Image


def picture(colour: str = "yellow") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 16), colour).save(buffer, "PNG")
    return buffer.getvalue()


class Form(discord.ui.Modal, title="Try again"):
    def __init__(self) -> None:
        super().__init__(timeout=5)
        self.prompt = discord.ui.TextInput["Form"](default="a cat", max_length=100)
        self.upload = discord.ui.FileUpload["Form"](required=False, custom_id="upload")
        self.add_item(discord.ui.Label(text="Prompt", component=self.prompt))
        self.add_item(discord.ui.Label(text="Picture", component=self.upload))

    async def on_submit(self, interaction: discord.Interaction) -> None:
        sizes = [len(await attachment.read()) for attachment in self.upload.values]
        await interaction.response.send_message(f"{self.prompt.value} {sizes}", ephemeral=True)


class AgainButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=r"again:(?P<job>\d+)"):
    def __init__(self, job: int) -> None:
        super().__init__(discord.ui.Button(label="Again", custom_id=f"again:{job}"))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[Any], match: re.Match[str]
    ) -> Self:
        return cls(int(match["job"]))

    async def callback(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Form())


@app_commands.command(description="Draw: defer, progress in the response, the result in the channel.")
async def draw(
    interaction: discord.Interaction,
    prompt: str,
    image: discord.Attachment | None = None,
    count: app_commands.Range[int, 1, 4] = 1,
    model: str = "fast",
) -> None:
    await interaction.response.defer()
    size = len(await image.read()) if image else 0
    await interaction.edit_original_response(content=f"{prompt}: {size} bytes, {count} x {model}")
    channel = interaction.channel
    if not isinstance(channel, discord.TextChannel | discord.DMChannel):
        raise TypeError(channel)
    view = discord.ui.View(timeout=None).add_item(AgainButton(7))
    file = discord.File(io.BytesIO(picture()), "a cat.png", description="a cat")
    allowed = discord.AllowedMentions(users=[interaction.user])
    await channel.send(
        f"<@{interaction.user.id}> {prompt}", file=file, view=view, nonce="draw-7", allowed_mentions=allowed
    )


@draw.autocomplete("model")
async def suggest_models(_interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=name.title(), value=name) for name in ("fast", "fine") if typed in name]


@app_commands.command(description="A gallery, edited into the response.")
async def gallery(interaction: discord.Interaction) -> None:
    await interaction.response.defer()
    view = discord.ui.LayoutView(timeout=None)
    view.add_item(discord.ui.TextDisplay("Two pictures"))
    names = ("one.png", "two.png")
    items = [discord.MediaGalleryItem(f"attachment://{name}", description=name) for name in names]
    view.add_item(discord.ui.MediaGallery(*items))
    files = [discord.File(io.BytesIO(picture()), name) for name in names]
    await interaction.edit_original_response(view=view, attachments=files)


@app_commands.command(description="Answers when it is let.")
async def slow(interaction: discord.Interaction) -> None:
    if not isinstance(interaction.client, SketchBot):
        raise TypeError(interaction.client)
    await interaction.client.may_answer.wait()
    await interaction.response.send_message("at last", ephemeral=True)


@app_commands.command(description="For moderators.")
@app_commands.default_permissions(manage_messages=True)
@app_commands.guild_only()
async def rules(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("no rules", ephemeral=True)


@app_commands.context_menu(name="Describe image")
async def describe_image(interaction: discord.Interaction, message: discord.Message) -> None:
    await interaction.response.send_message(f"{message.content}: {[a.filename for a in message.attachments]}")


class SketchBot(discord.Client):
    """Remembers what it heard and what went wrong."""

    def __init__(self, *, message_content: bool = False) -> None:
        super().__init__(
            intents=discord.Intents(
                guilds=True, guild_messages=True, dm_messages=True, message_content=message_content
            ),
            allowed_mentions=discord.AllowedMentions.none(),
            guild_ready_timeout=0.05,
        )
        self.heard: list[discord.Message] = []
        self.failures: list[Exception] = []
        self.may_answer = asyncio.Event()
        self.tree = app_commands.CommandTree(self)
        self.tree.error(self._note_failure)
        commands: list[Any] = [draw, gallery, slow, rules, describe_image]  # outside a class their type stays open
        for command in commands:
            self.tree.add_command(command)

    async def setup_hook(self) -> None:
        self.add_dynamic_items(AgainButton)
        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        if message.author != self.user:
            self.heard.append(message)

    async def _note_failure(self, _interaction: discord.Interaction, error: Exception) -> None:
        self.failures.append(getattr(error, "original", error))


def main(api_url: str, gateway_url: str, token: str) -> None:
    discord.http.Route.BASE = api_url
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)
    SketchBot().run(token, log_handler=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
