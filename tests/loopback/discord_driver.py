"""What people do: slash commands, clicks, forms, menus and messages."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.loopback.discord_admin import Admin
from tests.loopback.discord_bodies import Body, Upload
from tests.loopback.discord_callbacks import attachment_limit
from tests.loopback.discord_commands import (
    MESSAGE_MENU,
    SLASH,
    USER_MENU,
    NotPossibleError,
    Options,
    context_of,
    find_command,
)
from tests.loopback.discord_files import Cdn
from tests.loopback.discord_forms import MAX_ATTACHMENTS
from tests.loopback.discord_gateway import Gateway
from tests.loopback.discord_interaction import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL_SUBMIT, Interaction
from tests.loopback.discord_messages import Board
from tests.loopback.discord_modals import FormValues, bounds, fill_modal
from tests.loopback.discord_permissions import Permission, can_send, in_channel
from tests.loopback.discord_resolved import Resolved
from tests.loopback.discord_state import Channel, Json, Message, Person, World
from tests.loopback.discord_wire import (
    integration_owners,
    interaction_channel_payload,
    member_payload,
    message_payload,
    user_payload,
)

BUTTON, STRING_SELECT, SELECT_TYPES = 2, 3, (3, 5, 6, 7, 8)
REPLY_MESSAGE = 19


class Driver(Admin):
    """Acts of people. What no client would offer raises NotPossibleError."""

    def __init__(self, world: World, board: Board, gateway: Gateway, cdn: Cdn) -> None:
        super().__init__(world, gateway)
        self.board = board
        self.cdn = cdn

    async def slash(
        self,
        person: Person,
        channel: Channel,
        command: str,
        options: Mapping[str, Any] | None = None,
        *,
        attachments: Mapping[str, Upload] | None = None,
    ) -> Interaction:
        """Use a slash command; a subcommand is written "settings limits"."""
        name, *path = command.split()
        found = find_command(self.world, person, channel, SLASH, name)
        resolved = Resolved(self.world, channel, person)
        values = dict(options or {})
        for option, upload in (attachments or {}).items():
            self._check_upload(person, channel, upload)
            values[option] = self.cdn.store(upload, self.world.bot.id, ephemeral=True)
        data = _command_data(found, Options(resolved).build(found, path, values), resolved)
        return self._interact(COMMAND, person, channel, f"/{command}", data)

    async def autocomplete(
        self, person: Person, channel: Channel, command: str, options: Mapping[str, Any], *, focus: str
    ) -> Interaction:
        """Type into the option named by focus; options holds its text and what is filled in already.

        first_response() carries the choices.
        """
        name, *path = command.split()
        found = find_command(self.world, person, channel, SLASH, name)
        resolved = Resolved(self.world, channel, person)
        data = _command_data(found, Options(resolved, focus=focus).build(found, path, dict(options)), resolved)
        return self._interact(AUTOCOMPLETE, person, channel, f"/{command} {focus}: {options[focus]!r}", data)

    async def context_menu(
        self, person: Person, target: Message | Person, name: str, *, channel: Channel | None = None
    ) -> Interaction:
        """Use "Apps > name" on a message, or on a person in a channel."""
        if isinstance(target, Message):
            self._check_visible(person, target)
            place = target.channel
        else:
            place = channel
        if place is None:
            raise NotPossibleError("a user menu needs the channel it is opened in")
        kind = MESSAGE_MENU if isinstance(target, Message) else USER_MENU
        found = find_command(self.world, person, place, kind, name)
        resolved = Resolved(self.world, place, person)
        target_id = resolved.message(target) if isinstance(target, Message) else resolved.entity(target)
        data = _command_data(found, [], resolved) | {"target_id": target_id}
        return self._interact(COMMAND, person, place, f"menu {name!r}", data)

    async def click(self, person: Person, message: Message, button: str) -> Interaction:
        """Click a button, found by its custom_id or else by its label."""
        component = self._component(person, message, button, (BUTTON,))
        if "custom_id" not in component:
            raise NotPossibleError(f"{button!r} is a link")
        data = {"custom_id": component["custom_id"], "component_type": BUTTON, "id": component["id"]}
        return self._interact(COMPONENT, person, message.channel, f"button {button!r}", data, source=message)

    async def choose(self, person: Person, message: Message, custom_id: str, values: Sequence[Any]) -> Interaction:
        """Choose in a select menu: strings, or people, roles and channels for the typed ones."""
        select = self._component(person, message, custom_id, SELECT_TYPES)
        resolved = Resolved(self.world, message.channel, person)
        chosen = choose_values(select, values, resolved)
        data: Json = {"custom_id": select["custom_id"], "component_type": select["type"], "id": select["id"]}
        data |= {"values": chosen, "resolved": resolved.maps}
        return self._interact(COMPONENT, person, message.channel, f"select {custom_id!r}", data, source=message)

    async def submit_modal(
        self,
        opened_by: Interaction,
        values: Mapping[str, Any] | None = None,
        *,
        attachments: Mapping[str, Sequence[Upload]] | None = None,
    ) -> Interaction:
        """Send the form an interaction opened; fields go by custom_id or label, defaults are kept."""
        if opened_by.answer is None or not opened_by.answer.opens_modal:
            raise NotPossibleError(f"{opened_by.label} opened no form")
        person, channel, modal = opened_by.person, opened_by.channel, opened_by.answer.data
        resolved = Resolved(self.world, channel, person)
        filled: dict[str, Any] = dict(values or {})
        for field, uploads in (attachments or {}).items():
            for upload in uploads:
                self._check_upload(person, channel, upload)
            filled[field] = [self.cdn.store(upload, self.world.bot.id, ephemeral=True) for upload in uploads]
        data: Json = {"custom_id": modal["custom_id"], "components": fill_modal(modal, FormValues(filled, resolved))}
        data["resolved"] = resolved.maps
        label = f"form {modal['title']!r}"
        source = opened_by.source
        return self._interact(MODAL_SUBMIT, person, channel, label, data, source=source, opened_by=opened_by)

    async def say(
        self,
        person: Person,
        channel: Channel,
        content: str = "",
        *,
        reply_to: Message | None = None,
        attachments: Sequence[Upload] = (),
        ping_reply: bool = True,
    ) -> Message:
        """Write a message; a reply pings its author unless told otherwise, as in the client."""
        granted = in_channel(channel, person, now=self.world.clock.now())
        if channel.guild is None and channel.recipient is not person:
            raise NotPossibleError(f"{person.name} is not in this DM")
        if not can_send(granted, channel):
            raise NotPossibleError(f"{person.name} may not write in #{channel.name}")
        if len(attachments) > MAX_ATTACHMENTS:
            raise NotPossibleError("at most 10 files")
        allowed = {"parse": ["users", "roles", "everyone"], "replied_user": ping_reply}
        body = Body({"content": content, "allowed_mentions": allowed}, dict(enumerate(attachments)))
        kind = 0 if reply_to is None else REPLY_MESSAGE
        limit = attachment_limit(channel, person)
        return self.board.post(
            channel, body, body.form(), author=person, reference=reply_to, kind=kind, file_limit=limit
        )

    async def delete_message(self, message: Message) -> None:
        """Someone who may deletes a message; an ephemeral one is dismissed without a word to the bot."""
        self.board.delete(message)

    # -- how it reaches the bot ----------------------------------------------------------------------------------

    def _interact(
        self,
        kind: int,
        person: Person,
        channel: Channel,
        label: str,
        data: Json,
        *,
        source: Message | None = None,
        opened_by: Interaction | None = None,
    ) -> Interaction:
        interaction = Interaction(
            id=self.world.clock.snowflake(),
            kind=kind,
            person=person,
            channel=channel,
            label=label,
            created_at=self.world.clock.now(),
            data=data,
            source=source,
            opened_by=opened_by,
        )
        self.world.interactions[interaction.id] = interaction
        self.world.interactions_by_token[interaction.token] = interaction
        self.world.tell(f"#{channel.name or 'DM'} {person.name} uses {label}")
        payload = self._payload(interaction)
        guild = channel.guild if self.world.bot_is_in(channel) else None
        interaction.delivered = self.gateway.push("INTERACTION_CREATE", payload, guild=guild)
        return interaction

    def _payload(self, interaction: Interaction) -> Json:
        world, person, channel = self.world, interaction.person, interaction.channel
        now = world.clock.now()
        speaker = world.bot if world.bot_is_in(channel) else person
        payload: Json = {
            "id": str(interaction.id),
            "application_id": str(world.bot.id),
            "type": interaction.kind,
            "token": interaction.token,
            "version": 1,
            "data": interaction.data,
            "channel_id": str(channel.id),
            "channel": interaction_channel_payload(world, channel, person),
            "locale": person.locale,
            "app_permissions": str(int(in_channel(channel, speaker, now=now))),
            "attachment_size_limit": attachment_limit(channel, person),
            "authorizing_integration_owners": integration_owners(world, channel, person),
            "context": context_of(channel),
            "entitlements": [],
        }
        if channel.guild is None:
            payload["user"] = user_payload(person)
        else:
            permissions = str(int(in_channel(channel, person, now=now)))
            payload |= {
                "guild_id": str(channel.guild.id),
                "guild": {"id": str(channel.guild.id), "locale": channel.guild.locale, "features": []},
                "guild_locale": channel.guild.locale,
                "member": member_payload(channel.guild.members[person.id]) | {"permissions": permissions},
            }
        if interaction.source is not None:
            payload["message"] = message_payload(world, interaction.source, all_content=False)
        return payload

    # -- what a client would not let through -----------------------------------------------------------------------

    def _check_visible(self, person: Person, message: Message) -> None:
        if message.deleted:
            raise NotPossibleError(f"message {message.id} is gone")
        if message.visible_to not in (None, person):
            raise NotPossibleError(f"{person.name} cannot see the ephemeral message {message.id}")
        granted = in_channel(message.channel, person, now=self.world.clock.now())
        if Permission.VIEW_CHANNEL not in granted:
            raise NotPossibleError(f"{person.name} cannot see #{message.channel.name}")

    def _check_upload(self, person: Person, channel: Channel, upload: Upload) -> None:
        limit = attachment_limit(channel, person)
        if len(upload.data) > limit:
            raise NotPossibleError(f"{upload.filename} has {len(upload.data)} bytes; {person.name} may upload {limit}")

    def _component(self, person: Person, message: Message, wanted: str, kinds: tuple[int, ...]) -> Json:
        self._check_visible(person, message)
        fitting = [part for part in message.flat_components() if part["type"] in kinds]
        by_id = [part for part in fitting if part.get("custom_id") == wanted]
        by_label = [part for part in fitting if wanted in (part.get("label"), part.get("placeholder"))]
        found = by_id or by_label
        if not found:
            there = [(part.get("label") or part.get("placeholder"), part.get("custom_id")) for part in fitting]
            raise NotPossibleError(f"no {wanted!r} on message {message.id}; there are {there}")
        if found[0].get("disabled"):
            raise NotPossibleError(f"{wanted!r} is greyed out")
        return found[0]


def choose_values(select: Json, values: Sequence[Any], resolved: Resolved) -> list[str]:
    """Check a choice against a select menu and return its wire values."""
    low, high = bounds(select)
    if not low <= len(values) <= high:
        raise NotPossibleError(f"{len(values)} values do not fit {low} to {high} of {select['custom_id']!r}")
    if select["type"] != STRING_SELECT:
        return [resolved.entity(value) for value in values]
    offered = [option["value"] for option in select["options"]]
    if strangers := [value for value in values if value not in offered]:
        raise NotPossibleError(f"{strangers} are not offered by {select['custom_id']!r}: {offered}")
    return list(values)


def _command_data(command: Json, options: list[Json], resolved: Resolved) -> Json:
    data: Json = {"id": command["id"], "name": command["name"], "type": command["type"]}
    if command.get("guild_id"):
        data["guild_id"] = command["guild_id"]
    if options:
        data["options"] = options
    if resolved.maps:
        data["resolved"] = resolved.maps
    return data
