"""The gate: each rule with its numbers and what would open it; the same measurements give the same answer, worse ones never a better."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.measures import Share
from evals import gate
from evals.gate import Measured, Rules, Slice

GOOD = Measured(
    "Everyday", 3, "regression", bar=0.9, margin=0.02, passed=Share(95, 100), verdict="no_worse", difference=0.01, fixed=3, broken=2,
    slices=(Slice("channel: chat", "cannot_tell", 0.0, 40, 1, 1), Slice("intent: Refund", "worse", -0.2, 20, 0, 4)),
)  # fmt: skip


def unmet(*measured: Measured, rules: Rules | None = None) -> list[str]:
    decision = gate.decide(measured, rules)
    assert decision.is_open == (not [rule for rule in decision.rules if not rule.met])
    return [rule.name for rule in decision.rules if not rule.met]


def test_a_candidate_that_meets_every_rule_passes() -> None:
    decision = gate.decide([GOOD])
    assert decision.is_open and decision.sentence == ""
    assert [rule.name for rule in decision.rules] == ["enough cases", "graders checked", "bar", "no regression", "protected slice"]
    assert [rule["opens"] for rule in decision.as_evidence()] == [""] * 5  # nothing is asked of what is met
    assert decision.as_evidence()[2]["told"] == "it passes 95\u00a0% of 'Everyday' 3 (95 of 100), the bar is 90\u00a0%"


def test_nothing_measured_is_closed() -> None:
    decision = gate.decide([])
    assert not decision.is_open
    assert decision.sentence == "It was measured on no set. Freeze an eval set and run both versions on it."
    assert not gate.Decision(()).is_open


CLOSED: list[tuple[dict[str, Any], str, str]] = [
    (
        {"passed": Share(11, 12)}, "enough cases",
        "'Everyday' 3 has 12 cases, at least 20 are needed. Flag 8 more and freeze the set.",
    ),
    ({"passed": Share(0, 0)}, "enough cases bar", "'Everyday' 3 has 0 cases, at least 20 are needed. Flag 20 more and freeze the set."),
    (
        {"unchecked": ("'polite' was not checked against people: 12 more outputs are to be judged by people",)}, "graders checked",
        "On 'Everyday' 3 graders judge that people did not confirm: 'polite' was not checked against people: 12 more outputs are to be "
        "judged by people. Judge outputs on the Graders page, or use graders for which a person writes what is right.",
    ),
    (
        {"passed": Share(85, 100)}, "bar",
        "It passes 85\u00a0% of 'Everyday' 3 (85 of 100), the bar is 90\u00a0%. 5 more cases would have to pass.",
    ),
    (
        {"verdict": "worse", "fixed": 1, "broken": 12}, "no regression",
        "On 'Everyday' 3 it is worse than what is live: 12 cases break, 1 are fixed. Look at the broken cases first.",
    ),
    (
        {"slices": (Slice("language: de", "worse", -0.1, 60, 1, 7),)}, "protected slice",
        "In 'language: de' of 'Everyday' 3 7 cases break and 1 are fixed, of 60. At most 2\u00a0% may be lost there: look at those cases.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "rules", "sentence"), CLOSED)
def test_each_rule_closes_it_alone_and_says_what_would_open_it(fields: dict[str, Any], rules: str, sentence: str) -> None:
    closed = replace(GOOD, **fields)
    names = {"enough cases bar": ["enough cases", "bar"]}.get(rules, [rules])
    assert unmet(closed) == names
    assert gate.decide([closed]).sentence.startswith(sentence)
    assert set(names) <= set(unmet(GOOD, closed)) and not gate.decide([closed, GOOD]).is_open  # every set counts
    assert unmet(GOOD) == []  # the control


def test_what_is_just_enough_is_enough() -> None:
    assert unmet(replace(GOOD, passed=Share(18, 20))) == [] and unmet(replace(GOOD, passed=Share(17, 19))) == ["enough cases", "bar"]
    for n in range(20, 400):  # a bar is met by the share that is written, whatever floating numbers make of it
        for percent in (7, 29, 55, 90, 95):
            k = -(-percent * n // 100)
            assert unmet(replace(GOOD, bar=percent / 100, passed=Share(k, n))) == []
            closed = gate.decide([replace(GOOD, bar=percent / 100, passed=Share(k - 1, n))])
            assert closed.sentence.endswith(". 1 more case would have to pass.")
    assert unmet(replace(GOOD, slices=(Slice("channel: chat", "worse", -0.02, 90, 0, 2),))) == []  # within the margin
    assert unmet(replace(GOOD, passed=Share(95, 100)), rules=Rules(fewest_cases=101)) == ["enough cases"]


def test_only_protected_slices_close_it() -> None:
    assert unmet(GOOD) == []  # an intent that lost is told of, and is not protected
    assert unmet(GOOD, rules=Rules(protected=("channel", "intent"))) == ["protected slice"]


def test_a_set_of_hard_cases_asks_for_no_bar_and_judges_nobody_worse() -> None:
    hard = replace(GOOD, kind="capability", passed=Share(3, 100), verdict="worse", fixed=0, broken=2, slices=())
    assert unmet(hard) == [] and unmet(hard, GOOD) == []
    assert unmet(replace(hard, passed=Share(3, 10))) == ["enough cases"]
    assert unmet(replace(hard, unchecked=("'polite' was not checked",))) == ["graders checked"]


def test_a_little_worse_on_each_set_is_worse_on_all_of_them() -> None:
    little = replace(GOOD, verdict="cannot_tell", fixed=0, broken=3)
    assert unmet(little) == [] == unmet(replace(little, name="Other"))
    decision = gate.decide([little, replace(little, name="Other")])
    assert [rule.told for rule in decision.rules if not rule.met] == ["over all 2 sets 0 cases are fixed and 6 break"]
    assert unmet(little, replace(little, name="Other", broken=2)) == []  # 5 of 5 come by chance once in sixteen


def test_where_it_must_be_better_the_gate_says_how_many_cases_would_decide() -> None:
    must = Rules(must_be_better=True)
    assert unmet(GOOD, rules=must) == ["better"]
    assert gate.decide([replace(GOOD, more_needed=300), replace(GOOD, more_needed=120)], must).sentence.endswith(
        "It is not shown to be better than what is live. About 120 more cases would decide."
    )
    assert gate.decide([GOOD], must).sentence.endswith("These cases show no difference.")
    better = gate.decide([replace(GOOD, verdict="better")], must)
    assert better.is_open and better.rules[-1].told == "it is shown to be better than what is live"
    assert unmet(replace(GOOD, verdict=None), rules=must) == []  # nothing is live: there is nothing to be better than


# -- properties ---------------------------------------------------------------------------------------------------------------------------

VERDICTS = ("worse", "cannot_tell", "no_worse", "better")  # from bad to good
shares = st.integers(0, 60).flatmap(lambda n: st.builds(Share, st.integers(0, n), st.just(n)))
slices = st.builds(
    Slice, st.sampled_from(["channel: chat", "language: de", "intent: Refund"]), st.sampled_from(VERDICTS), st.floats(-0.3, 0.3),
    st.integers(0, 60), st.integers(0, 9), st.integers(0, 9),
)  # fmt: skip
sets_measured = st.builds(
    Measured, st.sampled_from(["Everyday", "Other"]), st.integers(1, 3), st.sampled_from(["regression", "capability"]),
    st.sampled_from([0.05, 0.5, 0.9]), st.sampled_from([0.0, 0.02, 0.1]), shares, st.sampled_from([None, *VERDICTS]), st.floats(-0.3, 0.3),
    st.integers(0, 12), st.integers(0, 12), st.sampled_from([None, 50]), st.lists(slices, max_size=2).map(tuple),
    st.sampled_from([(), ("'polite' was not checked",)]),
)  # fmt: skip
rules = st.builds(Rules, st.sampled_from([1, 20]), st.just(("channel", "language")), st.booleans())


def worse_in_one(one: Measured) -> list[Measured]:
    """The same measurements with one of them a step worse: each way there is."""
    made = [
        replace(one, passed=Share(max(one.passed.k - 1, 0), one.passed.n)),
        replace(one, passed=Share(max(one.passed.k - 1, 0), max(one.passed.n - 1, 0))),
        replace(one, broken=one.broken + 1), replace(one, fixed=max(one.fixed - 1, 0)), replace(one, difference=one.difference - 0.1),
        replace(one, unchecked=(*one.unchecked, "'clear' was not checked")), replace(one, bar=min(one.bar + 0.1, 1.0)),
    ]  # fmt: skip
    if one.verdict in VERDICTS:
        made.append(replace(one, verdict=VERDICTS[max(VERDICTS.index(one.verdict) - 1, 0)]))
    for place, part in enumerate(one.slices):
        for worse in (
            replace(part, verdict=VERDICTS[max(VERDICTS.index(part.verdict) - 1, 0)]), replace(part, difference=part.difference - 0.1),
            replace(part, broken=part.broken + 1),
        ):  # fmt: skip
            made.append(replace(one, slices=(*one.slices[:place], worse, *one.slices[place + 1 :])))
    return made


@settings(max_examples=300, deadline=None)
@given(st.lists(sets_measured, min_size=1, max_size=3), rules)
def test_the_same_measurements_give_the_same_answer_and_one_that_is_worse_never_opens_it(measured: list[Measured], agreed: Rules) -> None:
    first = gate.decide(measured, agreed)
    assert gate.decide([replace(one) for one in measured], agreed) == first
    if first.is_open:
        return
    for place, one in enumerate(measured):
        for worse in worse_in_one(one):
            changed = [*measured[:place], worse, *measured[place + 1 :]]
            assert not gate.decide(changed, agreed).is_open, (one, worse)


def test_the_search_for_a_measure_that_opens_it_when_worse_can_fail() -> None:
    """The control: a gate that forgave whoever broke many would be found."""

    def forgiving(one: Measured) -> bool:
        return one.broken > 5 or gate.decide([one]).is_open

    closed = replace(GOOD, passed=Share(10, 100), broken=5)
    assert not forgiving(closed) and any(forgiving(worse) for worse in worse_in_one(closed))
