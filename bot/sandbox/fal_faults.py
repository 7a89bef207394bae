"""What can be made to go wrong at the loopback fal: by a test's script, or by a phrase in a prompt."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Step(StrEnum):
    """A place in the protocol; a fault belongs to the step its name begins with."""

    SUBMIT = "submit"
    STATUS = "status"
    STREAM = "stream"
    RUN = "run"
    """The generation itself; not a request."""
    RESULT = "result"
    CANCEL = "cancel"
    TOKEN = "token"  # noqa: S105 - the name of a step
    UPLOAD = "upload"
    FILE = "file"
    """The download of an output."""
    INPUT = "input"
    """The download of an upload; never fails."""
    LISTING = "listing"
    PRICING = "pricing"


class Fault(StrEnum):
    """Everything that can be made to go wrong. `status`, `error_type`, ... are fields of `Script`."""

    SUBMIT_DROP_BEFORE = "submit_drop_before"
    """The connection closes before the body is read; no job is made."""
    SUBMIT_DROP_AFTER = "submit_drop_after"
    """The job is made and paid; the connection closes without an answer."""
    SUBMIT_HANG = "submit_hang"
    """The job is made and paid; the answer never comes."""
    SUBMIT_LOCKED = "submit_locked"
    """403: the account has no balance."""
    SUBMIT_ERROR = "submit_error"
    """JSON error of code `status` (500); no job is made."""
    SUBMIT_INGRESS_ERROR = "submit_ingress_error"
    """nginx error page of code `status` (503); no job is made."""

    STATUS_ERROR = "status_error"
    STATUS_INGRESS_ERROR = "status_ingress_error"
    STATUS_DROP = "status_drop"

    STREAM_REFUSED = "stream_refused"
    """JSON error of code `status` (404) instead of a stream."""
    STREAM_SILENT = "stream_silent"
    """The stream opens and never says anything, not even a comment."""
    STREAM_BROKEN = "stream_broken"
    """The stream closes in the middle of its first event."""

    RUN_NO_MEDIA = "run_no_media"
    """422 no_media_generated; charged only when `billed`."""
    RUN_CONTENT_POLICY = "run_content_policy"
    """422 content_policy_violation; charged only when `billed`."""
    RUN_MODEL_ERROR = "run_model_error"
    """The model's error `error_type` (image_load_error) in a `detail` list; charged only when `billed`."""
    RUN_REQUEST_ERROR = "run_request_error"
    """The machinery's flat error `error_type` (runner_server_error); never charged."""
    RUN_EMPTY = "run_empty"
    """200 with `images: []`; charged only when `billed`."""
    RUN_FEWER = "run_fewer"
    """Only `images` (1) are made and charged."""
    RUN_SLOW = "run_slow"
    """The generation takes `seconds` (30)."""
    RUN_STUCK_IN_QUEUE = "run_stuck_in_queue"
    RUN_STUCK_IN_PROGRESS = "run_stuck_in_progress"

    RESULT_ERROR = "result_error"
    """JSON error of code `status` (504) though the images are there: the next request gets them."""
    RESULT_INGRESS_ERROR = "result_ingress_error"
    RESULT_DROP = "result_drop"

    CANCEL_IGNORED = "cancel_ignored"
    """202, but the images come and are charged all the same."""
    CANCEL_TOO_LATE = "cancel_too_late"
    """400 ALREADY_COMPLETED."""
    CANCEL_ERROR = "cancel_error"
    CANCEL_DROP = "cancel_drop"

    TOKEN_ERROR = "token_error"  # noqa: S105 - the name of a fault
    UPLOAD_ERROR = "upload_error"
    UPLOAD_DROP = "upload_drop"

    FILE_TRUNCATED = "file_truncated"
    """Content-Length promises all, half comes."""
    FILE_SLOW = "file_slow"
    """The body trickles over `seconds` (30)."""
    FILE_MISSING = "file_missing"
    """404."""
    FILE_ERROR = "file_error"
    FILE_HTML = "file_html"
    """200 and the promised content type, but the bytes are a web page."""
    FILE_LYING_TYPE = "file_lying_type"
    """The right bytes under another picture's content type."""
    FILE_DROP = "file_drop"

    LISTING_ERROR = "listing_error"
    PRICING_ERROR = "pricing_error"

    @property
    def step(self) -> Step:
        return Step(self.value.partition("_")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One fault with its particulars; the fault's own line says which of them it reads."""

    fault: Fault
    status: int | None = None
    """HTTP status code; None for the fault's usual one."""
    error_type: str | None = None
    """fal's name of the error; None for the fault's usual one."""
    images: int = 1
    seconds: float = 30.0
    billed: bool = False


# Faults that look the same at every step.
DROPS: Final = frozenset(
    {
        Fault.SUBMIT_DROP_BEFORE,
        Fault.STATUS_DROP,
        Fault.RESULT_DROP,
        Fault.CANCEL_DROP,
        Fault.UPLOAD_DROP,
        Fault.FILE_DROP,
    }
)
INGRESS_ERRORS: Final = frozenset({Fault.SUBMIT_INGRESS_ERROR, Fault.STATUS_INGRESS_ERROR, Fault.RESULT_INGRESS_ERROR})
JSON_ERRORS: Final = {
    Fault.SUBMIT_ERROR: 500,
    Fault.STATUS_ERROR: 500,
    Fault.STREAM_REFUSED: 404,
    Fault.RESULT_ERROR: 504,
    Fault.CANCEL_ERROR: 500,
    Fault.TOKEN_ERROR: 500,
    Fault.UPLOAD_ERROR: 500,
    Fault.FILE_ERROR: 500,
    Fault.LISTING_ERROR: 500,
    Fault.PRICING_ERROR: 500,
}
"""With the status code of each when its script names none."""

# What a person can type in the sandbox; the first phrase found in the prompt counts, for each step of that job.
PHRASES: Final = {
    "sandbox: refuse": Script(fault=Fault.RUN_CONTENT_POLICY),
    "sandbox: nothing": Script(fault=Fault.RUN_NO_MEDIA),
    "sandbox: empty": Script(fault=Fault.RUN_EMPTY),
    "sandbox: fewer": Script(fault=Fault.RUN_FEWER),
    "sandbox: slow": Script(fault=Fault.RUN_SLOW),
    "sandbox: waiting": Script(fault=Fault.RUN_STUCK_IN_QUEUE),
    "sandbox: stuck": Script(fault=Fault.RUN_STUCK_IN_PROGRESS),
    "sandbox: broken": Script(fault=Fault.RUN_REQUEST_ERROR),
    "sandbox: lost": Script(fault=Fault.SUBMIT_DROP_AFTER),
    "sandbox: locked": Script(fault=Fault.SUBMIT_LOCKED),
    "sandbox: stubborn": Script(fault=Fault.CANCEL_IGNORED),
    "sandbox: truncated": Script(fault=Fault.FILE_TRUNCATED),
}


class Faults:
    """The faults still to come, per step, in the order they were asked for."""

    def __init__(self) -> None:
        self._waiting: dict[Step, deque[Script]] = {step: deque() for step in Step}

    def fail_next(self, script: Script | Fault, *, times: int = 1) -> None:
        """Let the next `times` requests (or generations) of the fault's step go wrong."""
        if isinstance(script, Fault):
            script = Script(fault=script)
        self._waiting[script.fault.step].extend([script] * times)

    def clear(self) -> None:
        for waiting in self._waiting.values():
            waiting.clear()

    @property
    def waiting(self) -> list[Script]:
        """Return what was asked for and has not happened yet."""
        return [script for waiting in self._waiting.values() for script in waiting]

    def take(self, step: Step) -> Script | None:
        """Return what goes wrong now, using it up."""
        return self._waiting[step].popleft() if self._waiting[step] else None


def said(step: Step, prompt: str) -> Script | None:
    """Return what the prompt itself asks to go wrong at this step."""
    text = prompt.casefold()
    return next((script for phrase, script in PHRASES.items() if phrase in text and script.fault.step is step), None)
