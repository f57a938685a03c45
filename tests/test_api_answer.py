"""Answers over HTTP: a program asks a real portal for its customers, whatever it sends."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import col, select

from automations import mandates
from data import people, settings, store, tokens
from data.tables import Trace
from data.values import LIVE
from portal import api_answer
from portal.api import api
from tests import model_server
from tests.conftest import Staff, hire
from tests.model_server import Model
from tests.server import eventually, inside, serving
from tests.test_knowledge_answerers import SHELF, fill
from tests.test_knowledge_answering import GOODWILL, VOUCHER, publish, speak
from tests.test_knowledge_manner import SAID, connect, written

PATH = "/api/v1/answer"
QUESTION = "How many working days does a parcel take abroad?"
KEYS = {"answerer", "declined", "why", "reply", "sentences", "sources", "confidence", "written", "note", "proposal", "policy"}


@dataclass
class Shop:
    staff: Staff
    program: httpx.Client
    stranger: httpx.Client  # a token of another scope
    nobody: httpx.Client
    place: tuple[Path, str]
    log: Any

    def ask(self, **asked: Any) -> dict[str, Any]:
        answer = self.program.post(PATH, json=asked)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        assert set(told) == KEYS
        return told

    def refused(self, body: Any) -> str:
        """The one sentence that was the answer."""
        answer = self.program.post(PATH, json=body)
        assert answer.status_code == 422, answer.text
        told: str = answer.json()["detail"]
        assert told.startswith("Not answered: ") and told.endswith(".") and len(told) < 400
        return told


@pytest.fixture(scope="module")
def shop(module_home: tuple[Path, str]) -> Iterator[Shop]:
    home, url = module_home
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "PORTAL_MODEL"):
            patch.delenv(name, raising=False)
        yield from opened(home, url)


def opened(home: Path, url: str) -> Iterator[Shop]:
    with inside(home, url):
        staff = hire()
        fill(staff)
        publish(staff, "Goodwill", GOODWILL, audience="staff")
        speak(staff)
        secrets = [tokens.issue("shop", [scope], staff.engineer, by=people.console()) for scope in ("answer", "read")]
    with serving(home, url) as server:
        programs = [server.browser(Authorization=f"Bearer {secret}") for secret in secrets]
        for program in programs:
            del program.headers["Origin"]  # no browser
        yield Shop(staff, *programs, server.browser(), (home, url), server.log)


def test_a_question_is_answered_with_its_sources(shop: Shop) -> None:
    told = shop.ask(question=QUESTION)
    assert (told["answerer"], told["declined"], told["reply"]) == (1, False, SHELF["Delivery times"])
    assert [one["text"] for one in told["sentences"]] == [f"{one.rstrip('.')}." for one in SHELF["Delivery times"].split(". ")]
    (source,) = told["sources"]
    assert set(source) == {"article", "number", "title", "heading", "quote"} and (source["article"], source["number"]) == (
        "delivery-times",
        1,
    )
    assert source["quote"] in SHELF["Delivery times"] and 0 < told["confidence"] <= 1


def test_a_conversation_is_answered_at_its_end(shop: Shop) -> None:
    said = [("customer", "Can a plant be sent back?"), ("rep", "Yes."), ("assistant", "Anything else?"), ("customer", QUESTION)]
    told = shop.ask(messages=[{"role": role, "text": text} for role, text in said])
    assert told["sources"][0]["article"] == "delivery-times"
    assert shop.ask(question=QUESTION, key="customer 7")["reply"] == shop.ask(question=QUESTION, key="customer 7")["reply"]


@pytest.mark.parametrize("question", ["What is the capital of Peru?", "?", "😀", "\u202eabc", "x" * 20_000, "<script>alert(1)</script>"])
def test_what_nothing_covers_is_declined_and_that_is_no_error(shop: Shop, question: str) -> None:
    told = shop.ask(question=question)
    assert told["declined"] and (told["reply"], told["sentences"], told["sources"]) == ("", [], []) and told["why"].endswith(".")


def test_what_is_for_staff_is_told_to_no_program(shop: Shop) -> None:
    for asked in ({"question": VOUCHER}, {"question": GOODWILL}, {"messages": [{"role": "customer", "text": VOUCHER}]}):
        told = shop.ask(**asked)
        assert "oodwill" not in json.dumps(told) and "15 euros" not in json.dumps(told)
    with inside(*shop.place):
        from knowledge import answering

        said = answering.ask(VOUCHER, by=shop.staff.rep).said  # the control
    assert said is not None and said["reply"] == GOODWILL


@contextmanager
def policy(shop: Shop, **may: str) -> Iterator[None]:
    """For what no classifier recognised, and here none is live."""
    with inside(*shop.place):
        for name, said in may.items():
            mandates.tighten(KEYS_OF[name], mandates.line(said), why="It takes a person.", by=shop.staff.rep)
    try:
        yield
    finally:
        with inside(*shop.place), store.writing() as db:
            settings.put(db, mandates.NAME, {}, by=shop.staff.admin)


KEYS_OF = {"unknown": mandates.UNKNOWN, "others": mandates.OTHERS}


def test_what_the_policy_leaves_to_people_is_declined_and_what_it_has_proposed_is_marked_so(shop: Shop) -> None:
    with policy(shop, unknown=mandates.PROPOSE):
        told = shop.ask(question=QUESTION)
        assert (
            told["proposal"] and not told["declined"] and told["reply"] == SHELF["Delivery times"]
        )  # who reads no new field sees the same
        assert told["policy"] == "A conversation without a recognised intent is proposed by machines and decided by people."
    with policy(shop, unknown=mandates.NEVER):
        for asked in (
            {"question": QUESTION},
            {"question": QUESTION, "write": True},
            {"messages": [{"role": "customer", "text": QUESTION}]},
        ):
            told = shop.ask(**asked)
            assert told["declined"] and told["proposal"] and (told["reply"], told["sentences"], told["sources"]) == ("", [], [])
            assert told["why"] == "A conversation without a recognised intent is left to people by the policy."
    with policy(shop, others=mandates.NEVER):  # said of other intents: no classifier is live, so none was recognised
        assert not shop.ask(question=QUESTION)["declined"]
    told = shop.ask(question=QUESTION)  # the control
    assert (told["declined"], told["proposal"], told["policy"]) == (False, False, "") and told["reply"] == SHELF["Delivery times"]


def test_only_a_token_for_it_is_heard(shop: Shop) -> None:
    told = shop.stranger.post(PATH, json={"question": 7})
    assert told.status_code == 403 and "this token is for read" in told.json()["detail"]
    for headers in ({}, {"Authorization": "Bearer nothing"}):
        assert shop.nobody.post(PATH, json={"question": QUESTION}, headers=headers).status_code == 401
    assert shop.program.get(PATH).status_code in (404, 405)
    assert shop.program.get("/api/v1/classifiers").status_code == 403  # it is for nothing else


def test_nothing_but_json_is_read(shop: Shop) -> None:
    for kind in ("text/plain", "multipart/form-data", "application/x-www-form-urlencoded", ""):
        answer = shop.program.post(PATH, content=json.dumps({"question": QUESTION}), headers={"Content-Type": kind})
        assert answer.status_code == 415 and "application/json" in answer.json()["detail"], kind


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"[]", b"7", b"null", b"{", b'{"question": "\\ud83d"}', b"[" * 100_000, b'{"question": NaN}', b'{"question": 7}',
     b'{"question": "\xed\xa0\x80"}', b'{"question": "a", "question": "b", "messages": 7}', b"9" * 5_000],
)  # fmt: skip
def test_a_body_of_another_kind_is_refused(shop: Shop, body: bytes) -> None:
    answer = shop.program.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422 and answer.json()["detail"].startswith("Not answered: ")


def test_what_is_no_question_is_said_in_a_sentence(shop: Shop) -> None:
    message = {"role": "customer", "text": "Hello"}
    for both in ({}, {"question": " "}, {"question": "a", "messages": [message]}, {"messages": []}):
        assert "give either a question or messages" in shop.refused(both)
    assert "question: String should have at most 20000 characters" in shop.refused({"question": "x" * 20_001})
    assert "messages: List should have at most 200 items" in shop.refused({"messages": [message] * 201})
    assert "messages.0.text: String should have at most 20000" in shop.refused(
        {"messages": [{"role": "customer", "text": "secret" * 4_000}]}
    )
    assert "messages.0.role: Input should be 'customer', 'rep' or 'assistant'" in shop.refused(
        {"messages": [{**message, "role": "system"}]}
    )
    assert "messages.0.text" in shop.refused({"messages": [{"role": "customer"}]})
    assert "key: String should have at most 200 characters" in shop.refused({"question": "a", "key": "k" * 201})


def test_what_was_asked_is_kept_masked_and_never_logged(shop: Shop) -> None:
    told = shop.ask(question="My card 4111 1111 1111 1111 and sevenhundredcanaries, who pays?")
    shop.refused({"question": ["sevenhundredcanaries"]})
    assert "sevenhundredcanaries" not in shop.log() and "4111" not in json.dumps(told)
    with inside(*shop.place), store.reading() as db:
        trace = db.exec(select(Trace).where(Trace.mode == LIVE).order_by(col(Trace.at).desc())).first()
    assert trace is not None and trace.said is not None and "4111" not in json.dumps(trace.said)
    assert "sevenhundredcanaries" in trace.said["question"]  # what nothing covers becomes a gap


def test_where_no_model_is_set_it_is_quoted_and_a_sentence_says_so(shop: Shop) -> None:
    told = shop.ask(question=QUESTION, write=True)
    assert not told["written"] and told["reply"] == SHELF["Delivery times"] and told["note"] == "Quoted: no model endpoint is set."
    assert shop.ask(question=QUESTION)["note"] == ""
    assert "write: Input should be a valid boolean" in shop.refused({"question": QUESTION, "write": "yes"})


@pytest.fixture(scope="module")
def model(shop: Shop) -> Iterator[Model]:
    """From here on the portal has an endpoint: a model that answered there is not asked at another address."""
    with model_server.running(written(SAID, "Everything is free.")) as running:
        with inside(*shop.place):
            connect(running, shop.staff, timeout=30, at_once=64)
        yield running


def test_while_the_version_in_force_quotes_no_model_is_asked_and_a_sentence_says_so(shop: Shop, model: Model) -> None:
    told = shop.ask(question=QUESTION, write=True)
    assert not told["written"] and told["reply"] == SHELF["Delivery times"] and not model.asked
    assert told["note"] == "Quoted: the version in force quotes word for word. A lead releases one that writes, on the page Ladder."
    assert shop.ask(question=QUESTION)["note"] == "" == shop.ask(question="What is the capital of Peru?", write=True)["note"]


@pytest.fixture(scope="module")
def writing(shop: Shop, model: Model) -> Model:
    """From here on a version that has the model write is in force."""
    with inside(*shop.place):
        speak(shop.staff, writes=True)
    return model


def test_a_model_writes_where_the_program_asks_for_it(shop: Shop, writing: Model) -> None:
    model = writing
    assert not shop.ask(question=QUESTION)["written"] and not model.asked  # the control: it did not ask for it
    told = shop.ask(question=QUESTION, write=True)
    assert (told["written"], told["reply"], told["declined"]) == (True, SAID, False)
    assert told["note"] == "Written from 'Delivery times'. 1 of its 2 sentences had no source and was taken out."
    assert told["sources"][0]["quote"] in SHELF["Delivery times"] and "Everything" not in json.dumps(told)
    assert shop.ask(question="What is the capital of Peru?", write=True)["declined"] and len(model.asked) == 1
    assert all(shop.ask(question=QUESTION, write=True)["written"] for _ in range(api_answer.AT_ONCE + 1))  # each gives its place back


def test_where_too_many_wait_for_the_model_the_others_are_quoted_at_once(shop: Shop, writing: Model) -> None:
    model = writing
    model.says(model_server.hang)
    with ThreadPoolExecutor(api_answer.AT_ONCE) as pool:
        waiting = [pool.submit(shop.ask, question=QUESTION, write=True) for _ in range(api_answer.AT_ONCE)]
        eventually(lambda: len(model.asked) == api_answer.AT_ONCE, "all of them reached the model")
        told = shop.ask(question=QUESTION, write=True)
        assert told["note"].startswith("Quoted: 8 answers are being written at this moment") and told["reply"] == SHELF["Delivery times"]
        model.says(model_server.status(401))
        model.over.set()
        refused = [one.result() for one in waiting]
    assert not any(one["written"] for one in refused) and {one["reply"] for one in refused} == {SHELF["Delivery times"]}
    assert all(one["note"].startswith("Quoted instead of written: The model endpoint ") for one in refused)


def test_it_is_described_in_one_piece() -> None:
    told = api.openapi()["paths"]["/v1/answer"]["post"]
    schema = told["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["properties"]) == {"question", "messages", "key", "write"} and "$ref" not in json.dumps(schema)
