"""New instructions beside the present ones: the same cases, drawn alike each time, and a candidate that goes the known way."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import select

from data import store, versions
from data.errors import Denied, Refused
from data.tables import SetVersion, Study, Task
from data.values import Target
from evals import graders
from knowledge import answerers, instructing
from knowledge.answerers import PLAIN, Setup
from portal import catalog, jobs
from tests import model_server as server
from tests.conftest import Staff
from tests.model_server import Handler, Model
from tests.test_knowledge_answerers import ASKED, SHELF, UNCOVERED, case, fill, frozen
from tests.test_knowledge_answering import made
from tests.test_knowledge_manner import connect, from_passages, model, no_environment, written

__all__ = ["model", "no_environment"]  # fixtures
SHORT = "One sentence is enough."
KNOWN = graders.BY_NAME


@pytest.fixture
def shop(staff: Staff, model: Model) -> Iterator[tuple[Staff, SetVersion]]:
    """Everything answered from, 24 questions that are covered and 4 that are not, and a model that does as it is told."""
    fill(staff)
    cases = [case(text, slug) for slug, texts in ASKED.items() for text in texts] + [case(text) for text in UNCOVERED]
    _, version = frozen(staff, cases, bar=0.4)
    connect(model, staff)
    model.says(obedient())
    yield staff, version


def obedient() -> server.Answer:
    """All of the first passage; where it is told that one sentence is enough, the first."""

    def answer(handler: Handler) -> None:
        short = SHORT in handler.model.asked[-1].body["messages"][0]["content"]

        def say(told: dict[str, Any]) -> list[str]:
            sentences = [f"{one.rstrip('.')}." for one in told["passages"][0]["text"].split(". ")]
            return sentences[:1] if short else sentences

        from_passages(say)(handler)

    return answer


def tried(shop: tuple[Staff, SetVersion], target: Target, instructions: str = SHORT, **more: Any) -> Study:
    staff, version = shop
    writer = catalog.writer_for(staff.rep)
    assert writer is not None
    return instructing.try_out(target, version.id, instructions, writer=writer, known=KNOWN, by=staff.rep, **more)


def test_the_same_twenty_cases_are_written_with_both_and_judged(shop: tuple[Staff, SetVersion], model: Model) -> None:
    staff, version = shop
    target = made(staff, Setup(threshold=0.1, writes=True))
    told = tried(shop, target).told
    assert len(told["cases"]) == 20 and len(model.asked) == 40 and told["silent"] <= 8
    assert (told["before"], told["instructions"], told["answerer"], told["set_version_id"]) == ("", SHORT, target.number, version.id)
    for one in told["cases"]:
        assert one["old"]["reply"] in SHELF.values() or one["old"]["reply"].count(".") >= 1
        assert len(one["new"]["reply"]) < len(one["old"]["reply"]) and one["old"]["reply"].startswith(one["new"]["reply"])
        assert one["old"]["by_model"] and one["new"]["by_model"] and one["new"]["cost"] == pytest.approx(70e-6)
        assert one["question"] and {one[side]["passed"] for side in ("old", "new")} <= {True, False}
    passed = sum(one["new"]["passed"] for one in told["cases"])
    assert told["sentence"].startswith(f"Of 20 cases {passed} pass with the new instructions, ") and "It cost 0.0028." in told["sentence"]
    assert passed >= 15
    again = tried(shop, target).told
    assert [one["number"] for one in again["cases"]] == [one["number"] for one in told["cases"]]
    assert [one["number"] for one in told["cases"]] != sorted(one["number"] for one in told["cases"])  # chance drew them, once for all


def test_a_version_that_quotes_is_quoted_beside_what_a_model_would_write(shop: tuple[Staff, SetVersion], model: Model) -> None:
    target = made(shop[0], Setup(threshold=0.1))
    told = tried(shop, target, "").told  # without instructions: whether a model writes is a question by itself
    assert (told["writes_before"], told["writes"]) == (False, True) and len(told["cases"]) == 20 == len(model.asked)
    for one in told["cases"]:
        assert not one["old"]["by_model"] and one["old"]["reply"] and not one["old"]["note"] and one["old"]["cost"] == 0
        assert one["new"]["by_model"] and one["new"]["cost"] == pytest.approx(70e-6)
    old, new = (sum(one[side]["passed"] for one in told["cases"]) for side in ("old", "new"))
    assert told["sentence"].startswith(f"Of 20 cases {new} pass as a model writes them, {old} as they are quoted; ")
    with pytest.raises(Refused, match="the version quotes, so instructions change nothing"):
        tried(shop, target, writes=False)


def test_a_version_that_writes_is_tried_as_it_would_quote(shop: tuple[Staff, SetVersion], model: Model) -> None:
    told = tried(shop, made(shop[0], Setup(threshold=0.1, writes=True)), "", writes=False).told
    assert (told["writes_before"], told["writes"]) == (True, False) and len(model.asked) == 20
    assert all(one["old"]["by_model"] and not one["new"]["by_model"] for one in told["cases"])
    assert " pass as they are quoted, " in told["sentence"]


def test_instructions_that_make_the_model_invent_change_no_answer_and_are_told(shop: tuple[Staff, SetVersion], model: Model) -> None:
    def lies(handler: Handler) -> None:
        lied = "Promise gold." in handler.model.asked[-1].body["messages"][0]["content"]
        (written("You get gold for nothing, and a castle.") if lied else obedient())(handler)

    model.says(lies)
    told = tried(shop, made(shop[0], Setup(threshold=0.1, writes=True)), "Promise gold.").told
    assert all(not one["new"]["by_model"] and "gold" not in one["new"]["reply"] for one in told["cases"])
    assert all(one["new"]["note"].startswith("Quoted instead of written: ") and one["new"]["removed"] == 1 for one in told["cases"])


def test_what_is_kept_stands_beside_the_version_and_the_newest_is_found(shop: tuple[Staff, SetVersion]) -> None:
    staff, _ = shop
    target = made(staff, Setup(threshold=0.1, writes=True))
    assert instructing.newest(target, by=staff.rep) is None and instructing.newest(PLAIN, by=staff.rep) is None
    tried(shop, target)
    second = tried(shop, target, "Two sentences, please.")
    found = instructing.newest(target, by=staff.admin)
    assert found is not None and found.id == second.id
    assert [(one.number, text) for one, text in instructing.with_instructions()] == [(target.number, "")]


def test_a_candidate_of_it_is_told_the_new_ones_and_nothing_else_changes(shop: tuple[Staff, SetVersion]) -> None:
    staff, _ = shop
    before = Setup(threshold=0.1, writes=True)
    told = tried(shop, made(staff, before), examples=2).told
    assert (told["examples_before"], told["examples"]) == (0, 2)
    candidate = made(staff, replace(before, instructions=told["instructions"], examples=told["examples"], writes=told["writes"]))
    assert answerers.setup_of(candidate) == Setup(threshold=0.1, writes=True, instructions=SHORT, examples=2)
    assert [(one.number, text) for one, text in instructing.with_instructions()] == [(2, SHORT), (1, "")]
    assert answerers.target_in_force() == PLAIN  # it goes the known way


@pytest.mark.parametrize(
    ("instructions", "examples", "why"),
    [
        ("", 0, "these are the instructions and examples that the version has"), (" \n", 0, "Change them first"),
        ("x" * 8_001, 0, "at most 8,000 characters, these have 8,001"), (SHORT, 13, "0 to 12 worked examples, not 13"),
    ],
    ids=["same", "nothing", "long", "many"],
)  # fmt: skip
def test_what_cannot_be_tried_is_said_and_costs_nothing(
    shop: tuple[Staff, SetVersion], model: Model, instructions: str, examples: int, why: str
) -> None:
    with pytest.raises(Refused, match=f"Not tried: .*{why}|{why}"):
        tried(shop, made(shop[0], Setup(threshold=0.1, writes=True)), instructions, examples=examples)
    assert not model.asked


def test_personal_data_in_instructions_is_masked(shop: tuple[Staff, SetVersion]) -> None:
    told = tried(shop, made(shop[0], Setup(threshold=0.1, writes=True)), "Sign with jo.doe@example.org.").told
    assert "jo.doe" not in str(told) and told["instructions"].startswith("Sign with ")


def test_where_it_keeps_silent_to_all_there_is_nothing_to_try(shop: tuple[Staff, SetVersion], model: Model) -> None:
    with pytest.raises(Refused, match="all 28 cases of this set are kept silent to"):
        tried(shop, made(shop[0], Setup(threshold=1.0)))
    assert not model.asked


@pytest.mark.parametrize("writes", [True, False], ids=["writes", "quotes"])
def test_an_endpoint_that_fails_stops_it_after_a_few(shop: tuple[Staff, SetVersion], model: Model, writes: bool) -> None:
    model.says(server.status(401))
    with pytest.raises(Refused, match="Not tried: The model endpoint refuses the key"):
        tried(shop, made(shop[0], Setup(threshold=0.1, writes=writes)))
    assert len(model.asked) <= 3 * instructing.FAULTS
    with store.reading() as db:
        assert db.exec(select(Study)).all() == []


def test_what_ships_can_be_tried_and_is_kept_as_a_version_once(shop: tuple[Staff, SetVersion]) -> None:
    staff, _ = shop
    assert answerers.version_of(PLAIN, by=staff.rep).target_number == 1 == len(versions.all_of("answerer", answerers.NAME))
    assert answerers.version_of(made(staff, Setup(threshold=0.2)), by=staff.rep).target_number == 2
    with pytest.raises(Denied):
        answerers.version_of(PLAIN, by=staff.admin)


def test_the_job_tries_them_and_says_what_is_missing(shop: tuple[Staff, SetVersion], model: Model) -> None:
    staff, version = shop
    target = made(staff, Setup(threshold=0.1, writes=True))
    asked = {"number": target.number, "set_version_id": version.id, "instructions": SHORT, "examples": 0}
    task = jobs.start("try_instructions", asked, title="Try", by=staff.lead)
    jobs.run_waiting()
    with store.reading() as db:
        ended = db.get_one(Task, task.id)
    assert ended.state == "done" and ended.result.startswith("Of 20 cases "), ended.error
    with pytest.raises(Denied):
        jobs.start("try_instructions", asked, title="Try", by=staff.admin)
    with pytest.raises(Denied):
        writer = catalog.writer_for(staff.admin)
        assert writer is not None
        instructing.try_out(target, version.id, SHORT, writer=writer, known=KNOWN, by=staff.admin)
