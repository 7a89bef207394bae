"""One generation at the loopback fal: fetch the inputs, paint, store the outputs, charge."""

import asyncio
import base64
import binascii
import io
import secrets
import time
from collections.abc import Callable
from typing import Final, cast
from urllib.parse import urlsplit

import aiohttp
from PIL import Image, UnidentifiedImageError

from bot.sandbox.fal_answers import Answer, model_error, request_error
from bot.sandbox.fal_faults import Fault
from bot.sandbox.fal_files import Files
from bot.sandbox.fal_paint import Painting, Picture
from bot.sandbox.fal_queue import LoopbackJob

TAKEN_FORMATS: Final = frozenset({"PNG", "JPEG", "WEBP"})
_REFUSALS: Final = {
    Fault.RUN_NO_MEDIA: "no_media_generated",
    Fault.RUN_CONTENT_POLICY: "content_policy_violation",
    Fault.RUN_MODEL_ERROR: "image_load_error",
}

Seconds = float | Callable[[LoopbackJob], float]
"""How long a generation takes: always the same, or by job."""


class BadInputError(Exception):
    """An input picture that fal cannot use; `error_type` is fal's name for the reason."""

    def __init__(self, error_type: str, position: int) -> None:
        super().__init__(error_type, position)
        self.error_type = error_type
        self.position = position


class Generation:
    """Makes the images of a job and says what its result request will get."""

    def __init__(self, files: Files, *, seconds: Seconds, painter: Callable[[Painting], Picture]) -> None:
        self.seconds = seconds
        self._files = files
        self._painter = painter

    async def __call__(self, job: LoopbackJob) -> Answer:
        """Take the job's seconds, painting included; set its images and units and return its answer."""
        begun = time.perf_counter()
        if job.goes_wrong(Fault.RUN_STUCK_IN_PROGRESS):
            _ = await asyncio.Event().wait()  # until it is cancelled
        pictures: list[Picture] = []
        failed = _scripted_failure(job)
        try:
            pictures = [] if failed else await self._pictures(job)
        except BadInputError as error:
            failed = model_error(error.error_type, job.arguments, loc=["body", "image_urls", error.position])
        await asyncio.sleep(max(self._duration(job) - (time.perf_counter() - begun), 0))
        job.images = [self._publish(job, picture) for picture in pictures]
        if job.images:
            job.units = job.schema.billable_units(job.arguments, images=len(job.images))
        elif job.script is not None and job.script.billed:
            job.units = job.schema.billable_units(job.arguments, images=_wanted(job))
        return failed or Answer(status=200, body={"images": job.images, "description": ""})

    def _duration(self, job: LoopbackJob) -> float:
        if job.script is not None and job.script.fault is Fault.RUN_SLOW:
            return job.script.seconds
        return self.seconds if isinstance(self.seconds, int | float) else self.seconds(job)

    async def _pictures(self, job: LoopbackJob) -> list[Picture]:
        """Paint as many as asked for; a given seed makes identical twins, as it does at fal (fal-ai/fal issue 1022)."""
        if job.goes_wrong(Fault.RUN_EMPTY):
            return []
        inputs = await self._inputs(job)
        seed = job.arguments.get("seed")
        wanted = job.script.images if job.script is not None and job.goes_wrong(Fault.RUN_FEWER) else _wanted(job)
        if isinstance(seed, int):
            return [await asyncio.to_thread(self._painter, _painting(job, seed, inputs))] * wanted
        return [
            await asyncio.to_thread(self._painter, _painting(job, secrets.randbits(31), inputs)) for _ in range(wanted)
        ]

    def _publish(self, job: LoopbackJob, picture: Picture) -> dict[str, object]:
        """Store one output and return its entry in the result."""
        chosen = str(job.schema.complete(job.arguments)["output_format"])
        content_type, name = f"image/{chosen}", f"{secrets.token_hex(8)}.{chosen}"
        if job.arguments.get("sync_mode") is True:
            url = f"data:{content_type};base64,{base64.b64encode(picture.data).decode()}"
        else:
            url = self._files.add(
                name, picture.data, content_type, seconds=job.output_seconds, made=True, prompt=job.prompt
            )
        return {
            "url": url,
            "content_type": content_type,
            "file_name": name,
            "file_size": len(picture.data),
            "width": picture.width,
            "height": picture.height,
        }

    async def _inputs(self, job: LoopbackJob) -> tuple[bytes, ...]:
        urls = cast("list[str]", job.arguments.get("image_urls", []))
        fetched: list[bytes] = []
        for position, url in enumerate(urls):
            data = await self._fetched(url)
            if data is None:
                raise BadInputError("file_download_error", position)
            kind = await asyncio.to_thread(_picture_format, data)
            if kind not in TAKEN_FORMATS:
                raise BadInputError("unsupported_image_format" if kind else "image_load_error", position)
            fetched.append(data)
        return tuple(fetched)

    async def _fetched(self, url: str) -> bytes | None:
        """Return the bytes behind an address of this machine or a data URI; None when there are none."""
        if url.startswith("data:"):
            try:
                return base64.b64decode(url.partition(";base64,")[2], validate=True) or None
            except binascii.Error:
                return None
        parts = urlsplit(url)
        if url.startswith(f"{self._files.base_url}/"):
            file = self._files.get(parts.path)
            return None if file is None else file.data
        if parts.scheme != "http" or parts.hostname != "127.0.0.1":
            return None  # offline: the world outside cannot be reached
        try:
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                return await answer.read() if answer.ok else None
        except aiohttp.ClientError:
            return None


def _wanted(job: LoopbackJob) -> int:
    return cast("int", job.schema.complete(job.arguments)["num_images"])


def _painting(job: LoopbackJob, seed: int, inputs: tuple[bytes, ...]) -> Painting:
    chosen = job.schema.complete(job.arguments)
    return Painting(
        prompt=job.prompt,
        label=job.endpoint.removeprefix("fal-ai/"),
        seed=seed,
        aspect_ratio=str(chosen["aspect_ratio"]),
        resolution=str(chosen.get("resolution", "1K")),
        output_format=str(chosen["output_format"]),
        inputs=inputs,
    )


def _picture_format(data: bytes) -> str | None:
    """Return Pillow's name of the format when the picture can be decoded to its end, else None."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            _ = picture.load()
            return picture.format
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
        return None


def _scripted_failure(job: LoopbackJob) -> Answer | None:
    """Return the answer of a generation that is to fail, or None."""
    if job.script is None:
        return None
    fault, error_type = job.script.fault, job.script.error_type
    if fault in _REFUSALS:
        return model_error(error_type or _REFUSALS[fault], job.arguments)
    if fault is Fault.RUN_REQUEST_ERROR:
        return request_error(error_type or "runner_server_error")
    return None
