"""Every screen inside the frame: with the demo's data for each role, and in an empty portal on both engines."""

import json
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from data import approvals, config, people, reviews, rubric, sessions, tasks
from data.conversations import Filter, listed
from data.intake import door
from data.tables import Person
from tests.conftest import Staff
from tests.conversations import canonical

APP = str(config.ROOT / "portal" / "app.py")
SCREENS = (
    "home",
    "first_week",
    "review",
    "conversations",
    "imports",
    "eval_sets",
    "classifiers",
    "knowledge",
    "ask",
    "gaps",
    "ladder",
    "automations",
    "opportunities",
    "use_cases",
    "quality",
    "monitors",
    "digest",
    "team",
    "my_work",
    "datasets",
    "product_feedback",
    "approvals",
    "policy",
    "jobs",
    "people",
    "audit",
    "inbox",
    "rights",
    "account",
    "installation",
)
HIDDEN = {"rep": {"installation", "team"}, "lead": {"installation"}, "engineer": {"team"}, "admin": {"review", "ask", "gaps"}}


def sit_down(person: Person) -> AppTest:
    """The app as the person sees it after signing in."""
    st.cache_data.clear()
    session = sessions.of_cookie(sessions.start(person))
    assert session is not None
    app = AppTest.from_file(APP, default_timeout=90)
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


def shown(app: AppTest) -> dict[str, Any]:
    """The conversation as the browser is given it."""
    (drawn,) = (part.proto for part in app.get("bidi_component") if part.proto.component_name == "portal_transcript")
    return json.loads(drawn.json)


def button(app: AppTest, label: str):
    return next(one for one in app.button if one.label.startswith(label))


@pytest.mark.parametrize("name", ["Alma Berger", "Lena Hoffmann", "Nora Engel", "Otto Braun"])
def test_every_screen_opens_with_much_data_for_every_role(demo: Path, name: str) -> None:
    person = next(one for one in people.demo_people() if one.name == name)
    app = sit_down(person)
    for screen in SCREENS:
        if screen not in HIDDEN[person.role]:
            assert open_screen(app, screen).title[0].value


def test_who_decides_on_a_release_sees_each_rule_of_the_gate(demo: Path) -> None:
    lena = next(one for one in people.demo_people() if one.name == "Lena Hoffmann")
    decided = approvals.decided(by=lena)
    shipped = next(one for one in decided if one.kind == "ship_classifier" and one.payload["target_name"] == "intent")
    app = open_screen(sit_down(lena), "approvals", proposal=shipped.id)
    rules = shipped.evidence["rules"]
    assert any(part.label == f"The gate: {len(rules)} of {len(rules)} rules met" for part in app.expander)
    assert "the bar is 50" in words(app)


def test_every_screen_of_an_empty_portal_says_what_will_fill_it(staff: Staff) -> None:
    app = sit_down(staff.engineer)
    for screen in SCREENS:
        if screen not in HIDDEN["engineer"]:
            assert open_screen(app, screen).title[0].value
    said = {
        name: words(open_screen(app, name))
        for name in (
            "review",
            "conversations",
            "eval_sets",
            "classifiers",
            "quality",
            "approvals",
            "jobs",
            "knowledge",
            "ask",
            "gaps",
            "ladder",
            "automations",
        )
    }
    assert "appear here as they come in" in said["review"]
    assert "Import a file to begin" in said["conversations"]
    assert "Create one, then flag" in said["eval_sets"]
    assert "train the first candidate" in said["classifiers"]
    assert "the weeks appear here" in said["quality"]
    assert "Nothing waits" in said["approvals"]
    assert "Write one, or bring the help pages you have" in said["knowledge"]
    assert "No article is published, so nothing is answered yet" in said["ask"]
    assert "No gap is open" in said["gaps"]
    assert "No article is published, so no question finds one" in said["ladder"]
    assert "There is no recipe yet" in said["automations"]
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


def test_filters_stand_in_the_address(demo: Path) -> None:
    person = next(one for one in people.demo_people() if one.role == "engineer")
    shown = words(open_screen(sit_down(person), "conversations", channel="Voice", state="Machine disagrees"))
    expected = len(listed(Filter(channel="voice", agreed=False), by=person, size=10_000))
    assert f"{expected:,} conversations" in shown


def test_text_from_outside_is_shown_as_text(staff: Staff) -> None:
    hostile = "<script>alert(1)</script> ![x](http://evil.example/x.png) :red[red] $x$ [link](javascript:alert(1))"
    arrival = door.receive([canonical(1, messages=[{"role": "customer", "text": hostile}], subject=hostile)], by=staff.engineer)
    app = open_screen(sit_down(staff.engineer), "conversation", conversation=arrival.ids[0])
    assert shown(app)["messages"][0]["parts"] == [{"runs": [hostile]}]
    assert shown(app)["subject"] == [hostile]
    assert not any("<script>" in str(part.value) for part in [*app.markdown, *app.caption])


def test_a_conversation_is_read_on_a_page_of_its_own_and_the_old_address_leads_there(staff: Staff) -> None:
    first, second, others = door.receive(
        [canonical(number, customer="c", team=team) for number, team in ((1, "Oak"), (2, "Oak"), (3, "Fern"))], by=people.console()
    ).ids
    app = sit_down(staff.rep)
    for screen in ("conversation", "conversations"):
        assert shown(open_screen(app, screen, conversation=first))["id"] == first
    assert "of this customer" in " ".join(part.value for part in app.subheader)
    links = [str(part.proto) for part in app.get("page_link")]
    assert any(second in link for link in links) and not any(others in link for link in links)
    for absent in (others, "nothing", ""):
        told = open_screen(app, "conversation", **({"conversation": absent} if absent else {}))
        assert "it belongs to another team" in words(told)
        assert not [part for part in told.get("bidi_component") if part.proto.component_name == "portal_transcript"]


def test_what_others_said_of_a_conversation_waits_for_one_s_own_word_where_several_are_to_judge(staff: Staff) -> None:
    (made,) = door.receive([canonical(1, team="Oak")], by=people.console()).ids
    reviews.record(made, "weak", note="It misses the point.", by=staff.lead)
    app = sit_down(staff.rep)
    assert "It misses the point." in words(open_screen(app, "conversation", conversation=made))  # the control
    rubric.change([], share=0.2, double=1.0, reviewers=2, by=staff.lead)
    told = words(open_screen(app, "conversation", conversation=made))
    assert "each for themselves" in told and "It misses the point." not in told and "No classifier" not in told
    reviews.record(made, "strong", by=staff.rep)
    assert "It misses the point." in words(open_screen(app, "conversation", conversation=made))


def test_a_conversation_is_read_by_every_role(demo: Path) -> None:
    for person in people.demo_people():
        conversation_id = listed(Filter(), by=person, size=1)[0].id
        app = open_screen(sit_down(person), "conversation", conversation=conversation_id)
        assert shown(app)["messages"]
        offered = "Review or flag it" in "".join(str(part.proto) for part in app.get("page_link"))
        assert offered == (person.role != "admin")


def test_training_is_a_job_with_a_bar(demo: Path) -> None:
    app = open_screen(sit_down(next(one for one in people.demo_people() if one.role == "rep")), "classifiers")
    button(app, "Train a candidate").click().run()
    assert not app.exception
    assert [task.name for task in tasks.waiting()] == ["train"]
    assert button(app, "Train a candidate").disabled
