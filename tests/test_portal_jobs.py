"""Background tasks: whose right they need when they run, what fails at once, what is tried again, and that twice does no harm."""

import logging
import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlmodel import col, func, select

from classifiers import shipping, training
from data import access, approvals, audit, config, nightly, people, releases, store, tasks, versions
from data.errors import Busy, Denied, Refused
from data.intake import door, offers
from data.tables import Conversation, InboxItem, Person, Prediction, Proposal, Run, Task
from data.values import Target, now
from evals.sets import measured_on
from knowledge import articles
from knowledge.articles import Content
from portal import jobs
from tests.conftest import Staff
from tests.conversations import canonical, write_file
from tests.test_classifiers_training import frozen_set, reviewed
from tests.test_data_audit import by_hand

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


def brought(folder: Path, by: Person, *, count: int = 5, first_number: int = 1) -> str:
    """A file that this person brought; it waits to be imported."""
    path = write_file(folder / f"new {first_number}.jsonl", count=count, first_number=first_number, team="Oak")
    return offers.offer([(path.name, path.read_bytes())], by=by).id


def one_of_each(staff: Staff, by: Person, folder: Path, *, portals: bool) -> list[Task]:
    """A task of every kind, asked for by this person; what is approved was proposed by the rep. The portal's own
    are nobody's or, wrongly, theirs."""
    proposal = shipping.propose(ONE, why="The first one.", by=staff.rep)
    approvals.approve(proposal.id, by=by)
    own = (  # these are nobody's
        "lapse", "mail", "back_up", "check_record", "tidy", "pull", "encode", "try_endpoint", "grade_live", "find_patterns",
        "watch_releases", "watch_drift", "order_queue", "find_gaps", "settle_actions", "find_causes", "tell_help_desk",
        "look_at_monitors", "tell_alerts", "tell_product_teams", "send_traces", "check_tools", "count_days", "find_opportunities",
        "compute_brief", "write_digests",
    )  # fmt: skip
    return [
        *[later(name, {}, by=None if portals else by) for name in own],
        later("look", {"batch_id": brought(folder, by, first_number=500)}, by=by),
        later("import", {"batch_id": brought(folder, by, first_number=500)}, by=by),
        later("train", {"name": "intent"}, by=by),
        later("evaluate", {"name": "intent", "number": 1}, by=by),
        later("preview", {"name": "intent", "number": 1}, by=by),
        later("curve", {"name": "intent", "number": 1}, by=by),
        later("run_eval", {"set_version_id": measured_on("classifier")[0][1].id, "targets": ["classifier:intent@1"]}, by=by),
        later("classify", {"conversation_ids": door.receive([canonical(400, team="Oak")], by=staff.engineer).ids}, by=by),
        later("suggest", {"conversation_ids": []}, by=by),
        later("try_articles", {"articles": [[articles.draft(Content("Returns", "30 days."), by=staff.rep).slug, 1]]}, by=by),
        later("evaluate_answerer", {"number": 1}, by=by),
        later("climb", {"number": 0, "set_version_id": "none"}, by=by),
        later("try_model", {"name": "accuracy", "number": 1}, by=by),
        later("learn_order", {"number": 0, "rungs": [], "set_version_id": "none", "precision": 0.9}, by=by),
        later("write_answer", {"trace_id": "none"}, by=by),
        later("backtest", {"name": "none", "number": 1}, by=by),
        later("compare_agents", {"name": "none", "number": 1}, by=by),
        later("act_on_alert", {"alert_id": "none"}, by=by),
        later("run_recipes", {"conversation_ids": []}, by=None if portals else by),
        later("evaluate_recipe", {"name": "none", "number": 1}, by=by),
        later("go_on", {"trace_id": "none", "act": "none"}, by=None if portals else by),
        later("try_instructions", {"number": 0, "set_version_id": "none", "instructions": "Be brief.", "examples": 0}, by=by),
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
    asked = one_of_each(staff, staff.lead, tmp_path, portals=False)
    assert {task.name for task in asked} == set(jobs.JOBS)
    people.disable(staff.lead.id, by=staff.admin)
    before = effects()
    assert jobs.run_waiting() == len(asked) == len(jobs.JOBS)
    for task in map(again, asked):
        assert (task.state, task.error, task.tries) == ("failed", "Not done: the person who asked for it is no longer active.", 1), (
            task.name
        )
    assert effects() == before and releases.live("classifier", "intent") is None
    with store.reading() as db:  # what they approved is over too: the proposal does not say "approved" for ever
        assert [proposal.state for proposal in db.exec(select(Proposal))] == ["failed"]


def test_each_kind_of_task_is_done_for_somebody_active(staff: Staff, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above."""
    monkeypatch.setenv("PORTAL_ENCODER", "endpoint:none")
    config.reset()
    trained(staff, by=staff.rep)
    asked = one_of_each(staff, staff.lead, tmp_path, portals=True)
    before = effects()
    jobs.run_waiting()
    told = {task.name: (task.state, task.result or task.error) for task in map(again, asked)}
    nothing_for = {name for name, (state, _) in told.items() if state != "done"}
    writing = {"write_answer", "try_instructions"}
    models = {"try_endpoint", "try_model"}
    assert (
        nothing_for
        == {"encode", "evaluate_answerer", "climb", "learn_order", "backtest", "compare_agents", "evaluate_recipe", "go_on", "act_on_alert"}
        | writing
        | models
    )  # no encoder, no endpoint, no set of questions
    assert all(told[name][1].startswith("Not written: no model endpoint is set.") for name in writing)
    assert told["try_model"][1].startswith("Not tried: no model endpoint is set.")
    assert told["evaluate_answerer"][1].startswith("Not compared: no eval set was frozen yet.")
    assert told["evaluate_recipe"][1] == "Not run: no eval set was made for 'none' and frozen yet."
    assert told["backtest"][1] == told["compare_agents"][1] == "There is no recipe 'none' number 1."
    assert told["go_on"][1].startswith("The run does not go on")
    assert told["learn_order"][1].startswith("Not learned: that set has no questions.")
    assert told["try_articles"] == ("done", "It touches no case of an eval set.")
    assert told["encode"] == ("failed", "Nothing was encoded: PORTAL_ENCODER names the model endpoint, and none is set.")
    assert told["try_endpoint"][1].startswith("Nothing was asked: no model endpoint is set.")
    assert told["pull"] == ("done", "No help desk is connected.")
    assert told["look"] == ("done", "5 conversations read; nothing is stored yet.")
    assert told["import"][1].startswith("5 new, 0 updated and 0 unchanged conversations; 10 messages; ")
    assert told["train"][1].startswith("intent 2 is right in ")
    assert "right in " in told["evaluate"][1]
    assert told["preview"][1] == "The live version looked at no conversation in the last 30 days."
    assert "more examples" in told["curve"][1]
    assert told["carry_out"][1] == "Done: ship version 1 of the intent classifier."
    assert [after - once for after, once in zip(effects(), before, strict=True)][:2] == [5, 1]


def test_a_task_runs_with_the_rights_its_person_has_now(staff: Staff, tmp_path: Path) -> None:
    trained(staff, by=staff.rep)
    proposal = shipping.propose(ONE, why="The first one.", by=staff.rep)
    approvals.approve(proposal.id, by=staff.lead)
    imported = later("import", {"batch_id": brought(tmp_path, staff.lead, first_number=500)}, by=staff.lead)
    before = counted(Conversation)
    change(staff.lead, role="rep", team_id=staff.fern.id)  # demoted, and moved to the other team
    jobs.run_waiting()
    carried = next(task for task in tasks.recent(by=staff.admin) if task.name == "carry_out")
    assert carried.state == "failed" and "a rep may not approve a classifier" in carried.error
    assert releases.live("classifier", "intent") is None
    assert counted(Conversation) == before
    assert "5 lines were refused; the first is line 1: team: Oak is not your team" in again(imported).result


def test_a_refusal_fails_at_once_in_its_own_words(staff: Staff, tmp_path: Path) -> None:
    batch_id = brought(tmp_path, staff.engineer)
    shutil.rmtree(config.folder("uploads"))
    task = later("import", {"batch_id": batch_id}, by=staff.engineer)
    theirs = later("import", {"batch_id": batch_id}, by=staff.rep)
    few = later("train", {"name": "intent"}, by=staff.rep)
    assert jobs.run_waiting() == 3
    failed = again(task)
    assert (failed.state, failed.tries) == ("failed", 1)
    assert failed.error.startswith("Not done: new 1.jsonl is no longer here.")
    assert again(theirs).error.startswith("Not done: this is not a file that you brought")
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


def test_a_fault_of_ours_is_tried_five_times_and_then_parked_with_a_reference(
    staff: Staff, boom: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    task = later("boom", {"works_at": 99}, by=None)
    jobs.run_waiting()
    first = again(task)
    assert first.state == "waiting" and first.runner == ""
    assert re.fullmatch(r"Try 1 of 5 failed \(reference [0-9a-f]{12}\)\. The next begins in 1 seconds\.", first.error)
    run_through(task)
    parked = again(task)
    assert boom == [1, 2, 3, 4, 5] and (parked.state, parked.tries) == ("parked", 5)
    told = re.search(r"it failed 5 times because of a fault of ours \(reference ([0-9a-f]{12})\)\. Nothing half done", parked.error)
    assert told is not None and "secret" not in parked.error
    logged = [record for record in caplog.records if told[1] in record.getMessage()]
    assert len(logged) == 1 and logged[0].levelno == logging.ERROR and logged[0].exc_info  # the reference leads to the whole story


def run_through(task: Task) -> None:
    """Every try it has, without the pauses between them."""
    while ready := [one for one in tasks.waiting(clock=again(task).not_before) if one.id == task.id]:
        taken = tasks.take(ready[0].id, "here")
        assert taken is not None
        jobs.run(taken)


def test_a_fault_that_passes_is_not_seen_at_the_end(staff: Staff, boom: list[int]) -> None:
    task = later("boom", {"works_at": 3}, by=None)
    run_through(task)
    done = again(task)
    assert (done.state, done.result, done.error, done.tries, done.progress) == ("done", "It worked.", "", 3, 1.0)


def missing(folder: Path, by: Person) -> str:
    """What was brought, while the disk that holds it is away."""
    batch_id = brought(folder, by, count=3)
    config.folder("uploads").rename(folder / "away")
    return batch_id


def back(folder: Path) -> None:
    config.folder("uploads").rmdir()
    (folder / "away").rename(config.folder("uploads"))


def test_a_failed_task_is_tried_again_when_somebody_asks(staff: Staff, tmp_path: Path) -> None:
    task = later("import", {"batch_id": missing(tmp_path, staff.rep)}, by=staff.rep)
    for state in ("waiting", "failed"):
        if state == "waiting":
            with pytest.raises(Refused, match=r"^Not tried again: 'A import' is waiting\. Only a job that failed can be tried again\.$"):
                tasks.retry(task.id, by=staff.rep)
            jobs.run_waiting()
    for stranger in (staff.lead, staff.other):
        with pytest.raises(Refused, match="there is no such job of yours"):
            tasks.retry(task.id, by=stranger)
    back(tmp_path)
    assert tasks.retry(task.id, by=staff.rep).state == "waiting"
    assert jobs.run_waiting() == 1
    assert (again(task).state, again(task).error) == ("done", "") and counted(Conversation) == 3
    with pytest.raises(Refused, match=r"is done\. Only a job that failed"):
        tasks.retry(task.id, by=staff.engineer)
    with pytest.raises(Denied):
        tasks.retry(task.id, by=people.console())


def test_a_job_that_another_retries_still_runs_as_who_asked_for_it(staff: Staff, tmp_path: Path) -> None:
    task = later("import", {"batch_id": missing(tmp_path, staff.rep)}, by=staff.rep)
    jobs.run_waiting()
    people.disable(staff.rep.id, by=staff.admin)
    back(tmp_path)
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


def test_a_ship_that_was_cut_off_after_it_was_kept_is_done_and_not_done_twice(staff: Staff) -> None:
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
    assert (again(task).state, again(task).result) == ("done", "Done: ship version 1 of the intent classifier.")


def test_a_cut_off_command_is_not_a_fault_of_ours(staff: Staff) -> None:
    """The command line's own import, killed: a worker that finds its task cannot do it, and says how it goes on."""
    command = tasks.start_runner("command 1", "here")
    task = later("import", {"here": True}, by=staff.engineer)
    tasks.take(task.id, command.id)
    tasks.bury(command.id)
    jobs.run_waiting()
    ended = again(task)
    assert ended.state == "failed" and "fault of ours" not in ended.error
    assert "command" in ended.error


def test_a_busy_database_is_no_persons_mistake_so_the_job_is_tried_again(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    def held_up(arguments: dict[str, Any], by: Person, progress: Callable[[float, str], None]) -> str:
        raise Busy("Nothing was saved: the database was busy for five seconds.")

    def refused(arguments: dict[str, Any], by: Person, progress: Callable[[float, str], None]) -> str:
        raise Refused("Nothing was saved: the file is empty.")

    monkeypatch.setitem(jobs.JOBS, "lapse", held_up)
    monkeypatch.setitem(jobs.JOBS, "mail", refused)
    busy, mistaken = later("lapse", {}, by=None), later("mail", {}, by=None)
    jobs.run_waiting()
    assert (again(busy).state, again(busy).faults) == ("waiting", 1)
    assert (again(mistaken).state, again(mistaken).faults) == ("failed", 0)


def test_a_try_that_lost_its_task_does_not_end_the_proposal_that_another_carries_out(staff: Staff) -> None:
    """It was taken for dead while it slept; then its person was disabled, and it wakes up."""
    trained(staff, by=staff.rep)
    proposal = shipping.propose(ONE, why="The first one.", by=staff.rep)
    approvals.approve(proposal.id, by=staff.lead)
    sleeper = tasks.start_runner("worker 1", "here")
    asleep = tasks.take(tasks.waiting()[0].id, sleeper.id)
    assert asleep is not None
    tasks.bury(sleeper.id)
    mine = tasks.take(asleep.id, "another")
    assert mine is not None
    people.disable(staff.lead.id, by=staff.admin)
    jobs.run(asleep)
    assert state_of(proposal) == "approved"
    jobs.run(mine)  # the control: who has the task ends the proposal
    assert state_of(proposal) == "failed"


def state_of(proposal: Proposal) -> str:
    with store.reading() as db:
        return db.get_one(Proposal, proposal.id).state


def test_a_job_that_is_cancelled_while_it_runs_stops_and_keeps_what_it_had(
    staff: Staff, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[float] = []

    def long(arguments: dict[str, Any], by: Person, progress: Callable[[float, str], None]) -> str:
        for share in (0.1, 0.2, 0.3):
            progress(share, "at it")
            steps.append(share)
            if share == 0.2 and arguments["cancelled"]:
                tasks.cancel(task.id, by=staff.rep)
        return "It went through."

    monkeypatch.setitem(jobs.JOBS, "import", long)
    for cancelled, end, done in ((True, "cancelled", [0.1, 0.2]), (False, "done", [0.1, 0.2, 0.3])):
        steps.clear()
        task = later("import", {"cancelled": cancelled}, by=staff.rep)
        jobs.run_waiting()
        assert (again(task).state, steps) == (end, done)


def test_the_same_key_is_the_same_task(staff: Staff) -> None:
    first, second = (later("boom", {}, by=staff.rep, dedup_key="once") for _ in range(2))
    assert first.id == second.id and counted(Task) == 1
    assert later("boom", {}, by=staff.rep, dedup_key="twice").id != first.id


def test_a_task_is_kept_with_the_act_that_asked_for_it_or_not_at_all(staff: Staff) -> None:
    with pytest.raises(ZeroDivisionError), store.writing() as db:
        tasks.later(db, "boom", {}, title="Never", by=staff.rep)
        raise ZeroDivisionError
    assert tasks.waiting() == [] and audit.broken() is None


def allowed(role: str, name: str) -> bool:
    """By the table of rights: a person starts what they have the right for; an act of theirs brings a job with it by that act's right."""
    right = {**jobs.RIGHTS, **jobs.FOLLOWS}.get(name)
    return right is not None and role in access.TABLE[right]


def every_job_as_every_role(staff: Staff, monkeypatch: pytest.MonkeyPatch, *, asked_as: str | None = None) -> set[tuple[str, str]]:
    """The jobs that ran, each once for each role. Whoever wrote the row, it is there; some were asked for in another role than now."""
    ran: set[tuple[str, str]] = set()
    person = {role: people.add(role, f"{role}{asked_as}@example.com", "rep", by=people.console(), team=staff.oak) for role in access.ROLES}
    for name in jobs.JOBS:
        monkeypatch.setitem(jobs.JOBS, name, lambda arguments, by, progress, name=name: str(ran.add((by.role, name))))
    for role, one in person.items():
        change(one, role=asked_as or role)
        for name in jobs.JOBS:
            later(name, {"proposal_id": "none"}, by=people.get(one.id))
        change(one, role=role)
    jobs.run_waiting()
    return ran


@pytest.mark.parametrize("asked_as", [None, "engineer", "admin"])
def test_no_job_runs_for_a_role_that_may_not_have_it_done_also_not_after_a_demotion(
    staff: Staff, monkeypatch: pytest.MonkeyPatch, asked_as: str | None
) -> None:
    every = {(role, name) for role in access.ROLES for name in jobs.JOBS}
    may = {(role, name) for role, name in every if allowed(role, name)}
    assert every_job_as_every_role(staff, monkeypatch, asked_as=asked_as) == may
    assert {("rep", "back_up"), ("lead", "tidy"), ("admin", "train")}.isdisjoint(may) and ("rep", "train") in may
    for role, name in every - may:  # the control: a job by itself asks nobody
        assert jobs.JOBS[name]({}, Person(name=role, email="", role=role), lambda share, doing: None) == "None"


def test_nobody_starts_a_job_without_the_right_to_it(staff: Staff) -> None:
    for person in (staff.rep, staff.lead, staff.engineer, staff.admin):
        for name in jobs.JOBS:
            if name in jobs.RIGHTS and person.role in access.TABLE[jobs.RIGHTS[name]]:
                assert jobs.start(name, {}, title=name, by=person).state == "waiting"
            else:
                with pytest.raises(Denied):
                    jobs.start(name, {}, title=name, by=person)
    assert {task.name for task in tasks.waiting(100)} == set(jobs.RIGHTS)


def test_at_night_the_portal_forgets_its_own_old_jobs_and_nobodys_else(staff: Staff) -> None:
    own, recent, failed, mine = (later("lapse", {}, by=by) for by in (None, None, None, staff.rep))
    runner = tasks.start_runner("worker 1", "here")
    for task in (own, recent, failed, mine):
        taken = tasks.take(task.id, runner.id)
        assert taken is not None
        tasks.fail(taken, "No.") if task is failed else tasks.finish(taken, "Done.")
    with store.writing() as db:
        old = now() - nightly.KEPT - timedelta(days=1)
        db.execute(update(Task).where(col(Task.id).in_([own.id, failed.id, mine.id])).values(ended_at=old))
    told = later("tidy", {}, by=None)
    jobs.run_waiting()
    assert again(told).result == "1 rows and 0 files that had ended were forgotten, 0 originals of personal data are gone."
    assert tasks.get(own.id) is None and all(tasks.get(task.id) for task in (recent, failed, mine))
    assert [one.id for one in tasks.living_runners()] == [runner.id]


def test_at_night_a_record_that_was_changed_fails_the_job_and_every_admin_is_told(staff: Staff) -> None:
    holds = later("check_record", {}, by=None)
    jobs.run_waiting()
    assert again(holds).state == "done" and again(holds).result.startswith("The record holds, up to entry ")
    with by_hand() as db:
        db.execute(text("UPDATE audit_entry SET sentence = 'Nothing happened.' WHERE number = 2"))
    changed = later("check_record", {}, by=None)
    jobs.run_waiting()
    assert again(changed).state == "failed" and again(changed).error.startswith("Entry 2 of the record is not as it was written.")
    with store.reading() as db:
        told = db.exec(select(InboxItem)).all()
    assert [item.person_id for item in told] == [staff.admin.id] and told[0].sentence == "Entry 2 of the record is not as it was written."
