"""A message form checked against every rule of Discord's edge, before anything changes."""

from dataclasses import dataclass

from tests.loopback.discord_bodies import Upload, stored_name
from tests.loopback.discord_components import ComponentRules, Path
from tests.loopback.discord_errors import DiscordError, FormErrors
from tests.loopback.discord_mentions import check_allowed_mentions
from tests.loopback.discord_state import EPHEMERAL, IS_COMPONENTS_V2, LOADING, SILENT, Attachment, Json, Message

MAX_CONTENT = 2000
MAX_ATTACHMENTS = 10
MAX_EMBED_TEXT = 6000
SUPPRESS_EMBEDS = 1 << 2
SETTABLE_FLAGS = SUPPRESS_EMBEDS | SILENT | IS_COMPONENTS_V2 | EPHEMERAL
EDITABLE_FLAGS = SUPPRESS_EMBEDS | IS_COMPONENTS_V2

_EMBED_LENGTHS: dict[str, int] = {"title": 256, "description": 4096}


@dataclass(slots=True, kw_only=True)
class Draft:
    """How the message will look if the form is accepted."""

    content: str
    embeds: list[Json]
    components: list[Json]
    flags: int
    kept: list[Attachment]
    new: list[tuple[Upload, str | None]]  # file and its alt text


def check_form(form: Json, files: dict[int, Upload], before: Message | None = None) -> Draft:
    """Merge the form over the message as it was (None for a new one) and refuse what Discord would refuse."""
    errors = FormErrors()
    kept, new = _attachments(form, files, before, errors)
    draft = Draft(
        content=str(form.get("content", before.content if before else "") or "").strip(),
        embeds=form.get("embeds", before.embeds if before else []) or [],
        components=form.get("components", before.components if before else []) or [],
        flags=_flags(form, before, errors),
        kept=kept,
        new=new,
    )
    if len(draft.content) > MAX_CONTENT:
        errors.add(("content",), "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_CONTENT} or fewer in length.")
    file_names = {attachment.filename for attachment in kept} | {stored_name(upload.filename) for upload, _ in new}
    is_v2 = bool(draft.flags & IS_COMPONENTS_V2)
    _check_embeds(draft.embeds, file_names, errors)
    ComponentRules(errors, file_names=file_names).check_message(draft.components, v2=is_v2)
    if is_v2:
        _check_v2_exclusions(form, draft, errors)
    check_allowed_mentions(form.get("allowed_mentions"), errors)
    _check_nonce(form.get("nonce"), errors)
    errors.raise_if_any()
    if len(kept) + len(new) > MAX_ATTACHMENTS:
        raise DiscordError(30015)
    if not (draft.content or draft.embeds or draft.components or kept or new or form.get("sticker_ids")):
        raise DiscordError(50006)
    return draft


def _flags(form: Json, before: Message | None, errors: FormErrors) -> int:
    asked = int(form.get("flags") or 0)
    if before is None:
        if asked & ~SETTABLE_FLAGS:
            errors.add(("flags",), "MESSAGE_FLAGS_INVALID", f"These flags cannot be set: {asked & ~SETTABLE_FLAGS}")
        return asked
    if "flags" not in form:
        return before.flags & ~LOADING
    fixed = before.flags & ~(LOADING | SUPPRESS_EMBEDS)
    return fixed | (asked & EDITABLE_FLAGS)


def _attachments(
    form: Json, files: dict[int, Upload], before: Message | None, errors: FormErrors
) -> tuple[list[Attachment], list[tuple[Upload, str | None]]]:
    """Split the attachments array into what stays and what is new; without an array everything stays."""
    old = {str(attachment.id): attachment for attachment in before.attachments} if before else {}
    listed: list[Json] | None = form.get("attachments")
    if listed is None:
        return ([] if "attachments" in form else list(old.values())), [(files[i], None) for i in sorted(files)]
    kept: list[Attachment] = []
    new: list[tuple[Upload, str | None]] = []
    for position, entry in enumerate(listed):
        reference, description = str(entry.get("id")), entry.get("description")
        if description is not None and len(description) > 1024:
            path: Path = ("attachments", position, "description")
            errors.add(path, "BASE_TYPE_MAX_LENGTH", "Must be 1024 or fewer in length.")
        if reference in old:
            kept.append(old[reference])
        elif reference.isdecimal() and int(reference) in files:
            new.append((files[int(reference)], description))
        else:
            message = f"No file and no earlier attachment has this id: {reference}"
            errors.add(("attachments", position, "id"), "ATTACHMENT_NOT_FOUND", message)
    unlisted = set(files) - {int(str(e.get("id"))) for e in listed if str(e.get("id")).isdecimal()}
    if unlisted:
        errors.add(("attachments",), "ATTACHMENT_NOT_LISTED", f"Uploaded but not listed: files{sorted(unlisted)}")
    return kept, new


def _check_embeds(embeds: list[Json], file_names: set[str], errors: FormErrors) -> None:
    if len(embeds) > 10:
        errors.add(("embeds",), "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    total = 0
    for index, embed in enumerate(embeds):
        for path, text, limit in _embed_texts(embed):
            total += len(text)
            if len(text) > limit:
                errors.add(("embeds", index, *path), "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length.")
        if len(embed.get("fields") or []) > 25:
            errors.add(("embeds", index, "fields"), "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
        for key in ("image", "thumbnail"):
            media: Json = embed.get(key) or {}
            url = str(media.get("url") or "")
            if url.startswith("attachment://") and url.removeprefix("attachment://") not in file_names:
                message = f"The referenced attachment was not found: {url}"
                errors.add(("embeds", index, key, "url"), "EMBED_ATTACHMENT_NOT_FOUND", message)
    if total > MAX_EMBED_TEXT:
        errors.add(("embeds",), "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {MAX_EMBED_TEXT}")


def _embed_texts(embed: Json) -> list[tuple[Path, str, int]]:
    texts: list[tuple[Path, str, int]] = [
        ((key,), str(embed[key]), limit) for key, limit in _EMBED_LENGTHS.items() if embed.get(key)
    ]
    footer: Json = embed.get("footer") or {}
    author: Json = embed.get("author") or {}
    texts.append((("footer", "text"), str(footer.get("text") or ""), 2048))
    texts.append((("author", "name"), str(author.get("name") or ""), 256))
    fields: list[Json] = embed.get("fields") or []
    for index, item in enumerate(fields):
        texts.append((("fields", index, "name"), str(item.get("name") or ""), 256))
        texts.append((("fields", index, "value"), str(item.get("value") or ""), 1024))
    return texts


def _check_v2_exclusions(form: Json, draft: Draft, errors: FormErrors) -> None:
    used = {"content": draft.content, "embeds": draft.embeds}
    used |= {key: form.get(key) for key in ("poll", "sticker_ids")}
    for key, value in used.items():
        if value:
            message = f"The '{key}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
            errors.add((key,), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", message)


def _check_nonce(nonce: str | int | None, errors: FormErrors) -> None:
    if isinstance(nonce, str) and len(nonce) > 25:
        errors.add(("nonce",), "NONCE_TYPE_TOO_LONG", "Must be 25 or fewer in length.")
