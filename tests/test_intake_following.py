"""A help desk that two people connected is followed: every conversation once, as it is now, whatever happens in between."""

import json
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Any

import pytest
from sqlalchemy import event, update
from sqlmodel import col, func, select

from data import approvals, audit, config, connections, people, settings, store, tasks
from data.errors import Denied, Refused
from data.intake import following
from data.intake.connectors import CONNECTORS, TryLater, asking
from data.tables import Conversation, ImportBatch, Message, Person, Setting
from data.values import now
from portal import jobs
from tests.conftest import SOAK, Staff
from tests.faults.test_store import begin, said_until_it_ended
from tests.helpdesk import SECRET, START, Helpdesk, running
from tests.test_data_intake import everything

PRODUCTS = list(CONNECTORS)
ONE_OF = {"zendesk": "/tickets/{}/comments", "intercom": "/conversations/{}$", "chatwoot": "/conversations/{}/messages"}


@pytest.fixture(params=PRODUCTS)
def desk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Helpdesk]:
    """Its conversations come page by page, three a page."""
    monkeypatch.setattr(asking, "MOST", 3)
    with running(request.param) as one:
        yield one


@pytest.fixture
def zendesk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Helpdesk]:
    """Where it does not matter which one it is."""
    monkeypatch.setattr(asking, "MOST", 3)
    with running("zendesk") as one:
        yield one


def connect(staff: Staff, desk: Helpdesk, by: Person | None = None) -> None:
    """As two people do it, one and another. What follows is in the hands of the worker."""
    account, by = desk.account(), by or staff.engineer
    proposal = connections.propose_help_desk(
        desk.product, account.url, account.account, account.secret, why="So that they come by themselves.", by=by, days=3650
    )
    approvals.approve(proposal.id, by=staff.admin)


def followed(staff: Staff, desk: Helpdesk, count: int = 8) -> ImportBatch:
    for key in range(1, count + 1):
        desk.add(key, START + key)
    connect(staff, desk)
    jobs.run_waiting()
    return row()


def row() -> ImportBatch:
    (found,) = following.all_followed(by=people.console())
    return found


def pull(desk: Helpdesk) -> str:
    desk.clock.now += 300  # five minutes later
    return following.pull(desk.product)


def texts(key: int) -> list[str]:
    with store.reading() as db:
        found = db.exec(select(Conversation.id).where(Conversation.external_id == str(key))).one()
        return list(
            db.exec(select(Message.text).where(Message.conversation_id == found, col(Message.gone_at).is_(None)).order_by(col(Message.seq)))
        )


def count(table: Any = Conversation) -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(table)).one()


def when_asked(desk: Helpdesk, key: int, act: Callable[[], object]) -> list[object]:
    """It happens once, while this conversation is asked for; what came of it is in the list, from a thread of its own."""
    came: list[object] = []

    def once(path: str) -> None:
        if not came and ONE_OF[desk.product].format(key).rstrip("$") in path:
            came.append(None)
            thread = threading.Thread(target=lambda: came.__setitem__(0, act()))
            thread.start()
            thread.join(60)

    desk.before = once
    return came


def test_connected_at_nine_it_comes_and_goes_on_coming(staff: Staff, desk: Helpdesk) -> None:
    batch = followed(staff, desk)
    assert count() == 8
    assert [(task.name, task.state) for task in tasks.recent(by=staff.admin)] == [("pull", "done"), ("carry_out", "done")]
    assert (batch.state, batch.problem, batch.counts["new"], batch.by_person_id) == ("following", "", 8, staff.engineer.id)
    assert batch.pulled_at is not None
    assert pull(desk) == f"{CONNECTORS[desk.product].NAME}: 0 new and 0 changed conversations."
    before = count(Message)
    desk.add(3, START + 1000, "Is it there? My card is 4111 1111 1111 1111.")
    desk.add(9, START + 1001)
    assert pull(desk) == f"{CONNECTORS[desk.product].NAME}: 1 new and 1 changed conversations."
    assert count() == 9 and count(Message) > before + 1
    assert texts(3)[-1] == "Is it there? My card is ‹CARD 1›."
    assert (row().counts["new"], row().counts["updated"], row().id) == (9, 1, batch.id)
    told = [entry.sentence for entry in audit.newest(by=staff.engineer)]
    assert f"Began to follow {CONNECTORS[desk.product].NAME} at {desk.url.split('/')[2]}." in told
    with store.reading() as db:
        assert {one.source for one in db.exec(select(Conversation))} == {desk.product}


def test_the_key_is_told_nobody(staff: Staff, desk: Helpdesk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    desk.fails("/", 401)
    followed(staff, desk)
    assert SECRET not in everything() and SECRET not in caplog.text
    assert settings.current(f"help_desk_{desk.product}") is not None
    assert connections.help_desks()[desk.product].opened().secret == SECRET  # the control: it is there, sealed


def test_it_needs_two_people_and_a_rep_sees_what_came(staff: Staff, zendesk: Helpdesk) -> None:
    account = zendesk.account()
    with pytest.raises(Denied):
        connections.propose_help_desk("zendesk", account.url, account.account, account.secret, why="x", by=staff.lead)
    proposal = connections.propose_help_desk("zendesk", account.url, account.account, account.secret, why="x", by=staff.engineer)
    for by in (staff.engineer, staff.lead):
        with pytest.raises(Refused):
            approvals.approve(proposal.id, by=by)
    jobs.run_waiting()
    assert (connections.help_desks(), zendesk.asked) == ({}, [])
    with pytest.raises(Refused, match="zendesk is not connected"):
        following.pull("zendesk")
    assert following.pull_all() == "No help desk is connected."
    approvals.approve(proposal.id, by=staff.admin)
    jobs.run_waiting()
    assert zendesk.asked and len(following.all_followed(by=staff.rep)) == 1


def pull_and_die(told: Connection, product: str, number: int) -> None:
    asking.MOST, seen = 3, 0

    @event.listens_for(store.engine(), "before_cursor_execute")
    def pull_the_plug(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        nonlocal seen
        seen += statement.startswith(("INSERT", "UPDATE"))
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    told.send_bytes(following.pull(product).encode())


def test_a_pull_that_is_killed_between_pages_or_within_one_loses_and_doubles_nothing(staff: Staff, desk: Helpdesk) -> None:
    if not (SOAK or config.settings().is_sqlite or desk.product == "zendesk"):
        pytest.skip("each desk is tried on SQLite, and one on PostgreSQL; `make soak` tries all on both")
    connect(staff, desk)
    with store.writing() as db:  # the worker's own pull does not come first
        settings.carry_out(approvals_waiting(), "change_connection")
        db.flush()
    for key in range(1, 21):
        desk.add(key, START + key)
    deaths = 0
    for number in (1, 2, 1, 2, 3, 1, 1) if SOAK else (2, 3, 3):  # what it writes: a row for the desk, the record, then one of each page
        store.close()
        child, reader = begin(pull_and_die, desk.product, number)
        said_until_it_ended(reader)
        child.join()
        deaths += child.exitcode == -signal.SIGKILL
        desk.clock.now += 300
    assert deaths >= 3
    following.pull(desk.product)
    assert count() == 20 and {key: len(texts(key)) for key in range(1, 21)} == dict.fromkeys(range(1, 21), len(texts(1)))
    assert (row().counts["new"], row().problem) == (20, "")
    before = count(Message)
    pull(desk)
    assert (count(), count(Message)) == (20, before)


def approvals_waiting() -> str:
    (task,) = tasks.waiting()
    return str(task.arguments["proposal_id"])


def overtaken(desk: Helpdesk) -> str:
    """A pull that has asked for an older state, while another brings the newer one."""
    desk.add(5, START + 1000, "older")
    desk.add(6, START + 1001, "x")

    def meanwhile() -> str:
        desk.add(5, START + 2000, "newer")
        desk.clock.now += 300
        return following.pull(desk.product)

    last = 5 if desk.product == "chatwoot" else 6  # the newest is asked first there
    came = when_asked(desk, last, meanwhile)
    told = pull(desk)
    assert "1 new" in str(came[0]) or "changed" in str(came[0]), came
    return told


def test_two_pulls_at_once_put_no_older_state_over_a_newer_one(staff: Staff, desk: Helpdesk) -> None:
    followed(staff, desk)
    assert overtaken(desk).endswith("another pull went on with it meanwhile.")
    assert texts(5)[-1] == "newer"
    assert pull(desk).endswith("0 new and 0 changed conversations.")


def test_without_looking_at_the_position_the_older_one_wins(staff: Staff, zendesk: Helpdesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above."""
    followed(staff, zendesk)
    keep = following._keep
    monkeypatch.setattr(following, "_keep", lambda batch_id, page, before, by, at: keep(batch_id, page, row().position, by, at))
    overtaken(zendesk)
    assert texts(5)[-1] == "older"


def test_two_that_begin_at_once_follow_in_one_row(staff: Staff, zendesk: Helpdesk) -> None:
    for key in range(1, 9):
        zendesk.add(key, START + key)
    connect(staff, zendesk)
    with store.writing():
        settings.carry_out(approvals_waiting(), "change_connection")
    threads = [threading.Thread(target=lambda: following.pull("zendesk")) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (row().counts["new"], count()) == (8, 8)


def test_paused_it_is_not_asked_and_goes_on_where_it_stopped(staff: Staff, desk: Helpdesk) -> None:
    batch, name = followed(staff, desk), CONNECTORS[desk.product].NAME
    for by in (staff.rep, staff.lead):
        with pytest.raises(Denied):
            following.pause(batch.id, by=by)
    following.pause(batch.id, by=staff.engineer)
    desk.add(20, START + 1000)
    asked = len(desk.asked)
    assert (pull(desk), following.pull_all(), len(desk.asked)) == (f"{name} is paused.", f"{name} is paused.", asked)
    assert row().state == "paused"
    following.pause(batch.id, by=staff.engineer, on=False)
    assert pull(desk) == f"{name}: 1 new and 0 changed conversations."
    told = [entry.sentence.split(" at ")[0] for entry in audit.newest(by=staff.engineer)[:2]]
    assert told == [f"Went on with {name}", f"Paused {name}"]
    with pytest.raises(Refused, match="there is no such connection"):
        following.pause("none", by=staff.engineer)


def test_paused_while_it_is_being_asked_it_keeps_nothing_more(staff: Staff, desk: Helpdesk) -> None:
    batch = followed(staff, desk, count=2)
    for key in range(10, 18):
        desk.add(key, START + 1000 + key)
    came = when_asked(desk, 15, lambda: following.pause(batch.id, by=staff.engineer).state)
    assert pull(desk).endswith("; it was paused meanwhile.") and came == ["paused"]
    assert 2 <= count() < 10
    desk.before = lambda path: None
    following.pause(batch.id, by=staff.engineer, on=False)
    pull(desk)
    assert count() == 10


def test_who_connected_it_and_left_brings_nothing_in_any_more(staff: Staff, desk: Helpdesk) -> None:
    followed(staff, desk, count=2)
    for key in range(10, 18):
        desk.add(key, START + 1000 + key)
    when_asked(desk, 15, lambda: people.disable(staff.engineer.id, by=staff.admin))
    for _ in range(2):  # in the middle of a pull, and before one
        with pytest.raises(Refused, match=rf"^Nothing was pulled: whoever connected {CONNECTORS[desk.product].NAME} is no longer active\."):
            pull(desk)
        assert row().problem.endswith("An engineer proposes the connection again.")
    kept = count()
    assert 2 <= kept < 10
    another = people.add("Erik", "erik@example.com", "engineer", by=people.console())
    connect(staff, desk, by=another)  # the same desk again: it goes on where it was
    jobs.run_waiting()
    desk.clock.now += 300
    following.pull(desk.product)
    assert (count(), row().problem, row().counts["new"]) == (10, "", 10)


def test_who_connected_it_and_lost_the_right_brings_nothing_in_either(
    staff: Staff, zendesk: Helpdesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed(staff, zendesk, count=2)
    zendesk.add(9, START + 1000)
    with store.writing() as db:
        db.execute(update(Person).where(col(Person.id) == staff.engineer.id).values(role="nobody"))
    with pytest.raises(Denied):
        pull(zendesk)
    assert count() == 2


def test_what_goes_wrong_is_noted_and_shown_until_it_is_well(staff: Staff, desk: Helpdesk) -> None:
    followed(staff, desk, count=2)
    desk.add(5, START + 1000)
    desk.wrong.append((".", (401, {"Content-Type": "application/json"}, b'{"error": "jo.doe@example.org"}')))
    with pytest.raises(Refused, match="does not accept the key"):
        pull(desk)
    assert "does not accept the key (401)" in row().problem and "jo.doe" not in row().problem
    desk.wrong.append((".", (429, {"Content-Type": "application/json", "Retry-After": "45"}, b"{}")))
    with pytest.raises(TryLater):
        pull(desk)
    assert "asks us to wait" in row().problem
    pull(desk)
    assert (row().problem, count()) == ("", 3)


def test_an_account_that_may_not_export_is_told_before_anything_is_asked_for(staff: Staff, zendesk: Helpdesk) -> None:
    me = "GET /api/v2/users/me.json"
    zendesk.fails("users/me", 200, json.dumps({"user": {"id": 9, "name": "Ada", "role": "agent"}}).encode())
    assert "Ada is agent in Zendesk. Its export needs an administrator's key." in followed(staff, zendesk, count=1).problem
    assert zendesk.asked == [me]
    pull(zendesk)  # asked again while nothing came, and no more once something did
    pull(zendesk)
    assert (row().problem, zendesk.asked.count(me), count()) == ("", 2, 1)


def test_one_that_does_not_answer_does_not_keep_the_others(staff: Staff) -> None:
    with running("zendesk") as one, running("chatwoot") as other:
        for desk in (one, other):
            desk.add(1, START + 1)
            connect(staff, desk)
        one.fails(".", 403)
        jobs.run_waiting()
        with store.reading() as db:
            assert set(db.exec(select(Conversation.source))) >= {"chatwoot"}
        one.clock.now += 300
        one.fails(".", 429, Retry_After="50")
        assert "Zendesk asks us to wait" in following.pull_all() and "Chatwoot: 0 new" in following.pull_all()
        one.fails(".", 401)
        with pytest.raises(Refused, match=r"does not accept the key .*Chatwoot: 0 new and 0 changed conversations\."):
            following.pull_all()
        assert {batch.reader: bool(batch.problem) for batch in following.all_followed(by=staff.rep)} == {"zendesk": True, "chatwoot": False}


def test_another_address_begins_anew_and_doubles_nothing(staff: Staff, desk: Helpdesk) -> None:
    first = followed(staff, desk, count=3)
    with running(desk.product) as moved:
        moved.held = dict(desk.held)
        moved.add(9, START + 1000)
        connect(staff, moved)
        asked = len(desk.asked)
        jobs.run_waiting()
        second = row()
        assert second.id != first.id and (second.counts["unchanged"], second.counts["new"]) == (3, 1)
        assert (count(), len(desk.asked)) == (4, asked)
    with store.reading() as db:
        assert db.get_one(ImportBatch, first.id, populate_existing=True).state == following.LEFT


def test_connected_elsewhere_while_it_is_being_asked_it_stops(staff: Staff, zendesk: Helpdesk) -> None:
    followed(staff, zendesk, count=2)
    for key in range(10, 18):
        zendesk.add(key, START + 1000 + key)
    with running("zendesk") as other:

        def meanwhile() -> str:
            connect(staff, other)
            with store.writing():
                return settings.carry_out(approvals_waiting(), "change_connection").name

        came = when_asked(zendesk, 12, meanwhile)
        assert pull(zendesk).endswith("it was connected otherwise meanwhile.") and came == ["help_desk_zendesk"]
    assert count() < 10


def test_one_that_cannot_be_taken_is_told_and_the_others_come(staff: Staff, zendesk: Helpdesk) -> None:
    zendesk.add(2, START + 2)
    zendesk.held[2]["said"][0]["plain_body"] = "x" * 100_001
    zendesk.held[2]["subject"] = "of jo.doe@example.org"
    batch = followed(staff, zendesk, count=1)
    pull(zendesk)
    told = [refusal["why"] for refusal in batch.refusals]
    assert count() + len(told) == 2 and "jo.doe" not in str(told)


def test_nobody_waits_while_a_page_is_redacted(staff: Staff, zendesk: Helpdesk, monkeypatch: pytest.MonkeyPatch) -> None:
    followed(staff, zendesk, count=2)
    zendesk.add(9, START + 1000)
    wrote, prepare = [], following.door.prepare

    def slow(*told: Any, **more: Any) -> Any:
        thread = threading.Thread(target=lambda: wrote.append(people.add_team("Elm", by=people.console()).name))
        thread.start()
        thread.join(20)  # it would wait five seconds for the lock and fail
        return prepare(*told, **more)

    monkeypatch.setattr(following.door, "prepare", slow)
    pull(zendesk)
    assert wrote == ["Elm"] and count() == 3


def test_what_the_desk_deleted_is_gone_here_too(staff: Staff, desk: Helpdesk) -> None:
    followed(staff, desk, count=2)
    desk.add(1, START + 1000, "a secretword", "and more")
    pull(desk)
    before = texts(1)
    del desk.held[1]["said"][-2]
    desk.add(1, START + 2000, "the end")
    last = desk.held[1]["said"][-1]
    last["id"] = type(last["id"])(99_999_999)  # no desk gives an id twice
    pull(desk)
    assert texts(1) == [*(text for text in before if text != "a secretword"), "the end"]
    assert row().counts["gone"] == 1


def test_a_setting_is_not_asked_for_the_key_again_and_again(staff: Staff, zendesk: Helpdesk) -> None:
    """A connection that was proposed on an older state is not put in force over a newer one."""
    account = zendesk.account()
    slow = connections.propose_help_desk("zendesk", account.url, account.account, account.secret, why="x", by=staff.engineer, days=10)
    connect(staff, zendesk)
    jobs.run_waiting()
    approvals.approve(slow.id, by=staff.admin)
    jobs.run_waiting()
    assert count(Setting) == 1 and connections.help_desks()["zendesk"].since < now() - timedelta(days=3000)
