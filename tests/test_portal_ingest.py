"""What programs send: conversations and the messages that follow. The guard and the API as they stand in the portal, on both engines."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import col, func, select
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from data import people, sessions, signatures, store, tokens
from data.tables import Conversation, Message, Person, SignedRequest
from portal import guard, ingest
from portal.api import api
from portal.pace import Pace
from tests.conftest import Staff
from tests.conversations import one

CARD = "4111 1111 1111 1111"


@dataclass
class Program:
    """A client with a token, which signs what it sends."""

    client: TestClient
    secret: str

    def send(self, conversations: Any, place: str = "conversations", **headers: str) -> httpx.Response:
        body = conversations if isinstance(conversations, bytes) else json.dumps(conversations).encode()
        told = {"Content-Type": "application/json", signatures.HEADER: signatures.sign(self.secret, body)} | headers
        return self.client.post(f"/api/v1/{place}", content=body, headers=told)  # type: ignore[return-value]

    def append(self, *messages: Any) -> httpx.Response:
        return self.send(list(messages), "messages")


@pytest.fixture
def client(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(ingest, "pace", Pace(ingest.A_MINUTE))
    app = guard.Guard(Starlette(routes=[Mount("/api", app=api)]), app_csp="default-src 'none'")
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as made:  # type: ignore[arg-type]
        yield made


def program_of(client: TestClient, person: Person, scopes: tuple[str, ...] = ("ingest",)) -> Program:
    secret = tokens.issue("a program", list(scopes), person, by=people.console())
    made = TestClient(client.app, base_url="http://127.0.0.1", raise_server_exceptions=False)
    made.headers["Authorization"] = f"Bearer {secret}"
    return Program(made, secret)


@pytest.fixture
def crm(client: TestClient, staff: Staff) -> Program:
    return program_of(client, staff.engineer)


def stored(external_id: str) -> Conversation | None:
    with store.reading() as db:
        return db.exec(select(Conversation).where(Conversation.external_id == external_id)).one_or_none()


def texts(external_id: str) -> list[str]:
    query = select(Message.text).join(Conversation).where(Conversation.external_id == external_id).order_by(col(Message.seq))
    with store.reading() as db:
        return list(db.exec(query))


def rows(table: Any) -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(table)).one()


def follow(number: int, *, conversation: str = "1", **fields: Any) -> dict[str, Any]:
    return {
        "source": "test",
        "conversation": conversation,
        "id": f"m{number}",
        "role": "customer",
        "text": f"And number {number}.",
    } | fields


# Conversations


def test_a_program_sends_conversations(crm: Program, staff: Staff) -> None:
    told = crm.send([one(number, team="Fern") for number in (6, 7, 8)]).json()
    ids = told.pop("ids")
    assert told == {
        "conversations": 3, "messages": 6, "new": 3, "updated": 0, "unchanged": 0, "redactions": 2, "refused": [],
    }  # fmt: skip
    kept = stored("7")
    assert kept is not None and kept.id == ids[1] and (kept.team_id, kept.by_person_id) == (staff.fern.id, staff.engineer.id)
    assert CARD not in texts("7")[0] and "My card is ‹CARD 1›" in texts("7")[0]


def test_one_alone_needs_no_list(crm: Program) -> None:
    assert crm.send(one(1)).json()["new"] == 1 and stored("1") is not None


def test_the_same_again_is_kept_once_and_a_change_is_a_revision(crm: Program) -> None:
    sent = [one(number) for number in range(3)]
    first, second = crm.send(sent).json(), crm.send(json.dumps(sent, indent=1).encode()).json()
    assert (first["new"], second["new"], second["unchanged"], second["ids"]) == (3, 0, 3, [])
    longer = sent[1] | {"messages": [*sent[1]["messages"], {"role": "customer", "text": "Thank you."}]}
    third = crm.send([sent[0], longer]).json()
    kept = stored("1")
    assert (third["updated"], third["unchanged"], third["messages"]) == (1, 1, 1)
    assert kept is not None and kept.revision == 2 and third["ids"] == [kept.id] and texts("1")[-1] == "Thank you."


BAD: dict[str, Any] = {
    "a number": 3, "a list": [one(1)], "nothing": None, "no messages": one(1, messages=[]), "another channel": one(1, channel="fax"),
    "no id": {key: value for key, value in one(1).items() if key != "id"}, "a team that is none": one(1, team="Nobody's"),
    "a rating of nine": one(1, csat=9), "a boss": one(1, messages=[{"role": "boss", "text": "x"}]),
}  # fmt: skip


def test_a_bad_one_never_spoils_the_rest(crm: Program) -> None:
    batch: list[Any] = []
    for number, bad in enumerate(BAD.values(), start=100):
        batch += [bad, one(number)]
    answer = crm.send(batch)
    told = answer.json()
    assert answer.status_code == 200 and told["new"] == len(BAD) and rows(Conversation) == len(BAD)
    assert [refusal["place"] for refusal in told["refused"]] == list(range(0, len(batch), 2))
    whys = dict(zip(BAD, (refusal["why"] for refusal in told["refused"]), strict=True))
    assert whys["a number"] == whys["a list"] == whys["nothing"] == "it is not an object"
    assert whys["a team that is none"] == "team: there is no team 'Nobody's'"
    assert "csat: Input should be less than or equal to 5" in whys["a rating of nine"] and "'boss' is not known" in whys["a boss"]


def test_where_nothing_is_left_it_is_a_422_with_a_sentence(crm: Program) -> None:
    for what, bad in BAD.items():
        answer = crm.send([bad])
        told = answer.json()
        assert answer.status_code == 422 and told["refused"][0]["place"] == 0, what
        assert told["detail"] == f"Nothing was stored: {told['refused'][0]['why']}"
        both = crm.send([bad, bad])
        assert both.status_code == 422 and both.json()["detail"].startswith("Nothing was stored: all 2 were refused. The first: "), what
    assert rows(Conversation) == rows(Message) == 0


def test_a_refusal_repeats_no_personal_data(crm: Program) -> None:
    answer = crm.send([one(1, team=f"Call jo.doe@example.org, {CARD}")])
    assert answer.status_code == 422 and "there is no team 'Call ‹EMAIL 1›, ‹CARD 1›'" in answer.json()["detail"]
    assert "jo.doe" not in answer.text and CARD not in answer.text and CARD.replace(" ", "") not in answer.text


def test_five_hundred_are_taken_and_one_more_is_not(crm: Program) -> None:
    batch = [one(number) for number in range(501)]
    answer = crm.send(batch)
    assert answer.status_code == 422 and rows(Conversation) == 0
    assert answer.json()["detail"] == "Nothing was stored: 500 at once are the most, these are 501. Send them in parts."
    assert crm.send(batch[:500]).json()["new"] == 500


BODIES = {
    "not JSON": b"{", "nothing": b"", "bytes": b"\xff\xfe\x00", "a word": b'"word"', "null": b"null", "an empty list": b"[]",
    "nested without end": b"[" * 100_000, "not a number": b'[{"id": NaN}]', "an endless number": b'[{"csat": 1e999}]',
    "half a character": b'[{"id": "\\ud800"}]', "a long number": b'[{"csat": ' + b"9" * 5000 + b"}]", "two of them": b"{}{}",
}  # fmt: skip


def test_a_body_that_is_none_is_refused_in_words(crm: Program) -> None:
    for what, body in BODIES.items():
        answer = crm.send(body)
        assert answer.status_code == 422 and answer.json()["detail"].startswith("Nothing was stored: "), (what, answer.text)
    assert rows(Conversation) == 0


TYPES = ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonl", "text/json",
         "application/json-seq", "application/json, text/plain", "application/octet-stream", "json"]  # fmt: skip


def test_nothing_but_json_is_read(crm: Program) -> None:
    for kind in TYPES:
        answer = crm.send([one(1)], **{"Content-Type": kind})
        assert answer.status_code == 415 and answer.json()["detail"].startswith("Not taken: the body is sent as application/json"), kind
    assert rows(Conversation) == rows(SignedRequest) == 0
    for number, kind in enumerate(("application/json", "Application/JSON", "application/json; charset=utf-8")):
        assert crm.send([one(number)], **{"Content-Type": kind}).status_code == 200, kind


# Sent again


@contextmanager
def nothing_can_be_stored() -> Iterator[None]:
    """The database takes the signature, and then no conversation."""
    fails = "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$"
    if store.is_sqlite():
        make, undo = ["CREATE TRIGGER fails BEFORE INSERT ON conversation BEGIN SELECT RAISE(ABORT, 'no'); END"], ["DROP TRIGGER fails"]
    else:
        make = [fails, "CREATE TRIGGER fails BEFORE INSERT ON conversation FOR EACH ROW EXECUTE FUNCTION fails()"]
        undo = ["DROP TRIGGER fails ON conversation", "DROP FUNCTION fails"]
    for statements in (make, undo):
        with store.engine().begin() as db:
            for statement in statements:
                db.exec_driver_sql(statement)
        if statements is make:
            yield


def test_what_was_not_kept_may_be_sent_again_as_it_is_and_then_not_once_more(crm: Program) -> None:
    body = json.dumps([one(1)]).encode()
    signed = {signatures.HEADER: signatures.sign(crm.secret, body)}
    with nothing_can_be_stored():
        assert crm.send(body, **signed).status_code == 500
    assert rows(Conversation) == rows(SignedRequest) == 0
    assert [crm.send(body, **signed).status_code for _ in range(3)] == [200, 401, 401]
    again = crm.send(body, **signed).json()["detail"]
    assert again == "Not taken: this very request came before. To send it again, sign it again a second later."
    assert rows(Conversation) == rows(SignedRequest) == 1


# The pace


def test_beyond_the_pace_a_program_is_told_when_to_come_again_and_another_is_not_slowed(
    client: TestClient, staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "pace", Pace(5))
    busy, other = program_of(client, staff.engineer), program_of(client, staff.engineer)
    came = [busy.send([one(number)]) for number in range(7)]
    assert [answer.status_code for answer in came] == [200] * 5 + [429] * 2
    assert came[5].json()["detail"].startswith("Not taken: 5 requests a minute are the most. Try again in ")
    assert 1 <= int(came[5].headers["Retry-After"]) <= 60
    assert rows(Conversation) == 5 and rows(SignedRequest) == 5
    assert other.send([one(6)]).status_code == 200
    assert busy.append(follow(1)).status_code == 429  # one pace for all that it sends


def test_six_hundred_a_minute_are_the_most() -> None:
    assert (ingest.A_MINUTE, ingest.pace.a_minute) == (600, 600)


# Messages that follow


def test_messages_are_added_to_a_conversation_that_was_sent_before(crm: Program) -> None:
    crm.send([one(1), one(2)])
    told = crm.append(follow(1), follow(2, role="rep", author="Rita", text=f"Is it {CARD}?"), follow(3, conversation="2")).json()
    assert (told["conversations"], told["messages"], told["updated"], told["redactions"], told["refused"]) == (2, 3, 2, 1, [])
    first, second = stored("1"), stored("2")
    assert first is not None and second is not None and told["ids"] == [first.id, second.id]
    assert texts("1")[2:] == ["And number 1.", "Is it ‹CARD 1›?"] and texts("2")[2:] == ["And number 3."]


def test_the_same_message_again_is_left_out_by_its_own_id(crm: Program) -> None:
    crm.send([one(1)])
    assert crm.append(follow(1), follow(1, text="Otherwise.")).json()["messages"] == 1  # twice in one request, too
    again = crm.append(follow(1)).json()
    assert (again["messages"], again["unchanged"], again["ids"]) == (0, 1, [])
    both = crm.append(follow(1), follow(2)).json()
    assert (both["messages"], both["updated"]) == (1, 1)
    assert texts("1")[2:] == ["And number 1.", "And number 2."]


def test_a_message_that_ten_send_at_once_is_kept_once(crm: Program) -> None:
    crm.send([one(1)])
    with ThreadPoolExecutor(10) as pool:
        came = list(pool.map(lambda number: crm.append(follow(1), follow(10 + number)), range(10)))
    assert {answer.status_code for answer in came} == {200}
    assert sorted(texts("1")[2:]) == sorted(["And number 1.", *(f"And number {10 + number}." for number in range(10))])


def test_a_conversation_that_nobody_knows_is_refused_by_place_and_the_rest_is_kept(crm: Program) -> None:
    crm.send([one(1)])
    messages = [follow(1, conversation="none"), follow(2), follow(3, source="another"), {"id": "x"}, 7, follow(4, id=None)]
    told = crm.append(*messages).json()
    assert told["messages"] == 1 and [refusal["place"] for refusal in told["refused"]] == [0, 2, 3, 4, 5]
    assert "there is no conversation 'none' of 'test' within your reach: send it first" in told["refused"][0]["why"]
    assert rows(Conversation) == 1 and texts("1")[2:] == ["And number 2."]
    alone = crm.append(follow(5, conversation="none"))
    assert alone.status_code == 422 and alone.json()["detail"].startswith("Nothing was stored: there is no conversation 'none'")


def test_a_message_that_followed_is_still_there_when_the_whole_is_sent_again(crm: Program) -> None:
    """A help desk that sends both: the message by itself, later the whole conversation with it in."""
    begun = one(1)
    crm.send([begun])
    crm.append(follow(1))
    whole = begun | {"messages": [*begun["messages"], {"id": "m1", "role": "customer", "text": "And number 1."}]}
    assert crm.send([whole]).json()["messages"] == 0
    assert texts("1")[2:] == ["And number 1."]


# Who


def test_only_who_may_and_a_token_for_it_send(client: TestClient, staff: Staff) -> None:
    for person, scopes in (
        (staff.engineer, ("read", "label")),
        (staff.rep, ("ingest",)),
        (staff.lead, ("ingest",)),
        (staff.admin, ("ingest",)),
    ):
        answer = program_of(client, person, scopes).send([one(1)])
        assert answer.status_code == 403 and answer.json()["detail"].startswith("Not done: "), person.role
    assert rows(Conversation) == 0
    assert program_of(client, staff.engineer, ("read", "ingest")).send([one(1)]).status_code == 200  # the control


def test_a_person_who_is_signed_in_needs_no_signature_and_another_site_sends_nothing(client: TestClient, staff: Staff) -> None:
    person = {"Cookie": f"portal_session={sessions.start(staff.engineer)}"}
    for origin in ("http://evil.example", "null"):
        assert client.post("/api/v1/conversations", json=[one(1)], headers=person | {"Origin": origin}).status_code == 403
    assert client.post("/api/v1/conversations", json=[one(1)], headers=person).status_code == 403 and rows(Conversation) == 0
    assert client.post("/api/v1/conversations", json=[one(1)], headers=person | {"Origin": "http://127.0.0.1"}).json()["new"] == 1


# The API's own description


def test_the_description_says_what_is_sent_and_what_comes_back(crm: Program) -> None:
    told = crm.client.get("/api/v1/openapi.json").json()
    bodies = {
        place: told["paths"][f"/v1/{place}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        for place in ("conversations", "messages")
    }
    each = bodies["conversations"]["items"]
    assert each["title"] == "CanonicalConversation" and {"id", "source", "channel", "messages"} == set(each["required"])
    assert each["properties"]["channel"]["enum"] == ["chat", "email", "voice"]
    assert each["properties"]["messages"]["items"]["properties"]["role"]["enum"][:2] == ["customer", "rep"]
    assert {"source", "conversation", "id", "role"} == set(bodies["messages"]["items"]["required"])
    assert bodies["messages"]["maxItems"] == 500
    answer = told["paths"]["/v1/messages"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert set(told["components"]["schemas"][answer.rpartition("/")[2]]["properties"]) == set(crm.send([one(1)]).json())
    refs = re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(told))
    assert refs and set(refs) <= set(told["components"]["schemas"])  # each leads somewhere


def test_the_page_has_a_heading_for_each_route_and_nothing_from_elsewhere(crm: Program) -> None:
    answer = crm.client.get("/api/v1/docs")
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
    told = crm.client.get("/api/v1/openapi.json").json()["paths"]
    headings = re.findall(r"<h2><code>(\w+ \S+)</code></h2>", answer.text)
    assert (
        headings == [f"{method.upper()} /api{path}" for path, methods in sorted(told.items()) for method in methods] and len(headings) > 10
    )
    assert "<script" not in answer.text and re.findall(r'(?:src|href)="(?!/)[^"]*"', answer.text) == []
    assert re.findall(r"\son\w+=|javascript:|style=", answer.text) == []
    assert (
        "default-src 'none'" in answer.headers["Content-Security-Policy"] and "script-src" not in answer.headers["Content-Security-Policy"]
    )
    assert "messages[].tool_call.arguments" in answer.text and "chat, email, voice" in answer.text


def test_the_page_is_for_who_is_signed_in(client: TestClient) -> None:
    for place in ("docs", "openapi.json"):
        answer = client.get(f"/api/v1/{place}")
        assert answer.status_code == 401 and "Sign in first" in answer.text
