"""A question in a model's words: looked for beside the customer's own, measured as a rung, and nothing where the endpoint fails."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from data import approvals, settings, store
from data.errors import Refused
from data.tables import SetVersion
from data.values import Target
from evals import graders
from knowledge import ANSWERER, answerers, answering, gaps, instructing, ladder, other_words, questions, rephrased
from knowledge.answerers import Setup
from knowledge.retrieval.combination import climbing
from portal import catalog, jobs
from tests import model_server as server
from tests.conftest import Staff
from tests.model_server import Handler, Model
from tests.test_knowledge_answerers import case, fill, frozen
from tests.test_knowledge_answering import comes, made
from tests.test_knowledge_manner import connect, model, no_environment, said_of, shown, steps_of, written

__all__ = ["model", "no_environment"]  # fixtures
ASKED = "Bouquet wilted, what now?"
HELP_PAGES = "Can a plant be sent back within thirty days?"
REPLY = "A plant can be sent back within thirty days."
BOTH = Setup(threshold=0.1, writes=True, rephrases=True)
OWN_WORDS = Setup(threshold=0.1, writes=True)


def knowing(*lines: str, reply: str = REPLY, about: str = "ouquet") -> server.Answer:
    """Says a question about that so, and writes from what is found."""

    def answer(handler: Handler) -> None:
        if "passages" in shown(handler):
            written(reply)(handler)
        else:
            server.text(json.dumps({"questions": list(lines) if about in shown(handler)["question"] else []}))(handler)

    return answer


@pytest.fixture
def shop(staff: Staff, model: Model) -> Iterator[Staff]:
    fill(staff)
    connect(model, staff)
    model.says(knowing(HELP_PAGES))
    yield staff


def speaks(staff: Staff, setup: Setup) -> Target:
    target = made(staff, setup)
    with store.writing() as db:
        answerers.put_live(db, target, None, by=staff.lead)
    return target


def colleagues(staff: Staff, question: str = ASKED) -> dict[str, Any]:
    return said_of(answering.ask(question, by=staff.rep, writer=catalog.writer_for(staff.rep)))


# -- what it finds ------------------------------------------------------------------------------------------------------------------------


def test_what_the_customer_calls_otherwise_is_found_in_the_models_words(shop: Staff, model: Model) -> None:
    speaks(shop, OWN_WORDS)
    assert colleagues(shop)["declined"] and not model.asked
    speaks(shop, BOTH)
    said = colleagues(shop)
    assert said["reply"] == REPLY and said["articles"] == ["returns-of-plants"] and len(model.asked) == 2
    assert said["other_words"]["lines"] == [HELP_PAGES] and said["other_words"]["cost"] > 0 and said["question"] == ASKED


def test_the_customers_own_words_count_where_they_are_enough(shop: Staff, model: Model) -> None:
    speaks(shop, BOTH)
    model.says(knowing("When does the shop open?", reply="Abroad a parcel takes seven working days.", about="parcel"))
    said = colleagues(shop, "How many working days does a parcel take abroad?")
    assert said["articles"][0] == "delivery-times"


def test_each_step_is_on_the_record(shop: Staff) -> None:
    speaks(shop, BOTH)
    trace = answering.ask(ASKED, by=shop.rep, writer=catalog.writer_for(shop.rep))
    steps = steps_of(trace)
    assert [(one.kind, one.name.split(":")[0]) for one in steps][:3] == [
        ("model", "says it in other words"), ("retrieval", "articles"), ("model", "writes")
    ]  # fmt: skip
    assert (steps[0].output or {})["questions"] == [HELP_PAGES]


@pytest.mark.parametrize(
    "faulty", [server.status(401), server.text("no JSON"), server.text('{"questions": 7}'), server.text('{"questions": [7, "", " "]}')]
)
def test_where_the_model_has_no_words_the_customers_are_looked_for(shop: Staff, model: Model, faulty: server.Answer) -> None:
    speaks(shop, BOTH)

    def answer(handler: Handler) -> None:
        written("A gift voucher is valid for three years.")(handler) if "passages" in shown(handler) else faulty(handler)

    model.says(answer)
    said = colleagues(shop, "How long is a gift voucher valid?")
    assert said["articles"] == ["gift-vouchers"] and said["other_words"]["lines"] == [] and said["other_words"]["why"]
    assert colleagues(shop)["declined"]  # the control: without other words nothing covers it


def test_no_more_is_taken_than_was_asked_for_and_nothing_twice(shop: Staff, model: Model) -> None:
    writer = catalog.writer_for(shop.rep)
    assert writer is not None
    model.says(knowing(" One? ", "One?", "x" * 900))
    found = other_words.ask(ASKED, writer)
    assert found.lines[0] == "One?" and len(found.lines) == 2 and len(found.lines[1]) <= other_words.LONGEST
    model.says(knowing(ASKED.upper()))
    assert other_words.ask(ASKED, writer).why == "The model knew no other words for it."
    model.says(knowing("One?", "Two?", "Three?", "Four?"))
    assert other_words.ask(ASKED, writer).lines == () and "does not fit the schema" in other_words.ask(ASKED, writer).why
    before = len(model.asked)
    assert other_words.ask("", writer).lines == () and len(model.asked) == before


# -- quoted first -------------------------------------------------------------------------------------------------------------------------


def test_silence_is_kept_until_the_model_said_it_otherwise_and_counts_towards_no_gap(shop: Staff) -> None:
    speaks(shop, BOTH)
    trace = answering.ask(ASKED, by=shop.rep)
    assert said_of(trace)["declined"] and answering.may_be_written(trace)
    jobs.start("write_answer", {"trace_id": trace.id}, title="Write the answer", by=shop.rep)
    jobs.run_waiting()
    stands = answering.standing(trace.id, by=shop.rep)
    assert stands is not None and said_of(stands)["reply"] == REPLY and stands.id != trace.id
    assert [one.id for one in answering.mine(by=shop.rep)] == [stands.id]
    since = trace.at.replace(year=trace.at.year - 1)
    assert questions.unanswered(since=since, until=stands.at) == []
    (asked,) = questions.asked(since=since, until=stands.at)
    assert asked.trace_id == stands.id and not gaps.look(None).questions


def test_silence_that_stays_is_asked_once_and_counts(shop: Staff, model: Model) -> None:
    speaks(shop, BOTH)
    model.says(knowing("Who was the first on the moon?"))
    trace = answering.ask(ASKED, by=shop.rep)
    writer = catalog.writer_for(shop.rep)
    assert writer is not None
    stands = answering.write(trace.id, writer=writer, by=shop.rep)
    asked = len(model.asked)
    assert stands.id == trace.id and said_of(stands)["declined"] and said_of(stands)["other_words"]["lines"]
    assert answering.write(trace.id, writer=writer, by=shop.rep).id == trace.id and len(model.asked) == asked
    assert gaps.look(None).questions == 1
    assert [one.name for one in steps_of(stands)] == ["articles", "says it in other words", "articles"]


def test_a_conversation_that_came_in_is_looked_at_in_other_words_too(shop: Staff) -> None:
    speaks(shop, BOTH)
    conversation_id = comes(shop, ASKED)
    answering.arrived([conversation_id], writer=catalog.writer_for(shop.rep))
    found = answering.suggested(conversation_id, by=shop.rep)
    assert found is not None and said_of(found)["reply"] == REPLY


# -- part of a version --------------------------------------------------------------------------------------------------------------------


def test_what_would_change_nothing_is_not_made(shop: Staff) -> None:
    with pytest.raises(Refused, match="only where a model writes the answers"):
        answerers.make(Setup(rephrases=True), why="To find more.", by=shop.rep)
    with pytest.raises(Refused, match="'Each sentence' is off"):
        answerers.make(Setup(combination=climbing(keyword=1.0), writes=True, rephrases=True), why="To find more.", by=shop.rep)
    assert answerers.make(BOTH, why="To find more.", by=shop.rep)


def test_the_cases_are_answered_as_customers_would_be_and_the_approver_reads_it(shop: Staff, model: Model) -> None:
    frozen(shop, [case(ASKED, "returns-of-plants"), case("Which bank do you use?")], bar=0.4)
    speaks(shop, OWN_WORDS)
    coming = made(shop, BOTH)
    writer = catalog.writer_for(shop.rep)
    known = graders.BY_NAME
    assert answerers.evaluate(coming, known=known, by=shop.rep, writer=writer).passed.k == 2
    proposal = answerers.propose(coming, why="It finds what customers call otherwise.", known=known, by=shop.rep)
    assert "a model says the question in other words too" in proposal.evidence["sentence"]
    model.says(server.status(401))
    again = answerers.evaluate(made(shop, Setup(threshold=0.2, writes=True, rephrases=True)), known=known, by=shop.rep, writer=writer)
    assert again.passed.k == 0  # what the endpoint did not answer is no result


def test_it_is_tried_side_by_side_on_the_same_cases(shop: Staff) -> None:
    _, version = frozen(shop, [case(ASKED, "returns-of-plants"), case("Which bank do you use?")], bar=0.4)
    writer = catalog.writer_for(shop.rep)
    assert writer is not None
    target = made(shop, OWN_WORDS)
    study = instructing.try_out(target, version.id, "", rephrases=True, writer=writer, known=graders.BY_NAME, by=shop.rep)
    (one, *_) = [told for told in study.told["cases"] if told["question"] == ASKED]
    assert (one["old"]["passed"], one["new"]["passed"], one["new"]["reply"]) == (False, True, REPLY)
    assert (study.told["rephrases_before"], study.told["rephrases"]) == (False, True)
    sentences_off = made(shop, Setup(combination=climbing(keyword=1.0), writes=True))
    with pytest.raises(Refused, match="'Each sentence' is off"):
        instructing.try_out(sentences_off, version.id, "", rephrases=True, writer=writer, known=graders.BY_NAME, by=shop.rep)


# -- a rung -------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def climbed(shop: Staff) -> SetVersion:
    hard = [case(f"Bouquet wilted, number {number}", "returns-of-plants") for number in range(12)]
    return frozen(shop, [*hard, case("Which bank do you use?")], bar=0.4)[1]


def test_a_models_words_are_a_rung_that_is_measured_where_somebody_asks(shop: Staff, climbed: SetVersion, model: Model) -> None:
    target, writer = made(shop, Setup(threshold=0.1)), catalog.writer_for(shop.rep)
    plain = ladder.climb(target, climbed.id, by=shop.rep, writer=writer)
    assert "rephrased" not in {one["name"] for one in plain.told["rungs"]} and not model.asked
    told = ladder.climb(target, climbed.id, by=shop.rep, writer=writer, rephrases=True).told
    row = told["rungs"][-1]
    assert (row["name"], row["on"], row["worth"]) == ("rephrased", False, "worth it") and row["r1"]["k"] == 12
    assert len(model.asked) == 13 and "13 calls cost" in row["sentence"] and row["ms"] > 0


def test_a_version_that_has_it_is_climbed_with_it(shop: Staff, climbed: SetVersion) -> None:
    told = ladder.climb(made(shop, BOTH), climbed.id, by=shop.rep, writer=catalog.writer_for(shop.rep)).told
    assert told["rungs"][-1]["on"] and told["written"]["questions"] == 13


def test_why_there_is_no_such_rung_is_said(shop: Staff, climbed: SetVersion, model: Model) -> None:
    def why(**more: Any) -> str:
        told = ladder.climb(made(shop, Setup(threshold=0.1)), climbed.id, by=shop.rep, rephrases=True, **more).told
        return next(one["why"] for one in told["skipped"] if one["name"] == "rephrased")

    assert why() == "no model endpoint is set"
    model.says(server.status(401))
    assert why(writer=catalog.writer_for(shop.rep)).startswith("Not said in other words: The model endpoint refuses the key")
    assert len(model.asked) == rephrased.FAULTS


def test_the_job_asks_the_model_where_it_was_told_to(shop: Staff, climbed: SetVersion) -> None:
    target = made(shop, Setup(threshold=0.1))
    arguments = {"set_version_id": climbed.id, "number": target.number, "rephrases": True}
    jobs.start("climb", arguments, title="Climb", by=shop.rep)
    jobs.run_waiting()
    study = ladder.newest(climbed.eval_set_id, by=shop.rep)
    assert study is not None and study.told["rungs"][-1]["name"] == "rephrased"
    assert approvals.waiting(by=shop.lead) == [] and settings.gate() is None and target.kind == ANSWERER
