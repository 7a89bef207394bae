"""Making and changing the world while it runs: guilds, channels, roles, and what the gateway says about it."""

from tests.loopback.discord_gateway import Gateway, Intent
from tests.loopback.discord_permissions import MEMBER_PERMISSIONS, Permission
from tests.loopback.discord_seed import join
from tests.loopback.discord_state import (
    DM_CHANNEL,
    MIB,
    PUBLIC_THREAD,
    TEXT_CHANNEL,
    Channel,
    Guild,
    Json,
    Overwrite,
    Person,
    Role,
    World,
)
from tests.loopback.discord_wire import channel_payload, guild_create_payload, member_payload, role_payload


class Admin:
    """Changes to the world. Each tells the connected bot what Discord would tell it."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        self.world = world
        self.gateway = gateway

    def seed_person(
        self,
        name: str,
        *,
        guild: Guild | None = None,
        role_ids: tuple[int, ...] = (),
        person_id: int | None = None,
        upload_limit: int = 10 * MIB,
        installed_app: bool = False,
    ) -> Person:
        """Add a person; with a guild also as its member."""
        person = Person(
            id=person_id or self.world.clock.snowflake(),
            name=name,
            upload_limit=upload_limit,
            installed_app=installed_app,
        )
        self.world.people[person.id] = person
        if guild is not None:
            join(guild, person, list(role_ids), self.world.clock.now())
            self._push_member(guild, person, "GUILD_MEMBER_ADD")
        return person

    def seed_guild(
        self, name: str, owner: Person, *, guild_id: int | None = None, with_bot: bool = True, tier: int = 0
    ) -> Guild:
        """Add a guild of owner; without the bot it is a place where only a user install can be used."""
        identity = guild_id or self.world.clock.snowflake()
        everyone = Role(id=identity, name="@everyone", permissions=MEMBER_PERMISSIONS, position=0)
        guild = Guild(id=identity, name=name, owner_id=owner.id, roles={identity: everyone}, tier=tier)
        self.world.guilds[identity] = guild
        join(guild, owner, [], self.world.clock.now())
        if with_bot:
            self.add_bot(guild)
        return guild

    def add_bot(self, guild: Guild) -> None:
        join(guild, self.world.bot, [], self.world.clock.now())
        for session in list(self.gateway.sessions.values()):
            if session.covers(guild):
                with_members = Intent.GUILD_MEMBERS in session.intents
                session.send("GUILD_CREATE", guild_create_payload(self.world, guild, with_members=with_members))

    def remove_bot(self, guild: Guild) -> None:
        """Kick the bot."""
        del guild.members[self.world.bot.id]
        self.gateway.push("GUILD_DELETE", {"id": str(guild.id)}, guild=guild, needs=Intent.GUILDS)

    def seed_role(
        self, guild: Guild, name: str, permissions: Permission = Permission.NONE, *, mentionable: bool = False
    ) -> Role:
        identity = self.world.clock.snowflake()
        role = Role(id=identity, name=name, permissions=permissions, mentionable=mentionable)
        guild.roles[role.id] = role
        data: Json = {"guild_id": str(guild.id), "role": role_payload(role)}
        self.gateway.push("GUILD_ROLE_CREATE", data, guild=guild, needs=Intent.GUILDS)
        return role

    def give_role(self, guild: Guild, person: Person, role: Role) -> None:
        guild.members[person.id].role_ids.append(role.id)
        self._push_member(guild, person, "GUILD_MEMBER_UPDATE")

    def seed_channel(
        self,
        guild: Guild,
        name: str,
        *,
        parent: Channel | None = None,
        nsfw: bool = False,
        channel_id: int | None = None,
    ) -> Channel:
        """Add a text channel, or with a parent a public thread."""
        channel = Channel(
            id=channel_id or self.world.clock.snowflake(),
            kind=TEXT_CHANNEL if parent is None else PUBLIC_THREAD,
            name=name,
            guild=guild,
            parent=parent,
            nsfw=nsfw,
        )
        self.world.channels[channel.id] = channel
        self._push_channel("CREATE", channel)
        return channel

    def dm(self, person: Person) -> Channel:
        """The direct message channel between a person and the bot."""
        return self.world.dm(person)

    def set_dms(self, person: Person, *, open_to_bot: bool) -> None:
        """Let a person take or refuse (50007) the bot's direct messages."""
        person.accepts_dms = open_to_bot

    def delete_channel(self, channel: Channel) -> None:
        del self.world.channels[channel.id]
        for message in channel.messages.values():
            message.deleted = True
        self._push_channel("DELETE", channel)

    def archive(self, thread: Channel, *, archived: bool = True) -> None:
        thread.archived = archived
        self._push_channel("UPDATE", thread)

    def set_overwrite(
        self,
        channel: Channel,
        target: Role | Person,
        *,
        allow: Permission = Permission.NONE,
        deny: Permission = Permission.NONE,
    ) -> None:
        """Allow or deny bits of one role or one member in one channel."""
        channel.overwrites[target.id] = Overwrite(is_member=isinstance(target, Person), allow=allow, deny=deny)
        self._push_channel("UPDATE", channel)

    def restrict_bot(self, channel: Channel, deny: Permission) -> None:
        """Take permissions from the bot in one channel."""
        self.set_overwrite(channel, self.world.bot, deny=deny)

    def _push_channel(self, change: str, channel: Channel) -> None:
        if channel.kind == DM_CHANNEL or not self.world.bot_is_in(channel):
            return
        noun = "CHANNEL" if channel.parent is None else "THREAD"
        self.gateway.push(f"{noun}_{change}", channel_payload(channel), guild=channel.guild, needs=Intent.GUILDS)

    def _push_member(self, guild: Guild, person: Person, event: str) -> None:
        if self.world.bot.id in guild.members:
            data = member_payload(guild.members[person.id]) | {"guild_id": str(guild.id)}
            self.gateway.push(event, data, guild=guild, needs=Intent.GUILD_MEMBERS)
