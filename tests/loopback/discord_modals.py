"""A person filling in a form: each field checked as the client checks it, then sent in the form's own shape."""

from collections.abc import Mapping
from typing import Any

from tests.loopback.discord_commands import NotPossibleError
from tests.loopback.discord_components import (
    CHECKBOX,
    CHECKBOX_GROUP,
    FILE_UPLOAD,
    LABEL,
    RADIO_GROUP,
    ROW,
    STRING_SELECT,
    TEXT,
    TEXT_INPUT,
)
from tests.loopback.discord_resolved import Resolved
from tests.loopback.discord_state import Json


class FormValues:
    """The values a person typed, by custom_id or by label; each is taken once."""

    def __init__(self, values: Mapping[str, Any], resolved: Resolved) -> None:
        self._left = dict(values)
        self.resolved = resolved

    def take(self, field: Json, label: str) -> Any:  # noqa: ANN401 - whatever the test gives
        """Return the value for a field, or None when the person left it as it was."""
        for name in (field["custom_id"], label):
            if name in self._left:
                return self._left.pop(name)
        return None

    def check_all_used(self, fields: list[str]) -> None:
        if self._left:
            raise NotPossibleError(f"the form has no field {sorted(self._left)}; it has {fields}")


def fill_modal(modal: Json, values: FormValues) -> list[Json]:
    """Return the components of the submit."""
    filled: list[Json] = []
    fields: list[str] = []
    for index, part in enumerate(modal["components"], start=1):
        identity = part.get("id") or index * 100
        if part["type"] == TEXT:
            filled.append({"type": TEXT, "id": identity})
        elif part["type"] == LABEL:
            field = part["component"]
            fields += [str(part["label"]), str(field["custom_id"])]
            answer = _fill(field, part["label"], values, identity + 1)
            filled.append({"type": LABEL, "id": identity, "component": answer})
        else:
            field = part["components"][0]
            label = str(field.get("label") or "")
            fields += [label, str(field["custom_id"])]
            filled.append({"type": ROW, "id": identity, "components": [_fill(field, label, values, identity + 1)]})
    values.check_all_used(fields)
    return filled


def _fill(field: Json, label: str, values: FormValues, identity: int) -> Json:
    kind = field["type"]
    given = values.take(field, label)
    answer: Json = {"type": kind, "id": field.get("id") or identity, "custom_id": field["custom_id"]}
    if kind == TEXT_INPUT:
        return answer | {"value": _text(field, label, given)}
    if kind == CHECKBOX:
        return answer | {"value": bool(field.get("default") if given is None else given)}
    if kind == RADIO_GROUP:
        return answer | {"value": _radio(field, label, given)}
    if kind == FILE_UPLOAD:
        files: list[Any] = given or []
        _check_count(field, label, len(files))
        return answer | {"values": [values.resolved.attachment(file) for file in files]}
    if kind in (STRING_SELECT, CHECKBOX_GROUP):
        chosen = _defaults(field) if given is None else list(given)
        _check_offered(field, label, chosen)
        _check_count(field, label, len(chosen))
        return answer | {"values": chosen}
    entities: list[Any] = given or []
    _check_count(field, label, len(entities))
    return answer | {"values": [values.resolved.entity(entity) for entity in entities]}


def _text(field: Json, label: str, given: Any) -> str:  # noqa: ANN401 - whatever the test gives
    text = str(field.get("value") or "") if given is None else given
    if not isinstance(text, str):
        raise NotPossibleError(f"{label!r} takes text, not {text!r}")
    if not text and field.get("required", True):
        raise NotPossibleError(f"{label!r} must be filled in")
    low, high = field.get("min_length") or 0, field.get("max_length") or 4000
    if text and not low <= len(text) <= high:
        raise NotPossibleError(f"{len(text)} characters do not fit into {label!r} ({low} to {high})")
    return text


def _radio(field: Json, label: str, given: Any) -> str | None:  # noqa: ANN401 - whatever the test gives
    chosen = next(iter(_defaults(field)), None) if given is None else given
    if chosen is None and field.get("required", True):
        raise NotPossibleError(f"{label!r} must be chosen")
    _check_offered(field, label, [] if chosen is None else [chosen])
    return chosen


def _defaults(field: Json) -> list[str]:
    return [option["value"] for option in field["options"] if option.get("default")]


def _check_offered(field: Json, label: str, chosen: list[Any]) -> None:
    offered = [option["value"] for option in field["options"]]
    if strangers := [value for value in chosen if value not in offered]:
        raise NotPossibleError(f"{strangers} are not offered by {label!r}: {offered}")


def bounds(field: Json) -> tuple[int, int]:
    """How few and how many values a select or an upload takes; Discord's default is exactly one."""
    low: int | None = field.get("min_values")
    return 1 if low is None else low, field.get("max_values") or 1


def _check_count(field: Json, label: str, count: int) -> None:
    if count == 0 and not field.get("required", True):
        return
    low, high = bounds(field)
    if not low <= count <= high:
        raise NotPossibleError(f"{count} values do not fit into {label!r} ({low} to {high})")
