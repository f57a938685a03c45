"""Pulls conversations from Chatwoot: which ones had activity by its list, newest first; each one's messages by themselves."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import Any

from data.errors import Refused
from data.intake.canonical import CanonicalConversation
from data.intake.connectors import asking
from data.intake.connectors.asking import Account, Desk, Page
from data.intake.readers import chatwoot as conversations
from data.intake.reading import Mapping

NAME = "Chatwoot"
URL, ACCOUNT, SECRET = "https://app.chatwoot.com", "The account's number, as in /app/accounts/3", "Profile settings → Access token"
OVERLAP = 120  # seconds that each pull goes back
FEWEST = 20  # messages that every version of Chatwoot gives at once: fewer are the last ones
QUESTIONS = 500  # for one conversation's messages


def check(account: Account, *, wait: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.time) -> str:
    with opened(account, wait, clock, tries=1) as desk:
        me = desk.get("/api/v1/profile")
        accounts = [one for one in me.get("accounts") or [] if isinstance(one, dict)]
        found = next((one for one in accounts if str(one.get("id")) == _number(account)), None)
        if not found:
            known = ", ".join(str(one.get("id")) for one in accounts) or "none"
            raise Refused(f"Not connected: this key's owner is not in account {_number(account)}, but in: {known}. Enter one of these.")
        return f"Connected to {found.get('name') or asking.host_of(desk.url)}, as {me.get('name')}."


def pages(
    account: Account,
    position: dict[str, Any],
    *,
    since: datetime,
    wait: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> Iterator[Page]:
    """From the newest activity back to where the last pull began. What moves meanwhile moves to the front: the next pull meets it.

    The list knows page numbers only. What is new pushes others to later pages, where they are merely met twice; what is deleted
    pulls them to earlier ones, so when fewer are counted than before, the pull steps back as far.
    """
    mapping = Mapping(source=account.source)
    begin = int(since.timestamp())
    position = position or {"until": begin}
    more = True
    with opened(account, wait, clock) as desk:
        while more:
            number = position.get("page", 1)
            listed, count = _list(desk, account, number)
            missing = position.get("count", count) - count if number > 1 else 0
            if missing > 0:
                number = max(1, number - -(-missing // position["long"]))
                listed, count = _list(desk, account, number)
            floor = max(begin, position["until"] - OVERLAP)
            recent = [one for one in listed if one[1][0] >= floor]
            more = bool(recent)
            top = max([position.get("top", position["until"]), *(one[1][0] for one in listed)] if number == 1 else [position["top"]])
            here = {one[0] for one in listed}
            walk = {"until": position["until"], "top": top, "page": number + 1, "count": count, "long": max(len(listed), 1)}

            keep = partial(_met_again, top - OVERLAP, (floor, position["until"]) if more else (0, -1), here if more else set())
            after = walk if more else {"until": top}
            for page in asking.in_pages(recent, lambda item: _whole(desk, account, item, mapping), position, after, more=more, keep=keep):
                yield page
                position = page.position


def _met_again(top: int, last_pull: tuple[int, int], here: set[str], key: str, stamp: list[int]) -> bool:
    """By the next pull, at the end of this one, or on the next page."""
    return stamp[0] >= top or last_pull[0] <= stamp[0] <= last_pull[1] or key in here


def opened(
    account: Account, wait: Callable[[float], None], clock: Callable[[], float], tries: int = asking.TRIES
) -> AbstractContextManager[Desk]:
    _number(account)
    return asking.desk(NAME, account, {"api_access_token": account.secret}, wait=wait, clock=clock, tries=tries)


def _number(account: Account) -> str:
    if not account.account.strip().isdecimal():
        raise Refused("Chatwoot was not asked: the account must be its number, as in the address /app/accounts/3.")
    return account.account.strip()


def _list(desk: Desk, account: Account, page: int) -> tuple[list[asking.Listed], int]:
    told = desk.get(
        f"/api/v1/accounts/{_number(account)}/conversations",
        {"status": "all", "assignee_type": "all", "sort_by": "last_activity_at_desc", "page": page},
    ).get("data")
    if not isinstance(told, dict) or not isinstance(told.get("payload"), list):
        raise Refused("Nothing was fetched: this address does not answer as Chatwoot does. Check it.")
    count = (told.get("meta") or {}).get("all_count")
    listed = [
        (str(one["id"]), [_activity(one), one.get("updated_at")], one)
        for one in told["payload"]
        if isinstance(one, dict) and isinstance(one.get("id"), int)
    ]
    return listed, count if isinstance(count, int) else 0


def _activity(one: dict[str, Any]) -> int:
    at = one.get("last_activity_at") or one.get("timestamp") or one.get("created_at")
    return int(at) if isinstance(at, int | float) else 0


def _whole(desk: Desk, account: Account, item: dict[str, Any], mapping: Mapping) -> CanonicalConversation | str:
    """The conversation as listed, with all its messages, oldest first."""
    path = f"/api/v1/accounts/{_number(account)}/conversations/{item['id']}/messages"
    found: dict[int, dict[str, Any]] = {}
    behind = 0
    for _ in range(QUESTIONS):
        payload = desk.get(path, {"after": behind}).get("payload") or []
        fresh = {one["id"]: one for one in payload if isinstance(one, dict) and isinstance(one.get("id"), int) and one["id"] not in found}
        found |= fresh
        if not fresh or len(payload) < FEWEST:
            return conversations.conversation_of(item, list(found.values()), mapping)
        behind = max(found)
    raise asking.TooMuch("it has too many messages")
