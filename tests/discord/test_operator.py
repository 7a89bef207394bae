"""What the operator rules: the purse and its warnings, servers to suspend or leave, and notices to all of them."""

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import discord
import pytest
import simcord
from discord_acts import Books, delivered, eventually, finish, generating, private, refusal
from discord_restart import Restart

from bot.adapters.sqlite_servers import SqliteServers
from bot.adapters.sqlite_usage import SqliteUsage
from bot.domain.rules import Rules, RulesRecord
from bot.process import sweep
from bot.sandbox.fal_faults import Fault
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import text_of
from bot.sandbox.world import World
from bot.service.alerts import Subject

HOME = 1_500_000_000_000_000_000


async def order(who: simcord.MemberActor, channel: simcord.ChannelHandle) -> str:
    return "\n".join(private(await who.slash(channel, "imagine", prompt="a lighthouse")))


async def carry_out(here: World) -> None:
    """What the process does every three seconds."""
    await here.app.purse.carry_out(here.app.client.leave, here.app.operator.post)


# --- the purse ------------------------------------------------------------------------------------


@pytest.mark.settings(quota={"total_monthly_credits": 16})
@pytest.mark.logs_errors
async def test_the_operator_is_warned_as_the_months_stop_comes_nearer(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = here.member.guild.create_text_channel("office")
    monkeypatch.setattr(here.app.operator, "_channel_id", office.id)  # it is known only now that the world stands
    task = asyncio.create_task(here.app.alerts.run(here.app.operator.tell))

    async def warned(count: int) -> list[str]:
        for _ in range(2):  # a second look warns of nothing anew
            await here.app.purse.look()
        await eventually(lambda: len(office.history()) >= count)
        return [text_of(one) for one in office.history()]

    await here.app.purse.look()
    assert await order(here.member, here.channel) == ""
    await delivered(here)
    (half,) = await warned(1)
    assert "half" in half.lower()
    assert await order(here.member, here.channel) == ""
    await delivered(here, 2)
    assert len(await warned(3)) == 3
    here.time.passed += 32 * 86_400
    await here.app.purse.look()
    await eventually(lambda: len(office.history()) == 6)
    task.cancel()


@pytest.mark.settings(quota={"total_monthly_credits": 8})
@pytest.mark.logs_errors
async def test_a_part_of_the_housekeeping_that_fails_hides_no_warning(
    here: World, books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Subject] = []

    async def hear(subject: Subject, up: bool) -> None:  # noqa: FBT001 - the signature of Alerts.run
        assert up
        heard.append(subject)

    monkeypatch.setattr("bot.process.DISK_LOW", 2**62)
    task = asyncio.create_task(here.app.alerts.run(hear))
    assert await order(here.member, here.channel) == ""
    await delivered(here)
    books.change("ALTER TABLE refusals RENAME TO out_of_the_way")  # forgetting cannot write, as on a full disk
    await sweep(here.app, tmp_path)
    await eventually(lambda: {Subject.DISK, Subject.PURSE_EMPTY} <= set(heard))
    task.cancel()


# --- servers --------------------------------------------------------------------------------------


async def two_servers(here: World) -> tuple[simcord.MemberActor, simcord.ChannelHandle]:
    """Another server with a member and a channel."""
    guild = here.env.create_guild("Elsewhere")
    return guild.add_member(here.env.create_user("eve")), guild.create_text_channel("pictures")


async def test_what_is_ruled_for_one_server_holds_in_no_other(here: World) -> None:
    eve, elsewhere = await two_servers(here)
    assert elsewhere.guild is not None
    await here.app.purse.change(elsewhere.guild.id, "suspended", value=True)
    assert (await order(eve, elsewhere)).startswith("The bot is switched off for this server")
    assert await order(here.member, here.channel) == ""
    await delivered(here)


async def test_the_bot_leaves_one_server_and_works_on_in_the_others(here: World, books: Books) -> None:
    _, elsewhere = await two_servers(here)
    assert elsewhere.guild is not None
    await here.app.purse.change(elsewhere.guild.id, "leave_wanted", value=True)
    await carry_out(here)
    await eventually(lambda: [one.id for one in here.app.client.guilds] == [here.member.guild.id])
    left = f"SELECT left_at IS NOT NULL, leave_wanted FROM servers WHERE guild_id = {elsewhere.guild.id}"  # noqa: S608 - a number
    await eventually(lambda: books.rows(left) == [(1, 0)])
    assert await order(here.member, here.channel) == ""
    await delivered(here)


async def one_at_fal_and_one_in_line(here: World, fal: LoopbackFal) -> simcord.InteractionResult:
    """Ann's order, which fal works at, and bob's, which waits for its place."""
    fal.fail_next(Fault.RUN_STUCK_IN_PROGRESS)
    assert await order(here.member, here.channel) == ""
    await generating(here)
    return await here.other.slash(here.channel, "imagine", prompt="a harbour")


async def ends_free(here: World, fal: LoopbackFal, books: Books, waiting: simcord.InteractionResult) -> None:
    """Bob's order was never sent, ann's is delivered."""
    (said,) = await eventually(lambda: private(waiting))
    assert said == (
        "The people who run this bot have switched it off for this server while your order waited."
        " You were not charged."
    )
    await eventually(lambda: books.states() == ["queued", "failed"])
    await finish(fal)
    await delivered(here)
    assert (books.spent("customer"), books.spent("operator"), len(fal.jobs)) == (8, 8, 1)


@pytest.mark.settings(fal={"max_concurrent": 1}, operator={"home_server": HOME})
async def test_an_order_that_waits_is_not_sent_once_its_server_is_suspended(
    here: World, fal: LoopbackFal, books: Books, home: simcord.GuildHandle
) -> None:
    waiting = await one_at_fal_and_one_in_line(here, fal)
    owner, office = await owner_of(here, home)
    server = str(here.member.guild.id)
    await owner.slash(office, "operator server", server=server, do="disallow")  # there is no allow list
    assert books.states() == ["queued", "held"]
    await owner.slash(office, "operator server", server=server, do="suspend")
    await ends_free(here, fal, books, waiting)


@pytest.mark.settings(fal={"max_concurrent": 1}, operator={"allow_list": True})
async def test_the_next_look_ends_what_waits_for_a_server_that_the_command_line_took_off_the_allow_list(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    await here.app.servers.change(here.member.guild.id, "allowed", value=True)
    waiting = await one_at_fal_and_one_in_line(here, fal)
    await here.app.purse.follow()
    assert books.states() == ["queued", "held"]
    await here.app.servers.change(here.member.guild.id, "allowed", value=False)
    await here.app.purse.follow()
    await ends_free(here, fal, books, waiting)


@pytest.mark.settings(fal={"max_concurrent": 1}, operator={"allow_list": True})
async def test_what_waits_for_a_server_of_which_nothing_is_known_any_more_is_on_no_allow_list(
    here: World, fal: LoopbackFal, books: Books
) -> None:
    await here.app.servers.change(here.member.guild.id, "allowed", value=True)
    waiting = await one_at_fal_and_one_in_line(here, fal)
    books.change("DELETE FROM servers")
    await here.app.purse.follow()
    await ends_free(here, fal, books, waiting)


@pytest.mark.settings(fal={"max_concurrent": 1})
async def test_what_waits_is_not_sent_when_its_server_is_suspended_while_the_bot_is_down(
    here: World, fal: LoopbackFal, books: Books, restart: Restart
) -> None:
    await one_at_fal_and_one_in_line(here, fal)

    async def suspend() -> None:
        await here.app.servers.change(here.member.guild.id, "suspended", value=True)
        await finish(fal)  # so that a place is free at the start

    async with restart(killed=True, meanwhile=suspend) as after:
        await delivered(after)
        await eventually(lambda: books.states()[-1] == "failed")
        assert len(fal.jobs) == 1


async def test_a_server_that_was_left_already_is_not_left_again_when_it_invites_the_bot_anew(here: World) -> None:
    await here.app.servers.joined(5, "five", 1.0)
    await here.app.servers.left(5, 2.0)
    await here.app.purse.change(5, "leave_wanted", value=True)
    await carry_out(here)
    await here.app.servers.joined(5, "five", 3.0)
    assert await here.app.servers.to_leave() == []


@pytest.mark.logs_errors
async def test_a_server_that_cannot_be_left_holds_up_neither_the_next_nor_a_notice(here: World) -> None:
    (_, kept), (_, left) = await two_servers(here), await two_servers(here)
    assert kept.guild is not None
    assert left.guild is not None
    log = here.member.guild.create_text_channel("log")
    await here.moderator.slash(here.channel, "settings set", name="log_channel", value=f"<#{log.id}>")
    for guild in (kept.guild, left.guild):
        await here.app.purse.change(guild.id, "leave_wanted", value=True)
    await here.app.purse.say("We move house on Sunday.")
    here.env.inject_error("DELETE", f"/users/@me/guilds/{kept.guild.id}", status=403, code=50001, times=None)
    await carry_out(here)
    stay = {here.member.guild.id, kept.guild.id}
    await eventually(lambda: {one.id for one in here.app.client.guilds} == stay)
    assert any("We move house on Sunday" in text_of(message) for message in log.history())


@pytest.mark.logs_errors
async def test_a_server_that_cannot_be_left_is_tried_more_and_more_seldom_and_told_in_full_once(
    here: World, caplog: pytest.LogCaptureFixture
) -> None:
    _, kept = await two_servers(here)
    assert kept.guild is not None
    path = f"/users/@me/guilds/{kept.guild.id}"
    here.env.inject_error("DELETE", path, status=403, code=50001, times=None)

    def told() -> list[bool]:
        """Of each time that it failed, whether it was told in full."""
        said = [one for one in caplog.records if one.message.startswith(f"server {kept.guild and kept.guild.id} could")]
        return [one.exc_info is not None for one in said]

    await here.app.purse.change(kept.guild.id, "leave_wanted", value=True)
    for _ in range(3):
        await carry_out(here)
    assert told() == [True]
    for seconds, times in ((61, 2), (61, 2), (60, 3), (3600, 4), (3601, 5)):
        here.time.passed += seconds
        await carry_out(here)
        assert told() == [True] + [False] * (times - 1)
    here.env.backend.faults.clear()
    await carry_out(here)
    assert len(here.app.client.guilds) == 2
    await here.app.purse.change(kept.guild.id, "leave_wanted", value=True)  # who asks anew does not wait
    await carry_out(here)
    await eventually(lambda: [one.id for one in here.app.client.guilds] == [here.member.guild.id])


async def test_a_notice_stands_once_in_every_log_channel_that_is_there(here: World) -> None:
    eve_guild = here.env.create_guild("Elsewhere")
    role = eve_guild.create_role("Boss", permissions=discord.Permissions(manage_guild=True))
    eve = eve_guild.add_member(here.env.create_user("eve"), roles=[role])
    logs = [here.member.guild.create_text_channel("log"), eve_guild.create_text_channel("log")]
    gone_guild = here.env.create_guild("Deleted")
    gone_role = gone_guild.create_role("Boss", permissions=discord.Permissions(manage_guild=True))
    zoe = gone_guild.add_member(here.env.create_user("zoe"), roles=[gone_role])
    gone, pictures = gone_guild.create_text_channel("log"), gone_guild.create_text_channel("pictures")
    for who, where, log in (
        (here.moderator, here.channel, logs[0]),
        (eve, logs[1], logs[1]),
        (zoe, pictures, gone),
    ):
        said = refusal(await who.slash(where, "settings set", name="log_channel", value=f"<#{log.id}>"))
        assert said.startswith("Saved.")
    here.env.backend.delete_channel(gone.id)
    await here.app.purse.say("We move house on Sunday, @everyone.")
    await carry_out(here)
    await carry_out(here)
    for log in logs:
        (said,) = [one for one in log.history() if "We move house on Sunday" in text_of(one)]
        assert not here.env.backend.get_message(log.id, said.id).mention_everyone


# --- /operator ------------------------------------------------------------------------------------


@pytest.fixture
def home(here: World) -> simcord.GuildHandle:
    return here.env.create_guild("Home", id=HOME)


async def silent(*_: object) -> None:
    await asyncio.sleep(600)


async def broken(*_: object) -> None:
    raise sqlite3.OperationalError("disk I/O error")


async def owner_of(here: World, home: simcord.GuildHandle) -> tuple[simcord.MemberActor, simcord.ChannelHandle]:
    role = home.create_role("Admin", permissions=discord.Permissions(administrator=True))
    user = here.env.create_user("olga")
    here.app.client.owner_id = user.id
    return home.add_member(user, roles=[role]), home.create_text_channel("office")


@pytest.mark.settings(operator={"home_server": HOME})
async def test_the_owner_rules_from_their_home_server(here: World, home: simcord.GuildHandle) -> None:
    owner, office = await owner_of(here, home)
    await here.app.client.on_ready()  # connected anew: servers and their names are known
    guild_id = str(here.member.guild.id)
    assert await order(here.member, here.channel) == ""
    await delivered(here)
    assert refusal(await owner.slash(office, "operator server", server=guild_id, monthly=10)).startswith("Done.")
    assert (await order(here.member, here.channel)).startswith("This server has 2 credits left this month")
    listed = refusal(await owner.slash(office, "operator servers"))
    assert "Sandbox" in listed
    assert "8" in listed
    assert "8" in refusal(await owner.slash(office, "operator purse"))
    assert refusal(await owner.slash(office, "operator server", server=guild_id, monthly=-1)).startswith("Done.")
    assert await order(here.member, here.channel) == ""
    await delivered(here, 2)
    await owner.slash(office, "operator server", server=guild_id, do="suspend")
    assert (await order(here.member, here.channel)).startswith("The bot is switched off for this server")


BUSY = "The bot is very busy"


@pytest.mark.settings(operator={"home_server": HOME})
@pytest.mark.parametrize(
    ("command", "options", "slow", "said"),
    [
        ("operator purse", {}, (SqliteUsage, "operators_month"), "Nothing was ordered"),
        ("operator servers", {}, (SqliteServers, "servers"), "Nothing was ordered"),
        ("operator server", {"monthly": 10}, (SqliteServers, "change"), "this may be done or not"),
        ("operator notice", {"words": "hello"}, (SqliteServers, "add_notice"), "this may be done or not"),
    ],
)
async def test_the_owner_is_told_when_the_books_do_not_answer_in_time(
    here: World,
    home: simcord.GuildHandle,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    options: dict[str, object],
    slow: tuple[type, str],
    said: str,
) -> None:
    owner, office = await owner_of(here, home)
    if command == "operator server":
        options = {"server": str(here.member.guild.id), **options}
    monkeypatch.setattr(*slow, silent)
    answer = refusal(await owner.slash(office, command, **options))
    assert answer.startswith(BUSY)
    assert said in answer


@pytest.mark.settings(operator={"home_server": HOME})
async def test_what_the_owner_sets_is_set_also_when_what_waits_cannot_be_looked_at(
    here: World, home: simcord.GuildHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, office = await owner_of(here, home)
    monkeypatch.setattr(here.app.purse, "follow", broken)
    guild_id = str(here.member.guild.id)
    assert refusal(await owner.slash(office, "operator server", server=guild_id, do="suspend")).startswith("Done.")
    assert (await order(here.member, here.channel)).startswith("The bot is switched off for this server")


@pytest.mark.settings(operator={"home_server": HOME})
@pytest.mark.parametrize("typed", ["0", "-1", "everything", "9" * 40, "9" * 5000])
async def test_what_can_be_no_server_is_refused(
    here: World, home: simcord.GuildHandle, books: Books, typed: str
) -> None:
    owner, office = await owner_of(here, home)
    known = books.rows("SELECT count(*) FROM servers")
    said = refusal(await owner.slash(office, "operator server", server=typed, do="suspend"))
    assert not said.startswith("Done.")
    assert books.rows("SELECT count(*) FROM servers") == known


@pytest.mark.settings(operator={"home_server": HOME})
async def test_an_administrator_who_does_not_own_the_bot_rules_nothing(here: World, home: simcord.GuildHandle) -> None:
    owner, office = await owner_of(here, home)
    here.app.client.owner_id = owner.id + 1
    said = refusal(await owner.slash(office, "operator server", server=str(here.member.guild.id), do="suspend"))
    assert said == "Only the people who run this bot can do that."
    assert await order(here.member, here.channel) == ""
    await delivered(here)


@pytest.mark.settings(operator={"home_server": HOME})
async def test_elsewhere_nobody_sees_the_operators_commands(here: World, home: simcord.GuildHandle) -> None:
    owner, office = await owner_of(here, home)
    role = here.member.guild.create_role("Admin", permissions=discord.Permissions(administrator=True))
    admin = here.member.guild.add_member(here.env.create_user("eve"), roles=[role])
    assert "operator purse" in owner.available_commands(office)
    assert not [name for name in admin.available_commands(here.channel) if name.startswith("operator")]


async def test_a_notice_goes_to_no_channel_that_a_person_named_outside_servers(here: World) -> None:
    scope = f"person:{here.member.id}"
    rules = replace(Rules(), log_channel=here.channel.id)
    await here.app.rules.change_rules(scope, RulesRecord(), rules, by=here.member.id, at=1.0)
    await here.app.purse.say("Maintenance at noon")
    await carry_out(here)
    assert here.channel.history() == []
