"""What the loopback Discord knows: people, guilds, channels, messages and its clock."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.loopback.discord_permissions import Permission

if TYPE_CHECKING:
    from tests.loopback.discord_interaction import Interaction

Json: TypeAlias = dict[str, Any]

DISCORD_EPOCH_MS = 1_420_070_400_000
MIB = 1024 * 1024
GUILD_FILE_LIMITS = (10 * MIB, 10 * MIB, 50 * MIB, 100 * MIB)  # by boost tier; facts/discord.md part 5
NONCE_MEMORY_S = 300  # "the past few minutes" in Discord's words

EPHEMERAL = 1 << 6
LOADING = 1 << 7
SILENT = 1 << 12
IS_COMPONENTS_V2 = 1 << 15

TEXT_CHANNEL, DM_CHANNEL, PUBLIC_THREAD = 0, 1, 11
THREAD_TYPES = (10, 11, 12)


class Clock:
    """Real time plus an offset in seconds that a test may move; it also hands out snowflakes."""

    def __init__(self) -> None:
        self.offset = 0.0
        self._last_id = 0

    def now(self) -> float:
        return time.time() + self.offset

    def snowflake(self) -> int:
        """Return an id that is new, greater than the last one, and carries the server's time."""
        candidate = (int(self.now() * 1000) - DISCORD_EPOCH_MS) << 22
        self._last_id = max(candidate, self._last_id + 1)
        return self._last_id


@dataclass(slots=True, eq=False, kw_only=True, repr=False)
class Person:
    """A user, the bot included."""

    id: int
    name: str
    bot: bool = False
    locale: str = "en-US"
    upload_limit: int = 10 * MIB  # bytes; Nitro raises it
    accepts_dms: bool = True
    installed_app: bool = False  # the app is installed to this user

    def __repr__(self) -> str:
        return f"<{self.name} {self.id}>"


@dataclass(slots=True, eq=False, kw_only=True)
class Role:
    id: int
    name: str
    permissions: Permission
    position: int = 1
    mentionable: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class Membership:
    person: Person
    role_ids: list[int]
    joined_at: float
    timed_out_until: float = 0.0  # seconds since the epoch


@dataclass(slots=True, eq=False, kw_only=True, repr=False)
class Guild:
    id: int
    name: str
    owner_id: int
    roles: dict[int, Role]
    members: dict[int, Membership] = field(default_factory=dict[int, Membership])
    tier: int = 0
    locale: str = "en-US"

    def __repr__(self) -> str:
        return f"<guild {self.name} {self.id}>"

    @property
    def file_limit(self) -> int:
        """Bytes one uploaded file may have here."""
        return GUILD_FILE_LIMITS[self.tier]


@dataclass(slots=True, kw_only=True)
class Overwrite:
    """Allowed and denied bits of one role (is_member False) or one member in one channel."""

    is_member: bool
    allow: Permission = Permission.NONE
    deny: Permission = Permission.NONE


@dataclass(slots=True, eq=False, kw_only=True, repr=False)
class Channel:
    """A guild channel, a thread (parent set) or a DM with the bot (recipient set)."""

    id: int
    kind: int = TEXT_CHANNEL
    name: str = ""
    guild: Guild | None = None
    parent: "Channel | None" = None
    recipient: Person | None = None
    overwrites: dict[int, Overwrite] = field(default_factory=dict[int, Overwrite])
    nsfw: bool = False
    archived: bool = False
    messages: "dict[int, Message]" = field(default_factory=dict[int, "Message"])

    def __repr__(self) -> str:
        return f"<#{self.name or self.recipient} {self.id}>"


@dataclass(slots=True, eq=False, kw_only=True, repr=False)
class Attachment:
    """A file as Discord keeps it; data is None when the server was told to keep no bytes."""

    id: int
    filename: str
    size: int
    sha256: str
    content_type: str
    url: str
    width: int | None
    height: int | None
    description: str | None
    ephemeral: bool  # uploaded with a command or a modal
    data: bytes | None

    def __repr__(self) -> str:
        return f"<{self.filename} {self.size} bytes>"


@dataclass(slots=True, eq=False, kw_only=True, repr=False)
class Message:
    id: int
    channel: Channel
    author: Person
    created_at: float
    kind: int = 0  # 0 default, 19 reply, 20 slash response, 23 context menu response
    content: str = ""
    embeds: list[Json] = field(default_factory=list[Json])
    components: list[Json] = field(default_factory=list[Json])
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    flags: int = 0
    nonce: str | int | None = None
    edited_at: float | None = None
    edits: int = 0
    reference: "Message | None" = None
    mentioned: list[Person] = field(default_factory=list[Person])
    mentioned_roles: list[int] = field(default_factory=list[int])
    mentions_everyone: bool = False
    allowed_mentions: Json | None = None  # as last sent by the bot
    interaction: "Interaction | None" = None  # the one this message answers
    visible_to: Person | None = None  # set for ephemeral messages
    deleted: bool = False
    pictured_at: float | None = None  # when files first stood in it

    def __repr__(self) -> str:
        gone = " (deleted)" if self.deleted else ""
        return f"<message {self.id} by {self.author.name}: {self.text!r} {self.attachments}{gone}>"

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        return bool(self.flags & LOADING)

    def flat_components(self) -> list[Json]:
        """Every component, depth first, accessories included."""
        return flatten_components(self.components)

    @property
    def buttons(self) -> list[Json]:
        return [component for component in self.flat_components() if component["type"] == 2]

    @property
    def text(self) -> str:
        """All a reader sees as text: the content and every text display."""
        displays = [str(part["content"]) for part in self.flat_components() if part["type"] == 10]
        return "\n".join(filter(None, [self.content, *displays]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """One notification that really went out."""

    message_id: int
    kind: str  # user | role | everyone | reply
    target_id: int


def flatten_components(components: list[Json]) -> list[Json]:
    flat: list[Json] = []
    for component in components:
        flat.append(component)
        children: list[Json] = list(component.get("components") or [])
        children += [component[key] for key in ("accessory", "component") if isinstance(component.get(key), dict)]
        flat += flatten_components(children)
    return flat


class World:
    """Everything that exists, by id."""

    def __init__(self, bot: Person) -> None:
        self.clock = Clock()
        self.bot = bot
        self.people: dict[int, Person] = {bot.id: bot}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.messages: dict[int, Message] = {}
        self.interactions: dict[int, Interaction] = {}
        self.interactions_by_token: dict[str, Interaction] = {}
        self.files: dict[int, Attachment] = {}
        self.global_commands: list[Json] = []
        self.guild_commands: dict[int, list[Json]] = {}
        self.application_flags = 0
        self.pings: list[Ping] = []
        self.nonces: dict[str | int, Message] = {}
        self.transcript: deque[str] = deque(maxlen=50_000)

    def tell(self, line: str) -> None:
        """Write one line of the transcript that failing tests print."""
        self.transcript.append(f"{time.strftime('%H:%M:%S', time.gmtime(self.clock.now()))} {line}")

    def guild_channels(self, guild: Guild) -> list[Channel]:
        return [channel for channel in self.channels.values() if channel.guild is guild]

    def dm(self, person: Person) -> Channel:
        """Return the DM between this person and the bot, opening it if needed."""
        for channel in self.channels.values():
            if channel.recipient is person:
                return channel
        channel = Channel(id=self.clock.snowflake(), kind=DM_CHANNEL, recipient=person)
        self.channels[channel.id] = channel
        return channel

    def bot_is_in(self, channel: Channel) -> bool:
        return channel.guild is None or self.bot.id in channel.guild.members

    def recall_nonce(self, nonce: str | int) -> Message | None:
        """Return the bot's message that used this nonce within the last minutes, deleted or not."""
        message = self.nonces.get(nonce)
        if message is None or self.clock.now() - message.created_at > NONCE_MEMORY_S:
            return None
        return message
