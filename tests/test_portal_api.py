"""The HTTP API: health for machines, and conversations that come in through it, on both engines."""

import html
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

import httpx
import pytest
from sqlmodel import col, select

from data import people, sessions, signatures, store, tokens
from data.tables import Conversation, Message, Person
from portal.beat import beat_file
from tests.conftest import Staff, hire
from tests.conversations import one
from tests.server import Server, inside, serving

CARD = "4111 1111 1111 1111"


@dataclass
class Portal:
    server: Server
    staff: Staff
    cookies: dict[str, str]

    def send(self, who: str, conversations: Any) -> httpx.Response:
        """As a person does who is signed in."""
        return self.server.browser(cookie=self.cookies[who]).post("/api/v1/conversations", json=conversations)

    def send_signed(self, program: httpx.Client, conversations: Any, place: str = "conversations") -> httpx.Response:
        """As a program does: what it sends it signs."""
        body = json.dumps(conversations).encode()
        with self.server.inside():
            signature = signatures.sign(program.headers["Authorization"].removeprefix("Bearer "), body)
        return program.post(f"/api/v1/{place}", content=body, headers={"Content-Type": "application/json", signatures.HEADER: signature})

    def program(self, scopes: list[str], person: Person | None = None) -> httpx.Client:
        """A client of its own with a token, and no cookie."""
        with self.server.inside():
            secret = tokens.issue("a program", scopes, person or self.staff.engineer, by=people.console())
        client = self.server.browser(Authorization=f"Bearer {secret}")
        del client.headers["Origin"]  # no browser
        return client

    def stored(self, external_id: str) -> Conversation | None:
        with self.server.inside(), store.reading() as db:
            return db.exec(select(Conversation).where(Conversation.external_id == external_id)).one_or_none()

    def texts(self, conversation: Conversation) -> list[str]:
        query = select(Message.text).where(Message.conversation_id == conversation.id).order_by(col(Message.seq))
        with self.server.inside(), store.reading() as db:
            return list(db.exec(query))


@pytest.fixture(scope="module")
def portal(module_home: tuple[Path, str]) -> Iterator[Portal]:
    home, url = module_home
    with inside(home, url):
        staff = hire()
        with store.writing() as db:
            visitor = Person(name="Vic", email="vic@example.com", role="visitor", team_id=staff.oak.id)  # a role that the table lacks
            db.add(visitor)
        everybody = {"rep": staff.rep, "lead": staff.lead, "other": staff.other, "engineer": staff.engineer, "visitor": visitor}
        cookies = {name: sessions.start(person) for name, person in everybody.items()}
    with serving(home, url) as server:
        yield Portal(server, staff, cookies)


# Health


def test_health_and_readiness_are_open(portal: Portal) -> None:
    stranger = portal.server.browser()
    assert stranger.get("/api/v1/health").json() == {"status": "ok"}
    told = stranger.get("/api/v1/ready").json()
    assert (told["status"], told["database"]) == ("ready", "the database is ready")


def test_readiness_tells_of_the_worker(portal: Portal) -> None:
    stranger = portal.server.browser()
    with portal.server.inside():
        beat_file().unlink(missing_ok=True)
        assert stranger.get("/api/v1/ready").json()["worker"] == "not seen on this machine"
        beat_file().touch()
    assert stranger.get("/api/v1/ready").json()["worker"] in ("seen 0 seconds ago", "seen 1 seconds ago", "seen 2 seconds ago")


def test_the_api_describes_itself_to_who_is_signed_in(portal: Portal) -> None:
    described = portal.server.browser(cookie=portal.cookies["rep"]).get("/api/v1/openapi.json").json()
    assert "/v1/conversations" in described["paths"]
    assert "<h1>API</h1>" in portal.server.browser(cookie=portal.cookies["rep"]).get("/api/v1/docs").text
    assert portal.server.browser().get("/api/v1/docs").status_code == 401


# What comes in


def test_an_engineer_sends_conversations(portal: Portal) -> None:
    answer = portal.send("engineer", [one(number, id=f"e{number}", team="Fern") for number in (6, 7, 8)])
    assert answer.status_code == 200
    told = answer.json()
    assert {key: told[key] for key in ("conversations", "new", "messages", "redactions", "refused")} == {
        "conversations": 3, "new": 3, "messages": 6, "redactions": 2, "refused": [],
    }  # fmt: skip
    kept = portal.stored("e7")
    assert kept is not None and kept.id in told["ids"] and kept.team_id == portal.staff.fern.id
    assert kept.by_person_id == portal.staff.engineer.id
    assert CARD not in portal.texts(kept)[0] and "My card is" in portal.texts(kept)[0]


def test_what_is_sent_twice_is_kept_once(portal: Portal) -> None:
    sent = [one(number, id=f"twice{number}") for number in range(3)]
    first, second = portal.send("engineer", sent).json(), portal.send("engineer", sent).json()
    assert (first["new"], second["new"], second["unchanged"], second["ids"]) == (3, 0, 3, [])
    within = portal.send("engineer", [one(1, id="same")] * 2).json()
    assert (within["new"], within["unchanged"]) == (1, 1)


def test_a_conversation_that_went_on_is_updated(portal: Portal) -> None:
    begun = one(1, id="goes on")
    portal.send("engineer", [begun])
    longer = begun | {"messages": [*begun["messages"], {"role": "customer", "text": "Thank you."}]}
    told = portal.send("engineer", [longer]).json()
    assert (told["new"], told["updated"], told["messages"]) == (0, 1, 1)
    kept = portal.stored("goes on")
    assert kept is not None and portal.texts(kept)[-1] == "Thank you."


def test_only_engineers_send_conversations(portal: Portal) -> None:
    for who in ("rep", "lead", "other", "visitor"):
        answer = portal.send(who, [one(1, id=f"by {who}", team="Oak")])
        assert answer.status_code == 403 and "may not ingest an api. Who may: engineer" in answer.json()["detail"]
        assert portal.stored(f"by {who}") is None
    assert portal.send("engineer", [one(1, id="by an engineer", team="Oak")]).json()["new"] == 1  # the control


# What programs do, with a token


def test_a_program_sends_conversations_with_a_token_of_that_scope(portal: Portal) -> None:
    sent = [one(1, id="by a program", team="Oak")]
    for scopes in (["read"], ["export", "label", "metrics"]):
        answer = portal.send_signed(portal.program(scopes), sent)
        assert answer.status_code == 403 and f"this token is for {', '.join(sorted(scopes))}, not for this" in answer.json()["detail"]
    assert portal.stored("by a program") is None
    unsigned = portal.program(["ingest"]).post("/api/v1/conversations", json=sent)
    assert unsigned.status_code == 401 and "sign the request" in unsigned.json()["detail"] and portal.stored("by a program") is None
    answer = portal.send_signed(portal.program(["ingest"]), sent)
    assert answer.status_code == 200 and answer.json()["new"] == 1
    kept = portal.stored("by a program")
    assert kept is not None and kept.by_person_id == portal.staff.engineer.id


def test_a_program_adds_messages_to_what_was_sent_before(portal: Portal) -> None:
    program = portal.program(["ingest"])
    portal.send_signed(program, [one(1, id="followed")])
    told = {"source": "test", "conversation": "followed", "id": "m1", "role": "customer", "text": f"My card is {CARD}."}
    assert portal.send_signed(program, [told], "messages").json()["messages"] == 1
    assert portal.send_signed(program, [told | {"text": "Corrected."}], "messages").json()["unchanged"] == 1  # by its own id it was here
    kept = portal.stored("followed")
    assert kept is not None and portal.texts(kept)[2:] == ["My card is ‹CARD 1›."]


@pytest.mark.skipif(not (which("curl") and which("openssl")), reason="the example on the page is run with them")
def test_the_example_on_the_page_works_as_it_stands(portal: Portal) -> None:
    program = portal.program(["ingest"])
    page = html.unescape(program.get("/api/v1/docs").text)
    example = page.partition("<pre>")[2].partition("</pre>")[0].replace("https://portal.example.com", portal.server.base)
    token = program.headers["Authorization"].removeprefix("Bearer ")
    with portal.server.inside():
        key = tokens.signing_key(token)
    done = subprocess.run(
        ["bash", "-c", example], env=dict(os.environ) | {"TOKEN": token, "SIGNING_KEY": key}, capture_output=True, text=True, check=True
    )  # fmt: skip
    assert json.loads(done.stdout)["new"] == 1 and portal.stored("1001") is not None


def test_a_token_gives_its_person_no_right_that_they_lack(portal: Portal) -> None:
    answer = portal.send_signed(portal.program(["ingest"], portal.staff.rep), [one(1, id="by a rep's program")])
    assert answer.status_code == 403 and portal.stored("by a rep's program") is None


def test_a_token_opens_what_its_scopes_name_and_nothing_else(portal: Portal) -> None:
    told = portal.send("engineer", [one(1, id="to read", team="Oak")]).json()
    places = {
        "read": f"/api/v1/conversations/{told['ids'][0]}", "export": "/api/v1/datasets", "metrics": "/api/v1/metrics",
        "nothing 1": "/api/v1/audit", "nothing 2": "/api/v1/people",
    }  # fmt: skip
    for scope in ("read", "export", "metrics"):
        program = portal.program([scope])
        opened = [needed for needed, place in places.items() if program.get(place).status_code == 200]
        assert opened == [scope]
        assert program.get("/api/v1/me").json() == {"name": "Emil", "role": "engineer", "scopes": [scope]}


@pytest.mark.parametrize("secret", ["portal_", "portal_x", "x", "é", "portal_" + "a" * 5000, "portal_%", "' OR 1=1 --"])
def test_a_made_up_token_opens_nothing(portal: Portal, secret: str) -> None:
    bearer = {"Authorization": f"Bearer {secret}".encode()}
    answer = portal.server.browser(cookie=portal.cookies["rep"]).get("/api/v1/me", headers=bearer)  # type: ignore[arg-type]
    assert answer.status_code == 401 and "This token opens nothing" in answer.text


def test_a_token_opens_no_screen(portal: Portal) -> None:
    program = portal.program(["read"])
    assert program.get("/review").status_code == 303
    assert portal.server.websocket_status(Authorization=program.headers["Authorization"]) == 403


# What people and programs read


def test_a_conversation_is_read_within_reach_only(portal: Portal) -> None:
    (made,) = portal.send("engineer", [one(7, id="read me", team="Oak")]).json()["ids"]

    def read(who: str) -> httpx.Response:
        return portal.server.browser(cookie=portal.cookies[who]).get(f"/api/v1/conversations/{made}")

    assert read("rep").json()["messages"][0]["text"].startswith("Invoice") and CARD not in read("rep").text
    assert read("other").status_code == 404 and "within your reach" in read("other").text
    assert read("visitor").status_code == 403


def test_the_lists_are_for_whom_the_table_names(portal: Portal) -> None:
    def status(who: str, place: str) -> int:
        return portal.server.browser(cookie=portal.cookies[who]).get(f"/api/v1/{place}").status_code

    for place in ("datasets", "audit", "people"):
        assert [status(who, place) for who in ("rep", "lead", "engineer", "visitor")] == [200, 200, 200, 403], place
    assert [status(who, "metrics") for who in ("rep", "lead", "engineer", "visitor")] == [403, 403, 200, 403]


def test_a_search_leaves_as_a_file_for_one_ticket(portal: Portal) -> None:
    browser = portal.server.browser(cookie=portal.cookies["engineer"])
    said = [{"role": "customer", "text": f"My invoice is wrong, my card is {CARD}."}]
    assert browser.post("/api/v1/conversations", json=[one(77_001, messages=said)]).status_code == 200
    answer = browser.post("/api/v1/conversations/ticket", params={"words": "invoice"})
    assert answer.status_code == 200 and answer.json()["rows"] >= 1
    file = browser.get(answer.json()["download"])
    assert file.status_code == 200 and file.text.startswith('"Opened","Channel","Customer"') and CARD not in file.text
    assert len(file.text.splitlines()) == answer.json()["rows"] + 1
    assert browser.get(answer.json()["download"]).status_code == 410
    none, unclear = (browser.post("/api/v1/conversations/ticket", params={"words": words}) for words in ("nowhere", "nofield:x"))
    assert (none.status_code, unclear.status_code) == (422, 422) and "no such conversation" in none.json()["detail"]
    assert portal.server.browser(cookie=portal.cookies["visitor"]).post("/api/v1/conversations/ticket").status_code == 403


def test_a_dataset_that_is_not_there_has_no_ticket(portal: Portal) -> None:
    answer = portal.server.browser(cookie=portal.cookies["engineer"]).post("/api/v1/datasets/nothing/ticket")
    assert answer.status_code == 403 and "no such dataset within your reach" in answer.json()["detail"]


def test_what_is_too_large_or_does_not_say_how_large_is_not_read(portal: Portal) -> None:
    browser = portal.server.browser(cookie=portal.cookies["engineer"])
    kind = {"Content-Type": "application/json"}
    assert browser.post("/api/v1/conversations", content=b" " * 20_000_001, headers=kind).status_code == 413
    assert browser.post("/api/v1/conversations", content=iter([b"[", b"]"]), headers=kind).status_code == 411


# What is no conversation


def wrong(**fields: Any) -> dict[str, Any]:
    return one(1, id="wrong") | fields


MALFORMED = {
    "no list": 3,
    "nothing": {},
    "an empty list": [],
    "a list of text": [CARD],
    "no id": [{key: value for key, value in one(1).items() if key != "id"}],
    "an empty id": [wrong(id="")],
    "an unknown channel": [wrong(channel=f"fax {CARD}")],
    "no messages": [wrong(messages=[])],
    "an unknown role": [wrong(messages=[{"role": "boss", "text": f"My card is {CARD}."}])],
    "a text that is an object": [wrong(messages=[{"role": "customer", "text": {"card": CARD}}])],
    "a text that is too long": [wrong(messages=[{"role": "customer", "text": f"{CARD} " * 6000}])],
    "a time without a zone": [wrong(opened_at="2026-01-01T00:00:00", subject=f"My card is {CARD}")],
    "closed before opened": [wrong(opened_at="2026-01-02T00:00:00Z", closed_at="2026-01-01T00:00:00Z", subject=f"My card is {CARD}")],
    "csat out of range": [wrong(csat=9, subject=f"My card is {CARD}")],
    "a customer that is a number": [wrong(customer=4111111111111111)],
}


@pytest.mark.parametrize("what", list(MALFORMED))
def test_what_is_malformed_is_refused_and_not_echoed(portal: Portal, what: str) -> None:
    answer = portal.send("engineer", MALFORMED[what])
    assert answer.status_code == 422 and answer.json()["detail"]
    said = f"{answer.text} {portal.server.log()}".replace(" ", "")
    assert CARD.replace(" ", "") not in said and "please, number" not in answer.text  # four digits of it may stand in any id
    assert portal.stored("wrong") is None


def test_a_refusal_names_the_place_and_the_reason(portal: Portal) -> None:
    answer = portal.send("engineer", [one(1, id="fine"), wrong(csat=9)])
    assert "csat" in answer.text and "less than or equal to 5" in answer.text
    assert answer.status_code == 200 and portal.stored("fine") is not None and portal.stored("wrong") is None  # the rest is not spoilt
    assert [refusal["place"] for refusal in answer.json()["refused"]] == [1]


def test_five_hundred_are_taken_and_one_more_is_not(portal: Portal) -> None:
    batch = [one(number, id=f"batch{number}") for number in range(501)]
    too_many = portal.send("engineer", batch)
    assert too_many.status_code == 422 and len(too_many.content) < 5_000 and portal.stored("batch0") is None
    assert portal.send("engineer", batch[:500]).json()["new"] == 500


ODD_BODIES = {
    "not JSON": (b"{", "application/json"),
    "nothing": (b"", "application/json"),
    "bytes": (b"\xff\xfe\x00", "application/json"),
    "deeply nested": (b"[" * 100_000, "application/json"),
    "a form": (b"id=1&source=test", "application/x-www-form-urlencoded"),
    "JSON called text": (b'[{"id": "odd"}]', "text/plain"),
    "not a number": (b'[{"id": "odd", "csat": NaN}]', "application/json"),
    "half a pair": (b'[{"id": "odd", "source": "\\ud800", "channel": "chat", "messages": [{"role": "rep"}]}]', "application/json"),
    "a long number": (b'[{"id": "odd", "csat": ' + b"9" * 5000 + b"}]", "application/json"),
}


@pytest.mark.parametrize("what", list(ODD_BODIES))
def test_an_odd_body_is_refused_politely(portal: Portal, what: str) -> None:
    body, kind = ODD_BODIES[what]
    browser = portal.server.browser(cookie=portal.cookies["engineer"])
    answer = browser.post("/api/v1/conversations", content=body, headers={"Content-Type": kind})
    assert answer.status_code == (422 if kind == "application/json" else 415), answer.text
    assert portal.stored("odd") is None


NESTED: dict[str, Any] = {}
_inner = NESTED
for _ in range(300):
    _inner["x"] = _inner = {}
ODD_FIELDS: dict[str, dict[str, Any]] = {
    "a NUL in the id": {"id": "odd\0id"},
    "a NUL in the source": {"source": "te\0st"},
    "a NUL in the author": {"messages": [{"role": "rep", "text": "x", "author": "Ri\0ta"}]},
    "a NUL in a team": {"team": "O\0ak"},
    "a NUL in a language": {"language": "d\0e"},
    "a NUL in an assignee": {"assignee": "Ri\0ta"},
    "a NUL in a segment": {"segment": "g\0old"},
    "a NUL in a customer": {"customer": "Jo\0"},
    "a NUL in a tag": {"tags": ["a\0b"]},
    "a NUL in an unknown field's name": {"un\0known": "x"},
    "a huge number": {"handle_seconds": 2**70},
    "a huge number in a message": {"messages": [{"role": "rep", "text": "x", "start_ms": 2**70}]},
    "a time before Christ": {"opened_at": "0001-01-01T00:00:00+14:00"},
    "the end of time": {"opened_at": "9999-12-31T23:59:59-14:00"},
    "a nested field": {"extra": NESTED},
    "not a number": {"extra": float("inf")},
}


@pytest.mark.parametrize("what", list(ODD_FIELDS))
def test_an_odd_field_is_stored_or_refused_but_is_no_fault_of_ours(portal: Portal, what: str) -> None:
    conversation = one(1, id=f"odd {what}") | ODD_FIELDS[what]
    body = json.dumps([conversation])  # as Python writes it: httpx would refuse Infinity
    browser = portal.server.browser(cookie=portal.cookies["engineer"])
    answer = browser.post("/api/v1/conversations", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 422), answer.text
    assert "please, number" not in portal.server.log()  # whatever it was: what a customer wrote does not stand in a log
