"""The failure points of a recipe as people see them: none, ranked with what mends them, and one run after the other with a key each."""

from datetime import timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from automations import causes, failures
from automations.causes import CAUSES
from automations.recipe import Act
from data import store
from data.tables import Person, Trace
from data.values import now
from portal import keys
from tests.conftest import Staff, hire
from tests.test_automations_failures import LOOKS, NAME, TAGS, broken, in_force, row
from tests.test_screens_evals import drawn, labels_of, words
from tests.test_screens_knowledge import check_words_only, opened

HOSTILE = "<img src=x onerror=alert(1)> **bold** :red[x] $x$"


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    return hire()


def failed(staff: Staff, count: int = 3) -> list[Trace]:
    in_force(staff)
    made = [broken(staff, number) for number in range(1, count + 1)]
    failures.look()
    return made


def points(by: Person) -> AppTest:
    return opened(by, "automations", recipe=NAME, tab="failures")


def press(app: AppTest, key: str) -> AppTest:
    return drawn(next(one for one in app.button if str(one.key).startswith(key)).click().run())


def confirmable(app: AppTest) -> str:
    """What Enter would confirm."""
    return next(one.label for one in app.button if str(one.key).startswith("failures_confirm_"))


def test_where_no_run_failed_the_page_says_what_stands_here(desk: Staff) -> None:
    in_force(desk, TAGS)
    broken(desk)
    for person in (desk.rep, desk.lead, desk.engineer, desk.admin):
        app = points(person)
        assert "No run failed or was corrected in the last 28 days." in words(app)
        check_words_only(app)


def test_causes_stand_in_order_with_their_share_and_what_mends_them(desk: Staff) -> None:
    made = failed(desk, 4)
    failures.confirm(made[0].id, causes.ARTICLE_MISSING, by=desk.rep)
    told = words(points(desk.rep))
    assert "4 of 4 runs failed or were corrected." in told and "In as long a time before it was none." in told
    assert told.index("**1. Slow or not there**: 3 of 4 (75 %)") < told.index("**2. Article missing**: 1 of 4 (25 %)")
    assert "An answer or a decision did not come in time. 3 by rule." in told and "No article says it. 1 confirmed." in told
    assert "Mend the step or what it asks" in told and "Write the article from Gaps" in told
    assert "people kept 0 of the 1 that they looked at" in told


def test_a_fix_of_the_recipe_opens_its_steps(desk: Staff) -> None:
    failed(desk, 1)
    app = press(points(desk.rep), "failures_fix_")
    assert "1 · Look up order" in words(app) and "One by one" not in words(app)


def test_an_admin_sees_where_to_mend_and_says_no_cause(desk: Staff) -> None:
    (trace,) = failed(desk, 1)
    failures.confirm(trace.id, causes.ARTICLE_MISSING, by=desk.rep)
    broken(desk, 2)
    failures.look()
    app = points(desk.admin)
    assert "Reps, leads and engineers say whether that is so." in words(app) and "Confirm" not in labels_of(app)
    assert "Write the article from Gaps" in words(app) and "Write the article from Gaps" not in labels_of(app)  # a page that they have not


def test_a_run_is_shown_with_what_was_asked_what_it_did_and_why(desk: Staff) -> None:
    failed(desk, 1)
    app = points(desk.rep)
    told = words(app)
    assert "Where is my parcel?" in told and "What the run did" in told
    assert "Look up order: Nothing was looked up: no shop is connected." in told
    assert "Proposed by rule: **Slow or not there**" in told and "'look up order' ended it" in told
    check_words_only(app)


def test_enter_confirms_what_the_rule_says_and_the_next_one_comes(desk: Staff) -> None:
    made = failed(desk)
    app = points(desk.rep)
    assert "3 wait for somebody's word" in words(app) and confirmable(app) == "Confirm: Slow or not there (Enter)"
    app = press(app, "failures_confirm_")
    assert "2 wait for somebody's word" in words(app)
    assert [row(one).cause_by_id for one in made] == [None, None, desk.rep.id]


def test_a_number_chooses_another_cause_and_nothing_is_kept_before_enter(desk: Staff) -> None:
    (trace,) = failed(desk, 1)
    app = press(points(desk.lead), "failures_set_8_")
    assert confirmable(app) == "Confirm: Against the policy (Enter)" and row(trace).cause_by_id is None
    app = press(app, "failures_confirm_")
    assert (row(trace).cause, row(trace).cause_by_id) == (causes.POLICY, desk.lead.id)
    assert "Nobody's word is missing" in words(app)


def test_what_was_confirmed_last_is_opened_again_and_said_otherwise(desk: Staff) -> None:
    (trace,) = failed(desk, 1)
    app = press(press(points(desk.rep), "failures_confirm_"), "failures_back")
    assert "Rita said: **Slow or not there**" in words(app)
    press(press(app, "failures_set_5_"), "failures_confirm_")
    assert row(trace).cause == causes.WRONG_ARGUMENT and row(trace).cause_why.startswith("By rule it was slow: ")


def test_one_that_is_put_off_comes_behind_the_others(desk: Staff) -> None:
    made = failed(desk, 2)

    def shown(app: AppTest) -> str:
        return next(str(one.key) for one in app.button if str(one.key).startswith("failures_confirm_"))

    app = points(desk.rep)
    assert shown(app).endswith(made[1].id)
    app = press(app, "failures_skip_")
    assert shown(app).endswith(made[0].id)
    assert shown(press(app, "failures_confirm_")).endswith(made[1].id)


def test_of_another_teams_runs_only_the_count_is_seen(desk: Staff) -> None:
    failed(desk)
    app = points(desk.other)
    assert "3 of 3 runs failed" in words(app) and "Where is my parcel?" not in words(app) and "Examples" not in labels_of(app)
    assert "Nobody's word is missing" in words(app)


def test_what_people_wrote_is_words_and_nothing_else(desk: Staff) -> None:
    in_force(desk, (Act("draft reply", "reply", {"text": HOSTILE}), *LOOKS))
    trace = broken(desk)
    with store.writing() as db:
        kept = db.get_one(Trace, trace.id)
        kept.outcome, kept.better, kept.decided_at = "edited", HOSTILE + " Another.", now()
    failures.look()
    app = points(desk.rep)
    assert f"{HOSTILE} Another." in [one.value for one in app.text]
    check_words_only(app)


def test_only_what_is_as_young_as_was_asked_for_counts(desk: Staff) -> None:
    made = failed(desk, 2)
    with store.writing() as db:
        db.get_one(Trace, made[0].id).at = now() - timedelta(days=9)
    app = points(desk.rep)
    assert "2 of 2 runs failed" in words(app)
    control = next(one for one in app.get("button_group") if str(one.key).startswith("failures_days_"))
    drawn(control.set_value(7).run())
    assert "1 of 1 run failed or was corrected." in words(app) and "In as long a time before it was one." in words(app)


def test_the_page_answers_to_the_keys_of_the_map(desk: Staff) -> None:
    failed(desk, 1)
    there = [str(one.key) for one in points(desk.rep).button]
    for number, name in enumerate(CAUSES, start=1):
        of_key = next(one for one in keys.MAP if one.key == str(number))
        assert f"failures_set_{number}_" in of_key.to, name
        assert any(key.startswith(f"failures_set_{number}_") for key in there)
    enter = next(one for one in keys.MAP if one.key == "Enter")
    assert enter.to == ("failures_confirm_",) and any(key.startswith(enter.to[0]) for key in there)
