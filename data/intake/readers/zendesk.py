"""Zendesk tickets: with their comments in them, beside them in the same file, or in files of their own."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from data.intake import pieces, plain, spool
from data.intake.canonical import CanonicalConversation
from data.intake.reading import Mapping, Row, made

NAME, WORDS, UNIT, ENDINGS = "zendesk", "Zendesk tickets (JSON)", "ticket", (".json", ".jsonl", ".ndjson")
SECTIONS = ("tickets", "comments", "users", "audits", "ticket_fields", "groups", "metric_sets", "ticket_metrics", "results")
OF_A_TICKET = ("comments", "audits", "metric_sets", "ticket_metrics")
LOOKS = (  # what a record is that stands in no named list
    ("ticket_metrics", ("ticket_id", "reply_time_in_minutes")),
    ("audits", ("events",)),
    ("comments", ("author_id",)),
    ("tickets", ("requester_id",)),
    ("tickets", ("comments",)),
    ("tickets", ("description",)),
    ("users", ("role", "name")),
    ("ticket_fields", ("title", "type")),
)

CHANNELS = {
    "email": ("email",),
    "voice": ("voice", "phone", "voicemail", "phone_call_inbound", "phone_call_outbound", "zendesk_talk"),
    "chat": (
        "chat", "chat_transcript", "messaging", "native_messaging", "whatsapp", "facebook", "facebook_post", "facebook_message", "twitter",
        "twitter_dm", "twitter_favorite", "instagram_dm", "line", "wechat", "telegram", "viber", "sms", "apple_business_chat", "mobile_sdk",
        "google_business_messages", "sunshine_conversations_api", "sunshine_conversations_twitter_dm", "any_channel",
    ),
}  # fmt: skip
CHANNEL_OF = {word: channel for channel, words in CHANNELS.items() for word in words}
MACHINES = ("ai_agent", "answer_bot", "bot")  # a channel that begins so: no person wrote this
RULES = ("rule", "system", "admin_setting")  # a trigger, an automation
SYSTEM = -1
SOLVED = ("solved", "closed")


@dataclass
class Known:
    """What a Zendesk says beside its tickets."""

    users: dict[int, dict[str, Any]] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)  # a custom field's id -> its title
    groups: dict[Any, str] = field(default_factory=dict)

    def note(self, answer: dict[str, Any]) -> None:
        """People, fields and groups that came along with something else."""
        for user in _dicts(answer.get("users")):
            if isinstance(user.get("id"), int):
                self.users[user["id"]] = {name: user[name] for name in ("name", "email", "role", "role_type") if user.get(name)}
        self.fields |= {str(one.get("id")): str(one.get("title") or "") for one in _dicts(answer.get("ticket_fields"))}
        self.groups |= {one.get("id"): str(one.get("name") or "") for one in _dicts(answer.get("groups"))}

    def user(self, user_id: Any) -> dict[str, Any]:
        return self.users.get(user_id, {}) if isinstance(user_id, int) else {}

    def name(self, user_id: Any) -> str:
        return str(self.user(user_id).get("name") or user_id)


def conversation_of(
    ticket: dict[str, Any], comments: list[dict[str, Any]], audits: list[dict[str, Any]], known: Known, mapping: Mapping
) -> CanonicalConversation | str | None:
    """The ticket as a conversation, or what is wrong with it; None when it was deleted."""
    if ticket.get("id") is None:
        return "a ticket without an id"
    if ticket.get("status") == "deleted":
        return None
    told = f"ticket {ticket['id']}"
    comments = comments or _dicts(ticket.get("comments")) or _first_comment(ticket)
    try:
        raw = _raw(ticket, comments, audits or _dicts(ticket.get("audits")), known, mapping)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        return f"{told}: it is not built as Zendesk builds tickets ({type(error).__name__})"
    if not raw["messages"]:
        return f"{told}: it has neither comments nor a description"
    found = made(raw)
    return f"{told}: {found}" if isinstance(found, str) else found


def _first_comment(ticket: dict[str, Any]) -> list[dict[str, Any]]:
    said = ticket.get("description")
    if not said:
        return []
    return [
        {
            "plain_body": said,
            "author_id": ticket.get("requester_id"),
            "created_at": ticket.get("created_at"),
            "public": ticket.get("is_public", True),
        }
    ]


def _raw(
    ticket: dict[str, Any], comments: list[dict[str, Any]], audits: list[dict[str, Any]], known: Known, mapping: Mapping
) -> dict[str, Any]:
    opened, status = plain.moment(ticket.get("created_at")), ticket.get("status")
    requester = known.user(ticket.get("requester_id"))
    via = _dict(ticket.get("via")).get("channel")
    reopened = [at for at, event in _events(audits) if _reopens(event)]
    rating = _dict(ticket.get("satisfaction_rating"))
    who = ticket.get("requester_id")
    return {
        "id": str(ticket["id"]),
        "source": mapping.source,
        "channel": mapping.channel or CHANNEL_OF.get(str(via), "chat" if str(via).startswith(MACHINES) else "email"),
        "subject": ticket.get("subject") or ticket.get("raw_subject"),
        "opened_at": opened,
        "closed_at": _closed(ticket, audits, opened) if status in SOLVED else None,
        "reopened_at": reopened[-1] if reopened else None,
        "status": status,
        "resolved": status in SOLVED if status else None,
        "customer": requester.get("email") or (str(who) if who is not None else None),
        "customer_names": [requester["name"]] if requester.get("name") else [],
        "assignee": known.name(ticket["assignee_id"]) if ticket.get("assignee_id") else None,
        "handle_seconds": _handled(ticket, known),
        "csat": _csat(rating.get("score")),
        "tags": [str(tag) for tag in ticket.get("tags") or []],
        "messages": [_message(comment, ticket, known, mapping) for comment in sorted(comments, key=_when) if _says(comment)],
        "signals": signals_of(audits, known)[-1000:],
        **_kept(ticket, rating, known),
    }


def _kept(ticket: dict[str, Any], rating: dict[str, Any], known: Known) -> dict[str, Any]:
    """What no column is for, as far as somebody may ask for it."""
    custom = {
        known.fields.get(str(one.get("id"))) or str(one.get("id")): one.get("value")
        for one in _dicts(ticket.get("custom_fields") or ticket.get("fields"))
        if one.get("value") not in (None, "", [], False)
    }
    metrics = _dict(ticket.get("metric_set") or ticket.get("metrics"))
    measured = {
        "reopens": metrics.get("reopens"),
        "replies": metrics.get("replies"),
        "first_reply_minutes": _dict(metrics.get("reply_time_in_minutes")).get("calendar"),
        "resolution_minutes": _dict(metrics.get("full_resolution_time_in_minutes")).get("calendar"),
    }
    kept = {
        "priority": ticket.get("priority"),
        "kind": ticket.get("type"),
        "group": known.groups.get(ticket.get("group_id")) or ticket.get("group_id"),
        "external_id": ticket.get("external_id"),
        "satisfaction_comment": rating.get("comment"),
        "custom_fields": custom,
        "metrics": {name: value for name, value in measured.items() if value is not None},
    }
    return {name: value for name, value in kept.items() if value not in (None, "", {})}


def _closed(ticket: dict[str, Any], audits: list[dict[str, Any]], opened: datetime | None) -> datetime | None:
    metrics = _dict(ticket.get("metric_set") or ticket.get("metrics"))
    solved = [at for at, event in _events(audits) if event.get("field_name") == "status" and event.get("value") == "solved"]
    at = plain.moment(ticket.get("solved_at") or metrics.get("solved_at")) or (
        solved[-1] if solved else plain.moment(ticket.get("updated_at"))
    )
    return at if at and (opened is None or at >= opened) else None


def _handled(ticket: dict[str, Any], known: Known) -> int | None:
    """Zendesk's own Time Tracking app keeps it in a field of this name."""
    for one in _dicts(ticket.get("custom_fields") or ticket.get("fields")):
        value = str(one.get("value") or "")
        if known.fields.get(str(one.get("id")), "").lower().startswith("total time spent") and value.isdecimal() and len(value) < 10:
            return int(value)
    return None


def _csat(score: Any) -> int | None:
    told = str(score or "")
    if told in ("1", "2", "3", "4", "5"):
        return int(told)
    return 5 if told.startswith("good") else 1 if told.startswith("bad") else None


def _when(comment: dict[str, Any]) -> tuple[str, int]:
    at, number = plain.moment(comment.get("created_at")), comment.get("id")
    return at.isoformat() if at else "", number if isinstance(number, int) else 0


def _says(comment: dict[str, Any]) -> bool:
    return bool(_text(comment) or comment.get("attachments"))


def _text(comment: dict[str, Any]) -> str:
    said = str(comment.get("plain_body") or "").replace("&nbsp;", " ").strip()
    said = said or (plain.of_html(comment["html_body"]) if comment.get("html_body") else "") or str(comment.get("body") or "").strip()
    spoken = str(_dict(comment.get("data")).get("transcription_text") or "").strip()
    return f"{said}\n\n{spoken}".strip() if spoken and spoken not in said else said


def _message(comment: dict[str, Any], ticket: dict[str, Any], known: Known, mapping: Mapping) -> dict[str, Any]:
    author, role = comment.get("author_id"), _role(comment, ticket, known, mapping)
    message = {
        "id": str(comment["id"]) if comment.get("id") is not None else None,
        "role": role,
        "text": _text(comment),
        "at": plain.moment(comment.get("created_at")),
        "author": known.name(author) if author is not None and role != "customer" else None,
        "private": comment.get("public") is False,
    }
    names = [str(one["file_name"]) for one in _dicts(comment.get("attachments")) if one.get("file_name")]
    return message | ({"attachments": names} if names else {})


def _role(comment: dict[str, Any], ticket: dict[str, Any], known: Known, mapping: Mapping) -> str:
    """Who speaks. What a machine or a rule wrote is nobody's work; somebody unknown who answers the customer is a rep."""
    author, via = comment.get("author_id"), str(_dict(comment.get("via")).get("channel") or "")
    user = known.user(author)
    for word in (user.get("name"), user.get("email"), author):
        if word is not None and str(word) in mapping.roles:
            return mapping.roles[str(word)]
    if via.startswith(MACHINES) or str(user.get("role_type") or "") == "ai_agent":
        return "assistant"
    if author == SYSTEM or via in RULES:
        return "system"
    if author == ticket.get("requester_id") and comment.get("public") is not False:
        return "customer"
    return mapping.role(str(user.get("role") or "agent")) or "rep"


def signals_of(audits: list[dict[str, Any]], known: Known) -> list[dict[str, Any]]:
    """What people did with the ticket. What a rule did says nothing about what anybody thought."""
    signals: list[dict[str, Any]] = []
    for audit in audits:
        at, by_rule = plain.moment(audit.get("created_at")), _by_rule(audit, {})
        events = _dicts(audit.get("events"))
        rated = any(event.get("type") == "SatisfactionRating" for event in events)
        for event in events if at else ():
            key = str(event["id"]) if event.get("id") is not None else None
            for number, (kind, value) in enumerate(_signals(event, known, rated=rated, by_rule=by_rule or _by_rule(audit, event))):
                signals.append({"kind": kind, "at": at, "value": value[:500], "id": f"{key}.{number}" if key and number else key})
    return sorted(signals, key=lambda signal: signal["at"])


def _signals(event: dict[str, Any], known: Known, *, rated: bool, by_rule: bool) -> Iterator[tuple[str, str]]:
    kind, name, value, before = event.get("type"), str(event.get("field_name") or ""), event.get("value"), event.get("previous_value")
    if kind in ("AgentMacroReference", "MacroReference"):
        yield "macro_used", str(event.get("macro_title") or event.get("macro_id") or "")
    elif kind == "SatisfactionRating" and _csat(event.get("score")):
        yield "rated", str(_csat(event.get("score")))
    elif kind == "Change" and name == "satisfaction_score" and _csat(value) and not rated:
        yield "rated", str(_csat(value))
    elif kind == "Change" and _reopens(event):
        yield "reopened", str(value)
    elif kind == "Change" and not by_rule:
        if name == "tags":
            now, then = _words(value), _words(before)
            yield from (("tag_changed", tag) for tag in now if tag not in then)
            yield from (("tag_changed", f"-{tag}") for tag in then if tag not in now)
        elif name == "assignee_id" and value and before:
            yield "reassigned", known.name(int(value) if str(value).isdecimal() else value)
        elif "intent" in (known.fields.get(name) or name).lower() and value:
            yield "intent_changed", str(value)


def _reopens(event: dict[str, Any]) -> bool:
    return (
        event.get("field_name") == "status"
        and event.get("previous_value") == "solved"
        and event.get("value") in ("new", "open", "pending", "hold")
    )


def _by_rule(audit: dict[str, Any], event: dict[str, Any]) -> bool:
    return audit.get("author_id") == SYSTEM or any(_dict(one.get("via")).get("channel") in RULES for one in (audit, event))


def _events(audits: list[dict[str, Any]]) -> Iterator[tuple[datetime, dict[str, Any]]]:
    for audit in audits:
        if at := plain.moment(audit.get("created_at")):
            yield from ((at, event) for event in _dicts(audit.get("events")) if event.get("type") == "Change")


def _words(value: Any) -> list[str]:
    """Tags are a list, or words in one text."""
    return [str(tag) for tag in value] if isinstance(value, list) else str(value or "").split()


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


# Files


def looks_like(path: Path, head: bytes) -> bool:
    return pieces.speaks(path, head, (b'"requester_id"',), (b'"tickets"', b'"subject"'), (b'"plain_body"', b'"author_id"'))


def check(path: Path, mapping: Mapping) -> None:
    pieces.check(path, "Zendesk tickets", SECTIONS, lambda section, piece: _kind(section, _bare(piece)) == "tickets")


def guess(path: Path) -> Mapping:
    return Mapping(source=NAME)


def read(path: Path, mapping: Mapping) -> Iterator[Row]:
    """Each ticket with what belongs to it. Comments that stand apart are brought to their tickets on the disk."""
    known, apart = _known(path)
    if apart:
        yield from _brought_together(path, known, mapping)
        return
    number = 0
    for kind, piece in _pieces(path):
        if isinstance(piece, str) or kind == "tickets":
            number += 1
            found = piece if isinstance(piece, str) else conversation_of(piece, [], [], known, mapping)
            if found is not None:
                yield number, found


def _brought_together(path: Path, known: Known, mapping: Mapping) -> Iterator[Row]:
    with spool.opened() as kept:
        number = 0
        for kind, piece in _pieces(path):
            if isinstance(piece, str) or kind == "tickets":
                number += 1
                key = f"piece {number}" if isinstance(piece, str) else str(piece.get("id"))
                kept.put(key, number, json.dumps([kind, piece]))
        for kind, piece in _pieces(path):
            if isinstance(piece, dict) and kind in OF_A_TICKET:
                number += 1
                kept.put(str(piece.get("ticket_id")), number, json.dumps([kind, piece]))
        for key, rows in kept.groups():
            if isinstance(rows, spool.Fault):
                yield rows.number, f"ticket {key}: {rows.why}"
            elif (found := _of_rows(key, [json.loads(row) for _, row in rows], known, mapping)) is not None:
                yield rows[0][0], found


def _of_rows(key: str, rows: list[list[Any]], known: Known, mapping: Mapping) -> CanonicalConversation | str | None:
    by_kind: dict[str, list[Any]] = {}
    for kind, piece in rows:
        if isinstance(piece, str):
            return piece
        by_kind.setdefault(kind, []).append(piece)
    if "tickets" not in by_kind:
        return f"ticket {key}: its comments are here, and it is not"
    ticket = by_kind["tickets"][-1]  # an export that repeats a ticket gives it anew
    measured = by_kind.get("metric_sets", []) + by_kind.get("ticket_metrics", [])
    ticket = ticket | ({"metric_set": measured[-1]} if measured else {})
    return conversation_of(ticket, by_kind.get("comments", []), by_kind.get("audits", []), known, mapping)


def _known(path: Path) -> tuple[Known, bool]:
    """Who and what the files speak of, and whether comments stand apart from their tickets."""
    known, apart = Known(), False
    for kind, piece in _pieces(path, SECTIONS[1:]):  # tickets need not be built for it
        if isinstance(piece, dict):
            known.note({kind: [piece]})
            apart = apart or kind in OF_A_TICKET
    return known, apart


def _pieces(path: Path, sections: tuple[str, ...] = SECTIONS) -> Iterator[tuple[str, dict[str, Any] | str]]:
    """Every record with its kind; a comment with its ticket's id, which may be only in the file's name: comments_4711.json."""
    for file in pieces.files_of(path):
        named = re.search(r"(\d+)$", file.stem)
        for section, piece in pieces.pieces(file, sections):
            if isinstance(piece, str):
                yield "", f"{file.name}: {piece}" if path.is_dir() else piece
                continue
            piece = _bare(piece)
            kind = _kind(section, piece)
            if kind in OF_A_TICKET and piece.get("ticket_id") is None and named:
                piece = piece | {"ticket_id": int(named[1])}
            yield kind, piece if kind else "neither a ticket nor a comment, an audit or a user"


def _bare(piece: dict[str, Any]) -> dict[str, Any]:
    return piece["ticket"] if len(piece) == 1 and isinstance(piece.get("ticket"), dict) else piece


def _kind(section: str, piece: dict[str, Any]) -> str:
    """The list it stands in says it; else what it holds."""
    if section and section != "results":
        return section
    for kind, names in LOOKS:
        if all(name in piece for name in names):
            return kind
    return ""
