"""The help desks of helpdesk.py, as far as the portal writes to them: what was said, who has it, which tags it has, and what goes wrong."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.helpdesk import MADE, START, Answer, Helpdesk, _json, running

MINE = 7  # whose key it is
CUSTOMER = "jo.doe@example.org"
GROUPS = [{"id": 51, "name": "Oak"}, {"id": 52, "name": "Twins"}, {"id": 53, "name": "twins "}]
AGENTS = [{"id": 61, "name": "Rita"}, {"id": 62, "name": "Leo"}]


@dataclass
class Said:
    """What the portal said there."""

    conversation: int
    id: int
    text: str
    public: bool
    key: str = ""  # of our own, where the help desk keeps one
    at: float = field(default_factory=time.time)


@dataclass
class Writable(Helpdesk):
    """Takes what it is told. `after` is asked once a write was taken: what it returns is answered instead."""

    said: list[Said] = field(default_factory=list)
    tags: dict[int, list[str]] = field(default_factory=dict)
    team: dict[int, int] = field(default_factory=dict)
    person: dict[int, int] = field(default_factory=dict)
    requester: dict[str, Any] = field(
        default_factory=lambda: {"id": 1, "name": "Jo Doe", "email": CUSTOMER, "role": "end-user", "verified": True}
    )
    copies: list[int] = field(default_factory=list)
    by_mail: bool = False
    instead: list[Answer] = field(default_factory=list)  # what the next writes get, which are not taken
    after: list[Any] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)

    def holds(self, key: int = 1) -> int:
        self.add(key, START + key)
        return key

    def notes(self) -> list[str]:
        return [one.text for one in self.said if not one.public]

    def replies(self) -> list[str]:
        return [one.text for one in self.said if one.public]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, allowed: bool) -> Answer:
        self._method = method
        changing = method == "PUT" or (method == "POST" and not path.endswith("/search"))
        if changing and self.instead:
            self.asked.append(f"{method} {path}")
            return self.instead.pop(0)
        told = super().answer(method, path, query, body, allowed)
        if changing and told[0] == 200:
            self.writes.append(f"{method} {path}")
            self.bodies.append(json.dumps(body))
            if self.after:
                instead = self.after.pop(0)
                return instead() if callable(instead) else instead
        return told

    def _say(self, key: int, text: str, public: bool, own: str = "") -> Said:
        self.said.append(Said(key, 900 + len(self.said), text, public, own))
        return self.said[-1]

    def comes_back(self, key: int, at: float) -> None:
        """What the portal said is among what was said, as its key's owner; and the customer goes on. Intercom's is there by itself."""
        author = {"zendesk": {"author_id": 2}, "chatwoot": {"message_type": 1, "sender": {"id": MINE, "type": "user", "name": "Ada"}}}
        for one in self.said if self.product in author else ():
            shown = {"public": one.public, "private": not one.public} | author[self.product]
            self.held[key]["said"].append(MADE[self.product](one.id, int(at), one.text) | shown)
        self.add(key, at, "And now?")

    # Zendesk

    def _zendesk(self, path: str, query: dict[str, str], body: Any) -> Answer:
        if path == "/api/v2/groups.json":
            return self._paged("groups", GROUPS, query)
        if path == "/api/v2/users.json":
            return self._paged("users", AGENTS, query)
        one = re.fullmatch(r"/api/v2/tickets/(\d+)(/tags|/audits|)\.json", path)
        if not one:
            return super()._zendesk(path, query, body)
        key = int(one[1])
        if key not in self.held or key in self.gone:
            return _json({"error": "RecordNotFound"}, 404)
        if one[2] == "/tags":
            self.tags[key] = [*self.tags.get(key, []), *(tag for tag in body["tags"] if tag not in self.tags.get(key, []))]
            return _json({"tags": self.tags[key]})
        if one[2] == "/audits" and "page[size]" in query and self.said:
            audits = [_audit(said) for said in self.said if said.conversation == key]
            return self._paged("audits", audits, query)
        if one[2] == "/audits":
            return super()._zendesk(path, query, body)
        return self._ticket(key) if self._method == "GET" else self._change(key, body["ticket"])

    def _ticket(self, key: int) -> Answer:
        ticket = {name: value for name, value in self.held[key].items() if name not in ("said", "audits", "changed")}
        ticket |= {"requester_id": self.requester["id"], "email_cc_ids": self.copies}
        return _json({"ticket": ticket, "users": [self.requester]})

    def _change(self, key: int, wanted: dict[str, Any]) -> Answer:
        self.team |= {key: wanted["group_id"]} if "group_id" in wanted else {}
        self.person |= {key: wanted["assignee_id"]} if "assignee_id" in wanted else {}
        audit: dict[str, Any] = {"id": 1, "events": [{"id": 2, "type": "Change"}]}
        if comment := wanted.get("comment"):
            audit = _audit(self._say(key, comment["html_body"], comment["public"], wanted["metadata"]["portal_key"]))
        return _json({"ticket": {"id": key}, "audit": audit})

    def _paged(self, name: str, rows: list[dict[str, Any]], query: dict[str, str]) -> Answer:
        begin = int(query.get("page[after]", 0))
        onward = begin + (self.page or int(query["page[size]"]))
        return _json({name: rows[begin:onward], "meta": {"has_more": onward < len(rows), "after_cursor": str(onward)}})

    # Intercom

    def _intercom(self, path: str, query: dict[str, str], body: Any) -> Answer:
        if path == "/tags":
            return _json({"type": "tag", "id": str(100 + len(body["name"])), "name": body["name"]})
        if path == "/teams":
            return _json({"type": "team.list", "teams": [one | {"id": str(one["id"])} for one in GROUPS]})
        if path == "/admins":
            return _json({"type": "admin.list", "admins": [one | {"id": str(one["id"])} for one in AGENTS]})
        one = re.fullmatch(r"/conversations/(\d+)(/tags|/parts|/reply|)", path)
        if not one or not one[1]:
            return super()._intercom(path, query, body)
        key = int(one[1])
        if key not in self.held or key in self.gone:
            return _json({"type": "error.list"}, 404)
        if one[2] == "":
            return _json(self._thread(key))
        if body["admin_id"] != str(MINE):
            return _json({"type": "error.list"}, 400)
        if one[2] == "/tags":
            if body["id"] not in self.tags.setdefault(key, []):
                self.tags[key].append(body["id"])
        elif one[2] == "/parts":
            assert body["message_type"] == "assignment"
            (self.team if body["type"] == "team" else self.person)[key] = int(body["assignee_id"])
        else:
            self._say(key, body["body"], body["message_type"] == "comment")
        return _json(self._thread(key))

    def _thread(self, key: int) -> dict[str, Any]:
        held = self.held[key]
        told = {name: value for name, value in held.items() if name != "said"}
        author = {"type": "user", "id": str(self.requester["id"]), "name": "Jo Doe", "email": self.requester.get("email")}
        contacts = [{"id": str(one), "type": "contact"} for one in (self.requester["id"], *self.copies)]
        own = [
            {
                "id": str(one.id), "part_type": "comment" if one.public else "note", "body": one.text, "created_at": int(one.at),
                "author": {"type": "admin", "id": str(MINE), "name": "Ada"},
            }
            for one in self.said if one.conversation == key
        ]  # fmt: skip
        source = told["source"] | {"author": author, "type": "email" if self.by_mail else "conversation"}
        return told | {
            "source": source, "contacts": {"contacts": contacts},
            "conversation_parts": {"conversation_parts": [*held["said"], *own], "total_count": len(held["said"]) + len(own)},
        }  # fmt: skip

    # Chatwoot

    def _chatwoot(self, path: str, query: dict[str, str], body: Any) -> Answer:
        if path == "/api/v1/accounts/3/teams":
            return _json(GROUPS)
        if path == "/api/v1/accounts/3/agents":
            return _json(AGENTS)
        one = re.fullmatch(r"/api/v1/accounts/3/conversations/(\d+)(/labels|/assignments|/messages|)", path)
        if not one or (one[2] == "/messages" and "after" in query):
            return super()._chatwoot(path, query, body)
        key = int(one[1])
        if key not in self.held or key in self.gone:
            return _json({"error": "Resource could not be found"}, 404)
        if one[2] == "":
            meta = {"sender": self.requester, "channel": "Channel::Email" if self.by_mail else "Channel::WebWidget"}
            return _json({name: value for name, value in self.held[key].items() if name != "said"} | {"meta": meta})
        if one[2] == "/labels":
            self.tags[key] = list(body["labels"]) if body else self.tags.get(key, [])
            return _json({"payload": self.tags[key]})
        if one[2] == "/assignments":
            self.team |= {key: body["team_id"]} if "team_id" in body else {}
            self.person |= {key: body["assignee_id"]} if "assignee_id" in body else {}
            return _json({"id": key})
        if body:
            return _json(self._message(self._say(key, body["content"], not body["private"])))
        before = int(query.get("before", 10**9))
        own = [self._message(one) for one in self.said if one.conversation == key and one.id < before]
        return _json({"meta": {}, "payload": own[-(self.page or 20) :]})

    def _message(self, one: Said) -> dict[str, Any]:
        return {
            "id": one.id, "content": one.text, "message_type": 1, "private": not one.public, "created_at": int(one.at),
            "conversation_id": one.conversation,
        }  # fmt: skip


def _audit(one: Said) -> dict[str, Any]:
    events = [{"id": one.id + 1, "type": "Change"}, {"id": one.id, "type": "Comment"}]
    return {"id": one.id + 5000, "metadata": {"custom": {"portal_key": one.key}, "system": {}}, "events": events}


@contextmanager
def writable(product: str) -> Iterator[Writable]:
    with running(product, Writable) as desk:
        yield desk
