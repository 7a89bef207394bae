"""Pictures that members attach, good and bad, made here and now."""

import io
import struct
import zlib

from PIL import Image, ImageDraw, PngImagePlugin

COLOURS = {"red": (220, 20, 20), "green": (20, 160, 20), "blue": (20, 20, 220), "yellow": (220, 220, 20)}


def picture(kind: str, colour: str = "red", size: tuple[int, int] = (96, 64), **options: object) -> bytes:
    """One colour as PNG, JPEG, WEBP or GIF."""
    return encoded(Image.new("RGB", size, COLOURS[colour]), kind, **options)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def opened(data: bytes) -> Image.Image:
    """A picture decoded to its end."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def colour_of(image: Image.Image, place: tuple[int, int] | None = None) -> str:
    """The name of the colour at a place (the middle), up to what an encoding may change."""
    seen = image.convert("RGB").getpixel(place or (image.width // 2, image.height // 2))
    assert isinstance(seen, tuple)
    near = (name for name, colour in COLOURS.items() if all(abs(a - b) < 30 for a, b in zip(seen, colour, strict=True)))
    return next(near, str(seen))


def photo_with_secrets() -> bytes:
    """A JPEG of a camera that was turned: red on the picture's left and green on its right once it is upright."""
    image = Image.new("RGB", (96, 64), COLOURS["green"])
    ImageDraw.Draw(image).rectangle((0, 32, 96, 64), fill=COLOURS["red"])
    exif = Image.Exif()
    exif[0x0112] = 6  # the stored left edge is the picture's top
    exif[0x010F] = "SECRET-CAMERA"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 30.0), 29: "SECRET-PLACE"})
    return encoded(image, "JPEG", exif=exif, comment=b"SECRET-COMMENT")


def drawing_with_secrets() -> bytes:
    """A PNG with texts of a picture program."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", "SECRET-NAME")
    texts.add_itxt("XML:com.adobe.xmp", "<x>SECRET-PATH</x>")
    return picture("PNG", "blue", pnginfo=texts)


def bomb() -> bytes:
    """A PNG of some 100 bytes that claims 40,000 by 40,000 pixels."""
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


HEIC = struct.pack(">I", 24) + b"ftypheic" + struct.pack(">I", 0) + b"mif1heic" + b"\0" * 64
PAGE = b"<!doctype html><html><body>Sign in to see this picture</body></html>"
