"""Images of a message, wherever Discord keeps them."""

from typing import Any

import discord
from discord_acts import delivered
from discord_pictures import PAGE, picture
from simcord.backend.models import MessageSticker

from bot.domain.order import Made, Origin, Reference
from bot.sandbox.world import World
from cogs.finding import found_images, result_of

V2 = 1 << 15
PNG = picture("PNG")


def our_id(here: World) -> int:
    bot = here.env.bot.user
    assert bot is not None
    return bot.id


def found(here: World, message: discord.Message) -> list[Reference]:
    return found_images(message, our_id(here))


def names(here: World, message: discord.Message) -> list[str]:
    return [one.filename for one in found(here, message)]


def posted(here: World, author_id: int, **contents: Any) -> discord.Message:  # noqa: ANN401 - whatever simcord takes
    """A message as it stands in the channel, whoever wrote it."""
    here.env.backend.create_message(here.channel.id, author_id, **contents)
    return here.channel.history()[-1]


def stored(here: World, *names: str) -> list[dict[str, Any]]:
    return here.env.backend.store_attachments(here.channel.id, [(name, PNG) for name in names])


def media(attachment: dict[str, Any]) -> dict[str, Any]:
    return {"url": f"attachment://{attachment['filename']}"}


async def test_uploads_are_found_in_order_and_other_files_are_not(here: World) -> None:
    files = [("b.png", PNG), ("film.mp4", b"film"), ("notes.txt", PAGE), ("a.jpg", picture("JPEG"))]
    message = await here.member.send(here.channel, "look", attachments=files)
    first, second = found(here, message)
    assert (first.filename, first.content_type, first.size) == ("b.png", "image/png", len(PNG))
    assert second.filename == "a.jpg"
    assert here.env.backend.cdn.get(first.url) == PNG
    origin = Origin(channel_id=here.channel.id, message_id=message.id, author_id=here.member.id)
    assert (first.origin, first.made) == (origin, None)


async def test_an_upload_of_unknown_type_goes_by_its_name(here: World) -> None:
    files = stored(here, "a.png", "b.bin")
    for file in files:
        del file["content_type"]
    assert names(here, posted(here, here.member.id, attachments=files)) == ["a.png"]


async def test_a_result_knows_which_of_its_images_is_which(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse", images=2)
    (result,) = await delivered(here)
    (job,) = await here.app.store.of_member(f"guild:{result.guild and result.guild.id}", here.member.id, 1)
    assert result_of(result, our_id(here)) == job.id
    assert [one.made for one in found(here, result)] == [Made(job_id=job.id, position=n) for n in (1, 2)]
    assert {one.origin for one in found(here, result)} == {
        Origin(channel_id=here.channel.id, message_id=result.id, author_id=None)
    }


async def test_another_bots_message_with_our_buttons_is_no_result(here: World) -> None:
    (file,) = stored(here, "a.png")
    button = {"type": 2, "style": 2, "label": "Again", "custom_id": f"v1:again:{'a' * 16}:0"}
    gallery = {"type": 12, "items": [{"media": media(file)}]}
    components = [gallery, {"type": 1, "components": [button]}]
    attachments = [file]
    theirs = posted(here, here.other.id, components=components, attachments=attachments, flags=V2)
    ours = posted(here, our_id(here), components=components, attachments=attachments, flags=V2)
    assert result_of(theirs, our_id(here)) is None
    assert result_of(ours, our_id(here)) == "a" * 16


async def test_a_message_with_buttons_of_two_results_is_neither(here: World) -> None:
    (file,) = stored(here, "a.png")
    buttons = [{"type": 2, "style": 2, "label": x, "custom_id": f"v1:again:{x * 16}:0"} for x in "ab"]
    components = [{"type": 12, "items": [{"media": media(file)}]}, {"type": 1, "components": buttons}]
    message = posted(here, our_id(here), components=components, attachments=[file], flags=V2)
    assert result_of(message, our_id(here)) is None
    assert [one.made for one in found(here, message)] == [None]


async def test_nested_galleries_thumbnails_and_files_are_found_in_reading_order(here: World) -> None:
    files = stored(here, "one.png", "two.png", "three.png", "film.mp4")
    one, two, three, film = files
    section = {
        "type": 9,
        "components": [{"type": 10, "content": "look"}],
        "accessory": {"type": 11, "media": media(one)},
    }
    gallery = {"type": 12, "items": [{"media": media(film)}, {"media": media(two)}, {"media": media(one)}]}
    components = [{"type": 17, "components": [section, gallery]}, {"type": 13, "file": media(three)}]
    message = posted(here, here.other.id, components=components, attachments=files, flags=V2)
    assert names(here, message) == ["one.png", "two.png", "three.png"]


async def test_what_lies_on_a_foreign_server_is_taken_from_discord_alone(here: World) -> None:
    foreign, proxy = "https://10.0.0.1/secret.png", "https://media.invalid/external/secret.png"
    image = {"url": foreign, "proxy_url": proxy}
    embeds: list[dict[str, Any]] = [
        {"type": "image", "thumbnail": image},
        {"type": "rich", "image": {"url": foreign}},
        {"type": "video", "thumbnail": image | {"proxy_url": "https://media.invalid/still.png"}},
    ]
    assert [one.url for one in found(here, posted(here, here.other.id, embeds=embeds))] == [proxy]
    gallery = {"type": 12, "items": [{"media": {"url": foreign}}]}
    assert found(here, posted(here, here.other.id, components=[gallery], flags=V2)) == []


async def test_an_image_shown_twice_counts_once_whatever_its_signature(here: World) -> None:
    (file,) = stored(here, "a.png")
    embeds = [{"type": "rich", "image": {"url": file["url"], "proxy_url": f"{file['url']}?ex=1&hm=2"}}]
    assert names(here, posted(here, here.other.id, attachments=[file], embeds=embeds)) == ["a.png"]


async def test_a_forwarded_image_is_found_and_belongs_to_who_forwarded_it(here: World) -> None:
    message = await here.other.send(here.channel, "look", attachments=[("a.png", PNG)])
    forwarded = await here.member.forward(message, here.channel)
    (image,) = found(here, forwarded)
    assert image.filename == "a.png"
    assert image.origin == Origin(channel_id=here.channel.id, message_id=forwarded.id, author_id=here.member.id)


async def test_a_forwarded_result_is_found_but_is_not_one(here: World) -> None:
    await here.member.slash(here.channel, "imagine", prompt="a lighthouse")
    (result,) = await delivered(here)
    forwarded = await here.member.forward(result, here.channel)
    assert result_of(forwarded, our_id(here)) is None
    assert [one.made for one in found(here, forwarded)] == [None]


async def test_stickers_count_where_they_are_pictures(here: World) -> None:
    stickers = [MessageSticker(n, "wave", n, guild_id=1) for n in (1, 3, 4)]
    message = posted(here, here.member.id, stickers=stickers)
    assert names(here, message) == ["1.png", "4.gif"]


async def test_words_alone_hold_no_image(here: World) -> None:
    message = await here.member.send(here.channel, "https://example.invalid/cat.png")
    assert found(here, message) == []
