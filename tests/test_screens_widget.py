"""The chat widget as people see it: its pages on Installation, and the answer to a visitor beside what they wrote."""

import re
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from data import approvals, people, surfaces, talks
from data.intake import door
from data.tables import Person, Talk
from portal import jobs
from tests.conftest import Staff, hire
from tests.conversations import canonical
from tests.test_api_widget import ORIGIN, random
from tests.test_screens import button, open_screen, sit_down
from tests.test_screens_evals import drawn, words


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    return hire()


def installation(by: Person) -> AppTest:
    return open_screen(sit_down(by), "installation")


def begun(desk: Staff) -> Talk:
    opened = surfaces.opened(surfaces.issue("Shop", [ORIGIN], desk.engineer, by=people.console(), team_id=desk.oak.id))
    assert opened is not None
    return talks.begin(opened, "Where is my parcel?", message=random())[1]


def conversation(talk: Talk | str, by: Person) -> AppTest:
    return open_screen(sit_down(by), "conversation", conversation=talk if isinstance(talk, str) else talk.conversation_id)


def fields(app: AppTest) -> list[str]:
    return [one.label for one in app.text_area]


def test_an_engineer_proposes_a_page_pastes_its_line_and_a_lead_revokes_it(desk: Staff) -> None:
    app = installation(desk.engineer)
    assert "No page has it yet." in words(app)
    for field, value in {"name": "Help centre", "origins": f"{ORIGIN}, https://help.example.com", "why": "Customers ask there."}.items():
        app.text_input(key=f"surfacing_{field}").set_value(value)
    app.selectbox(key="surfacing_team").set_value(desk.oak.id)
    app = drawn(next(one for one in app.button if one.label == "Propose it" and "surfacing" in str(one.form_id)).click().run())
    shown = [one.value for one in app.code]
    line = next(one for one in shown if "widget.js" in one)
    found = re.fullmatch(r'<script src="http://127\.0\.0\.1:8501/widget\.js" data-surface="(surface_[\w-]+)" async></script>', line)
    assert found is not None and surfaces.identity_key(found[1]) in shown and surfaces.opened(found[1]) is None
    assert "surface_" not in " ".join(one.value for one in installation(desk.engineer).code)  # once
    (proposal,) = approvals.waiting(by=desk.admin)
    assert "Whoever visits https" in words(open_screen(sit_down(desk.admin), "approvals"))
    approvals.approve(proposal.id, by=desk.admin)
    jobs.run_waiting()
    opened = surfaces.opened(found[1])
    assert opened is not None and opened.surface.team_id == desk.oak.id and opened.is_at("https://help.example.com")
    app = installation(desk.admin)
    assert "Help centre" in words(app) and "Emil answers for it." in words(app)
    drawn(app.button(key=f"surfacing_revoke_{opened.surface.id}").click().run())
    assert surfaces.opened(found[1]) is None and "No page has it yet." in words(installation(desk.admin))


def test_what_is_no_origin_is_refused_and_what_was_typed_stays(desk: Staff) -> None:
    app = installation(desk.engineer)
    for field, value in {"name": "Help centre", "origins": "http://*.example.com", "why": "Customers ask there."}.items():
        app.text_input(key=f"surfacing_{field}").set_value(value)
    app = drawn(next(one for one in app.button if one.label == "Propose it" and "surfacing" in str(one.form_id)).click().run())
    assert any("is no origin" in one.value for one in app.error)
    assert app.text_input(key="surfacing_name").value == "Help centre" and approvals.waiting(by=desk.admin) == []


def test_a_rep_answers_a_visitor_where_they_wrote(desk: Staff) -> None:
    talk = begun(desk)
    app = conversation(talk, desk.rep)
    app.text_area(key=f"visitors_text_{talk.conversation_id}").set_value("It left today.")
    app = drawn(button(app, "Send the answer").click().run())
    assert [(one.who, one.text) for one in talks.heard(talk, after=1)] == [("person", "It left today.")]
    assert app.text_area(key=f"visitors_text_{talk.conversation_id}").value == ""


def test_an_answer_that_is_refused_stays_in_the_box(desk: Staff) -> None:
    talk = begun(desk)
    app = conversation(talk, desk.rep)
    app.text_area(key=f"visitors_text_{talk.conversation_id}").set_value("We have ‹CARD 1› of you.")
    app = drawn(button(app, "Send the answer").click().run())
    assert any("CARD 1" in one.value for one in app.error) and talks.heard(talk, after=1) == []
    assert app.text_area(key=f"visitors_text_{talk.conversation_id}").value == "We have ‹CARD 1› of you."


def test_where_nobody_reads_it_nobody_is_asked_to_answer(desk: Staff) -> None:
    (elsewhere,) = door.receive([canonical(1, team="Oak")], by=desk.engineer).ids
    assert "Answer in the chat" not in fields(conversation(elsewhere, desk.rep))
    talk = begun(desk)
    assert "Answer in the chat" in fields(conversation(talk, desk.rep))  # the control
    assert "Answer in the chat" not in fields(conversation(talk, desk.admin))
