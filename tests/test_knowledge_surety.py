"""How sure it is: learned from judged questions, firm where few are there, and from the chosen threshold on right as often as asked."""

import json
from typing import Any

import numpy as np
import pytest
from scipy import stats

from data.errors import Refused
from knowledge import evidence, surety
from knowledge.passages import Published
from knowledge.surety import BY_WORDS, WITH_VECTORS, Judged, Surety, fit, from_nothing, shipped, threshold_for
from tests.test_knowledge_extractive import RETURNS, SHIPPING, encode, found


def questions(count: int, seed: int, *, shift: float = 0.0) -> list[Judged]:
    """Half have no article. Where one is right, the signs of its nearness lie higher; the others are noise."""
    random = np.random.default_rng(seed)
    judged = []
    for number in range(count):
        right = bool(number % 2) and random.random() < 0.85
        signs = {name: float(random.normal()) for name in WITH_VECTORS}
        for name in ("likeness", "likeness_ahead", "covered"):
            signs[name] += 1.6 * right - shift
        judged.append(Judged(signs, right))
    return judged


SHIPS = shipped().as_json()
BLANK = Surety(WITH_VECTORS, (0.0,) * 16, (1.0,) * 16, (0.0,) * 16, 0.0, 0.95)


def test_what_was_learned_holds_for_questions_that_it_did_not_see() -> None:
    told, before = [], from_nothing(questions(2_000, 999))
    for seed in range(20):
        learned, threshold = fit(questions(400, seed), prior=before, target=0.95)
        answered = [one for one in questions(2_000, seed + 1_000) if learned.of(one.signs) >= threshold.value]
        assert len(answered) > 100  # it does speak
        told.append(sum(one.right for one in answered) / len(answered))
    assert np.mean(told) >= 0.95 and np.mean(np.array(told) < 0.95) <= 0.2, told


def test_without_the_margin_the_target_would_be_missed_in_every_other_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surety, "CAUTION", 0.0)  # the control
    monkeypatch.setattr(surety, "BELIEVED", 1e-9)
    told, before = [], from_nothing(questions(2_000, 999))
    for seed in range(20):
        learned, threshold = fit(questions(400, seed), prior=before, target=0.95)
        answered = [one for one in questions(2_000, seed + 1_000) if learned.of(one.signs) >= threshold.value]
        told.append(sum(one.right for one in answered) / len(answered))
    assert np.mean(np.array(told) < 0.95) >= 0.4, told


def test_few_judged_questions_move_it_only_a_little() -> None:
    prior = from_nothing(questions(2_000, 1))
    learned, _ = fit(questions(30, 2), prior=prior)
    away = max(abs(one - other) for one, other in zip(learned.weights, prior.weights, strict=True))
    assert 0 < away < 0.25 and learned.judged == 30
    with pytest.raises(Refused, match=r"^Not learned: 19 questions are judged, and 20 are the fewest\. Judge 1 more\."):
        fit(questions(19, 2), prior=prior)


def test_where_all_are_wrong_it_never_speaks_and_says_what_to_do() -> None:
    judged = [Judged(one.signs, False) for one in questions(100, 3)]
    learned, threshold = fit(judged, prior=BLANK)
    assert all(learned.of(one.signs) < learned.threshold for one in judged)
    assert threshold.right.n == 0 and not threshold.promised
    assert threshold.sentence.startswith(
        "Be right 95\u00a0% of the time: of 100 judged questions it would answer none. Judge more questions"
    )


def test_a_question_for_which_nothing_was_found_is_never_answered() -> None:
    assert shipped().of({}) == 0.0 and shipped().reads({})
    learned, _ = fit([*questions(100, 4), *[Judged({}, False)] * 20], prior=BLANK)
    assert learned.of({}) == 0.0


def test_the_same_questions_teach_the_same() -> None:
    assert fit(questions(60, 5), prior=BLANK) == fit(questions(60, 5), prior=BLANK)


# -- the threshold ------------------------------------------------------------------------------------------------------------------------


def test_the_threshold_is_the_lowest_that_keeps_the_target_with_a_margin() -> None:
    told = np.linspace(1, 0, 1_000)
    right = np.array([True] * 500 + [False] * 500)
    found_at = threshold_for(told, right, target=0.9)
    share = right[told >= found_at.value].mean()
    assert 0.93 <= share <= 1.0 and found_at.answered.n == 1_000
    assert threshold_for(told, right, target=0.5).value < found_at.value
    assert threshold_for(told, ~right, target=0.9).right.n == 0


def test_equal_confidences_are_answered_together() -> None:
    told, right = np.array([0.99] * 50 + [0.2] * 50), np.array([True] * 50 + [False] * 50)
    assert threshold_for(told, right, target=0.9).answered.k in (0, 50)


def test_the_lower_bound_is_clopper_and_pearsons() -> None:
    for right, answers in ((59, 59), (95, 100), (1, 3), (300, 310)):
        assert surety.lowest(right, answers) == pytest.approx(stats.beta.ppf(0.05, right, answers - right + 1), abs=1e-6)
    assert surety.lowest(0, 7) == 0.0 == surety.lowest(0, 0)


def test_the_sentence_tells_shares_the_bound_and_whether_it_is_promised() -> None:
    told, right = np.array([0.999] * 100 + [0.01] * 100), np.array([True] * 100 + [False] * 100)
    promised = threshold_for(told, right)
    assert promised.promised and promised.sentence == (
        "Be right 95\u00a0% of the time: it answers from 99\u00a0% surety on, 100 of 200 judged questions, and was right in 100 of them "
        "(at least 97\u00a0%, 95\u00a0% sure)."
    )
    few = threshold_for(told[90:110], right[90:110])
    assert not few.promised and few.sentence.endswith("is likely, and not yet promised: judge more.")


def test_of_one_customers_questions_one_counts_for_the_bound() -> None:
    told, right = np.array([0.999] * 100), np.array([True] * 100)
    alone = threshold_for(told, right, customers=["Ann"] * 100)
    assert alone.right.k == 100 and alone.low == pytest.approx(0.05, abs=1e-6)
    assert threshold_for(told, right, customers=[None] * 100).low > 0.95


@pytest.mark.parametrize("target", [0.0, 1.0, -1.0, 2.0])
def test_a_target_that_cannot_be_promised_is_refused(target: float) -> None:
    with pytest.raises(Refused, match=r"cannot be promised\. Ask for 1 to 99"):
        threshold_for(np.array([0.5]), np.array([True]), target=target)


# -- kept ---------------------------------------------------------------------------------------------------------------------------------


def test_it_is_kept_as_json_and_read_again() -> None:
    learned, _ = fit(questions(60, 6), prior=BLANK)
    for one in (learned, shipped(), shipped(vectors=False)):
        assert Surety.of_json(one.as_json()) == one


@pytest.mark.parametrize("told", [
    "", "[]", "null", "{}", '{"names": ["likeness"]}', SHIPS.replace('"bias": -', '"odd": 1, "bias": -'),
    *(json.dumps({**json.loads(SHIPS), **wrong}) for wrong in (
        {"weights": [1.0]}, {"bias": float("nan")}, {"spread": [0.0] * 16}, {"names": ["a"] * 16}, {"threshold": None},
        {"weights": ["1"] * 16},
    )),
])  # fmt: skip
def test_what_is_no_surety_is_refused(told: str) -> None:
    with pytest.raises(Refused, match="surety of an answerer"):
        Surety.of_json(told)


# -- signs --------------------------------------------------------------------------------------------------------------------------------


def test_signs_are_those_that_it_was_made_for() -> None:
    for encoder, names in ((encode, WITH_VECTORS), (None, BY_WORDS)):
        told = surety.signs(evidence.look("How do I return a plant?", found(RETURNS, SHIPPING), encoder))
        assert tuple(told) == names and all(np.isfinite(value) for value in told.values())
        assert shipped(vectors=encoder is not None).reads(told)
    assert not shipped(vectors=True).reads(told)
    assert surety.signs(evidence.look("Anything?", [], encode)) == {}


def sure_of(question: str, *published: Published, encoder: Any = encode) -> float:
    seen = evidence.look(question, found(*published), encoder)
    return shipped(vectors=encoder is not None).of(surety.signs(seen))


@pytest.mark.parametrize("encoder", [encode, None])
def test_what_ships_is_surer_where_an_article_holds_the_answer(encoder: Any) -> None:
    covered = sure_of("You can return any plant within how many days of delivery?", RETURNS, SHIPPING, encoder=encoder)
    foreign = sure_of("Which mortgage has the lowest interest?", RETURNS, SHIPPING, encoder=encoder)
    assert covered > 3 * foreign and foreign < 0.2
