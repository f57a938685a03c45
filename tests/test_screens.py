"""Every screen inside the frame: with the demo's data for each role, and in an empty portal on both engines."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from data import config, examples, labels, people, predictions, reviews, sessions, tasks
from data.conversations import Filter, listed
from data.tables import Person, Review
from tests.conftest import Staff

APP = str(config.ROOT / "portal" / "app.py")
SCREENS = (
    "home",
    "review",
    "conversations",
    "imports",
    "eval_sets",
    "classifiers",
    "quality",
    "datasets",
    "approvals",
    "jobs",
    "people",
    "audit",
    "inbox",
    "rights",
    "account",
    "installation",
)
HIDDEN = {"rep": {"installation"}, "lead": {"installation"}, "engineer": set(), "admin": {"review"}}


def sit_down(person: Person) -> AppTest:
    """The app as the person sees it after signing in."""
    st.cache_data.clear()
    session = sessions.of_cookie(sessions.start(person))
    assert session is not None
    app = AppTest.from_file(APP, default_timeout=30)
    app.user = {"session_id": session.id, "person_id": person.id}
    return app.run()


def open_screen(app: AppTest, name: str, **address: str) -> AppTest:
    app.switch_page(f"screens/{name}.py")
    for key, value in address.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception[0].message
    return app


def words(app: AppTest) -> str:
    return "\n".join(str(part.value) for kind in (app.title, app.markdown, app.caption, app.info, app.error, app.text) for part in kind)


def button(app: AppTest, label: str):
    return next(one for one in app.button if one.label.startswith(label))


@pytest.mark.parametrize("name", ["Alma Berger", "Lena Hoffmann", "Nora Engel", "Otto Braun"])
def test_every_screen_opens_with_much_data_for_every_role(demo: Path, name: str) -> None:
    person = next(one for one in people.demo_people() if one.name == name)
    app = sit_down(person)
    for screen in SCREENS:
        if screen not in HIDDEN[person.role]:
            assert open_screen(app, screen).title[0].value


def test_every_screen_of_an_empty_portal_says_what_will_fill_it(staff: Staff) -> None:
    app = sit_down(staff.engineer)
    for screen in SCREENS:
        assert open_screen(app, screen).title[0].value
    said = {
        name: words(open_screen(app, name))
        for name in ("review", "conversations", "eval_sets", "classifiers", "quality", "approvals", "jobs")
    }
    assert "appear here as they come in" in said["review"]
    assert "Import a file to begin" in said["conversations"]
    assert "Create one, then flag" in said["eval_sets"]
    assert "train the first candidate" in said["classifiers"]
    assert "the weeks appear here" in said["quality"]
    assert "Nothing waits" in said["approvals"]
    assert "appear here" in said["jobs"]


def test_a_page_that_a_role_may_not_use_is_not_offered(demo: Path) -> None:
    app = sit_down(next(one for one in people.demo_people() if one.role == "rep"))
    with pytest.raises(ValueError, match="screens/installation"):
        app.switch_page("screens/installation.py").run()


def test_a_sign_in_that_ended_shows_nothing_more(staff: Staff) -> None:
    app = sit_down(staff.rep)
    people.disable(staff.rep.id, by=staff.admin)
    app.run()
    assert "signed out" in words(app)
    assert not app.title


def review_screen(demo_name: str = "Alma Berger") -> tuple[AppTest, Person, str]:
    person = next(one for one in people.demo_people() if one.name == demo_name)
    app = open_screen(sit_down(person), "review")
    shown = next(one.key for one in app.selectbox if one.key and one.key.startswith("review_intent_"))
    return app, person, shown.removeprefix("review_intent_")


def said_by(person: Person, conversation_id: str) -> list[Review]:
    """What this person said there, newest first; a colleague may have said something before."""
    return [review for review in reviews.of_conversation(conversation_id, by=person) if review.by_person_id == person.id]


def test_a_rep_reviews_with_one_press_and_the_next_is_there(demo: Path) -> None:
    app, person, first = review_screen()
    button(app, "Strong").click().run()
    assert not app.exception
    assert [review.verdict for review in said_by(person, first)] == ["strong"]
    following = next(one.key for one in app.selectbox if one.key and one.key.startswith("review_intent_"))
    assert following != f"review_intent_{first}"


def test_a_rep_can_say_that_no_intent_fits(demo: Path) -> None:
    app, person, shown = review_screen()
    next(one for one in app.selectbox if one.key == f"review_intent_{shown}").set_value("")
    button(app, "Neither").click().run()
    assert [review.label_id for review in said_by(person, shown)] == [None]


def test_a_flag_without_a_reason_is_refused_in_words_and_keeps_what_was_entered(demo: Path) -> None:
    app, person, shown = review_screen()
    next(one for one in app.toggle if one.key == f"review_flag_{shown}").set_value(True).run()
    next(one for one in app.text_input if one.key == f"review_note_{shown}").set_value("a note of mine")
    button(app, "Weak").click().run()
    assert "say in a sentence why" in app.error[0].value
    assert said_by(person, shown) == []
    assert next(one for one in app.text_input if one.key == f"review_note_{shown}").value == "a note of mine"

    next(one for one in app.text_input if one.key == f"review_why_{shown}").set_value("It misses the question.")
    intent = next(one for one in app.selectbox if one.key == f"review_intent_{shown}")
    machine = predictions.of_conversation(shown)
    assert machine and intent.value == machine.label_id  # where the machine kept silent, nothing is chosen beforehand
    intent.set_value(labels.of()[0].id)
    button(app, "Weak").click().run()
    assert examples.of_conversation(shown, by=person)[0].why == "It misses the question."


def test_filters_stand_in_the_address(demo: Path) -> None:
    person = next(one for one in people.demo_people() if one.role == "engineer")
    shown = words(open_screen(sit_down(person), "conversations", channel="Voice", state="Machine disagrees"))
    expected = len(listed(Filter(channel="voice", agreed=False), by=person, size=10_000))
    assert f"{expected:,} conversations" in shown


def test_text_from_outside_is_shown_as_text(staff: Staff) -> None:
    from data.intake import door
    from tests.conversations import canonical

    hostile = "<script>alert(1)</script> ![x](http://evil.example/x.png) :red[red] $x$ [link](javascript:alert(1))"
    arrival = door.receive([canonical(1, messages=[{"role": "customer", "text": hostile}], subject=hostile)], by=staff.engineer)
    app = open_screen(sit_down(staff.engineer), "conversations", conversation=arrival.ids[0])
    assert hostile in [part.value for part in app.text]
    assert not any("<script>" in str(part.value) for part in [*app.markdown, *app.caption])


def test_training_is_a_job_with_a_bar(demo: Path) -> None:
    app = open_screen(sit_down(next(one for one in people.demo_people() if one.role == "rep")), "classifiers")
    button(app, "Train a candidate").click().run()
    assert not app.exception
    assert [task.name for task in tasks.waiting()] == ["train"]
    assert button(app, "Train a candidate").disabled
