"""No way around the rights: no domain function without an actor, no query on a screen, no job that runs without its right."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from data import access, approvals, config, people, settings, store, tasks, tokens
from data.config import ROOT
from data.errors import Denied
from data.intake import offers
from data.tables import Person, Task
from evals import freezing, sets
from portal import jobs
from tests.conftest import SOAK, Staff
from tests.conversations import write_file
from tests.test_evals_sets import flagged_set

# -- every domain function has an actor, or stands here with the reason -------------------------------------------------------------------

NAMES = "names and counts that everybody who is signed in is shown"
SIGN_IN = "finds out who somebody is, so there is no actor yet"
MACHINE = "the worker's and the schedules' own, called by no screen and no route"
APPROVED = "carries out what was approved: begin_execution checks the rights of the proposer and of each approver again"
OWN_THINGS = "takes the person whose own things it tells or ends, and no id of another's"
SHARED = "classifiers, releases and tests are the whole company's: whoever is signed in may read them"
SETTINGS = "what is in force, for the code that obeys it; secrets in it are sealed"
AFTER = "takes what a function with an actor gave"
A_KEY = "a visitor's own: takes the page's token, or the one conversation that its key opened"
SCRATCH = "a file of its own beside the database, gone when the import ends"

WITHOUT_AN_ACTOR = {
    "people.names": NAMES, "people.teams": NAMES, "people.team_named": NAMES, "people.count": NAMES, "people.active_count": NAMES,
    "labels.names": NAMES, "labels.of": NAMES, "reviews.labelled_count": NAMES, "examples.loose_count": NAMES,
    "approvals.waiting_count": NAMES, "tasks.unfinished": NAMES, "tasks.counts": NAMES,
    "people.get": SIGN_IN, "people.by_email": SIGN_IN, "people.by_company_account": SIGN_IN, "people.anybody": SIGN_IN,
    "people.demo_people": SIGN_IN, "people.first_admin": SIGN_IN, "people.welcome": SIGN_IN, "people.link": SIGN_IN,
    "sessions.start": SIGN_IN, "sessions.of_cookie": SIGN_IN, "sessions.person_of": SIGN_IN, "tokens.person_of": SIGN_IN,
    "tickets.look": SIGN_IN, "tries.begin": SIGN_IN, "tries.forgive": SIGN_IN,
    "sessions.end": OWN_THINGS, "inbox.of": OWN_THINGS, "inbox.unread": OWN_THINGS, "deputies.of": OWN_THINGS,
    "tasks.start_runner": MACHINE, "tasks.beat": MACHINE, "tasks.living_runners": MACHINE, "tasks.bury": MACHINE,
    "tasks.end_runner": MACHINE, "tasks.waiting": MACHINE, "tasks.held_by": MACHINE, "tasks.take": MACHINE, "tasks.progress": MACHINE,
    "tasks.finish": MACHINE, "tasks.fail": MACHINE, "tasks.stop": MACHINE, "tasks.fault": MACHINE, "tasks.get": MACHINE,
    "inbox.to_mail": MACHINE, "inbox.mark_mailed": MACHINE, "nightly.look": MACHINE, "nightly.tidy": MACHINE,
    "approvals.lapse_old": MACHINE, "approvals.remind": MACHINE, "approvals.fail": MACHINE,
    "audit.head": MACHINE, "audit.broken_chain": MACHINE, "audit.broken": MACHINE,
    "relabelling.carry_out": APPROVED,
    "calibration.carry_out": APPROVED,
    "surfaces.issue_approved": APPROVED, "surfaces.opened": SIGN_IN, "surfaces.any_at": SIGN_IN,
    "talks.begin": A_KEY, "talks.of_key": A_KEY, "talks.write": A_KEY, "talks.written": A_KEY, "talks.heard": A_KEY,
    "talks.last_words": A_KEY, "talks.waits": A_KEY, "talks.looked": MACHINE, "talks.is_one": AFTER, "talks.put": AFTER,
    "visiting.bring": MACHINE,
    "people.grant_role": APPROVED, "tokens.issue_approved": APPROVED, "settings.carry_out": APPROVED, "shipping.ship": APPROVED,
    "backups.restore_approved": APPROVED,
    "versions.get": SHARED, "versions.all_of": SHARED, "versions.names": SHARED, "releases.live": SHARED, "releases.steps": SHARED,
    "releases.under_way": SHARED, "releases.all_under_way": MACHINE, "arrivals.predict": MACHINE, "noticing.look": MACHINE,
    "watching.look": MACHINE, "releases.all_watched": MACHINE, "releases.in_force": SHARED,
    "alerts.anything_watched": NAMES,
    "opportunities.look": MACHINE, "opportunities.anything_to_find": NAMES, "opportunity_facts.look": MACHINE,
    "opportunity_facts.matters": MACHINE,
    "brief.is_stale": NAMES, "brief.reaches": NAMES, "digest.anything_due": NAMES, "digest.write_due": MACHINE, "digest.write": MACHINE,
    "digested.made": MACHINE, "digest_mails.to_mail": MACHINE, "digest_mails.begin": MACHINE, "digest_mails.not_sent": MACHINE,
    "inbox.mark_unmailed": MACHINE, "brief.compute": MACHINE,
    "models.ship": APPROVED, "models.answered": MACHINE, "connections.addresses": SETTINGS,
    "sources.in_force": SETTINGS, "sources.named": AFTER, "sources.anything_connected": NAMES,
    "connections.services": SETTINGS, "judges.used": SHARED,
    "judges.judged_by_people": SHARED,
    "articles.publish": APPROVED, "answerers.ship": APPROVED, "articles.proposed": MACHINE, "gaps.look": MACHINE,
    "questions.asked": MACHINE, "questions.unanswered": MACHINE, "measured.texts_of": MACHINE,
    "trying.changed_since": AFTER,
    "in_force.stamp": NAMES, "in_force.anything_published": NAMES, "trying.anything_to_try": NAMES, "answering.arrived": MACHINE,
    "in_force.numbers": NAMES, "traces.any_of": NAMES,
    "manner.nearest": MACHINE,  # what it finds is given to the model that writes, and shown to nobody
    "in_force.published": AFTER, "shelf.find": AFTER, "shelf.changed_library": AFTER, "shelf.current": AFTER,
    "kinds.of": NAMES, "training.own_words_of": NAMES, "kinds.names": NAMES, "examples.taught_count": NAMES,
    "vectors.kept": AFTER, "reviews.since": AFTER, "conversations.beginnings": AFTER,
    "releases.of_proposal": SHARED, "sets.latest": SHARED, "sets.latest_for": SHARED, "sets.cases": SHARED, "sets.case_count": SHARED,
    "scores.by_case": SHARED, "scores.passed": SHARED, "runs.result_count": SHARED, "sets.measured_on": SHARED, "sets.of_drafts": SHARED,
    "checks.latest": SHARED, "checks.judged_count": SHARED, "compare.counts": AFTER, "compare.cases_of": AFTER,
    "continuous.plan": SETTINGS, "changes.waiting_count": NAMES, "continuous.scored_count": NAMES,
    "runs.faults": SHARED, "scores.by_grader": SHARED,    "sets.outlines": SHARED,
    "settings.current": SETTINGS, "settings.history": SETTINGS, "settings.emergency": SETTINGS,
    "approvals.approvers": AFTER, "approvals.nobody_can": AFTER, "approvals.open_for": AFTER,
    "door.keep": AFTER, "appending.keep": AFTER, "vectors.of": AFTER, "connections.who_connected": SETTINGS, "spool.opened": SCRATCH,
    "following.pull": MACHINE,  # acts as whoever connected the help desk, and asks their right
    "offers.forget_old": MACHINE, "seals.purge": MACHINE, "vectors.fill": MACHINE,
    "training.slices_of": AFTER,
    "waiting.continue_run": APPROVED, "waiting.park": MACHINE, "waiting.close": MACHINE, "settling.carry_out": MACHINE,
    "responding.asked_by_program": MACHINE, "responding.kept_for_program": MACHINE,
    "going_on.go_on": MACHINE, "arriving.arrived": MACHINE, "arriving.anything_in_force": NAMES, "arriving.owner_of": AFTER,
    "release.publish_approved": APPROVED, "mandates.carry_out": APPROVED, "stopping.trip": MACHINE, "conversing.as_it_is": AFTER,
    "conversing.said_since": AFTER, "waiting.answered": MACHINE, "waiting.wait_for_customer": MACHINE,
    "collector.stand": SETTINGS, "collector.anything_due": MACHINE, "collector.next_batch": MACHINE, "collector.was_sent": MACHINE,
    "collector.was_not": MACHINE,
    "rerunning.moved_by_runs": AFTER,
    "daily.anything_due": MACHINE, "daily.bring_up_to_date": MACHINE, "daily.rebuild": MACHINE,
    "failures.look": MACHINE, "failures.find_needed": NAMES,
    "settling.end": MACHINE, "settling.settle": MACHINE, "settling.anything_to_settle": MACHINE,
    "telling.tell": MACHINE, "telling.tell_due": MACHINE, "telling.anything_due": MACHINE, "origin.of": MACHINE,
    "origin.require_theirs": MACHINE, "replying.deliver": MACHINE, "replying.look": MACHINE,
    "masking.masked": NAMES, "masking.everywhere": NAMES, "rubric.current": SETTINGS,
    "tasks.under_way": NAMES, "traces.spent_today": NAMES, "vectors.coverage": NAMES, "vectors.encoders_in_use": NAMES,
    "predictions.beside_intent": AFTER, "speaking.kept_out": AFTER,
    "predictions.of_conversation": AFTER,  # an intent and a confidence; screens ask it of the conversation that they were given
}  # fmt: skip
NO_DOMAIN = {"store.py", "migrate.py", "demo.py"}  # the database itself, and the demo, which is built through the verbs


def without_an_actor(source: str, module: str) -> Iterator[str]:
    """Public functions that read or write rows, by themselves or by a private one of their module, and take neither `by` nor `db`."""
    defined = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    touching = {name for name, node in defined.items() if touches_rows(node)}
    while more := {
        name for name, node in defined.items() if name not in touching and called_in(node) & {n for n in touching if n[0] == "_"}
    }:
        touching |= more
    for name in touching:
        arguments = defined[name].args
        taken = {argument.arg for argument in (*arguments.args, *arguments.kwonlyargs)}
        if not name.startswith("_") and not taken & {"by", "db"}:
            yield f"{module}.{name}"


def touches_rows(node: ast.FunctionDef) -> bool:
    uses = (part for part in ast.walk(node) if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name))
    return any((use.value.id, use.attr) in {("store", "reading"), ("store", "writing")} or use.value.id == "db" for use in uses)  # type: ignore[attr-defined]


def called_in(node: ast.FunctionDef) -> set[str]:
    return {part.func.id for part in ast.walk(node) if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)}


def test_every_domain_function_takes_who_acts_or_says_why_not() -> None:
    paths = [
        path
        for folder in ("data", "evals", "classifiers", "knowledge", "automations")
        for path in (ROOT / folder).rglob("*.py")
        if path.name not in NO_DOMAIN
    ]
    modules = [path for path in paths if not {"tables", "migrations"} & set(path.parts)]
    found = {name for path in modules for name in without_an_actor(path.read_text(), path.stem)}
    assert len(modules) > 40
    assert found == set(WITHOUT_AN_ACTOR)


def test_the_search_sees_each_way_to_touch_rows_without_an_actor() -> None:
    """The control: each of these is found, and each with an actor is not."""
    body = "    with store.reading() as db:\n        return db.get(Person, person_id)\n"
    leak, helped = f"def leak(person_id):\n{body}", f"def _row(person_id):\n{body}def leak(person_id):\n    return _row(person_id)\n"
    written = "def leak():\n    with store.writing():\n        pass\n"
    assert [list(without_an_actor(source, "m")) for source in (leak, helped, written)] == [["m.leak"]] * 3
    for actor in ("*, by", "db", "*, by: Person, at=None"):
        assert list(without_an_actor(leak.replace("leak(person_id", f"kept(person_id, {actor}"), "m")) == []


# -- no query on a screen -----------------------------------------------------------------------------------------------------------------


def queries(source: str) -> Iterator[str]:
    """What only a folder below may do: statements, sessions, and the modules that make them."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("select", "text", "update", "delete", "insert")
        ):
            yield node.func.id
        elif isinstance(node, ast.Attribute) and node.attr in ("reading", "writing", "exec", "execute", "exec_driver_sql"):
            yield node.attr
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [f"{names[0]}.{alias.name}" if names else alias.name for alias in node.names]
            yield from (
                name for name in names if name.split(".")[0] in ("sqlmodel", "sqlalchemy", "sqlite3", "psycopg") or name == "data.store"
            )


def test_no_screen_makes_a_query() -> None:
    screens = [
        *sorted((ROOT / "portal" / "screens").glob("*.py")),
        *(ROOT / "portal" / name for name in ("app.py", "widgets.py", "acts.py")),
    ]
    assert len(screens) > 12
    assert {path.name: found for path in screens if (found := list(queries(path.read_text())))} == {}


@pytest.mark.parametrize(
    "line",
    [
        "from data import store", "import data.store", "from sqlmodel import col", "import sqlalchemy as sa", "db.exec(chosen)",
        "found = select(Person)", 'text("SELECT 1")', "with store.reading() as db: pass",
    ],
)  # fmt: skip
def test_each_way_to_make_a_query_on_a_screen_is_seen(line: str) -> None:
    """The control; what Streamlit calls text is no query."""
    assert list(queries(line))
    assert list(queries('st.text("Why")\nst.select_slider("Bar")\nfrom data import access, people')) == []


# -- jobs: the right is asked when they run, whoever put them there -----------------------------------------------------------------------

VISITOR = "visitor"  # a role that the table lacks
SINCE = ("stays", "is a rep now", "is a visitor now", "is disabled", "was disabled and let in again")
APPROVABLE = {"lead": "gate.approve", "engineer": "gate.approve", "admin": "token.approve"}
NEEDS = {"import": "conversation.import", "classify": "conversation.import", "train": "classifier.train", "evaluate": "eval.run",
         "back_up": "backup.make", "look": "conversation.import", "pull": "connection.propose", "encode": "connection.propose",
         "try_endpoint": "connection.propose", "run_eval": "eval.run", "grade_live": "eval.run",
         "find_patterns": "pattern.decide", "find_gaps": "pattern.decide", "find_opportunities": "opportunity.read",
         "suggest": "conversation.import",
         "try_articles": "article.draft", "evaluate_answerer": "eval.run", "climb": "answerer.make", "learn_order": "answerer.make",
         "write_answer": "knowledge.ask", "try_instructions": "answerer.make",
         "check_tools": "tool_source.read",
         "try_model": "model.make", "backtest": "automation.draft", "evaluate_recipe": "automation.draft",
         "compare_agents": "automation.draft", "act_on_alert": "monitor.arm",
         "preview": "classifier.read", "curve": "classifier.train"}  # fmt: skip
PORTALS_OWN = {"look_at_monitors", "tell_alerts", "tell_product_teams", "compute_brief", "write_digests",
               "lapse", "mail", "check_record", "tidy", "watch_releases", "watch_drift", "order_queue", "settle_actions", "go_on",
               "tell_help_desk", "find_causes", "run_recipes", "send_traces", "count_days"}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A job that this role put there, and what became of the person before it ran."""

    job: str
    role: str
    since: str

    @property
    def allowed(self) -> bool:
        """From the table alone, for the role that they have when it runs."""
        role = {"is a rep now": access.REP, "is a visitor now": VISITOR}.get(self.since, self.role)
        if self.job in PORTALS_OWN or self.since == "is disabled":
            return False
        verb = APPROVABLE.get(self.role, "gate.approve") if self.job == "carry_out" else NEEDS[self.job]
        return role in access.TABLE[verb]


CELLS = [Cell(job, role, since) for job in jobs.JOBS for role in access.ROLES for since in SINCE]
RAN_ON = (
    "Nothing was rolled back: ",
    "Not trained: ",
    "Not climbed: ",
    "Not learned: ",
    "Not written: ",
    "Not tried: ",
    "Not compared: ",
    "Not run: ",
    "There is no classifier ",
    "There is no recipe ",
    "Nothing was encoded: the encoder is missing",
    "Nothing was asked: no model endpoint",
)  # the right was there; this world is too small for the rest


def enqueue(job: str, person: Person, staff: Staff, folder: Path) -> Task:
    """Past the verbs that would have asked: the row is put there as if somebody had reached the outbox itself."""
    with store.writing() as db:
        return tasks.later(db, job, arguments(job, person, staff, folder), title=f"A {job}", by=person)


def arguments(job: str, person: Person, staff: Staff, folder: Path) -> dict[str, Any]:
    if job in ("import", "look"):
        number = len(list(folder.glob("*.jsonl"))) + 1000
        brought = write_file(folder / f"{number}.jsonl", count=1, first_number=number, team="Oak")
        return {"batch_id": offers.offer([(brought.name, brought.read_bytes())], by=person).id}
    if job == "carry_out":
        return {"proposal_id": decided(person, staff)}
    if job == "run_eval":
        version = sets.latest(sets.by_name("Everyday intents", by=staff.lead).id)
        return {"set_version_id": version.id if version else "", "targets": ["people"]}
    return {
        "name": "intent", "number": 1, "conversation_ids": [], "articles": [], "set_version_id": "none", "trace_id": "none",
        "instructions": "Be brief.", "examples": 0, "rungs": [], "precision": 0.9, "alert_id": "none",
    }  # fmt: skip


def decided(person: Person, staff: Staff) -> str:
    """A proposal that the person approved; where the role may not approve, one that nobody did."""
    if person.role == access.ADMIN:
        proposal, _ = tokens.propose(f"crm {person.name}", ["read"], why="For the CRM.", by=staff.engineer)
    else:
        proposal = sets.propose_gate(
            sets.by_name("Everyday intents", by=staff.lead).id, bar=0.5, approvers=1, why="Better.", by=staff.other
        )
    if person.role != access.REP:
        approvals.approve(proposal.id, by=person)
        with store.writing() as db:  # the one that the approval itself put there: here the attacker's runs in its place
            db.execute(text("DELETE FROM task WHERE dedup_key = :key"), {"key": f"carry out {proposal.id}"})
    return proposal.id


def become(person: Person, since: str) -> None:
    role, moment = {"is a rep now": access.REP, "is a visitor now": VISITOR}.get(since, person.role), None
    with store.writing() as db:
        found = db.get_one(Person, person.id)
        found.role = role
    if since in ("is disabled", "was disabled and let in again"):
        people.disable(person.id, by=people.console())
    if since == "was disabled and let in again":
        with store.writing() as db:  # two admins would decide on it for a lead
            db.get_one(Person, person.id).disabled_at = moment


def came_of(cells: Iterable[Cell], staff: Staff, folder: Path) -> dict[Cell, bool]:
    """Whether each job was done. Whom the same happens to is one person a role; all their jobs wait when it happens."""
    came: dict[Cell, bool] = {}
    for (role, since), theirs in groupby(sorted(cells, key=whose), key=whose):
        person = hired(role, since, staff)
        waiting = [(cell, enqueue(cell.job, person, staff, folder)) for cell in theirs]
        become(person, since)
        came |= {cell: ran(task) for cell, task in waiting}
    return came


def whose(cell: Cell) -> tuple[str, str]:
    return cell.role, cell.since


def ran(task: Task) -> bool:
    taken = tasks.take(task.id, "here")
    assert taken is not None
    jobs.run(taken)
    ended = tasks.get(task.id)
    assert ended is not None and ended.state in ("done", "failed"), ended.error
    return ended.state == "done" or ended.error.startswith(RAN_ON)


def hired(role: str, since: str, staff: Staff) -> Person:
    name = f"{role} {since}"
    person = people.add(name, f"{name.replace(' ', '.')}@example.com", access.REP, by=people.console(), team=staff.oak)
    with store.writing() as db:
        found = db.get_one(Person, person.id)
        found.role = role
        return found


@pytest.fixture
def measured(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> Staff:
    """With an eval set that was frozen, so that a gate can be proposed."""
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):  # no model is asked here
        monkeypatch.delenv(name, raising=False)
    config.reset()
    eval_set, _ = flagged_set(staff, range(1, 4))
    freezing.freeze(eval_set.id, by=staff.lead)
    return staff


def test_no_job_runs_without_the_right_that_its_person_has_when_it_runs(measured: Staff, tmp_path: Path) -> None:
    """The table is asked, not the database: on PostgreSQL, `make test` tries who stays and who is demoted."""
    cells = [cell for cell in CELLS if SOAK or config.settings().is_sqlite or cell.since in ("stays", "is a rep now")]
    came = came_of(cells, measured, tmp_path)
    forbidden = [cell for cell in cells if not cell.allowed]
    print(f"{len(cells)} jobs, {len(forbidden)} forbidden, {sum(came[cell] for cell in forbidden)} of them ran")
    assert [cell for cell in forbidden if came[cell]] == []
    assert [cell for cell in cells if cell.allowed and not came[cell]] == []  # the control: the others all ran
    assert {cell.job for cell in cells if cell.allowed} == set(jobs.JOBS) - PORTALS_OWN


def test_a_forbidden_job_leaves_nothing_behind(measured: Staff, tmp_path: Path) -> None:
    def left() -> tuple[int, ...]:
        with store.reading() as db:
            rows = [
                db.connection().execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
                for table in ("conversation", "setting", "token")
            ]
        return (*rows, len(list(config.folder("backups").glob("*.zip"))))

    before = left()
    told = came_of((cell for cell in CELLS if cell.since == "is disabled" or cell.job in PORTALS_OWN), measured, tmp_path)
    assert not any(told.values()) and left() == before
    others = (("import", "rep"), ("back_up", "admin"), ("carry_out", "lead"))
    control = came_of((Cell(job, role, "is a colleague") for job, role in others), measured, tmp_path)
    assert all(control.values())
    assert [now - then for now, then in zip(left(), before, strict=True)] == [1, 1, 0, 1]


def test_a_job_that_kept_its_person_as_they_were_would_run_for_somebody_demoted(measured: Staff) -> None:
    """The control: the right that they had is still in the hand of who looked them up before."""
    before = hired("engineer", "is a rep now", measured)
    become(before, "is a rep now")
    assert ".zip: " in jobs.JOBS["back_up"]({}, before, lambda _share, _doing: None)
    since = people.get(before.id)
    assert since is not None
    with pytest.raises(Denied, match="a rep may not make a backup"):
        jobs.JOBS["back_up"]({}, since, lambda _share, _doing: None)


@pytest.mark.parametrize("job", sorted(jobs.JOBS))
def test_a_person_starts_only_the_jobs_that_their_role_may(staff: Staff, job: str) -> None:
    for person in (staff.rep, staff.lead, staff.engineer, staff.admin):
        if job in NEEDS and job not in jobs.FOLLOWS and person.role in access.TABLE[NEEDS[job]]:
            assert jobs.start(job, {"name": "intent"}, title="A job", by=person).person_id == person.id
        else:
            with pytest.raises(Denied):
                jobs.start(job, {"name": "intent"}, title="A job", by=person)


def test_the_portal_itself_does_its_own_jobs(staff: Staff) -> None:
    """The control of what no person may start: nobody's row is done."""
    for job in PORTALS_OWN | {"back_up", "pull"}:
        with store.writing() as db:
            task = tasks.later(db, job, {"trace_id": "none", "conversation_ids": []}, title=job, by=None)
        taken = tasks.take(task.id, "here")
        assert taken is not None
        jobs.run(taken)
        ended = tasks.get(task.id)
        assert ended is not None and (ended.state == "done" or ended.error.startswith("The run does not go on: ")), (job, ended)
    assert settings.current("gate") is None
