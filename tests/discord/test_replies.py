"""Orders by messages: replies to images, and mentions with them."""

from discord_acts import (
    Books,
    delivered,
    eventually,
    pinged,
    public,
    results,
)
from discord_pictures import picture

from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.once import text_of
from bot.sandbox.world import World

ROBOT = ("robot.png", picture("PNG", "blue"))


async def made(here: World, prompt: str = "a lighthouse", **options: object):
    """A result of ann's."""
    await here.member.slash(here.channel, "imagine", prompt=prompt, **options)
    return (await delivered(here))[-1]


def mention(here: World) -> str:
    bot = here.env.bot.user
    assert bot is not None
    return bot.mention


async def edited(here: World, count: int = 2):
    """So many results in all."""
    await eventually(lambda: len(results(here)) == count)
    return results(here)[-1]


async def test_a_reply_to_ones_own_result_edits_it_at_once(here: World, fal: LoopbackFal, books: Books) -> None:
    result = await made(here)
    message = await here.member.send(here.channel, "make it night", reply_to=result)
    edit = await edited(here)
    _, job = fal.jobs.values()
    assert (job.endpoint, job.prompt) == ("fal-ai/nano-banana-2/edit", "make it night")
    assert edit.reference is not None
    assert edit.reference.message_id == message.id
    assert pinged(here, edit) == [here.member.id]
    assert (
        f"Edit 1 of [this image](https://discord.com/channels/{result.guild.id}/{result.channel.id}/{result.id})"
        in text_of(edit)
    )
    await eventually(lambda: books.states() == ["delivered", "delivered"])
    await eventually(lambda: [one.id for one in public(here)] == [result.id, message.id, edit.id])
    assert books.spent("customer") == 16
