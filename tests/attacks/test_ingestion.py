"""A request that somebody else made, or made before, or made for another purpose, stores nothing (SAFETY 12)."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from sqlmodel import func, select
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from data import people, signatures, store, tokens
from data.tables import Conversation, Customer, Message, Person, Seal, SignedRequest
from portal import guard
from portal.api import api
from tests.conftest import SOAK, Staff, hire
from tests.conversations import one
from tests.server import Server, inside, serving

EACH = 15 if SOAK else 3  # of each of the twenty kinds, on each engine; no more, or the pace itself would stop them
AT_ONCE = 20
TABLES = (Conversation, Message, Customer, Seal, SignedRequest)
HERE = "sent before"  # a conversation that messages can be added to


@dataclass
class Portal:
    server: Server
    staff: Staff
    secrets: dict[str, str]  # of programs: crm and other send; reader has another scope; revoked and gone once could
    client: httpx.Client
    number: int = 0
    taken: list[tuple[str, bytes, str]] = field(default_factory=list)  # requests that were taken: place, body, signature

    def next(self) -> tuple[str, bytes]:
        """A request as a program means it: by turns a conversation, and a message of one that is here."""
        self.number += 1
        if self.number % 2:
            return "conversations", json.dumps([one(self.number, id=f"attack {self.number}")]).encode()
        told = {"source": "test", "conversation": HERE, "id": f"m{self.number}", "role": "customer", "text": f"Number {self.number}."}
        return "messages", json.dumps([told]).encode()

    def post(self, place: str, body: bytes, signature: str | None, *, who: str = "crm", **headers: str) -> httpx.Response:
        told = {"Content-Type": "application/json", "Authorization": f"Bearer {self.secrets[who]}"} | headers
        return self.client.post(
            f"/api/v1/{place}", content=body, headers=told | ({signatures.HEADER: signature} if signature is not None else {})
        )

    def sign(self, body: bytes, *, who: str = "crm", ago: int = 0) -> str:
        with self.server.inside():
            return signatures.sign(self.secrets[who], body, clock=time.time() - ago)

    def rows(self) -> list[int]:
        with self.server.inside(), store.reading() as db:
            return [db.exec(select(func.count()).select_from(table)).one() for table in TABLES]


@pytest.fixture(scope="module")
def portal(module_home: tuple[Path, str]) -> Iterator[Portal]:
    home, url = module_home
    with inside(home, url):
        staff, console = hire(), people.console()
        gone = people.add("Gus", "gus@example.com", "engineer", by=console)
        made = {name: tokens.issue(name, ["ingest"], staff.engineer, by=console) for name in ("crm", "other", "revoked")}
        made |= {"reader": tokens.issue("reader", ["read", "label", "export", "metrics"], staff.engineer, by=console)}
        made |= {
            "rep's": tokens.issue("rep's", ["ingest"], staff.rep, by=console),
            "gone": tokens.issue("gone", ["ingest"], gone, by=console),
        }
    with serving(home, url) as server:
        portal = Portal(server, staff, made, server.browser())
        before = [json.dumps([one(0, id=HERE)]).encode(), *(json.dumps([one(n, id=f"{who} could")]).encode() for n, who in enumerate(made))]
        assert portal.post("conversations", before[0], portal.sign(before[0])).status_code == 200
        for who, body in zip(("revoked", "gone"), before[1:], strict=False):  # they could, until now
            assert portal.post("conversations", body, portal.sign(body, who=who), who=who).status_code == 200
        with server.inside():
            people.disable(gone.id, by=console)
            tokens.revoke(next(token.id for token, _ in tokens.all_tokens(by=console) if token.name == "revoked"), by=console)
        for _ in range(2):
            place, body = portal.next()
            signature = portal.sign(body)
            assert portal.post(place, body, signature).status_code == 200
            portal.taken.append((place, body, signature))
        yield portal


def another(body: bytes) -> bytes:
    """Of the same length, and as good a request."""
    assert b"umber" in body
    return body.replace(b"umber", b"UMBER")


Forge = Callable[[Portal, int, str, bytes], httpx.Response]
KINDS_OF_CONTENT = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "text/json")
FORGED: dict[str, tuple[set[int], Forge]] = {
    "another content type": (
        {415}, lambda p, n, place, body: p.post(place, body, p.sign(body), **{"Content-Type": KINDS_OF_CONTENT[n % 5]})),
    "a form around it": ({415}, lambda p, n, place, body: p.post(
        place, b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.json"\r\nContent-Type: application/json\r\n\r\n' + body
        + b"\r\n--x--\r\n", p.sign(body), **{"Content-Type": "multipart/form-data; boundary=x"})),
    "no signature": ({401}, lambda p, n, place, body: p.post(place, body, (None, "", "t=1,v1=")[n % 3])),
    "a wrong signature": ({401}, lambda p, n, place, body: p.post(place, body, f"t={int(time.time())},v1={f'{n:064x}'}")),
    "a signature that is cut": ({401}, lambda p, n, place, body: p.post(place, body, p.sign(body)[: -1 - n])),
    "of another token": ({401}, lambda p, n, place, body: p.post(place, body, p.sign(body, who="other"))),
    "of another body": ({401}, lambda p, n, place, body: p.post(place, another(body), p.sign(body))),
    "of a shorter body": ({401}, lambda p, n, place, body: p.post(place, body + b" ", p.sign(body))),
    "with another time": ({401}, lambda p, n, place, body: p.post(
        place, body, f"t={int(time.time()) + 1 + n},{p.sign(body).partition(',')[2]}")),
    "too old": ({401}, lambda p, n, place, body: p.post(place, body, p.sign(body, ago=305 + n * 1000))),
    "from the future": ({401}, lambda p, n, place, body: p.post(place, body, p.sign(body, ago=-305 - n * 1000))),
    "replayed": ({401}, lambda p, n, place, body: p.post(*p.taken[n % 2])),
    "replayed with a zero before the time": ({401}, lambda p, n, place, body: p.post(
        p.taken[n % 2][0], p.taken[n % 2][1], p.taken[n % 2][2].replace("t=", "t=0"))),
    "replayed elsewhere": ({401}, lambda p, n, place, body: p.post(p.taken[1 - n % 2][0], *p.taken[n % 2][1:])),
    "another scope": ({403}, lambda p, n, place, body: p.post(place, body, p.sign(body, who="reader"), who="reader")),
    "a person without the right": ({403}, lambda p, n, place, body: p.post(place, body, p.sign(body, who="rep's"), who="rep's")),
    "a revoked token": ({401}, lambda p, n, place, body: p.post(place, body, p.sign(body, who="revoked"), who="revoked")),
    "of somebody disabled": ({401}, lambda p, n, place, body: p.post(place, body, p.sign(body, who="gone"), who="gone")),
    "a token in the address": ({401, 403}, lambda p, n, place, body: p.client.post(
        f"/api/v1/{place}?token={p.secrets['crm']}&access_token={p.secrets['crm']}", content=body,
        headers={"Content-Type": "application/json", signatures.HEADER: p.sign(body)})),
    "a person's headers by hand": ({401, 403}, lambda p, n, place, body: p.client.post(
        f"/api/v1/{place}", content=body, headers={
            "Content-Type": "application/json", guard.PERSON_HEADER: p.staff.engineer.id, guard.SESSION_HEADER: p.staff.engineer.id})),
}  # fmt: skip


def test_nothing_that_is_forged_is_taken(portal: Portal, record_property: Callable[[str, object], None]) -> None:
    before, wrong = portal.rows(), []
    for what, (expected, forge) in FORGED.items():
        for number in range(EACH):
            answer = forge(portal, number, *portal.next())
            if answer.status_code not in expected:
                wrong.append((what, number, answer.status_code, answer.text[:200]))
    after = portal.rows()
    forged = len(FORGED) * EACH
    record_property("forged", forged)
    print(f"{forged} forged requests of {len(FORGED)} kinds: {len(wrong)} wrong answers, {sum(after) - sum(before)} rows stored")
    assert wrong == [] and after == before
    assert forged >= (250 if SOAK else 25)


def test_the_same_requests_signed_right_are_taken(portal: Portal) -> None:
    """The control: it was not the requests."""
    before = portal.rows()
    for number in range(2 * EACH):
        place, body = portal.next()
        assert portal.post(place, body, portal.sign(body, ago=(0, 290, -290)[number % 3])).status_code == 200, (place, body)
    assert portal.rows()[1] - before[1] == 3 * EACH  # a conversation has two messages, and one is added alone
    assert portal.rows()[4] - before[4] == 2 * EACH


def test_without_the_check_what_is_forged_would_be_taken(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control with the defence off: the same app, and a check that believes everybody."""
    place, body = portal.next()
    told = {"Content-Type": "application/json", "Authorization": f"Bearer {portal.secrets['crm']}", signatures.HEADER: "t=1,v1=" + "0" * 64}
    with portal.server.inside():
        app: Any = guard.Guard(Starlette(routes=[Mount("/api", app=api)]), app_csp="default-src 'none'")
        client = TestClient(app, base_url="http://127.0.0.1")
        assert client.post(f"/api/v1/{place}", content=body, headers=told).status_code == 401
        with monkeypatch.context() as patch:
            patch.setattr(signatures, "check", lambda secret, header, body: str(header))
            assert client.post(f"/api/v1/{place}", content=body, headers=told).status_code == 200


def test_of_twenty_replays_at_once_one_is_taken(portal: Portal) -> None:
    for _ in range(4 if SOAK else 2):
        place, body = portal.next()
        before, signature = portal.rows(), portal.sign(body)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            came = list(pool.map(lambda _, told=(place, body, signature): portal.post(*told).status_code, range(AT_ONCE)))
        assert sorted(came) == [200] + [401] * (AT_ONCE - 1)
        assert portal.rows()[4] == before[4] + 1


@contextmanager
def database_held(portal: Portal) -> Iterator[None]:
    """Somebody else writes, and does not end."""
    if portal.server.url:
        with psycopg.connect(portal.server.url) as db:
            db.execute("LOCK TABLE signed_request IN ACCESS EXCLUSIVE MODE")
            yield
            db.rollback()
    else:
        db = sqlite3.connect(portal.server.home / "portal.db", isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("ROLLBACK")
        db.close()


def test_what_failed_may_be_sent_again_as_it_is_and_then_not_once_more(portal: Portal) -> None:
    body = json.dumps([one(1, id=f"busy {portal.number}")]).encode()
    signature, before = portal.sign(body), portal.rows()
    portal.post(*portal.taken[0])  # so that the token's last use is known: to write it would wait, too
    with database_held(portal):
        busy = portal.post("conversations", body, signature)
    assert busy.status_code == 503 and busy.json()["detail"].startswith("Nothing was saved: the database was busy")
    assert portal.rows() == before
    again = portal.post("conversations", body, signature)
    assert again.status_code == 200 and again.json()["new"] == 1
    assert portal.post("conversations", body, signature).status_code == 401


def test_a_refusal_says_nothing_of_keys_and_neither_does_the_log(portal: Portal) -> None:
    place, body = portal.next()
    right = portal.sign(body)
    told = portal.post(place, another(body), right).text + portal.post(place, body, None).text + portal.server.log()
    with portal.server.inside():
        keys = [tokens.signing_key(secret) for secret in portal.secrets.values()]
    assert not any(key in told for key in [*keys, *portal.secrets.values(), right.partition("v1=")[2]])


def test_nobody_is_told_whether_a_signature_was_nearly_right(portal: Portal) -> None:
    place, body = portal.next()
    right = portal.sign(body)
    answers = {portal.post(place, body, right[:-count] + "0" * count).text for count in (2, 16, 40, 64)}
    assert len(answers) == 1 and "does not fit" in answers.pop()


def test_the_person_behind_a_program_stands_at_what_it_sent(portal: Portal) -> None:
    with portal.server.inside(), store.reading() as db:
        senders = set(db.exec(select(Person.name).join(Conversation, Conversation.by_person_id == Person.id)))  # type: ignore[arg-type]
    assert senders == {"Emil", "Gus"}
