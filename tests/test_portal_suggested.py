"""A suggested reply as people see it beside its conversation: with its sources, taken, taken in one's own words, or refused, by one key."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.testing.v1 import AppTest

from automations import mandates
from classifiers import labels
from data import people
from data.tables import Person, Trace
from knowledge import answering
from tests.browser import desk as at_a_desk
from tests.browser import drawn as all_drawn
from tests.conftest import Staff, hire, let_go
from tests.server import Server, serving
from tests.test_automations_mandates import machine_says
from tests.test_knowledge_answering import DELIVERY, PERU, QUESTION, comes, publish, speak, suggested
from tests.test_screens import button, open_screen, sit_down
from tests.test_screens_evals import drawn, labels_of, words

TAKEN, OTHERWISE, REFUSED = "It was taken as it is.", "It was taken with other words.", "It was refused."
MINE = "Seven working days abroad."


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    """What is written answers, and a version that speaks is in force."""
    staff = hire()
    publish(staff)
    speak(staff)
    return staff


def opened(by: Person, conversation_id: str) -> AppTest:
    return drawn(open_screen(sit_down(by), "conversation", conversation=conversation_id))


def standing(conversation_id: str, by: Person) -> Trace:
    found = answering.suggested(conversation_id, by=by)
    assert found is not None
    return found


def test_what_was_suggested_stands_with_its_source_and_three_ways_on(desk: Staff) -> None:
    trace = suggested(comes(desk, QUESTION), desk.rep)
    app = opened(desk.rep, trace.conversation_id or "")
    told = words(app)
    assert "Suggested reply" in told and "Abroad it takes seven working days. :gray[[1]]" in told and "1. Delivery times" in told
    assert "Machine: quoted word for word" in told and "Suggest a change of the article" in told
    assert app.text_area(key=f"suggested_text_{trace.id}").value == DELIVERY
    assert [one.label for one in app.button if (one.key or "").startswith("suggested_")] == ["Take it (Y)", "Refuse it (N)"]
    assert trace.id not in told


def test_one_click_asks_where_nothing_was_suggested_yet(desk: Staff) -> None:
    conversation_id = comes(desk, QUESTION)
    app = opened(desk.rep, conversation_id)
    assert "Take it (Y)" not in labels_of(app)
    drawn(button(app, "Suggest a reply").click().run())
    assert "Take it (Y)" in labels_of(app) and standing(conversation_id, desk.rep).outcome == ""


@pytest.mark.parametrize(
    ("pressed", "typed", "outcome", "told"),
    [("Take it", "", "accepted", TAKEN), ("Take mine", MINE, "edited", OTHERWISE), ("Refuse it", "", "refused", REFUSED)],
)
def test_what_was_decided_is_kept_and_said_and_not_asked_again(desk: Staff, pressed: str, typed: str, outcome: str, told: str) -> None:
    trace = suggested(comes(desk, QUESTION), desk.rep)
    app = opened(desk.rep, trace.conversation_id or "")
    if typed:
        drawn(app.text_area(key=f"suggested_text_{trace.id}").set_value(typed).run())
    drawn(button(app, pressed).click().run())
    kept = standing(trace.conversation_id or "", desk.rep)
    assert (kept.outcome, kept.better) == (outcome, typed)
    for screen in (app, opened(desk.lead, trace.conversation_id or "")):
        assert told in words(screen) and ("Instead: " in words(screen)) == bool(typed)
        assert not [one for one in screen.button if (one.key or "").startswith(("suggested_yes_", "suggested_no_"))]


def test_silence_is_no_reply_to_take_until_somebody_writes_one(desk: Staff) -> None:
    trace = suggested(comes(desk, PERU), desk.rep)
    app = opened(desk.rep, trace.conversation_id or "")
    told = words(app)
    assert "I should not answer this." in told and "What you write here shows what an article should say." in told
    assert not [one for one in app.button if (one.key or "").startswith("suggested_")]
    drawn(app.text_area(key=f"suggested_text_{trace.id}").set_value("Lima.").run())
    drawn(button(app, "Take mine (Y)").click().run())
    assert standing(trace.conversation_id or "", desk.rep).outcome == "edited" and OTHERWISE in words(app)


def test_where_the_customer_wrote_nothing_there_is_nothing_to_reply_to(desk: Staff) -> None:
    conversation_id = comes(desk, "‹NAME 1›", messages=[{"role": "rep", "text": "Hello, are you there?"}])
    app = opened(desk.rep, conversation_id)
    drawn(button(app, "Suggest a reply").click().run())
    assert "Nothing was suggested: the customer has not written anything yet." in words(app)
    assert answering.suggested(conversation_id, by=desk.rep) is None


def test_where_the_policy_leaves_it_to_people_nothing_is_suggested_and_it_says_why(desk: Staff) -> None:
    """Also what was suggested before it was made stricter."""
    conversation_id = suggested(comes(desk, QUESTION), desk.rep).conversation_id or ""
    assert "Take it (Y)" in labels_of(opened(desk.rep, conversation_id))  # the control
    key = str(labels.add("Complaint", by=desk.lead).id)
    machine_says(conversation_id, key)
    mandates.tighten(key, mandates.line(mandates.NEVER), why="It takes a person.", by=desk.rep)
    app = opened(desk.rep, conversation_id)
    assert "Nothing is suggested. 'Complaint' is left to people by the policy." in words(app).replace("\\", "")
    assert "Delivery times" not in words(app) and not [one for one in app.button if (one.key or "").startswith("suggested_")]


def test_who_may_not_reply_sees_no_suggestion(desk: Staff) -> None:
    trace = suggested(comes(desk, QUESTION), desk.rep)
    told = words(opened(desk.admin, trace.conversation_id or ""))
    assert "Suggested reply" not in told and "Delivery times" not in told
    theirs = words(opened(desk.other, trace.conversation_id or ""))
    assert "it belongs to another team" in theirs and "Delivery times" not in theirs


# -- one key each -------------------------------------------------------------------------------------------------------------------------


def test_y_takes_it_n_refuses_it_and_e_is_where_one_writes(desk: Staff, browser: Browser, sqlite_home: Path) -> None:
    rep = people.add("Rosa Reps", "rosa@example.com", "rep", by=people.console(), team=desk.oak, demo=True)
    ids = [suggested(comes(desk, QUESTION, number=number), desk.rep).conversation_id or "" for number in (1, 2, 3)]
    let_go()
    complaints: list[str] = []
    with serving(sqlite_home) as server, at_a_desk(browser, server.base, rep.name, complaints) as page:
        for conversation_id, key, told in ((ids[0], "y", TAKEN), (ids[1], "n", REFUSED)):
            beside(page, server, conversation_id)
            page.keyboard.press(key)
            expect(page.get_by_text(told).first).to_be_visible()
        beside(page, server, ids[2])
        page.keyboard.press("e")
        field = page.get_by_role("textbox", name="In your words (E)")
        expect(field).to_be_focused()
        field.fill("Yes, no: nine days.")  # while somebody types, y and n are letters
        page.keyboard.press("Control+Enter")
        expect(page.get_by_text(OTHERWISE).first).to_be_visible()
        expect(page.get_by_text("Instead: Yes, no: nine days.")).to_be_visible()
    assert complaints == []
    assert [standing(one, desk.rep).outcome for one in ids] == ["accepted", "refused", "edited"]


def beside(page: Page, server: Server, conversation_id: str) -> None:
    page.goto(f"{server.base}/conversation?conversation={conversation_id}")
    all_drawn(page)
    page.locator("html[data-keys=heard]").wait_for(state="attached")
    expect(page.get_by_role("button", name="Take it (Y)")).to_be_visible()
