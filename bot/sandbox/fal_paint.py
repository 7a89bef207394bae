"""Paints the pictures of the sandbox: the prompt on a background of its own, or over the picture to be edited."""

import hashlib
import io
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps, PngImagePlugin

# Source: Gemini's image sizes at 1K; the other resolutions are multiples.
SIZES_1K: Final = {
    "1:1": (1024, 1024),
    "21:9": (1584, 672),
    "16:9": (1376, 768),
    "3:2": (1264, 848),
    "4:3": (1200, 896),
    "5:4": (1152, 928),
    "4:5": (928, 1152),
    "3:4": (896, 1200),
    "2:3": (848, 1264),
    "9:16": (768, 1376),
    "4:1": (2048, 512),
    "1:4": (512, 2048),
    "8:1": (3072, 384),
    "1:8": (384, 3072),
}
SCALES: Final = {"0.5K": 0.5, "1K": 1.0, "2K": 2.0, "4K": 4.0}

_MAX_TEXT: Final = 1000
"""Characters of a prompt that are painted; more would be too small to read."""
_WHITE: Final = (255, 255, 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Painting:
    """Everything a picture depends on; equal orders give equal bytes."""

    prompt: str
    label: str
    """Small print: the model's name."""
    seed: int
    aspect_ratio: str = "auto"
    resolution: str = "1K"
    output_format: str = "png"
    inputs: tuple[bytes, ...] = ()
    """Encoded pictures; with any, the first one is the canvas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An encoded picture; width and height in pixels."""

    data: bytes
    width: int
    height: int


def size_of(aspect_ratio: str, resolution: str, first_input: tuple[int, int] | None = None) -> tuple[int, int]:
    """Return width and height in pixels; "auto" is the nearest ratio of the first input, or 1:1 without one."""
    if aspect_ratio == "auto":
        width, height = first_input or (1, 1)
        aspect_ratio = min(SIZES_1K, key=lambda name: abs(_quotient(name) - width / height))
    width, height = SIZES_1K[aspect_ratio]
    scale = SCALES[resolution]
    return round(width * scale), round(height * scale)


def paint(order: Painting) -> Picture:
    """Paint and encode; takes about 0.1 s at 1K and 1.5 s at 4K, so call it in a thread."""
    inputs = [Image.open(io.BytesIO(data)).convert("RGB") for data in order.inputs]
    size = size_of(order.aspect_ratio, order.resolution, inputs[0].size if inputs else None)
    chance = random.Random(_digest(order))  # noqa: S311 - colours, not secrets
    canvas = _edited(inputs, size, order, chance) if inputs else _invented(size, order, chance)
    _write_label(canvas, f"{order.label} · {order.resolution} · {size[0]}x{size[1]}")
    return Picture(data=_encode(canvas, order.output_format), width=size[0], height=size[1])


def plain(size_bytes: int) -> Callable[[Painting], Picture]:
    """Return a painter whose every picture is the same blank PNG of about that many bytes, made once: for measuring."""
    file, ballast = io.BytesIO(), PngImagePlugin.PngInfo()
    ballast.add(b"paDd", b"\0" * size_bytes)  # a private chunk that every decoder skips
    Image.new("RGB", SIZES_1K["1:1"], (90, 120, 160)).save(file, "PNG", pnginfo=ballast)
    picture = Picture(data=file.getvalue(), width=SIZES_1K["1:1"][0], height=SIZES_1K["1:1"][1])
    return lambda _order: picture


def _quotient(ratio: str) -> float:
    width, height = ratio.split(":")
    return int(width) / int(height)


def _digest(order: Painting) -> bytes:
    return hashlib.sha256(f"{order.seed}\n{order.prompt}".encode(errors="surrogatepass")).digest()


def _colour(chance: random.Random, *, dark: bool) -> tuple[int, int, int]:
    low, high = (20, 110) if dark else (90, 235)
    return chance.randint(low, high), chance.randint(low, high), chance.randint(low, high)


def _invented(size: tuple[int, int], order: Painting, chance: random.Random) -> Image.Image:
    """Paint a background from the seed and the prompt, and the prompt across it."""
    background = _background((max(size[0] // 4, 1), max(size[1] // 4, 1)), chance)
    canvas = _grained(ImageOps.fit(background, size, Image.Resampling.BILINEAR), chance)
    _write(canvas, order.prompt, box=(0.08, 0.10, 0.92, 0.88))
    return canvas


def _background(size: tuple[int, int], chance: random.Random) -> Image.Image:
    """Paint a gradient with soft discs, at a quarter of the final size: enlarging it is what makes it soft."""
    width, height = size
    slope = ImageOps.fit(Image.linear_gradient("L").rotate(chance.choice((0, 90, 180, 270))), size)
    picture = ImageOps.colorize(slope, _colour(chance, dark=True), _colour(chance, dark=False))
    discs = Image.new("RGBA", size)
    pencil = ImageDraw.Draw(discs)
    for _ in range(14):
        x, y = chance.randrange(width), chance.randrange(height)
        radius = chance.uniform(0.05, 0.3) * min(size)
        pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*_colour(chance, dark=False), 70))
    picture.paste(discs, (0, 0), discs)
    return picture.filter(ImageFilter.GaussianBlur(1.5))


def _grained(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Add film grain, so that a file weighs about what a real picture of its size does."""
    width, rows = picture.width, 64
    noise = Image.frombytes("L", (width, rows), chance.randbytes(width * rows))
    band = ImageEnhance.Brightness(noise).enhance(1 / 12)
    grain = Image.new("L", picture.size)
    for top in range(0, picture.height, rows):
        grain.paste(band, (0, top))
    return ImageChops.add(picture, Image.merge("RGB", (grain, grain, grain)))


def _edited(inputs: list[Image.Image], size: tuple[int, int], order: Painting, chance: random.Random) -> Image.Image:
    """Fill the canvas with the first input, tinted and framed; the others are insets, the prompt a caption."""
    tint = _colour(chance, dark=False)
    canvas = Image.blend(ImageOps.fit(inputs[0], size, Image.Resampling.BILINEAR), Image.new("RGB", size, tint), 0.25)
    frame = max(min(size) // 40, 4)
    ImageDraw.Draw(canvas).rectangle((0, 0, size[0] - 1, size[1] - 1), outline=tint, width=frame)
    inset = min(size) // 5
    for place, other in enumerate(inputs[1:]):
        per_row = max((size[0] - 2 * frame) // (inset + frame), 1)
        row, column = divmod(place, per_row)
        thumbnail = ImageOps.expand(ImageOps.fit(other, (inset, inset)), border=max(frame // 3, 2), fill=tint)
        canvas.paste(thumbnail, (size[0] - frame - (column + 1) * (inset + frame), 2 * frame + row * (inset + frame)))
    strip = (0, round(size[1] * 0.72), size[0], size[1])
    canvas.paste(ImageEnhance.Brightness(canvas.crop(strip)).enhance(0.35), strip)
    _write(canvas, order.prompt, box=(0.05, 0.74, 0.95, 0.92))
    return canvas


def _write(canvas: Image.Image, text: str, *, box: tuple[float, float, float, float]) -> None:
    """Write text centred into a box given in parts of the canvas, as large as it fits."""
    left, top, right, bottom = (
        round(part * length) for part, length in zip(box, (canvas.width, canvas.height) * 2, strict=True)
    )
    width, height = right - left, bottom - top
    clean = " ".join(text.split())[:_MAX_TEXT]
    size = min((width * height) ** 0.5 / 7, (width * height / max(len(clean), 1)) ** 0.5 * 1.3)
    while True:
        font = _font(max(round(size), 8))
        lines = _wrapped(clean, font, width)
        line_height = round(font.size * 1.25)
        if len(lines) * line_height <= height or size <= 8:  # noqa: PLR2004 - pixels; smaller cannot be read
            break
        size *= 0.85
    lines = lines[: max(height // line_height, 1)]
    y = top + (height - len(lines) * line_height) // 2
    pencil = ImageDraw.Draw(canvas)
    for line in lines:
        x = left + (width - font.getlength(line)) // 2
        _shadowed(pencil, (x, y), line, font)
        y += line_height


def _write_label(canvas: Image.Image, text: str) -> None:
    size = max(min(canvas.size) // 36, 9)
    _shadowed(ImageDraw.Draw(canvas), (size, canvas.height - 2 * size), text, _font(size))


def _shadowed(pencil: ImageDraw.ImageDraw, place: tuple[float, float], text: str, font: ImageFont.FreeTypeFont) -> None:
    """Write white on a black shadow: readable on any background, and quicker than an outline."""
    step = max(round(font.size / 18), 1)
    pencil.text((place[0] + step, place[1] + step), text, font=font, fill=(0, 0, 0))
    pencil.text(place, text, font=font, fill=_WHITE)


def _font(size: int) -> ImageFont.FreeTypeFont:
    """Return Pillow's own font; signs it lacks (emoji, CJK) become boxes. BASIC: the same with and without raqm."""
    font = cast("ImageFont.FreeTypeFont", ImageFont.load_default(size=size))
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Break text into lines of at most `width` pixels, inside words where a word alone is wider (CJK has no spaces)."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        lines.append("")
        for sign in word:
            if font.getlength(lines[-1] + sign) > width:
                lines.append("")
            lines[-1] += sign
    return [line for line in lines if line]


def _encode(picture: Image.Image, output_format: str) -> bytes:
    file = io.BytesIO()
    match output_format:
        case "jpeg":
            picture.save(file, "JPEG", quality=90)
        case "webp":
            picture.save(file, "WEBP", quality=85, method=0)
        case _:
            picture.save(file, "PNG", compress_level=1)
    return file.getvalue()
