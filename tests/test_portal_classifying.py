"""`portal classify` and `portal classifier`: what a person and a program are told, and a candidate's whole way at the console."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from classifiers import shipping, training
from data import approvals, store, tasks, versions
from data.tables import Prediction, Proposal, Release, Task, Version
from data.values import Target
from portal import classifying, jobs
from tests.conftest import Staff
from tests.test_classifiers_shipping import candidate, live, shuffle
from tests.test_classifiers_training import frozen_set, reviewed
from tests.test_evals_sets import NAMES
from tests.test_portal_cli import Done, refused, run  # noqa: F401

Command = Callable[..., Done]
on_sqlite = pytest.mark.parametrize("home", ["sqlite"], indirect=True)
TEXT = "Where is my order?"


@pytest.fixture
def command(run: Command) -> Command:  # noqa: F811
    """`portal classifier …`"""
    return lambda *arguments: run("classifier", *arguments)


def trained(staff: Staff) -> None:
    """A version that nothing was measured on."""
    reviewed(staff, range(1, 41))
    training.train(by=staff.rep)


def put_live(staff: Staff, *numbers: int) -> None:
    for number in numbers:
        with store.writing() as db:
            shipping.put_live(db, Target("classifier", "intent", number), None, by=staff.lead)


def again(staff: Staff) -> Target:
    """The newest version once more, as the next one."""
    newest = versions.all_of("classifier", "intent")[0]
    with store.writing() as db:
        made = versions.add(db, "classifier", "intent", by=staff.rep, manifest=newest.manifest, file_sha=newest.file_sha)
        return versions.target_of(made)


# -- ask ----------------------------------------------------------------------------------------------------------------------------------


def test_texts_are_classified_for_a_person_and_for_a_program(run: Command, staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    trained(staff)
    put_live(staff, 1)
    done = run("classify", "intent", TEXT, "two\nlines\x1b[31m and\0more " + "x" * 200)
    assert (done.code, done.err) == (0, "")
    first, second = done.out.splitlines()
    label, confidence, text = first.split("\t")
    assert label.removeprefix("nothing, likeliest ") in NAMES and 0 < float(confidence) <= 1 and text == TEXT
    assert second.split("\t")[2].startswith("two lines [31m and more xxx") and second.endswith("x…")
    told = run("classify", "intent", TEXT, "", "😀", "--json", "--by", staff.rep.email).told
    assert (told["classifier"], told["version"], len(told["results"])) == ("intent", 1, 3)
    assert set(told["results"][0]) == {"label", "label_id", "confidence", "silent", "top", "also", "becomes"}
    again(staff)
    assert run("classify", "intent@2", TEXT, "--json").told["version"] == 2  # a candidate answers who asks it by its number
    monkeypatch.setattr(classifying, "STEP", 2)
    assert run("classify", "intent", TEXT, "", "😀", "--json").told == told
    with store.reading() as db:
        assert db.exec(select(Prediction)).all() == []


@on_sqlite
def test_a_file_and_standard_input_hold_one_text_a_line(
    run: Command, staff: Staff, home: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    trained(staff)
    put_live(staff, 1)
    content = f"{TEXT}\r\n\nsecond\u2028half\nlast".encode()
    (home / "texts.txt").write_bytes(b"\xef\xbb\xbf" + content + b"\n")
    lines = run("classify", "intent", "--file", home / "texts.txt").out.splitlines()
    assert [line.split("\t")[2] for line in lines] == [TEXT, "", "second half", "last"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert run("classify", "intent", "--file", "-").out.splitlines() == lines
    (home / "empty.txt").write_text("")
    refused(run("classify", "intent", "--file", home / "empty.txt"), 1, "is empty")
    (home / "bytes.txt").write_bytes(b"\xff\xfe")
    for name, why in (("bytes.txt", "is not text in UTF-8"), ("none.txt", "cannot be read"), ("", "cannot be read")):
        refused(run("classify", "intent", "--file", str(home / name)), 2, why)
    refused(run("classify", "intent"), 2, "give either texts or --file")
    refused(run("classify", "intent", TEXT, "--file", "-"), 2, "give either texts or --file")


@on_sqlite
def test_whoever_asks_what_is_not_there_hears_what_is(run: Command, staff: Staff) -> None:  # noqa: F811
    refused(run("classify", "intent", TEXT), 1, "Nothing was done: there is no classifier 'intent'. None was trained yet.")
    trained(staff)
    refused(run("classify", "intent", TEXT), 1, "no version of 'intent' is live yet")
    refused(run("classify", "mood", TEXT), 1, "there is no classifier 'mood'. Those there are: intent.")
    refused(run("classify", "intent@7", TEXT), 1, "There is no classifier 'intent' number 7.")
    for odd in ("intent@", "intent@x", "@1", "intent@²", "intent@9999999999", "in\ntent", "in\udcfftent"):
        assert run("classify", odd, TEXT).code == 2, odd
    refused(run("classifier", "list", "mood"), 1, "there is no classifier 'mood'")
    assert run("classify", "intent", TEXT, "--by", "nobody@example.com").code == 2


# -- from training to the customers -------------------------------------------------------------------------------------------------------


def test_a_candidate_goes_its_whole_way_at_the_console(command: Command, run: Command, staff: Staff) -> None:  # noqa: F811
    assert command("list").out == "No classifier was trained yet.\n"
    with store.writing():
        reviewed(staff, range(1, 61))
        frozen_set(staff, range(61, 85), bar=0.6)
    done = command("train", "intent", "--by", staff.rep.email)
    assert done.code == 0 and done.out.startswith("intent 1 is right in ") and done.out.endswith("of conversations that are new to it.\n")
    with store.reading() as db:
        assert db.exec(select(Task.state, Task.person_id).where(Task.name == "train")).all() == [("done", staff.rep.id)]
    compared = command("compare", "intent", "--json")
    assert (compared.code, compared.told["version"], compared.told["cases"], compared.told["gate"]["open"]) == (0, 1, 24, True)
    assert (compared.told["live"], compared.told["verdict"]) == (None, None)
    refused(command("ship", "intent", "--by", staff.lead.email), 1, "Not shipped: nobody proposed intent. Propose it first: portal")
    proposed = command("propose", "intent", "--why", "The first one.", "--by", staff.rep.email)
    assert proposed.code == 0 and "portal classifier ship intent@1 --by" in proposed.out
    assert "waits for approval" in command("list").out
    refused(command("ship", "intent", "--by", staff.rep.email), 1, "a rep may not approve")
    refused(command("ship", "intent@2", "--by", staff.lead.email), 1, "nobody proposed intent@2")
    assert live() is None
    shipped = command("ship", "intent", "--note", "Looks right.", "--by", staff.lead.email)
    assert (shipped.code, shipped.out) == (0, "intent 1 is live: it answers for everybody.\n") and live() == Target(
        "classifier", "intent", 1
    )
    assert "carry_out" not in {task.name for task in tasks.waiting()}  # a worker finds nothing left of it
    told = command("list", "intent", "--json").told["classifiers"]
    assert [(one["name"], one["live"], one["versions"][0]["stage"], one["versions"][0]["rows"]) for one in told] == [
        ("intent", 1, "live", 60)
    ]
    assert run("classify", "intent", TEXT, "--json").told["version"] == 1


@on_sqlite
def test_the_author_does_not_ship_and_a_second_release_begins_beside_the_first(command: Command, staff: Staff) -> None:
    candidate(staff)
    put_live(staff, 1)
    candidate(staff, by=staff.engineer)
    command("propose", "intent@2", "--why", "More rows.", "--by", staff.engineer.email)
    refused(command("ship", "intent", "--by", staff.engineer.email), 1, "Emil proposed or built this. A second person has to look at it.")
    done = command("ship", "intent", "--by", staff.lead.email, "--json").told
    assert (done["version"], done["stage"]) == (2, "shadow") and live() == Target("classifier", "intent", 1)
    assert [one["stage"] for one in command("list", "--json").told["classifiers"][0]["versions"]] == ["shadow", "live"]


@on_sqlite
def test_a_worse_candidate_is_told_with_exit_1_and_not_proposed(command: Command, staff: Staff) -> None:
    candidate(staff)
    put_live(staff, 1)
    shuffle(staff)
    assert command("train", "intent", "--by", staff.rep.email, "--json").told["version"] == 2
    refused(command("propose", "intent", "--why", "New.", "--by", staff.rep.email), 1, "was not run on the newest eval set yet")
    done = command("compare", "intent")
    assert done.code == 1 and done.out.startswith("Worse: 0 fixed, ") and "The gate is closed: " in done.out
    refused(command("propose", "intent", "--why", "Trust me.", "--by", staff.rep.email), 1, "Not proposed: ")
    assert approvals.waiting(by=staff.lead) == []


@on_sqlite
def test_what_cannot_be_carried_out_is_said_and_stands_beside_the_proposal(command: Command, staff: Staff) -> None:
    candidate(staff)
    command("propose", "intent", "--why", "The first one.", "--by", staff.rep.email)
    again(staff)
    put_live(staff, 2)  # since then something else went live
    refused(command("ship", "intent", "--by", staff.lead.email), 1, "Not shipped: what is live changed after intent 1 was compared")
    with store.reading() as db:
        assert db.exec(select(Proposal.state)).one() == "failed"
    assert live() == Target("classifier", "intent", 2) and tasks.waiting() == []


@on_sqlite
def test_several_proposals_and_several_approvers(command: Command, staff: Staff) -> None:
    for number in (1, 2):
        candidate(staff)
        assert command("propose", f"intent@{number}", "--why", "It is good.", "--by", staff.rep.email).code == 0
    refused(command("ship", "intent", "--by", staff.lead.email), 2, "Not shipped: several are proposed. Say which: intent@1, intent@2.")
    with store.writing() as db:
        for one in db.exec(select(Proposal)):
            one.needs = 2
    first = command("ship", "intent@2", "--by", staff.lead.email)
    assert (first.code, live()) == (1, None) and "goes out once another person has approved it too" in first.out
    second = command("ship", "intent@2", "--by", staff.engineer.email)
    assert (second.code, live()) == (0, Target("classifier", "intent", 2))


@on_sqlite
def test_what_was_approved_on_the_screen_is_carried_out_here(command: Command, staff: Staff) -> None:
    candidate(staff)
    command("propose", "intent", "--why", "The first one.", "--by", staff.rep.email)
    approvals.approve(approvals.waiting(by=staff.lead)[0].id, by=staff.lead)  # no worker runs
    (waiting,) = tasks.waiting()
    assert command("ship", "intent", "--by", staff.engineer.email).code == 0 and live() == Target("classifier", "intent", 1)
    done = tasks.get(waiting.id)
    assert done is not None and done.state == "done"


@on_sqlite
def test_a_worker_that_has_it_is_left_to_it(command: Command, staff: Staff) -> None:
    candidate(staff)
    command("propose", "intent", "--why", "The first one.", "--by", staff.rep.email)
    approvals.approve(approvals.waiting(by=staff.lead)[0].id, by=staff.lead)
    assert tasks.take(tasks.waiting()[0].id, "another") is not None
    refused(command("ship", "intent", "--by", staff.engineer.email), 1, "Not done here: a worker is about to ship version 1")
    assert live() is None


@on_sqlite
def test_it_goes_back_to_older_versions_one_by_one(command: Command, staff: Staff) -> None:
    trained(staff)
    for _ in range(3):
        again(staff)
    refused(command("rollback", "intent", "--why", "Bad.", "--by", staff.lead.email), 1, "nothing of 'intent' is live")
    put_live(staff, 1, 2, 4)
    refused(command("rollback", "intent", "--why", " ", "--by", staff.lead.email), 1, "Not rolled back: say why")
    refused(command("rollback", "intent", "--why", "Bad.", "--by", staff.rep.email), 1, "a rep may not roll back")
    refused(command("rollback", "intent@3", "--why", "Bad.", "--by", staff.lead.email), 1, "intent 3 was never live. Propose it instead")
    done = command("rollback", "intent", "--why", "It harms.", "--by", staff.lead.email)
    assert (done.code, done.out) == (0, "intent 2 is live again: it answers for everybody from now on.\n")
    assert command("rollback", "intent", "--why", "So does this.", "--by", staff.lead.email, "--json").told["version"] == 1
    refused(
        command("rollback", "intent", "--why", "More.", "--by", staff.lead.email), 1, "nothing older than version 1 of 'intent' was live"
    )
    assert command("rollback", "intent@4", "--why", "It was good.", "--by", staff.lead.email).code == 0
    with store.reading() as db:
        ended = db.exec(select(Release.target_number, Release.ended_why).order_by(col(Release.id))).all()
    assert live() == Target("classifier", "intent", 4) and ended[2] == (4, "rolled back: It harms.")


@on_sqlite
def test_what_changes_something_is_done_as_somebody(command: Command, staff: Staff) -> None:
    for arguments in (
        ("train", "intent"), ("propose", "intent", "--why", "x"), ("ship", "intent"), ("rollback", "intent", "--why", "x"),
    ):  # fmt: skip
        refused(command(*arguments), 2, "Say who does it: --by and your e-mail address.")
    refused(command("train", "intent", "--by", staff.admin.email), 1, "an admin may not train")
    refused(command("train", "intent", "--by", staff.rep.email), 1, "Not trained: 0 reviewed conversations can be learned from")
    with store.reading() as db:  # the one that was refused at the door is no job
        assert db.exec(select(Task.state, Task.person_id)).all() == [("failed", staff.rep.id)]


@on_sqlite
def test_training_that_was_cancelled_says_so(command: Command, staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    def cancelled(_arguments: dict[str, Any], _by: object, progress: Callable[[float, str], None]) -> str:
        with store.reading() as db:
            tasks.cancel(db.exec(select(Task.id)).one(), by=staff.engineer)
        progress(0.5, "Half of it")
        raise AssertionError("it went on")

    monkeypatch.setitem(jobs.JOBS, "train", cancelled)
    refused(
        command("train", "intent", "--by", staff.rep.email), 1, "Stopped: somebody cancelled it on the Jobs page. The same command begins"
    )
    with store.reading() as db:
        assert db.exec(select(Task.state)).one() == "cancelled" and db.exec(select(Version)).all() == []


# -- export -------------------------------------------------------------------------------------------------------------------------------


@on_sqlite
def test_a_version_is_written_as_a_folder(command: Command, staff: Staff, tmp_path: Path) -> None:
    trained(staff)
    again(staff)
    refused(command("export", "mood", "--out", tmp_path / "no"), 1, "there is no classifier 'mood'")
    assert command("export", "intent", "--out", tmp_path / "newest", "--json").told["version"] == 2
    put_live(staff, 1)
    out = tmp_path / "live one"
    done = command("export", "intent", "--out", out, "--by", staff.engineer.email)
    assert (done.code, done.out) == (0, f"Exported intent 1 to {out}. Its README.md says how other programs load it.\n")
    refused(command("export", "intent", "--out", out), 1, "is not empty. Name a new folder.")
    assert {path.name for path in out.iterdir()} == {"model.skops", "manifest.json", "classify.py", "README.md"}
    assert json.loads((out / "manifest.json").read_text())["target"] == "intent 1"
