"""Tells Intercom. It has no place for a key of ours: a note shows it, a reply is known again by its words and its hour."""

from datetime import datetime
from typing import Any

from automations.desks.face import SLACK, Mark, There, as_html, dict_of, dicts, flat, named, number, signed
from automations.desks.line import Line
from data.intake import plain
from data.intake.connectors import intercom

NAME, opens = intercom.NAME, intercom.opened
CUSTOMERS = ("user", "lead", "contact")
OURS = ("admin", "bot", "team")
UNPROVEN = "it is a conversation by mail, and Intercom does not say whether the sender is who they say"


def there(line: Line, key: str) -> There:
    told = _asked(line, key)
    authors = [dict_of(one.get("author")) for one in (dict_of(told.get("source")), *_parts(told))]
    customers = [one for one in authors if one.get("type") in CUSTOMERS]
    contacts = dicts(dict_of(told.get("contacts")).get("contacts"))
    known = [one.get("email") for one in customers] + [one.get("id") for one in (*contacts, *customers)]
    who = {one["id"] for one in contacts if one.get("id")}
    by_mail = dict_of(told.get("source")).get("type") == "email"
    names = tuple(dict.fromkeys(str(one) for one in known if one))
    return There(key, names, others=max(0, len(who) - 1), unproven=UNPROVEN if by_mail else "")


def tag(line: Line, made: There, name: str) -> str:
    """Intercom knows a tag by its name: one that it has is not made again."""
    made_tag = dict_of(line.send("POST", "/tags", {"name": name}, again=True))
    if not made_tag.get("id"):
        raise line.unusable("the tag")
    line.send("POST", f"/conversations/{made.id}/tags", {"id": str(made_tag["id"]), "admin_id": _me(line)}, again=True)
    return made.id


def give_to_team(line: Line, made: There, team: str) -> str:
    return _given(line, made, "team", named(_listed(line, "/teams", "teams"), team, line=line, what="team"))


def give_to_person(line: Line, made: There, person: str) -> str:
    return _given(line, made, "admin", named(_listed(line, "/admins", "admins"), person, line=line, what="teammate"))


def note(line: Line, made: There, text: str, mark: Mark) -> str:
    return _said(line, made, signed(text, mark), "note")


def reply(line: Line, made: There, text: str, mark: Mark) -> str:
    return _said(line, made, text, "comment")


def find(line: Line, made: There, text: str, mark: Mark, *, public: bool) -> str:
    for part in reversed(_parts(_asked(line, made.id))):
        said, ours = plain.of_html(str(part.get("body") or "")), dict_of(part.get("author")).get("type") in OURS
        if public and ours and part.get("part_type") == "comment" and flat(said) == flat(text) and _later(part, mark.since):
            return str(part.get("id") or made.id)
        if not public and part.get("part_type") == "note" and mark.key in said:
            return str(part.get("id") or made.id)
    return ""


def _later(part: dict[str, Any], since: datetime) -> bool:
    at = part.get("created_at")
    return isinstance(at, int | float) and at >= since.timestamp() - SLACK


def _asked(line: Line, key: str) -> dict[str, Any]:
    told = dict_of(line.get(f"/conversations/{number(key, NAME)}"))
    if not told.get("id") or "conversation_parts" not in told:
        raise line.unusable("the conversation")
    return told


def _parts(told: dict[str, Any]) -> list[dict[str, Any]]:
    return dicts(dict_of(told.get("conversation_parts")).get("conversation_parts"))


def _me(line: Line) -> str:
    me = dict_of(line.get("/me"))
    if not me.get("id"):
        raise line.unusable("whose key it is")
    return str(me["id"])


def _listed(line: Line, path: str, name: str) -> list[dict[str, Any]]:
    told = dict_of(line.get(path))
    if not isinstance(told.get(name), list):
        raise line.unusable(f"the list of {name}")
    return dicts(told[name])


def _given(line: Line, made: There, kind: str, to: Any) -> str:
    body = {"message_type": "assignment", "type": kind, "admin_id": _me(line), "assignee_id": str(to)}
    line.send("POST", f"/conversations/{made.id}/parts", body, again=True)
    return made.id


def _said(line: Line, made: There, text: str, kind: str) -> str:
    """Intercom answers with the whole conversation: what was said last is ours."""
    body = {"message_type": kind, "type": "admin", "admin_id": _me(line), "body": as_html(text)}
    parts = _parts(dict_of(line.send("POST", f"/conversations/{made.id}/reply", body)))
    return str(parts[-1].get("id") or made.id) if parts else made.id
