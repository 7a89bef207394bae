"""Orders that only one person sees, and orders outside the bot's servers, over real sockets."""

from pathlib import Path

from bot.service.points import DIE_AT, Point
from tests.e2e.bot_process import bot_process


async def test_a_private_order_is_shown_to_its_member_alone_even_after_a_kill(tmp_path: Path) -> None:
    async with bot_process(tmp_path) as bot:
        discord = bot.discord
        await bot.start(**{DIE_AT: Point.RENDERED.value})
        placed = await discord.slash(
            discord.member, discord.channel, "imagine", {"prompt": "a secret cat", "private": True}
        )
        answer = await placed.first_response()
        assert answer.ephemeral
        assert await bot.ended(30) != 0
        await discord.offline()
        await bot.start()
        await discord.eventually(lambda: answer.message and answer.message.attachments, within=20)
        assert answer.message is not None
        assert answer.message.visible_to is discord.member
        assert "Only you can see this." in answer.message.text
        assert not [one for one in discord.messages(discord.channel) if not one.ephemeral]
        assert discord.messages(discord.dm(discord.member)) == []
        code, audit = await bot.run("audit")
        assert (code, audit.strip()) == (0, "the books agree")
        assert await bot.stop() == 0
    assert "secret" not in (tmp_path / "bot.log").read_text(encoding="utf-8")


async def test_an_app_that_a_person_installed_answers_where_the_bot_is_no_member(tmp_path: Path) -> None:
    async with bot_process(tmp_path, BOT_DISCORD__USER_INSTALL="true", BOT_QUOTA__PERSON_DAILY_CREDITS="20") as bot:
        discord = bot.discord
        await bot.start()
        person = discord.seed_person("Uma", installed_app=True)
        place = discord.seed_channel(discord.seed_guild("Elsewhere", person, with_bot=False), "talk")
        placed = await discord.slash(person, place, "imagine", {"prompt": "a cat"})
        answer = await placed.first_response()
        assert not answer.ephemeral
        await discord.eventually(lambda: answer.message and answer.message.attachments, within=20)
        assert answer.message is not None
        assert f"<@{person.id}>" in answer.message.text
        assert [one.id for one in discord.messages(place)] == [answer.message.id]
        await discord.click(person, answer.message, "Again")
        await discord.eventually(
            lambda: len([one for one in discord.messages(place) if one.attachments]) == 2, within=20
        )
        refused = await discord.slash(person, place, "imagine", {"prompt": "one more"})
        said = (await refused.first_response()).message
        assert said is not None
        assert said.text.startswith("You have 4 credits left today and this needs 8.")
        listed = await discord.slash(person, place, "history")
        await discord.eventually(lambda: listed.message and len(listed.message.attachments) == 2, within=20)
        assert await bot.stop() == 0


async def test_without_the_operators_word_the_app_is_not_offered_to_people(tmp_path: Path) -> None:
    async with bot_process(tmp_path) as bot:
        await bot.start()
        for command in bot.discord.world.global_commands:
            assert command["integration_types"] == [0]
            assert 2 not in command["contexts"]
        assert await bot.stop() == 0
        before = bot.discord.counts["put_commands"]
        await bot.discord.offline()
        await bot.start(BOT_DISCORD__USER_INSTALL="true")
        assert bot.discord.counts["put_commands"] == before + 1
        imagine = next(one for one in bot.discord.world.global_commands if one["name"] == "imagine")
        assert imagine["integration_types"] == [0, 1]
        assert imagine["contexts"] == [0, 1, 2]
        assert await bot.stop() == 0
