"""Pulls conversations from Intercom: which ones changed by its search, each one whole by itself."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from data.errors import Refused
from data.intake.canonical import CanonicalConversation
from data.intake.connectors import asking
from data.intake.connectors.asking import Account, Desk, Page
from data.intake.readers import intercom as conversations
from data.intake.reading import Mapping

NAME = "Intercom"
URL, ACCOUNT, SECRET = "https://api.intercom.io", "", "Settings → Integrations → Developer Hub → your app → Authentication"
VERSION = "2.14"
LISTED = 50  # conversations a search
OVERLAP = 120  # seconds that each pull goes back: a search may come to know of a change late


def check(account: Account, *, wait: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.time) -> str:
    with opened(account, wait, clock, tries=1) as desk:
        me = desk.get("/me")
        workspace = (me.get("app") or {}).get("name") if isinstance(me.get("app"), dict) else None
        if not me.get("id"):
            raise Refused("Not connected: this address does not answer as Intercom does. Check it.")
        return f"Connected to {workspace or asking.host_of(desk.url)}, as {me.get('name') or me.get('email')}."


def pages(
    account: Account,
    position: dict[str, Any],
    *,
    since: datetime,
    wait: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> Iterator[Page]:
    """Oldest change first. Each search begins in the second in which the last one ended, so that what moves meanwhile is not passed by."""
    mapping = Mapping(source=account.source)
    begin = int(since.timestamp())
    position = position or {"at": begin}
    floor, further, more = max(begin, position["at"] - OVERLAP), None, True
    with opened(account, wait, clock) as desk:
        while more:
            found, onward = _search(desk, floor, further)
            more = onward is not None
            latest = max((stamp for _, stamp, _ in found), default=floor)
            if more and latest <= floor and onward == further:
                raise asking.Failing("Intercom does not say where its list goes on.", 60.0)
            floor, further = (latest, None) if latest > floor else (floor, onward)
            at = max(position["at"], latest)
            keep = partial(_recent, at - OVERLAP)
            for page in asking.in_pages(found, lambda item: _whole(desk, item, mapping), position, {"at": at}, more=more, keep=keep):
                yield page
                position = page.position


def opened(
    account: Account, wait: Callable[[float], None], clock: Callable[[], float], tries: int = asking.TRIES
) -> AbstractContextManager[Desk]:
    headers = {"Authorization": f"Bearer {account.secret}", "Intercom-Version": VERSION}
    return asking.desk(NAME, account, headers, wait=wait, clock=clock, tries=tries)


def _whole(desk: Desk, item: dict[str, Any], mapping: Mapping) -> CanonicalConversation | str:
    return conversations.conversation_of(desk.get(f"/conversations/{quote(str(item['id']), safe='')}"), mapping)


def _recent(floor: int, _key: str, stamp: int) -> bool:
    return stamp >= floor


def _search(desk: Desk, floor: int, further: str | None) -> tuple[list[asking.Listed], str | None]:
    """What changed in this second or later, and where the list goes on if it is longer."""
    told = desk.post(
        "/conversations/search",
        {
            "query": {"operator": "AND", "value": [{"field": "updated_at", "operator": ">", "value": floor - 1}]},
            "sort": {"field": "updated_at", "order": "ascending"},
            "pagination": {"per_page": LISTED} | ({"starting_after": further} if further else {}),
        },
    )
    found = told.get("conversations")
    if not isinstance(found, list):
        raise Refused("Nothing was fetched: this address does not answer as Intercom's search does. Check it.")
    onward = ((told.get("pages") or {}).get("next") or {}).get("starting_after")
    listed = [
        (str(one["id"]), one["updated_at"], one)
        for one in found
        if isinstance(one, dict) and one.get("id") is not None and isinstance(one.get("updated_at"), int)
    ]
    return listed, str(onward) if onward and found else None
