"""What a picture's name, declared type and declared size already rule out, before anything is fetched."""

from bot.domain.errors import DeclaredPictureError
from bot.domain.order import Reference

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".heic", ".heif")
TYPES = ("image/png", "image/jpeg", "image/jpg", "image/webp", "image/gif", "image/heic", "image/heif")
MAX_BYTES = 25 * 1024 * 1024
"""Of one picture of a member's."""


def unsigned(url: str) -> str:
    """A picture's address without its signature, which differs from one look to the next."""
    return url.partition("?")[0]


def check_declared(reference: Reference) -> None:
    """Raises DeclaredPictureError. Declarations may lie: the bytes are checked once they are here."""
    if reference.size is not None and not 0 < reference.size <= MAX_BYTES:
        raise DeclaredPictureError(filename=reference.filename, limit_bytes=MAX_BYTES, too_large=True)
    if reference.size is None and reference.content_type is None:
        return  # Discord shows it as an image and declares nothing
    declared = (reference.content_type or "").partition(";")[0].strip().lower()
    named = reference.filename.lower().endswith(SUFFIXES)
    if declared not in TYPES and not (named and declared in {"", "application/octet-stream"}):
        raise DeclaredPictureError(filename=reference.filename, limit_bytes=MAX_BYTES, too_large=False)
