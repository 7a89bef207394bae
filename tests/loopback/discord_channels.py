"""The bot's routes for channels and the messages in them."""

from aiohttp import web

from tests.loopback.discord_bodies import Body, read_body
from tests.loopback.discord_door import Handler, Route
from tests.loopback.discord_errors import DiscordError, FormErrors, json_response
from tests.loopback.discord_messages import Board
from tests.loopback.discord_permissions import Permission, can_send, in_channel
from tests.loopback.discord_state import MIB, Channel, Json, Message, World
from tests.loopback.discord_wire import channel_payload, message_payload

CONTENT_FLAGS = 1 << 18 | 1 << 19  # the portal's message-content toggle; REST looks at it, not at the intents
DM_FILE_LIMIT = 10 * MIB
REPLY_MESSAGE = 19


class ChannelRoutes:
    def __init__(self, world: World, board: Board, *, request_limit: int) -> None:
        self.world = world
        self.board = board
        self.request_limit = request_limit

    def routes(self) -> list[Route]:
        messages = "/channels/{channel_id}/messages"
        message = messages + "/{message_id}"
        table: list[tuple[str, str, str, Handler]] = [
            ("create_message", "POST", messages, self.create_message),
            ("list_messages", "GET", messages, self.list_messages),
            ("get_message", "GET", message, self.get_message),
            ("edit_message", "PATCH", message, self.edit_message),
            ("delete_message", "DELETE", message, self.delete_message),
            ("typing", "POST", "/channels/{channel_id}/typing", self.typing),
            ("get_channel", "GET", "/channels/{channel_id}", self.get_channel),
            ("create_dm", "POST", "/users/@me/channels", self.create_dm),
        ]
        return [Route(kind=kind, method=verb, path=path, handler=handler) for kind, verb, path, handler in table]

    # -- messages ------------------------------------------------------------------------------------------------

    async def create_message(self, request: web.Request) -> web.Response:
        body = await read_body(request, limit=self.request_limit)
        form = body.form()
        channel = self._sendable(request, body)
        nonce: str | int | None = form.get("nonce")
        if nonce is not None and form.get("enforce_nonce"):
            earlier = self.world.recall_nonce(nonce)
            if earlier is not None and earlier.deleted:
                raise DiscordError(10008)
            if earlier is not None:
                return self._message_answer(earlier)
        reference = self._reference(channel, form)
        limit = channel.guild.file_limit if channel.guild else DM_FILE_LIMIT
        kind = 0 if reference is None else REPLY_MESSAGE
        message = self.board.post(channel, body, form, reference=reference, kind=kind, file_limit=limit)
        if nonce is not None:
            self.world.nonces[nonce] = message
        return self._message_answer(message)

    async def list_messages(self, request: web.Request) -> web.Response:
        channel = self._visible(request)
        if Permission.READ_MESSAGE_HISTORY not in self._granted(channel):
            return json_response([])  # Source: discord-api-docs, Get Channel Messages: "no messages will be returned"
        query = request.query
        limit = int(query.get("limit", "50"))
        if not 1 <= limit <= 100:
            errors = FormErrors()
            errors.add(("limit",), "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
            errors.raise_if_any()
        public = [message for message in channel.messages.values() if not message.ephemeral]
        if "after" in query:
            chosen = [m for m in public if m.id > int(query["after"])][:limit]
        elif "before" in query:
            chosen = [m for m in public if m.id < int(query["before"])][-limit:]
        elif "around" in query:
            middle, half = int(query["around"]), limit // 2
            earlier = [m for m in public if m.id < middle][-half:]
            chosen = earlier + [m for m in public if m.id >= middle][: limit - half]
        else:
            chosen = public[-limit:]
        return json_response([self._wire(message) for message in reversed(chosen)])

    async def get_message(self, request: web.Request) -> web.Response:
        channel = self._visible(request)
        if Permission.READ_MESSAGE_HISTORY not in self._granted(channel):
            raise DiscordError(50013)
        return self._message_answer(self._public_message(request, channel))

    async def edit_message(self, request: web.Request) -> web.Response:
        body = await read_body(request, limit=self.request_limit)
        channel = self._visible(request)
        message = self._public_message(request, channel)
        if message.author is not self.world.bot:
            raise DiscordError(50005)
        if channel.archived:
            raise DiscordError(50083)
        if body.files and Permission.ATTACH_FILES not in self._granted(channel):
            raise DiscordError(50013)
        limit = channel.guild.file_limit if channel.guild else DM_FILE_LIMIT
        self.board.edit(message, body, body.form(), file_limit=limit)
        return self._message_answer(message)

    async def delete_message(self, request: web.Request) -> web.Response:
        channel = self._visible(request)
        message = self._public_message(request, channel)
        if message.author is not self.world.bot:
            if channel.guild is None:
                raise DiscordError(50003)
            if Permission.MANAGE_MESSAGES not in self._granted(channel):
                raise DiscordError(50013)
        self.board.delete(message)
        return web.Response(status=204)

    def _reference(self, channel: Channel, form: Json) -> Message | None:
        asked: Json | None = form.get("message_reference")
        if asked is None:
            return None
        if Permission.READ_MESSAGE_HISTORY not in self._granted(channel):
            raise DiscordError(160002)
        target = channel.messages.get(int(asked["message_id"]))
        if (target is None or target.ephemeral) and asked.get("fail_if_not_exists", True):
            errors = FormErrors()
            errors.add(("message_reference",), "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
            errors.raise_if_any()
        return None if target is None or target.ephemeral else target

    def _message_answer(self, message: Message) -> web.Response:
        return json_response(self._wire(message))

    def _wire(self, message: Message) -> Json:
        return message_payload(self.world, message, all_content=bool(self.world.application_flags & CONTENT_FLAGS))

    # -- channels ------------------------------------------------------------------------------------------------

    async def typing(self, request: web.Request) -> web.Response:
        self._sendable(request, Body({}))
        return web.Response(status=204)

    async def get_channel(self, request: web.Request) -> web.Response:
        return json_response(channel_payload(self._visible(request)))

    async def create_dm(self, request: web.Request) -> web.Response:
        body = await read_body(request, limit=self.request_limit)
        person = self.world.people.get(int(body.json["recipient_id"]))
        if person is None:
            raise DiscordError(10013)
        if person.bot:
            raise DiscordError(50007)
        return json_response(channel_payload(self.world.dm(person)))

    def _granted(self, channel: Channel) -> Permission:
        return in_channel(channel, self.world.bot, now=self.world.clock.now())

    def _visible(self, request: web.Request) -> Channel:
        channel = self.world.channels.get(int(request.match_info["channel_id"]))
        if channel is None:
            raise DiscordError(10003)
        if not self.world.bot_is_in(channel) or Permission.VIEW_CHANNEL not in self._granted(channel):
            raise DiscordError(50001)
        return channel

    def _sendable(self, request: web.Request, body: Body) -> Channel:
        channel = self._visible(request)
        granted = self._granted(channel)
        if channel.recipient is not None and not channel.recipient.accepts_dms:
            raise DiscordError(50007)
        if not can_send(granted, channel) or (body.files and Permission.ATTACH_FILES not in granted):
            raise DiscordError(50013)
        if channel.archived:
            raise DiscordError(50083)
        return channel

    def _public_message(self, request: web.Request, channel: Channel) -> Message:
        message = channel.messages.get(int(request.match_info["message_id"]))
        if message is None or message.ephemeral:
            raise DiscordError(10008)
        return message
