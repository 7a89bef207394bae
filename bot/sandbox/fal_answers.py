"""The bodies and headers of fal's answers other than images."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from bot.sandbox.fal_schema import Problem

# Source: fal's page "request errors": flat bodies, made by fal's own machinery around a model.
REQUEST_ERRORS: Final = {
    "request_timeout": 504,
    "startup_timeout": 504,
    "runner_scheduling_failure": 503,
    "runner_connection_timeout": 503,
    "runner_disconnected": 503,
    "runner_connection_refused": 503,
    "runner_connection_error": 503,
    "runner_incomplete_response": 502,
    "runner_server_error": 500,
    "client_disconnected": 499,
    "client_cancelled": 499,
    "bad_request": 400,
    "internal_error": 500,
}
# Source: fal's page "errors": types a model gives in a `detail` list; 422 where not listed here.
_MODEL_STATUS: Final = {
    "internal_server_error": 500,
    "generation_timeout": 504,
    "downstream_service_error": 500,
    "downstream_service_unavailable": 500,
}
_MODEL_MESSAGES: Final = {
    "no_media_generated": (
        "The model did not generate the expected output for this prompt. This can be caused by unsafe content, "
        "a prompt that is incomplete, or one that asks for text only."
    ),
    "content_policy_violation": "The content could not be processed because it was flagged by a content checker.",
    "file_download_error": "Failed to download the file.",
    "image_load_error": "Failed to load the image.",
    "unsupported_image_format": "Unsupported image format.",
}
_MODEL_CTX: Final[dict[str, dict[str, object]]] = {
    "image_too_small": {"min_height": 64, "min_width": 64},
    "image_too_large": {"max_height": 8192, "max_width": 8192},
    "file_too_large": {"max_size": 7 * 1024 * 1024},
    "unsupported_image_format": {"supported_formats": ["png", "jpeg", "webp"]},
}
_PLAIN: Final = {
    401: "invalid key credentials",
    404: "Application not found",
    408: "Request timed out",
    429: "Too many concurrent requests (concurrent_requests_limit)",
}
LOCKED: Final = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
FORBIDDEN: Final = "Key does not have the permission for this action."


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status code, a JSON body and the headers that go with it."""

    status: int
    body: dict[str, object]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def error_type(self) -> str | None:
        """The error's name at fal, None for a success."""
        return self.headers.get("X-Fal-Error-Type")

    def response(self, request_id: str = "") -> web.Response:
        """Return it as an HTTP answer of fal itself, which always carries a request id."""
        headers = {**self.headers, "x-fal-request-id": request_id or str(uuid.uuid4())}
        return web.json_response(self.body, status=self.status, headers=headers)


def dropped(request: web.Request) -> web.Response:
    """Close the connection at once; the returned value is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def request_error(error_type: str, detail: str = "") -> Answer:
    """Return a flat error of fal's machinery, such as `runner_scheduling_failure`."""
    body: dict[str, object] = {
        "detail": detail or error_type.replace("_", " ").capitalize(),
        "error_type": error_type,
    }
    return Answer(status=REQUEST_ERRORS[error_type], body=body, headers={"X-Fal-Error-Type": error_type})


def by_status(status: int) -> Answer:
    """Return fal's usual JSON answer for an HTTP error code."""
    if status == 403:  # noqa: PLR2004 - an HTTP status code reads best as its number
        return Answer(status=403, body={"detail": FORBIDDEN})
    if status in _PLAIN:
        headers = {"X-Fal-needs-retry": "1"} if status == 429 else {}  # noqa: PLR2004 - the same
        return Answer(status=status, body={"detail": _PLAIN[status]}, headers=headers)
    names = [name for name, code in REQUEST_ERRORS.items() if code == status]
    if not names:
        return Answer(status=status, body={"detail": f"Error {status}"})
    return request_error("internal_error" if "internal_error" in names else names[0])


def locked() -> Answer:
    """Return what an account without balance gets: observed word for word by many."""
    return Answer(status=403, body={"detail": LOCKED})


def ingress(status: int) -> web.Response:
    """Return an error of the proxy in front of fal: HTML, and no x-fal-request-id."""
    page = f"<html><head><title>{status} Error</title></head><body><hr><center>nginx</center></body></html>"
    return web.Response(status=status, text=page, content_type="text/html")


def unprocessable(problems: list[Problem]) -> Answer:
    """Return the 422 for a body that the endpoint's schema refuses."""
    detail = [_entry(p.type, ["body", p.name], p.msg, p.given, p.ctx) for p in problems]
    return Answer(
        status=422,
        body={"detail": detail},
        headers={"X-Fal-Retryable": "false", "X-Fal-Error-Type": problems[0].type},
    )


def model_error(error_type: str, arguments: dict[str, object], *, loc: list[str | int] | None = None) -> Answer:
    """Return a model's own error, 422 or 5xx; like the real one it echoes the whole input."""
    status = _MODEL_STATUS.get(error_type, 422)
    msg = _MODEL_MESSAGES.get(error_type, error_type.replace("_", " ").capitalize())
    where = loc or _place(error_type)
    retryable = "true" if status in _MODEL_STATUS.values() else "false"
    return Answer(
        status=status,
        body={"detail": [_entry(error_type, where, msg, arguments, _MODEL_CTX.get(error_type))]},
        headers={"X-Fal-Retryable": retryable, "X-Fal-Error-Type": error_type},
    )


def _place(error_type: str) -> list[str | int]:
    if error_type == "content_policy_violation":
        return ["body", "prompt"]
    if "image_" in error_type or error_type.startswith("file_"):
        return ["body", "image_urls", 0]
    return ["body"]


def _entry(
    error_type: str, loc: list[str] | list[str | int], msg: str, given: object, ctx: dict[str, object] | None
) -> dict[str, object]:
    entry: dict[str, object] = {
        "loc": loc,
        "msg": msg,
        "type": error_type,
        "url": f"https://docs.fal.ai/errors#{error_type}",
        "input": given,
    }
    return entry if ctx is None else {**entry, "ctx": ctx}
