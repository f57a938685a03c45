"""Classifiers of other kinds as people see them: several labels at once, yes or no, with no label, one and very many."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from classifiers import gathering, kinds, labels, several_evidence, shipping, taught, training
from data import examples, people, reviews, store, versions
from data import labels as known
from data.tables import Person, Version
from evals import changes, freezing, graders, sets
from evals.cases import NewCase
from portal import evidencing
from tests import worlds
from tests.conftest import Staff, hire
from tests.test_classifiers_finding import came
from tests.test_classifiers_several import arrived, ready, say, ship, topics
from tests.test_classifiers_several import taught as teach
from tests.test_screens import button, open_screen, sit_down
from tests.test_screens_evals import choose_case, drawn, labels_of, open_set, words

ASKS = "Is the customer complaining?"


@pytest.fixture
def desk(sqlite_home: Path) -> Staff:
    return hire()


def page(by: Person, name: str = "classifiers", **address: str) -> AppTest:
    return drawn(open_screen(sit_down(by), name, **address))


def show(app: AppTest, version: Version, tab: str) -> AppTest:
    app.session_state[f"evidence_{version.id}"] = tab
    return drawn(app.run())


@worlds.remembered
def mistaken(desk: Staff) -> Version:
    """In every third one of those in which all come up somebody forgot the courier."""
    with store.writing():
        ids, of = teach(desk, range(1, 241)), topics(desk)
        for made in ids[14::24]:
            say(desk, made, [of["Damage"], of["Refund"]])
    return training.train("Topics", by=desk.rep)


# -- several labels -----------------------------------------------------------------------------------------------------------------------


def test_a_version_that_says_several_shows_what_it_misses_and_from_where_on_each_is_said(desk: Staff) -> None:
    version = mistaken(desk)
    app = page(desk.rep, classifier="Topics")
    told = words(app)
    assert "all that comes up was said and nothing else" in told and "says at least one label in" in told
    worst = version.body["confusions"][0]
    assert f"Most often it {evidencing.mistake(worst)}, " in told
    assert set(app.dataframe[-1].value.columns) >= {"Label", "Found", "Right"} and "Intent" not in app.dataframe[-1].value.columns
    (tabs,) = [one for one in app.segmented_control if one.key == f"evidence_{version.id}"]
    assert "By label" in tabs.options and not [one for one in tabs.options if one == "More examples"]
    assert f"{evidencing.mixed(worst)}: {worst['n']}" in show(app, version, "mixed").selectbox(key="evidence_mixed").options
    shown = show(app, version, "sure")
    table = shown.dataframe[-1].value
    assert list(table["Label"]) == ["Courier", "Damage", "Refund"] and not shown.slider
    bars = version.manifest["thresholds"]
    of = topics(desk)
    assert [told.replace("\u00a0", "") for told in table["Said from"]] == [f"{bars[of[name]] * 100:.0f}%" for name in table["Label"]]
    promised = [of[name] in version.manifest["promised_labels"] for name in table["Label"]]
    assert [told == "yes" for told in table["Promise"]] == promised
    assert "it is right at least" in words(shown).replace("\\", "") or not any(promised)


@pytest.mark.parametrize(
    ("given", "said", "sentence", "line"),
    [
        ("Refund", "Damage", "takes **Refund** for **Damage**", "Refund taken for Damage"),
        ("Refund", None, "misses **Refund**", "Refund missed"),
        (None, "Damage", "says **Damage** where it does not come up", "Damage, which does not come up"),
    ],
)
def test_a_mistake_is_told_in_words(given: str | None, said: str | None, sentence: str, line: str) -> None:
    one = {"given_id": given, "given": given or several_evidence.NONE, "said_id": said, "said": said or several_evidence.NONE}
    assert (evidencing.mistake(one), evidencing.mixed(one)) == (sentence, line)


@worlds.remembered
def doubted(desk: Staff) -> Version:
    """Two conversations of which the courier is likely missing."""
    version, of = mistaken(desk), topics(desk)
    both, all_ = [[of[name] for name in names] for names in (("Damage", "Refund"), ("Courier", "Damage", "Refund"))]
    rows = [row for row in examples.for_training("Topics", by=desk.rep) if [*row.label_ids] == both][:2]
    suspects = [
        {
            "conversation_id": row.conversation_id, "given_id": None, "given_ids": both, "given": "Damage, Refund", "likelier_id": None,
            "likelier_ids": all_, "likelier": "Courier, Damage, Refund", "confidence": 0.9, "of_given": 0.1,
        }
        for row in rows
    ]  # fmt: skip
    return doubting_of(version, suspects)


def doubting_of(before: Version, suspects: list[dict[str, Any]]) -> Version:
    """The same as the next version, with these doubts."""
    with store.writing() as db:
        body = before.body | {"suspects": suspects}
        person = next(one for one in people.everybody(by=people.console()) if one.id == before.by_person_id)
        return versions.add(
            db, "classifier", before.target_name, by=person, manifest=before.manifest, body=body, file_sha=before.file_sha
        )  # fmt: skip


def test_a_doubtful_set_is_mended_or_kept_in_one_press(desk: Staff) -> None:
    version = doubted(desk)
    app = show(page(desk.rep, classifier="Topics"), version, "doubtful")
    suspects = {one["conversation_id"]: one for one in version.body["suspects"]}
    fix = next(one for one in app.button if (one.key or "").startswith("suspect_fix_"))
    made = (fix.key or "").removeprefix("suspect_fix_")
    assert not fix.disabled
    drawn(fix.click().run())
    assert set(taught.said_of(made, "Topics", by=desk.rep) or ()) == set(suspects[made]["likelier_ids"])
    assert not reviews.since([made], version.at)
    keep = next(one for one in app.button if (one.key or "").startswith("suspect_keep_"))
    kept = (keep.key or "").removeprefix("suspect_keep_")
    assert (fix.label, keep.label) == ("It is Courier, Damage and Refund", "Keep Damage and Refund")
    drawn(keep.click().run())
    assert taught.said_of(kept, "Topics", by=desk.rep) == tuple(topics(desk)[name] for name in ("Damage", "Refund"))
    assert not [one for one in app.button if (one.key or "").endswith((made, kept))]  # neither is asked again


def test_what_a_candidate_breaks_and_fixes_is_told_with_all_labels(desk: Staff) -> None:
    ship(desk, ready(desk))
    of = topics(desk)
    with store.writing():
        for row in examples.for_training("Topics", by=desk.rep):
            say(desk, row.conversation_id, [made for made in of.values() if made not in row.label_ids])
    worse = versions.target_of(training.train("Topics", by=desk.rep))
    shipping.evaluate(worse, by=desk.rep)
    told = words(page(desk.rep, classifier="Topics")).replace("\\", "")
    assert "Expected: 'Courier' and 'Damage'. The candidate " in told and "missed 'Courier'" in told
    assert "Expected: none of the labels. The candidate wrongly said" in told


def test_a_text_is_told_all_that_it_says(desk: Staff) -> None:
    version = mistaken(desk)
    app = show(page(desk.rep, classifier="Topics"), version, "try")
    drawn(app.text_area(key=f"study_text_{version.id}").set_value("a broken lid, please refund me").run())
    told = words(app)
    assert "It says **" in told and "** and **" in told and "Damage" in told and "Refund" in told


def test_the_whole_of_a_conversation_is_said_at_once_on_the_examples_page(desk: Staff) -> None:
    with store.writing():
        of, ids = topics(desk), arrived(desk, range(1, 6))
    app = page(desk.rep, "examples", label=of["Refund"])
    drawn(app.text_input(key="examples_words").set_value("number").run())
    (box,) = app.multiselect
    first = (box.key or "").removeprefix("examples_all_of_")
    assert first in ids
    assert box.options == ["Courier", "Damage", "Refund", "None of these"] and app.button(key="examples_say_all").disabled
    box.set_value([of["Courier"], "None of these"])
    drawn(app.run())
    assert "Either labels or 'None of these'" in words(app) and app.button(key="examples_say_all").disabled
    app.multiselect(key=f"examples_all_of_{first}").set_value([of["Courier"], of["Refund"]])
    drawn(app.run())
    drawn(app.button(key="examples_say_all").click().run())
    assert set(taught.said_of(first, "Topics", by=desk.rep) or ()) == {of["Courier"], of["Refund"]}
    second = next(one.key for one in app.multiselect if (one.key or "").startswith("examples_all_of_"))
    assert second and second != f"examples_all_of_{first}"
    app.multiselect(key=second).set_value(["None of these"])
    drawn(app.run())
    drawn(app.button(key="examples_say_all").click().run())
    assert taught.said_of(second.removeprefix("examples_all_of_"), "Topics", by=desk.rep) == ()
    press = drawn(app.button(key="examples_yes").click().run())  # the way of the single label stays
    assert "Accept 1 example" in labels_of(press)


def test_one_label_alone_has_no_such_way(desk: Staff) -> None:
    """The control."""
    came(desk, "Hello one")
    kinds.add("Complaint", kinds.YES_NO, ASKS, by=desk.rep)
    app = page(desk.rep, "examples", label=known.of("Complaint", drafts=True)[1].id)
    drawn(app.text_input(key="examples_words").set_value("hello").run())
    assert app.button(key="examples_yes") and not app.multiselect


# -- cases --------------------------------------------------------------------------------------------------------------------------------


def case_of(desk: Staff, expected: dict[str, Any], grader: str, about: str) -> tuple[Any, Any]:
    eval_set = sets.create("Topics in words", by=desk.lead)
    with store.writing() as db:
        eval_set.about = about
        db.add(eval_set)
    new = NewCase(({"role": "customer", "text": "It broke."},), expected, (grader,))
    changes.add(eval_set.id, [new], known=graders.BY_NAME, by=desk.lead, why="typed")
    (case,) = sets.cases(freezing.freeze(eval_set.id, by=desk.lead).id)
    return eval_set, case


def test_all_labels_of_a_case_are_changed_together(desk: Staff) -> None:
    of = topics(desk)
    expected = {"classifier": "Topics", "labels": ["Damage", "Parcel"], "label_ids": [of["Damage"], "gone"]}
    eval_set, case = case_of(desk, expected, "same labels", "Topics")
    app = choose_case(open_set(desk.lead, eval_set, "cases"), 0)
    box, both = app.multiselect(key=f"case_labels_{case.id}"), [of["Courier"], of["Refund"]]
    assert box.value == [of["Damage"], "gone"] and box.options == ["Courier", "Damage", "Refund", "Parcel", "None of these"]
    for said, right in (
        (["None of these"], {"classifier": "Topics", "labels": [], "label_ids": []}),
        ([of["Refund"], of["Courier"]], {"classifier": "Topics", "labels": ["Courier", "Refund"], "label_ids": both}),
    ):  # fmt: skip
        app = choose_case(open_set(desk.lead, eval_set, "cases"), 0)
        app.multiselect(key=f"case_labels_{case.id}").set_value(said)
        app.text_input(key=f"case_why_{case.id}").set_value("It was read again.")
        drawn(app.button(key=f"case_change_{case.id}").click().run())
        change = changes.waiting(eval_set.id, by=desk.lead)[0]
        assert change.case and change.case["expected"] == right and change.case["graders"] == ["same labels"]
        changes.take_back(change.id, by=desk.lead)


def test_a_case_that_is_typed_says_which_come_up_or_that_none_does(desk: Staff) -> None:
    topics(desk)
    eval_set, _ = case_of(desk, {"labels": ["Damage"]}, "same labels", "Topics")
    app = open_set(desk.lead, eval_set, "waiting")
    app.text_area(key="case_new_text_0").set_value("The courier shouted.")
    drawn(app.button(key="case_new").click().run())
    assert "which labels come up" in words(app)  # an empty field says nothing
    app.text_area(key="case_new_text_0").set_value("The courier shouted.")
    app.multiselect(key="case_labels_new_0").set_value(["None of these"])
    drawn(app.run())
    drawn(app.button(key="case_new").click().run())
    (change,) = changes.waiting(eval_set.id, by=desk.lead)
    assert change.case and change.case["expected"]["labels"] == []


def test_a_case_of_a_yes_or_no_offers_its_answers(desk: Staff) -> None:
    kinds.add("Complaint", kinds.YES_NO, ASKS, by=desk.rep)
    labels.add("Refund", by=desk.lead)
    eval_set, case = case_of(desk, {"label": "Yes"}, "exact label", "Complaint")
    box = choose_case(open_set(desk.lead, eval_set, "cases"), 0).selectbox(key=f"case_label_{case.id}")
    assert box.label == "The right answer" and [*box.options] == ["No", "Yes"] and box.value.name == "Yes"


# -- named where it is needed -------------------------------------------------------------------------------------------------------------


def test_a_label_of_another_classifier_is_named_where_its_examples_are_found(desk: Staff) -> None:
    kinds.add("Product", kinds.SEVERAL, "Which products come up?", by=desk.rep)
    labels.add("Refund", by=desk.lead)
    app = page(desk.rep, "examples", classifier="Product")
    assert "'Product' has no label yet. Name the first one." in words(app).replace("\\", "")
    drawn(app.text_input(key="examples_name").set_value("Kettle").run())
    drawn(app.button(key="examples_add").click().run())
    (made,) = known.of("Product", drafts=True)
    assert made.name == "Kettle" and app.selectbox(key="examples_label").value == made.id
    assert next(one for one in app.text_input if one.key == "examples_name").label == "Label of 'Product'"
    again = page(desk.rep, "examples", label=made.id)
    drawn(again.text_input(key="examples_name").set_value("Toaster").run())
    drawn(again.button(key="examples_add").click().run())
    assert [one.name for one in known.of("Product", drafts=True)] == ["Kettle", "Toaster"]
    intent = page(desk.rep, "examples")  # the control
    assert next(one for one in intent.text_input if one.key == "examples_name").label == "Intent"


def test_yes_and_no_are_all_there_is(desk: Staff) -> None:
    kinds.add("Complaint", kinds.YES_NO, ASKS, by=desk.rep)
    app = page(desk.rep, "examples", classifier="Complaint")
    assert "Choose the answer that you want to find examples of." in words(app)
    assert not [one for one in app.text_input if one.key == "examples_name"]
    assert [*app.selectbox(key="examples_label").options][:2] == ["Complaint: No (being taught)", "Complaint: Yes (being taught)"]
    assert "Name the first one." in words(page(desk.rep, "examples", classifier="nothing"))


# -- what a person says again of yes or no ------------------------------------------------------------------------------------------------


def test_a_doubtful_answer_of_yes_or_no_is_mended_without_a_review(desk: Staff) -> None:
    kinds.add("Complaint", kinds.YES_NO, ASKS, by=desk.rep)
    no, yes = known.of("Complaint", drafts=True)
    texts = [f"{'This is a scandal, I am angry' if place % 2 else 'Thank you, all is well'}, number {place}." for place in range(160)]
    with store.writing():
        ids = came(desk, *texts)
        for place, made in enumerate(ids):
            gathering.accept([made], (yes if place % 2 and place % 10 != 1 else no).id, found="search", by=desk.rep)
    [row, *_] = [one for one in examples.for_training("Complaint", by=desk.rep) if "scandal" in one.text and one.label_id == no.id]
    told = {"given_id": no.id, "given": "No", "likelier_id": yes.id, "likelier": "Yes", "confidence": 0.9, "of_given": 0.1}
    version = doubting_of(training.train("Complaint", by=desk.rep), [{"conversation_id": row.conversation_id} | told])
    app = show(page(desk.rep, classifier="Complaint"), version, "doubtful")
    fix = next(one for one in app.button if (one.key or "").startswith("suspect_fix_"))
    made = (fix.key or "").removeprefix("suspect_fix_")
    assert fix.label == "It is Yes" and "Some labels have to be surer" not in words(app)
    drawn(fix.click().run())
    learned = {row.conversation_id: row.label for row in examples.for_training("Complaint", by=desk.rep)}
    assert learned[made] == "Yes" and not reviews.since([made], version.at)
    assert fix.key not in {one.key for one in app.button}


# -- none, one and many -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kinds.ONE, kinds.SEVERAL, kinds.YES_NO])
@pytest.mark.parametrize("count", [0, 1, 150])
def test_the_pages_are_drawn_with_no_label_one_and_very_many(desk: Staff, kind: str, count: int) -> None:
    with store.writing():
        kinds.add("Matter", kind, "What is the matter?", by=desk.rep)
        for number in range(count if kind != kinds.YES_NO else 0):
            labels.add(f"Matter {number}", by=desk.rep, classifier_name="Matter", draft=True)
    app = page(desk.rep, classifier="Matter")
    assert "Nothing was trained yet." in words(app)
    there = 2 if kind == kinds.YES_NO else count
    assert f"Answers: {there}" in [one.label for one in app.expander]
    links = [one for one in app.get("page_link") if "Find examples" in str(one.proto)]
    assert len(links) == (there if there <= 8 else 1)  # of many there is a table, and one way
    theirs = page(desk.rep, "examples", classifier="Matter").selectbox(key="examples_label").options
    assert len([one for one in theirs if one.startswith("Matter: ")]) == there
    assert "Nothing stands out" in words(page(desk.rep, "patterns"))
    assert button(app, "Train a candidate")
