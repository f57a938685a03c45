"""The policy holds for what is answered from articles: over HTTP, and beside a conversation, as it does for recipes."""

import ast
from typing import Any

import pytest

from automations import mandates, speaking
from automations.mandates import ALONE, NEVER, OTHERS, PROPOSE, UNKNOWN, line
from classifiers import training
from data import config, labels, reviews, versions
from data.config import ROOT
from data.errors import Refused
from data.values import now
from knowledge import LEFT, answering, questions
from tests.conftest import Staff
from tests.model_server import running
from tests.test_automations_mandates import machine_says
from tests.test_classifiers_serving import go_live, with_threshold
from tests.test_classifiers_training import reviewed
from tests.test_data_vectors import tiny
from tests.test_knowledge_answering import DELIVERY, QUESTION, comes, publish, speak
from tests.test_knowledge_manner import connect, written

__all__ = ["tiny"]  # a fixture
WHERE, MONEY = "Where is my order?", "I want my money back."


def held(staff: Staff, key: str, may: str, **more: Any) -> None:
    mandates.tighten(key, line(may, **more), why="It takes a person.", by=staff.rep)


def label(name: str) -> str:
    return next(one.id for one in labels.of() if one.name == name)


def classified(staff: Staff) -> tuple[str, str]:
    """A classifier is live that speaks of all it is asked: the intents of both texts."""
    reviewed(staff, range(1, 41))
    training.train(by=staff.rep)
    go_live(staff, with_threshold(staff, 0.0).target_number)
    found = [next(iter(speaking._said(versions.target_of(versions.all_of("classifier", "intent")[0]), [text]))) for text in (WHERE, MONEY)]
    assert len(set(found)) == 2
    return found[0], found[1]


def asked(*texts: str) -> list[dict[str, str]]:
    return [{"role": ("customer", "rep")[place % 2], "text": text} for place, text in enumerate(texts)]


def may(*texts: str) -> str:
    mandate = speaking.of_question(asked(*texts))
    return mandate.may if mandate else ""


# What a program asks


def test_a_question_is_held_to_what_the_live_classifier_says_of_it(staff: Staff) -> None:
    where, money = classified(staff)
    assert speaking.of_question(asked(WHERE)) is None  # nobody set a policy
    held(staff, where, NEVER, judgement=True, note="It hurts.")
    held(staff, money, PROPOSE)
    assert (may(WHERE), may(MONEY)) == (NEVER, PROPOSE)
    title = labels.names()[where]
    told = speaking.why_not(speaking.of_question(asked(WHERE)))
    assert told == f"'{title}' is left to people by the policy. It takes a person's judgement. It hurts."
    assert speaking.why_not(speaking.of_question(asked(MONEY))) == "" and speaking.is_proposal(speaking.of_question(asked(MONEY)))


def test_the_strictest_of_all_that_the_customer_wrote_counts(staff: Staff) -> None:
    """Whoever adds a harmless question at the end has not changed what it is about."""
    where, _ = classified(staff)
    held(staff, where, NEVER)
    assert may(WHERE, "Which one?", MONEY) == may(MONEY, "And?", WHERE) == NEVER
    assert may(MONEY, WHERE, MONEY) == ALONE  # the control: what a rep wrote is nothing that the customer asked


def test_where_no_classifier_is_live_a_policy_of_intents_forbids_nothing(staff: Staff) -> None:
    reviewed(staff, range(1, 5))
    held(staff, labels.of()[0].id, NEVER)
    held(staff, OTHERS, PROPOSE)
    assert may(WHERE) == may(MONEY) == ALONE
    held(staff, UNKNOWN, NEVER)  # said of exactly this
    assert may(WHERE) == NEVER and "A conversation without a recognised intent is left to people" in speaking.why_not(
        speaking.of_question(asked(WHERE))
    )


def test_a_live_classifier_that_cannot_be_asked_is_no_leave_to_answer(staff: Staff) -> None:
    _, money = classified(staff)
    held(staff, money, NEVER)
    assert may(WHERE) == ALONE  # the control
    for file in (config.settings().home / "models").rglob("*"):
        if file.is_file():
            file.unlink()
    from classifiers import serving

    serving._loaded.cache_clear()
    assert may(WHERE) == NEVER and "What could not be classified just now" in speaking.why_not(speaking.of_question(asked(WHERE)))


def test_a_policy_that_keeps_machines_out_of_nothing_asks_no_classifier(staff: Staff) -> None:
    reviewed(staff, range(1, 5))
    held(staff, labels.of()[0].id, ALONE, note="Said so.")
    assert mandates.current() is not None and speaking.of_question(asked(WHERE)) is None


def test_what_is_left_to_people_is_looked_for_nowhere_and_is_no_gap(staff: Staff) -> None:
    publish(staff)
    speak(staff)
    why = "'Delivery' is left to people by the policy."
    left = answering.for_customer(asked(QUESTION), by=staff.engineer, left=why).said
    assert left is not None and (left["declined"], left["why"], left["sources"], left[LEFT]) == (True, why, [], why)
    assert answering.for_customer(asked(QUESTION), by=staff.engineer).said["reply"] == DELIVERY  # type: ignore[index]  # the control
    answering.for_customer(asked("Is the moon made of cheese?"), by=staff.engineer)
    assert [one.text for one in questions.unanswered(since=now().replace(year=2020), until=now())] == ["Is the moon made of cheese?"]


# Beside a conversation


def test_no_reply_is_suggested_where_the_policy_keeps_machines_out(staff: Staff) -> None:
    publish(staff)
    speak(staff)
    key = labels_of_a_complaint(staff)
    theirs, other = comes(staff, QUESTION, number=1), comes(staff, QUESTION, number=2)
    machine_says(theirs, key)
    held(staff, key, NEVER)
    with pytest.raises(Refused, match="Nothing was suggested: 'Complaint' is left to people by the policy"):
        answering.suggest(theirs, by=staff.rep, keeps=speaking.kept_out)
    assert answering.arrived([theirs, other], keeps=speaking.kept_out) == 1  # the control: the other one
    assert answering.suggested(theirs, by=staff.rep) is None and answering.suggested(other, by=staff.rep) is not None
    assert answering.arrived([theirs]) == 1  # and with the policy switched off


def test_what_people_said_it_is_counts_before_what_the_machine_said(staff: Staff) -> None:
    key, theirs = labels_of_a_complaint(staff), comes(staff, QUESTION)
    harmless = labels.names()
    machine_says(theirs, key)
    held(staff, key, NEVER)
    assert speaking.kept_out(theirs)
    fine = next((one for one in harmless if one != key), None) or add("Delivery", staff)
    reviews.record(theirs, "strong", label_id=fine, by=staff.rep)
    assert speaking.kept_out(theirs) == ""


def test_where_machines_propose_a_reply_is_suggested_for_a_person_sends_it(staff: Staff) -> None:
    publish(staff)
    speak(staff)
    key, theirs = labels_of_a_complaint(staff), comes(staff, QUESTION)
    machine_says(theirs, key)
    held(staff, key, PROPOSE)
    assert answering.suggest(theirs, by=staff.rep, keeps=speaking.kept_out) is not None


def test_no_model_writes_what_was_suggested_before_the_policy_was_made_stricter(staff: Staff) -> None:
    publish(staff)
    speak(staff, writes=True)
    key, theirs = labels_of_a_complaint(staff), comes(staff, QUESTION)
    quoted = answering.suggest(theirs, by=staff.rep, keeps=speaking.kept_out)
    assert quoted is not None
    machine_says(theirs, key)
    held(staff, key, NEVER)
    from portal import catalog

    with running(written("Seven days.")) as model:
        connect(model, staff)
        writer = catalog.writer_for(staff.rep)
        assert writer is not None
        with pytest.raises(Refused, match="Not written: 'Complaint' is left to people by the policy"):
            answering.write(quoted.id, writer=writer, by=staff.rep, keeps=speaking.kept_out)
        assert model.asked == []


def labels_of_a_complaint(staff: Staff) -> str:
    return add("Complaint", staff)


def add(name: str, staff: Staff) -> str:
    from classifiers import labels as classifiers_labels

    return str(classifiers_labels.add(name, by=staff.lead).id)


# Nobody forgets to ask


GATED = {"suggest": "keeps", "arrived": "keeps", "write": "keeps", "for_customer": "left"}


def ungated(source: str) -> list[str]:
    """Calls that would answer a customer without having asked the policy."""
    calls = [one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)]
    return [
        one.func.attr for one in calls
        if isinstance(one.func, ast.Attribute) and isinstance(one.func.value, ast.Name) and one.func.value.id == "answering"
        and one.func.attr in GATED and GATED[one.func.attr] not in {given.arg for given in one.keywords}
    ]  # fmt: skip


def test_every_screen_route_and_job_asks_the_policy_first() -> None:
    assert ungated("answering.suggest(made, by=by)") == ["suggest"]  # the control
    found = {str(path): ungated(path.read_text()) for folder in ("portal", "automations") for path in (ROOT / folder).rglob("*.py")}
    assert {path: calls for path, calls in found.items() if calls} == {}
