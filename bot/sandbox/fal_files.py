"""The loopback fal's file storage: uploaded inputs and made outputs, in memory, with fal's lifecycle."""

import json
import secrets
import time
from dataclasses import dataclass
from typing import Final, cast

KEPT_BYTES: Final = 1024**3
"""All files together; the oldest go first. fal keeps them for days, a sandbox need not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One file; `prompt` is that of the job that made it, empty for an upload."""

    data: bytes
    content_type: str
    expires_at: float | None
    """Unix seconds; None for never."""
    made: bool = False
    prompt: str = ""


class BadLifecycleError(ValueError):
    """The lifecycle header is not what fal documents."""


def lifecycle_seconds(header: str | None) -> float | None:
    """Return how long a file lives by X-Fal-Object-Lifecycle[-Preference]; None for ever.

    Source: fal's page "common parameters": JSON with expiration_duration_seconds and initial_acl.
    """
    if header is None:
        return None
    try:
        read = cast("object", json.loads(header))
    except ValueError:
        raise BadLifecycleError from None
    if not isinstance(read, dict):
        raise BadLifecycleError
    preference = cast("dict[str, object]", read)
    seconds = preference.get("expiration_duration_seconds")
    if preference.keys() - {"expiration_duration_seconds", "initial_acl"}:
        raise BadLifecycleError
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
        raise BadLifecycleError
    return float(seconds)


class Files:
    """Files by the path they are served under: /files/made/... and /files/sent/..."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self.base_url = ""
        """This server's own address, known once it listens."""
        self._files: dict[str, StoredFile] = {}
        self._bytes = 0

    def add(
        self, name: str, data: bytes, content_type: str, *, seconds: float | None, made: bool = False, prompt: str = ""
    ) -> str:
        """Keep a file for so many seconds (None: for ever) and return its address, which nobody can guess."""
        path = f"/files/{'made' if made else 'sent'}/{secrets.token_urlsafe(16)}/{name}"
        expires_at = None if seconds is None else time.time() + seconds
        self._files[path] = StoredFile(
            data=data, content_type=content_type, expires_at=expires_at, made=made, prompt=prompt
        )
        self._bytes += len(data)
        while self._bytes > self._kept_bytes:
            self._forget(next(iter(self._files)))
        return self.base_url + path

    def get(self, path: str) -> StoredFile | None:
        """Return a file, or None when it never was or has expired."""
        file = self._files.get(path)
        if file is not None and file.expires_at is not None and file.expires_at <= time.time():
            self._forget(path)
            return None
        return file

    def _forget(self, path: str) -> None:
        self._bytes -= len(self._files.pop(path).data)
