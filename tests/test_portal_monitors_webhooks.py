"""Where alerts are told outside, as people see it: proposed, approved, tried, told, stopped; and how a receiver checks it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from data import approvals, config, settings, store, webhooks
from data.errors import Denied, Refused
from data.signatures import HEADER
from data.tables import AuditEntry, Proposal
from data.webhooks import PORTAL, SHAPES, SLACK
from evals import alerts
from evals.monitors import Definition
from portal import alerting, receiving
from tests.conftest import Staff, hire
from tests.model_server import closed_port
from tests.test_portal_alerting import SECRET, Receiver, connect, listening
from tests.test_portal_monitors import alert, fell, look, press, watch
from tests.test_screens_evals import drawn, labels_of, words
from tests.test_screens_knowledge import check_words_only, opened

HOOK = "https://hooks.example.com/services/T0/B0/very-secret"


@pytest.fixture
def team(sqlite_home: Any) -> Staff:
    return hire()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as found:
        yield found


def propose(
    app: AppTest, *, name: str = "on-call", url: str = HOOK, secret: str = SECRET, why: str = "So that somebody wakes up."
) -> AppTest:
    for label, value in (("Name", name), ("Address", url), ("Key that the signature is made with", secret), ("Why", why)):
        next(one for one in app.text_input if one.label == label).set_value(value)
    return press(app, "Propose it")


def proposed(staff: Staff) -> list[Proposal]:
    return [one for one in approvals.waiting(by=staff.admin) if one.kind == "change_connection"]


# -- proposed and approved ----------------------------------------------------------------------------------------------------------------


def test_an_engineer_proposes_one_and_an_admin_approves_it_on_what_stands_there(team: Staff) -> None:
    app = propose(opened(team.engineer, "monitors", tab="webhooks"))
    (proposal,) = proposed(team)
    assert "Waits for a second person: tell alerts to on-call at hooks.example.com" in labels_of(app).replace("\\", "")
    row = words(opened(team.admin, "approvals"))
    assert "Tell alerts to on-call at hooks.example.com" in row and "figures and names of measures, no conversations" in row
    assert "Product feedback that is handed over to it is sent there too" in row
    app = opened(team.admin, "approvals", proposal=proposal.id)
    said = words(app)
    assert "To hooks.example.com, and nowhere else" in said.replace("**", "") and "The address and its key are sealed" in said
    assert "What a message looks like" in labels_of(app) and json.loads(app.code[0].value)["event"] == "alert_opened"
    shown = said + str([code.value for code in app.code]) + str(proposal.payload) + str(proposal.evidence)
    assert "very-secret" not in shown and SECRET not in shown
    check_words_only(app)
    press(app, "Approve: tell alerts to on-call at hooks.example.com")
    settings.carry_out(proposal.id, "change_connection")
    assert [one.name for one in webhooks.listed(by=team.rep)] == ["on-call"]


def test_what_takes_the_place_of_another_says_so(team: Staff) -> None:
    connect(team, HOOK)
    webhooks.propose("on-call", "https://elsewhere.example.com/hook", SECRET, why="They moved.", by=team.engineer)
    (proposal,) = proposed(team)
    assert "In the place of 'on-call', which goes to hooks.example.com." in words(opened(team.admin, "approvals", proposal=proposal.id))


def test_what_cannot_be_is_said_and_what_was_typed_stays(team: Staff) -> None:
    app = propose(opened(team.engineer, "monitors", tab="webhooks"), url="http://example.com/hook")
    assert "must begin with https" in words(app) and proposed(team) == []
    assert [one.value for one in app.text_input if one.label == "Name"] == ["on-call"]


def test_reps_and_leads_see_where_alerts_go_and_change_nothing_there(team: Staff) -> None:
    connect(team, HOOK)
    for person, offered in ((team.rep, ()), (team.lead, ("Send a test",)), (team.engineer, ("Send a test", "Stop", "Propose it"))):
        app = opened(person, "monitors", tab="webhooks")
        there = labels_of(app)
        assert [label for label in ("Send a test", "Stop", "Propose it") if label in there] == list(offered)
        assert "on-call to hooks.example.com" in words(app).replace("**", "") and "very-secret" not in words(app)


# -- told, tried, stopped -----------------------------------------------------------------------------------------------------------------


def test_the_last_ones_stand_there_with_why_they_were_not_taken(team: Staff, receiver: Receiver) -> None:
    connect(team, receiver.url)
    monitor = watch(team.lead)
    fell()
    look()
    receiver.script = ["500"]
    alerting.tell_due()
    told = words(opened(team.rep, "monitors", tab="webhooks"))
    assert "Webhook on-call, told: not yet, 1 try" in told and "answered with 500." in told
    page = opened(team.rep, "monitors", monitor=monitor.id)
    assert "Told to 2, 2 of them not yet" in labels_of(page) and "Mail to the owner, told: given up" in words(page)
    with store.writing() as db:
        for one in alerting.of(alert().id, by=team.lead):
            one.not_before = None
            db.merge(one)
    alerting.tell_due()
    assert "Webhook on-call, told: done, 2 tries" in words(opened(team.rep, "monitors", tab="webhooks"))
    other = opened(team.other, "monitors", tab="webhooks")
    assert "Nothing was told there yet." in words(other)  # what another team was told of is not theirs


def test_a_test_is_taken_or_says_why_not(team: Staff, receiver: Receiver) -> None:
    connect(team, receiver.url)
    press(opened(team.lead, "monitors", tab="webhooks"), "Send a test")
    assert [one["event"] for one in receiver.took] == ["trial"] and receiver.forged == 0
    receiver.script = ["404"]
    app = press(opened(team.lead, "monitors", tab="webhooks"), "Send a test")
    assert "The test was not taken:" in words(app) and "does not take it (404)." in words(app)
    connect(team, f"http://127.0.0.1:{closed_port()}/hook", name="a-dead-one")
    with pytest.raises(Refused, match="could not be reached"):
        alerting.try_webhook("a-dead-one", by=team.engineer)
    with pytest.raises(Refused, match="no webhook 'nobody'"):
        alerting.try_webhook("nobody", by=team.engineer)
    with pytest.raises(Denied):
        alerting.try_webhook("on-call", by=team.rep)
    with store.reading() as db:
        tried = [one.noun_id for one in db.exec(select(AuditEntry).where(AuditEntry.verb == "tried"))]
    assert tried == ["webhook_on-call"] * 2 + ["webhook_a-dead-one", "webhook_nobody"]


def test_one_person_stops_it_and_says_why(team: Staff, receiver: Receiver) -> None:
    connect(team, receiver.url)
    app = opened(team.engineer, "monitors", tab="webhooks")
    press(app, "Stop telling it")
    assert "Not turned off: say why." in words(app)
    drawn(app.text_input(key="monitors_stop_why_on-call").set_value("Nobody reads it.").run())
    app = press(app, "Stop telling it")
    assert webhooks.listed(by=team.engineer) == [] and "Alerts go to inboxes and by mail so far." in words(app)
    watch(team.lead)
    fell()
    look()
    alerting.tell_due()
    assert receiver.came == []


# -- checked by whoever receives it -------------------------------------------------------------------------------------------------------


def kept_as_written(source: str) -> Any:
    """The code that people copy, run as it stands."""
    told: dict[str, Any] = {}
    exec(compile(source, "copied.py", "exec"), told)  # noqa: S102 (it is ours, and the test is whether it runs)
    return told["is_genuine"]


def test_the_code_that_people_copy_tells_ours_from_anothers(team: Staff, receiver: Receiver) -> None:
    app = opened(team.rep, "monitors", tab="webhooks")
    source = app.code[0].value
    assert source.strip() == Path(receiving.__file__).read_text().strip()
    is_genuine = kept_as_written(source)
    connect(team, receiver.url)
    alerting.try_webhook("on-call", by=team.lead)
    signature, body = receiver.came[0][HEADER.lower()], json.dumps(receiver.took[0], ensure_ascii=False).encode()
    assert is_genuine(SECRET, signature, body)
    assert not is_genuine("another-key-of-sixteen", signature, body)
    assert not is_genuine(SECRET, signature, body.replace(b"nothing", b"a fire "))
    old = alerting.signed(SECRET, body, clock=time.time() - 400)
    assert not is_genuine(SECRET, old, body) and is_genuine(SECRET, old, body, within=500)
    for broken in ("", "t=,v1=", "v1=abc", "t=soon,v1=x", f"t={int(time.time())},v1=é"):
        assert not is_genuine(SECRET, broken, body)


@pytest.mark.parametrize("shape", list(SHAPES))
def test_the_example_that_is_approved_is_of_the_shape_that_is_sent(shape: str, team: Staff) -> None:
    told = alerting.shaped(alerting.EXAMPLE, shape)
    assert json.dumps(told) and ("text" in told if shape == SLACK else shape != PORTAL or set(told) == set(alerting.TRIAL))
    watch(team.lead, definition=Definition("csat"))
    fell()
    look()
    assert set(alerting.message(alert(), watch(team.engineer, "Another"), "opened")) == set(alerting.EXAMPLE)
    assert alerts.page_of(watch(team.engineer, "A third")).startswith("monitors?monitor=")
    assert (config.ROOT / "portal" / "screens" / "monitors.py").exists()
