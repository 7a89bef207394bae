"""Discord's permission arithmetic."""

from enum import IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.loopback.discord_state import Channel, Guild, Person


class Permission(IntFlag):
    """The bits this server looks at."""

    NONE = 0
    ADMINISTRATOR = 1 << 3
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_APPLICATION_COMMANDS = 1 << 31
    SEND_MESSAGES_IN_THREADS = 1 << 38
    USE_EXTERNAL_APPS = 1 << 50


EVERYTHING = Permission((1 << 51) - 1)
MEMBER_PERMISSIONS = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.ADD_REACTIONS
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.USE_EXTERNAL_APPS
)
_TIMED_OUT = Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY
_NEEDS_SENDING = Permission.ATTACH_FILES | Permission.EMBED_LINKS | Permission.MENTION_EVERYONE


def in_guild(guild: "Guild", person: "Person") -> Permission:
    """Return what the roles give, before any channel has its say."""
    membership = guild.members.get(person.id)
    if membership is None:
        return Permission.NONE
    granted = guild.roles[guild.id].permissions
    for role_id in membership.role_ids:
        granted |= guild.roles[role_id].permissions
    everything = guild.owner_id == person.id or Permission.ADMINISTRATOR in granted
    return EVERYTHING if everything else granted


def in_channel(channel: "Channel", person: "Person", *, now: float) -> Permission:
    """Return the effective bits, overwrites, time-out and implicit denials included; now is in epoch seconds."""
    guild = channel.guild
    if guild is None:
        return MEMBER_PERMISSIONS | Permission.MENTION_EVERYONE
    granted = in_guild(guild, person)
    if granted == EVERYTHING or person.id not in guild.members:
        return granted
    granted = _with_overwrites(granted, channel.parent or channel, guild, person)
    if Permission.VIEW_CHANNEL not in granted:
        return Permission.NONE
    if guild.members[person.id].timed_out_until > now:
        return granted & _TIMED_OUT
    if not can_send(granted, channel):
        granted &= ~_NEEDS_SENDING
    return granted


def can_send(granted: Permission, channel: "Channel") -> bool:
    needed = Permission.SEND_MESSAGES_IN_THREADS if channel.parent else Permission.SEND_MESSAGES
    return needed in granted


def _with_overwrites(granted: Permission, channel: "Channel", guild: "Guild", person: "Person") -> Permission:
    everyone = channel.overwrites.get(guild.id)
    if everyone is not None:
        granted = (granted & ~everyone.deny) | everyone.allow
    allow = deny = Permission.NONE
    for role_id in guild.members[person.id].role_ids:
        overwrite = channel.overwrites.get(role_id)
        if overwrite is not None:
            allow |= overwrite.allow
            deny |= overwrite.deny
    granted = (granted & ~deny) | allow
    own = channel.overwrites.get(person.id)
    return granted if own is None else (granted & ~own.deny) | own.allow
