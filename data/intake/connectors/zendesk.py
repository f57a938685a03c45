"""Pulls tickets from Zendesk: what changed by its incremental export, each ticket's comments and audits one by one."""

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from data.errors import Refused
from data.intake.canonical import CanonicalConversation
from data.intake.connectors import asking
from data.intake.connectors.asking import Account, Desk, Page
from data.intake.readers import zendesk as tickets
from data.intake.reading import Mapping

NAME = "Zendesk"
URL, ACCOUNT, SECRET = (
    "https://yourcompany.zendesk.com",
    "E-mail address of an administrator; empty for an OAuth token",
    "Admin Center → Apps and integrations → Zendesk API",
)
LISTED = 100  # tickets a question
PER_MINUTE = 10  # what Zendesk allows of its incremental export
PAGES = 60  # of one ticket's comments: Zendesk allows 5,000 comments
BEHIND = 120  # seconds: Zendesk refuses a start within the last minute


def check(account: Account, *, wait: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.time) -> str:
    with opened(account, wait, clock, tries=1) as desk:
        user = desk.get("/api/v2/users/me.json").get("user")
        if not isinstance(user, dict) or not user.get("id"):  # Zendesk answers a stranger with an anonymous user
            raise Refused("Not connected: Zendesk does not know this e-mail address and key. Check both.")
        if user.get("role") != "admin":
            raise Refused(f"Not connected: {user.get('name')} is {user.get('role')} in Zendesk. Its export needs an administrator's key.")
        return f"Connected to {asking.host_of(desk.url)}, as {user.get('name')}."


def pages(
    account: Account,
    position: dict[str, Any],
    *,
    since: datetime,
    wait: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> Iterator[Page]:
    mapping, known = Mapping(source=account.source), tickets.Known()
    with opened(account, wait, clock) as desk:
        known.note(desk.get("/api/v2/ticket_fields.json"))
        more = True
        while more:
            asked = (
                {"cursor": position["cursor"]} if position.get("cursor") else {"start_time": int(min(since.timestamp(), clock() - BEHIND))}
            )
            told = desk.get(
                "/api/v2/incremental/tickets/cursor.json",
                asked | {"per_page": LISTED, "include": "users,groups,metric_sets"},
                per_minute=PER_MINUTE,
            )
            known.note(told)
            listed, onward, more = _listed(told), told.get("after_cursor"), not told.get("end_of_stream", True)
            if more and (not onward or onward == position.get("cursor")):
                raise asking.Failing("Zendesk does not say where its export goes on.", 60.0)
            after = {"cursor": onward or position.get("cursor")} if onward or position.get("cursor") else {}
            for page in asking.in_pages(
                listed, lambda ticket: _whole(desk, ticket, known, mapping), position, after, more=more, noun="ticket"
            ):
                yield page
                position = page.position


def opened(
    account: Account, wait: Callable[[float], None], clock: Callable[[], float], tries: int = asking.TRIES
) -> AbstractContextManager[Desk]:
    if account.account:
        pair = base64.b64encode(f"{account.account}/token:{account.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
    else:
        headers = {"Authorization": f"Bearer {account.secret}"}
    return asking.desk(NAME, account, headers, wait=wait, clock=clock, tries=tries)


def _listed(told: dict[str, Any]) -> list[asking.Listed]:
    found = told.get("tickets")
    if not isinstance(found, list):
        raise Refused("Nothing was fetched: this address does not answer as Zendesk's export does. Check it.")
    metrics = {one.get("ticket_id"): one for one in told.get("metric_sets") or [] if isinstance(one, dict)}
    listed = [ticket for ticket in found if isinstance(ticket, dict) and isinstance(ticket.get("id"), int)]
    return [
        (
            str(ticket["id"]),
            ticket.get("updated_at"),
            ticket if ticket["id"] not in metrics else ticket | {"metric_set": metrics[ticket["id"]]},
        )
        for ticket in listed
        if ticket.get("status") != "deleted"
    ]


def _whole(desk: Desk, ticket: dict[str, Any], listed: tickets.Known, mapping: Mapping) -> CanonicalConversation | str | None:
    """Names come from this ticket's own answers only: told of it twice, it is the same both times."""
    named = [ticket.get(name) for name in ("requester_id", "assignee_id", "submitter_id")]
    known = tickets.Known({one: listed.user(one) for one in named if one in listed.users}, listed.fields, listed.groups)
    comments = _all(desk, f"/api/v2/tickets/{ticket['id']}/comments.json", "comments", known)
    audits = _all(desk, f"/api/v2/tickets/{ticket['id']}/audits.json", "audits", known)
    return tickets.conversation_of(ticket, comments, audits, known, mapping)


def _all(desk: Desk, path: str, name: str, known: tickets.Known) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"page[size]": 100, "include": "users"}
    for _ in range(PAGES):
        told = desk.get(path, asked)
        known.note(told)
        found += [one for one in told.get(name) or [] if isinstance(one, dict)]
        meta = told.get("meta") or {}
        if not meta.get("has_more") or not meta.get("after_cursor"):
            return found
        asked = asked | {"page[after]": meta["after_cursor"]}
    raise asking.TooMuch(f"it has more than {100 * PAGES:,} {name}")
