"""Messages come into being, change and go; everyone who may know is told through the gateway."""

import copy
from collections.abc import Callable

from tests.loopback.discord_bodies import Body
from tests.loopback.discord_errors import DiscordError
from tests.loopback.discord_files import Cdn
from tests.loopback.discord_forms import Draft, check_form
from tests.loopback.discord_interaction import Interaction
from tests.loopback.discord_mentions import apply_mentions
from tests.loopback.discord_state import (
    EPHEMERAL,
    Attachment,
    Channel,
    Json,
    Message,
    Person,
    World,
    flatten_components,
)

Announce = Callable[[str, Message], None]  # event name, message


class Board:
    """The only place that writes messages."""

    def __init__(self, world: World, cdn: Cdn, announce: Announce) -> None:
        self.world = world
        self.cdn = cdn
        self._announce = announce
        self.pictured: list[Message] = []  # the bot's messages with files, in the order the files came

    def post(
        self,
        channel: Channel,
        body: Body,
        form: Json,
        *,
        author: Person | None = None,
        reference: Message | None = None,
        interaction: Interaction | None = None,
        kind: int = 0,
        file_limit: int,
    ) -> Message:
        """Create a message; file_limit is in bytes per file. The author is the bot unless given."""
        check_file_sizes(body, file_limit)
        draft = check_form(form, body.files)
        message = Message(
            id=self.world.clock.snowflake(),
            channel=channel,
            author=author or self.world.bot,
            created_at=self.world.clock.now(),
            kind=kind,
            reference=reference,
            interaction=interaction,
            nonce=form.get("nonce"),
        )
        self._apply(message, draft)
        if interaction is None:
            message.flags &= ~EPHEMERAL
        elif message.ephemeral:
            message.visible_to = interaction.person
        message.allowed_mentions = form.get("allowed_mentions")
        apply_mentions(self.world, message, message.allowed_mentions, notify=True)
        self.add(message)
        return message

    def add(self, message: Message) -> None:
        self.world.messages[message.id] = message
        message.channel.messages[message.id] = message
        self._tell("MESSAGE_CREATE", message)

    def edit(self, message: Message, body: Body, form: Json, *, file_limit: int) -> None:
        check_file_sizes(body, file_limit)
        draft = check_form(form, body.files, message)
        was_loading = message.loading
        self._apply(message, draft)
        message.edited_at = None if was_loading else self.world.clock.now()
        message.edits += 1
        message.allowed_mentions = form.get("allowed_mentions")
        apply_mentions(self.world, message, message.allowed_mentions, notify=was_loading)
        self._tell("MESSAGE_UPDATE", message)

    def delete(self, message: Message) -> None:
        message.deleted = True
        message.channel.messages.pop(message.id, None)
        self._tell("MESSAGE_DELETE", message)

    def _apply(self, message: Message, draft: Draft) -> None:
        by_bot = message.author is self.world.bot
        added = [
            self.cdn.store(upload, message.channel.id, by_bot=by_bot, description=description)
            for upload, description in draft.new
        ]
        message.attachments = draft.kept + added
        if added and by_bot and message.pictured_at is None:
            message.pictured_at = self.world.clock.now()
            self.pictured.append(message)
        message.content = draft.content
        message.flags = draft.flags
        message.embeds = [_resolved_embed(embed, message.attachments) for embed in draft.embeds]
        message.components = _resolved_components(draft.components, message.attachments)

    def _tell(self, event: str, message: Message) -> None:
        verb = {"MESSAGE_CREATE": "says", "MESSAGE_UPDATE": "edits", "MESSAGE_DELETE": "deletes"}[event]
        who = f"{message.author.name}{' (only to ' + message.visible_to.name + ')' if message.visible_to else ''}"
        files = "".join(f" [{attachment.filename} {attachment.size} bytes]" for attachment in message.attachments)
        text = "(thinking)" if message.loading else message.text
        buttons = "".join(f" ({button.get('label') or button.get('custom_id')})" for button in message.buttons)
        where = message.channel.name or "DM"
        self.world.tell(f"#{where} {who} {verb} {message.id}: {text!r}{files}{buttons}")
        if message.visible_to is None:
            self._announce(event, message)


def check_file_sizes(body: Body, limit: int) -> None:
    if any(len(upload.data) > limit for upload in body.files.values()):
        raise DiscordError(40005)


def _media(url: str, attachments: list[Attachment]) -> Json:
    """Resolve a media reference: attachment:// and our own CDN URLs know their attachment."""
    name = url.removeprefix("attachment://")
    for attachment in attachments:
        named = url.startswith("attachment://") and attachment.filename == name
        if named or url == attachment.url:
            return {
                "id": str(attachment.id),
                "url": attachment.url,
                "proxy_url": attachment.url,
                "width": attachment.width,
                "height": attachment.height,
                "content_type": attachment.content_type,
                "attachment_id": str(attachment.id),
                "loading_state": 2,
                "flags": 0,
            }
    return {"id": "0", "url": url, "proxy_url": url, "width": None, "height": None, "content_type": None, "flags": 0}


def _resolved_embed(embed: Json, attachments: list[Attachment]) -> Json:
    resolved: Json = {"type": "rich"} | copy.deepcopy(embed)
    for key in ("image", "thumbnail"):
        if resolved.get(key):
            media = _media(resolved[key]["url"], attachments)
            resolved[key] = {name: media[name] for name in media if name not in {"id", "loading_state"}}
    return resolved


def _resolved_components(components: list[Json], attachments: list[Attachment]) -> list[Json]:
    resolved = copy.deepcopy(components)
    flat = flatten_components(resolved)
    taken = {part["id"] for part in flat if part.get("id")}
    free = iter(number for number in range(1, 10_000) if number not in taken)
    for part in flat:
        part["id"] = part.get("id") or next(free)
        for holder, key in [(part, "media"), (part, "file"), *((item, "media") for item in part.get("items", []))]:
            if isinstance(holder.get(key), dict):
                holder[key] = _media(str(holder[key]["url"]), attachments)
        if part["type"] == 13:
            stored = next((a for a in attachments if str(a.id) == part["file"].get("attachment_id")), None)
            part.update({"name": stored.filename, "size": stored.size} if stored else {})
    return resolved
