"""What the service needs of the outside world. Each port says what it raises; everything raised is a BotError."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.domain.errors import BotError
from bot.domain.job import Job, Picture, Ticket
from bot.domain.ledger import Closing, Limits, Standing
from bot.domain.order import Reference, Request

Clock = Callable[[], float]
"""Unix seconds."""
Sleep = Callable[[float], Awaitable[None]]
"""Waits so many seconds."""


# --- fal ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InQueue:
    """fal has it in its queue; `ahead` requests go before it (None when fal does not say)."""

    ahead: int | None


@dataclass(frozen=True, slots=True)
class InProgress:
    """fal is working on it."""


@dataclass(frozen=True, slots=True)
class Completed:
    """fal is done with it, well or badly: the result tells."""


Status = InQueue | InProgress | Completed


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLink:
    """One image of a result, still at fal."""

    url: str | None
    """None where fal names no address that may be fetched."""
    content_type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a completed request yielded."""

    images: tuple[ImageLink, ...]
    units: float | None
    """fal's billable units, where it names them."""


class ImageBackend(Protocol):
    """fal's queue."""

    async def upload(self, path: Path, content_type: str) -> str:
        """Keep a picture at fal for a day and return its address. Raises GenerationError."""
        ...

    async def submit(self, request: Request) -> Ticket:
        """Send a request, at most once whatever the network does.

        Raises SubmitUnansweredError when it may have arrived, any other GenerationError when it was not accepted.
        """
        ...

    def watch(self, ticket: Ticket) -> AsyncGenerator[Status]:
        """Yield the status whenever it changed, until Completed. Passing troubles are waited out.

        Raises GenerationError when fal does not know the request (any more) or refuses the account.
        """
        ...

    async def result(self, ticket: Ticket) -> Result:
        """The images of a completed request; at least one.

        Raises GenerationError: what fal says went wrong.
        """
        ...

    async def cancel(self, ticket: Ticket) -> None:
        """Ask fal to cancel; whether it did, the result tells. Raises GenerationError when fal did not hear."""
        ...

    async def find(self, request: Request, since: float, until: float) -> tuple[Ticket, ...]:
        """Look in fal's own list for requests like this one, sent between two moments (unix seconds).

        Raises GenerationError when the list cannot be read.
        """
        ...


# --- the books ------------------------------------------------------------------------------------


class JobStore(Protocol):
    """Jobs and books in one database; every change is one transaction."""

    async def hold(self, job: Job, limits: Limits) -> Job:
        """Check every limit, store the job and hold its credits; returns it with its number.

        A caller that leaves before the answer leaves nothing held. Raises QuotaExceededError, TooManyJobsError.
        """
        ...

    async def save(self, job: Job, closing: Closing | None = None) -> None:
        """Store what changed; with a closing also settle or release, once. Raises WrongStepError for a stale job."""
        ...

    def save_soon(self, job: Job) -> asyncio.Future[None]:
        """Store what changed, unless the process ends first. Who waits for it does not cancel it."""
        ...

    async def waste(self, job: Job, credit: int, stop: int) -> bool:
        """Store a job whose try came to nothing and may have cost the operator so many credits.

        False, and nothing is stored, when the operator's month would then be above `stop`, in credits.
        """
        ...

    async def job(self, job_id: str) -> Job | None:
        """The job of that id."""
        ...

    async def has_request(self, request_id: str) -> bool:
        """Whether a job holds the receipt of that fal request."""
        ...

    async def unfinished(self) -> list[Job]:
        """Every job that goes on by itself, in order of arrival."""
        ...

    async def untold(self) -> list[Job]:
        """Ended jobs whose last word was not said yet, in order of arrival."""
        ...

    async def of_member(self, scope: str, member_id: int, most: int) -> list[Job]:
        """A member's jobs in one scope, the newest first."""
        ...

    async def standing(self, scope: str, member_id: int, limits: Limits, now: float) -> Standing:
        """What a member and their server have left."""
        ...


# --- pictures -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A member's picture, checked and normalised, on disk."""

    path: Path
    content_type: str


class PictureIntake(Protocol):
    """From a member's attachment to a clean file, and from fal's result to a complete one."""

    async def prepare(self, reference: Reference, position: int, folder: Path, own: Path | None = None) -> Prepared:
        """Fetch, check and normalise one picture of an order. Raises PictureError with its position.

        `own`: where the file is, or was, when it is an image of the bot's.
        """
        ...

    async def collect(self, link: ImageLink, position: int, folder: Path) -> Picture:
        """Fetch one image of a result, complete and checked. Raises ResultGoneError after its own retries."""
        ...


# --- Discord --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparing:
    """The order's pictures are being read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """When the images should be made (unix seconds)."""

    at: int
    give: int
    """Seconds that this may be from what was said before and need not be said anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InLine:
    """The order waits: `ahead` orders of ours or, once submitted, requests at fal go before it."""

    ahead: int
    at_fal: bool = False
    full: bool = False
    """Whether every place of ours at fal is taken."""
    expected: Expected | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generating:
    """fal is working since `since` (unix seconds); such requests usually take so many seconds, if that is known."""

    since: int
    usual: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """The images are made and on their way here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelling:
    """A cancel was asked for; fal has not confirmed it yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searching:
    """The submit's answer was lost; the request is being looked for at fal. Nothing can be cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shut:
    """It is the order's turn, but fal takes no requests now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """The images are here, but Discord has not taken them for a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resuming:
    """The bot stops; the work goes on after its restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitingApproval:
    """A moderator has to approve the order first; it does not stand in line yet."""


Phase = AwaitingApproval | Preparing | InLine | Generating | Fetching | Cancelling | Searching | Shut | Late | Resuming


class Stage(Protocol):
    """What people see of a job in Discord."""

    async def show(self, job: Job, phase: Phase) -> None:
        """Edit the progress message. Never raises for Discord's sake: progress is a courtesy."""
        ...

    async def deliver(self, job: Job, folder: Path, *, again: bool) -> int:
        """Post the images where they can be seen; returns the message's id. Troubles that pass are waited out.

        `again`: an earlier process may have posted them already, so look first. Raises DeliveryError when there is no
        place for them.
        """
        ...

    async def clear(self, job: Job) -> None:
        """Take the progress message away; well when it is gone already."""
        ...

    async def tell(self, job: Job, error: BotError, *, again: bool) -> None:
        """Tell the requester, privately while the interaction lives, and take the progress message away.

        `again`: an earlier process may have told already, so only what can be said twice unseen is said.
        """
        ...

    async def cancelled(self, job: Job) -> None:
        """Say "Cancelled" in place of the progress message."""
        ...
