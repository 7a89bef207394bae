"""Who a text mentions and whom it really pings, allowed_mentions considered."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.loopback.discord_errors import FormErrors
from tests.loopback.discord_permissions import Permission, in_channel
from tests.loopback.discord_state import EPHEMERAL, SILENT, Json, Message, Person, Ping, World

_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_USER = re.compile(r"<@!?(\d{15,20})>")
_ROLE = re.compile(r"<@&(\d{15,20})>")
_EVERYONE = re.compile(r"@(everyone|here)\b")


@dataclass(slots=True)
class Mentions:
    people: list[Person] = field(default_factory=list[Person])
    roles: list[int] = field(default_factory=list[int])
    everyone: bool = False


def check_allowed_mentions(allowed: Json | None, errors: FormErrors) -> None:
    if allowed is None:
        return
    parse: list[str] = allowed.get("parse") or []
    for kind in ("users", "roles"):
        listed: list[Any] = allowed.get(kind) or []
        if kind in parse and listed:
            message = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            errors.add(("allowed_mentions",), "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message)
        if len(listed) > 100:
            errors.add(("allowed_mentions", kind), "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.")


def _allows(allowed: Json | None, kind: str) -> "Callable[[int], bool]":
    """Say for one kind (users, roles, everyone) which ids may be mentioned; None allows everything."""
    if allowed is None or kind in (allowed.get("parse") or []):
        return lambda _target: True
    listed: list[Any] = allowed.get(kind) or []
    ids = {int(target) for target in listed}
    return lambda target: target in ids


def find_mentions(world: World, message: Message, allowed: Json | None) -> Mentions:
    """Read the message's text as Discord does: code is not looked into, unknown ids are plain text."""
    text = _CODE.sub("", message.text)
    channel, guild = message.channel, message.channel.guild
    found = Mentions()
    allowed_users, allowed_roles = _allows(allowed, "users"), _allows(allowed, "roles")
    for user_id in map(int, _USER.findall(text)):
        person = world.people.get(user_id)
        if person is not None and person not in found.people and allowed_users(user_id):
            found.people.append(person)
    if guild is None:
        return found
    granted = in_channel(channel, message.author, now=world.clock.now())
    to_all = Permission.MENTION_EVERYONE in granted
    for role_id in map(int, _ROLE.findall(text)):
        role = guild.roles.get(role_id)
        if role is not None and (role.mentionable or to_all) and allowed_roles(role_id):
            found.roles.append(role_id)
    found.everyone = to_all and bool(_EVERYONE.search(text)) and _allows(allowed, "everyone")(0)
    return found


def replied_person(message: Message, allowed: Json | None) -> Person | None:
    """The author a reply mentions.

    Answering a slash response mentions nobody (facts/discord.md part 2: "It does not apply to replies to slash command
    responses").
    """
    target = message.reference
    if target is None or target.interaction is not None:
        return None
    pings = True if allowed is None else bool(allowed.get("replied_user", False))
    return target.author if pings else None


def apply_mentions(world: World, message: Message, allowed: Json | None, *, notify: bool) -> None:
    """Fill the message's mention fields; with notify also record who was really pinged (edits ping nobody)."""
    found = find_mentions(world, message, allowed)
    replied = replied_person(message, allowed)
    message.mentioned = found.people + ([replied] if replied and replied not in found.people else [])
    message.mentioned_roles = found.roles
    message.mentions_everyone = found.everyone
    if not notify or message.flags & (EPHEMERAL | SILENT):
        return
    reached = [(("reply" if p is replied else "user"), p.id) for p in message.mentioned if _can_hear(world, message, p)]
    reached += [("role", role_id) for role_id in found.roles]
    reached += [("everyone", message.channel.id)] if found.everyone else []
    world.pings += [Ping(message_id=message.id, kind=kind, target_id=target) for kind, target in reached]


def _can_hear(world: World, message: Message, person: Person) -> bool:
    if person is message.author:
        return False
    return Permission.VIEW_CHANNEL in in_channel(message.channel, person, now=world.clock.now())
