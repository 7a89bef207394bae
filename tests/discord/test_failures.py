"""What fal can do wrong, as the people in the channel see it: a private sentence, a clean channel, credits back."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import discord
import pytest
from discord_acts import (
    Books,
    buttons,
    delivered,
    eventually,
    finish,
    generating,
    made,
    phase,
    pictures,
    pinged,
    private,
    public,
    refusal,
    results,
    spoken,
    told,
    waiting,
)
from discord_pictures import picture

from bot.adapters.discord_delivery import NONCE_LIFE
from bot.adapters.sqlite_audit import audit
from bot.sandbox.fal_faults import Fault, Script, Step
from bot.sandbox.fal_schema import ENDPOINTS
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import text_of
from bot.sandbox.world import World
from bot.service.alerts import Subject
from bot.settings import MODELS_FILE

NOT_CHARGED = "You were not charged."
CANNOT = f"The bot cannot generate right now. {NOT_CHARGED} Please try again later."
NO_IMAGE = (
    f"The model made no image: often a quiet refusal, or a prompt it took for a question. {NOT_CHARGED}"
    " Please say it differently."
)
CONTENT = f"fal's content check refused this. {NOT_CHARGED} Please change the prompt or the picture."
BUSY = f"fal is too busy to take this now. {NOT_CHARGED} Please try again in a few minutes."
DOWN = f"fal is not working right now. {NOT_CHARGED} Please try again later."
TIMEOUT = f"fal took too long, so this was given up. {NOT_CHARGED} Please try again."
GONE = f"fal made the images, but they could not be fetched. {NOT_CHARGED} Please try again."
LOST = f"Your order did not show up at fal. {NOT_CHARGED} Please try again."


def fault(fault: Fault, times: int = 1, **particulars: object) -> list[Script]:
    return [Script(fault=fault, **particulars)] * times  # pyright: ignore[reportArgumentType] - by the name of its field


BAD_ENDS: dict[str, tuple[Sequence[Script], str, int]] = {
    "refused content, twice": (fault(Fault.RUN_CONTENT_POLICY, 2), CONTENT, 0),
    "refused content that fal charges for": (fault(Fault.RUN_CONTENT_POLICY, 2, billed=True), CONTENT, 16),
    "no image, twice": (fault(Fault.RUN_NO_MEDIA, 2), NO_IMAGE, 0),
    "no image, once charged": (fault(Fault.RUN_NO_MEDIA, billed=True) + fault(Fault.RUN_NO_MEDIA), NO_IMAGE, 8),
    "an empty result that fal charges for": (fault(Fault.RUN_EMPTY, 2, billed=True), NO_IMAGE, 16),
    "another form than fal wants": (fault(Fault.SUBMIT_ERROR, status=422), CANNOT, 0),
    "too busy at the door": (fault(Fault.SUBMIT_INGRESS_ERROR), BUSY, 0),
    "an error of the machinery": (fault(Fault.RUN_REQUEST_ERROR), DOWN, 0),
    "a generation that takes too long": (
        fault(Fault.RUN_MODEL_ERROR, error_type="generation_timeout"),
        TIMEOUT,
        0,
    ),
    "a start that takes too long": (fault(Fault.RUN_REQUEST_ERROR, error_type="startup_timeout"), TIMEOUT, 0),
    "files that are not there": (fault(Fault.FILE_MISSING, 10), GONE, 8),
    "web pages instead of files": (fault(Fault.FILE_HTML, 10), GONE, 8),
}


@pytest.mark.parametrize(("scripts", "sentence", "operator"), BAD_ENDS.values(), ids=BAD_ENDS)
async def test_a_bad_end_is_told_privately_and_costs_the_member_nothing(
    here: World, fal: LoopbackFal, books: Books, scripts: Sequence[Script], sentence: str, operator: int
) -> None:
    for script in scripts:
        fal.fail_next(script)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    assert await told(answer) == sentence
    await eventually(lambda: public(here) == [])
    await eventually(lambda: books.states() == ["failed"])
    assert (books.spent("customer"), books.spent("operator"), books.open_holds()) == (0, operator, [])
    afterwards = await here.member.slash(here.channel, "quota")
    assert private(afterwards)[0].startswith("**You** have 200 credits of 200 left today and 0 orders on the way.")


async def test_an_endpoint_that_is_gone_reads_as_a_bot_that_cannot_generate(
    here: World, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(ENDPOINTS, "fal-ai/nano-banana-2")
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    assert await told(answer) == CANNOT
    await eventually(lambda: public(here) == [])
    assert (books.spent("customer"), books.spent("operator")) == (0, 0)


UPLOADS = {
    "no token": fault(Fault.TOKEN_ERROR),
    "an error at the upload": fault(Fault.UPLOAD_ERROR),
    "a connection that breaks as often as fal-client tries": fault(Fault.UPLOAD_DROP, 10),
}


@pytest.mark.parametrize("scripts", UPLOADS.values(), ids=UPLOADS)
async def test_a_picture_that_fal_does_not_take_at_first_is_handed_over_later(
    here: World, fal: LoopbackFal, books: Books, scripts: Sequence[Script]
) -> None:
    for script in scripts:
        fal.fail_next(script)
    answer = await here.member.slash(here.channel, "edit", prompt="warmer", image=("a.png", picture("PNG")))
    await eventually(lambda: fal.faults.waiting == [])
    assert fal.jobs == {}
    here.time.passed += 6
    await delivered(here)
    assert private(answer) == []
    await eventually(lambda: books.states() == ["delivered"])
    assert (books.spent("customer"), books.spent("operator")) == (8, 8)


# --- time -----------------------------------------------------------------------------------------


@pytest.fixture
def short_deadlines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A model catalogue in which a request is given up after 0.3 seconds."""
    lines = [
        "deadline_minutes = 0.005" if line.startswith("deadline_minutes") else line
        for line in MODELS_FILE.read_text(encoding="utf-8").splitlines()
    ]
    file = tmp_path / "models.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr("bot.tools.MODELS_FILE", file)


@pytest.mark.parametrize("stuck", [Fault.RUN_STUCK_IN_PROGRESS, Fault.RUN_STUCK_IN_QUEUE])
@pytest.mark.usefixtures("short_deadlines")
async def test_a_request_past_its_deadline_is_cancelled_and_told(
    here: World, fal: LoopbackFal, books: Books, stuck: Fault
) -> None:
    fal.fail_next(stuck)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    assert await told(answer) == TIMEOUT
    await eventually(lambda: public(here) == [])
    assert [job.cancelled for job in fal.jobs.values()] == [True]
    assert (books.spent("customer"), books.spent("operator")) == (0, 0)


async def test_after_fifteen_minutes_the_images_still_come_and_the_progress_still_goes(
    here: World, fal: LoopbackFal
) -> None:
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await generating(here)
    here.time.passed += 15 * 60
    await finish(fal)
    (result,) = await delivered(here)
    assert pinged(here, result) == [here.member.id]


async def test_after_fifteen_minutes_a_failure_is_told_where_the_progress_was(here: World, fal: LoopbackFal) -> None:
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await generating(here)
    here.time.passed += 15 * 60
    fal.fail_next(Fault.FILE_MISSING, times=10)
    await finish(fal)
    (said,) = await eventually(lambda: [one for one in public(here) if GONE in text_of(one)])
    assert answer.response is not None
    assert said.id == answer.response.id
    assert text_of(said) == f"> a lighthouse\n{GONE}\n-# {here.member.mention}"
    assert pinged(here, said) == []


# --- what heals by itself -------------------------------------------------------------------------

HEALS: dict[str, Sequence[Script]] = {
    "files cut in half": fault(Fault.FILE_TRUNCATED, 2),
    "a web page at first": fault(Fault.FILE_HTML),
    "a file that comes later": fault(Fault.FILE_MISSING, 2),
    "a file server's error": fault(Fault.FILE_ERROR) + fault(Fault.FILE_DROP),
    "a file under another type": fault(Fault.FILE_LYING_TYPE),
    "no stream of the status": fault(Fault.STREAM_REFUSED),
    "errors while looking": fault(Fault.STREAM_BROKEN, 2)
    + fault(Fault.STATUS_ERROR)
    + fault(Fault.STATUS_INGRESS_ERROR)
    + fault(Fault.STATUS_DROP),
    "an account that is refused for a while": fault(Fault.STREAM_REFUSED, status=403)
    + fault(Fault.STATUS_ERROR, status=403)
    + fault(Fault.RESULT_ERROR, status=401),
    "a result that cannot be read for long": fault(Fault.RESULT_ERROR, 6),
    "errors at the result": fault(Fault.RESULT_ERROR) + fault(Fault.RESULT_INGRESS_ERROR) + fault(Fault.RESULT_DROP),
}


@pytest.mark.parametrize("scripts", HEALS.values(), ids=HEALS)
async def test_troubles_that_pass_are_seen_by_nobody(
    here: World, fal: LoopbackFal, books: Books, scripts: Sequence[Script]
) -> None:
    for script in scripts:
        fal.fail_next(script)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    (job,) = fal.jobs.values()
    assert pictures(here, result) == made(fal, job)
    assert private(answer) == []
    assert fal.faults.waiting == []
    await eventually(lambda: books.states() == ["delivered"])
    assert (books.spent("customer"), books.spent("operator")) == (8, 8)


@pytest.mark.parametrize("refused", [Fault.RUN_CONTENT_POLICY, Fault.RUN_NO_MEDIA])
async def test_a_first_refusal_is_tried_once_more_for_free(
    here: World, fal: LoopbackFal, books: Books, refused: Fault
) -> None:
    fal.fail_next(Script(fault=refused, billed=True))
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    assert private(answer) == []
    assert "8 credits" in text_of(result)
    first, second = fal.jobs.values()
    assert first.arguments["seed"] != second.arguments["seed"]
    assert first.arguments.keys() == second.arguments.keys()
    await eventually(lambda: books.states() == ["delivered"])
    assert (books.spent("customer"), books.spent("operator"), fal.spent * 100) == (8, 16, 16)


async def test_a_chosen_seed_stays_at_the_second_try(here: World, fal: LoopbackFal) -> None:
    fal.fail_next(Fault.RUN_NO_MEDIA)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse", seed=7)
    await delivered(here)
    assert [job.arguments["seed"] for job in fal.jobs.values()] == [7, 7]


# --- once more ------------------------------------------------------------------------------------


async def test_try_again_orders_the_same_again(here: World, fal: LoopbackFal, books: Books) -> None:
    fal.fail_next(Fault.RUN_NO_MEDIA, times=2)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse", aspect_ratio="16:9")
    await told(answer)
    again = await here.member.click(answer.followups[0].message, label="Try again")
    assert again.response is not None
    assert not again.response.ephemeral
    (result,) = await delivered(here)
    assert pinged(here, result) == [here.member.id]
    *_, failed, made = fal.jobs.values()
    assert failed.arguments | {"seed": 0} == made.arguments | {"seed": 0}
    await eventually(lambda: books.states() == ["failed", "delivered"])
    assert books.spent("customer") == 8


async def test_what_would_fail_again_offers_no_second_try(here: World, fal: LoopbackFal) -> None:
    for number, reason in enumerate((fault(Fault.SUBMIT_ERROR, status=422), fault(Fault.RUN_CONTENT_POLICY, 2))):
        for script in reason:
            fal.fail_next(script)
        answer = await here.member.slash(here.channel, "imagine", prompt=f"a lighthouse {number}")
        await told(answer)
        assert buttons(answer.followups[0].message) == {}


# --- fal turns orders away ------------------------------------------------------------------------

News = list[tuple[Subject, bool]]
NO_BALANCE = Script(fault=Fault.SUBMIT_LOCKED)
BUSY_NOW = Script(fault=Fault.SUBMIT_ERROR, status=429)


@pytest.fixture
async def news(here: World) -> AsyncGenerator[News]:
    """What the operator hears: subjects, and whether they begin or end."""
    heard: News = []

    async def hear(subject: Subject, up: bool) -> None:  # noqa: FBT001 - the teller's own form
        heard.append((subject, up))

    task = asyncio.create_task(here.app.alerts.run(hear))
    yield heard
    task.cancel()


async def held_back(here: World, fal: LoopbackFal, reason: Script) -> discord.Message:
    """The progress message of an order that fal has turned away."""
    fal.fail_next(reason)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await eventually(lambda: len(fal.seen(Step.SUBMIT)) == 1)
    assert answer.response is not None
    return answer.response.message


async def test_orders_wait_while_fal_is_busy_and_go_on_by_themselves(
    here: World, fal: LoopbackFal, books: Books, news: News
) -> None:
    await held_back(here, fal, BUSY_NOW)
    await eventually(lambda: news == [(Subject.FAL_AWAY, True)])
    another = await here.other.slash(here.channel, "imagine", prompt="a harbour")
    assert another.response is not None
    assert not another.response.ephemeral
    assert fal.jobs == {}
    here.time.passed += 6
    await delivered(here, 2)
    await eventually(lambda: news == [(Subject.FAL_AWAY, True), (Subject.FAL_AWAY, False)])
    await eventually(lambda: books.states() == ["delivered", "delivered"])
    assert (books.spent("customer"), books.spent("operator"), fal.spent * 100) == (16, 16, 16)


async def test_without_balance_new_orders_are_refused_and_held_ones_wait(
    here: World, fal: LoopbackFal, books: Books, news: News
) -> None:
    await held_back(here, fal, NO_BALANCE)
    await eventually(lambda: news == [(Subject.ACCOUNT, True)])
    answer = await here.other.slash(here.channel, "imagine", prompt="a harbour")
    assert refusal(answer) == "The bot cannot generate right now. Nothing was ordered; please try again later."
    assert books.states() == ["held"]
    here.time.passed += 6
    await delivered(here)
    await eventually(lambda: news == [(Subject.ACCOUNT, True), (Subject.ACCOUNT, False)])
    assert not any("balance" in str(content) or "account" in str(content) for content in spoken(here))


async def test_an_order_that_waits_for_fal_can_be_cancelled(here: World, fal: LoopbackFal, books: Books) -> None:
    progress = await held_back(here, fal, NO_BALANCE)
    await here.member.click(progress, label="Cancel")
    await eventually(
        lambda: [text_of(one) for one in public(here)] == ["> a lighthouse\n**Cancelled.** Nothing was charged."]
    )
    await eventually(lambda: books.states() == ["cancelled"])
    assert fal.jobs == {}
    assert (books.spent("customer"), books.spent("operator")) == (0, 0)


@pytest.mark.settings(fal={"max_wait": 0.0001})
async def test_an_order_that_waits_too_long_is_given_up(here: World, fal: LoopbackFal, books: Books) -> None:
    fal.fail_next(Fault.SUBMIT_LOCKED, times=100)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    assert await told(answer) == (
        f"This waited too long for its turn, so it was given up. {NOT_CHARGED} Please try again later."
    )
    await eventually(lambda: public(here) == [])
    assert (books.spent("customer"), books.spent("operator")) == (0, 0)


@pytest.mark.parametrize("reason", [BUSY_NOW, NO_BALANCE])
async def test_an_order_that_waits_for_fal_says_so(here: World, fal: LoopbackFal, reason: Script) -> None:
    await held_back(here, fal, reason)
    await phase(here, "**Waiting: fal takes no orders right now**")
    here.time.passed += 6
    await delivered(here)


@pytest.mark.logs_errors
async def test_the_operator_reads_of_trouble_in_a_channel_of_their_own(
    here: World, fal: LoopbackFal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert here.channel.guild is not None
    office = here.channel.guild.create_text_channel("office")
    monkeypatch.setattr(here.app.operator, "_channel_id", office.id)  # it is known only now that the world stands
    task = asyncio.create_task(here.app.alerts.run(here.app.operator.tell))
    await held_back(here, fal, NO_BALANCE)
    await eventually(lambda: [text_of(one).split(":")[0] for one in office.history()] == ["**Alert"])
    here.time.passed += 6
    await eventually(lambda: [text_of(one).split(":")[0] for one in office.history()] == ["**Alert", "**Over"])
    task.cancel()


# --- an answer that never comes -------------------------------------------------------------------


@pytest.mark.parametrize("lost", [Fault.SUBMIT_DROP_AFTER, Fault.SUBMIT_DROP_BEFORE, Fault.SUBMIT_ERROR])
@pytest.mark.settings(fal={"find_lost": 1})
async def test_a_request_whose_answer_is_lost_is_looked_for_and_never_sent_again(
    here: World, fal: LoopbackFal, books: Books, news: News, lost: Fault
) -> None:
    fal.fail_next(lost)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    if lost is Fault.SUBMIT_DROP_AFTER:
        (result,) = await delivered(here)
        assert pinged(here, result) == [here.member.id]
        assert private(answer) == []
        await eventually(lambda: books.states() == ["delivered"])
        assert (books.spent("customer"), books.spent("operator"), fal.spent * 100) == (8, 8, 8)
    else:
        assert await told(answer) == LOST
        await eventually(lambda: public(here) == [])
        assert (books.spent("customer"), books.spent("operator")) == (0, 8)
    assert len(fal.seen(Step.SUBMIT)) == 1
    await eventually(lambda: news == [(Subject.LOST, True), (Subject.LOST, False)])


async def test_while_an_order_is_looked_for_it_says_so_and_cannot_be_cancelled(here: World, fal: LoopbackFal) -> None:
    fal.fail_next(Fault.SUBMIT_DROP_BEFORE)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await phase(here, "Looking for the order there", among=public)
    assert waiting(here) == []


# --- Discord does not take the images -------------------------------------------------------------

CHANNEL = "/channels/*/messages"
BEGUN_AND_OVER = [(Subject.DELIVERY, True), (Subject.DELIVERY, False)]
EVERYWHERE = (("POST", CHANNEL), ("PATCH", "/webhooks/*"), ("POST", "/users/@me/channels"))


async def test_discords_own_troubles_are_waited_out_and_every_try_has_the_same_nonce(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    here.env.inject_error("POST", CHANNEL, status=503, times=3)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await delivered(here)
    await eventually(lambda: books.states() == ["delivered"])
    assert len(fal.jobs) == 1
    posts = [(content["nonce"], content["enforce_nonce"]) for content in spoken(here) if "nonce" in content]
    assert posts == [posts[0]] * 4
    assert posts[0][0]
    assert posts[0][1] is True


async def test_images_that_stand_already_are_found_once_discord_has_forgotten_the_nonce(
    here: World, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = discord.PartialMessageable.send

    async def unanswered(self: discord.PartialMessageable, *arguments: Any, **options: Any) -> discord.Message:  # noqa: ANN401 - discord.py's own
        monkeypatch.setattr(discord.PartialMessageable, "send", send)
        await send(self, *arguments, **options)
        here.time.passed += NONCE_LIFE + 1
        raise ConnectionResetError

    monkeypatch.setattr(discord.PartialMessageable, "send", unanswered)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    await eventually(lambda: books.states() == ["delivered"])
    assert public(here) == [result]
    assert books.rows("SELECT message_id FROM jobs") == [(result.id,)]


async def test_where_the_bot_may_not_post_any_more_the_first_answer_becomes_the_result(here: World) -> None:
    here.env.inject_error("POST", CHANNEL, status=403, code=50013, times=None)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    assert answer.response is not None
    assert result.id == answer.response.id
    assert "Again" in buttons(result)


async def test_when_no_place_is_left_in_the_server_the_images_come_as_a_direct_message(here: World) -> None:
    here.env.inject_error("POST", f"/channels/{here.channel.id}/messages", status=403, code=50013, times=None)
    here.env.inject_error("PATCH", "/webhooks/*", status=404, code=10008, times=None)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (message,) = await eventually(here.member.user.dm_channel.history)
    assert len(pictures(here, message)) == 1
    await eventually(lambda: public(here) == [])


async def test_images_that_can_be_posted_nowhere_are_kept_for_their_member(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    for method, path in EVERYWHERE:
        here.env.inject_error(method, path, status=403, code=50013, times=None)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await eventually(lambda: books.states() == ["rendered"])
    await eventually(lambda: "Delivery" in str(books.rows("SELECT error FROM jobs")))
    here.env.backend.faults.clear()
    (job,) = fal.jobs.values()
    listed = await here.member.slash(here.channel, "jobs")
    assert listed.response is not None
    assert "**ready, not posted**" in text_of(listed.response.message)
    shown = await here.member.click(listed.response.message, label="Show the images")
    assert await told(shown) == "Your images, for you alone."
    assert shown.response is not None
    assert pictures(here, shown.response.message) == made(fal, job)
    await eventually(lambda: books.states() == ["delivered"])
    assert books.spent("customer") == 8
    found = (await here.member.slash(here.channel, "history")).response
    assert found is not None
    assert "Go to it" not in text_of(found.message)  # it stands nowhere


async def test_the_operator_hears_of_each_outage_also_after_one_whose_images_were_posted_nowhere(
    here: World, books: Books, news: News
) -> None:
    for outage in (1, 2):
        for method, path in EVERYWHERE:
            here.env.inject_error(method, path, status=503, times=None)
        await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
        await eventually(lambda count=outage: news == [*BEGUN_AND_OVER * (count - 1), (Subject.DELIVERY, True)])
        here.time.passed += 3601  # of trouble, in each place
        here.env.backend.faults.clear()
        for method, path in EVERYWHERE:
            here.env.inject_error(method, path, status=403, code=50013, times=None)
        await eventually(lambda count=outage: news == BEGUN_AND_OVER * count)
        here.env.backend.faults.clear()
    assert books.states() == ["rendered", "rendered"]


async def test_a_member_is_told_where_images_are_that_can_be_posted_nowhere(here: World, books: Books) -> None:
    here.env.inject_error("POST", CHANNEL, status=403, code=50013, times=None)
    here.env.inject_error("PATCH", "/webhooks/*", status=403, code=50013, times=None)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await eventually(lambda: "Delivery" in str(books.rows("SELECT error FROM jobs")))
    assert "**/jobs** shows them" in await told(answer)
    await eventually(lambda: public(here) == [])


async def test_images_that_could_be_posted_nowhere_and_are_not_fetched_in_time_are_gone_and_stay_paid(
    here: World, books: Books, tmp_path: Path
) -> None:
    for method, path in EVERYWHERE:
        here.env.inject_error(method, path, status=403, code=50013, times=None)
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await eventually(lambda: "Delivery" in str(books.rows("SELECT error FROM jobs")))
    here.env.backend.faults.clear()
    before = await here.member.slash(here.channel, "jobs")
    assert refusal(before).splitlines()[1].startswith("**ready, not posted** · ")
    here.time.passed += 31 * 86_400
    assert await here.app.gallery.sweep() == 1
    assert list((tmp_path / "jobs").iterdir()) == []
    assert before.response is not None
    answer = await here.member.click(before.response.message, label="Show the images")
    assert await told(answer) == "The files of this order are no longer kept."
    after = await here.member.slash(here.channel, "jobs")
    assert re.sub(r"<t:\d+:R>", "<t>", refusal(after)).splitlines()[1:] == [
        "**made, not posted, no longer kept** · <t> · Nano Banana 2 · 8 credits",
        "> a lighthouse",
    ]
    assert after.response is not None
    assert buttons(after.response.message) == {}
    assert list(audit(tmp_path / "bot.sqlite3")) == []


async def test_a_failure_that_cannot_be_told_privately_is_told_in_the_channel(here: World, fal: LoopbackFal) -> None:
    fal.fail_next(Fault.RUN_NO_MEDIA, times=2)
    here.env.inject_error("POST", "/webhooks/*", status=401, code=50027, times=None)
    await here.member.slash(here.channel, "imagine", prompt="a **lighthouse**")
    (said,) = await eventually(lambda: [one for one in public(here) if NO_IMAGE in text_of(one)])
    assert text_of(said) == f"> a \\*\\*lighthouse\\*\\*\n{NO_IMAGE}\n-# {here.member.mention}"
    assert list(buttons(said)) == ["Try again"]
    assert results(here) == []
