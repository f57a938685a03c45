"""Tells Zendesk. What is said to a ticket carries our key in its audit, where only programs see it."""

from typing import Any

from automations.desks.face import Mark, There, as_html, dict_of, dicts, named, number
from automations.desks.line import Line
from data.intake.connectors import zendesk
from data.intake.connectors.asking import TooMuch

NAME, opens = zendesk.NAME, zendesk.opened
KEY = "portal_key"
PAGES = 60  # of a list, each of 100
REPLIES_AS_MAIL = "Zendesk sends replies by mail, and has not verified the requester's address"


def there(line: Line, key: str) -> There:
    told = line.get(f"/api/v2/tickets/{number(key, NAME)}.json", {"include": "users"})
    ticket = dict_of(dict_of(told).get("ticket"))
    if not ticket.get("id"):
        raise line.unusable("the ticket")
    who = ticket.get("requester_id")
    requester = next((one for one in dicts(told.get("users")) if one.get("id") == who), {})
    copies = ticket["email_cc_ids"] if "email_cc_ids" in ticket else ticket.get("collaborator_ids")
    proven = requester.get("verified") is True and not requester.get("suspended")
    return There(
        key, tuple(str(one) for one in (requester.get("email"), who) if one is not None),
        others=len({one for one in copies or [] if one != who}), unproven="" if proven else REPLIES_AS_MAIL,
    )  # fmt: skip


def tag(line: Line, made: There, name: str) -> str:
    """Zendesk parts tags at blanks and writes them small: 'Late parcel' is late_parcel there."""
    line.send("PUT", f"/api/v2/tickets/{made.id}/tags.json", {"tags": ["_".join(name.lower().split())]}, again=True)
    return made.id


def give_to_team(line: Line, made: There, team: str) -> str:
    groups = [one for one in _all(line, "/api/v2/groups.json", "groups") if not one.get("deleted")]
    return _changed(line, made, {"group_id": named(groups, team, line=line, what="group")}, again=True)


def give_to_person(line: Line, made: There, person: str) -> str:
    agents = _all(line, "/api/v2/users.json", "users", {"role[]": ["agent", "admin"]})
    return _changed(line, made, {"assignee_id": named(agents, person, line=line, what="agent")}, again=True)


def note(line: Line, made: There, text: str, mark: Mark) -> str:
    return _said(line, made, text, mark, public=False)


def reply(line: Line, made: There, text: str, mark: Mark) -> str:
    return _said(line, made, text, mark, public=True)


def find(line: Line, made: There, text: str, mark: Mark, *, public: bool) -> str:
    for audit in _all(line, f"/api/v2/tickets/{made.id}/audits.json", "audits"):
        if dict_of(dict_of(audit.get("metadata")).get("custom")).get(KEY) == mark.key:
            return _comment_of(audit) or made.id
    return ""


def _said(line: Line, made: There, text: str, mark: Mark, *, public: bool) -> str:
    comment = {"html_body": as_html(text), "public": public}
    return _changed(line, made, {"comment": comment, "metadata": {KEY: mark.key}}, again=False)


def _changed(line: Line, made: There, values: dict[str, Any], *, again: bool) -> str:
    told = line.send("PUT", f"/api/v2/tickets/{made.id}.json", {"ticket": values}, again=again)
    return _comment_of(dict_of(dict_of(told).get("audit"))) or made.id


def _comment_of(audit: dict[str, Any]) -> str:
    """A comment goes by one number in its audit and in the list of comments that Intake reads."""
    return next((str(one["id"]) for one in dicts(audit.get("events")) if one.get("type") == "Comment" and one.get("id")), "")


def _all(line: Line, path: str, name: str, asked: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    params: dict[str, Any] = {"page[size]": 100} | (asked or {})
    for _ in range(PAGES):
        told = dict_of(line.get(path, params))
        if not isinstance(told.get(name), list):
            raise line.unusable(f"the list of {name}")
        found += dicts(told[name])
        meta = dict_of(told.get("meta"))
        if not meta.get("has_more") or not meta.get("after_cursor"):
            return found
        params |= {"page[after]": meta["after_cursor"]}
    raise TooMuch(f"{NAME} has more than {100 * PAGES:,} {name}.")
