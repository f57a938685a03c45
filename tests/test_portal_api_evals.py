"""CI over HTTP: a program reads what is asked, sends what its target said, and hears the verdict and the gate."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlmodel import select

from data import people, store, tokens
from data.tables import Version
from evals import changes, freezing, graders, sets
from evals.cases import NewCase
from tests.conftest import hire
from tests.server import inside, serving

SECRET = "A-17-OAK"  # what is expected; nobody who answers may see it


@dataclass
class Ci:
    program: httpx.Client
    stranger: httpx.Client  # a token of another scope
    set_id: str
    keys: list[str]
    place: tuple[Path, str]

    def send(self, right: int, name: str = "answers", against: str = "") -> httpx.Response:
        """The first so many are right."""
        lines = [{"key": key, "reply": f"It is {SECRET}." if place < right else "No idea."} for place, key in enumerate(self.keys)]
        return self.send_lines("\n".join(map(json.dumps, lines)), name, against)

    def send_lines(self, body: str, name: str = "answers", against: str = "") -> httpx.Response:
        asked = {"name": name, "against": against} if against else {"name": name}
        return self.program.post(f"/api/v1/eval-sets/{self.set_id}/runs", params=asked, content=body.encode())


@pytest.fixture(scope="module")
def ci(module_home: tuple[Path, str]) -> Iterator[Ci]:
    home, url = module_home
    with inside(home, url):
        staff = hire()
        eval_set = sets.create("Answers", purpose="answer", bar=0.5, by=staff.lead)
        new = [
            NewCase(
                ({"role": "customer", "text": f"Which shelf is parcel {number} on?"}, {"role": "rep", "text": f"It is {SECRET}."}),
                {"facts": {"must": [SECRET]}}, ("contains",), slices={"channel": "chat", "intent": SECRET, "kind": "strong"},
            )
            for number in range(24)
        ]  # fmt: skip
        changes.add(eval_set.id, new, known=graders.BY_NAME, by=staff.lead)
        version = freezing.freeze(eval_set.id, by=staff.lead)
        keys = [case.key for case in sets.cases(version.id)]
        secrets = [tokens.issue("ci", [scope], staff.engineer, by=people.console()) for scope in ("eval", "read")]
    with serving(home, url) as server:
        programs = [server.browser(Authorization=f"Bearer {secret}") for secret in secrets]
        for program in programs:
            del program.headers["Origin"]  # no browser
        yield Ci(*programs, eval_set.id, keys, (home, url))


def test_a_program_reads_what_is_asked_and_never_what_is_expected(ci: Ci) -> None:
    (found,) = ci.program.get("/api/v1/eval-sets").json()
    assert (found["id"], found["name"], found["version"], found["cases"], found["bar"]) == (ci.set_id, "Answers", 1, 24, 0.5)
    answer = ci.program.get(f"/api/v1/eval-sets/{ci.set_id}/cases")
    assert SECRET not in answer.text and len(answer.json()["cases"]) == answer.json()["all"] == 24
    assert answer.json()["cases"][0]["slices"] == {"channel": "chat"}  # an intent or a verdict would tell what is right
    assert {case["key"] for case in answer.json()["cases"]} == set(ci.keys)
    assert answer.json()["cases"][0]["messages"][-1]["text"].startswith("Which shelf is parcel")
    with inside(*ci.place):  # the control: the case itself does hold it
        assert SECRET in json.dumps(sets.cases(sets.latest(ci.set_id).id)[0].input)  # type: ignore[union-attr]


def test_what_a_target_said_is_judged_compared_and_told_whether_it_may_go_out(ci: Ci) -> None:
    before = ci.send(10).json()
    assert (before["cases"], before["passed"], before["gate"]["open"]) == (24, 10, False)
    assert "the bar is 50" in before["gate"]["why"] and "comparison" not in before
    after = ci.send(22, against=before["run"]).json()
    assert (after["passed"], after["gate"]["open"], after["gate"]["why"]) == (22, True, "")
    assert after["comparison"]["verdict"] == "better" and after["comparison"]["fixed"] == 12
    worse = ci.send(9, against=after["run"]).json()
    assert worse["comparison"]["verdict"] == "worse" and not worse["gate"]["open"]
    told = ci.program.get(f"/api/v1/runs/{after['run']}").json()
    assert (told["set"], told["version"], len(told["failed"])) == ("Answers", 1, 2)


def test_the_same_outputs_again_are_the_run_that_there_is(ci: Ci) -> None:
    first, again, other = (ci.send(right, "drafts").json() for right in (12, 12, 13))
    assert first["run"] == again["run"] != other["run"]
    assert (first["target"], other["target"]) == ("drafts 1", "drafts 2")


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ("", 422, "no line"), ("not JSON", 422, "line 1 cannot be understood"), ('{"reply": "Hello"}', 422, "needs a key or a case"),
        ('{"key": "a", "reply": "x"}\n{"key": "a", "reply": "y"}', 422, "a second time"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_and_kept_nowhere(ci: Ci, body: str, status: int, told: str) -> None:
    answer = ci.send_lines(body, "broken")
    assert answer.status_code == status and told in answer.json()["detail"]
    with inside(*ci.place), store.reading() as db:
        assert db.exec(select(Version).where(Version.target_name == "broken")).first() is None


def test_a_missing_answer_is_no_pass_and_a_wrong_address_is_said(ci: Ci) -> None:
    one = ci.send_lines(json.dumps({"key": ci.keys[0], "reply": f"It is {SECRET}."})).json()
    assert (one["cases"], one["passed"]) == (24, 1)
    assert ci.send(5, against="nothing").status_code == 404
    assert ci.program.get("/api/v1/eval-sets/nothing/cases").status_code == 404
    assert ci.program.get("/api/v1/runs/nothing").status_code == 404


def test_a_token_of_another_scope_may_not(ci: Ci) -> None:
    address = f"/api/v1/eval-sets/{ci.set_id}"
    assert ci.stranger.get(f"{address}/cases").status_code == 403
    assert ci.stranger.post(f"{address}/runs", params={"name": "x"}, content=b"{}").status_code == 403
    assert ci.program.get(f"{address}/cases").status_code == 200  # the control
