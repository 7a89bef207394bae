"""What each of fal's answers means: status, body and headers in, a domain error and whether it may be billed out."""

from typing import Any

import pytest
from multidict import CIMultiDict

from bot.adapters.fal_errors import PICTURE_TYPES, meaning
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

Json = dict[str, Any]

NGINX = None
"""A web page is no JSON: the body is not known."""


def model_error(kind: str, *loc: str | int) -> Json:
    """A model's own error; like the real one it echoes the whole input."""
    entry = {"loc": ["body", *loc], "msg": "prose", "type": kind, "input": {"prompt": "SECRET"}}
    return {"detail": [entry]}


def request_error(kind: str) -> Json:
    """An error of fal's machinery around the model."""
    return {"detail": "prose", "error_type": kind}


def at_result(status: int, body: object = None, headers: dict[str, str] | None = None) -> GenerationError:
    return meaning(status, body, CIMultiDict(headers or {}), at_submit=False)


def at_submit(status: int, body: object = None, headers: dict[str, str] | None = None) -> GenerationError:
    return meaning(status, body, CIMultiDict(headers or {}), at_submit=True)


# Where the request was sent: what it is, whether the result may be billed, and whether a submit was surely not taken.
TABLE: list[tuple[int, object, type[GenerationError], bool, bool]] = [
    (400, request_error("bad_request"), InvalidRequestError, True, False),
    (401, {"detail": "invalid key credentials"}, AccountError, False, True),
    (402, {"detail": "prose"}, InvalidRequestError, True, False),
    (403, {"detail": "User is locked. Reason: Exhausted balance."}, AccountError, False, True),
    (404, {"detail": "Application not found"}, EndpointGoneError, True, False),
    (404, {"status": "NOT_FOUND"}, EndpointGoneError, True, False),
    (405, {"detail": "Method Not Allowed"}, InvalidRequestError, True, False),
    (408, {"detail": "prose"}, FalBusyError, False, False),
    (409, {"detail": "prose"}, FalBusyError, False, False),
    (413, NGINX, InvalidRequestError, True, False),
    (422, model_error("content_policy_violation", "prompt"), ContentRefusedError, True, False),
    (422, model_error("no_media_generated"), NoImageMadeError, True, False),
    (422, model_error("invalid_request"), NoImageMadeError, True, False),
    (422, model_error("image_too_large", "image_urls", 0), PictureRefusedError, True, False),
    (422, model_error("missing", "prompt"), InvalidRequestError, True, False),
    (422, request_error("content_policy_violation"), ContentRefusedError, True, False),
    (422, request_error("no_media_generated"), NoImageMadeError, True, False),
    (422, request_error("file_download_error"), PictureRefusedError, True, False),
    (422, {"detail": "prose"}, InvalidRequestError, True, False),
    (422, None, InvalidRequestError, True, False),
    (429, {"detail": "concurrent_requests_limit"}, FalBusyError, False, True),
    (499, request_error("client_cancelled"), CancelledAtFalError, False, False),
    (499, None, CancelledAtFalError, False, False),
    (500, request_error("client_cancelled"), CancelledAtFalError, False, False),
    (500, request_error("runner_server_error"), FalDownError, False, False),
    (500, request_error("internal_error"), FalDownError, False, False),
    (500, model_error("downstream_service_error"), FalDownError, False, False),
    (502, request_error("runner_incomplete_response"), FalDownError, False, False),
    (502, NGINX, FalDownError, False, False),
    (503, request_error("runner_scheduling_failure"), FalBusyError, False, False),
    (503, NGINX, FalBusyError, False, False),
    (504, request_error("request_timeout"), GenerationTimeoutError, False, False),
    (504, request_error("startup_timeout"), GenerationTimeoutError, False, False),
    (504, model_error("generation_timeout"), GenerationTimeoutError, False, False),
    (504, NGINX, FalDownError, False, False),
    (529, NGINX, FalDownError, False, False),
]


@pytest.mark.parametrize(("status", "body", "kind", "billed", "unsent"), TABLE)
def test_every_answer_has_its_error(
    status: int, body: object, kind: type[GenerationError], *, billed: bool, unsent: bool
) -> None:
    result, submit = at_result(status, body), at_submit(status, body)
    assert (type(result), result.may_be_billed, result.unsent) == (kind, billed, False)
    assert (type(submit), submit.may_be_billed, submit.unsent) == (kind, False, unsent)


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (422, "content_policy_violation", ContentRefusedError),
        (422, "no_media_generated", NoImageMadeError),
        (422, "image_load_error", PictureRefusedError),
        (500, "client_cancelled", CancelledAtFalError),
        (504, "request_timeout", GenerationTimeoutError),
    ],
)
def test_the_header_names_the_error_where_the_body_does_not(
    status: int, kind: str, expected: type[GenerationError]
) -> None:
    assert type(at_result(status, None, {"X-Fal-Error-Type": kind})) is expected
    assert type(at_result(status, {"detail": "prose"}, {"x-fal-error-type": kind})) is expected


@pytest.mark.parametrize("kind", sorted(PICTURE_TYPES))
def test_a_refused_picture_is_named_by_its_place_in_the_order_from_one(kind: str) -> None:
    error = at_result(422, model_error(kind, "image_urls", 1))
    assert isinstance(error, PictureRefusedError)
    assert error.position == 2


@pytest.mark.parametrize(
    "loc",
    [["body"], ["body", "image_urls"], [], None, "body", ["body", "image_urls", "1"], ["body", "image_urls", -7]],
)
def test_a_refused_picture_whose_place_fal_does_not_say_has_none(loc: object) -> None:
    error = at_result(422, {"detail": [{"loc": loc, "type": "image_load_error"}]})
    assert isinstance(error, PictureRefusedError)
    assert error.position is None


@pytest.mark.parametrize(
    ("units", "billed"),
    [("0", False), ("0.0", False), ("0.75", True), ("3", True), ("", True), ("many", True), ("nan", True)],
)
@pytest.mark.parametrize("kind", ["content_policy_violation", "no_media_generated", "image_load_error", "value_error"])
def test_fals_own_count_of_units_decides_whether_a_refusal_was_billed(kind: str, units: str, *, billed: bool) -> None:
    error = at_result(422, model_error(kind), {"X-Fal-Billable-Units": units})
    assert error.may_be_billed is billed


def test_of_several_entries_the_one_that_a_person_can_act_on_counts() -> None:
    body = {"detail": [*model_error("value_error", "seed")["detail"], *model_error("image_load_error", 2)["detail"]]}
    error = at_result(422, body)
    assert isinstance(error, PictureRefusedError)
    assert error.position == 3


def test_an_invalid_request_names_fals_types_and_places_and_nothing_that_was_sent() -> None:
    body = {"detail": [*model_error("missing", "prompt")["detail"], *model_error("one_of", "x" * 99, 0)["detail"]]}
    error = at_submit(422, body)
    assert isinstance(error, InvalidRequestError)
    assert error.kinds == ("body.prompt:missing", f"body.{'x' * 40}.0:one_of")
    assert "SECRET" not in repr(error) + str(error)


STRANGE: list[object] = [None, [], "text", 7, {"detail": None}, {"detail": [None, "x", 3]}, {"detail": [{"type": 7}]}]


@pytest.mark.parametrize("body", STRANGE)
@pytest.mark.parametrize("status", [400, 404, 422, 500, 504])
def test_no_body_is_too_strange_to_be_read(status: int, body: object) -> None:
    assert type(at_result(status, body)) is type(at_result(status, None))
