"""Background tasks: whose right they need when they run, what fails at once, what is tried again, and that twice does no harm."""

import logging
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import func, select

from classifiers import shipping, training
from data import approvals, audit, people, releases, store, tasks, versions
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Conversation, Person, Prediction, Proposal, Run, Task
from data.values import Target, now
from portal import jobs
from tests.conftest import Staff
from tests.conversations import canonical, write_file
from tests.test_classifiers_training import frozen_set, reviewed

ONE = Target("classifier", "intent", 1)


def later(name: str, arguments: dict[str, Any], *, by: Person | None, **rest: Any) -> Task:
    with store.writing() as db:
        return tasks.later(db, name, arguments, title=f"A {name}", by=by, **rest)


def again(task: Task) -> Task:
    found = tasks.get(task.id)
    assert found is not None
    return found


def change(person: Person, **columns: str | None) -> None:
    """There is no verb for it yet."""
    with store.writing() as db:
        for name, value in columns.items():
            db.execute(text(f"UPDATE person SET {name} = :value WHERE id = :id"), {"value": value, "id": person.id})


def counted(table: type[Any]) -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(table)).one()


def trained(staff: Staff, *, by: Person) -> None:
    """Rows, a frozen set, and a first version by this person that is measured."""
    with store.writing():
        reviewed(staff, range(1, 61))
        frozen_set(staff, range(61, 85))
    shipping.evaluate(versions.target_of(training.train(by=by)), by=by)


def one_of_each(staff: Staff, by: Person, folder: Path) -> list[Task]:
    """A task of every kind, asked for by this person; what is approved was proposed by the rep."""
    proposal = shipping.propose(ONE, why="The first one.", by=staff.rep)
    approvals.approve(proposal.id, by=by)
    return [
        later("import", {"path": str(write_file(folder / "new.jsonl", count=5, first_number=500, team="Oak"))}, by=by),
        later("train", {"name": "intent"}, by=by),
        later("evaluate", {"name": "intent", "number": 1}, by=by),
        later("classify", {"conversation_ids": door.receive([canonical(400, team="Oak")], by=staff.engineer).ids}, by=by),
        *[task for task in tasks.waiting() if task.name == "carry_out"],
    ]


def effects() -> tuple[int, ...]:
    return (
        counted(Conversation),
        len(versions.all_of("classifier", "intent")),
        counted(Run),
        counted(Prediction),
        len(releases.history("classifier", "intent")),
    )


def test_no_task_of_somebody_who_was_disabled_since_is_done(staff: Staff, tmp_path: Path) -> None:
    trained(staff, by=staff.rep)
    asked = one_of_each(staff, staff.lead, tmp_path)
    assert {task.name for task in asked} == set(jobs.JOBS)
    people.disable(staff.lead.id, by=staff.admin)
    before = effects()
    assert jobs.run_waiting() == 5
    for task in map(again, asked):
        assert (task.state, task.error, task.tries) == ("failed", "Not done: the person who asked for it is no longer active.", 1), (
            task.name
        )
    assert effects() == before and releases.live("classifier", "intent") is None
    with store.reading() as db:  # what they approved is over too: the proposal does not say "approved" for ever
        assert [proposal.state for proposal in db.exec(select(Proposal))] == ["failed"]


def test_each_kind_of_task_is_done_for_somebody_active(staff: Staff, tmp_path: Path) -> None:
    """The control of the test above."""
    trained(staff, by=staff.rep)
    asked = one_of_each(staff, staff.lead, tmp_path)
    before = effects()
    jobs.run_waiting()
    told = {task.name: (task.state, task.result) for task in map(again, asked)}
    assert {state for state, _ in told.values()} == {"done"}
    assert told["import"][1].startswith("5 new, 0 updated and 0 unchanged conversations; 10 messages; ")
    assert told["train"][1].startswith("intent 2 is right in ")
    assert "right in " in told["evaluate"][1]
    assert told["carry_out"][1] == "intent 1 is live."
    assert [after - once for after, once in zip(effects(), before, strict=True)][:2] == [5, 1]


def test_a_task_runs_with_the_rights_its_person_has_now(staff: Staff, tmp_path: Path) -> None:
    trained(staff, by=staff.rep)
    proposal = shipping.propose(ONE, why="The first one.", by=staff.rep)
    approvals.approve(proposal.id, by=staff.lead)
    imported = later("import", {"path": str(write_file(tmp_path / "new.jsonl", count=5, first_number=500, team="Oak"))}, by=staff.lead)
    before = counted(Conversation)
    change(staff.lead, role="rep", team_id=staff.fern.id)  # demoted, and moved to the other team
    jobs.run_waiting()
    carried = next(task for task in tasks.recent(by=staff.admin) if task.name == "carry_out")
    assert carried.state == "failed" and "a rep may not approve a classifier" in carried.error
    assert releases.live("classifier", "intent") is None
    assert counted(Conversation) == before
    assert "5 lines were refused; the first is line 1: team: Oak is not your team" in again(imported).result


def test_a_refusal_fails_at_once_in_its_own_words(staff: Staff, tmp_path: Path) -> None:
    task = later("import", {"path": str(tmp_path / "not there.jsonl")}, by=staff.engineer)
    few = later("train", {"name": "intent"}, by=staff.rep)
    assert jobs.run_waiting() == 2
    failed = again(task)
    assert (failed.state, failed.tries) == ("failed", 1)
    assert failed.error == f"Nothing was imported: {tmp_path / 'not there.jsonl'} is not a file."
    assert failed.ended_at is not None
    assert again(few).error.startswith("Not trained: 0 reviewed conversations can be learned from, at least 40")


@pytest.fixture
def boom(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A job with a fault of ours, which stops at the try that is put into the list; it notes its tries there."""
    tried: list[int] = []

    def job(arguments: dict[str, Any], by: Person, progress: Callable[[float, str], None]) -> str:
        tried.append(len(tried) + 1)
        progress(0.5, "half way")
        if len(tried) < arguments["works_at"]:
            raise ZeroDivisionError("a secret detail")
        return "It worked."

    monkeypatch.setitem(jobs.JOBS, "boom", job)
    return tried


def test_a_fault_of_ours_is_tried_three_times_and_then_fails_with_a_reference(
    staff: Staff, boom: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    task = later("boom", {"works_at": 99}, by=staff.rep)
    taken = tasks.take(task.id, "here")
    assert taken is not None
    jobs.run(taken)
    first = again(task)
    assert first.state == "waiting" and first.runner == ""
    assert re.fullmatch(r"Try 1 failed \(reference [0-9a-f]{12}\)\.", first.error)
    jobs.run_waiting()
    failed = again(task)
    assert boom == [1, 2, 3] and (failed.state, failed.tries) == ("failed", 3)
    told = re.fullmatch(
        r"It failed 3 times because of a fault of ours \(reference ([0-9a-f]{12})\)\. Nothing half done was kept\.", failed.error
    )
    assert told is not None and "secret" not in failed.error
    logged = [record for record in caplog.records if told[1] in record.getMessage()]
    assert len(logged) == 1 and logged[0].levelno == logging.ERROR and logged[0].exc_info  # the reference leads to the whole story


def test_a_fault_that_passes_is_not_seen_at_the_end(staff: Staff, boom: list[int]) -> None:
    task = later("boom", {"works_at": 3}, by=staff.rep)
    jobs.run_waiting()
    done = again(task)
    assert (done.state, done.result, done.error, done.tries, done.progress) == ("done", "It worked.", "", 3, 1.0)


def test_a_failed_task_is_tried_again_when_somebody_asks(staff: Staff, tmp_path: Path) -> None:
    path = tmp_path / "late.jsonl"
    task = later("import", {"path": str(path)}, by=staff.rep)
    for state in ("waiting", "failed"):
        if state == "waiting":
            with pytest.raises(Refused, match=r"^Not tried again: 'A import' is waiting\. Only a failed job can be tried again\.$"):
                tasks.retry(task.id, by=staff.rep)
            jobs.run_waiting()
    for stranger in (staff.lead, staff.other):
        with pytest.raises(Refused, match="there is no such job of yours"):
            tasks.retry(task.id, by=stranger)
    write_file(path, count=3, team="Oak")
    assert tasks.retry(task.id, by=staff.rep).state == "waiting"
    assert jobs.run_waiting() == 1
    assert (again(task).state, again(task).error) == ("done", "") and counted(Conversation) == 3
    with pytest.raises(Refused, match=r"is done\. Only a failed job"):
        tasks.retry(task.id, by=staff.engineer)
    with pytest.raises(Denied):
        tasks.retry(task.id, by=people.console())


def test_a_job_that_another_retries_still_runs_as_who_asked_for_it(staff: Staff, tmp_path: Path) -> None:
    task = later("import", {"path": str(tmp_path / "late.jsonl")}, by=staff.rep)
    jobs.run_waiting()
    people.disable(staff.rep.id, by=staff.admin)
    write_file(tmp_path / "late.jsonl", count=3, team="Oak")
    tasks.retry(task.id, by=staff.admin)
    jobs.run_waiting()
    assert again(task).error == "Not done: the person who asked for it is no longer active." and counted(Conversation) == 0


def test_classifying_twice_does_no_harm(staff: Staff) -> None:
    trained(staff, by=staff.rep)
    with store.writing() as db:
        releases.go_live(db, ONE, proposal_id=None, why_before_ends="", by=staff.lead)
    door.receive([canonical(number, team="Oak") for number in range(300, 310)], by=staff.engineer)
    task = tasks.waiting()[0]
    assert (task.name, task.title) == ("classify", "Classify 10 new conversations")
    jobs.run_waiting()
    with store.reading() as db:
        before = [made.model_dump() for made in db.exec(select(Prediction).order_by(Prediction.id))]
    assert len(before) == 10
    jobs.run(again(task))  # handed over once more, as after a crash
    with store.reading() as db:
        assert [made.model_dump() for made in db.exec(select(Prediction).order_by(Prediction.id))] == before
    assert (again(task).state, again(task).result) == ("done", "10 conversations classified.")  # what the first run said stays


def test_a_ship_that_was_cut_off_after_it_was_kept_says_that_it_is_live(staff: Staff) -> None:
    """The worker dies between the release and the word that the task is done; the next one does the task again."""
    trained(staff, by=staff.rep)
    proposal = shipping.propose(ONE, why="The first one.", by=staff.rep)
    approvals.approve(proposal.id, by=staff.lead)
    task = tasks.waiting()[0]
    taken = tasks.take(task.id, "a worker that dies")
    assert taken is not None
    shipping.ship(proposal.id)  # and no tasks.finish
    jobs.run(taken)
    assert len(releases.history("classifier", "intent")) == 1
    with store.reading() as db:
        assert db.get_one(Proposal, proposal.id).state == "done"
    assert (again(task).state, again(task).result) == ("done", "intent 1 is live.")


def test_a_cut_off_command_is_not_a_fault_of_ours(staff: Staff) -> None:
    """The command line's own import, killed: a worker that finds its task cannot do it, and says how it goes on."""
    task = later("import", {"here": True}, by=staff.engineer)
    tasks.take(task.id, "command line")
    with store.writing() as db:
        db.execute(text("UPDATE task SET beat_at = :then"), {"then": now() - timedelta(minutes=5)})
    tasks.reclaim_lost()
    jobs.run_waiting()
    ended = again(task)
    assert ended.state == "failed" and "fault of ours" not in ended.error
    assert "command" in ended.error


def test_a_task_whose_runner_fell_silent_waits_again(staff: Staff) -> None:
    quiet, lively = (later("boom", {}, by=staff.rep) for _ in range(2))
    for task in (quiet, lively):
        tasks.take(task.id, "somebody")
    assert tasks.reclaim_lost() == 0
    with store.writing() as db:
        db.execute(text("UPDATE task SET beat_at = :then"), {"then": now() - tasks.LOST_AFTER - timedelta(seconds=1)})
    tasks.beat([lively.id])
    assert tasks.reclaim_lost() == 1
    assert (again(quiet).state, again(quiet).runner) == ("waiting", "") and again(lively).state == "running"
    assert tasks.take(lively.id, "somebody else") is None
    retaken = tasks.take(quiet.id, "somebody else")
    assert retaken is not None and retaken.tries == 2


def test_of_many_runners_one_takes_the_task(staff: Staff) -> None:
    chosen = [later("boom", {}, by=staff.rep) for _ in range(5)]
    together, got = threading.Barrier(6), []

    def grab(runner: str) -> None:
        together.wait()
        for task in chosen:
            if tasks.take(task.id, runner):
                got.append((task.id, runner))

    runners = [threading.Thread(target=grab, args=(f"runner {number}",)) for number in range(6)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert sorted(task_id for task_id, _ in got) == sorted(task.id for task in chosen)
    assert {again(task).tries for task in chosen} == {1}


def test_the_same_key_is_the_same_task(staff: Staff) -> None:
    first, second = (later("boom", {}, by=staff.rep, dedup_key="once") for _ in range(2))
    assert first.id == second.id and counted(Task) == 1
    assert later("boom", {}, by=staff.rep, dedup_key="twice").id != first.id


def test_a_task_is_kept_with_the_act_that_asked_for_it_or_not_at_all(staff: Staff) -> None:
    with pytest.raises(ZeroDivisionError), store.writing() as db:
        tasks.later(db, "boom", {}, title="Never", by=staff.rep)
        raise ZeroDivisionError
    assert tasks.waiting() == [] and audit.first_broken() is None
