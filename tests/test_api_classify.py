"""Classifiers over HTTP: a program asks a real portal, whatever it sends, and while versions go live and back."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import func, select

from classifiers import shipping, training
from data import people, releases, store, tokens, versions
from data.tables import Prediction, Vector, Version
from data.values import Target
from tests.conftest import SOAK, Staff, hire
from tests.server import inside, serving
from tests.test_classifiers_training import reviewed
from tests.test_evals_sets import NAMES, intents

TEXTS = ["Where is my order?", "I want my money back"]
ODD = {
    "empty": "", "spaces": " \n\t", "only emoji": "😀🎉", "one megabyte": "refund " * 142_857, "a NUL": "where is\0my order",
    "an escape": "\x1b[31mred", "a script": "<script>alert(1)</script>", "right to left": "\u202eredro", "one letter": "x",
}  # fmt: skip


@dataclass
class Shop:
    staff: Staff
    program: httpx.Client
    stranger: httpx.Client  # a token of another scope
    place: tuple[Path, str]
    log: Any
    labels: dict[str, str] = field(default_factory=dict)

    def ask(self, texts: Any, classifier: Any = "intent", **more: Any) -> httpx.Response:
        return self.program.post("/api/v1/classify", json={"classifier": classifier, "texts": texts, **more})

    def refused(self, texts: Any, classifier: Any = "intent", **more: Any) -> str:
        """The one sentence that was the answer."""
        answer = self.ask(texts, classifier, **more)
        assert answer.status_code == 422, answer.text
        told: str = answer.json()["detail"]
        assert told.endswith(".") and len(told) < 400 and "Traceback" not in told
        return told


@pytest.fixture(scope="module")
def shop(module_home: tuple[Path, str]) -> Iterator[Shop]:
    """Three versions of one classifier, of which the first is live, and another of which nothing is."""
    home, url = module_home
    with inside(home, url):
        staff = hire()
        reviewed(staff, range(1, 61))
        made = training.train(by=staff.rep)
        labels = intents(staff)
        with store.writing() as db:
            for name in ("intent", "intent", "language"):
                versions.add(db, "classifier", name, by=staff.rep, manifest=made.manifest, file_sha=made.file_sha)
            put_live(staff, 1)
        secrets = [tokens.issue("crm", [scope], staff.engineer, by=people.console()) for scope in ("classify", "read")]
    with serving(home, url) as server:
        programs = [server.browser(Authorization=f"Bearer {secret}") for secret in secrets]
        for program in programs:
            del program.headers["Origin"]  # no browser
        yield Shop(staff, *programs, (home, url), server.log, labels)


def put_live(staff: Staff, number: int) -> None:
    with store.writing() as db:
        shipping.put_live(db, Target("classifier", "intent", number), None, by=staff.lead)


def test_each_text_is_answered_with_the_version_that_answered(shop: Shop) -> None:
    told = shop.ask([*TEXTS, TEXTS[0]]).json()
    assert (told["classifier"], told["version"], len(told["results"])) == ("intent", 1, 3)
    first, second, again = told["results"]
    assert set(first) == {"label", "label_id", "confidence", "silent", "top", "also", "becomes"} and first == again != second
    for one in told["results"]:
        assert 0 < one["confidence"] <= 1 and len(one["top"]) == 3 and all(name in NAMES for name, _ in one["top"])
        assert one["silent"] == (one["label"] is None) == (one["label_id"] is None)
        assert one["label"] is None or (one["label"] == one["top"][0][0] and one["label_id"] == shop.labels[one["label"]])
        assert one["confidence"] == pytest.approx(one["top"][0][1], abs=1e-3)


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_text_is_answered(shop: Shop, kind: str) -> None:
    answer = shop.ask([ODD[kind], TEXTS[0]])
    assert answer.status_code == 200 and len(answer.json()["results"]) == 2
    assert answer.json()["results"][1] == shop.ask([TEXTS[0]]).json()["results"][0]  # the control: the one beside it is as alone


def test_five_hundred_equal_texts_are_answered_alike_and_one_more_is_refused(shop: Shop) -> None:
    results = shop.ask([TEXTS[0]] * 500).json()["results"]
    assert len(results) == 500 and all(one == results[0] for one in results)
    assert shop.refused([TEXTS[0]] * 501) == "Not classified: texts: List should have at most 500 items after validation, not 501."


def test_what_is_no_question_is_said_in_a_sentence(shop: Shop) -> None:
    assert "at least 1 item" in shop.refused([])
    assert "texts: Input should be a valid list" in shop.refused("Where is my order?")
    assert "texts.1: Input should be a valid string" in shop.refused(["fine", 7, None, {"a": 1}])
    assert "texts.0: String should have at most 1000000 characters" in shop.refused(["secret" * 200_000])
    assert "key: String should have at most 200 characters" in shop.refused(TEXTS, key="k" * 201)
    assert "key: Input should be a valid string" in shop.refused(TEXTS, key=7)
    assert "classifier: Input should be a valid string" in shop.refused(TEXTS, 7)
    assert shop.refused(TEXTS, "mood") == "Nothing was done: there is no classifier 'mood'. Those there are: intent, language."
    assert shop.refused(TEXTS, "language").startswith("Not classified: no version of 'language' is live yet. ")
    assert "no classifier 'a\0b'" in shop.refused(TEXTS, "a\0b")


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"[]", b"7", b"{", b'{"texts": ["x"]}', b'{"classifier": "intent", "texts": ["\\ud83d"]}', b"[" * 100_000,
     b'{"classifier": "intent", "texts": [NaN]}', b'{"classifier": "intent", "texts": ["\xed\xa0\x80"]}', b"9" * 5_000],
)  # fmt: skip
def test_a_body_of_another_kind_is_refused(shop: Shop, body: bytes) -> None:
    answer = shop.program.post("/api/v1/classify", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422 and answer.json()["detail"].startswith("Not classified: ")


def test_nothing_but_json_is_read_and_nothing_larger_than_the_door(shop: Shop) -> None:
    asked = json.dumps({"classifier": "intent", "texts": TEXTS})
    other = shop.program.post("/api/v1/classify", content=asked, headers={"Content-Type": "text/plain"})
    assert other.status_code == 415 and "application/json" in other.json()["detail"]
    whole = shop.ask(["x" * 999_999] * 21)
    assert whole.status_code == 413


def test_a_token_of_another_scope_and_nobody_hear_nothing(shop: Shop) -> None:
    for method, path in (("POST", "/api/v1/classify"), ("GET", "/api/v1/classifiers")):
        answer = shop.stranger.request(method, path, json={"texts": 7} if method == "POST" else None)
        assert answer.status_code == 403 and "this token is for read" in answer.json()["detail"]


def test_texts_are_neither_stored_nor_logged(shop: Shop) -> None:
    def rows() -> list[int]:
        with store.reading() as db:
            return [db.exec(select(func.count()).select_from(table)).one() for table in (Prediction, Vector, Version)]

    secret = "sevenhundredcanaries"
    with inside(*shop.place):
        before = rows()
    assert shop.ask([f"My order {secret} is late", secret]).status_code == 200
    shop.refused([f"{secret} fine", 7])
    assert shop.program.get("/api/v1/health").status_code == 200
    with inside(*shop.place):
        assert rows() == before
    home, _ = shop.place
    assert secret not in shop.log()
    assert [path.name for path in home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()] == []


def test_the_classifiers_are_listed_with_their_versions(shop: Shop) -> None:
    with inside(*shop.place):
        put_live(shop.staff, 2)
    intent, language = shop.program.get("/api/v1/classifiers").json()
    assert (intent["name"], intent["live"], language["name"], language["live"]) == ("intent", 2, "language", None)
    assert [(one["number"], one["stage"]) for one in intent["versions"]] == [(3, "candidate"), (2, "live"), (1, "was live")]
    newest = intent["versions"][0]
    assert newest["rows"] == newest["checked"] == 60 and 0.5 < newest["accuracy"] <= 1 and newest["at"].startswith("20")


def test_the_description_says_what_is_asked_and_answered(shop: Shop) -> None:
    told = shop.program.get("/api/v1/openapi.json").json()
    asked = told["paths"]["/v1/classify"]["post"]
    schema = asked["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["classifier", "texts"] and schema["properties"]["texts"]["maxItems"] == 500
    assert schema["properties"]["texts"]["items"]["maxLength"] == 1_000_000
    assert "neither stored nor logged" in asked["description"]
    results = told["components"]["schemas"]["Result"]["properties"]
    assert (
        set(results) == {"label", "label_id", "confidence", "silent", "top", "also", "becomes"}
        and "silent" in results["label"]["description"]
    )
    page = shop.program.get("/api/v1/docs").text
    assert "/api/v1/classify" in page and "<code>texts</code>" in page


# -- releases -----------------------------------------------------------------------------------------------------------------------------


def test_a_customer_is_answered_by_the_version_that_answers_for_them(shop: Shop) -> None:
    with inside(*shop.place), store.writing() as db:
        before = releases.live("classifier", "intent")
        assert before is not None
        coming = releases.begin(db, Target("classifier", "intent", 3), proposal_id=None, by_itself=False, by=shop.staff.lead)  # type: ignore[arg-type]
    keys = [f"customer {number}" for number in range(40)]
    assert {shop.ask(TEXTS, key=key).json()["version"] for key in keys[:5]} == {before.target_number}  # beside: its word counts nowhere
    with inside(*shop.place), store.writing() as db:
        coming = releases.widen(db, db.merge(coming), 30, why="It holds.", by=shop.staff.lead)
    said = {key: shop.ask(TEXTS, key=key).json()["version"] for key in keys}
    assert said == {key: 3 if releases.answers_for(coming, key) else before.target_number for key in keys}
    assert set(said.values()) == {3, before.target_number}
    assert shop.ask(TEXTS).json()["version"] == shop.ask(TEXTS, key="").json()["version"] == before.target_number
    with inside(*shop.place), store.writing() as db:
        releases.stop(db, db.merge(coming), why="Enough.", by=shop.staff.lead)


@dataclass(frozen=True)
class Flip:
    """A version that went live, between two moments of this process's clock."""

    began: float
    ended: float
    number: int


@dataclass(frozen=True)
class Asked:
    began: float
    ended: float
    status: int
    number: int | None


def could_answer(flips: list[Flip], asked: Asked) -> set[int]:
    """The versions that were live at some moment of the request."""
    following = [*flips[1:], Flip(float("inf"), float("inf"), 0)]
    return {one.number for one, after in zip(flips, following, strict=True) if one.began <= asked.ended and asked.began <= after.ended}


def test_while_versions_go_live_and_back_no_request_is_dropped(shop: Shop) -> None:
    rounds, over = (40 if SOAK else 8), threading.Event()

    def keep_asking(number: int) -> list[Asked]:
        made = []
        with httpx.Client(base_url=shop.program.base_url, headers=shop.program.headers, timeout=30) as program:
            while not over.is_set():
                began = time.monotonic()
                answer = program.post("/api/v1/classify", json={"classifier": "intent", "texts": [f"{TEXTS[0]} {number}"]})
                told = answer.json()["version"] if answer.status_code == 200 else None
                made.append(Asked(began, time.monotonic(), answer.status_code, told))
        return made

    def flip(number: int, place: int) -> Flip:
        began = time.monotonic()
        if place % 2 and number != 3:
            shipping.roll_back(Target("classifier", "intent", number), why="It harms.", by=shop.staff.lead)
        else:
            put_live(shop.staff, number)
        return Flip(began, time.monotonic(), number)

    with ThreadPoolExecutor(3) as pool, inside(*shop.place):
        live = releases.live("classifier", "intent")
        assert live is not None
        flips = [Flip(0.0, 0.0, live.target_number)]
        asking = [pool.submit(keep_asking, number) for number in range(3)]
        try:
            for place in range(rounds):
                flips.append(flip(flips[-1].number % 3 + 1, place))
                assert shop.ask(TEXTS).json()["version"] == flips[-1].number  # after the flip it is the new one that answers
        finally:
            over.set()
        asked = [one for made in asking for one in made.result()]
    assert len(asked) > rounds and {one.status for one in asked} == {200}
    assert [one for one in asked if one.number not in could_answer(flips, one)] == []
    assert {one.number for one in asked} == {1, 2, 3}
    assert [one for one in asked if one.number not in could_answer([*flips[:3]], one)] != []  # the control: the check can fail
