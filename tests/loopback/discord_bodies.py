"""Reading request bodies: JSON, or multipart with payload_json and files[n]."""

import json
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiohttp import BodyPartReader, hdrs, web

from tests.loopback.discord_errors import DiscordError
from tests.loopback.discord_state import Json

_CHUNK_BYTES = 256 * 1024
_FILE_FIELD = re.compile(r"files\[(\d+)]")


class Upload(NamedTuple):
    """A file on its way up; the content type is guessed from the name when left empty."""

    filename: str
    data: bytes
    content_type: str = ""


def stored_name(filename: str) -> str:
    """The name Discord gives a file, which is also the one attachment:// must use."""
    return re.sub(r"[^\w.\-]", "_", filename)


@dataclass(slots=True)
class Body:
    json: Json
    files: dict[int, Upload] = field(default_factory=dict[int, Upload])

    def form(self, key: str | None = None) -> Json:
        """Return the message form: the body itself, or the object under key."""
        found = self.json if key is None else self.json.get(key)
        return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType] - wire JSON


async def read_body(request: web.Request, *, limit: int) -> Body:
    """Read the whole body; one over limit bytes is drained, so that the refusal can be heard, and refused."""
    if request.content_type != "multipart/form-data":
        raw = await request.read()
        if len(raw) > limit:
            raise DiscordError(40005)
        return Body(parse_object(raw))
    body = Body({})
    left = limit
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise DiscordError(50109)
        data = await _read_part(part, left)
        left -= len(data)
        match = _FILE_FIELD.fullmatch(part.name or "")
        if match is not None:
            upload = Upload(part.filename or "unknown", bytes(data), part.headers.get(hdrs.CONTENT_TYPE, ""))
            body.files[int(match[1])] = upload
        elif part.name == "payload_json":
            body.json = parse_object(bytes(data))
    if left < 0:
        raise DiscordError(40005)
    return body


async def _read_part(part: BodyPartReader, left: int) -> bytearray:
    """Read one part; stop keeping bytes once they exceed what is left (one byte more tells the caller)."""
    data = bytearray()
    while chunk := await part.read_chunk(_CHUNK_BYTES):
        if len(data) <= max(left, 0):
            data += chunk
    return data


def parse_object(raw: bytes) -> Json:
    if not raw:
        return {}
    try:
        parsed: Any = json.loads(raw)
    except ValueError:
        raise DiscordError(50109) from None
    if isinstance(parsed, list):
        return {"list": parsed}
    if not isinstance(parsed, dict):
        raise DiscordError(50109)
    return parsed  # pyright: ignore[reportUnknownVariableType] - wire JSON
