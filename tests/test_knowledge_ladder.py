"""The ladder: each rung on the same questions, what it brought, what was not worth it; and nothing is told by what learned from it."""

import re

import pytest

from data import versions
from data.errors import Denied, Refused
from data.measures import Share
from data.tables import EvalSet, SetVersion, Study
from data.values import Target
from evals import changes, freezing, graders, sets, verdict
from evals.cases import NewCase
from evals.graders import cites_article
from knowledge import answerers, evidence, in_force, ladder, shelf, steps
from knowledge.answerers import PLAIN, Setup
from knowledge.passages import Chunking
from knowledge.retrieval import LIVE
from knowledge.retrieval.combination import climbing
from tests.conftest import Staff
from tests.test_knowledge_articles import release, write

NOUNS = [
    "voucher", "courier", "balcony", "orchid", "invoice", "warranty", "password", "lantern", "trellis", "compost", "greenhouse", "seedling",
]  # fmt: skip
ASKED = ("What about the {}?", "Please tell me of a {} now", "My {} is gone")
UNCOVERED = [
    "What is the capital of Peru?",
    "Who won the football?",
    "Sing a song of rain",
    "Is chess hard?",
    "Tell a joke",
    "Moon or Mars?",
]


def publish(staff: Staff) -> None:
    """Each article is headed by its own word and talks of the next one's: only its title says what it is about."""
    told = [(one, NOUNS[(place + 1) % len(NOUNS)]) for place, one in enumerate(NOUNS)]
    release(
        staff, *(write(staff, title=own.capitalize(), text=f"A {other}, and once more the {other}. Any {other}.") for own, other in told)
    )


def questions(count: int = 30) -> list[tuple[str, list[str]]]:
    return [(ASKED[place // len(NOUNS)].format(NOUNS[place % len(NOUNS)]), [NOUNS[place % len(NOUNS)]]) for place in range(count)]


def freeze(staff: Staff, asked: list[tuple[str, list[str]]], name: str = "Everyday questions") -> SetVersion:
    eval_set = next((one for one in sets.all_sets(by=staff.rep) if one.name == name), None) or begun(staff, name)
    new = [NewCase(({"role": "customer", "text": text},), {"articles": wanted}, (cites_article.NAME,)) for text, wanted in asked]
    changes.add(eval_set.id, new, known=graders.BY_NAME, by=staff.lead, why="Asked in the last weeks.")
    freezing.freeze(eval_set.id, by=staff.lead)
    found = sets.latest(eval_set.id)
    assert found is not None
    return found


def begun(staff: Staff, name: str) -> EvalSet:
    return sets.create(name, by=staff.lead, purpose="knowledge", bar=0.4)


def climbed(staff: Staff, asked: list[tuple[str, list[str]]] | None = None, target: Target = PLAIN) -> Study:
    publish(staff)
    version = freeze(staff, [*questions(), *((text, []) for text in UNCOVERED)] if asked is None else asked)
    return ladder.climb(target, version.id, by=staff.rep)


def rung(study: Study, name: str) -> dict:
    return next(one for one in study.told["rungs"] if one["name"] == name)


# -- what it tells ------------------------------------------------------------------------------------------------------------------------


def test_the_rung_that_helps_is_told_from_those_that_bring_nothing(staff: Staff) -> None:
    study = climbed(staff)
    titles, sentences = rung(study, "titles"), rung(study, "sentences")
    assert rung(study, "keyword")["r1"]["k"] < 10 < 25 < titles["r1"]["k"]
    assert (titles["verdict"], titles["worth"], titles["against"]) == ("better", "worth it", "sentences")
    assert re.fullmatch(r"Titles: \+\d+ points \(\+\d+ to \+\d+\), better on 30 questions\.", titles["sentence"])
    assert sentences["sentence"] == "Each sentence: 0 points (−11 to +11), cannot tell on 30 questions."
    assert (sentences["difference"], sentences["worth"]) == (0, "not worth it")
    assert study.told["sentence"].startswith("Not worth it on 30 questions: ") and "Each sentence" in study.told["sentence"]
    assert "Titles" not in study.told["sentence"]


def test_each_figure_has_its_interval_and_counts_the_questions_it_is_about(staff: Staff) -> None:
    study = climbed(staff)
    assert (study.told["questions"], study.told["answerable"], study.told["articles"]) == (36, 30, 12)
    for one in study.told["rungs"]:
        assert (one["r1"]["n"], one["r5"]["n"], one["mrr5"]["n"], one["answers"]["n"]) == (30, 30, 30, 36)
        for name in ("r1", "r5", "answers"):
            assert (one[name]["low"], one[name]["high"]) == pytest.approx(Share(one[name]["k"], one[name]["n"]).interval, abs=1e-4)
        assert one["r1"]["value"] <= one["mrr5"]["value"] <= one["r5"]["value"]
        assert one["mrr5"]["low"] <= one["mrr5"]["value"] <= one["mrr5"]["high"] and one["ms"] > 0


def test_silence_is_right_where_nothing_covers_it_and_nowhere_else(staff: Staff) -> None:
    made = answerers.make(Setup(threshold=1.0), why="Quite sure.", by=staff.rep)
    study = climbed(staff, target=versions.target_of(made))
    assert {one["answers"]["k"] for one in study.told["rungs"]} == {len(UNCOVERED)}
    assert study.version_id == made.id and study.told["answerer"] == 1


def test_what_cannot_be_measured_is_said_with_the_reason(staff: Staff) -> None:
    skipped = {one["name"]: one["why"] for one in climbed(staff, questions(12)).told["skipped"]}
    assert set(skipped) == {"vectors", "hybrid", "classification", "reranker"}
    assert "no sentence encoder" in skipped["vectors"] and "no intent classifier is live" in skipped["classification"]
    assert skipped["reranker"] == "it learns from 20 questions or more, and four fifths of these are 9"


def test_no_question_is_told_by_what_learned_from_it(staff: Staff) -> None:
    """Words that stand in no article and in no other question: only who saw the answer could tell."""
    study = climbed(staff, [(f"zq{place}xw zq{place}yv zq{place}kt", [NOUNS[place % len(NOUNS)]]) for place in range(30)])
    assert {"picks", "reranker"} <= {one["name"] for one in study.told["rungs"]}
    assert {one["name"]: one["r1"]["k"] for one in study.told["rungs"] if one["r1"]["k"]} == {}


def test_questions_of_one_customer_stay_in_one_part() -> None:
    parts = ladder._parts(["a", None, "b", "a", None, "b", *[None] * 20])
    assert (parts[0], parts[2]) == (parts[3], parts[5]) and set(parts) == set(range(steps.PARTED))


# -- what is kept -------------------------------------------------------------------------------------------------------------------------


def test_what_ships_is_kept_as_a_version_once_and_the_newest_climb_is_found(staff: Staff) -> None:
    first = climbed(staff, questions(12))
    again = ladder.climb(PLAIN, first.told["set_version_id"], by=staff.lead)
    assert [one.target_number for one in versions.all_of("answerer", answerers.NAME)] == [1]
    assert first.version_id == again.version_id
    found = ladder.newest(first.told["eval_set_id"], by=staff.rep)
    assert found is not None and found.id == again.id and ladder.newest("none", by=staff.rep) is None
    assert ladder.newest(first.told["eval_set_id"], by=staff.rep, number=2) is None


def test_a_climb_says_what_changed_since(staff: Staff) -> None:
    study = climbed(staff, questions(12))
    assert ladder.grown_old(study) == ""
    stamp, draft = in_force.stamp(), write(staff, title="Opening hours", text="We open at nine.")
    assert ladder.grown_old(study) == "" and in_force.stamp() != stamp  # what is only written changes no answer
    release(staff, draft)
    assert ladder.grown_old(study) == "Other articles were published or taken out of use since."
    freeze(staff, [("And on Sunday?", ["opening-hours"])])
    assert ladder.grown_old(study) == "The set was frozen anew since, as number 2."


def test_a_climb_that_was_kept_with_a_stamp_is_read_as_it_was(staff: Staff) -> None:
    """Until a climb kept which articles were in force, it kept when the last of them changed."""
    study = climbed(staff, questions(12))
    study.told = {name: told for name, told in study.told.items() if name != "in_force"} | {"stamp": in_force.stamp()}
    assert ladder.grown_old(study) == ""
    release(staff, write(staff, title="Opening hours", text="We open at nine."))
    assert ladder.grown_old(study) == "Other articles were published or taken out of use since."


def test_what_cannot_be_climbed_says_why(staff: Staff) -> None:
    version = freeze(staff, [(text, []) for text in UNCOVERED])
    with pytest.raises(Refused, match="no article is published"):
        ladder.climb(PLAIN, version.id, by=staff.rep)
    publish(staff)
    with pytest.raises(Refused, match="no case of this set names the article"):
        ladder.climb(PLAIN, version.id, by=staff.rep)
    with pytest.raises(Denied):
        ladder.climb(PLAIN, version.id, by=staff.admin)
    assert versions.all_of("answerer", answerers.NAME) == []


# -- what is worth it ---------------------------------------------------------------------------------------------------------------------


def test_what_is_worth_it_is_climbed_too_and_told_as_flattered(staff: Staff) -> None:
    study = climbed(staff)
    best = study.told["best"]
    assert "titles" in best["rungs"] and not {"sentences", "expansion"} & set(best["rungs"]) and not best["learns"]
    assert {"vectors", "classification"} <= set(best["rungs"])  # they could not be measured: nothing is known against them
    assert best["r1"]["n"] == 30 and best["sentence"].endswith("It was chosen by these questions: on others expect a little less.")
    assert ladder.best(study.told, LIVE) == steps.chosen(best["rungs"], LIVE)


def row(name: str, worth: str, on: bool = True) -> dict:
    return {"name": name, "worth": worth, "on": on}


def test_the_best_are_those_that_gained_and_what_both_find_only_where_both_are_worth_it() -> None:
    told = {
        "rungs": [row("keyword", "first"), row("vectors", "worth it"), row("hybrid", "not worth it"), row("titles", "open")],
        "skipped": [],
    }
    assert steps.has(ladder.best(told)) == {"vectors", "titles"}
    told["rungs"][2] = row("hybrid", "open")
    assert steps.has(ladder.best(told)) == {"keyword", "vectors", "hybrid", "titles"}
    told["rungs"][1:] = [row("vectors", "not worth it"), row("hybrid", "not worth it")]
    assert steps.has(ladder.best(told)) == {"keyword"}
    assert ladder.best(told, learns=True) == LIVE  # a learned order weighs the others itself


# -- steps and combinations ---------------------------------------------------------------------------------------------------------------


def test_a_rung_that_the_version_lacks_is_tried_in_its_place_and_taken_off_again() -> None:
    combination = climbing(keyword=2.0, sentences=0.5, entities=1.0)
    made, _ = steps.steps(combination, [], encoded=False)
    by_name = {step.rung.name: step for step in made}
    assert by_name["titles"].on is False and by_name["titles"].combination.weights == (
        ("keyword", 2.0),
        ("sentences", 0.5),
        ("titles", 0.6),
    )
    assert by_name["entities"].on and by_name["entities"].combination.weights == combination.weights
    assert (by_name["titles"].against, by_name["entities"].against) == (("sentences",), ("sentences",))
    assert by_name["keyword"].combination.chunking == Chunking("whole") and by_name["entities"].combination.chunking == Chunking()


def test_rungs_are_switched_and_count_as_they_did() -> None:
    assert steps.chosen(steps.has(LIVE), LIVE) == LIVE
    fewer = steps.chosen(steps.has(LIVE) - {"titles", "chunking"}, LIVE)
    assert not fewer.on("titles") and fewer.chunking.how == "whole" and dict(fewer.weights)["picks"] == 4.0
    more = steps.chosen({"keyword", "titles", "chunking"}, climbing(keyword=3.0))
    assert dict(more.weights) == {"keyword": 3.0, "titles": 0.6} and more.chunking == Chunking()
    with pytest.raises(Refused, match="at least one rung"):
        steps.chosen({"chunking"}, LIVE)


def test_a_candidates_order_is_never_learned_from_the_questions_that_test_it(staff: Staff) -> None:
    publish(staff)
    version = freeze(staff, questions())
    with pytest.raises(Refused, match="0 questions have a chosen article, and it takes 20"):
        ladder.in_order(LIVE, version.id, by=staff.rep)


def test_what_both_find_goes_only_where_that_is_surely_worse() -> None:
    hardly, surely = ([True] * 10 + [False] * 10, [True] * 11 + [False] * 9), ([False] * 20, [True] * 20)
    told = {
        (title, place): ladder._worth(title, verdict.judge(verdict.of_passes(*pair)), 1)["worth"]
        for title in ("Both together", "Titles") for place, pair in enumerate((hardly, surely))
    }  # fmt: skip
    assert [told["Both together", place] for place in (0, 1)] == ["open", "not worth it"]
    assert [told["Titles", place] for place in (0, 1)] == ["not worth it", "not worth it"]


def test_a_sureness_that_was_learned_from_the_set_is_learned_anew_for_each_part(staff: Staff) -> None:
    release(staff, *(write(staff, title=one.capitalize(), text=f"All about the {one}. A {one} is sent by post.") for one in NOUNS))
    version = freeze(staff, [(f"{text} Is the {wanted[0]} sent by post?", wanted) for text, wanted in questions(36)])
    learned = answerers.learn(Setup(), version.id, target=0.8, by=staff.rep)
    made = answerers.make(learned.setup, why="It learned.", by=staff.rep)
    asked = ladder._questions(sets.cases(version.id))
    climb = steps.Climb(learned.setup, asked)
    seen = [evidence.look(evidence.asked_now(one.messages), steps.find(shelf.current(LIVE), one.asked, LIVE)) for one in asked]
    sure = climb._sure(seen)
    assert set(sure) == set(range(steps.PARTED)) and {one.judged for one in sure.values() if one} == {28, 29}  # of 36
    study = ladder.climb(versions.target_of(made), version.id, by=staff.rep)
    assert rung(study, "titles")["answers"]["k"] > 20
