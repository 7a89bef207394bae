"""From state to the JSON Discord sends."""

import datetime as dt

from tests.loopback.discord_interaction import Interaction
from tests.loopback.discord_permissions import in_channel
from tests.loopback.discord_state import (
    DM_CHANNEL,
    THREAD_TYPES,
    Attachment,
    Channel,
    Guild,
    Json,
    Membership,
    Message,
    Person,
    Role,
    World,
)


def timestamp(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat()


def user_payload(person: Person) -> Json:
    return {
        "id": str(person.id),
        "username": person.name.lower().replace(" ", "_"),
        "discriminator": "0",
        "global_name": None if person.bot else person.name,
        "avatar": None,
        "bot": person.bot,
        "flags": 0,
        "public_flags": 0,
        "primary_guild": None,
    }


def partial_member_payload(membership: Membership) -> Json:
    """A member without its user, as on messages and in resolved data."""
    until = membership.timed_out_until
    return {
        "roles": [str(role_id) for role_id in membership.role_ids],
        "nick": None,
        "avatar": None,
        "banner": None,
        "joined_at": timestamp(membership.joined_at),
        "premium_since": None,
        "communication_disabled_until": timestamp(until) if until else None,
        "pending": False,
        "deaf": False,
        "mute": False,
        "flags": 0,
    }


def member_payload(membership: Membership) -> Json:
    return partial_member_payload(membership) | {"user": user_payload(membership.person)}


def role_payload(role: Role) -> Json:
    return {
        "id": str(role.id),
        "name": role.name,
        "permissions": str(int(role.permissions)),
        "position": role.position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": role.mentionable,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }


def channel_payload(channel: Channel) -> Json:
    last = max(channel.messages, default=None)
    payload: Json = {
        "id": str(channel.id),
        "type": channel.kind,
        "flags": 0,
        "last_message_id": None if last is None else str(last),
    }
    if channel.kind == DM_CHANNEL and channel.recipient is not None:
        return payload | {"recipients": [user_payload(channel.recipient)]}
    payload |= {
        "name": channel.name,
        "position": 0,
        "topic": None,
        "nsfw": channel.nsfw,
        "rate_limit_per_user": 0,
        "parent_id": None if channel.parent is None else str(channel.parent.id),
        "permission_overwrites": [
            {
                "id": str(target),
                "type": int(overwrite.is_member),
                "allow": str(int(overwrite.allow)),
                "deny": str(int(overwrite.deny)),
            }
            for target, overwrite in channel.overwrites.items()
        ],
    }
    if channel.guild is not None:
        payload["guild_id"] = str(channel.guild.id)
    if channel.kind in THREAD_TYPES:
        payload |= _thread_fields(channel)
    return payload


def _thread_fields(channel: Channel) -> Json:
    return {
        "owner_id": str(channel.guild.owner_id) if channel.guild else None,
        "message_count": len(channel.messages),
        "member_count": 1,
        "thread_metadata": {
            "archived": channel.archived,
            "auto_archive_duration": 1440,
            "archive_timestamp": timestamp(0),
            "locked": False,
        },
    }


def interaction_channel_payload(world: World, channel: Channel, person: Person) -> Json:
    """The channel as an interaction carries it: with the invoker's permissions in it."""
    return channel_payload(channel) | {"permissions": str(int(in_channel(channel, person, now=world.clock.now())))}


def guild_payload(world: World, guild: Guild) -> Json:
    """A guild as REST gives it; GUILD_CREATE adds channels, threads and members."""
    return {
        "id": str(guild.id),
        "name": guild.name,
        "owner_id": str(guild.owner_id),
        "icon": None,
        "roles": [role_payload(role) for role in guild.roles.values()],
        "emojis": [],
        "stickers": [],
        "features": [],
        "premium_tier": guild.tier,
        "preferred_locale": guild.locale,
        "verification_level": 0,
        "default_message_notifications": 1,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "afk_timeout": 300,
        "approximate_member_count": len(guild.members),
        "application_id": str(world.bot.id) if world.bot.id in guild.members else None,
    }


def guild_create_payload(world: World, guild: Guild, *, with_members: bool) -> Json:
    """Without the members intent Discord sends the bot itself only."""
    channels = world.guild_channels(guild)
    members = [m for m in guild.members.values() if with_members or m.person is world.bot]
    return guild_payload(world, guild) | {
        "member_count": len(guild.members),
        "joined_at": timestamp(guild.members[world.bot.id].joined_at),
        "large": False,
        "unavailable": False,
        "channels": [channel_payload(c) for c in channels if c.kind not in THREAD_TYPES],
        "threads": [channel_payload(c) for c in channels if c.kind in THREAD_TYPES and not c.archived],
        "members": [member_payload(m) for m in members],
        "presences": [],
        "voice_states": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def attachment_payload(attachment: Attachment) -> Json:
    payload: Json = {
        "id": str(attachment.id),
        "filename": attachment.filename,
        "size": attachment.size,
        "url": attachment.url,
        "proxy_url": attachment.url,
        "content_type": attachment.content_type,
    }
    if attachment.width is not None and attachment.height is not None:
        payload |= {"width": attachment.width, "height": attachment.height}
    if attachment.description is not None:
        payload["description"] = attachment.description
    if attachment.ephemeral:
        payload["ephemeral"] = True
    return payload


def shown_attachments(message: Message) -> list[Attachment]:
    """The attachments that no embed and no component refers to (facts/discord.md part 3)."""
    used = {str(part) for part in _media_ids(message)}
    return [attachment for attachment in message.attachments if str(attachment.id) not in used]


def _media_ids(message: Message) -> list[str]:
    media: list[Json] = []
    for component in message.flat_components():
        media += [component[key] for key in ("media", "file") if key in component]
        media += [item["media"] for item in component.get("items", [])]
    media += [embed[key] for embed in message.embeds for key in ("image", "thumbnail") if key in embed]
    return [part["attachment_id"] for part in media if "attachment_id" in part]


def is_readable(world: World, message: Message) -> bool:
    """Whether the app may read it without the message-content intent (facts/discord.md part 2)."""
    return message.author is world.bot or message.channel.guild is None or world.bot in message.mentioned


def message_payload(world: World, message: Message, *, all_content: bool, nested: bool = False) -> Json:
    """A message as this app may see it; all_content is what the message-content intent gives."""
    payload: Json = {
        "id": str(message.id),
        "type": message.kind,
        "channel_id": str(message.channel.id),
        "author": user_payload(message.author),
        "content": message.content,
        "embeds": message.embeds,
        "attachments": [attachment_payload(attachment) for attachment in shown_attachments(message)],
        "components": message.components,
        "mentions": [user_payload(person) for person in message.mentioned],
        "mention_roles": [str(role_id) for role_id in message.mentioned_roles],
        "mention_everyone": message.mentions_everyone,
        "timestamp": timestamp(message.created_at),
        "edited_timestamp": None if message.edited_at is None else timestamp(message.edited_at),
        "flags": message.flags,
        "pinned": False,
        "tts": False,
    }
    if message.nonce is not None:
        payload["nonce"] = message.nonce
    if message.interaction is not None:
        payload |= _interaction_fields(world, message)
    if message.reference is not None:
        payload["message_reference"] = _reference_payload(message.reference)
        if not nested:
            payload["referenced_message"] = (
                None
                if message.reference.deleted
                else message_payload(world, message.reference, all_content=all_content, nested=True)
            )
    if not (all_content or is_readable(world, message)):
        payload |= {"content": "", "embeds": [], "attachments": [], "components": []}
    return payload


def _reference_payload(target: Message) -> Json:
    reference: Json = {"type": 0, "message_id": str(target.id), "channel_id": str(target.channel.id)}
    if target.channel.guild is not None:
        reference["guild_id"] = str(target.channel.guild.id)
    return reference


def _interaction_fields(world: World, message: Message) -> Json:
    interaction = message.interaction
    if interaction is None:
        return {}
    metadata = _interaction_metadata(world, interaction)
    if message is not interaction.message and interaction.message is not None:
        metadata["original_response_message_id"] = str(interaction.message.id)
    return {
        "application_id": str(world.bot.id),
        "webhook_id": str(world.bot.id),
        "interaction_metadata": metadata,
    }


def _interaction_metadata(world: World, interaction: "Interaction") -> Json:
    metadata: Json = {
        "id": str(interaction.id),
        "type": interaction.kind,
        "user": user_payload(interaction.person),
        "authorizing_integration_owners": integration_owners(world, interaction.channel, interaction.person),
    }
    if interaction.opened_by is not None:
        metadata["triggering_interaction_metadata"] = _interaction_metadata(world, interaction.opened_by)
    elif interaction.source is not None:
        metadata["interacted_message_id"] = str(interaction.source.id)
    return metadata


def integration_owners(world: World, channel: Channel, person: Person) -> Json:
    """Who installed the app that is used here: key 0 a guild, key 1 a user."""
    owners: Json = {}
    if world.bot_is_in(channel):
        owners["0"] = str(channel.guild.id) if channel.guild else "0"
    if person.installed_app:
        owners["1"] = str(person.id)
    return owners
