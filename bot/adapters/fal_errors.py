"""What fal's answers mean: HTTP status, body and headers -> the domain's errors. Never by fal's prose, which changes.

Source of the codes: fal.ai/docs, pages "errors", "request-errors" and "queue", read in November 2026.
"""

from collections.abc import Mapping
from typing import Any

from bot.domain.errors import (
    AccountError,
    CancelledAtFalError,
    ContentRefusedError,
    EndpointGoneError,
    FalBusyError,
    FalDownError,
    GenerationError,
    GenerationTimeoutError,
    InvalidRequestError,
    NoImageMadeError,
    PictureRefusedError,
)

BILLABLE = "x-fal-billable-units"
PICTURE_TYPES = frozenset(
    {
        "file_download_error",
        "file_too_large",
        "image_aspect_ratio_error",
        "image_load_error",
        "image_too_large",
        "image_too_small",
        "unsupported_image_format",
    }
)
UNREADABLE_TYPES = frozenset({"file_download_error", "image_load_error"})
NOTHING_TYPES = frozenset({"no_media_generated", "invalid_request"})
"""The second is the older name, still seen: "Could not generate images with the given prompts and images"."""
TIMEOUT_TYPES = frozenset({"generation_timeout", "request_timeout", "startup_timeout"})


def meaning(status: int, body: object, headers: Mapping[str, str], *, at_submit: bool) -> GenerationError:
    """The error behind a non-2xx answer. `headers` must look names up whatever their case."""
    kind = _error_type(body, headers)
    if status == 499 or kind == "client_cancelled":  # noqa: PLR2004 - HTTP statuses speak for themselves below, too
        return CancelledAtFalError()
    match status:
        case 401 | 403:
            return AccountError(unsent=at_submit)
        case 404:
            return EndpointGoneError(may_be_billed=not at_submit)
        case 429:
            return FalBusyError(unsent=at_submit)
        case 408 | 409 | 503:
            return FalBusyError()
        case 422 | 400:
            entries = _details(body) or ([{"type": kind}] if kind else [])
            return _refusal(entries, billed=not at_submit and _may_be_billed(headers))
        case _ if kind in TIMEOUT_TYPES:
            return GenerationTimeoutError()
        case _ if status >= 500:  # noqa: PLR2004 - as said above
            return FalDownError()
        case _:
            return InvalidRequestError(kinds=(f"http_{status}",), may_be_billed=not at_submit)


def _refusal(entries: list[dict[str, Any]], *, billed: bool) -> GenerationError:
    kinds = tuple(str(entry.get("type", "")) for entry in entries)
    for entry, kind in zip(entries, kinds, strict=True):
        if kind == "content_policy_violation":
            return ContentRefusedError(may_be_billed=billed)
        if kind in NOTHING_TYPES:
            return NoImageMadeError(may_be_billed=billed)
        if kind in PICTURE_TYPES:
            unreadable = kind in UNREADABLE_TYPES
            return PictureRefusedError(position=_position(entry), unreadable=unreadable, may_be_billed=billed)
    return InvalidRequestError(
        kinds=tuple(f"{_place(entry)}:{kind}" for entry, kind in zip(entries, kinds, strict=True)), may_be_billed=billed
    )


def _may_be_billed(headers: Mapping[str, str]) -> bool:
    """A 422 "may still be charged if a runner spent GPU time"; the header, where it comes, says so exactly."""
    try:
        return not float(headers.get(BILLABLE, "")) <= 0  # what is no number, "nan", says nothing
    except ValueError:
        return True


def _details(body: object) -> list[dict[str, Any]]:
    detail = _field(body, "detail")
    if not isinstance(detail, list):
        return []
    return [entry for entry in detail if isinstance(entry, dict)]  # pyright: ignore[reportUnknownVariableType] - fal's JSON


def _error_type(body: object, headers: Mapping[str, str]) -> str:
    """fal's machinery names it beside the prose, a model in the first of its entries, and a header may name it, too."""
    kind = _field(body, "error_type")
    if isinstance(kind, str):
        return kind
    return headers.get("x-fal-error-type") or next((str(one.get("type", "")) for one in _details(body)), "")


def _field(body: object, name: str) -> Any:  # noqa: ANN401 - fal's JSON
    return body.get(name) if isinstance(body, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - fal's JSON


def _place(entry: dict[str, Any]) -> str:
    location: Any = entry.get("loc")
    return ".".join(str(part)[:40] for part in location) if isinstance(location, list) else ""  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - fal's JSON


def _position(entry: dict[str, Any]) -> int | None:
    location: Any = entry.get("loc")
    if isinstance(location, list) and location and isinstance(location[-1], int) and location[-1] >= 0:
        return location[-1] + 1
    return None
