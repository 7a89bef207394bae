"""Uploaded files: kept with their hash, served from signed CDN URLs."""

import hashlib
import io
import mimetypes
import warnings

from aiohttp import web
from PIL import Image

from tests.loopback.discord_bodies import Upload, stored_name
from tests.loopback.discord_state import Attachment, World

URL_LIFE_S = 24 * 3600


def guessed_type(upload: Upload) -> str:
    """Discord looks at the name, not at what the bot's multipart says."""
    if upload.content_type and upload.content_type != "application/octet-stream":
        return upload.content_type
    if upload.filename.endswith(".webp"):
        return "image/webp"
    return mimetypes.guess_type(upload.filename)[0] or "application/octet-stream"


def dimensions(data: bytes) -> tuple[int | None, int | None]:
    """Width and height from the image header; None for what is no image."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                return image.width, image.height
    except (OSError, Image.DecompressionBombError):
        return None, None


class Cdn:
    """The file store and its download route; what people upload is always kept, for the bot must read it."""

    folders = ("attachments", "ephemeral-attachments")

    def __init__(self, world: World, *, keep_bytes: bool) -> None:
        self.world = world
        self.keep_bytes = keep_bytes
        self.base_url = ""
        self.stored_bytes = 0

    def store(
        self,
        upload: Upload,
        owner_id: int,
        *,
        ephemeral: bool = False,
        by_bot: bool = False,
        description: str | None = None,
    ) -> Attachment:
        """Keep a file; owner_id is the channel, or the application for command and modal uploads."""
        attachment_id = self.world.clock.snowflake()
        filename = stored_name(upload.filename)
        folder = self.folders[ephemeral]
        issued = int(self.world.clock.now())
        sha256 = hashlib.sha256(upload.data).hexdigest()
        width, height = dimensions(upload.data)
        attachment = Attachment(
            id=attachment_id,
            filename=filename,
            size=len(upload.data),
            sha256=sha256,
            content_type=guessed_type(upload),
            url=f"{self.base_url}/{folder}/{owner_id}/{attachment_id}/{filename}"
            f"?ex={issued + URL_LIFE_S:x}&is={issued:x}&hm={sha256}&",
            width=width,
            height=height,
            description=description,
            ephemeral=ephemeral,
            data=upload.data if self.keep_bytes or not by_bot else None,
        )
        self.stored_bytes += len(upload.data)
        self.world.files[attachment_id] = attachment
        return attachment

    async def download(self, request: web.Request) -> web.Response:
        """Serve a file; a missing or wrong signature or one past its time is a 404, as at Discord."""
        attachment = self.world.files.get(int(request.match_info["attachment_id"]))
        gone = web.Response(status=404, text="This content is no longer available.")
        if attachment is None or attachment.data is None or request.query.get("hm") != attachment.sha256:
            return gone
        if self.world.clock.now() > int(request.query.get("ex", "0"), 16):
            return gone
        return web.Response(body=attachment.data, content_type=attachment.content_type)
