"""Rubrics of cases: which there are, what was measured of each, and one of another set taken over into a case of one's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlmodel import select

from data import store
from data.errors import Denied, Refused
from data.measures import Share
from data.tables import Case, EvalSet, Result, SetVersion
from data.values import Target
from evals import changes, checks, freezing, graders, rubrics, runs, sets
from evals.cases import NewCase
from evals.graders.face import Asked, Grade, Output, yes_or_no
from tests.conftest import Staff

SORRY, SHORT = "Says sorry, and names a new day.", "Three sentences at most."


@dataclass(frozen=True)
class ByWords:
    """Judges by a rubric as a model would: here a reply meets it that says so."""

    NUMBER: int = 1
    NAME: str = "rubric"
    PERSON_WROTE: bool = False
    LIVE: bool = False
    NEEDS: tuple[str, ...] = ("rubric",)

    def grade(self, _case: Asked, output: Output | None) -> Grade:
        return yes_or_no(bool(output and output["reply"] == "good"), "said so")


KNOWN = graders.BY_NAME | {"rubric": ByWords()}


def a_set(staff: Staff, name: str, *words: str) -> tuple[EvalSet, SetVersion]:
    """A case each; one without words asks for a text."""
    eval_set = sets.create(name, purpose="answer", by=staff.lead)
    changes.add(eval_set.id, [asked(number, told) for number, told in enumerate(words)], known=KNOWN, by=staff.lead)
    return eval_set, freezing.freeze(eval_set.id, by=staff.lead)


def asked(number: int, words: str) -> NewCase:
    message = {"role": "customer", "text": f"Where is parcel {number}?"}
    return NewCase((message,), {"rubric": words}, ("rubric",)) if words else NewCase((message,), {"text": "There."}, ("exact text",))


def ran(staff: Staff, version: SetVersion, replies: Sequence[str]) -> list[Result]:
    @runs.told_at_once
    def answer(cases: Sequence[Any]) -> list[dict[str, Any]]:
        return [{"reply": replies[place]} for place, _ in enumerate(cases)]

    run = runs.run(version.id, Target("model", "m", 1), answer, known=KNOWN, by=staff.engineer)
    with store.reading() as db:
        return list(db.exec(select(Result).where(Result.run_id == run.id).order_by(Result.id)))


def only_case(version: SetVersion) -> Case:
    (case,) = sets.cases(version.id)
    return case


def test_the_rubrics_of_all_sets_are_known_the_most_used_first(staff: Staff) -> None:
    assert rubrics.known(by=staff.rep) == []
    a_set(staff, "Delays", SORRY, SORRY, SHORT, "")
    a_set(staff, "Plants", "")
    found = rubrics.known(by=staff.rep)
    assert [(one.words, one.set_name, one.number, one.cases) for one in found] == [(SORRY, "Delays", 1, 2), (SHORT, "Delays", 1, 1)]
    assert found[0].told == "in 2 cases of 'Delays' 1, not run there yet"


def test_only_the_newest_version_of_a_set_counts(staff: Staff) -> None:
    eval_set, version = a_set(staff, "Delays", SORRY)
    case = only_case(version)
    changes.change(eval_set.id, case.key, asked(0, SHORT), known=KNOWN, why="Shorter.", by=staff.lead)
    freezing.freeze(eval_set.id, by=staff.lead)
    assert [(one.words, one.number) for one in rubrics.known(by=staff.rep)] == [(SHORT, 2)]


def test_figures_are_what_the_judge_said_and_what_people_said_of_the_same(staff: Staff) -> None:
    _, version = a_set(staff, "Delays", SORRY, SORRY, SORRY, SORRY)
    results = ran(staff, version, ["good", "good", "bad", "bad"])
    by_reply = {reply: [one for one in results if one.output == {"reply": reply}] for reply in ("good", "bad")}
    checks.say(by_reply["good"][0].id, True, by=staff.rep)
    checks.say(by_reply["good"][1].id, False, by=staff.rep)
    checks.say(by_reply["bad"][0].id, False, by=staff.rep)
    for person, passed in ((staff.rep, True), (staff.lead, False)):  # of two minds: nobody is right
        checks.say(by_reply["bad"][1].id, passed, by=person)
    (found,) = rubrics.known(by=staff.rep)
    assert (found.passed, found.agrees) == (Share(2, 4), Share(2, 3))
    assert found.told == f"in 4 cases of 'Delays' 1: passed {Share(2, 4)}, people said the same in {Share(2, 3)}"


def test_a_rubric_is_taken_over_beside_what_the_case_expects_with_its_figures_in_the_changelog(staff: Staff) -> None:
    _, theirs = a_set(staff, "Delays", SORRY)
    ran(staff, theirs, ["good"])
    ours, version = a_set(staff, "Plants", "")
    (taken,) = rubrics.known(by=staff.lead)
    case = only_case(version)
    made = rubrics.copy(taken, ours.id, case.key, known=KNOWN, by=staff.lead)
    assert made.why == f"Judged by a rubric that is used in 1 case of 'Delays' 1: passed {Share(1, 1)}, nobody checked it."
    newer = only_case(freezing.freeze(ours.id, by=staff.lead))
    assert newer.key == case.key and newer.input == case.input
    assert newer.expected == {"text": "There.", "rubric": SORRY} and sorted(newer.graders) == ["exact text", "rubric"]
    with pytest.raises(Refused, match="judged by these words already"):
        rubrics.copy(taken, ours.id, case.key, known=KNOWN, by=staff.lead)


def test_its_words_may_be_others_here_and_the_changelog_says_so(staff: Staff) -> None:
    a_set(staff, "Delays", SORRY)
    ours, version = a_set(staff, "Plants", SHORT)
    taken = next(one for one in rubrics.known(by=staff.lead) if one.words == SORRY)
    made = rubrics.copy(taken, ours.id, only_case(version).key, words="Says sorry.", known=KNOWN, by=staff.lead)
    assert made.why == "Judged after a rubric, in other words, that is used in 1 case of 'Delays' 1, not run there yet."
    assert made.case is not None and made.case["expected"] == {"rubric": "Says sorry."} and made.case["graders"] == ["rubric"]


def test_what_waits_to_be_changed_of_the_case_is_kept(staff: Staff) -> None:
    a_set(staff, "Delays", SORRY)
    ours, version = a_set(staff, "Plants", "")
    case, (taken,) = only_case(version), rubrics.known(by=staff.lead)
    better = NewCase(({"role": "customer", "text": "Where?"},), {"text": "Here."}, ("exact text",))
    changes.change(ours.id, case.key, better, known=KNOWN, why="Better.", by=staff.lead)
    rubrics.copy(taken, ours.id, case.key, known=KNOWN, by=staff.lead)
    newer = only_case(freezing.freeze(ours.id, by=staff.lead))
    assert newer.expected == {"text": "Here.", "rubric": SORRY} and newer.input["messages"][0]["text"] == "Where?"


def test_a_case_that_is_to_be_taken_out_or_is_not_there_is_told(staff: Staff) -> None:
    a_set(staff, "Delays", SORRY)
    ours, version = a_set(staff, "Plants", "")
    case, (taken,) = only_case(version), rubrics.known(by=staff.lead)
    with pytest.raises(Refused, match="no such case"):
        rubrics.copy(taken, ours.id, "none", known=KNOWN, by=staff.lead)
    changes.retire(ours.id, case.key, why="Out of date.", by=staff.lead)
    with pytest.raises(Refused, match="is to be taken out of the set"):
        rubrics.copy(taken, ours.id, case.key, known=KNOWN, by=staff.lead)


def test_who_may_not_change_cases_does_not_and_without_a_model_nothing_judges_by_words(staff: Staff) -> None:
    a_set(staff, "Delays", SORRY)
    ours, version = a_set(staff, "Plants", "")
    case, (taken,) = only_case(version), rubrics.known(by=staff.rep)
    with pytest.raises(Denied):
        rubrics.copy(taken, ours.id, case.key, known=KNOWN, by=staff.rep)
    with pytest.raises(Refused, match="could not be judged"):
        rubrics.copy(taken, ours.id, case.key, known=graders.BY_NAME, by=staff.lead)
    assert changes.waiting_count(ours.id) == 0
