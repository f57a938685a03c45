"""Chatwoot conversations with their messages. Its lists hold only each one's last message: they are refused, nothing is guessed."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from data.errors import Refused
from data.intake import pieces, plain, spool
from data.intake.canonical import CanonicalConversation
from data.intake.reading import Mapping, Row, made

NAME, WORDS, UNIT, ENDINGS = "chatwoot", "Chatwoot conversations (JSON)", "conversation", (".json", ".jsonl", ".ndjson")
SECTIONS = ("conversations", "data.payload", "payload", "messages")

KINDS = {0: "incoming", 1: "outgoing", 2: "activity", 3: "template"}
MACHINES = ("agent_bot", "agentbot", "captain_assistant", "captain::assistant", "captain")
ONLY_LAST = (
    "Not imported: this is Chatwoot's list of conversations, which holds only each one's last message. "
    "Export them with their messages, or connect Chatwoot."
)
# what Chatwoot itself writes into a conversation, in English
REOPENED = re.compile(r"^Conversation was reopened by\b")
ASSIGNED = re.compile(r"^Assigned to (.{1,200}?) (?:by|via) |^(.{1,200}?) self-assigned this conversation")
LABELLED = re.compile(r"^(.{1,200}?) (added|removed) ([\w\-]+(?:, [\w\-]+)*)$")


def conversation_of(raw: dict[str, Any], messages: list[dict[str, Any]], mapping: Mapping) -> CanonicalConversation | str:
    """The conversation, or what is wrong with it."""
    if raw.get("id") is None:
        return "a conversation without an id"
    told = f"conversation {raw['id']}"
    try:
        shaped = _raw(raw, messages, mapping)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        return f"{told}: it is not built as Chatwoot builds conversations ({type(error).__name__})"
    if not shaped["messages"]:
        return f"{told}: nothing was said in it"
    found = made(shaped)
    return f"{told}: {found}" if isinstance(found, str) else found


def _raw(raw: dict[str, Any], messages: list[dict[str, Any]], mapping: Mapping) -> dict[str, Any]:
    by_id = {message.get("id", f"at {place}"): message for place, message in enumerate(messages)}
    messages = sorted(by_id.values(), key=_when)
    meta, more = _dict(raw.get("meta")), _dict(raw.get("additional_attributes"))
    contact, assignee = _dict(meta.get("sender")), _dict(meta.get("assignee"))
    opened, status = plain.moment(raw.get("created_at")), raw.get("status")
    rating = _rating(messages)
    signals = list(_signals(messages))
    reopened = [signal["at"] for signal in signals if signal["kind"] == "reopened"]
    who = contact.get("email") or contact.get("id")
    kept = {
        "team_name": _dict(meta.get("team")).get("name"),
        "priority": raw.get("priority"),
        "inbox_id": raw.get("inbox_id"),
        "custom_attributes": raw.get("custom_attributes"),
        "rating_comment": rating[2] if rating else None,
    }
    return {
        "id": str(raw["id"]),
        "source": mapping.source,
        "channel": mapping.channel or _channel(str(meta.get("channel") or "")),
        "subject": more.get("mail_subject"),
        "opened_at": opened,
        "closed_at": _closed(raw, opened) if status == "resolved" else None,
        "reopened_at": reopened[-1] if reopened else None,
        "status": status,
        "resolved": status == "resolved" if status else None,
        "customer": str(who) if who is not None else None,
        "customer_names": [str(contact["name"])] if contact.get("name") else [],
        "assignee": assignee.get("name") or assignee.get("available_name"),
        "csat": rating[1] if rating else None,
        "tags": [str(label) for label in raw.get("labels") or []],
        "messages": [shaped for message in messages if (shaped := _message(message, mapping))],
        "signals": signals[-1000:],
        **{name: value for name, value in kept.items() if value not in (None, "", {}, [])},
    }


def _channel(kind: str) -> str:
    word = kind.rpartition("::")[2].lower()
    return "email" if word == "email" else "voice" if word == "voice" else "chat"


def _closed(raw: dict[str, Any], opened: datetime | None) -> datetime | None:
    at = plain.moment(raw.get("last_activity_at") or raw.get("timestamp"))
    return at if at and (opened is None or at >= opened) else None


def _when(message: dict[str, Any]) -> tuple[str, int]:
    at, number = plain.moment(message.get("created_at")), message.get("id")
    return at.isoformat() if at else "", number if isinstance(number, int) else 0


def _kind(message: dict[str, Any]) -> str:
    kind = message.get("message_type")
    return KINDS.get(kind, "") if isinstance(kind, int) else str(kind or "")


def _message(message: dict[str, Any], mapping: Mapping) -> dict[str, Any] | None:
    kind, attributes, sender = _kind(message), _dict(message.get("content_attributes")), _dict(message.get("sender"))
    if kind not in KINDS.values():
        raise ValueError(f"message_type {message.get('message_type')}")
    files = _dicts(message.get("attachments"))
    text = _text(message, attributes)
    if not text and not files and not attributes.get("deleted"):
        return None
    role = _role(kind, message, sender, attributes, mapping)
    names = [str(one.get("data_url") or one.get("file_type") or "file").partition("?")[0].rpartition("/")[2] for one in files]
    shaped = {
        "id": str(message["id"]) if message.get("id") is not None else None,
        "role": role,
        "text": text,
        "at": plain.moment(message.get("created_at")),
        "author": None if role == "customer" else sender.get("name") or sender.get("available_name"),
        "private": message.get("private") is True or kind == "activity",  # what happened is shown to reps only
    }
    extra = {"attachments": names, "deleted": attributes.get("deleted"), "content_type": message.get("content_type")}
    return shaped | {name: value for name, value in extra.items() if value and value != "text"}


def _text(message: dict[str, Any], attributes: dict[str, Any]) -> str:
    """A mail without the mail that it answers, as Chatwoot cut it; else what is shown."""
    if attributes.get("deleted"):
        return ""
    reply = _dict(_dict(attributes.get("email")).get("text_content")).get("reply")
    return str(reply or message.get("content") or "").strip()


def _role(kind: str, message: dict[str, Any], sender: dict[str, Any], attributes: dict[str, Any], mapping: Mapping) -> str:
    """What nobody is named for was sent by a rule or by Chatwoot itself: no rep's work."""
    if kind in ("activity", "template"):
        return "system"
    types = {str(sender.get("type") or "").lower(), str(message.get("sender_type") or "").lower()}
    if types & set(MACHINES):
        return "assistant"
    for word in (sender.get("name"), sender.get("email"), sender.get("id") if kind == "outgoing" else None):
        if word is not None and str(word) in mapping.roles:
            return mapping.roles[str(word)]
    if kind == "incoming":
        return "customer"
    return "rep" if "user" in types and not attributes.get("automation_rule_id") else "system"


def _rating(messages: list[dict[str, Any]]) -> tuple[dict[str, Any], int, str] | None:
    """The last answer to Chatwoot's survey."""
    for message in reversed(messages):
        submitted = _dict(_dict(message.get("content_attributes")).get("submitted_values"))
        answer = _dict(submitted.get("csat_survey_response"))
        if answer.get("rating") in (1, 2, 3, 4, 5):
            return message, answer["rating"], str(answer.get("feedback_message") or "")
    return None


def _signals(messages: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What people did, as far as Chatwoot wrote it down. A first assignment is no re-assignment."""
    assigned, rating = "", _rating(messages)
    for message in messages:
        at, said = plain.moment(message.get("created_at")), str(message.get("content") or "").strip()
        key = str(message["id"]) if message.get("id") is not None else None
        if at and rating and message is rating[0]:
            yield {"kind": "rated", "at": at, "value": str(rating[1]), "id": key}
        if not at or _kind(message) != "activity":
            continue
        if REOPENED.match(said):
            yield {"kind": "reopened", "at": at, "value": "", "id": key}
        elif to := ASSIGNED.match(said):
            name = to[1] or to[2]
            if assigned and assigned != name:
                yield {"kind": "reassigned", "at": at, "value": name, "id": key}
            assigned = name
        elif changed := LABELLED.match(said):
            for number, label in enumerate(changed[3].split(", ")):
                value = label if changed[2] == "added" else f"-{label}"
                yield {"kind": "tag_changed", "at": at, "value": value[:500], "id": f"{key}.{number}" if key and number else key}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


# Files


def looks_like(path: Path, head: bytes) -> bool:
    said, listed = (b'"message_type"', b'"inbox_id"'), (b'"last_non_activity_message"',)
    return pieces.speaks(path, head, said, (b'"message_type"', b'"content_attributes"'), listed)


def check(path: Path, mapping: Mapping) -> None:
    """A list of conversations is known by what only it has, and by nobody having said two things in it."""
    pieces.check(path, "Chatwoot conversations", SECTIONS, lambda _, piece: bool(_conversation(piece) or "message_type" in piece))
    listed = False
    for piece in _pieces(path):
        if isinstance(piece, dict):
            if "message_type" in piece or len(_dicts(piece.get("messages"))) > 1:
                return
            listed = listed or "last_non_activity_message" in piece
    if listed:
        raise Refused(ONLY_LAST)


def guess(path: Path) -> Mapping:
    return Mapping(source=NAME)


def read(path: Path, mapping: Mapping) -> Iterator[Row]:
    """Each conversation with its messages, wherever they stand."""
    number, apart = 0, any(isinstance(piece, dict) and "message_type" in piece for piece in _pieces(path))
    if not apart:
        for number, piece in enumerate(_pieces(path), start=1):
            yield number, piece if isinstance(piece, str) else conversation_of(piece, _dicts(piece.get("messages")), mapping)
        return
    with spool.opened() as kept:
        for said in (False, True):  # conversations first: they give the order
            for piece in _pieces(path):
                if isinstance(piece, str) and not said:
                    number += 1
                    kept.put(f"piece {number}", number, json.dumps(piece))
                elif isinstance(piece, dict) and ("message_type" in piece) is said:
                    number += 1
                    kept.put(str(piece.get("conversation_id") if said else piece.get("id")), number, json.dumps(piece))
        for key, rows in kept.groups():
            if isinstance(rows, spool.Fault):
                yield rows.number, f"conversation {key}: {rows.why}"
            else:
                yield rows[0][0], _of_rows(key, [json.loads(row) for _, row in rows], mapping)


def _of_rows(key: str, rows: list[Any], mapping: Mapping) -> CanonicalConversation | str:
    first = rows[0]
    if isinstance(first, str):
        return first
    if "message_type" in first:
        return f"conversation {key}: its messages are here, and it is not"
    messages = [row for row in rows if "message_type" in row]
    return conversation_of(first, messages or _dicts(first.get("messages")), mapping)


def _conversation(piece: dict[str, Any]) -> bool:
    return "messages" in piece and ("inbox_id" in piece or "meta" in piece)


def _pieces(path: Path) -> Iterator[dict[str, Any] | str]:
    for file in pieces.files_of(path):
        for _, piece in pieces.pieces(file, SECTIONS):
            if isinstance(piece, str):
                yield f"{file.name}: {piece}" if path.is_dir() else piece
            else:
                yield piece
