"""Alerts on their way, to a real HTTP server that fails in each way, and to a mail server; and what an armed monitor then does."""

import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlmodel import col, select

from data import approvals, inbox, people, releases, settings, store, tasks, webhooks
from data.errors import Denied, Refused
from data.signatures import HEADER
from data.tables import Alert, Delivery, Person, Release, Task
from data.values import Target, now
from data.webhooks import PORTAL, SLACK, TEAMS, Open
from evals import alerts, monitors
from evals.monitors import RIGHTS, ROLL_BACK, STOP
from knowledge.answerers import NAME as ANSWERER
from portal import alerting, arming, jobs
from portal.alerting import MOST_TRIES, SECONDS, NeverTold, NotTold
from tests.conftest import Staff
from tests.model_server import closed_port
from tests.test_classifiers_shipping import candidate, ship
from tests.test_evals_monitors import ARMED, NOW, all_alerts, fallen, fill, look, released, told, watch
from tests.test_portal_mail import Letterbox, receiving

SECRET = "a-key-of-sixteen-signs"
PATIENCE = 0.3


@dataclass
class Receiver:
    """Takes what is signed with its key, each delivery once; fails in the ways that its script says, in turn."""

    url: str = ""
    script: list[str] = field(default_factory=list)
    took: list[dict[str, Any]] = field(default_factory=list)
    came: list[dict[str, str]] = field(default_factory=list)
    forged: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def take(self, headers: dict[str, str], body: bytes) -> None:
        self.came.append(headers)
        moment, told = (part.partition("=")[2] for part in headers[HEADER.lower()].split(","))
        expected = hmac.new(SECRET.encode(), f"{moment}.".encode() + body, "sha256").hexdigest()
        if not hmac.compare_digest(told, expected):
            self.forged += 1
        elif headers["portal-delivery"] not in [one["portal-delivery"] for one in self.came[:-1]]:
            self.took.append(json.loads(body))


class Handler(BaseHTTPRequestHandler):
    server: "Listening"

    def do_POST(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        does = receiver.script.pop(0) if receiver.script else "200"
        if does == "slow":
            receiver.over.wait(30)
            return
        if does in ("200", "hang up"):
            receiver.take({name.lower(): value for name, value in self.headers.items()}, body)
        if does == "hang up":
            self.connection.close()
            return
        self.send_response(int(does))
        self.send_header("Location", f"{receiver.url}/elsewhere")
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


class Listening(ThreadingHTTPServer):
    daemon_threads = True
    receiver: Receiver

    def handle_error(self, *_: Any) -> None:
        """Whoever hung up is no fault of a test."""


@contextmanager
def listening() -> Iterator[Receiver]:
    server = Listening(("127.0.0.1", 0), Handler)
    server.receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.receiver
    finally:
        server.receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as found:
        yield found


def connect(staff: Staff, url: str, *, name: str = "on-call", shape: str = PORTAL) -> None:
    proposal = webhooks.propose(name, url, SECRET, shape=shape, why="So that somebody wakes up.", by=staff.engineer)
    approvals.approve(proposal.id, by=staff.admin)
    settings.carry_out(proposal.id, "change_connection")


def fell(staff: Staff) -> Alert:
    watch(staff)
    fallen()
    look()
    return all_alerts()[-1]


def deliveries(receiver: str = "") -> list[Delivery]:
    with store.reading() as db:
        found = db.exec(select(Delivery).order_by(col(Delivery.id))).all()
    return [one for one in found if not receiver or one.receiver == receiver]


def later(minutes: float, seconds: float = SECONDS) -> str:
    return alerting.tell_due(at=NOW + timedelta(minutes=minutes), seconds=seconds)


# -- webhooks -----------------------------------------------------------------------------------------------------------------------------


def test_an_alert_is_told_once_signed_and_with_its_numbers(staff: Staff, receiver: Receiver) -> None:
    connect(staff, receiver.url)
    alert = fell(staff)
    for minutes in (0, 1, 60):
        later(minutes)
    assert [one.why for one in deliveries("on-call")] == [""]
    (body,) = receiver.took
    assert (body["event"], body["alert"], body["sentence"], body["from"]) == ("alert_opened", alert.id, alert.sentence, "2026-02-28")
    assert body["numbers"]["n"] == 400 and len(receiver.came) == 1 and receiver.forged == 0
    (sent,) = deliveries("on-call")
    assert (sent.state, sent.tries, receiver.came[0]["portal-delivery"]) == ("done", 1, sent.id)


def test_what_another_signed_is_no_alert(receiver: Receiver) -> None:
    """The control of the receiver's own check."""
    alerting.post(Open("x", receiver.url.split("/")[2], PORTAL, receiver.url, "another-key-of-sixteen"), {"event": "x"}, "1")
    assert (receiver.forged, receiver.took) == (1, [])


@pytest.mark.parametrize("failing", ["500", "429", "slow", "301"])
def test_what_was_not_taken_is_told_later_once(staff: Staff, receiver: Receiver, failing: str) -> None:
    connect(staff, receiver.url)
    fell(staff)
    receiver.script, patience = [failing, failing], PATIENCE if failing == "slow" else SECONDS
    later(0, patience)
    (sent,) = deliveries("on-call")
    assert (sent.state, sent.tries, receiver.took) == ("waiting", 1, []) and sent.why
    later(0.5)  # not its turn yet
    assert deliveries("on-call")[0].tries == 1
    later(1.1, patience)
    later(10)
    assert (deliveries("on-call")[0].state, deliveries("on-call")[0].tries, len(receiver.took)) == ("done", 3, 1)


def test_who_hung_up_after_taking_it_is_told_again_under_the_same_name(staff: Staff, receiver: Receiver) -> None:
    connect(staff, receiver.url)
    fell(staff)
    receiver.script = ["hang up"]
    later(0)
    assert deliveries("on-call")[0].state == "waiting"
    later(5)
    assert len({one["portal-delivery"] for one in receiver.came}) == 1 and len(receiver.came) == 2
    assert len(receiver.took) == 1  # so it is taken once


def test_a_receiver_that_is_not_there_holds_up_no_other_and_is_given_up_in_the_end(staff: Staff, receiver: Receiver) -> None:
    connect(staff, f"http://127.0.0.1:{closed_port()}/hook", name="a-dead-one")
    connect(staff, receiver.url)
    fell(staff)
    later(0)
    assert len(receiver.took) == 1
    (dead,) = deliveries("a-dead-one")
    assert "could not be reached" in dead.why
    for hour in range(1, 40):
        later(60 * hour)
    (dead,) = deliveries("a-dead-one")
    assert (dead.state, dead.tries) == ("given_up", MOST_TRIES)
    assert not alerting.anything_due(at=NOW + timedelta(days=30))
    assert len(receiver.took) == 1


def test_what_would_be_the_same_again_is_given_up_at_once(staff: Staff, receiver: Receiver) -> None:
    connect(staff, receiver.url)
    fell(staff)
    receiver.script = ["404"]
    later(0)
    assert [(one.state, one.tries) for one in deliveries("on-call")] == [("given_up", 1)]


def test_it_goes_to_the_approved_host_alone(receiver: Receiver) -> None:
    host = receiver.url.split("/")[2]
    with pytest.raises(NeverTold, match="none of the addresses"):
        alerting.post(Open("x", "127.0.0.1:1", PORTAL, receiver.url, SECRET), {}, "1")
    with pytest.raises(NotTold, match="inside a private network"):
        alerting.post(Open("x", "localhost", PORTAL, "https://localhost/hook", SECRET), {}, "1")
    with pytest.raises(NotTold, match="elsewhere"):
        receiver.script = ["302"]
        alerting.post(Open("x", host, PORTAL, receiver.url, SECRET), {}, "1")
    assert receiver.came == []
    alerting.post(Open("x", host, PORTAL, receiver.url, SECRET), {}, "1")  # the control
    assert len(receiver.came) == 1


def test_chat_rooms_are_told_in_their_own_words() -> None:
    said = {
        "event": "alert_opened",
        "name": "Chat <b>",
        "sentence": "It fell & rose.",
        "acted": "",
        "link": "https://portal.example/quality?monitor=1",
    }
    slack = alerting.shaped(said, SLACK)
    assert slack == {"text": "*Chat &lt;b&gt;*\nIt fell &amp; rose.\n<https://portal.example/quality?monitor=1|Look at it>"}
    (card,) = alerting.shaped(said, TEAMS)["attachments"]
    assert [block["text"] for block in card["content"]["body"]] == ["Chat <b>", "It fell & rose."]
    assert card["content"]["actions"][0]["url"] == said["link"]


def test_a_page_that_says_ok_is_an_answer(staff: Staff, receiver: Receiver) -> None:
    """As Slack answers; and what is told there is no figure that a program reads."""
    connect(staff, receiver.url, name="room", shape=SLACK)
    alert = fell(staff)
    later(0)
    assert receiver.took == [{"text": f"*Chat*\n{alert.sentence}"}]


def test_two_people_decide_where_alerts_go_and_the_address_is_sealed(staff: Staff, receiver: Receiver) -> None:
    with pytest.raises(Denied):
        webhooks.propose("on-call", receiver.url, SECRET, why="Mine.", by=staff.lead)
    for url, secret, why in (
        ("http://example.com/hook", SECRET, "must begin with https"), ("https://example.com/hook", "short", "16 plain signs"),
        ("https://user:pass@example.com/", SECRET, "without a name"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=why):
            webhooks.propose("on-call", url, secret, why="Mine.", by=staff.engineer)
    connect(staff, "https://hooks.example.com/services/T000/very-secret-path")
    with store.reading() as db:
        (found,) = webhooks.in_force(db).values()
    assert found.host == "hooks.example.com" and "very-secret-path" not in str(settings.history("webhook_on-call"))
    assert found.opened().url.endswith("very-secret-path") and "very-secret" not in repr(found.opened())
    with pytest.raises(Refused, match="its seal does not open"):
        found.model_copy(update={"host": "evil.example.com"}).opened()
    webhooks.stop("on-call", why="We left.", by=staff.engineer)
    with store.reading() as db:
        assert webhooks.names(db) == []


def test_that_it_is_over_is_told_too(staff: Staff, receiver: Receiver) -> None:
    connect(staff, receiver.url)
    fell(staff)
    later(0)
    fill(0.8, days=6, until=NOW.date() + timedelta(days=4))
    look(NOW + timedelta(days=5))
    alerting.tell_due(at=NOW + timedelta(days=5))
    assert [one["event"] for one in receiver.took] == ["alert_opened", "alert_ended"] and "is back" in receiver.took[1]["sentence"]


def test_a_trial_says_that_it_is_one(staff: Staff, receiver: Receiver) -> None:
    connect(staff, receiver.url)
    monitor = watch(staff)
    watched = monitors.get(monitor.id, by=staff.engineer)
    assert watched is not None
    with pytest.raises(Denied):
        alerting.try_webhooks(watched, by=staff.rep)
    receiver.script = ["500"]
    assert [bool(why) for _, why in alerting.try_webhooks(watched, by=staff.engineer)] == [True]
    assert alerting.try_webhooks(watched, by=staff.engineer) == [("on-call", "")]
    assert receiver.took[0]["event"] == "trial"


# -- mail ---------------------------------------------------------------------------------------------------------------------------------


def test_its_owner_gets_a_mail_at_once_and_not_again_in_the_morning(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(monkeypatch) as box:
        alert = fell(staff)
        box.broken = True
        later(0)
        assert [one.state for one in deliveries("mail")] == ["waiting"]
        assert [one.mailed_at for one in inbox.of(staff.engineer)] == [None]
        box.broken = False
        later(5)
        later(60)
        assert mails(box) == [(["emil@example.com"], "Portal: Alert: Chat")] and alert.sentence in box.letters[0][1].get_content()
    (item,) = inbox.of(staff.engineer)
    assert item.sentence == alert.sentence and item.mailed_at is not None  # the daily mail leaves it out


def mails(box: Letterbox) -> list[tuple[list[str], str]]:
    return [(to, str(letter["Subject"])) for to, letter in box.letters]


def test_without_a_mail_server_it_stands_in_the_inbox(staff: Staff) -> None:
    alert = fell(staff)
    later(0)
    assert [(one.state, "names no mail server" in one.why) for one in deliveries("mail")] == [("given_up", True)]
    assert told(staff.engineer) == [alert.sentence]


# -- armed: planted fall, alert, task, rolled back ----------------------------------------------------------------------------------------


def live() -> Release:
    found = releases.live("answerer", ANSWERER)
    assert found is not None
    return found


def acted_on() -> Task:
    (task,) = [one for one in tasks.waiting() if one.name == alerts.ACT]
    return task


def run(task: Task) -> Task:
    taken = tasks.take(task.id, "here")
    assert taken is not None
    jobs.run(taken)
    ended = tasks.get(task.id)
    assert ended is not None
    return ended


def armed_fall(staff: Staff) -> Alert:
    released()
    watch(staff, ARMED, by=staff.lead)
    fallen()
    look()
    return all_alerts()[-1]


def test_a_planted_fall_takes_the_release_back_with_its_reason(staff: Staff) -> None:
    alert = armed_fall(staff)
    assert alerts.came_of_it(alert) == f"Roll back {ANSWERER} 2: under way."
    ended = run(acted_on())
    assert (ended.state, ended.result) == ("done", f"{ANSWERER} 2 was rolled back, and {ANSWERER} 1 answers again.")
    now_live = live()
    assert (now_live.target_number, now_live.by_person_id) == (1, staff.lead.id)
    with store.reading() as db:
        before = db.get_one(Release, alert.release_id)
        assert before.ended_why == f"rolled back: by itself, for monitor 'Chat': {alert.sentence}"
        assert db.get_one(Alert, alert.id).acted == ended.result
    assert arming.act(alert.id, by=staff.lead) == ended.result  # twice does no harm
    assert live().id == now_live.id


def test_whoever_was_told_of_the_alert_is_told_what_it_did(staff: Staff, receiver: Receiver) -> None:
    connect(staff, receiver.url)
    alert = armed_fall(staff)
    later(0)
    ended = run(acted_on())
    alerting.tell_due(at=now() + timedelta(minutes=1))
    assert [(one["event"], one["acted"]) for one in receiver.took] == [("alert_opened", ""), ("alert_acted", ended.result)]
    assert sorted(told(staff.lead)) == sorted([alert.sentence, f"Chat: {ended.result}"])


def test_a_monitor_that_is_not_armed_takes_nothing_back(staff: Staff) -> None:
    """The control: the same fall."""
    released()
    watch(staff, replace(ARMED, arms="none", armed_for=None), by=staff.lead)
    fallen()
    look()
    assert all_alerts()[-1].state == "open" and live().target_number == 2
    assert [one for one in tasks.waiting() if one.name == alerts.ACT] == []


def closed(alert: Alert, staff: Staff) -> None:
    alerts.close(alert.id, "It was the survey.", by=staff.engineer)


def disarmed(alert: Alert, staff: Staff) -> None:
    monitors.change(alert.monitor_id, replace(ARMED, arms="none", armed_for=None), why="Too hasty.", by=staff.engineer)


def followed(_alert: Alert, _staff: Staff) -> None:
    with store.writing() as db:
        releases.go_live(db, Target("answerer", ANSWERER, 3), proposal_id=None, why_before_ends="followed", by=None)


def handed_on(alert: Alert, staff: Staff) -> None:
    lena = people.add("Lena", "lena@example.com", "lead", by=people.console(), team=staff.oak)
    monitors.change(alert.monitor_id, ARMED, owner_id=lena.id, why="Lena has it.", by=staff.lead)


@pytest.mark.parametrize(
    ("since", "why"),
    [
        (closed, "the alert is closed already"),
        (disarmed, "armed for it no more"),
        (followed, "is not in force any more"),
        (handed_on, "another owner by now"),
    ],
)
def test_what_changed_since_the_alert_keeps_it_from_acting(staff: Staff, since: Callable[[Alert, Staff], None], why: str) -> None:
    alert = armed_fall(staff)
    since(alert, staff)
    number = live().target_number
    ended = run(acted_on())
    assert ended.state == "failed" and why in ended.error and live().target_number == number
    with store.reading() as db:
        monitor_owner = monitors.get(alert.monitor_id, by=staff.engineer)
        assert monitor_owner is not None and db.get_one(Alert, alert.id).acted == f"Nothing was done by itself: {ended.error}"
    assert any(why in one for one in told(owner_of(alert)))


def owner_of(alert: Alert) -> Person:
    with store.reading() as db:
        return db.get_one(Person, db.get_one(monitors.Monitor, alert.monitor_id).owner_id)


def test_an_owner_who_lost_the_right_rolls_nothing_back(staff: Staff) -> None:
    armed_fall(staff)
    with store.writing() as db:
        db.get_one(Person, staff.lead.id).role = "rep"
    ended = run(acted_on())
    assert ended.state == "failed" and "may not arm a monitor" in ended.error and live().target_number == 2
    assert alerts.came_of_it(all_alerts()[-1]) == f"Nothing was done by itself: {ended.error}"
    with store.writing() as db:
        db.get_one(Person, staff.lead.id).role = "lead"
    people.disable(staff.lead.id, by=people.console())
    tasks.retry(ended.id, by=staff.admin)
    assert run(acted_on()).state == "failed" and live().target_number == 2


def test_nobody_acts_on_an_alert_by_hand(staff: Staff) -> None:
    alert = armed_fall(staff)
    with pytest.raises(Denied, match="nothing that a person starts"):
        jobs.start(alerts.ACT, {"alert_id": alert.id}, title="Roll back", by=staff.lead)
    with pytest.raises(Denied):
        arming.act(alert.id, by=staff.engineer)
    with pytest.raises(Refused, match="another owner"):
        arming.act(alert.id, by=staff.other)
    assert live().target_number == 2


def went_live(kind: str, name: str, *, coming: bool, staff: Staff) -> Release:
    """Two versions after each other, and where it is asked for a third on its way: the one that is acted upon."""
    with store.writing() as db:
        for number in (1, 2):
            at = NOW + timedelta(days=number)
            newest = releases.go_live(db, Target(kind, name, number), proposal_id=None, why_before_ends="followed", by=None, at=at)
        return releases.begin(db, Target(kind, name, 3), proposal_id=None, by_itself=False, by=staff.lead) if coming else newest


@pytest.mark.parametrize(("kind", "arms"), sorted(set(RIGHTS) - {("classifier", ROLL_BACK), ("model", ROLL_BACK)}))
def test_each_verb_does_it_and_leaves_the_reason_on_the_release(staff: Staff, kind: str, arms: str) -> None:
    name = ANSWERER if kind == "answerer" else "late-parcel"
    release = went_live(kind, name, coming=arms == STOP and kind != "recipe", staff=staff)
    assert arming.ACTS[kind, arms](release, "It fell.", staff.lead, None)
    with store.reading() as db:
        ended = db.get_one(Release, release.id)
        live_now = releases.live(kind, name)
    assert ended.stage == "ended" and ended.ended_why.endswith("It fell.")
    assert (live_now.target_number if live_now else None) == (1 if arms == ROLL_BACK else None if kind == "recipe" else 2)
    with pytest.raises(Refused):
        arming.ACTS[kind, arms](ended, "It fell.", staff.lead, None)


@pytest.mark.parametrize("home", ["sqlite"], indirect=True)
def test_a_classifier_is_taken_back_as_by_hand(staff: Staff) -> None:
    for _ in range(2):
        ship(staff, candidate(staff))
    newest = releases.live("classifier", "intent")
    assert newest is not None and newest.target_number == 2
    arming.ACTS["classifier", ROLL_BACK](newest, "It fell.", staff.lead, None)
    assert releases.live("classifier", "intent").target_number == 1  # type: ignore[union-attr]


def test_each_thing_that_may_be_armed_has_its_verb() -> None:
    assert set(arming.ACTS) == set(RIGHTS)
