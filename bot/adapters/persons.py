"""Stand-ins for people who asked to be forgotten: a keyed hash of their id, so that books, blocks and limits still hold."""

import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Persons:
    """Makes stand-ins. A changed bot token makes new ones: who was forgotten before it is then a stranger."""

    def __init__(self, secret: str) -> None:
        self._key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"stand-ins of persons").derive(secret.encode())

    def stand_in(self, member_id: int) -> int:
        """A negative 62-bit number, the same for the same member each time; Discord's ids are positive."""
        digest = hmac.digest(self._key, str(member_id).encode(), hashlib.sha256)
        return -1 - (int.from_bytes(digest[:8], "big") >> 2)
