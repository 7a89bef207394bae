"""Between a Job and its row: plain columns for what queries ask, checked JSON for the rest."""

import sqlite3
from typing import Any

from pydantic import TypeAdapter

from bot.adapters.sealing import Seal
from bot.domain.job import Approval, Job, Picture, Reply, State, Ticket, Word
from bot.domain.order import Order, Request

_ORDER = TypeAdapter(Order)
_REQUEST = TypeAdapter(Request)
_REPLY = TypeAdapter(Reply)
_TICKET = TypeAdapter(Ticket)
_PICTURES = TypeAdapter(tuple[Picture, ...])

# `deleted_at` and `posted_in` are not among them: a job that is saved later does not know of them.
FIXED = ("id", "scope", "member_id", "credits", "order_json", "reply_token", "created_at")
"""They are written once: while a job lives, neither its order nor its token changes."""
CHANGING = (
    "state",
    "charged",
    "request_json",
    "reply_json",
    "notice_id",
    "approval",
    "approval_channel_id",
    "approval_message_id",
    "approval_by",
    "approval_at",
    "ticket_json",
    "pictures_json",
    "message_id",
    "error",
    "cancel_wanted",
    "retried",
    "wasted",
    "units",
    "told",
    "submitted_at",
    "rendered_at",
)
COLUMNS = (*FIXED, *CHANGING)


def to_row(job: Job, seal: Seal) -> dict[str, object]:
    """The columns of a job; the interaction's token is sealed and stands in no JSON."""
    fixed = {
        "id": job.id,
        "scope": job.order.scope,
        "member_id": job.order.member_id,
        "credits": job.credits,
        "order_json": _ORDER.dump_json(job.order).decode(),
        "reply_token": seal.seal(job.reply.token) if job.reply else None,
        "created_at": job.created_at,
    }
    return fixed | changes(job)


def changes(job: Job) -> dict[str, object]:
    """What may differ at the next step, and the id."""
    return {
        "id": job.id,
        "state": job.state.value,
        "charged": job.charged,
        "request_json": _REQUEST.dump_json(job.request).decode(),
        "reply_json": _REPLY.dump_json(job.reply, exclude={"token"}).decode() if job.reply else None,
        "notice_id": job.notice_id,
        "approval": job.approval.word.value if job.approval else None,
        "approval_channel_id": job.approval.channel_id if job.approval else None,
        "approval_message_id": job.approval.message_id if job.approval else None,
        "approval_by": job.approval.by if job.approval else None,
        "approval_at": job.approval.at if job.approval else None,
        "ticket_json": _TICKET.dump_json(job.ticket).decode() if job.ticket else None,
        "pictures_json": _PICTURES.dump_json(job.pictures).decode(),
        "message_id": job.message_id,
        "error": job.error,
        "cancel_wanted": int(job.cancel_wanted),
        "retried": int(job.retried),
        "wasted": job.wasted,
        "units": job.units,
        "told": int(job.told),
        "submitted_at": job.submitted_at,
        "rendered_at": job.rendered_at,
    }


def from_row(row: sqlite3.Row, seal: Seal) -> Job:
    """The job of a row. Raises pydantic.ValidationError when the file was tampered with."""
    return Job(
        id=row["id"],
        number=row["number"],
        state=State(row["state"]),
        order=_ORDER.validate_json(row["order_json"]),
        request=_REQUEST.validate_json(row["request_json"]),
        credits=row["credits"],
        created_at=row["created_at"],
        reply=_reply(row, seal),
        notice_id=row["notice_id"],
        approval=_approval(row),
        ticket=_TICKET.validate_json(row["ticket_json"]) if row["ticket_json"] else None,
        submitted_at=row["submitted_at"],
        rendered_at=row["rendered_at"],
        pictures=_PICTURES.validate_json(row["pictures_json"]),
        charged=row["charged"],
        message_id=row["message_id"],
        posted_in=row["posted_in"],
        error=row["error"],
        cancel_wanted=bool(row["cancel_wanted"]),
        retried=bool(row["retried"]),
        wasted=row["wasted"],
        units=row["units"],
        told=bool(row["told"]),
        deleted_at=row["deleted_at"],
    )


def _approval(row: sqlite3.Row) -> Approval | None:
    if row["approval"] is None:
        return None
    return Approval(
        word=Word(row["approval"]),
        channel_id=row["approval_channel_id"],
        message_id=row["approval_message_id"],
        by=row["approval_by"],
        at=row["approval_at"],
    )


def _reply(row: sqlite3.Row, seal: Seal) -> Reply | None:
    if row["reply_json"] is None or row["reply_token"] is None:
        return None
    token = seal.open(row["reply_token"])
    if token is None:
        return None
    fields: dict[str, Any] = TypeAdapter(dict[str, Any]).validate_json(row["reply_json"])
    return _REPLY.validate_python({**fields, "token": token})
