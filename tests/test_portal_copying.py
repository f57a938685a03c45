"""Copies as people make and see them: of a recipe and of a classifier, with where they are from."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from automations import recipes
from automations.recipe import Act, Recipe
from classifiers import copying, kinds
from data.tables import EvalSet, Person
from evals import changes, sets
from tests.conftest import Staff, hire
from tests.test_evals_rubrics import SORRY, a_set
from tests.test_screens import button
from tests.test_screens_evals import choose_case, drawn, labels_of, open_set, words
from tests.test_screens_knowledge import check_words_only, opened

MARKED = Recipe("late parcels", "Late parcels are *marked*", "", acts=(Act("tag", "marked", {"tag": "late"}),))


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    made = hire()
    recipes.save(MARKED, why="So.", based_on=None, by=made.lead)
    return made


def copied(app: AppTest, key: str, name: str) -> AppTest:
    app.text_input(key=key).set_value(name)
    return drawn(button(app, "Copy it").click().run())


def test_a_recipe_is_copied_and_the_copy_says_where_it_is_from(desk: Staff) -> None:
    app = copied(opened(desk.other, "automations", recipe="late parcels"), "automations_copy_name_late parcels", "fern's own")
    assert app.title[0].value == "Fern's own" and "Copied. Try it on your own conversations under Backtest." in words(app)
    told = words(app)
    assert "Copied from **Late parcels are *marked*** 1. There it was neither backtested nor live when it was copied." in told
    assert "Here nothing of that is known: try it on your own conversations under Backtest." in told
    assert "Open the original" in labels_of(app)
    assert [one.name for one in recipes.listed(by=desk.rep)] == ["fern's own", "late parcels"]
    assert "Copied from" not in words(opened(desk.rep, "automations", recipe="late parcels"))
    check_words_only(app)


def test_a_name_that_is_taken_is_refused_and_stays_typed(desk: Staff) -> None:
    app = copied(opened(desk.rep, "automations", recipe="late parcels"), "automations_copy_name_late parcels", "Late parcels")
    assert "Not copied: there is a recipe 'Late parcels' already." in words(app)
    assert app.text_input(key="automations_copy_name_late parcels").value == "Late parcels"


def test_who_may_not_draft_sees_no_copy_button(desk: Staff) -> None:
    assert "Make a copy" not in labels_of(opened(desk.admin, "automations", recipe="late parcels"))
    assert "Make a copy" in labels_of(opened(desk.rep, "automations", recipe="late parcels"))


def test_a_classifier_is_copied_and_says_that_it_is_measured_anew(desk: Staff) -> None:
    kinds.add("Complaint", kinds.YES_NO, "Is the customer complaining?", by=desk.lead)
    app = copied(opened(desk.rep, "classifiers", classifier="Complaint"), "classifiers_copy_name_Complaint", "Upset")
    told = words(app)
    assert "'Upset' begins with 0 examples." in told
    assert "Copied from **Complaint**, which was not trained yet when it was copied. How good it is here is known once" in told
    assert kinds.names() == ["intent", "Complaint", "Upset"]
    assert app.button_group(key="classifiers_which").value == "Upset"
    drawn(button(app, "Open the original").click().run())
    assert app.query_params["classifier"] in ("Complaint", ["Complaint"]) and "Copied from" not in words(app)
    assert app.button_group(key="classifiers_which").value == "Complaint"
    check_words_only(app)


def test_the_classifier_for_intents_is_not_copied(desk: Staff) -> None:
    app = opened(desk.lead, "classifiers")
    assert "Make a copy" not in labels_of(app)
    kinds.add("Complaint", kinds.YES_NO, "Is the customer complaining?", by=desk.lead)
    assert "Make a copy" in labels_of(opened(desk.lead, "classifiers", classifier="Complaint"))
    assert "Make a copy" not in labels_of(opened(desk.admin, "classifiers", classifier="Complaint"))
    assert copying.origin("Complaint", by=desk.lead) is None


def test_a_case_is_judged_by_the_rubric_of_another_set_if_a_model_can_judge(desk: Staff) -> None:
    a_set(desk, "Delays", SORRY)
    ours, version = a_set(desk, "Plants", "")
    (case,) = sets.cases(version.id)
    app = first_case(desk.lead, ours)
    assert app.selectbox(key=f"case_rubric_{case.id}").options == [SORRY]
    assert "There: in 1 case of 'Delays' 1, not run there yet. Here the next run measures it." in words(app)
    drawn(button(app, "Judge this case by it").click().run())
    assert "Not changed: the case could not be judged: " in words(app) and changes.waiting_count(ours.id) == 0  # there is no endpoint
    check_words_only(app, case.id)


def test_where_no_set_has_a_rubric_the_page_says_what_brings_one(desk: Staff) -> None:
    ours, _ = a_set(desk, "Plants", "")
    assert "No set has a case that is judged by a rubric of its own words." in words(first_case(desk.lead, ours))
    assert "Take over a rubric" not in labels_of(first_case(desk.rep, ours))


def first_case(person: Person, eval_set: EvalSet) -> AppTest:
    return choose_case(open_set(person, eval_set, "cases"), 0)
