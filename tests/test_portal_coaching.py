"""Coaching on its pages: what a lead sees and sets, what a rep sees of it, takes and answers, and that each number opens what it counts."""

import pytest
from streamlit.testing.v1 import AppTest

from data import coaching, coaching_notes, exercises, people
from data.tables import Label, Person
from tests.conftest import Staff
from tests.test_data_coaching import rated, team  # noqa: F401
from tests.test_data_exercises import gold, refund  # noqa: F401
from tests.test_screens import button, open_screen, sit_down, words

HOSTILE = "<img src=x onerror=alert(1)> **bold** :red[x] [l](http://evil.example)"


def told(app: AppTest) -> str:
    return words(app).replace("\\", "")


def of_lead(staff: Staff) -> AppTest:
    return open_screen(sit_down(staff.lead), "team", part="Coaching")


def of_rep(person: Person, part: str) -> AppTest:
    return open_screen(sit_down(person), "my_work", part=part)


def bars(app: AppTest) -> str:
    return "\n".join(one.proto.text for one in app.get("progress")).replace("\\", "")


def labels_of(app: AppTest) -> list[str]:
    return [one.proto.label for one in app.get("page_link")]


def test_a_lead_sees_who_differs_and_each_number_opens_what_it_counts(staff: Staff, team: list[Person]) -> None:  # noqa: F811
    rated(team)
    app = of_lead(staff)
    said = told(app)
    assert "More than chance apart from the team: Ben (Customers' rating)" in said
    assert "Of 40 of Ben's conversations, 45\u00a0% were rated 4 or 5 by the customer" in said
    assert "of the others' 80 on the same intents, 90\u00a0%" in said and "Could practise" in said
    (one,) = [found for found in coaching.of_team(by=staff.lead).findings if found.name == "Ben"]
    assert (len(set(one.counted)), len(set(one.beside))) == (one.n, one.others)
    panels = [panel.label for panel in app.expander]
    assert "All 40 of Ben's" in panels and "The others' 80" in panels


def test_a_lead_sets_an_exercise_and_writes_a_note_and_the_rep_finds_both(staff: Staff, refund: Label) -> None:  # noqa: F811
    gold(staff, refund, 4)
    app = of_lead(staff)
    assert "Too little to compare yet" in told(app)
    app.selectbox(key="coaching_whom").set_value(staff.rep.id).run()
    app.text_area(key=f"coaching_said_{staff.rep.id}").set_value(HOSTILE)
    app.button(key=f"coaching_send_{staff.rep.id}").click().run()
    app.selectbox(key="coaching_whom").set_value(staff.rep.id).run()
    app.slider(key=f"coaching_most_{staff.rep.id}").set_value(4)
    app.text_input(key=f"coaching_why_{staff.rep.id}").set_value("To see **alike**.")
    app.button(key=f"coaching_set_{staff.rep.id}").click().run()
    assert not app.exception and "0 of 4 answered" in told(app) and [one.text for one in coaching_notes.of(by=staff.rep)] == [HOSTILE]

    app = of_rep(staff.rep, "Exercises")
    assert "from Lena" in told(app) or staff.lead.name in told(app)
    assert "To see **alike**." in [one.value for one in app.text]
    (given,) = exercises.mine(by=staff.rep)
    begin = next(one.proto for one in app.get("page_link") if one.proto.label == "Begin")
    assert (begin.page, begin.query_string) == ("calibration", f"exercise={given.exercise.id}")

    app = of_rep(staff.rep, "Notes")
    assert HOSTILE in [one.value for one in app.text] and "nobody else reads this" in told(app)
    app.text_area[0].set_value("I will.")
    button(app, "Send").click().run()
    assert [one.text for one in coaching_notes.of(by=staff.lead)] == ["I will.", HOSTILE]
    assert HOSTILE in [one.value for one in of_lead(staff).text]


def test_an_exercise_is_taken_on_calibration_and_ends_there(staff: Staff, refund: Label) -> None:  # noqa: F811
    gold(staff, refund, 3, missing="article")
    made = exercises.assign(staff.rep.id, "gaps", why="See what to build.", most=3, by=staff.lead)
    app = open_screen(sit_down(staff.rep), "calibration", exercise=made.id)
    for place, example_id in enumerate(exercises.waiting_in(made.id, by=staff.rep)):
        assert "See what to build." in told(app)
        app.selectbox(key=f"calibration_intent_{example_id}").set_value(refund.id).run()
        if place == 0:
            app.button(key=f"calibration_strong_{example_id}").click().run()
            assert [one.value for one in app.error] == ["Not saved yet: say also what was missing, or that nothing was."]
        app.selectbox(key=f"calibration_missing_{example_id}").set_value("tool" if place else "article").run()
        app.button(key=f"calibration_strong_{example_id}").click().run()
        assert ("You differ in the thing that was missing" in told(app)) == bool(place)
        app.button(key="calibration_save_next").click().run()
    assert "That is all of it for now." in app.success[0].value and "Back to your exercises" in labels_of(app)
    assert exercises.mine(by=staff.rep)[0].done
    app = of_rep(staff.rep, "Exercises")
    assert "Exercises that you have done: 1" in [panel.label for panel in app.expander] and "3 of 8 answered." in bars(app)


def test_what_a_lead_sees_of_somebody_they_see_too(staff: Staff, team: list[Person]) -> None:  # noqa: F811
    rated(team)
    assert "Of 40 of your conversations, 45\u00a0%" in told(of_rep(team[0], "Exercises"))
    nothing = told(of_rep(staff.rep, "Exercises"))
    assert "Ben" not in nothing and "your work differs from the team's by no more than chance" in nothing


def test_nothing_to_see_is_said(staff: Staff) -> None:
    assert "Nobody has written to you about your work." in told(of_rep(staff.rep, "Notes"))
    assert "No gold example asks this yet." in bars(of_rep(staff.rep, "Exercises"))
    said = told(of_lead(staff))
    assert "it takes 3 people with 20 reviewed conversations each" in said


def test_an_exercise_that_was_taken_back_opens_nothing(staff: Staff, refund: Label) -> None:  # noqa: F811
    gold(staff, refund, 3)
    made = exercises.assign(staff.rep.id, "judging", why="To see alike.", most=3, by=staff.lead)
    app = of_lead(staff)
    app.button(key=f"coaching_back_{made.id}").click().run()
    assert exercises.mine(by=staff.rep) == []
    app = open_screen(sit_down(staff.rep), "calibration", exercise=made.id)
    assert "there is no such exercise of yours" in told(app) and not app.exception


@pytest.mark.parametrize("role", ["admin", "engineer"])
def test_no_admin_reads_it_and_an_engineer_has_only_their_own(staff: Staff, role: str) -> None:
    coaching_notes.write(staff.rep.id, "Say first what happens next.", by=staff.lead)
    person = getattr(staff, role)
    app = of_rep(person, "Notes")
    assert "happens next" not in told(app) + str([one.value for one in app.text])
    parts = [control.options for control in app.get("button_group")]
    assert any("Notes" in str(options) for options in parts) == (role == "engineer")
    if role == "admin":
        people.add_team("Third", by=people.console())
        app = open_screen(sit_down(person), "team", part="Coaching")
        assert "Coaching" not in str([control.options for control in app.get("button_group")]) and "Notes" not in told(app)
