"""Tells Chatwoot. It keeps no key of ours: a note shows it, a reply is known again by its words and its hour."""

from typing import Any

from automations.desks.face import SLACK, Mark, There, as_markdown, dict_of, dicts, flat, named, number, signed
from automations.desks.line import Line
from data.intake.connectors import chatwoot

NAME, opens = chatwoot.NAME, chatwoot.opened
OUTGOING = (1, "outgoing")
PAGES = 50  # of a conversation's messages, the newest first
UNPROVEN = "it is a conversation by mail, and Chatwoot does not say whether the sender is who they say"


def there(line: Line, key: str) -> There:
    told = dict_of(line.get(_path(line, key)))
    if not told.get("id"):
        raise line.unusable("the conversation")
    meta = dict_of(told.get("meta"))
    sender = dict_of(meta.get("sender"))
    by_mail = str(meta.get("channel") or "").lower().endswith("email")
    names = tuple(str(one) for one in (sender.get("email"), sender.get("id")) if one)
    return There(key, names, unproven=UNPROVEN if by_mail else "")


def tag(line: Line, made: There, name: str) -> str:
    """Chatwoot takes the whole list: what it has is asked for first."""
    path = f"{_path(line, made.id)}/labels"
    known = dict_of(line.get(path)).get("payload")
    if not isinstance(known, list):
        raise line.unusable("the list of labels")
    label = "_".join(name.lower().split())
    if label not in known:
        line.send("POST", path, {"labels": [*known, label]}, again=True)
    return made.id


def give_to_team(line: Line, made: There, team: str) -> str:
    return _given(line, made, {"team_id": named(_listed(line, "teams"), team, line=line, what="team")})


def give_to_person(line: Line, made: There, person: str) -> str:
    return _given(line, made, {"assignee_id": named(_listed(line, "agents"), person, line=line, what="agent")})


def note(line: Line, made: There, text: str, mark: Mark) -> str:
    return _said(line, made, signed(text, mark), private=True)


def reply(line: Line, made: There, text: str, mark: Mark) -> str:
    return _said(line, made, text, private=False)


def find(line: Line, made: There, text: str, mark: Mark, *, public: bool) -> str:
    since, before = mark.since.timestamp() - SLACK, None
    for _ in range(PAGES):
        told = dict_of(line.get(f"{_path(line, made.id)}/messages", {"before": before} if before else None)).get("payload")
        page = [one for one in dicts(told) if isinstance(one.get("id"), int)]
        recent = [one for one in page if isinstance(one.get("created_at"), int | float) and one["created_at"] >= since]
        for one in recent:
            if one.get("message_type") in OUTGOING and _is_it(one, text, mark, public=public):
                return str(one["id"])
        if not recent:
            break
        before = min(one["id"] for one in page)
    return ""


def _is_it(one: dict[str, Any], text: str, mark: Mark, *, public: bool) -> bool:
    said = str(one.get("content") or "")
    if bool(one.get("private")) is public:
        return False
    return flat(said) == flat(as_markdown(text)) if public else mark.key in said


def _path(line: Line, key: str) -> str:
    return f"/api/v1/accounts/{number(line.account.account.strip(), NAME)}/conversations/{number(key, NAME)}"


def _listed(line: Line, name: str) -> list[dict[str, Any]]:
    told = line.get(f"/api/v1/accounts/{number(line.account.account.strip(), NAME)}/{name}")
    if not isinstance(told, list):
        raise line.unusable(f"the list of {name}")
    return dicts(told)


def _given(line: Line, made: There, to: dict[str, Any]) -> str:
    line.send("POST", f"{_path(line, made.id)}/assignments", to, again=True)
    return made.id


def _said(line: Line, made: There, text: str, *, private: bool) -> str:
    body = {"content": as_markdown(text), "message_type": "outgoing", "private": private}
    told = dict_of(line.send("POST", f"{_path(line, made.id)}/messages", body))
    return str(told.get("id") or made.id)
