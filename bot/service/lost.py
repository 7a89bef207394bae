"""Finding a request whose answer was lost, in fal's own list; it is never sent again."""

import logging
from collections.abc import Iterator

from bot.domain.errors import GenerationError, LostError
from bot.domain.job import State
from bot.service.points import Point
from bot.service.run import Parts, Run

_log = logging.getLogger(__name__)

FIRST_LOOK, LOOKS_GROW = 3.0, 3.0
"""Seconds until the first look, and how much longer each further pause is."""
WINDOW = (60.0, 180.0)
"""Seconds before and after our own time of submission; fal's clock may differ."""


async def find_lost(parts: Parts, run: Run) -> None:
    """Look for `parts.find_lost` seconds from the submission on; the job is QUEUED then. Raises LostError."""
    submitted = run.job.sent_at
    since, until = submitted - WINDOW[0], submitted + WINDOW[1]
    for pause in looks(submitted + parts.find_lost - parts.clock()):
        await parts.sleep(pause)
        try:
            listed = await parts.backend.find(run.job.request, since, until)
        except GenerationError as trouble:
            _log.warning("job %s: fal's list: %s", run.job.id, trouble.code)
            continue
        unknown = [one for one in listed if not await parts.store.has_request(one.request_id)]
        if len(unknown) == 1:  # of several it is not guessed which
            _log.info("job %s: found at fal", run.job.id)
            return await run.save(run.job.to(State.QUEUED, ticket=unknown[0], error=None), point=Point.QUEUED)
    raise LostError(may_be_billed=True)


def looks(total: float) -> Iterator[float]:
    """Growing pauses, in seconds, that together are `total`; at least one."""
    pause, left = FIRST_LOOK, max(total, FIRST_LOOK)
    while left > 0:
        yield min(pause, left)
        left -= pause
        pause *= LOOKS_GROW
