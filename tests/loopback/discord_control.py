"""Driving the loopback Discord from another process: `POST /_loopback/{method}` with keyword arguments as JSON.

Ids stand for people, channels, messages, guilds and interactions; a file is {"filename", "base64", "content_type"?}.
"""

import asyncio
import base64
import dataclasses
import inspect
from collections import Counter, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.loopback.discord_bodies import Upload, parse_object
from tests.loopback.discord_door import RequestLine
from tests.loopback.discord_errors import json_response
from tests.loopback.discord_interaction import Answer, Interaction
from tests.loopback.discord_permissions import Permission
from tests.loopback.discord_state import Attachment, Channel, Guild, Json, Message, Person, Ping, Role
from tests.loopback.discord_wire import attachment_payload, channel_payload

if TYPE_CHECKING:
    from tests.loopback.discord_server import LoopbackDiscord

METHODS = frozenset(
    {
        "slash", "autocomplete", "context_menu", "click", "choose", "submit_modal", "say", "delete_message",
        "seed_person", "seed_guild", "seed_channel", "seed_role", "give_role", "add_bot", "remove_bot",
        "delete_channel", "archive", "set_overwrite", "restrict_bot", "dm",
        "online", "offline", "messages", "told", "summary", "requests", "first_response", "wait_for_messages", "wait_for_pictures", "answers", "pictured", "interaction", "message",
        "fail_next", "clear_faults", "outage", "end_outage", "drop_gateway", "expire_token", "advance_clock", "set_dms",
    }
)  # fmt: skip


class Control:
    def __init__(self, discord: "LoopbackDiscord") -> None:
        self.discord = discord
        self.stopped = asyncio.Event()
        world = discord.world
        self._lookups: dict[str, Callable[[int], Any]] = {
            **dict.fromkeys(("person", "seen_by", "owner"), world.people.__getitem__),
            **dict.fromkeys(("channel", "parent", "thread"), world.channels.__getitem__),
            **dict.fromkeys(("message", "reply_to"), world.messages.__getitem__),
            **dict.fromkeys(("interaction", "opened_by"), world.interactions.__getitem__),
            **dict.fromkeys(("target", "role"), self._anything),
            **dict.fromkeys(("allow", "deny", "permissions"), Permission),
            "guild": world.guilds.__getitem__,
        }

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/_loopback/", self._about)
        app.router.add_post("/_loopback/stop", self._stop)
        app.router.add_post("/_loopback/{method}", self._call)

    async def _about(self, _request: web.Request) -> web.Response:
        discord = self.discord
        addresses = {"api_url": discord.api_url, "gateway_url": discord.gateway_url, "token": discord.token}
        return json_response(addresses | {"methods": sorted(METHODS)})

    async def _stop(self, _request: web.Request) -> web.Response:
        self.stopped.set()
        return json_response({"result": None})

    async def _call(self, request: web.Request) -> web.Response:
        name = request.match_info["method"]
        if name not in METHODS:
            return json_response({"error": f"no method {name!r}; there are {sorted(METHODS)}"}, status=404)
        method: Any = getattr(self.discord, name)
        try:
            arguments = parse_object(await request.read())
            named = {key: self._argument(key, value) for key, value in arguments.items()}
            result = method(**named) if callable(method) else method
            if inspect.isawaitable(result):
                result = await result
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            return json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        return json_response({"result": to_json(result)})

    def _argument(self, key: str, value: Any) -> Any:  # noqa: ANN401 - wire JSON in, a driver argument out
        if value is not None and key in self._lookups:
            return self._lookups[key](int(value))
        return _uploads(value) if key == "attachments" else value

    def _anything(self, identity: int) -> Message | Person | Role:
        world = self.discord.world
        roles = {role.id: role for guild in world.guilds.values() for role in guild.roles.values()}
        return world.messages.get(identity) or world.people.get(identity) or roles[identity]


def _uploads(value: Any) -> Any:  # noqa: ANN401 - one file, a list of files, or files by name
    if isinstance(value, list):
        return [_uploads(item) for item in value]  # pyright: ignore[reportUnknownVariableType] - wire JSON
    if "filename" in value:
        return Upload(value["filename"], base64.b64decode(value["base64"]), value.get("content_type", ""))
    return {name: _uploads(item) for name, item in value.items()}


def to_json(value: Any) -> Any:  # noqa: ANN401 - one return per kind of thing
    """Render a driver result."""
    match value:
        case Message():
            return message_json(value)
        case Interaction():
            return interaction_json(value)
        case Answer():
            return answer_json(value)
        case Channel():
            return channel_payload(value)
        case Person() | Role() | Guild():
            return {"id": str(value.id), "name": value.name}
        case Attachment():
            return attachment_payload(value) | {"sha256": value.sha256}
        case Ping() | RequestLine():
            return dataclasses.asdict(value)
        case list() | tuple() | deque():
            return [to_json(item) for item in value]  # pyright: ignore[reportUnknownVariableType] - any items
        case dict() | Counter():
            return {str(key): to_json(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - any items
        case _:
            return value


def message_json(message: Message) -> Json:
    """The message with all its content, plus what only this server knows."""
    return {
        "id": str(message.id),
        "channel_id": str(message.channel.id),
        "author_id": str(message.author.id),
        "kind": message.kind,
        "text": message.text,
        "content": message.content,
        "embeds": message.embeds,
        "components": message.components,
        "attachments": to_json(message.attachments),
        "flags": message.flags,
        "nonce": message.nonce,
        "ephemeral": message.ephemeral,
        "loading": message.loading,
        "deleted": message.deleted,
        "edits": message.edits,
        "visible_to": None if message.visible_to is None else str(message.visible_to.id),
        "reference_id": None if message.reference is None else str(message.reference.id),
        "created_at": message.created_at,
    }


def interaction_json(interaction: Interaction) -> Json:
    return {
        "id": str(interaction.id),
        "kind": interaction.kind,
        "label": interaction.label,
        "created_at": interaction.created_at,
        "delivered": interaction.delivered,
        "answer": None if interaction.answer is None else answer_json(interaction.answer),
        "message": None if interaction.message is None else message_json(interaction.message),
        "followups": [message_json(message) for message in interaction.followups],
    }


def answer_json(answer: Answer) -> Json:
    return {
        "kind": answer.kind,
        "data": answer.data,
        "seconds": answer.seconds,
        "message": None if answer.message is None else message_json(answer.message),
    }
