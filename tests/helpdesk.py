"""Help desks over real HTTP, in a thread: each product's API as far as we ask it. They can be told to misbehave, answer by answer."""

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from data.intake.connectors import Account

SECRET = "the-key-nobody-is-told"
START = 1_772_000_000  # 25 February 2026

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Clock:
    """Time that passes only when somebody waits."""

    now: float = START + 100_000.0
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@dataclass
class Helpdesk:
    """What it holds, what it was asked, and what it does wrong next."""

    product: str
    clock: Clock = field(default_factory=Clock)
    held: dict[int, dict[str, Any]] = field(default_factory=dict)  # conversations by id, each with "said" and, of Zendesk, "audits"
    wrong: list[tuple[str, Answer | Callable[[], None]]] = field(default_factory=list)  # the next question to such a path gets this
    asked: list[str] = field(default_factory=list)
    exports: list[float] = field(default_factory=list)  # when Zendesk's export was asked
    before: Callable[[str], None] = lambda _path: None  # what happens in the help desk meanwhile
    url: str = ""
    page: int = 0  # how many it lists at once, whatever is asked
    gone: set[int] = field(default_factory=set)  # listed, but deleted when asked for
    headers: dict[str, str] = field(default_factory=dict)

    def account(self, **other: str) -> Account:
        account = {"zendesk": "ada@example.com", "intercom": "", "chatwoot": "3"}[self.product]
        return Account(**({"url": self.url, "account": account, "secret": SECRET, "source": self.product} | other))

    def fails(self, path: str, status: int = 500, body: bytes = b'{"error": "jo.doe@example.org"}', **headers: str) -> None:
        told = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
        self.wrong.append((path, (status, told, body)))

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, allowed: bool) -> Answer:
        self.asked.append(f"{method} {path}")
        self.before(path)
        for place, (part, wrong) in enumerate(self.wrong):
            if re.search(part, path):
                del self.wrong[place]
                if not callable(wrong):
                    return wrong
                wrong()
                break
        if not allowed:
            return _json({"error": "Couldn't authenticate you"}, 401)
        answers = {"zendesk": self._zendesk, "intercom": self._intercom, "chatwoot": self._chatwoot}
        status, headers, content = answers[self.product](path, query, body)
        return status, headers | self.headers, content

    # Zendesk

    def _zendesk(self, path: str, query: dict[str, str], _: Any) -> Answer:
        if path == "/api/v2/users/me.json":
            return _json({"user": {"id": 9, "name": "Ada", "role": "admin"}})
        if path == "/api/v2/ticket_fields.json":
            return _json({"ticket_fields": [{"id": 360, "title": "Intent", "type": "tagger"}]})
        if path == "/api/v2/incremental/tickets/cursor.json":
            return self._export(query)
        one = re.fullmatch(r"/api/v2/tickets/(\d+)/(comments|audits)\.json", path)
        if not one or int(one[1]) not in self.held or int(one[1]) in self.gone:
            return _json({"error": "RecordNotFound"}, 404)
        ticket = self.held[int(one[1])]
        found = ticket["said"] if one[2] == "comments" else ticket.get("audits", [])
        begin = int(query.get("page[after]", 0))
        onward = begin + int(query["page[size]"])
        meta = {"has_more": onward < len(found), "after_cursor": str(onward)}
        return _json({one[2]: found[begin:onward], "meta": meta, "users": USERS})

    def _export(self, query: dict[str, str]) -> Answer:
        self.exports = [at for at in self.exports if at > self.clock() - 60]
        if len(self.exports) >= 10:
            return _json({"error": "TooManyRequests"}, 429, **{"Retry-After": "45"})
        self.exports.append(self.clock())
        ripe = sorted((one["changed"], key) for key, one in self.held.items() if one["changed"] <= self.clock() - 60)
        after = tuple(json.loads(query["cursor"])) if "cursor" in query else (int(query["start_time"]), -1)
        due = [(changed, key) for changed, key in ripe if (changed, key) > after]
        here = due[: self.page or int(query["per_page"])]
        tickets = [{name: value for name, value in self.held[key].items() if name not in ("said", "audits", "changed")} for _, key in here]
        told = {
            "tickets": tickets,
            "users": USERS,
            "after_cursor": json.dumps(here[-1] if here else after),
            "end_of_stream": len(here) == len(due),
        }
        return _json(told)

    # Intercom

    def _intercom(self, path: str, _: dict[str, str], body: Any) -> Answer:
        if path == "/me":
            return _json({"type": "admin", "id": "7", "name": "Ada", "app": {"name": "Ferngrove"}})
        if path == "/conversations/search":
            return self._search(body)
        one = re.fullmatch(r"/conversations/(\d+)", path)
        if not one or int(one[1]) not in self.held or int(one[1]) in self.gone:
            return _json({"type": "error.list"}, 404)
        found = self.held[int(one[1])]
        parts = {"type": "conversation_part.list", "conversation_parts": found["said"], "total_count": len(found["said"])}
        return _json({name: value for name, value in found.items() if name != "said"} | {"conversation_parts": parts})

    def _search(self, body: Any) -> Answer:
        asked = body["query"]["value"][0]
        assert (asked["field"], asked["operator"], body["sort"]) == ("updated_at", ">", {"field": "updated_at", "order": "ascending"})
        due = sorted(
            (one["updated_at"], key) for key, one in self.held.items() if one["updated_at"] > asked["value"] and not one.get("late")
        )
        begin = int(body["pagination"].get("starting_after", 0))  # a place, as bad a cursor as there is
        onward = begin + (self.page or body["pagination"]["per_page"])
        listed = [{name: value for name, value in self.held[key].items() if name != "said"} for _, key in due[begin:onward]]
        more = {"next": {"starting_after": str(onward)}} if onward < len(due) else {}
        return _json({"type": "conversation.list", "conversations": listed, "pages": more, "total_count": len(due)})

    # Chatwoot

    def _chatwoot(self, path: str, query: dict[str, str], _: Any) -> Answer:
        if path == "/api/v1/profile":
            return _json({"name": "Ada", "accounts": [{"id": 3, "name": "Ferngrove"}]})
        if path == "/api/v1/accounts/3/conversations":
            assert (query["status"], query["sort_by"]) == ("all", "last_activity_at_desc")
            newest = sorted(self.held.values(), key=lambda one: (-one["last_activity_at"], -one["id"]))
            long = self.page or 25
            begin = (int(query["page"]) - 1) * long
            listed = [one | {"messages": one["said"][-1:], "said": None} for one in newest[begin : begin + long]]
            return _json({"data": {"meta": {"all_count": len(newest)}, "payload": listed}})
        one = re.fullmatch(r"/api/v1/accounts/3/conversations/(\d+)/messages", path)
        if not one or int(one[1]) not in self.held or int(one[1]) in self.gone:
            return _json({"error": "Resource could not be found"}, 404)
        said = [message for message in self.held[int(one[1])]["said"] if message["id"] > int(query["after"])]
        return _json({"meta": {}, "payload": said[:100]})

    # what happens in it

    def add(self, key: int, at: float, *texts: str) -> None:
        """A conversation, or one that goes on: each product's own way of saying it."""
        said = list(self.held[key]["said"]) if key in self.held else []
        first = int(self.held[key]["began"]) if key in self.held else int(at)
        for text in texts or (f"Where is parcel {key}?",):
            said.append(MADE[self.product](key * 10_000 + len(said) + 1, int(at), text))
        self.held[key] = {"zendesk": _ticket, "intercom": _conversation, "chatwoot": _listed}[self.product](key, first, int(at)) | {
            "said": said, "began": first,
        }  # fmt: skip


USERS = [
    {"id": 1, "name": "Jo Doe", "email": "jo.doe@example.org", "role": "end-user"},
    {"id": 2, "name": "Rita", "email": "rita@example.com", "role": "agent"},
]


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _ticket(key: int, began: int, at: int) -> dict[str, Any]:
    return {
        "id": key, "subject": f"Parcel {key}", "created_at": iso(began), "updated_at": iso(at), "status": "open", "requester_id": 1,
        "assignee_id": 2, "via": {"channel": "email"}, "tags": ["parcel"], "changed": at,
    }  # fmt: skip


def _conversation(key: int, began: int, at: int) -> dict[str, Any]:
    author = {"type": "user", "id": "u1", "name": "Jo Doe", "email": "jo.doe@example.org"}
    return {
        "type": "conversation", "id": str(key), "created_at": began, "updated_at": at, "state": "open", "admin_assignee_id": None,
        "source": {"type": "conversation", "id": f"s{key}", "delivered_as": "customer_initiated", "body": "<p>Hello</p>", "author": author},
        "contacts": {"contacts": [{"id": "u1", "type": "contact"}]},
    }  # fmt: skip


def _listed(key: int, began: int, at: int) -> dict[str, Any]:
    return {
        "id": key, "inbox_id": 1, "created_at": began, "last_activity_at": at, "status": "open", "labels": [],
        "meta": {"sender": {"id": 1, "name": "Jo Doe", "email": "jo.doe@example.org"}, "channel": "Channel::WebWidget"},
    }  # fmt: skip


def _comment(key: int, at: int, text: str) -> dict[str, Any]:
    return {"id": key, "author_id": 1, "plain_body": text, "public": True, "created_at": iso(at)}


def _part(key: int, at: int, text: str) -> dict[str, Any]:
    author = {"type": "user", "id": "u1", "name": "Jo Doe"}
    return {"id": str(key), "part_type": "comment", "body": f"<p>{text}</p>", "created_at": at, "author": author}


def _message(key: int, at: int, text: str) -> dict[str, Any]:
    sender = {"id": 1, "type": "contact", "name": "Jo Doe"}
    return {"id": key, "message_type": 0, "content": text, "created_at": at, "private": False, "sender": sender}


MADE = {"zendesk": _comment, "intercom": _part, "chatwoot": _message}


def _json(told: Any, status: int = 200, **headers: str) -> Answer:
    return status, {"Content-Type": "application/json; charset=utf-8"} | headers, json.dumps(told).encode()


Desk = TypeVar("Desk", bound=Helpdesk)


class _Handler(BaseHTTPRequestHandler):
    desk: Helpdesk
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm, wbufsize = True, -1  # an answer goes out as one

    def do_GET(self) -> None:
        self._send("GET", None)

    def do_PUT(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        self._send("POST", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _send(self, method: str, body: Any) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        status, headers, content = self.desk.answer(method, parts.path, query, body, self._allowed())
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _allowed(self) -> bool:
        told = self.headers["Authorization"] or self.headers["api_access_token"] or ""
        if told.startswith("Basic "):
            return base64.b64decode(told[6:]).decode() == f"ada@example.com/token:{SECRET}"
        return told.removeprefix("Bearer ") == SECRET

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up in the middle of an answer is no error of the server's."""


@contextmanager
def running(product: str, kind: type[Desk] = Helpdesk) -> Iterator[Desk]:  # type: ignore[assignment]
    desk = kind(product)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"desk": desk}))
    desk.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield desk
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
