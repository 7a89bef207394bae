"""The HTTP face of the file storage, as at rest.fal.ai and v3.fal.media: token, upload, download."""

import asyncio
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final

from aiohttp import web

from bot.sandbox.fal_answers import Answer, by_status, request_error
from bot.sandbox.fal_faults import Fault, Script, Step, said
from bot.sandbox.fal_files import BadLifecycleError, Files, StoredFile, lifecycle_seconds

_TOKEN_LIFE: Final = timedelta(hours=1)
_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")
_SLICES: Final = 20
"""Pieces of a slow download."""
_PAGE: Final = b"<!doctype html><html><body>This is not the picture you are looking for.</body></html>"


class FileRoutes:
    """Handlers; each gets the request and what is to go wrong with it."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._tokens: set[str] = set()

    async def token(self, request: web.Request, _script: Script | None) -> web.StreamResponse:
        """Hand out what an upload needs to be let in."""
        if request.query.get("storage_type") != "fal-cdn-v3":
            return request_error("bad_request", "Unknown storage_type").response()
        token = secrets.token_urlsafe(24)
        self._tokens.add(token)
        body: dict[str, object] = {
            "token": token,
            "token_type": "Bearer",
            "base_url": self._files.base_url,
            "expires_at": (datetime.now(UTC) + _TOKEN_LIFE).isoformat(),
        }
        return Answer(status=200, body=body).response()

    async def upload(self, request: web.Request, _script: Script | None) -> web.StreamResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self._tokens:
            return by_status(401).response()
        data = await request.read()
        if not data:
            return request_error("bad_request", "The body is empty").response()
        try:
            seconds = lifecycle_seconds(request.headers.get("X-Fal-Object-Lifecycle"))
        except BadLifecycleError:
            return request_error("bad_request", "Invalid X-Fal-Object-Lifecycle").response()
        name = _NAME.sub("_", request.headers.get("X-Fal-File-Name", "")) or secrets.token_hex(8)
        url = self._files.add(name, data, request.content_type, seconds=seconds)
        return Answer(status=200, body={"access_url": url}).response()

    async def download(self, request: web.Request, script: Script | None) -> web.StreamResponse:
        """Serve a file to anyone who knows its address, as fal does."""
        file = self._files.get(request.path)
        if file is not None and file.made:
            script = script or said(Step.FILE, file.prompt)
        fault = None if script is None else script.fault
        if file is None or fault is Fault.FILE_MISSING:
            return web.Response(status=404, text="Not found")
        if fault is Fault.FILE_HTML:
            return web.Response(body=_PAGE, content_type=file.content_type)
        if fault is Fault.FILE_LYING_TYPE:
            other = "image/jpeg" if file.content_type == "image/png" else "image/png"
            return web.Response(body=file.data, content_type=other)
        if fault is Fault.FILE_TRUNCATED:
            return await _truncated(request, file)
        if fault is Fault.FILE_SLOW and script is not None:
            return await _slow(request, file, script.seconds)
        return web.Response(body=file.data, content_type=file.content_type)


async def _begun(request: web.Request, file: StoredFile) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": file.content_type})
    response.content_length = len(file.data)
    _ = await response.prepare(request)
    return response


async def _truncated(request: web.Request, file: StoredFile) -> web.StreamResponse:
    """Promise the whole file, send half of it and close."""
    response = await _begun(request, file)
    if request.method == "GET":
        await response.write(file.data[: len(file.data) // 2])
        if request.transport is not None:
            request.transport.close()
    return response


async def _slow(request: web.Request, file: StoredFile, seconds: float) -> web.StreamResponse:
    """Send the file in slices over so many seconds."""
    response = await _begun(request, file)
    size = -(-len(file.data) // _SLICES)
    if request.method == "GET":
        for start in range(0, len(file.data), size):
            await asyncio.sleep(seconds / _SLICES)
            await response.write(file.data[start : start + size])
        await response.write_eof()
    return response
