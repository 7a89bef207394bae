"""The error answers of Discord's API, by their JSON codes."""

import json
from typing import Any

from aiohttp import web

from tests.loopback.discord_state import Json

# Source: discord-api-docs topics/opcodes-and-status-codes (facts/discord.md parts 1 and 5)
ERRORS: dict[int, tuple[int, str]] = {
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    20009: (400, "Explicit content cannot be sent to the desired recipient(s)"),
    20016: (429, "This action cannot be performed due to slowmode rate limit"),
    30015: (400, "Maximum number of attachments in a message reached (10)"),
    30046: (400, "Maximum number of edits to messages older than 1 hour reached. Try again later"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    40094: (400, "Maximum number of follow-up messages for this interaction reached"),
    50001: (403, "Missing Access"),
    50003: (403, "Cannot execute action on a DM channel"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50013: (403, "Missing Permissions"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    130000: (503, "API resource is currently overloaded. Try again a little later"),
    160002: (400, "Cannot reply without permission to read message history"),
    200000: (400, "Message was blocked by automatic moderation"),
    240000: (400, "Message blocked by harmful links filter"),
    400001: (403, "Access to file uploads has been limited for this guild"),
}


class DiscordError(Exception):
    """A request Discord refuses."""

    def __init__(self, code: int, errors: Json | None = None) -> None:
        super().__init__(code, errors)
        self.status, self.message = ERRORS[code]
        self.code = code
        self.errors = errors

    def response(self) -> web.Response:
        body: Json = {"message": self.message, "code": self.code}
        if self.errors is not None:
            body["errors"] = self.errors
        return json_response(body, status=self.status)


class FormErrors:
    """Collects what is wrong with a body, nested the way Discord nests it."""

    def __init__(self) -> None:
        self.tree: Json = {}

    def add(self, path: tuple[str | int, ...], code: str, message: str) -> None:
        node = self.tree
        for step in path:
            node = node.setdefault(str(step), {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def raise_if_any(self) -> None:
        if self.tree:
            raise DiscordError(50035, self.tree)


def json_response(body: Any, *, status: int = 200) -> web.Response:  # noqa: ANN401 - any JSON value
    """Answer with Content-Type exactly application/json: discord.py reads anything else as text."""
    return web.Response(body=dump(body), status=status, headers={"Content-Type": "application/json"})


def dump(body: Any) -> bytes:  # noqa: ANN401 - any JSON value
    return json.dumps(body, separators=(",", ":")).encode()


def plain_error(status: int, message: str, code: int = 0) -> web.Response:
    return json_response({"message": message, "code": code}, status=status)
