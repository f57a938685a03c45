"""`portal monitor` and the same over HTTP: what is watched, another one, quiet for a while, and what one would have told."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from classifiers import labels
from data import people, tokens
from data.values import now
from evals import alerts, monitors
from tests.conftest import Staff, hire
from tests.server import inside, serving
from tests.test_evals_monitors import fallen, released, watch
from tests.test_portal_cli import Done, refused, run  # noqa: F401

Command = Callable[..., Done]
EMIL, LEO = "emil@example.com", "leo@example.com"
on_sqlite = pytest.mark.parametrize("home", ["sqlite"], indirect=True)


@pytest.fixture
def command(run: Command) -> Command:  # noqa: F811
    return lambda *arguments: run("monitor", *arguments)


def yesterday() -> dict[str, object]:
    return {"until": now().date() - timedelta(days=2)}  # whatever the portal's time zone: that day is over


# -- at the console -----------------------------------------------------------------------------------------------------------------------


@on_sqlite
def test_one_is_added_listed_tried_and_snoozed(command: Command, staff: Staff) -> None:
    assert command("list").out == "Nothing is watched yet.\n"
    added = command("add", "csat", "--channel", "chat", "--name", "Chat", "--why", "We promised it.", "--by", EMIL)
    assert added.out == "'Chat' is watched from now on. It tells its owner and does nothing.\n"
    fallen(since=6, **yesterday())
    tried = command("test", "Chat", "--days", "30", "--by", EMIL)
    assert tried.out.startswith("Over 30 days it would have told 1 alert.\n    ") and "'Satisfied' in chat fell to 60" in tried.out
    assert command("list", "--json").told["monitors"][0]["alert"] is None  # that was a trial
    alerts.look(by=people.console())
    listed = command("list").out
    assert listed.startswith("Chat  alarm, Emil\n    'Satisfied' in chat fell to 60") and listed.endswith(
        "It tells its owner and does nothing.\n"
    )
    assert command("snooze", "Chat", "--days", "2", "--why", "We know.", "--by", EMIL).out.startswith("'Chat' is quiet until ")
    assert "snoozed until" in command("list").out
    assert command("snooze", "Chat", "--days", "0", "--by", EMIL).out == "'Chat' is awake.\n"


@on_sqlite
def test_an_armed_one_says_what_it_will_do(command: Command, staff: Staff) -> None:
    released(at=now() - timedelta(days=2))
    armed = ("--arms", "roll_back", "--for", "answerer:answers", "--why", "It must not fall.")
    added = command("add", "csat", "--name", "Guarded", *armed, "--by", LEO)
    assert added.code == 1 and "nothing of answerer 'answers' was ever released" in added.err
    from knowledge.answerers import NAME

    added = command("add", "csat", "--name", "Guarded", *armed[:3], f"answerer:{NAME}", *armed[4:], "--by", LEO)
    assert added.code == 0 and f"Today that would be {NAME} 2." in added.out
    denied = command("add", "csat", "--name", "Other", *armed, "--by", EMIL)
    assert denied.code == 1 and "an engineer may not arm a monitor" in denied.err


@on_sqlite
@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("add", "csat", "--why", "x"), 1, "may not change a monitor"),  # the console has nothing watched
        (("add", "csat", "--why", "x", "--rule", "oracle", "--by", EMIL), 2, "rule cannot be used"),
        (("add", "csat", "--why", "x", "--intent", "None such", "--by", EMIL), 1, "there is no intent 'None such'"),
        (("add", "csat", "--why", "x", "--team", "Elm", "--by", EMIL), 1, "there is no team 'Elm'"),
        (("add", "csat", "--why", "x", "--owner", "x@example.com", "--by", EMIL), 2, "nobody with the address"),
        (("snooze", "Chat", "--by", EMIL), 1, "There is no monitor 'Chat' within your reach"),
    ],
)
def test_what_cannot_be_done_is_told(command: Command, staff: Staff, arguments: tuple[str, ...], code: int, told: str) -> None:
    done = command(*arguments)
    assert (done.code, told in done.err) == (code, True), done.err


# -- over HTTP ----------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def program(module_home: tuple[Path, str]) -> Iterator[httpx.Client]:
    """With the token of an engineer for monitors; one monitor has found something."""
    home, url = module_home
    with inside(home, url):
        staff = hire()
        labels.add("Refund", by=staff.lead)
        monitor = watch(staff)
        fallen(**yesterday())
        alerts.look(by=people.console())
        assert monitors.get(monitor.id, by=staff.engineer).alert is not None  # type: ignore[union-attr]
        secret = tokens.issue("grafana", ["monitor"], staff.engineer, by=people.console())
    with serving(home, url) as server:
        client = server.browser(Authorization=f"Bearer {secret}")
        del client.headers["Origin"]
        yield client


def test_a_program_reads_what_is_watched_and_what_was_found(program: httpx.Client) -> None:
    found = next(one for one in program.get("/api/v1/monitors").json() if one["name"] == "Chat")
    assert (found["state"], found["measure"], found["of"], found["owner"]) == ("alarm", "csat", {"channel": "chat"}, "Emil")
    assert found["alert"]["sentence"].startswith("'Satisfied' in chat fell to 60") and found["alert"]["numbers"]["n"] == 400
    (alert,) = program.get(f"/api/v1/monitors/{found['id']}/alerts").json()
    assert alert["id"] == found["alert"]["id"] and alert["state"] == "open"
    assert program.get("/api/v1/monitors/none/alerts").json() == []


def test_a_program_adds_one_and_snoozes_it(program: httpx.Client) -> None:
    asked = {"measure": "resolution", "intent": "refund", "rule": "threshold", "alarm_at": 0.6, "clear_at": 0.65, "why": "We promised it."}
    made = program.post("/api/v1/monitors", json=asked).json()
    assert (made["name"], made["about"], made["direction"], made["owner"]) == (
        "'Resolved' of Refund", "'Resolved' of Refund", "down", "Emil"
    )  # fmt: skip
    until = (now() + timedelta(days=1)).isoformat()
    assert program.post(f"/api/v1/monitors/{made['id']}/snooze", json={"until": until, "why": "Known."}).json()["snoozed_until"]
    for wrong, status in (({"until": until[:19], "why": "Known."}, 422), ({"until": until}, 422), ({"for": 3}, 422)):
        assert program.post(f"/api/v1/monitors/{made['id']}/snooze", json=wrong).status_code == status
    again = program.post("/api/v1/monitors", json=asked)
    assert again.status_code == 422 and "there is a monitor" in again.json()["detail"]


def test_a_program_writes_on_the_timeline_and_takes_it_back(program: httpx.Client) -> None:
    made = program.post("/api/v1/notes", json={"text": "The new shop page is live.", "intent": "refund"}).json()
    assert (made["kind"], made["intent"], made["taken_back_at"]) == ("note", "Refund", None)
    for wrong in (
        {"text": ""},
        {"text": "x", "happened_at": "2026-01-05T08:00:00"},
        {"text": "x", "who": "me"},
        {"text": "x", "page": "//a.b"},
    ):
        assert program.post("/api/v1/notes", json=wrong).status_code == 422
    assert program.post(f"/api/v1/notes/{made['id']}/take-back").json()["taken_back_at"]
