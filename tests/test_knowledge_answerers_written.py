"""Whether a model writes is part of a version: an endpoint alone changes no answer, and each version is measured as it answers."""

from typing import Any

import pytest
from sqlmodel import col, select

from data import config, store, tasks, versions
from data.errors import Refused
from data.tables import Trace
from data.values import LIVE, SHADOW
from evals import graders
from knowledge import ANSWERER, answerers, answering
from knowledge.answerers import PLAIN, Setup
from portal import catalog, jobs
from tests.conftest import Staff
from tests.model_server import KEY, Model
from tests.test_knowledge_answerers import case, frozen
from tests.test_knowledge_answering import DELIVERY, PERU, QUESTION, comes, made, publish, speak, under_way
from tests.test_knowledge_manner import BREEZY, SAID, connect, model, no_environment, said_of
from tests.test_portal_cli import run

__all__ = ["model", "no_environment", "run"]  # fixtures
KNOWN = graders.BY_NAME
ASKED = [{"role": "customer", "text": QUESTION}]


def everything_said(staff: Staff, number: int) -> set[str]:
    """To a colleague, to a program and to what comes in, each as it stands once every model had its turn."""
    writer = catalog.writer_for(staff.rep)
    own = answering.ask(QUESTION, by=staff.rep)
    jobs.start("write_answer", {"trace_id": own.id}, title="Write the answer", by=staff.rep)
    conversation_id = comes(staff, QUESTION, number=number)
    with store.writing() as db:
        tasks.later(db, "suggest", {"conversation_ids": [conversation_id]}, title="Suggest replies", by=None)
    jobs.run_waiting()
    found = [
        answering.standing(own.id, by=staff.rep), answering.ask(QUESTION, by=staff.rep, writer=writer),
        answering.for_customer(ASKED, by=staff.engineer, writer=writer), answering.suggested(conversation_id, by=staff.rep),
    ]  # fmt: skip
    return {said_of(one)["reply"] for one in found if one}


# -- only a release changes how answers are made ------------------------------------------------------------------------------------------


def test_an_endpoint_that_is_approved_changes_nothing_of_what_the_live_version_says(staff: Staff, model: Model) -> None:
    publish(staff)
    frozen(staff, [case(QUESTION, "delivery-times"), case(PERU)], bar=0.4)
    live = speak(staff, instructions=BREEZY, examples=3)
    before = everything_said(staff, 1)
    connect(model, staff)
    assert everything_said(staff, 2) == before == {DELIVERY}
    jobs.start("evaluate_answerer", {"number": live.number}, title="Compare", by=staff.rep)
    jobs.run_waiting()
    assert not model.asked
    speak(staff, writes=True)
    assert everything_said(staff, 3) == {SAID} and len(model.asked) == 4  # the control: a version that writes does


def test_what_ships_quotes_and_so_does_what_was_kept_before_versions_said_so(staff: Staff, model: Model) -> None:
    publish(staff)
    connect(model, staff)
    assert answerers.in_force() == Setup() and not Setup().writes
    body = {name: told for name, told in Setup(threshold=0.1, instructions=BREEZY).as_body().items() if name != "writes"}
    with store.writing() as db:
        kept = versions.add(db, ANSWERER, answerers.NAME, by=staff.rep, manifest={"why": "Kept long ago."}, body=body)
    with store.writing() as db:
        answerers.put_live(db, versions.target_of(kept), None, by=staff.lead)
    assert answerers.in_force() == Setup(threshold=0.1, instructions=BREEZY)
    assert everything_said(staff, 1) == {DELIVERY} and not model.asked


@pytest.mark.parametrize("beside_writes", [True, False], ids=["new one writes", "live one writes"])
def test_what_is_live_and_what_runs_beside_it_each_answer_their_own_way(staff: Staff, model: Model, beside_writes: bool) -> None:
    publish(staff)
    connect(model, staff)
    speak(staff, writes=not beside_writes)
    under_way(staff, made(staff, Setup(threshold=0.2, writes=beside_writes)))
    answering.arrived([comes(staff, QUESTION)], writer=catalog.writer_for(staff.rep))
    with store.reading() as db:
        found = list(db.exec(select(Trace).where(Trace.target_kind == ANSWERER).order_by(col(Trace.at))))
    said = {mode: {said_of(one)["reply"] for one in found if one.mode == mode} for mode in (LIVE, SHADOW)}
    writes, quotes = (SHADOW, LIVE) if beside_writes else (LIVE, SHADOW)
    assert said == {writes: {DELIVERY, SAID}, quotes: {DELIVERY}} and len(model.asked) == 1  # quoted first, and then written


def test_for_some_customers_only_those_are_written_to(staff: Staff, model: Model) -> None:
    publish(staff)
    connect(model, staff)
    speak(staff)
    coming = made(staff, Setup(threshold=0.2, writes=True))
    under_way(staff, coming, percent=50)
    writer = catalog.writer_for(staff.rep)
    traces = [answering.for_customer(ASKED, key=f"customer {number}", by=staff.engineer, writer=writer) for number in range(12)]
    told = [(one.target_number == coming.number, said_of(one)["reply"] == SAID) for one in traces]
    assert {*told} == {(True, True), (False, False)}


# -- each is measured as it answers -------------------------------------------------------------------------------------------------------


def test_what_was_measured_while_a_version_quoted_says_nothing_of_one_that_writes(staff: Staff, model: Model) -> None:
    publish(staff)
    frozen(staff, [case(QUESTION, "delivery-times"), case(PERU)], bar=0.4)
    connect(model, staff)
    writer = catalog.writer_for(staff.rep)
    quotes, writes = (made(staff, Setup(threshold=0.1, writes=which)) for which in (False, True))
    assert answerers.evaluate(quotes, known=KNOWN, by=staff.rep, writer=writer).passed.k == 2 and not model.asked
    for attempt in (answerers.evidence_of, lambda one, **more: answerers.propose(one, why="It writes.", **more)):
        with pytest.raises(Refused, match="answerer 2 was not run on the newest eval set yet"):
            attempt(writes, known=KNOWN, by=staff.rep)
    assert answerers.evaluate(writes, known=KNOWN, by=staff.rep, writer=writer).passed.k == 2 and len(model.asked) == 1  # the control


def test_without_an_endpoint_no_version_that_writes_is_run_as_if_it_quoted(staff: Staff) -> None:
    publish(staff)
    frozen(staff, [case(QUESTION, "delivery-times"), case(PERU)], bar=0.4)
    writes, quotes = (made(staff, Setup(threshold=0.1, writes=which)) for which in (True, False))
    with pytest.raises(Refused, match="Not run: answerer 1 has a model write its answers, and no model endpoint is set"):
        answerers.ask(writes)
    with pytest.raises(Refused, match="Not compared: answerer 1 has a model write its answers, and no model endpoint is set"):
        answerers.evaluate(writes, known=KNOWN, by=staff.rep)
    assert answerers.evaluate(quotes, known=KNOWN, by=staff.rep).passed.k == 2  # the control
    with store.writing() as db:
        answerers.put_live(db, writes, None, by=staff.lead)
    with pytest.raises(Refused, match=r"Not compared: answerer 1, which is live, has a model write .* roll back to a version that quotes"):
        answerers.evaluate(quotes, known=KNOWN, by=staff.rep)


def environment(monkeypatch: pytest.MonkeyPatch, model: Model | None) -> None:
    """Of the two ways to set an endpoint the one that can be taken away again."""
    for name, value in (("OPENAI_BASE_URL", model.url if model else None), ("OPENAI_API_KEY", KEY if model else None)):
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    config.reset()


def test_a_version_that_writes_is_proposed_only_while_an_endpoint_is_set(
    staff: Staff, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(staff)
    frozen(staff, [case(QUESTION, "delivery-times"), case(PERU)], bar=0.4)
    speak(staff)
    writes = made(staff, Setup(threshold=0.1, writes=True))
    environment(monkeypatch, model)
    assert answerers.evaluate(writes, known=KNOWN, by=staff.rep, writer=catalog.writer_for(staff.rep)).passed.k == 2
    environment(monkeypatch, None)
    with pytest.raises(Refused, match="Not proposed: answerer 2 has a model write its answers, and no model endpoint is set: it would"):
        answerers.propose(writes, why="It writes.", known=KNOWN, by=staff.rep)
    with pytest.raises(Refused, match=r"it would quote\. An engineer or an admin can propose one under Installation"):
        answerers.evidence_of(writes, known=KNOWN, by=staff.rep)  # so no step of a release is taken meanwhile
    environment(monkeypatch, model)
    assert answerers.propose(writes, why="It writes.", known=KNOWN, by=staff.rep).evidence["sentence"].endswith(answerers.WRITES_NOW)


def test_who_approves_reads_whether_a_model_writes(staff: Staff) -> None:
    quotes, writes, other = (
        made(staff, setup) for setup in (Setup(threshold=0.1), Setup(threshold=0.1, writes=True), Setup(writes=True, examples=2))
    )  # fmt: skip
    assert answerers.told_otherwise(quotes) == "" and answerers.told_otherwise(PLAIN) == ""
    assert answerers.told_otherwise(writes) == "A model writes its answers; before they were quoted."
    assert answerers.told_otherwise(other).endswith("quoted. It also changes worked examples: 2 instead of 0.")
    with store.writing() as db:
        answerers.put_live(db, writes, None, by=staff.lead)
    assert answerers.told_otherwise(quotes) == "Its answers are quoted; before a model wrote them."
    assert answerers.told_otherwise(writes) == "" and answerers.told_otherwise(other).startswith("It also changes worked examples")


# -- without an endpoint ------------------------------------------------------------------------------------------------------------------


def test_without_an_endpoint_a_version_that_writes_quotes(staff: Staff) -> None:
    publish(staff)
    live = speak(staff, writes=True)
    assert answerers.would_quote(live).startswith("answerer 1 has a model write its answers") and answerers.would_quote(PLAIN) == ""
    own = answering.ask(QUESTION, by=staff.rep, writer=catalog.writer_for(staff.rep))
    assert said_of(own)["reply"] == DELIVERY and "model" not in said_of(own)


def test_at_the_console_a_version_that_quotes_says_that_it_does(run: Any, staff: Staff, model: Model) -> None:
    publish(staff)
    speak(staff)
    connect(model, staff)
    told = run("knowledge", "answer", QUESTION, "--write", "--json").told
    assert (told["written"], told["reply"], told["note"]) == (False, DELIVERY, answering.QUOTES) and not model.asked
    assert run("knowledge", "answer", QUESTION, "--write").out.endswith(f"{answering.QUOTES}\n")
    assert answering.QUOTES not in run("knowledge", "answer", QUESTION).out
