"""The world every loopback Discord starts with; its ids are fixed so that another process can name them."""

from tests.loopback.discord_permissions import MEMBER_PERMISSIONS, Permission
from tests.loopback.discord_state import Channel, Guild, Membership, Person, Role, World

APPLICATION_ID = 1100000000000000001
GUILD_ID = 1200000000000000001
CHANNEL_ID = 1300000000000000001  # general
ART_CHANNEL_ID = 1300000000000000002
MEMBER_ID = 1400000000000000001  # Ann
OTHER_MEMBER_ID = 1400000000000000002  # Ben
MODERATOR_ID = 1400000000000000003  # Mia, with Manage Messages
ADMIN_ID = 1400000000000000004  # Ada, with Administrator
MODERATOR_ROLE_ID = 1500000000000000001
ADMIN_ROLE_ID = 1500000000000000002
BOT_ROLE_ID = 1500000000000000003

JOINED_AT = 1_700_000_000.0


def bot_user() -> Person:
    return Person(id=APPLICATION_ID, name="Nano Banana", bot=True)


def seed(world: World) -> None:
    """Add one guild with two channels, two members, a moderator, an admin and the bot."""
    names = {MEMBER_ID: "Ann", OTHER_MEMBER_ID: "Ben", MODERATOR_ID: "Mia", ADMIN_ID: "Ada"}
    for person_id, name in names.items():
        world.people[person_id] = Person(id=person_id, name=name)
    roles = [
        Role(id=GUILD_ID, name="@everyone", permissions=MEMBER_PERMISSIONS, position=0),
        Role(id=MODERATOR_ROLE_ID, name="Moderator", permissions=Permission.MANAGE_MESSAGES),
        Role(id=ADMIN_ROLE_ID, name="Admin", permissions=Permission.ADMINISTRATOR, position=3),
        Role(id=BOT_ROLE_ID, name=world.bot.name, permissions=MEMBER_PERMISSIONS, position=2),
    ]
    guild = Guild(id=GUILD_ID, name="Loopback", owner_id=ADMIN_ID, roles={role.id: role for role in roles})
    given = {MODERATOR_ID: [MODERATOR_ROLE_ID], ADMIN_ID: [ADMIN_ROLE_ID], world.bot.id: [BOT_ROLE_ID]}
    for person_id in [*names, world.bot.id]:
        join(guild, world.people[person_id], given.get(person_id, []), JOINED_AT)
    world.guilds[guild.id] = guild
    for channel_id, name in {CHANNEL_ID: "general", ART_CHANNEL_ID: "art"}.items():
        world.channels[channel_id] = Channel(id=channel_id, name=name, guild=guild)


def join(guild: Guild, person: Person, role_ids: list[int], joined_at: float) -> None:
    guild.members[person.id] = Membership(person=person, role_ids=role_ids, joined_at=joined_at)
