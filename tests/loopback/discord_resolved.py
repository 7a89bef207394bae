"""The resolved part of interaction data: the objects behind the ids."""

from tests.loopback.discord_state import Attachment, Channel, Json, Message, Person, Role, World
from tests.loopback.discord_wire import (
    attachment_payload,
    interaction_channel_payload,
    message_payload,
    partial_member_payload,
    role_payload,
    user_payload,
)


class Resolved:
    def __init__(self, world: World, channel: Channel, person: Person) -> None:
        self.world = world
        self.channel = channel
        self.person = person
        self.maps: dict[str, Json] = {}

    def find(self, thing: Person | Channel | Role | int | str) -> Person | Channel | Role:
        """Return the thing itself, or what an id stands for."""
        if not isinstance(thing, int | str):
            return thing
        identity = int(thing)
        roles = self.channel.guild.roles if self.channel.guild else {}
        return self.world.people.get(identity) or roles.get(identity) or self.world.channels[identity]

    def entity(self, thing: Person | Channel | Role) -> str:
        """Add a person, channel or role and return its id."""
        key = str(thing.id)
        if isinstance(thing, Person):
            self._put("users", key, user_payload(thing))
            membership = self.channel.guild.members.get(thing.id) if self.channel.guild else None
            if membership is not None:
                self._put("members", key, partial_member_payload(membership) | {"permissions": "0"})
        elif isinstance(thing, Role):
            self._put("roles", key, role_payload(thing))
        else:
            self._put("channels", key, interaction_channel_payload(self.world, thing, self.person))
        return key

    def attachment(self, attachment: Attachment) -> str:
        self._put("attachments", str(attachment.id), attachment_payload(attachment))
        return str(attachment.id)

    def message(self, message: Message) -> str:
        """Add the target of a context menu: always with its content (facts/discord.md part 2)."""
        payload = message_payload(self.world, message, all_content=True)
        self._put("messages", str(message.id), payload)
        return str(message.id)

    def _put(self, kind: str, key: str, payload: Json) -> None:
        self.maps.setdefault(kind, {})[key] = payload
