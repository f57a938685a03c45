"""Graders against people: judged without the grader's word, by lot, and what a grader may do follows from how far they agree."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from sqlmodel import select

from data import audit, bulk, inbox, people, store
from data.errors import Denied, Refused
from data.tables import Case, GraderCheck, Person, Result, Run, Score
from data.values import RUN, Target, new_id, now
from evals import checks, compare, freezing, graders, runs, scores, sets
from evals.graders.face import Asked, Grade, Output, yes_or_no
from tests.conftest import Staff
from tests.test_evals_sets import flagged_set


@dataclass(frozen=True)
class Polite:
    """A grader that no person wrote an expectation for: here it passes what says so."""

    NUMBER: int = 1
    NAME: str = "polite"
    PERSON_WROTE: bool = False
    LIVE: bool = True
    NEEDS: tuple[str, ...] = ()

    def grade(self, _case: Asked, output: Output | None) -> Grade:
        return yes_or_no(bool(output and output["reply"] == "good"), "said so")


POLITE = Polite()


@pytest.fixture
def case(staff: Staff) -> Case:
    eval_set, _ = flagged_set(staff, range(1, 3))
    return sets.cases(freezing.freeze(eval_set.id, by=staff.lead).id)[0]


def graded(case: Case, passed: Sequence[bool | None], *, grader: Polite = POLITE, error: str = "") -> list[str]:
    """Outputs to a case that the grader judged so; newest last."""
    with store.writing() as db:
        run = Run(target_kind="model", target_name="m", target_number=1, set_version_id=case.set_version_id, state="done")
        db.add(run)
        db.flush()
        results = [
            {"id": new_id(), "at": now(), "run_id": run.id, "case_id": case.id, "repeat": number, "error": error,
             "output": None if error else {"reply": "good" if said else "bad"}, "ms": 1.0, "cost": 0.0}
            for number, said in enumerate(passed)
        ]  # fmt: skip
        bulk.insert(db, Result, results)
        told = {
            "target_kind": "model",
            "target_name": "m",
            "target_number": 1,
            "at": now(),
            "mode": RUN,
            "weight": 1.0,
            "why": "",
            "error": "",
        }
        rows = [
            {**told, "id": new_id(), "grader_name": grader.NAME, "grader_number": grader.NUMBER, "result_id": row["id"], "passed": said,
             "value": None if said is None else float(said)}
            for row, said in zip(results, passed, strict=True)
        ]  # fmt: skip
        scores.write(db, rows)
    return [str(row["id"]) for row in results]


def said(result_ids: Sequence[str], passed: Sequence[bool], *, by: Person) -> None:
    with store.writing():
        for result_id, right in zip(result_ids, passed, strict=True):
            checks.say(result_id, right, by=by)


def wrongly(said: Sequence[bool], count: int) -> list[bool]:
    """What people say of it where the grader is wrong in so many, spread over both."""
    return [
        not one if place % (len(said) // max(count, 1)) == 0 and place // (len(said) // max(count, 1)) < count else one
        for place, one in enumerate(said)
    ]


MIXED = [True, False] * 30


def told(person: Person) -> list[str]:
    return [item.sentence for item in inbox.of(person) if item.page == "graders"]


# -- what people are given ----------------------------------------------------------------------------------------------------------------


def test_a_person_judges_without_the_graders_word_and_never_the_same_one_twice(staff: Staff, case: Case) -> None:
    ids = graded(case, [True, False, True, False])
    seen = []
    while found := checks.next_one("polite", by=staff.rep):
        assert not any(isinstance(part, Score) for part in vars(found).values()) and "said so" not in str(found)
        assert found.case.id == case.id and found.result.output in ({"reply": "good"}, {"reply": "bad"})
        seen.append(found.result.id)
        checks.say(found.result.id, True, by=staff.rep)
    assert sorted(seen) == sorted(ids)
    with pytest.raises(Refused, match=r"^Not kept: you judged this one already"):
        checks.say(ids[0], False, by=staff.rep)
    assert checks.next_one("polite", by=staff.lead) is not None  # somebody else may still
    with pytest.raises(Refused, match="that output is not there"):
        checks.say("no such", True, by=staff.rep)
    for who in (staff.admin, people.console()):
        with pytest.raises(Denied, match="may not check a grader"):
            checks.next_one("polite", by=who)
        with pytest.raises(Denied, match="may not check a grader"):
            checks.say(ids[0], True, by=who)


def test_the_draw_favours_neither_what_passed_nor_what_failed_nor_the_newest(staff: Staff, case: Case) -> None:
    """Of 300, of which every fifth failed, each of many people is given one; the share of failed ones is within chance of a fifth."""
    passed = [number % 5 != 0 for number in range(300)]
    ids = graded(case, passed)
    place = {result_id: number for number, result_id in enumerate(ids)}
    drawn = []
    for number in range(200):
        somebody = Person(name=f"{number}", email=f"{number}@example.com", role="rep")
        found = checks.next_one("polite", by=somebody)
        assert found is not None
        drawn.append(place[found.result.id])
    failed, newer = (sum(map(good, drawn)) / len(drawn) for good in (lambda one: not passed[one], lambda one: one >= 150))
    print(f"{failed:.0%} of the drawn failed, 20% of all did; {newer:.0%} were of the newer half")
    assert abs(failed - 0.2) < 4 * math.sqrt(0.2 * 0.8 / 200) and abs(newer - 0.5) < 4 * math.sqrt(0.25 / 200)
    worst_first = sorted(range(300), key=lambda one: passed[one])[:60]  # the control: such a draw would be seen
    assert abs(sum(not passed[one] for one in worst_first) / 60 - 0.2) > 4 * math.sqrt(0.2 * 0.8 / 60)


def test_only_what_the_grader_judged_and_somebody_answered_is_given(staff: Staff, case: Case) -> None:
    failed = graded(case, [False, False], error="no answer within 60 seconds")
    graded(case, [None, None])
    assert checks.next_one("polite", by=staff.rep) is None
    with pytest.raises(Refused, match="nothing was answered there"):
        checks.say(failed[0], False, by=staff.rep)
    (ours,) = graded(case, [True])
    found = checks.next_one("polite", by=staff.rep)
    assert found is not None and found.result.id == ours


# -- what follows from it -----------------------------------------------------------------------------------------------------------------


def test_a_grader_that_agrees_on_fifty_may_gate_and_its_figures_are_kept(staff: Staff, case: Case) -> None:
    ids = graded(case, MIXED)
    assert not checks.may_gate(POLITE) and checks.may_gate(graders.BY_NAME["contains"])  # a person wrote what is right
    right = wrongly(MIXED, 4)
    said(ids[:49], right[:49], by=staff.rep)
    assert checks.latest(POLITE) is None and checks.judged_count(POLITE) == 49 and not checks.may_gate(POLITE)
    assert checks.unchecked({"polite", "contains", "gone"}, {"polite": POLITE, **graders.BY_NAME}) == [
        "'gone' is not available", "'polite' was not checked against people: 1 more outputs are to be judged by people",
    ]  # fmt: skip
    checks.say(ids[49], right[49], by=staff.rep)
    found = checks.latest(POLITE)
    assert found is not None and found.may_gate and checks.may_gate(POLITE) and checks.unchecked({"polite"}, {"polite": POLITE}) == []
    both = list(zip(MIXED[:50], right[:50], strict=True))
    passes, good = sum(one for one, _ in both), sum(other for _, other in both)
    agreed, chance = sum(one == other for one, other in both) / 50, (passes * good + (50 - passes) * (50 - good)) / 2500
    assert (found.n, found.kappa) == (50, pytest.approx((agreed - chance) / (1 - chance)))
    assert found.precision == both.count((True, True)) / passes and found.recall == both.count((True, True)) / good
    figures = found.figures
    assert 0 < figures["kappa_low"] < found.kappa < figures["kappa_high"] <= 1
    assert (
        figures["precision_low"] < found.precision < figures["precision_high"]
        and figures["recall_low"] < found.recall < figures["recall_high"]
    )
    assert found.why.endswith("It may stop a release.") and f"n = {passes}" in found.why
    entry = audit.newest(by=staff.admin, noun="grader_check")[0]
    assert entry.sentence.startswith("'polite' may stop a release: ") and entry.by_person_id == staff.rep.id


@pytest.mark.parametrize("people_say", [[bool(number % 3) for number in range(60)], [True] * 60])
def test_a_grader_that_agrees_too_little_may_not_gate(staff: Staff, case: Case, people_say: list[bool]) -> None:
    """By chance alone, or where people told nothing apart."""
    said(graded(case, MIXED), people_say, by=staff.rep)
    found = checks.latest(POLITE)
    assert found is not None and not found.may_gate and not checks.may_gate(POLITE)
    (told_why,) = checks.unchecked({"polite"}, {"polite": POLITE})
    assert told_why.startswith("'polite' may not gate, it agrees too little: ") and "Under 0.6 it may not stop a release." in told_why
    assert told(staff.lead) == []  # it never could: nothing moved


def test_a_grader_loses_the_gate_by_itself_and_the_owner_is_told_once_each_time(
    staff: Staff, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "LATEST", 100)  # 200 take longer to say
    first = graded(case, MIXED)
    said(first, MIXED, by=staff.rep)
    assert checks.may_gate(POLITE)
    assert len(told(staff.lead)) == 1 and told(staff.lead)[0].startswith("The grader 'polite' may stop a release now: ")
    later = graded(case, MIXED)
    for result_id, passed in zip(later, MIXED, strict=True):
        checks.say(result_id, not passed, by=staff.rep)
        if not checks.may_gate(POLITE):
            break
    count = checks.judged_count(POLITE)
    assert 60 < count < 90, count
    sentences = told(staff.lead)
    assert len(sentences) == 2 and sentences[0].startswith("The grader 'polite' may not stop a release any more: ")
    assert told(staff.rep) == told(staff.other) == []  # no set of theirs
    more = graded(case, MIXED * 2)
    said(more, MIXED * 2, by=staff.rep)  # what was judged long ago counts no more
    found = checks.latest(POLITE)
    assert found is not None and found.may_gate and found.n == checks.LATEST and found.kappa == pytest.approx(1.0)
    assert len(told(staff.lead)) == 3
    with store.reading() as db:
        kept = list(db.exec(select(GraderCheck).order_by(GraderCheck.id)))
    assert len(kept) > 50 and [one.may_gate for one in kept].count(False) >= 1  # each is kept
    assert audit.broken() is None


def test_much_that_people_said_of_other_graders_hides_nothing(staff: Staff, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Agreement falls also while most of what people judge is not this grader's."""
    monkeypatch.setattr(checks, "LATEST", 60)
    said(graded(case, MIXED), MIXED, by=staff.rep)
    other = Polite(NAME="clear")
    outputs = graded(case, MIXED * 4, grader=other)
    people_said = [
        {"id": new_id(), "at": now(), "target_kind": "model", "target_name": "m", "target_number": 1, "mode": RUN, "result_id": result_id,
         "grader_name": scores.PEOPLE, "grader_number": 1, "value": float(right), "passed": right, "why": "", "error": "", "weight": 1.0}
        for result_id, right in zip(outputs, MIXED * 4, strict=True)
    ]  # fmt: skip
    with store.writing() as db:  # more than are looked through for one grader
        bulk.insert(db, Score, people_said)
    (last,) = graded(case, [True], grader=other)
    checks.say(last, True, by=staff.rep)
    assert checks.may_gate(POLITE) and checks.judged_count(POLITE) == 60
    later = graded(case, MIXED)
    said(later, [not one for one in MIXED], by=staff.rep)
    assert not checks.may_gate(POLITE) and checks.may_gate(other)


def test_a_grader_of_a_new_number_starts_anew(staff: Staff, case: Case) -> None:
    said(graded(case, MIXED), MIXED, by=staff.rep)
    changed = Polite(NUMBER=2)
    assert checks.may_gate(POLITE) and not checks.may_gate(changed) and checks.judged_count(changed) == 0
    old = graded(case, [True])
    (new,) = graded(case, [True], grader=changed)
    found = checks.next_one("polite", by=staff.rep)
    assert found is not None and found.result.id == new  # what the old one judged teaches nothing of the new one
    checks.say(new, True, by=staff.rep)
    assert checks.next_one("polite", by=staff.rep) is None and checks.judged_count(changed) == 1 and old


def test_where_people_are_of_two_minds_nobody_is_right(staff: Staff, case: Case) -> None:
    ids = graded(case, MIXED)
    said(ids[:50], MIXED[:50], by=staff.rep)
    assert checks.judged_count(POLITE) == 50
    checks.say(ids[0], not MIXED[0], by=staff.lead)
    assert checks.judged_count(POLITE) == 49 and checks.may_gate(POLITE)  # what was known stands
    checks.say(ids[0], not MIXED[0], by=staff.engineer)  # two against one
    found = checks.latest(POLITE)
    assert checks.judged_count(POLITE) == 50 and found is not None and found.kappa is not None and found.kappa < 1
    checks.say(ids[1], MIXED[1], by=staff.lead)  # of one mind: once more the same
    assert checks.judged_count(POLITE) == 50


def test_a_word_counts_for_every_grader_that_judged_the_same_output(staff: Staff, case: Case) -> None:
    ids = graded(case, MIXED)
    strict = Polite(NAME="strict")
    with store.writing() as db:
        for place, result_id in enumerate(ids):
            db.add(
                Score(
                    target_kind="model", target_name="m", target_number=1, mode=RUN, grader_name="strict", result_id=result_id,
                    value=0.0, passed=place % 4 == 0,
                )
            )  # fmt: skip
    said(ids, MIXED, by=staff.rep)
    assert checks.may_gate(POLITE) and checks.judged_count(strict) == 60 and not checks.may_gate(strict)


def test_what_people_say_moves_no_run_and_is_masked(staff: Staff, case: Case) -> None:
    ask = runs.told_at_once(lambda cases: [dict(one.expected) for one in cases])
    run = runs.run(case.set_version_id, Target("classifier", "intent", 1), ask, by=staff.rep)
    found = checks.next_one("exact label", by=staff.rep)
    assert found is not None
    checks.say(found.result.id, False, by=staff.rep, why=" Not so, my card is 4111 1111 1111 1111. ")
    assert scores.passed(run.id).k == scores.passed(run.id).n == 2
    assert compare.compare(run, run, by=staff.rep).broken == 0
    with store.reading() as db:
        (kept,) = db.exec(select(Score).where(Score.grader_name == scores.PEOPLE))
    assert (kept.why, kept.passed, kept.value, kept.by_person_id) == ("Not so, my card is ‹CARD 1›.", False, 0.0, staff.rep.id)


def test_a_check_never_changes(staff: Staff, case: Case) -> None:
    said(graded(case, MIXED), MIXED, by=staff.rep)
    with pytest.raises(Exception, match="grader_check rows never change"), store.writing() as db:
        db.connection().exec_driver_sql("UPDATE grader_check SET may_gate = true")


def test_random_agreement_is_never_enough(staff: Staff, case: Case) -> None:
    """The control of the bar: a coin passes nobody's check, whatever it throws."""
    rng = random.Random(3)
    for number in range(1, 6):
        coin = Polite(NAME="coin", NUMBER=number)
        thrown = [rng.random() < 0.5 for _ in range(50)]
        said(graded(case, thrown, grader=coin), [rng.random() < 0.5 for _ in range(50)], by=staff.rep)
        assert checks.latest(coin) is not None and not checks.may_gate(coin)
