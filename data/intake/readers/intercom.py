"""Intercom conversations (API 2.14): the first message stands in `source`, the others in parts; times are Unix seconds, texts HTML."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from data.intake import pieces, plain
from data.intake.canonical import CanonicalConversation
from data.intake.reading import Mapping, Row, made

NAME, WORDS, UNIT, ENDINGS = "intercom", "Intercom conversations (JSON)", "conversation", (".json", ".jsonl", ".ndjson")
SECTIONS = ("conversations", "data")

CUSTOMERS = ("user", "lead", "contact", "visitor")
SAID = (
    "comment",
    "quick_reply",
    "assignment",
    "assign_and_reopen",
    "open",
    "close",
    "snoozed",
    "unsnoozed",
    "source",
)  # theirs, if they hold words
NOTES = ("note", "note_and_reopen")
REOPENS = ("open", "assign_and_reopen", "note_and_reopen", "participant_added_and_reopen")


def conversation_of(raw: dict[str, Any], mapping: Mapping) -> CanonicalConversation | str:
    """The conversation, or what is wrong with it."""
    if raw.get("id") is None:
        return "a conversation without an id"
    told = f"conversation {raw['id']}"
    if not isinstance(raw.get("conversation_parts"), dict):
        return f"{told}: its parts are missing, as in Intercom's lists. Export it with its parts, or connect Intercom"
    try:
        shaped = _raw(raw, mapping)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        return f"{told}: it is not built as Intercom builds conversations ({type(error).__name__})"
    if not shaped["messages"]:
        return f"{told}: nothing was said in it"
    found = made(shaped)
    return f"{told}: {found}" if isinstance(found, str) else found


def _raw(raw: dict[str, Any], mapping: Mapping) -> dict[str, Any]:
    source = _dict(raw.get("source"))
    parts = sorted(_dicts(raw["conversation_parts"].get("conversation_parts")), key=lambda part: part.get("created_at") or 0)
    opened = plain.moment(raw.get("created_at"))
    first = source | {"part_type": "source", "created_at": raw.get("created_at")}
    authors = [_dict(part.get("author")) for part in (first, *parts)]
    customers = [author for author in authors if author.get("type") in CUSTOMERS]
    names = {str(author.get("id")): str(author["name"]) for author in authors if author.get("name") and author.get("type") not in CUSTOMERS}
    assignee = raw.get("admin_assignee_id")
    rating = _dict(raw.get("conversation_rating"))
    reopened = [plain.moment(part.get("created_at")) for part in parts if part.get("part_type") in REOPENS]
    left_out = _count(raw["conversation_parts"].get("total_count")) - len(parts)
    return {
        "id": str(raw["id"]),
        "source": mapping.source,
        "channel": mapping.channel or _channel(str(source.get("type") or "")),
        "subject": plain.of_html(str(source.get("subject") or raw.get("title") or "")) or None,
        "opened_at": opened,
        "closed_at": _closed(raw, parts, opened) if raw.get("state") == "closed" else None,
        "reopened_at": reopened[-1] if reopened else None,
        "status": raw.get("state"),
        "resolved": raw.get("state") == "closed" if raw.get("state") else None,
        "customer": _customer(raw, customers),
        "customer_names": list(dict.fromkeys(str(author["name"]) for author in customers if author.get("name")))[:20],
        "assignee": names.get(str(assignee), str(assignee)) if assignee else None,
        "handle_seconds": _dict(raw.get("statistics")).get("handling_time"),
        "csat": rating.get("rating") if rating.get("rating") in (1, 2, 3, 4, 5) else None,
        "tags": [str(tag["name"]) for tag in _dicts(_dict(raw.get("tags")).get("tags")) if tag.get("name")],
        "messages": [message for part in (first, *parts) if (message := _message(part, mapping))],
        "signals": signals_of(raw, parts, names)[-1000:],
        **_kept(raw, source, rating, left_out),
    }


def _kept(raw: dict[str, Any], source: dict[str, Any], rating: dict[str, Any], left_out: int) -> dict[str, Any]:
    """What no column is for."""
    agent, ticket = _dict(raw.get("ai_agent")), _dict(raw.get("ticket"))
    kept = {
        "delivered_as": source.get("delivered_as"),
        "priority": raw.get("priority"),
        "custom_attributes": raw.get("custom_attributes"),
        "topics": [one.get("name") for one in _dicts(_dict(raw.get("topics")).get("topics"))],
        "team_assignee_id": raw.get("team_assignee_id"),
        "rating_remark": rating.get("remark"),
        "ai_agent_participated": raw.get("ai_agent_participated") or None,
        "ai_agent": {name: agent[name] for name in ("resolution_state", "last_answer_type", "rating", "rating_remark") if agent.get(name)},
        "ticket": {name: ticket[name] for name in ("id", "state", "custom_attributes") if ticket.get(name)},
        "parts_left_out": left_out if left_out > 0 else None,  # Intercom gives 500 of them
    }
    return {name: value for name, value in kept.items() if value not in (None, "", {}, [])}


def _channel(kind: str) -> str:
    return "email" if kind == "email" else "voice" if kind.startswith("phone") else "chat"


def _customer(raw: dict[str, Any], customers: list[dict[str, Any]]) -> str | None:
    address = next((author["email"] for author in customers if author.get("email")), None)
    contacts = _dicts(_dict(raw.get("contacts")).get("contacts"))
    known = address or next((one["id"] for one in (*contacts, *customers) if one.get("id")), None)
    return str(known) if known is not None else None


def _closed(raw: dict[str, Any], parts: list[dict[str, Any]], opened: datetime | None) -> datetime | None:
    closes = [part.get("created_at") for part in parts if part.get("part_type") == "close"]
    at = plain.moment(_dict(raw.get("statistics")).get("last_close_at") or (closes[-1] if closes else raw.get("updated_at")))
    return at if at and (opened is None or at >= opened) else None


def _message(part: dict[str, Any], mapping: Mapping) -> dict[str, Any] | None:
    """What somebody said; None for what only happened."""
    kind, author = str(part.get("part_type") or ""), _dict(part.get("author"))
    text = plain.of_html(str(part.get("body") or ""))
    names = [str(one["name"]) for one in _dicts(part.get("attachments")) if one.get("name")]
    if not text and not names and not part.get("redacted"):
        return None
    said = kind in SAID or kind in NOTES
    role = _role(author, mapping) if said else "system"
    message = {
        "id": str(part["id"]) if part.get("id") is not None else None,
        "role": role,
        "text": text,
        "at": plain.moment(part.get("created_at")),
        "author": None if role == "customer" else author.get("name") or (str(author["id"]) if author.get("id") else None),
        "private": kind in NOTES or not said,
    }
    return message | ({"attachments": names} if names else {}) | ({"redacted": True} if part.get("redacted") else {})


def _role(author: dict[str, Any], mapping: Mapping) -> str:
    """Fin answers under a teammate's name too: what it says of itself counts, not whose name stands there."""
    if author.get("from_ai_agent") or author.get("is_ai_answer"):
        return "assistant"
    for word in (author.get("name"), author.get("email"), author.get("id")):
        if word is not None and str(word) in mapping.roles:
            return mapping.roles[str(word)]
    kind, address = str(author.get("type") or ""), str(author.get("email") or "")
    if kind in CUSTOMERS:
        return "customer"
    if kind == "bot" or (address.startswith("operator+") and address.endswith("@intercom.io")):
        return "assistant"
    return mapping.role(kind) or ("rep" if kind == "team" else "system")


def signals_of(raw: dict[str, Any], parts: list[dict[str, Any]], names: dict[str, str]) -> list[dict[str, Any]]:
    """What people did with the conversation. Intercom tells nothing of macros and of Copilot's drafts."""
    found: list[tuple[Any, str, str, Any]] = []
    assigned = ""
    for part in parts:
        at, key, kind = part.get("created_at"), part.get("id"), str(part.get("part_type") or "")
        to, changed = _dict(part.get("assigned_to")), _dict(part.get("event_details"))
        if kind in REOPENS:
            found.append((at, "reopened", kind, key))
        if to.get("type") == "admin" and to.get("id"):
            if assigned and assigned != str(to["id"]):
                found.append((at, "reassigned", names.get(str(to["id"]), str(to["id"])), key))
            assigned = str(to["id"])
        value = _dict(changed.get("value")).get("name")
        if (
            kind == "conversation_attribute_updated_by_admin"
            and value
            and "intent" in str(_dict(changed.get("attribute")).get("name")).lower()
        ):
            found.append((at, "intent_changed", str(value), key))
    for tag in _dicts(_dict(raw.get("tags")).get("tags")):
        if _dict(tag.get("applied_by")).get("type") == "admin" and tag.get("name"):
            found.append((tag.get("applied_at"), "tag_changed", str(tag["name"]), f"tag {tag.get('id')}"))
    rating = _dict(raw.get("conversation_rating"))
    if rating.get("rating"):
        found.append((rating.get("created_at"), "rated", str(rating["rating"]), None))
    timed = [(plain.moment(at), kind, value, key) for at, kind, value, key in found]
    return [
        {"kind": kind, "at": at, "value": value[:500], "id": str(key) if key is not None else None}
        for at, kind, value, key in sorted((one for one in timed if one[0]), key=lambda one: (one[0], one[1]))
    ]


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


# Files


def looks_like(path: Path, head: bytes) -> bool:
    return pieces.speaks(path, head, (b'"conversation_parts"',), (b'"conversation.list"',), (b'"delivered_as"', b'"waiting_since"'))


def check(path: Path, mapping: Mapping) -> None:
    pieces.check(
        path, "Intercom conversations with their parts", SECTIONS, lambda _, piece: isinstance(_bare(piece).get("conversation_parts"), dict)
    )


def guess(path: Path) -> Mapping:
    return Mapping(source=NAME)


def read(path: Path, mapping: Mapping) -> Iterator[Row]:
    number = 0
    for file in pieces.files_of(path):
        for _, piece in pieces.pieces(file, SECTIONS):
            number += 1
            yield number, piece if isinstance(piece, str) else conversation_of(_bare(piece), mapping)


def _bare(piece: dict[str, Any]) -> dict[str, Any]:
    return piece["conversation"] if len(piece) == 1 and isinstance(piece.get("conversation"), dict) else piece
