"""Every fault of fal and of Discord, by name: where its order ends, what it costs, what its member hears, and where.

One row, one order, on a bot of its own between real sockets. Besides its columns each row holds these laws: the books
agree, the operator's book never shows less than fal billed, and no Cancel button stands on an order that is over.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.sqlite_audit import audit
from bot.domain.errors import AccountError, ClosedError
from bot.sandbox.fal_faults import Fault as Fal
from bot.sandbox.fal_faults import Script, Step
from bot.service.alerts import Alerts
from bot.service.gate import FIRST_PAUSE, Gate
from tests.e2e.fault_stand import BotClock, Stand, stand
from tests.loopback.discord_faults import Fault as Discord
from tests.loopback.discord_interaction import Interaction
from tests.loopback.discord_permissions import Permission
from tests.loopback.discord_state import Channel, Message

# Where the member finds the pictures, or the sentence instead of them.
CHANNEL = "in the channel"
ANSWER = "in place of the progress message"
DIRECT = "in a direct message"
PRIVATE = "privately"

PICTURES = "8 credits"
CONTENT = "fal's content check refused this."
NO_IMAGE = "The model made no image"
CANNOT = "The bot cannot generate right now. You were not charged."
BUSY = "fal is too busy to take this now."
DOWN = "fal is not working right now."
TIMEOUT = "fal took too long, so this was given up."
GONE = "fal made the images, but they could not be fetched."
LOST = "Your order did not show up at fal. You were not charged."
WAITED = "This waited too long for its turn, so it was given up."
KEPT = "They are kept for now: **/jobs** shows them."

Act = Callable[[Stand, Interaction], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What Discord does wrong, with the next requests of one kind."""

    kind: str
    fault: Discord | int
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What is left when nothing more happens."""

    state: str
    charged: tuple[int, int]
    """Credits in the customer's and in the operator's book."""
    heard: tuple[str, ...]
    """Every place where the pictures, or the sentence, stand."""
    submits: int
    """Requests that reached fal's door."""
    creates: int
    """Requests to Discord that make a message; the progress message is not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One fault."""

    faults: Sequence[Script | Trouble] = ()
    meanwhile: Act | None = None
    """What happens besides, once fal has seen the order."""
    after: Act | None = None
    """What is looked at besides, at the end."""
    order: Mapping[str, Any] = field(default_factory=dict[str, Any])
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    sentence: str
    ends: Ends


def fal(fault: Fal, times: int = 1, **particulars: Any) -> list[Script]:  # noqa: ANN401 - the fields of a Script
    return [Script(fault=fault, **particulars)] * times


def discord(kind: str, fault: Discord | int, times: int = 1) -> list[Trouble]:
    return [Trouble(kind=kind, fault=fault, times=times)]


def delivered(  # the usual good end
    *, charged: tuple[int, int] = (8, 8), where: str = CHANNEL, submits: int = 1, creates: int = 1
) -> Ends:
    return Ends(state="delivered", charged=charged, heard=(where,), submits=submits, creates=creates)


def failed(operator: int = 0, *, where: str = PRIVATE, submits: int = 1, creates: int = 1) -> Ends:
    """Whatever fal cost, the member pays nothing."""
    return Ends(state="failed", charged=(0, operator), heard=(where,), submits=submits, creates=creates)


def lost_for_long() -> list[Trouble]:
    """The message stands, its answer is lost, and five looks for it fail."""
    return discord("create_message", Discord.ANSWER_LOST) + discord("list_messages", Discord.RESET, 5)


def unseen_answer() -> list[Trouble]:
    return discord("callback", Discord.ANSWER_LOST) + discord("get_original", Discord.RESET)


async def submitted(here: Stand) -> None:
    await here.eventually(lambda: here.fal.seen(Step.SUBMIT))


# --- what happens meanwhile -----------------------------------------------------------------------


async def account_comes_back(here: Stand, _placed: Interaction) -> None:
    """Refused twice, with longer pauses; new orders are refused meanwhile, and the operator hears of it once."""
    await submitted(here)
    await here.eventually(lambda: len(here.standing(here.operators)) == 1)
    refused = await here.order(by=here.discord.other_member)
    answer = await refused.first_response()
    assert answer.ephemeral
    assert answer.message is not None
    assert answer.message.text == "The bot cannot generate right now. Nothing was ordered; please try again later."
    for tries, pause in ((2, 5.0), (3, 10.0)):
        here.pass_time(pause)
        await here.eventually(lambda tries=tries: len(here.fal.seen(Step.SUBMIT)) == tries)


async def operator_heard_twice(here: Stand, _placed: Interaction) -> None:
    await here.eventually(lambda: len(here.standing(here.operators)) == 2)
    assert [text.split(" fal")[0] for text in here.standing(here.operators)] == ["**Alert:**", "**Over:**"]


async def six_minutes_pass(here: Stand, _placed: Interaction) -> None:
    await here.eventually(lambda: here.standing(here.operators))
    here.pass_time(361)


async def six_seconds_pass(here: Stand, _placed: Interaction) -> None:
    await here.eventually(lambda: here.standing(here.operators))
    here.pass_time(6)


async def search_is_shown_without_cancel(here: Stand, placed: Interaction) -> None:
    await placed.first_response()
    assert placed.message is not None
    message = placed.message
    await here.eventually(lambda: "Looking for the order there" in message.text)
    assert message.buttons == []


async def two_minutes_pass_in_tries(here: Stand, _placed: Interaction) -> None:
    """Longer than a nonce is remembered."""
    await here.eventually(lambda: here.discord.counts["create_message"])
    here.pass_time(400)


async def history_is_closed_and_two_minutes_pass(here: Stand, placed: Interaction) -> None:
    await here.eventually(lambda: here.discord.counts["create_message"])
    here.discord.restrict_bot(placed.channel, Permission.READ_MESSAGE_HISTORY)
    here.pass_time(400)


def bot_may_not(permission: Permission) -> Act:
    async def act(here: Stand, placed: Interaction) -> None:
        await submitted(here)
        here.discord.restrict_bot(placed.channel, permission)

    return act


async def channel_is_deleted(here: Stand, placed: Interaction) -> None:
    await submitted(here)
    here.discord.delete_channel(placed.channel)


async def member_is_gone_altogether(here: Stand, placed: Interaction) -> None:
    here.discord.set_dms(placed.person, open_to_bot=False)
    await channel_is_deleted(here, placed)


async def thread_is_archived(here: Stand, placed: Interaction) -> None:
    await submitted(here)
    here.discord.archive(placed.channel)


async def token_grows_old(here: Stand, _placed: Interaction) -> None:
    await submitted(here)
    here.pass_time(15 * 60 + 1)


async def token_is_killed(here: Stand, placed: Interaction) -> None:
    await submitted(here)
    here.discord.expire_token(placed)


async def discord_is_away(here: Stand, _placed: Interaction) -> None:
    """From before fal is done until long after; every connection is reset."""
    await submitted(here)
    here.discord.outage()
    await here.eventually(lambda: here.fal.seen(Step.FILE))
    await asyncio.sleep(0.5)
    here.discord.end_outage()


async def cancelled_in_an_outage(here: Stand, placed: Interaction) -> None:
    await submitted(here)
    assert placed.message is not None
    click = await here.discord.click(placed.person, placed.message, "Cancel")
    await click.first_response()
    here.discord.outage()
    await here.eventually(lambda: here.rows("SELECT state FROM jobs") == [("cancelled",)])
    await asyncio.sleep(0.3)
    here.discord.end_outage()


async def jobs_hands_it_out(here: Stand, placed: Interaction) -> None:
    """In any channel of the server; then it is delivered."""
    listed = await here.discord.slash(placed.person, here.discord.art_channel, "jobs")
    answer = (await listed.first_response()).message
    assert answer is not None
    assert "ready, not posted" in answer.text
    click = await here.discord.click(placed.person, answer, "Show the images")
    shown = await here.eventually(lambda: click.message if click.message and click.message.attachments else None)
    assert shown.ephemeral
    await here.eventually(lambda: here.rows("SELECT state FROM jobs") == [("delivered",)])


LOSSES = {"fal": {"find_lost": 60}}  # minutes, as in production: long enough for fal to list it

FAL_CASES = {
    "COMPLETED carries an error of fal's machinery": Case(
        faults=fal(Fal.RUN_REQUEST_ERROR), sentence=DOWN, ends=failed()
    ),
    "COMPLETED carries the model's own 5xx": Case(
        faults=fal(Fal.RUN_MODEL_ERROR, error_type="downstream_service_error"), sentence=DOWN, ends=failed()
    ),
    "the result answers 504 once": Case(faults=fal(Fal.RESULT_ERROR), sentence=PICTURES, ends=delivered()),
    "the result answers with an error page, then drops": Case(
        faults=fal(Fal.RESULT_INGRESS_ERROR) + fal(Fal.RESULT_DROP), sentence=PICTURES, ends=delivered()
    ),
    "the result answers 504 for a while": Case(faults=fal(Fal.RESULT_ERROR, 6), sentence=PICTURES, ends=delivered()),
    "the status fails in every way": Case(
        faults=fal(Fal.STREAM_BROKEN, 2) + fal(Fal.STATUS_ERROR) + fal(Fal.STATUS_INGRESS_ERROR) + fal(Fal.STATUS_DROP),
        sentence=PICTURES,
        ends=delivered(),
    ),
    # content_policy_violation and no_media_generated: one free retry
    "refused content": Case(faults=fal(Fal.RUN_CONTENT_POLICY), sentence=PICTURES, ends=delivered(submits=2)),
    "refused content, billed": Case(
        faults=fal(Fal.RUN_CONTENT_POLICY, billed=True), sentence=PICTURES, ends=delivered(charged=(8, 16), submits=2)
    ),
    "refused content twice": Case(faults=fal(Fal.RUN_CONTENT_POLICY, 2), sentence=CONTENT, ends=failed(submits=2)),
    "refused content twice, both billed": Case(
        faults=fal(Fal.RUN_CONTENT_POLICY, 2, billed=True), sentence=CONTENT, ends=failed(16, submits=2)
    ),
    "no media": Case(faults=fal(Fal.RUN_NO_MEDIA), sentence=PICTURES, ends=delivered(submits=2)),
    "no media, billed": Case(
        faults=fal(Fal.RUN_NO_MEDIA, billed=True), sentence=PICTURES, ends=delivered(charged=(8, 16), submits=2)
    ),
    "no media twice": Case(faults=fal(Fal.RUN_NO_MEDIA, 2), sentence=NO_IMAGE, ends=failed(submits=2)),
    "no media twice, the first billed": Case(
        faults=fal(Fal.RUN_NO_MEDIA, billed=True) + fal(Fal.RUN_NO_MEDIA), sentence=NO_IMAGE, ends=failed(8, submits=2)
    ),
    "no images in a good result": Case(faults=fal(Fal.RUN_EMPTY), sentence=PICTURES, ends=delivered(submits=2)),
    "no images in a good result, billed, twice": Case(
        faults=fal(Fal.RUN_EMPTY, 2, billed=True), sentence=NO_IMAGE, ends=failed(16, submits=2)
    ),
    "another 422": Case(faults=fal(Fal.RUN_MODEL_ERROR, error_type="value_error"), sentence=CANNOT, ends=failed()),
    "another 422, billed": Case(
        faults=fal(Fal.RUN_MODEL_ERROR, error_type="value_error", billed=True), sentence=CANNOT, ends=failed(8)
    ),
    "a 422 at the door": Case(faults=fal(Fal.SUBMIT_ERROR, status=422), sentence=CANNOT, ends=failed()),
    "a picture fal cannot load": Case(
        faults=fal(Fal.RUN_MODEL_ERROR),
        order={"command": "edit"},
        sentence="fal could not use picture 1.",
        ends=failed(),
    ),
    "a picture fal cannot fetch, billed": Case(
        faults=fal(Fal.RUN_MODEL_ERROR, error_type="file_download_error", billed=True),
        order={"command": "edit"},
        sentence="fal could not use picture 1.",
        ends=failed(8),
    ),
    "fewer images than asked": Case(
        faults=fal(Fal.RUN_FEWER), order={"images": 3}, sentence="fal made 1 of 3 images", ends=delivered()
    ),
    # the account
    "401 at the door": Case(
        faults=fal(Fal.SUBMIT_ERROR, 2, status=401),
        meanwhile=account_comes_back,
        after=operator_heard_twice,
        sentence=PICTURES,
        ends=delivered(submits=3),
    ),
    "403, the balance is out": Case(
        faults=fal(Fal.SUBMIT_LOCKED, 2),
        meanwhile=account_comes_back,
        after=operator_heard_twice,
        sentence=PICTURES,
        ends=delivered(submits=3),
    ),
    "403 for longer than fal.max_wait": Case(
        faults=fal(Fal.SUBMIT_LOCKED, 9),
        meanwhile=six_minutes_pass,
        settings={"fal": {"max_wait": 0.1}},
        sentence=WAITED,
        ends=failed(submits=2),
    ),
    "403, and Discord resets the alert at first": Case(
        faults=fal(Fal.SUBMIT_LOCKED) + discord("create_message", Discord.RESET),
        meanwhile=six_seconds_pass,
        after=operator_heard_twice,
        sentence=PICTURES,
        ends=delivered(submits=2),
    ),
    "429 at the door": Case(
        faults=fal(Fal.SUBMIT_ERROR, status=429),
        meanwhile=six_seconds_pass,
        sentence=PICTURES,
        ends=delivered(submits=2),
    ),
    # the submit itself
    "503 from before fal's door": Case(faults=fal(Fal.SUBMIT_INGRESS_ERROR), sentence=BUSY, ends=failed()),
    **{
        f"{status} at the door, from fal": Case(
            faults=fal(Fal.SUBMIT_ERROR, status=status), sentence=LOST, ends=failed(8)
        )
        for status in (500, 502, 503, 504)
    },
    "502 from before fal's door": Case(faults=fal(Fal.SUBMIT_INGRESS_ERROR, status=502), sentence=LOST, ends=failed(8)),
    "a submit dropped before fal took it": Case(faults=fal(Fal.SUBMIT_DROP_BEFORE), sentence=LOST, ends=failed(8)),
    "a submit dropped after fal took it": Case(faults=fal(Fal.SUBMIT_DROP_AFTER), sentence=PICTURES, ends=delivered()),
    "a submit that hangs": Case(faults=fal(Fal.SUBMIT_HANG), sentence=PICTURES, ends=delivered()),
    "a lost submit that takes long": Case(
        faults=fal(Fal.SUBMIT_DROP_AFTER) + fal(Fal.RUN_SLOW, seconds=0.5),
        meanwhile=search_is_shown_without_cancel,
        settings=LOSSES,
        sentence=PICTURES,
        ends=delivered(),
    ),
    "a lost submit, and fal's list fails at first": Case(
        faults=fal(Fal.SUBMIT_DROP_AFTER) + fal(Fal.LISTING_ERROR, 2),
        settings=LOSSES,
        sentence=PICTURES,
        ends=delivered(),
    ),
    "both tries are lost": Case(
        faults=fal(Fal.SUBMIT_DROP_AFTER, 2) + fal(Fal.RUN_CONTENT_POLICY),
        sentence=PICTURES,
        ends=delivered(submits=2),
    ),
    # time
    "it never leaves the queue": Case(
        faults=fal(Fal.RUN_STUCK_IN_QUEUE), settings={"deadline": 0.3}, sentence=TIMEOUT, ends=failed()
    ),
    "it never leaves the queue, and the cancel drops at first": Case(
        faults=fal(Fal.RUN_STUCK_IN_QUEUE) + fal(Fal.CANCEL_DROP),
        settings={"deadline": 0.3},
        sentence=TIMEOUT,
        ends=failed(),
    ),
    "it never ends": Case(
        faults=fal(Fal.RUN_STUCK_IN_PROGRESS), settings={"deadline": 0.3}, sentence=TIMEOUT, ends=failed()
    ),
    "it never ends, and fal ignores the cancel": Case(
        faults=fal(Fal.RUN_STUCK_IN_PROGRESS) + fal(Fal.CANCEL_IGNORED),
        settings={"deadline": 0.3},
        sentence=TIMEOUT,
        ends=failed(8),
    ),
    "it is done while it is given up": Case(
        faults=fal(Fal.RUN_SLOW, seconds=0.6) + fal(Fal.CANCEL_TOO_LATE),
        settings={"deadline": 0.3},
        sentence=PICTURES,
        ends=delivered(),
    ),
    # the files
    "a slow file": Case(faults=fal(Fal.FILE_SLOW, seconds=0.5), sentence=PICTURES, ends=delivered()),
    "a file cut in half, twice": Case(faults=fal(Fal.FILE_TRUNCATED, 2), sentence=PICTURES, ends=delivered()),
    "a file that is not there yet": Case(faults=fal(Fal.FILE_MISSING, 2), sentence=PICTURES, ends=delivered()),
    "a web page instead of a file": Case(faults=fal(Fal.FILE_HTML), sentence=PICTURES, ends=delivered()),
    "a file under another type": Case(faults=fal(Fal.FILE_LYING_TYPE), sentence=PICTURES, ends=delivered()),
    "a file server that fails and drops": Case(
        faults=fal(Fal.FILE_ERROR) + fal(Fal.FILE_DROP), sentence=PICTURES, ends=delivered()
    ),
    "a file cut in half for a while": Case(faults=fal(Fal.FILE_TRUNCATED, 8), sentence=PICTURES, ends=delivered()),
    "a file that is gone": Case(faults=fal(Fal.FILE_MISSING, 20), sentence=GONE, ends=failed(8)),
    "web pages for ever": Case(faults=fal(Fal.FILE_HTML, 20), sentence=GONE, ends=failed(8)),
}

DISCORD_CASES = {
    # the create goes wrong
    **{
        f"the create answers {fault.value}": Case(
            faults=discord("create_message", fault), sentence=PICTURES, ends=delivered(creates=2)
        )
        for fault in (
            Discord.INTERNAL_ERROR,
            Discord.BAD_GATEWAY,
            Discord.UNAVAILABLE,
            Discord.RATE_LIMITED,
            Discord.BANNED,
            Discord.RESET,
        )
    },
    "the create answers 500 ten times": Case(
        faults=discord("create_message", Discord.INTERNAL_ERROR, 10), sentence=PICTURES, ends=delivered(creates=11)
    ),
    "the create's answer is lost": Case(
        faults=discord("create_message", Discord.ANSWER_LOST), sentence=PICTURES, ends=delivered()
    ),
    "the create's answer is lost, and then every look until no nonce helps": Case(
        faults=[*lost_for_long(), *fal(Fal.RUN_SLOW, seconds=0.3)],
        meanwhile=two_minutes_pass_in_tries,
        sentence=PICTURES,
        ends=delivered(),
    ),
    "the create's answer is lost, and the history is closed": Case(
        faults=discord("create_message", Discord.ANSWER_LOST) + fal(Fal.RUN_SLOW, seconds=0.3),
        meanwhile=bot_may_not(Permission.READ_MESSAGE_HISTORY),
        sentence=PICTURES,
        ends=delivered(creates=2),  # the nonce makes one of them
    ),
    "the create's answer is lost, the history is closed, and no nonce helps": Case(
        faults=[*lost_for_long(), *fal(Fal.RUN_SLOW, seconds=0.3)],
        meanwhile=history_is_closed_and_two_minutes_pass,
        sentence=PICTURES,
        # the next link of the chain: what cannot be seen may stand already
        ends=Ends(state="delivered", charged=(8, 8), heard=(CHANNEL, ANSWER), submits=1, creates=1),
    ),
    "the create is done but answers 502": Case(
        faults=discord("create_message", Discord.DONE_BUT_502), sentence=PICTURES, ends=delivered(creates=2)
    ),
    "the create is done but answers 502, and its repetition is refused": Case(
        faults=discord("create_message", Discord.DONE_BUT_502) + discord("create_message", 200000),
        sentence=PICTURES,
        ends=delivered(creates=2),
    ),
    # it steps down, or goes on to the next link of the chain
    "413 once": Case(faults=discord("create_message", Discord.TOO_LARGE), sentence=PICTURES, ends=delivered(creates=2)),
    "413 until the picture is small": Case(
        settings={"picture_bytes": 3_000_000, "request_limit": 1_000_000},
        sentence="Too large for Discord as made",
        ends=delivered(creates=5),
    ),
    "413 always": Case(
        faults=discord("create_message", Discord.TOO_LARGE, 9),
        sentence=PICTURES,
        ends=delivered(where=ANSWER, creates=5),
    ),
    "AutoMod blocks it": Case(
        faults=discord("create_message", 200000), sentence=PICTURES, ends=delivered(where=ANSWER)
    ),
    "AutoMod blocks it in the channel and as an edit": Case(
        faults=discord("create_message", 200000) + discord("edit_followup", 200000, 9),
        sentence=PICTURES,
        ends=delivered(where=DIRECT, creates=2),
    ),
    "uploads are limited in the server": Case(
        faults=discord("create_message", 400001), sentence=PICTURES, ends=delivered(where=ANSWER)
    ),
    "Send Messages is lost (50013)": Case(
        meanwhile=bot_may_not(Permission.SEND_MESSAGES), sentence=PICTURES, ends=delivered(where=ANSWER)
    ),
    "View Channel is lost (50001)": Case(
        meanwhile=bot_may_not(Permission.VIEW_CHANNEL), sentence=PICTURES, ends=delivered(where=ANSWER)
    ),
    "the thread is archived (50083)": Case(
        order={"thread": True}, meanwhile=thread_is_archived, sentence=PICTURES, ends=delivered(where=ANSWER)
    ),
    "the channel is deleted": Case(
        meanwhile=channel_is_deleted, sentence=PICTURES, ends=delivered(where=DIRECT, creates=2)
    ),
    "the channel is deleted, and direct messages resist at first": Case(
        faults=discord("create_dm", Discord.RESET) + fal(Fal.RUN_SLOW, seconds=0.3),
        meanwhile=channel_is_deleted,
        sentence=PICTURES,
        ends=delivered(where=DIRECT, creates=2),
    ),
    "the channel is deleted, and no direct messages": Case(
        meanwhile=member_is_gone_altogether,
        after=jobs_hands_it_out,
        sentence=KEPT,
        ends=Ends(state="rendered", charged=(8, 8), heard=(), submits=1, creates=4),
    ),
    # the token
    "the token is too old": Case(
        meanwhile=token_grows_old, settings={"deadline": 3600.0}, sentence=PICTURES, ends=delivered()
    ),
    "the token is dead before its time": Case(meanwhile=token_is_killed, sentence=PICTURES, ends=delivered()),
    # progress edits
    **{
        f"every progress edit answers {fault}": Case(
            faults=discord("edit_followup", fault, 40), sentence=PICTURES, ends=delivered()
        )
        for fault in (Discord.INTERNAL_ERROR, Discord.RATE_LIMITED, Discord.BANNED, Discord.RESET, 10008, 50027)
    },
}

SPOKEN_CASES = {
    # the first answer
    "the first answer never arrives": Case(
        faults=discord("callback", Discord.RESET),
        sentence=PICTURES,
        ends=Ends(state="cancelled", charged=(0, 0), heard=(), submits=0, creates=0),
    ),
    "the first answer arrives, but Discord's word is lost": Case(
        faults=discord("callback", Discord.ANSWER_LOST), sentence=PICTURES, ends=delivered()
    ),
    "the first answer arrives, but Discord says 502": Case(
        faults=discord("callback", Discord.DONE_BUT_502), sentence=PICTURES, ends=delivered()
    ),
    "the first answer's fate cannot be seen": Case(faults=unseen_answer(), sentence=PICTURES, ends=delivered()),
    "the first answer's fate cannot be seen, and it becomes the result": Case(
        faults=[*unseen_answer(), *fal(Fal.RUN_SLOW, seconds=0.3)],
        meanwhile=bot_may_not(Permission.SEND_MESSAGES),
        sentence=PICTURES,
        ends=delivered(where=ANSWER),
    ),
    "the first answer's fate cannot be seen, and fal fails": Case(
        faults=[*unseen_answer(), *fal(Fal.RUN_REQUEST_ERROR)], sentence=DOWN, ends=failed()
    ),
    # the last word
    **{
        f"the private notice answers {fault}": Case(
            faults=fal(Fal.RUN_REQUEST_ERROR) + discord("create_followup", fault), sentence=DOWN, ends=ends
        )
        for fault, ends in (
            (Discord.UNAVAILABLE, failed(creates=2)),  # discord.py repeats what answers 5xx or 429
            (Discord.RATE_LIMITED, failed(creates=2)),
            (Discord.RESET, failed(where=ANSWER)),
            (200000, failed(where=ANSWER)),
            (50027, failed(where=ANSWER)),
        )
    },
    "the notice meets an outage": Case(
        faults=fal(Fal.RUN_SLOW, seconds=0.3) + fal(Fal.FILE_MISSING, 20),
        meanwhile=discord_is_away,
        sentence=GONE,
        ends=failed(8, where=ANSWER, creates=0),
    ),
    "the images meet an outage": Case(
        faults=fal(Fal.RUN_SLOW, seconds=0.3), meanwhile=discord_is_away, sentence=PICTURES, ends=delivered()
    ),
    "the progress message resists": Case(
        faults=discord("delete_followup", Discord.RESET, 3), sentence=PICTURES, ends=delivered()
    ),
    "Cancelled cannot be said at first": Case(
        faults=fal(Fal.RUN_STUCK_IN_PROGRESS),
        meanwhile=cancelled_in_an_outage,
        sentence="**Cancelled.** Nothing was charged.",
        ends=Ends(state="cancelled", charged=(0, 0), heard=(ANSWER,), submits=1, creates=0),
    ),
    "no message with pictures is let through": Case(
        faults=discord("create_message", 200000, 2) + discord("edit_followup", 200000, 9),
        after=jobs_hands_it_out,
        sentence=KEPT,
        ends=Ends(state="rendered", charged=(8, 8), heard=(PRIVATE,), submits=1, creates=3),
    ),
}


def place_of(here: Stand, *, thread: bool) -> Channel:
    general = here.discord.channel
    return here.discord.seed_channel(here.discord.guild, "thread", parent=general) if thread else general


def heard(here: Stand, placed: Interaction, sentence: str) -> tuple[str, ...]:
    """Every place where it stands, however often."""

    def wanted(message: Message) -> bool:
        return sentence in message.text and (bool(message.attachments) or sentence not in PICTURES)

    answer = placed.message
    standing = here.discord.messages(placed.channel) if placed.channel.id in here.discord.world.channels else []
    found = [CHANNEL for one in standing if wanted(one) and one is not answer]
    found += [ANSWER] if answer is not None and not answer.deleted and wanted(answer) else []
    found += [DIRECT for one in here.discord.messages(here.discord.dm(placed.person)) if wanted(one)]
    found += [PRIVATE for one in placed.followups if one.ephemeral and wanted(one)]
    return tuple(found)


CASES = FAL_CASES | DISCORD_CASES | SPOKEN_CASES


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_every_fault_ends_as_this_table_says(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.service.generation.CANCEL_GRACE", 0.5)
    async with stand(tmp_path, monkeypatch, **case.settings) as here:
        for fault in case.faults:
            if isinstance(fault, Trouble):
                here.discord.fail_next(fault.kind, fault.fault, fault.times)
            else:
                here.fal.fail_next(fault)
        if case.meanwhile is not None and not case.faults:
            here.fal.generation.seconds = 0.4
        options = dict(case.order)
        channel = place_of(here, thread=options.pop("thread", False))
        placed = await here.order(channel=channel, **options)
        if case.meanwhile is not None:
            await case.meanwhile(here, placed)
        seen = Ends(
            state=await here.over(),
            charged=here.charged(),
            heard=heard(here, placed, case.sentence),
            submits=len(here.fal.seen(Step.SUBMIT)),
            creates=here.creates(),
        )
        assert seen == case.ends, here.discord.told()
        if case.after is not None:
            await case.after(here, placed)
        check_laws(here)


def check_laws(here: Stand) -> None:
    assert list(audit(here.data_dir / "bot.sqlite3")) == []
    assert here.fal.spent * 100 <= here.charged()[1]
    everything = [one for channel in here.discord.world.channels.values() for one in here.discord.messages(channel)]
    assert not [one for one in everything if "Cancel" in [button["label"] for button in one.buttons]]


# --- what takes more than one order ---------------------------------------------------------------


async def test_orders_refused_together_count_as_one_failure() -> None:
    clock = BotClock()
    gate = Gate(clock, asyncio.sleep, Alerts())
    for _ in range(10):
        gate.shut(AccountError(unsent=True))
    with pytest.raises(ClosedError):
        gate.check()
    clock.passed += FIRST_PAUSE
    gate.check()


async def test_what_waits_in_line_longer_than_max_wait_is_released_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stand(tmp_path, monkeypatch, fal={"max_concurrent": 1, "max_wait": 0.5 / 3600}) as here:
        here.fal.fail_next(Script(fault=Fal.RUN_SLOW, seconds=1.5))
        await here.order()
        await submitted(here)
        waiting = await here.order(by=here.discord.other_member)
        await here.over()
        assert heard(here, waiting, WAITED) == (PRIVATE,)
        assert here.charged() == (8, 8)
        assert len(here.fal.seen(Step.SUBMIT)) == 1
        check_laws(here)


async def test_a_lost_request_is_not_taken_for_another_orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same words with the same chosen seed: fal's list shows the first order's request, which is not ours."""
    async with stand(tmp_path, monkeypatch) as here:
        await here.order(seed=7)
        await here.over()
        here.fal.fail_next(Fal.SUBMIT_DROP_BEFORE)
        second = await here.order(seed=7)
        await here.eventually(lambda: heard(here, second, LOST))
        assert here.charged() == (8, 16)
        assert len(here.pictured(here.discord.channel)) == 1
        check_laws(here)


async def test_a_lost_second_try_is_not_taken_for_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chosen seed stays, so both tries look the same in fal's list."""
    async with stand(tmp_path, monkeypatch) as here:
        here.fal.generation.seconds = 0.3
        here.fal.fail_next(Fal.RUN_CONTENT_POLICY)
        placed = await here.order(seed=7)
        await submitted(here)
        here.fal.fail_next(Fal.SUBMIT_DROP_BEFORE)
        await here.over()
        assert heard(here, placed, LOST) == (PRIVATE,)
        assert here.charged() == (0, 8)
        check_laws(here)


async def test_what_is_kept_and_then_swept_is_said_to_be_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stand(tmp_path, monkeypatch) as here:
        here.discord.fail_next("create_message", 200000, 2)
        here.discord.fail_next("edit_followup", 200000, 9)
        placed = await here.order()
        assert await here.over() == "rendered"
        shutil.rmtree(tmp_path / "jobs")
        listed = await here.discord.slash(placed.person, here.discord.art_channel, "jobs")
        answer = (await listed.first_response()).message
        assert answer is not None
        click = await here.discord.click(placed.person, answer, "Show the images")
        await here.eventually(
            lambda: click.message and click.message.text == "The files of this order are no longer kept."
        )
