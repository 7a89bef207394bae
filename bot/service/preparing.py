"""An order's pictures on their way to fal: passed on where fal has them already, else read, checked and uploaded."""

import logging

from bot.domain.errors import AccountError, FalBusyError, FalDownError, GenerationError, PictureRefusedError
from bot.domain.job import Job, Picture
from bot.domain.order import Made, Reference
from bot.service.gate import Gate
from bot.service.points import Point
from bot.service.ports import Prepared
from bot.service.run import Parts, Run

_log = logging.getLogger(__name__)

UPLOAD_PAUSE = 10.0
"""Seconds between two tries of an upload."""
FAL_MARGIN = 6 * 3600.0
"""Seconds before its time is over from which an image at fal is not relied on any more."""


class Pictures:
    """Makes the request of an edit complete."""

    def __init__(self, parts: Parts, gate: Gate) -> None:
        self._parts = parts
        self._gate = gate

    async def prepare(self, run: Run) -> None:
        """The request gets an address for each picture. Raises PictureError."""
        urls = [
            await self._passed_on(run.job, reference) or await self._uploaded(run, reference, position)
            for position, reference in enumerate(run.job.order.references, start=1)
        ]
        await run.save(run.job.but(request=run.job.request.with_pictures(urls)))

    async def upload_after_all(self, run: Run, error: PictureRefusedError) -> bool:
        """Replace what was passed on and fal could not read by uploads; the job is HELD again.

        False when that is not the reason: nothing that was passed on is among the refused. And when fal takes no upload,
        or the operator's month has no room for another try.
        """
        references, given = run.job.order.references, run.job.request.arguments.get("image_urls")
        urls = list(given) if isinstance(given, list) else []
        refused = range(1, len(urls) + 1) if error.position is None else [error.position]
        passed_on = [
            one for one in refused if one <= len(urls) and await self._is_own(references[one - 1], urls[one - 1])
        ]
        if not error.unreadable or not passed_on:
            return False
        _log.info("job %s: fal cannot read what it made itself; uploaded after all", run.job.id)
        try:
            for position in passed_on:
                urls[position - 1] = await self._uploaded(run, references[position - 1], position)
        except GenerationError as refused:  # free, unlike what came before: that is how the order ends
            _log.warning("job %s: upload refused (%s)", run.job.id, refused.code)
            return False
        return await run.hold_again(error, request=run.job.request.with_pictures(urls))

    async def _passed_on(self, job: Job, reference: Reference) -> str | None:
        """The address of an image that still lives at fal; after a try that failed nothing is passed on any more."""
        if reference.made is None or job.ticket is not None:
            return None
        owner = await self._parts.store.job(reference.made.job_id)
        lives_until = ((owner and owner.rendered_at) or 0.0) + self._parts.keep_outputs - FAL_MARGIN
        picture = _picture(owner, reference.made)
        return picture.url if picture is not None and self._parts.clock() < lives_until else None

    async def _is_own(self, reference: Reference, url: str) -> bool:
        if reference.made is None:
            return False
        picture = _picture(await self._parts.store.job(reference.made.job_id), reference.made)
        return picture is not None and picture.url == url

    async def _uploaded(self, run: Run, reference: Reference, position: int) -> str:
        own = None
        if reference.made is not None:
            picture = _picture(await self._parts.store.job(reference.made.job_id), reference.made)
            own = picture and self._parts.jobs_dir / reference.made.job_id / picture.filename
        picture = await self._parts.intake.prepare(reference, position, run.folder, own)
        self._parts.reached(Point.PREPARED)
        return await self._upload(run, picture)

    async def _upload(self, run: Run, picture: Prepared) -> str:
        """An upload costs nothing, so it is tried again until fal takes it, or the order has waited too long."""
        while True:
            try:
                return await self._parts.backend.upload(picture.path, picture.content_type)
            except (AccountError, FalBusyError, FalDownError) as error:
                _log.warning("job %s: upload turned away (%s)", run.job.id, error.code)
                if isinstance(error, AccountError):
                    self._gate.shut(error)
                await self._parts.sleep(UPLOAD_PAUSE)
                await self._gate.passage()


def _picture(owner: Job | None, made: Made) -> Picture | None:
    if owner is None or not 1 <= made.position <= len(owner.pictures):
        return None
    return owner.pictures[made.position - 1]
