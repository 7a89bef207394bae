"""The gateway: hello, identify, ready, heartbeats, resume, and events pushed as JSON text frames."""

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from tests.loopback.discord_state import Channel, Guild, Json, Message, World
from tests.loopback.discord_wire import (
    guild_create_payload,
    member_payload,
    message_payload,
    partial_member_payload,
    user_payload,
)

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME, RECONNECT = 0, 1, 2, 3, 4, 6, 7
REQUEST_MEMBERS, INVALID_SESSION, HELLO, ACK = 8, 9, 10, 11
UNKNOWN_ERROR, AUTHENTICATION_FAILED, DISALLOWED_INTENTS = 4000, 4004, 4014
RESUME_WINDOW_S = 120.0
BACKLOG = 1000  # events kept for a resume


class Intent(IntFlag):
    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    DIRECT_MESSAGES = 1 << 12
    MESSAGE_CONTENT = 1 << 15


# The application flags (full or limited) without which an intent is refused.
PRIVILEGED = {
    Intent.GUILD_PRESENCES: 1 << 12 | 1 << 13,
    Intent.GUILD_MEMBERS: 1 << 14 | 1 << 15,
    Intent.MESSAGE_CONTENT: 1 << 18 | 1 << 19,
}


@dataclass(slots=True, eq=False)
class Session:
    """What a client resumes: its intents, its shard, its numbered events."""

    id: str
    intents: Intent
    shard: tuple[int, int]
    sequence: int = 0
    backlog: deque[tuple[int, str]] = field(default_factory=lambda: deque[tuple[int, str]](maxlen=BACKLOG))
    outbox: asyncio.Queue[str] | None = None  # None while no socket is attached
    detached_at: float = 0.0

    def send(self, event: str, data: Json) -> None:
        self.sequence += 1
        text = json.dumps({"op": DISPATCH, "t": event, "s": self.sequence, "d": data}, separators=(",", ":"))
        self.backlog.append((self.sequence, text))
        if self.outbox is not None:
            self.outbox.put_nowait(text)

    def covers(self, guild: Guild | None) -> bool:
        index, count = self.shard
        return (index == 0) if guild is None else (guild.id >> 22) % count == index

    def missed_since(self, sequence: int) -> list[str] | None:
        """The events after that number, or None when they are no longer kept."""
        missed = [text for number, text in self.backlog if number > sequence]
        return missed if len(missed) == self.sequence - sequence else None


class Gateway:
    """All sessions, attached or waiting for a resume."""

    def __init__(self, world: World, token: str, *, heartbeat_seconds: float = 41.25) -> None:
        self.world = world
        self.token = token
        self.heartbeat_seconds = heartbeat_seconds
        self.url = ""
        self.sessions: dict[str, Session] = {}
        self.identifies: list[Json] = []  # every IDENTIFY, the token left out
        self.resumes = 0
        self.heartbeats = 0
        self.unknown_opcodes: list[Any] = []
        self._sockets: dict[web.WebSocketResponse, web.Request] = {}
        self._changed = asyncio.Event()

    @property
    def attached(self) -> list[Session]:
        return [session for session in self.sessions.values() if session.outbox is not None]

    async def wait_until(self, ready: Callable[[], bool], within: float) -> None:
        """Wait until the condition holds; it is looked at after each change of connections. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while not ready():
                self._changed.clear()
                await self._changed.wait()

    def push(self, event: str, data: Json, *, guild: Guild | None, needs: Intent | None = None) -> bool:
        """Send an event to every session it concerns; False when there was none."""
        sessions = [s for s in self.sessions.values() if s.covers(guild) and (needs is None or needs & s.intents)]
        for session in sessions:
            session.send(event, data)
        return any(session.outbox is not None for session in sessions)

    def announce(self, event: str, message: Message) -> None:
        """Tell the sessions about a message, each in the form its intents allow."""
        channel, world = message.channel, self.world
        if not world.bot_is_in(channel):
            return
        needs = Intent.GUILD_MESSAGES if channel.guild else Intent.DIRECT_MESSAGES
        for session in self.sessions.values():
            if not (session.covers(channel.guild) and needs & session.intents):
                continue
            data: Json = {"id": str(message.id), "channel_id": str(channel.id)}
            if event != "MESSAGE_DELETE":
                data = message_payload(world, message, all_content=Intent.MESSAGE_CONTENT in session.intents)
                data |= _author_member(message)
            if channel.guild is not None:
                data["guild_id"] = str(channel.guild.id)
            session.send(event, data)

    async def disconnect(self, code: int = UNKNOWN_ERROR) -> None:
        """Close every socket; the sessions stay and can be resumed."""
        self._detach_all()
        await asyncio.gather(*(socket.close(code=code) for socket in list(self._sockets)))

    def abort(self) -> None:
        """Cut every socket without a close frame, as a dying network does."""
        self._detach_all()
        for request in list(self._sockets.values()):
            if request.transport is not None:
                request.transport.abort()

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        self._sockets[socket] = request
        session: Session | None = None
        outbox: asyncio.Queue[str] | None = None
        writer: asyncio.Task[None] | None = None
        try:
            await socket.send_json({"op": HELLO, "d": {"heartbeat_interval": int(self.heartbeat_seconds * 1000)}})
            async for frame in socket:
                if frame.type is not WSMsgType.TEXT:
                    continue
                packet: Json = json.loads(frame.data)
                if packet["op"] in (IDENTIFY, RESUME):
                    session = await self._open(socket, packet)
                    if session is not None and session.outbox is not None:
                        outbox = session.outbox
                        writer = asyncio.create_task(_write(socket, outbox), name=f"gateway-{session.id}")
                        self._changed.set()
                else:
                    await self._other(socket, session, packet)
        finally:
            self._sockets.pop(socket, None)
            if session is not None and session.outbox in (None, outbox):  # else it has been resumed meanwhile
                self._detach(socket, session)
            if writer is not None:
                writer.cancel()
        return socket

    def _detach(self, socket: web.WebSocketResponse, session: Session) -> None:
        """A session ends with a clean close by the client; any other end leaves it to be resumed."""
        by_client = session.outbox is not None
        session.outbox, session.detached_at = None, time.monotonic()
        if by_client and socket.close_code in (WSCloseCode.OK, WSCloseCode.GOING_AWAY):
            self.sessions.pop(session.id, None)
        self._changed.set()

    def _detach_all(self) -> None:
        for session in self.attached:
            session.outbox, session.detached_at = None, time.monotonic()
        self._changed.set()

    def _forget_old_sessions(self) -> None:
        horizon = time.monotonic() - RESUME_WINDOW_S
        self.sessions = {k: s for k, s in self.sessions.items() if s.outbox is not None or s.detached_at > horizon}

    async def _open(self, socket: web.WebSocketResponse, packet: Json) -> Session | None:
        asked: Json = packet["d"]
        if str(asked["token"]).removeprefix("Bot ") != self.token:
            await socket.close(code=AUTHENTICATION_FAILED, message=b"Authentication failed.")
            return None
        return await (self._identify if packet["op"] == IDENTIFY else self._resume)(socket, asked)

    async def _identify(self, socket: web.WebSocketResponse, asked: Json) -> Session | None:
        intents = Intent(asked["intents"])
        flags = self.world.application_flags
        if any(intent & intents and not flags & needed for intent, needed in PRIVILEGED.items()):
            await socket.close(code=DISALLOWED_INTENTS, message=b"Disallowed intent(s).")
            return None
        self._forget_old_sessions()
        self.identifies.append({key: value for key, value in asked.items() if key != "token"})
        shard = asked.get("shard") or [0, 1]
        session = Session(secrets.token_hex(16), intents, (shard[0], shard[1]), outbox=asyncio.Queue())
        self.sessions[session.id] = session
        guilds = [g for g in self.world.guilds.values() if self.world.bot.id in g.members and session.covers(g)]
        session.send("READY", self._ready(session, guilds))
        for guild in guilds if Intent.GUILDS in intents else []:
            with_members = Intent.GUILD_MEMBERS in intents
            session.send("GUILD_CREATE", guild_create_payload(self.world, guild, with_members=with_members))
        self.world.tell(f"(the bot came online, intents {int(intents)})")
        return session

    def _ready(self, session: Session, guilds: list[Guild]) -> Json:
        return {
            "v": 10,
            "user": user_payload(self.world.bot) | {"verified": True, "mfa_enabled": False, "email": None},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "shard": list(session.shard),
            "application": {"id": str(self.world.bot.id), "flags": self.world.application_flags},
            "private_channels": [],
            "relationships": [],
        }

    async def _resume(self, socket: web.WebSocketResponse, asked: Json) -> Session | None:
        session = self.sessions.get(asked["session_id"])
        missed = None if session is None else session.missed_since(asked["seq"] or 0)
        if session is None or missed is None:
            await socket.send_json({"op": INVALID_SESSION, "d": False})
            return None
        self.resumes += 1
        session.outbox = asyncio.Queue()
        for text in missed:
            session.outbox.put_nowait(text)
        session.send("RESUMED", {})
        return session

    async def _other(self, socket: web.WebSocketResponse, session: Session | None, packet: Json) -> None:
        opcode = packet["op"]
        if opcode == HEARTBEAT:
            self.heartbeats += 1
            await socket.send_json({"op": ACK})
        elif opcode == REQUEST_MEMBERS and session is not None:
            self._send_members(session, packet["d"])
        elif opcode not in (PRESENCE, VOICE):
            self.unknown_opcodes.append(packet)

    def _send_members(self, session: Session, asked: Json) -> None:
        guild = self.world.guilds[int(asked["guild_id"])]
        wanted = {int(user_id) for user_id in _as_list(asked.get("user_ids"))}
        query = str(asked.get("query") or "").lower()
        members = [m for m in guild.members.values() if not wanted or m.person.id in wanted]
        found = [member_payload(m) for m in members if m.person.name.lower().startswith(query)]
        chunk = {"guild_id": str(guild.id), "members": found, "chunk_index": 0, "chunk_count": 1, "not_found": []}
        session.send("GUILD_MEMBERS_CHUNK", chunk | {"nonce": asked.get("nonce")})


def _as_list(value: Any) -> list[Any]:  # noqa: ANN401 - wire JSON: one id or several
    return list(value) if isinstance(value, list) else [value] if value else []  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - wire JSON


async def _write(socket: web.WebSocketResponse, outbox: asyncio.Queue[str]) -> None:
    while True:
        try:
            await socket.send_str(await outbox.get())
        except ConnectionError:
            return


def _author_member(message: Message) -> Json:
    channel: Channel = message.channel
    if channel.guild is None or message.author.id not in channel.guild.members:
        return {}
    return {"member": partial_member_payload(channel.guild.members[message.author.id])}
