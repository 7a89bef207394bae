"""Looking at the loopback Discord: who is who, what stands where, what was asked of it, and waiting for it."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import TypeVar

from tests.loopback.discord_door import Door, RequestLine
from tests.loopback.discord_driver import Driver
from tests.loopback.discord_files import Cdn
from tests.loopback.discord_gateway import Gateway
from tests.loopback.discord_interaction import ANSWER_WITHIN_S, COMMAND, Answer, Interaction, NoAnswerError
from tests.loopback.discord_messages import Board
from tests.loopback.discord_seed import (
    ADMIN_ID,
    ART_CHANNEL_ID,
    CHANNEL_ID,
    GUILD_ID,
    MEMBER_ID,
    MODERATOR_ID,
    OTHER_MEMBER_ID,
)
from tests.loopback.discord_state import Channel, Guild, Json, Message, Person, Ping, World

POLL_S = 0.01

T = TypeVar("T")


class Watch(Driver):
    def __init__(self, world: World, board: Board, gateway: Gateway, cdn: Cdn, door: Door) -> None:
        super().__init__(world, board, gateway, cdn)
        self.door = door

    # -- the seeded world ----------------------------------------------------------------------------------------

    @property
    def bot(self) -> Person:
        return self.world.bot

    @property
    def guild(self) -> Guild:
        return self.world.guilds[GUILD_ID]

    @property
    def channel(self) -> Channel:
        """#general."""
        return self.world.channels[CHANNEL_ID]

    @property
    def art_channel(self) -> Channel:
        return self.world.channels[ART_CHANNEL_ID]

    @property
    def member(self) -> Person:
        """Ann."""
        return self.world.people[MEMBER_ID]

    @property
    def other_member(self) -> Person:
        """Ben."""
        return self.world.people[OTHER_MEMBER_ID]

    @property
    def moderator(self) -> Person:
        """Mia, who has Manage Messages."""
        return self.world.people[MODERATOR_ID]

    @property
    def admin(self) -> Person:
        """Ada, who owns the guild."""
        return self.world.people[ADMIN_ID]

    # -- waiting -------------------------------------------------------------------------------------------------

    async def online(self, within: float = 10.0) -> None:
        """Wait until a bot has identified and is connected. Raises NoAnswerError."""
        await self._connections(lambda: bool(self.gateway.attached), within, "no bot came online")

    async def offline(self, within: float = 10.0) -> None:
        """Wait until no bot is connected. Raises NoAnswerError."""
        await self._connections(lambda: not self.gateway.attached, within, "the bot was still connected")

    async def _connections(self, condition: Callable[[], bool], within: float, otherwise: str) -> None:
        try:
            await self.gateway.wait_until(condition, within)
        except TimeoutError:
            raise NoAnswerError(f"{otherwise} after {within} s\n{self.told()}") from None

    async def eventually(self, look: Callable[[], T | None], within: float = 5.0) -> T:
        """Return the first truthy result of look; NoAnswerError carries the transcript."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while not (seen := look()):
            if loop.time() > deadline:
                raise NoAnswerError(f"not seen within {within} s\n{self.told()}")
            await asyncio.sleep(POLL_S)
        return seen

    async def wait_for_messages(
        self, channel: Channel, count: int, *, seen_by: Person | None = None, within: float = 5.0
    ) -> list[Message]:
        """Return the messages of a channel once there are so many that have finished thinking."""

        def finished() -> list[Message] | None:
            found = [m for m in self.messages(channel, seen_by=seen_by) if not m.loading]
            return found if len(found) >= count else None

        return await self.eventually(finished, within)

    async def wait_for_pictures(self, count: int, within: float = 5.0) -> int:
        """Wait until the bot has put files into so many messages, but no longer than within; how many it were."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while len(self.board.pictured) < count:
            if loop.time() > deadline:
                break
            await asyncio.sleep(POLL_S)
        return len(self.board.pictured)

    async def first_response(self, interaction: Interaction, within: float = ANSWER_WITHIN_S) -> Answer:
        return await interaction.first_response(within)

    # -- looking -------------------------------------------------------------------------------------------------

    def messages(self, channel: Channel, *, seen_by: Person | None = None) -> list[Message]:
        """Return the messages standing in a channel, oldest first; ephemeral ones only for who sees them."""
        return [m for m in channel.messages.values() if m.visible_to is None or m.visible_to is seen_by]

    def message(self, message: Message) -> Message:
        """Return a message, deleted or not; for drivers in other processes."""
        return message

    def interaction(self, interaction: Interaction) -> Interaction:
        """Return an interaction; for drivers in other processes."""
        return interaction

    @property
    def transcript(self) -> deque[str]:
        return self.world.transcript

    def told(self) -> str:
        """The transcript as one text."""
        return "\n".join(self.transcript)

    @property
    def requests(self) -> deque[RequestLine]:
        return self.door.log.lines

    @property
    def counts(self) -> Counter[str]:
        """Requests by route kind."""
        return self.door.log.counts

    @property
    def pings(self) -> list[Ping]:
        return self.world.pings

    @property
    def commands(self) -> list[Json]:
        """The global commands as registered."""
        return self.world.global_commands

    @property
    def unknown_routes(self) -> list[str]:
        return self.door.log.unknown_routes

    def check(self) -> None:
        """Fail if the bot used something this server does not know, or if this server itself failed."""
        wrong = [*self.unknown_routes, *map(str, self.gateway.unknown_opcodes), *self.door.log.crashes]
        if wrong:
            raise AssertionError("\n".join(wrong))

    def answers(self) -> list[float | None]:
        """For every slash command, after how many seconds it was answered; None for one that was not."""
        commands = [used for used in self.world.interactions.values() if used.kind == COMMAND]
        return [None if used.answer is None else used.answer.seconds for used in commands]

    def pictured(self) -> list[Json]:
        """The bot's messages with files that stand: what they say, and when (epoch seconds) the files came."""
        return [
            {"text": message.text, "at": message.pictured_at} for message in self.board.pictured if not message.deleted
        ]

    def summary(self) -> Json:
        """The numbers of a run; what a benchmark reads."""
        log, gateway = self.door.log, self.gateway
        answered = [i.answer.seconds for i in self.world.interactions.values() if i.answer is not None]
        return {
            "counts": dict(log.counts),
            "statuses": dict(log.statuses),
            "rate_limited": dict(self.door.limits.hits),
            "invalid_requests": log.invalid_requests,
            "unknown_routes": log.unknown_routes,
            "crashes": log.crashes,
            "unknown_opcodes": gateway.unknown_opcodes,
            "identifies": gateway.identifies,
            "resumes": gateway.resumes,
            "heartbeats": gateway.heartbeats,
            "interactions": len(self.world.interactions),
            "answered": len(answered),
            "slowest_answer_seconds": max(answered, default=0.0),
            "stored_bytes": self.cdn.stored_bytes,
            "pings": self.pings,
            "commands": self.commands,
        }
