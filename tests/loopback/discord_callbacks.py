"""The routes an interaction's token opens: the callback and the webhook messages."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.loopback.discord_bodies import Body, read_body
from tests.loopback.discord_components import ComponentRules
from tests.loopback.discord_door import Handler, Route
from tests.loopback.discord_errors import DiscordError, FormErrors, json_response
from tests.loopback.discord_interaction import (
    AUTOCOMPLETE,
    CHOICES,
    COMMAND,
    COMPONENT,
    DEFER,
    DEFER_UPDATE,
    MODAL,
    MODAL_SUBMIT,
    REPLY,
    UPDATE,
    Answer,
    Interaction,
)
from tests.loopback.discord_messages import Board
from tests.loopback.discord_permissions import Permission, can_send, in_channel
from tests.loopback.discord_state import EPHEMERAL, LOADING, Channel, Json, Message, Person, World
from tests.loopback.discord_wire import integration_owners, message_payload

USER_INSTALL_FOLLOWUPS = 5
SLASH_RESPONSE, MENU_RESPONSE = 20, 23

_ALLOWED = {
    COMMAND: {REPLY, DEFER, MODAL},
    COMPONENT: {REPLY, DEFER, DEFER_UPDATE, UPDATE, MODAL},
    AUTOCOMPLETE: {CHOICES},
    MODAL_SUBMIT: {REPLY, DEFER},
}


def attachment_limit(channel: Channel, person: Person) -> int:
    """Bytes per file in an interaction: the better of the guild's and the invoker's limit."""
    return max(person.upload_limit, channel.guild.file_limit if channel.guild else 0)


class InteractionRoutes:
    def __init__(self, world: World, board: Board, *, request_limit: int) -> None:
        self.world = world
        self.board = board
        self.request_limit = request_limit
        self._perform: dict[int, Callable[[Interaction, Body], Message | None]] = {
            REPLY: self._reply,
            DEFER: self._defer,
            DEFER_UPDATE: self._defer_update,
            UPDATE: self._update,
            CHOICES: self._choices,
            MODAL: self._modal,
        }

    def routes(self) -> list[Route]:
        hook = "/webhooks/{application_id}/{token}"
        table: list[tuple[str, str, str, Handler]] = [
            ("callback", "POST", "/interactions/{interaction_id}/{token}/callback", self.callback),
            ("create_followup", "POST", hook, self.create_followup),
        ]
        for name, path in (("original", "@original"), ("followup", "{message_id}")):
            table += [
                (f"get_{name}", "GET", f"{hook}/messages/{path}", self.get_message),
                (f"edit_{name}", "PATCH", f"{hook}/messages/{path}", self.edit_message),
                (f"delete_{name}", "DELETE", f"{hook}/messages/{path}", self.delete_message),
            ]
        return [
            Route(kind=kind, method=verb, path=path, handler=handler, needs_token=False)
            for kind, verb, path, handler in table
        ]

    # -- the first response --------------------------------------------------------------------------------------

    async def callback(self, request: web.Request) -> web.Response:
        body = await read_body(request, limit=self.request_limit)
        info, now = request.match_info, self.world.clock.now()
        interaction = self.world.interactions.get(int(info["interaction_id"]))
        if interaction is None or interaction.token != info["token"]:
            raise DiscordError(10062)
        if interaction.answer is not None:
            raise DiscordError(40060)
        if interaction.is_late(now):
            self.world.tell(
                f"(too late: {interaction.label} had been waiting for {now - interaction.created_at:.1f} s)"
            )
            raise DiscordError(10062)
        kind = self._checked_kind(interaction, body.json.get("type"))
        message = self._perform[kind](interaction, body)
        seconds = now - interaction.created_at
        interaction.settle(Answer(kind=kind, data=body.form("data"), seconds=seconds, message=message))
        if request.query.get("with_response") not in ("1", "true"):
            return web.Response(status=204)
        return json_response(self._callback_answer(interaction, kind, message))

    def _checked_kind(self, interaction: Interaction, kind: Any) -> int:  # noqa: ANN401 - wire JSON
        allowed = set(_ALLOWED[interaction.kind])
        if interaction.kind == MODAL_SUBMIT and interaction.source is not None:
            allowed |= {DEFER_UPDATE, UPDATE}
        if kind not in allowed:
            errors = FormErrors()
            message = f"Value must be one of {tuple(sorted(allowed))}; got {kind!r}."
            errors.add(("type",), "BASE_TYPE_CHOICES", message)
            errors.raise_if_any()
        return kind

    def _callback_answer(self, interaction: Interaction, kind: int, message: Message | None) -> Json:
        summary: Json = {"id": str(interaction.id), "type": interaction.kind}
        answer: Json = {"interaction": summary}
        summary["channel_id"] = str(interaction.channel.id)
        if interaction.channel.guild is not None:
            summary["guild_id"] = str(interaction.channel.guild.id)
        if message is not None:
            summary["response_message_id"] = str(message.id)
            summary["response_message_loading"] = message.loading
            summary["response_message_ephemeral"] = message.ephemeral
        if kind in (REPLY, UPDATE) and message is not None:
            answer["resource"] = {"type": kind, "message": self._wire(message)}
        return answer

    def _reply(self, interaction: Interaction, body: Body) -> Message:
        interaction.message = self._post(interaction, body, body.form("data"))
        return interaction.message

    def _defer(self, interaction: Interaction, body: Body) -> Message:
        flags = int(body.form("data").get("flags") or 0)
        if flags & ~EPHEMERAL:
            raise DiscordError(
                50035, {"data": {"flags": {"_errors": [{"code": "ONLY_EPHEMERAL", "message": "flags"}]}}}
            )
        self._check_channel(interaction)
        message = Message(
            id=self.world.clock.snowflake(),
            channel=interaction.channel,
            author=self.world.bot,
            created_at=self.world.clock.now(),
            kind=self._response_kind(interaction),
            flags=self._forced_flags(interaction) | flags | LOADING,
            interaction=interaction,
            reference=interaction.source,
        )
        message.visible_to = interaction.person if message.ephemeral else None
        interaction.message = message
        self.board.add(message)
        return message

    def _defer_update(self, interaction: Interaction, _body: Body) -> Message | None:
        interaction.message = interaction.source
        return interaction.message

    def _update(self, interaction: Interaction, body: Body) -> Message | None:
        interaction.message = interaction.source
        if interaction.source is not None:
            self.board.edit(interaction.source, body, body.form("data"), file_limit=self._file_limit(interaction))
        return interaction.source

    def _choices(self, interaction: Interaction, body: Body) -> None:
        choices: list[Json] = body.form("data").get("choices") or []
        errors = FormErrors()
        if len(choices) > 25:
            errors.add(("data", "choices"), "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
        for index, choice in enumerate(choices):
            for key in ("name", "value"):
                if not 1 <= len(str(choice.get(key, ""))) <= 100:
                    path = ("data", "choices", index, key)
                    errors.add(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
        errors.raise_if_any()
        self.world.tell(f"(suggestions for {interaction.label}: {[choice['name'] for choice in choices]})")

    def _modal(self, interaction: Interaction, body: Body) -> None:
        errors, data = FormErrors(), body.form("data")
        ComponentRules(errors, file_names=set()).check_modal(data)
        errors.raise_if_any()
        self.world.tell(f"(a form opens for {interaction.person.name}: {data['title']!r})")

    # -- webhook messages ----------------------------------------------------------------------------------------

    async def create_followup(self, request: web.Request) -> web.Response:
        body = await read_body(request, limit=self.request_limit)
        interaction = self._alive(request)
        original = interaction.message
        if (
            original is not None and original.loading and not original.deleted
        ):  # the deprecated way: it fills the waiting message
            form = {key: value for key, value in body.form().items() if key != "flags"}
            self.board.edit(original, body, form, file_limit=self._file_limit(interaction))
            return self._answer(original)
        owners = integration_owners(self.world, interaction.channel, interaction.person)
        if set(owners) == {"1"} and len(interaction.followups) >= USER_INSTALL_FOLLOWUPS:
            raise DiscordError(40094)
        message = self._post(interaction, body, body.form(), reference=original)
        interaction.followups.append(message)
        return self._answer(message)

    async def get_message(self, request: web.Request) -> web.Response:
        return self._answer(self._message(request, self._alive(request)))

    async def edit_message(self, request: web.Request) -> web.Response:
        body = await read_body(request, limit=self.request_limit)
        interaction = self._alive(request)
        message = self._message(request, interaction)
        self.board.edit(message, body, body.form(), file_limit=self._file_limit(interaction))
        return self._answer(message)

    async def delete_message(self, request: web.Request) -> web.Response:
        self.board.delete(self._message(request, self._alive(request)))
        return web.Response(status=204)

    def _alive(self, request: web.Request) -> Interaction:
        """Return the interaction of this token; before the callback the webhook does not exist yet."""
        interaction = self.world.interactions_by_token.get(request.match_info["token"])
        if interaction is None or interaction.answer is None:
            raise DiscordError(10015)
        code = interaction.dead_as(self.world.clock.now())
        if code is not None:
            raise DiscordError(code)
        return interaction

    def _message(self, request: web.Request, interaction: Interaction) -> Message:
        wanted = request.match_info.get("message_id")
        message = interaction.message if wanted is None else self.world.messages.get(int(wanted))
        if message is None or message.deleted or not interaction.owns(message):
            raise DiscordError(10008)
        return message

    def _post(self, interaction: Interaction, body: Body, form: Json, *, reference: Message | None = None) -> Message:
        self._check_channel(interaction)
        flags = int(form.get("flags") or 0) | self._forced_flags(interaction)
        return self.board.post(
            interaction.channel,
            body,
            form | {"flags": flags},
            reference=reference or interaction.source,
            interaction=interaction,
            kind=self._response_kind(interaction),
            file_limit=self._file_limit(interaction),
        )

    def _check_channel(self, interaction: Interaction) -> None:
        if interaction.channel.id not in self.world.channels:
            raise DiscordError(10003)

    def _forced_flags(self, interaction: Interaction) -> int:
        """A user-installed app may speak publicly only where its user may (facts/discord.md part 1)."""
        if self.world.bot_is_in(interaction.channel):
            return 0
        granted = in_channel(interaction.channel, interaction.person, now=self.world.clock.now())
        free = can_send(granted, interaction.channel) and Permission.USE_EXTERNAL_APPS in granted
        return 0 if free else EPHEMERAL

    def _response_kind(self, interaction: Interaction) -> int:
        if interaction.kind != COMMAND:
            return 0 if interaction.source is None else 19
        return SLASH_RESPONSE if interaction.data.get("type", 1) == 1 else MENU_RESPONSE

    def _file_limit(self, interaction: Interaction) -> int:
        return attachment_limit(interaction.channel, interaction.person)

    def _answer(self, message: Message) -> web.Response:
        return json_response(self._wire(message))

    def _wire(self, message: Message) -> Json:
        return message_payload(self.world, message, all_content=False)
