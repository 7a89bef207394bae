"""What goes wrong at fal and at Discord during a soak, by chance."""

import asyncio
import random
from collections import Counter

from bot.sandbox.fal_faults import Fault as Fal
from bot.sandbox.fal_faults import Script
from bot.sandbox.fal_server import LoopbackFal
from tests.loopback.discord_faults import Fault as Discord
from tests.loopback.discord_server import LoopbackDiscord

AT_FAL: list[tuple[int, Script]] = [
    *((3, Script(fault=fault, billed=billed)) for fault in (Fal.RUN_CONTENT_POLICY, Fal.RUN_NO_MEDIA) for billed in (True, False)),
    *((2, Script(fault=fault)) for fault in (Fal.RUN_EMPTY, Fal.RUN_REQUEST_ERROR, Fal.RUN_FEWER)),
    (2, Script(fault=Fal.RUN_MODEL_ERROR, error_type="value_error")),
    (2, Script(fault=Fal.RUN_MODEL_ERROR, error_type="value_error", billed=True)),
    (2, Script(fault=Fal.RUN_SLOW, seconds=3.0)),
    *((5, Script(fault=fault)) for fault in (Fal.SUBMIT_DROP_BEFORE, Fal.SUBMIT_DROP_AFTER)),
    *((1, Script(fault=Fal.SUBMIT_ERROR, status=status)) for status in (429, 500, 502, 503, 504)),
    (1, Script(fault=Fal.SUBMIT_INGRESS_ERROR)),
    (1, Script(fault=Fal.SUBMIT_LOCKED)),
    *((2, Script(fault=fault)) for fault in (Fal.STATUS_ERROR, Fal.STATUS_INGRESS_ERROR, Fal.STATUS_DROP)),
    *((2, Script(fault=Fal.STREAM_REFUSED, status=status)) for status in (404, 500)),
    *((3, Script(fault=fault)) for fault in (Fal.STREAM_BROKEN, Fal.STREAM_SILENT)),
    *((3, Script(fault=fault)) for fault in (Fal.RESULT_ERROR, Fal.RESULT_INGRESS_ERROR, Fal.RESULT_DROP)),
    *((2, Script(fault=fault)) for fault in (Fal.CANCEL_IGNORED, Fal.CANCEL_TOO_LATE, Fal.CANCEL_ERROR, Fal.CANCEL_DROP)),
    *((1, Script(fault=fault)) for fault in (Fal.TOKEN_ERROR, Fal.UPLOAD_ERROR, Fal.UPLOAD_DROP, Fal.LISTING_ERROR)),
    *((3, Script(fault=fault)) for fault in (Fal.FILE_TRUNCATED, Fal.FILE_MISSING, Fal.FILE_HTML, Fal.FILE_ERROR, Fal.FILE_DROP)),
    (2, Script(fault=Fal.FILE_SLOW, seconds=2.0)),
]  # fmt: skip
PASSING = (Discord.INTERNAL_ERROR, Discord.BAD_GATEWAY, Discord.UNAVAILABLE, Discord.RATE_LIMITED, Discord.BANNED, Discord.RESET)  # fmt: skip
AT_DISCORD: list[tuple[int, str, Discord | int]] = [
    *((2, "create_message", fault) for fault in PASSING),
    *((4, "create_message", fault) for fault in (Discord.ANSWER_LOST, Discord.DONE_BUT_502)),
    *((1, "create_message", fault) for fault in (Discord.TOO_LARGE, 200000, 50013)),
    *((1, "edit_followup", fault) for fault in (*PASSING, Discord.ANSWER_LOST, 10008, 50027)),
    *((1, "delete_followup", fault) for fault in (*PASSING, Discord.ANSWER_LOST)),
    *((1, "create_followup", fault) for fault in (*PASSING, Discord.ANSWER_LOST)),
    *((1, "list_messages", fault) for fault in PASSING),
    *((1, "callback", fault) for fault in (Discord.RESET, Discord.ANSWER_LOST, Discord.DONE_BUT_502)),
]
MOST_AHEAD = 3
"""Troubles of one kind that wait to happen; more would make one long failure of it."""
GATEWAY_DROP, OUTAGE = 0.04, 0.02
"""Chances that a trouble is one of these instead."""


class Weather:
    """Trouble until it is cancelled."""

    def __init__(self, fal: LoopbackFal, discord: LoopbackDiscord, chance: random.Random, a_second: float) -> None:
        """`a_second`: troubles, on average."""
        self.troubles = Counter[str]()
        self._planned = Counter[str]()
        self._fal = fal
        self._discord = discord
        self._chance = chance
        self._a_second = a_second

    async def rage(self) -> None:
        """Let things go wrong."""
        while True:
            await asyncio.sleep(self._chance.expovariate(self._a_second))
            throw = self._chance.random()
            if throw < OUTAGE:
                self._discord.outage(self._chance.uniform(0.5, 3))
                self.troubles["outages of Discord"] += 1
            elif throw < OUTAGE + GATEWAY_DROP:
                await self._discord.drop_gateway()
                self.troubles["gateway drops"] += 1
            else:
                (self._at_fal if throw < 0.55 else self._at_discord)()

    def clear(self) -> None:
        """Fine weather: what was planned and has not happened never will."""
        self.troubles["at fal"] -= len(self._fal.faults.waiting)
        self.troubles["at Discord"] = len(self._discord.faults.played)
        self._fal.faults.clear()
        self._discord.clear_faults()
        self._discord.end_outage()

    def _at_fal(self) -> None:
        [(_, script)] = self._chance.choices(AT_FAL, [weight for weight, _ in AT_FAL])
        if sum(one.fault.step is script.fault.step for one in self._fal.faults.waiting) < MOST_AHEAD:
            times = self._times()
            self._fal.fail_next(script, times=times)
            self.troubles["at fal"] += times

    def _at_discord(self) -> None:
        [(_, kind, fault)] = self._chance.choices(AT_DISCORD, [weight for weight, _, _ in AT_DISCORD])
        happened = sum(one == kind for one, _ in self._discord.faults.played)
        if self._planned[kind] - happened < MOST_AHEAD:
            times = self._times()
            self._planned[kind] += times
            self._discord.fail_next(kind, fault, times)

    def _times(self) -> int:
        return self._chance.choice((1, 1, 1, 2))
