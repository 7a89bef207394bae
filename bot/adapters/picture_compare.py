"""Before and after in one picture; runs in the picture process."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from bot.adapters.picture_bytes import PictureType
from bot.adapters.picture_codec import encode, read
from bot.adapters.picture_work import PictureLimits, store

HEIGHT, WIDTH = 900, 1400
"""Pixels of each half, at most: together they stay sharp on a screen and far below every limit of Discord's."""
GAP = 8
"""Pixels between the halves."""
LETTERS, STRIP = 24, 16
"""The sheet's width holds so many letters' heights, and so many heights of a label's strip: a phone shows it small."""
WIDE = 2.0
"""Width by height from which the halves stand one above the other: side by side they would be slits on a phone."""
GROUND, INK = (24, 25, 28), (255, 255, 255)
QUALITY = 90


def compare(
    before: tuple[Path, PictureType], after: tuple[Path, PictureType], labels: tuple[str, str], target_dir: Path
) -> Path:
    """Write `compare.jpg`: both pictures at one height (one width when they are wide), each under its label.

    Raises BrokenPictureError.
    """
    halves = [_half(path, kind) for path, kind in (before, after)]
    above = all(half.width > half.height * WIDE for half in halves)
    side = min(half.width if above else half.height for half in halves)
    halves = [_to(half, side, above=above) for half in halves]
    width = side if above else sum(half.width for half in halves)
    framed = [_labelled(half, label, width) for half, label in zip(halves, labels, strict=True)]
    if above:
        sheet = Image.new("RGB", (side, sum(one.height for one in framed) + GAP), GROUND)
    else:
        sheet = Image.new("RGB", (sum(one.width for one in framed) + GAP, framed[0].height), GROUND)
    sheet.paste(framed[0], (0, 0))
    sheet.paste(framed[1], (0, framed[0].height + GAP) if above else (framed[0].width + GAP, 0))
    return store(encode(sheet, PictureType.JPEG, QUALITY), target_dir, "compare")


def _half(path: Path, kind: PictureType) -> Image.Image:
    image = read(path, kind, PictureLimits().pixels)
    if image.mode == "RGBA":  # what shines through is grey, as in picture programs
        ground = Image.new("RGB", image.size, (128, 128, 128))
        ground.paste(image, mask=image.getchannel("A"))
        image = ground
    image.thumbnail((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    return image


def _to(image: Image.Image, side: int, *, above: bool) -> Image.Image:
    width = side if above else max(1, round(image.width * side / image.height))
    height = max(1, round(image.height * side / image.width)) if above else side
    return image.resize((width, height), Image.Resampling.LANCZOS)  # pyright: ignore[reportUnknownMemberType] - its stub names numpy


def _labelled(image: Image.Image, label: str, width: int) -> Image.Image:
    strip = max(1, width // STRIP)
    framed = Image.new("RGB", (image.width, image.height + strip), GROUND)
    framed.paste(image, (0, strip))
    font = ImageFont.load_default(max(1, width // LETTERS))
    ImageDraw.Draw(framed).text((image.width / 2, strip / 2), label, fill=INK, font=font, anchor="mm")
    return framed
