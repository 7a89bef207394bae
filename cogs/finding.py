"""The images of a message, wherever Discord keeps them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import discord

from bot import views
from bot.domain.order import Made, Origin, Reference
from bot.domain.references import SUFFIXES, unsigned

STICKERS = frozenset({discord.StickerFormatType.png, discord.StickerFormatType.apng, discord.StickerFormatType.gif})
"""Kinds that are pictures; the fourth is made of vectors."""
EMBEDS = frozenset({"rich", "image", "article", "link"})
"""Kinds whose images are not stills of a video."""


def found_images(message: discord.Message, our_id: int) -> list[Reference]:
    """Every image of a message in reading order, each once: galleries and the like, uploads, embeds, stickers, forwards.

    `our_id` is the bot's own user id. Images of one of its results know which they are (`made`).
    """
    ours = message.author.id == our_id
    origin = Origin(channel_id=message.channel.id, message_id=message.id, author_id=None if ours else message.author.id)
    found = dict[str, Reference]()
    for reference in _images(message, result_of(message, our_id)):
        found.setdefault(unsigned(reference.url), replace(reference, origin=origin))
    return list(found.values())


def attached(one: discord.Attachment) -> Reference:
    """An upload as a picture of an order."""
    return Reference(
        url=one.url, filename=one.filename, content_type=one.content_type, size=one.size, spoiler=one.is_spoiler()
    )


def result_of(message: discord.Message, our_id: int) -> str | None:
    """The job whose images a message shows; None for every other message, and for one with buttons of several jobs.

    Whatever another bot writes into its buttons counts for nothing.
    """
    if message.author.id != our_id or not views.has_pictures(message.components):
        return None
    matches = (views.JOB_BUTTON.fullmatch(custom_id) for custom_id in views.custom_ids(message.components))
    jobs = {match["job"] for match in matches if match is not None}
    return jobs.pop() if len(jobs) == 1 else None


def _images(message: discord.Message, job_id: str | None) -> Iterator[Reference]:
    for position, reference in enumerate(_components(message.components), start=1):
        yield replace(reference, made=Made(job_id=job_id, position=position)) if job_id else reference
    yield from _contents(message)
    for snapshot in message.message_snapshots:
        yield from _contents(snapshot)
        yield from _components(snapshot.components)


def _contents(message: discord.Message | discord.MessageSnapshot) -> Iterator[Reference]:
    """Everything but components."""
    for one in message.attachments:
        if _is_image(one.content_type, one.filename):
            yield attached(one)
    for embed in message.embeds:
        if embed.type in EMBEDS:
            for media in (embed.image, embed.thumbnail):
                if media.proxy_url:  # never the foreign server itself
                    yield _undeclared(media.proxy_url, None)
    for sticker in message.stickers:
        if sticker.format in STICKERS:
            yield _undeclared(sticker.url, None)


def _components(components: Iterable[Any]) -> Iterator[Reference]:
    for component in components:
        match component:
            case discord.MediaGalleryComponent(items=items):
                for item in items:
                    yield from _media(item.media, spoiler=item.spoiler)
            case discord.ThumbnailComponent(media=media, spoiler=spoiler):
                yield from _media(media, spoiler=spoiler)
            case discord.FileComponent(media=media, size=size, spoiler=spoiler):
                yield from (replace(one, size=size) for one in _media(media, spoiler=spoiler))
            case _:
                yield from _components(getattr(component, "children", []))
                yield from _components(filter(None, [getattr(component, "accessory", None)]))


def _media(media: discord.UnfurledMediaItem, *, spoiler: bool) -> Iterator[Reference]:
    # What is no upload lies on somebody's server, and Discord's copy of it is fetched instead.
    url = media.url if media.attachment_id is not None else media.proxy_url
    if url and _is_image(media.content_type, unsigned(url)):
        yield replace(_undeclared(url, media.content_type), spoiler=spoiler)


def _undeclared(url: str, content_type: str | None) -> Reference:
    return Reference(
        url=url, filename=unsigned(url).rpartition("/")[2] or "image", content_type=content_type, size=None
    )


def _is_image(content_type: str | None, filename: str) -> bool:
    """By what Discord declares; by the name where it declares nothing."""
    if content_type and content_type != "application/octet-stream":
        return content_type.startswith("image/")
    return filename.lower().endswith(SUFFIXES)
