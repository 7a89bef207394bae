"""The conversation over real sockets, killed and started again in the middle: menus, forms, baskets, buttons, history."""

import io
from pathlib import Path
from typing import cast

from PIL import Image

from tests.e2e.bot_process import BotProcess, bot_process
from tests.loopback.discord_bodies import Upload
from tests.loopback.discord_state import Message


def photo(colour: str) -> Upload:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(buffer, "PNG")
    return Upload(f"{colour}.png", buffer.getvalue(), "image/png")


async def imagined(bot: BotProcess, **options: object) -> Message:
    await bot.discord.slash(bot.discord.member, bot.discord.channel, "imagine", {"prompt": "a cat"} | options)
    return await bot.result(len(bot.results()) + 1)


async def restarted(bot: BotProcess) -> None:
    await bot.kill()
    await bot.start()


async def private_word(bot: BotProcess, message: Message, button: str) -> Message:
    """What only the member sees after a click."""
    clicked = await bot.discord.click(bot.discord.member, message, button)

    def shown() -> Message | None:
        found = [one for one in (clicked.message, *clicked.followups) if one is not None]
        return next((one for one in found if one.text), None)

    said: Message = await bot.discord.eventually(shown, within=10)
    assert said.ephemeral
    return said


async def test_a_form_that_was_open_during_a_kill_still_edits_a_members_picture(tmp_path: Path) -> None:
    async with bot_process(tmp_path) as bot:
        await bot.start()
        posted = await bot.discord.say(bot.discord.member, bot.discord.channel, "my cat", attachments=[photo("navy")])
        opened = await bot.discord.context_menu(bot.discord.member, posted, "Edit image")
        assert (await opened.first_response()).opens_modal
        await restarted(bot)
        await bot.discord.submit_modal(opened, {"prompt": "make it night"})
        await bot.discord.eventually(lambda: len(bot.results()) == 2, within=20)
        assert "make it night" in bot.results()[-1].text
        (job,) = bot.fal.jobs.values()
        assert (job.endpoint, job.prompt) == ("fal-ai/nano-banana-2/edit", "make it night")
        assert await bot.stop() == 0


async def test_a_basket_filled_before_a_kill_is_blended_in_order_after_it(tmp_path: Path) -> None:
    async with bot_process(tmp_path) as bot:
        await bot.start()
        for colour in ("navy", "gold"):
            posted = await bot.discord.say(bot.discord.member, bot.discord.channel, colour, attachments=[photo(colour)])
            added = await bot.discord.context_menu(bot.discord.member, posted, "Add to blend")
            assert (await added.first_response()).ephemeral
        await restarted(bot)
        await bot.discord.slash(bot.discord.member, bot.discord.channel, "blend", {"prompt": "both"})
        await bot.discord.eventually(lambda: bot.fal.jobs, within=20)
        (job,) = bot.fal.jobs.values()
        assert len(cast("list[str]", job.arguments["image_urls"])) == 2
        await bot.result(3)
        assert await bot.stop() == 0


async def test_the_buttons_of_a_result_work_after_a_kill(tmp_path: Path) -> None:
    async with bot_process(tmp_path) as bot:
        await bot.start()
        first = await imagined(bot)
        await restarted(bot)
        await bot.discord.click(bot.discord.member, first, "Again")
        await bot.result(2)
        assert "/imagine prompt:" in (await private_word(bot, first, "Recipe")).text
        opened = await bot.discord.click(bot.discord.member, first, "Edit")
        assert (await opened.first_response()).opens_modal
        await bot.discord.submit_modal(opened, {"prompt": "make it night"})
        edit = await bot.result(3)
        await bot.discord.click(bot.discord.member, edit, "Compare")
        await bot.result(4)
        await bot.discord.click(bot.discord.member, edit, "Undo")
        await bot.result(5)
        offers = await private_word(bot, first, "Upscale")
        label = str(offers.buttons[0]["label"])
        assert "credits" in label
        await bot.discord.click(bot.discord.member, offers, label)
        await bot.result(6)
        asked = await private_word(bot, first, "Delete")
        await bot.discord.click(bot.discord.member, asked, "Delete")
        await bot.discord.eventually(lambda: first not in bot.discord.messages(bot.discord.channel), within=10)
        assert await bot.stop() == 0
        code, output = await bot.run("audit")
        assert (code, output.strip()) == (0, "the books agree")


async def test_history_and_preferences_outlive_a_kill(tmp_path: Path) -> None:
    async with bot_process(tmp_path) as bot:
        await bot.start()
        member, channel = bot.discord.member, bot.discord.channel
        chosen = {"model": "nano-banana-pro", "aspect_ratio": "16:9"}
        await (await bot.discord.slash(member, channel, "prefer set", chosen)).first_response()
        await imagined(bot)
        await restarted(bot)
        await imagined(bot)
        assert [job.endpoint for job in bot.fal.jobs.values()] == ["fal-ai/nano-banana-pro"] * 2
        assert [job.arguments["aspect_ratio"] for job in bot.fal.jobs.values()] == ["16:9"] * 2
        listed = await bot.discord.slash(member, channel, "history")
        await bot.discord.eventually(lambda: listed.message and len(listed.message.attachments) == 2, within=20)
        assert listed.message is not None
        await bot.discord.click(member, listed.message, "Show here")
        await bot.result(3)
        assert await bot.stop() == 0
