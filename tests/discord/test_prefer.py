"""/prefer: what a member usually wants is filled in where they leave it open, and never in the way."""

from dataclasses import replace

from discord_acts import Books, delivered, private, refusal, results
from discord_pictures import picture
from discord_restart import Restart

from bot.domain.asking import Asker, Where
from bot.sandbox.fal_server import LoopbackFal
from bot.sandbox.world import World


async def prefers(here: World, **options: object) -> str:
    return refusal(await here.member.slash(here.channel, "prefer set", **options))


def last(fal: LoopbackFal) -> tuple[str, dict[str, object]]:
    job = next(reversed(fal.jobs.values()))
    return job.endpoint, dict(job.arguments)


async def test_they_are_filled_in_where_the_order_is_open(here: World, fal: LoopbackFal) -> None:
    said = await prefers(here, model="nano-banana-pro", aspect_ratio="16:9", resolution="2K", format="jpeg")
    assert "- Model: Nano Banana Pro\n- Shape of new images: 16:9\n- Size: 2K\n- File format: jpeg" in said
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse", resolution="1K")
    await delivered(here)
    endpoint, arguments = last(fal)
    assert endpoint == "fal-ai/nano-banana-pro"
    assert (arguments["aspect_ratio"], arguments["resolution"], arguments["output_format"]) == ("16:9", "1K", "jpeg")


async def test_an_edit_keeps_its_pictures_shape(here: World, fal: LoopbackFal) -> None:
    await prefers(here, aspect_ratio="16:9", resolution="2K")
    await here.member.slash(here.channel, "edit", prompt="warmer", image=("a.png", picture("PNG")))
    await delivered(here)
    _, arguments = last(fal)
    assert (arguments.get("aspect_ratio"), arguments["resolution"]) == ("auto", "2K")


async def test_one_that_does_not_go_with_the_order_is_left_out(here: World, fal: LoopbackFal) -> None:
    await prefers(here, model="nano-banana", images=4, resolution="4K")
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse", resolution="2K", seed=7)
    await delivered(here)
    endpoint, arguments = last(fal)
    assert endpoint == "fal-ai/nano-banana-2"  # Nano Banana has no resolution
    assert (arguments["num_images"], arguments["seed"], arguments["resolution"]) == (1, 7, "2K")


async def test_again_makes_the_same_order_whoever_clicks(here: World, fal: LoopbackFal) -> None:
    await here.other.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    await prefers(here, images=3)
    await here.member.click(result, label="Again")
    await delivered(here, 2)
    assert last(fal)[1]["num_images"] == 1
    assert len(results(here)) == 2


async def test_they_are_each_members_own(here: World, fal: LoopbackFal) -> None:
    await prefers(here, images=2)
    await here.other.slash(here.channel, "imagine", prompt="a lighthouse")
    await delivered(here)
    assert last(fal)[1]["num_images"] == 1


async def test_they_survive_a_restart_and_can_be_reset(here: World, books: Books, restart: Restart) -> None:
    said = await prefers(here, images=2, others_may_edit=False, resolution="2K")
    assert "- Others may edit pictures you post: no" in said
    assert books.rows("SELECT member_id FROM picture_keepers") == [(here.member.id,)]
    async with restart() as after:
        shown = refusal(await after.member.slash(after.channel, "prefer show"))
        assert "- Images at once: 2" in shown
        shown = refusal(await after.member.slash(after.channel, "prefer reset", option="images"))
        assert "Images" not in shown
        assert "- Size: 2K" in shown
        shown = refusal(await after.member.slash(after.channel, "prefer reset"))
        assert shown.startswith("You have set nothing")
    assert books.rows("SELECT member_id FROM picture_keepers") == []


async def test_what_no_model_has_is_refused_and_not_stored(here: World) -> None:
    said = await prefers(here, resolution="9K", images=2)
    assert said == "Nano Banana 2 has no `resolution` `9K`. It has `0.5K`, `1K`, `2K`, `4K`."
    assert refusal(await here.member.slash(here.channel, "prefer show")).startswith("You have set nothing")


async def test_values_are_suggested(here: World) -> None:
    found = await here.member.autocomplete(here.channel, "prefer set", "model", "pro")
    assert [one["name"] for one in found] == ["Nano Banana Pro"]


async def test_they_hold_in_direct_messages_too(here: World) -> None:
    await prefers(here, images=2)
    assert "- Images at once: 2" in refusal(await here.member.user.slash("prefer show"))


async def test_a_preference_that_the_server_forbids_makes_no_order_fail(here: World, fal: LoopbackFal) -> None:
    await prefers(here, images=4)
    assert here.channel.guild is not None
    scope = f"guild:{here.channel.guild.id}"
    old = await here.app.rules.rules(scope)
    await here.app.rules.change_rules(scope, old, replace(old.rules, most_images=2), by=1, at=1.0)
    answer = await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    await delivered(here)
    assert private(answer) == []
    assert last(fal)[1]["num_images"] == 1


async def test_a_form_shows_the_members_usual_model_first(here: World) -> None:
    await here.member.slash(here.channel, "prefer set", model="nano-banana-pro")
    guild = here.app.client.guilds[0]
    where = Where(guild_id=guild.id, channel_id=here.channel.id)
    models = [
        (await here.app.desk.models(f"guild:{guild.id}", Asker(member_id=one.id), where))[0]
        for one in (here.member, here.other)
    ]
    assert models == ["nano-banana-pro", "nano-banana-2"]
