"""`portal eval`: a run, a comparison and the gate as a person and as CI see them, and cases in and out as files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from data import store
from data.tables import Case, Run
from evals import changes, files, freezing, sets
from tests import model_server as server
from tests.conftest import Staff
from tests.test_classifiers_shipping import ONE, candidate, ship
from tests.test_evals_sets import flagged_set
from tests.test_portal_cli import Done, refused, run  # noqa: F401

NAME = "Everyday intents"
Command = Callable[..., Done]
on_sqlite = pytest.mark.parametrize("home", ["sqlite"], indirect=True)


@pytest.fixture
def command(run: Command) -> Command:  # noqa: F811
    """`portal eval …`"""
    return lambda *arguments: run("eval", *arguments)


@pytest.fixture
def cases(staff: Staff) -> list[Case]:
    """A frozen set of 24 cases whose bar is 60 %."""
    eval_set, _ = flagged_set(staff, range(1, 25))
    return sets.cases(freezing.freeze(eval_set.id, by=staff.lead).id)


@pytest.fixture
def said(home: Path, cases: list[Case]) -> Callable[..., str]:
    """A file of outputs as a target: the first ones wrong."""

    def write(name: str, wrong: int = 0) -> str:
        told = [
            {"case": case.number, "label": "no intent of ours" if place < wrong else case.expected["label"]}
            for place, case in enumerate(cases)
        ]
        (home / name).write_text("\n".join(map(json.dumps, told)))
        return f"file:{home / name}"

    return write


def ran() -> list[tuple[str, int, str]]:
    with store.reading() as db:
        query = select(Run.target_name, Run.target_number, Run.state).order_by(Run.id)  # type: ignore[arg-type]
        return [tuple(found) for found in db.exec(query).all()]  # type: ignore[misc]


# -- run and gate -------------------------------------------------------------------------------------------------------------------------


def test_a_run_is_told_to_a_person_and_to_a_program(command: Command, said: Callable[..., str]) -> None:
    done = command("run", NAME, said("a.jsonl", wrong=2))
    assert (done.code, done.err) == (0, "")
    assert done.out == "a.jsonl 1 passes 22 of 24 cases of 'Everyday intents' 1. The gate is open.\n"
    told = command("run", f"{NAME}@1", said("a.jsonl", wrong=2), "--json").told
    run_id = told.pop("run")
    assert {rule["name"]: rule["met"] for rule in told["gate"].pop("rules")} == {"enough cases": True, "graders checked": True, "bar": True}
    assert told == {
        "set": NAME, "version": 1, "target": "outputs:a.jsonl@1", "cases": 24, "passed": 22, "cost": 0.0, "faults": {}, "remark": "",
        "comparison": None, "verdict": None, "gate": {"open": True},
    }  # fmt: skip
    with store.reading() as db:
        assert db.exec(select(Run.id)).all() == [run_id] and db.get_one(Run, run_id).by_person_id is None  # the same one, of the console


def test_with_gate_the_exit_code_is_the_answer(command: Command, said: Callable[..., str], staff: Staff) -> None:
    assert command("run", NAME, said("good.jsonl"), "--gate").code == 0
    closed = command("run", NAME, said("bad.jsonl", wrong=12), "--gate", "--by", staff.rep.email)
    why = "It passes 50\xa0% of 'Everyday intents' 1 (12 of 24), the bar is 60\xa0%."
    assert closed.code == 1 and f"The gate is closed: {why}" in closed.out
    told = command("run", NAME, said("bad.jsonl", wrong=12), "--gate", "--json")
    assert told.code == 1 and told.told["gate"]["open"] is False
    assert [rule["name"] for rule in told.told["gate"]["rules"] if not rule["met"]] == ["bar"]
    assert command("run", NAME, said("bad.jsonl", wrong=12)).code == 0  # without it the run is told, and that is all


@on_sqlite
def test_too_few_cases_close_the_gate(command: Command, staff: Staff) -> None:
    eval_set, _ = flagged_set(staff, range(1, 4))
    freezing.freeze(eval_set.id, by=staff.lead)
    closed = command("run", NAME, "people", "--gate")
    assert closed.code == 1 and "has 3 cases, at least 20 are needed" in closed.out


@on_sqlite
def test_a_candidate_is_compared_with_what_it_is_told_or_with_what_is_live(command: Command, said: Callable[..., str]) -> None:
    done = command("run", NAME, said("bad.jsonl", wrong=9), "--against", said("good.jsonl"), "--gate", "--json")
    told = done.told
    assert (done.code, told["verdict"], told["passed"]) == (1, "worse", 15) and told["comparison"].startswith("Worse: 0 fixed, 9 broken")
    assert "no regression" in [rule["name"] for rule in told["gate"]["rules"] if not rule["met"]]
    better = command("run", NAME, said("good.jsonl"), "--against", said("bad.jsonl", wrong=9), "--gate", "--json")
    assert (better.code, better.told["verdict"]) == (0, "better")


@on_sqlite
def test_a_classifier_is_run_beside_the_one_that_is_live(command: Command, staff: Staff, home: Path) -> None:
    first = candidate(staff)
    alone = command("run", NAME, "classifier:intent@1", "--json").told
    assert (alone["target"], alone["comparison"]) == ("classifier:intent@1", None)
    ship(staff, first)
    second = candidate(staff, learned=False)
    done = command("run", NAME, f"classifier:intent@{second.number}", "--gate", "--json")
    assert (done.code, done.told["verdict"]) == (1, "worse") and first == ONE
    live = command("run", NAME, "classifier:intent", "--gate", "--json")
    assert (live.code, live.told["target"], live.told["comparison"]) == (0, "classifier:intent@1", None)  # with itself it is not compared


@on_sqlite
def test_a_target_that_does_not_answer_is_said_and_passes_nothing(command: Command, cases: list[Case]) -> None:
    address = f"http://127.0.0.1:{server.closed_port()}"
    done = command("run", NAME, address, "--gate")
    assert done.code == 1
    assert "passes 0 of 24 cases" in done.out and "24 of the answers: nobody answers at that address, or it hung up." in done.out
    assert command("run", NAME, address, "--json").told["faults"] == {"nobody answers at that address, or it hung up": 24}


@on_sqlite
def test_a_program_behind_an_address_is_run_anew_each_time_and_asked_as_often_as_told(command: Command, cases: list[Case]) -> None:
    with server.running(server.body({"label": "Refund"})) as program:
        right = sum(case.expected["label"] == "Refund" for case in cases)
        told = command("run", NAME, program.url, "--repeats", "2", "--json").told
        assert (told["passed"], told["cases"], len(program.asked)) == (right, 24, 48)
        command("run", NAME, program.url, "--repeats", "2", "--json")
        assert len(program.asked) == 96 and len(ran()) == 2


@on_sqlite
def test_what_cannot_be_run_is_a_no_in_one_sentence(command: Command, said: Callable[..., str], staff: Staff, home: Path) -> None:
    refused(command("run", "No such set", "people"), 1, "There is no eval set named 'No such set'.")
    refused(command("run", f"{NAME}@7", "people"), 1, "'Everyday intents' has no version 7.")
    refused(command("run", NAME, "robot:x", "--json"), 1, "'robot:x' names no target. There are classifier:NAME,")
    refused(command("run", NAME, "http://example.com"), 1, "the address begins with https://, or it is on this machine")
    refused(command("run", NAME, f"file:{home}"), 1, f"there is no file {home}.")
    (home / "bad.jsonl").write_text("{\n")
    refused(command("run", NAME, f"file:{home}/bad.jsonl", "--gate"), 1, "line 1 cannot be understood.")
    refused(command("run", NAME, "people", "--repeats", "99"), 1, "each case is asked 1 to 20 times, not 99.")
    refused(command("run", NAME, "people", "--by", staff.admin.email), 1, "an admin may not")
    sets.create("ops@home", by=staff.lead)
    refused(command("run", "ops@home", "people"), 1, "'ops@home' was not frozen yet.")
    assert ran() == []


@on_sqlite
def test_misuse_has_a_code_of_its_own(command: Command, cases: list[Case]) -> None:
    refused(command("run", NAME, "people", "--by", "nobody@example.com", "--gate"), 2, "There is no active person with the address nobody@")
    for arguments in (("run", NAME), ("run", NAME, "people", "--repeats", "often"), ("run", NAME, "people", "--no-such-option"), ("walk",)):
        done = command(*arguments)
        assert (done.code, done.out) == (2, ""), arguments
    assert ran() == []


# -- compare and list ---------------------------------------------------------------------------------------------------------------------


def test_two_targets_are_compared_and_what_was_run_is_not_run_again(command: Command, said: Callable[..., str]) -> None:
    good, bad = said("good.jsonl"), said("bad.jsonl", wrong=9)
    told = command("compare", NAME, good, bad, "--json")
    assert told.code == 0
    assert {name: told.told[name] for name in ("set", "version", "verdict", "fixed", "broken", "cases")} == {
        "set": NAME, "version": 1, "verdict": "better", "fixed": 9, "broken": 0, "cases": 24,
    }  # fmt: skip
    assert {"sentence", "difference", "low", "high", "p", "more_needed", "how", "parts"} < set(told.told)
    assert {frozenset(part) for part in told.told["parts"]} <= {frozenset({"grader", "slice", "sentence"})}
    worse = command("compare", NAME, bad, good)
    assert worse.code == 1 and worse.out.startswith("Worse: 0 fixed, 9 broken")  # a no that CI hears
    assert ran() == [("good.jsonl", 1, "done"), ("bad.jsonl", 1, "done")]
    same = command("compare", NAME, good, good, "--json")
    assert (same.code, same.told["fixed"], same.told["broken"]) == (0, 0, 0)


@on_sqlite
def test_the_sets_are_listed_with_what_was_run_on_them(command: Command, staff: Staff, home: Path) -> None:
    assert command("list").out == "There is no eval set yet.\n" and command("list", "--json").told == {"sets": []}
    eval_set, _ = flagged_set(staff, range(1, 5))
    assert command("list").out.startswith("Everyday intents  0 cases, version –, bar 60")
    freezing.freeze(eval_set.id, by=staff.lead)
    command("run", NAME, "people")
    (told,) = command("list", "--json").told["sets"]
    assert {name: told[name] for name in ("name", "purpose", "kind", "bar", "version", "cases")} == {
        "name": NAME, "purpose": "classifier", "kind": "regression", "bar": 0.6, "version": 1, "cases": 4,
    }  # fmt: skip
    assert [(one["target"], one["passed"], one["cases"]) for one in told["runs"]] == [("people:replies@0", 0, 4)]
    assert command("list").out.splitlines()[1] == "    people:replies@0: 0 of 4"


# -- import and export --------------------------------------------------------------------------------------------------------------------

SAMPLES: list[dict[str, Any]] = [
    {"input": "Where is my parcel?", "target": "It is on its way.", "id": "way"},
    {"input": [{"role": "user", "content": "My card is 4111 1111 1111 1111."}], "target": "Thanks.", "id": "card"},
]


@pytest.fixture
def samples(home: Path) -> Path:
    path = home / "samples.jsonl"
    path.write_text("".join(json.dumps(sample) + "\n" for sample in SAMPLES))
    return path


def test_cases_come_in_from_a_file_and_wait_to_be_frozen(command: Command, staff: Staff, samples: Path) -> None:
    eval_set = sets.create("Answers", by=staff.lead, purpose="answer")
    told = command("import", "Answers", samples, "--json").told
    assert (told["added"], told["refused"], told["version"]) == (2, [], None)
    assert len(changes.waiting(eval_set.id, by=staff.lead)) == 2 and sets.latest(eval_set.id) is None
    version = freezing.freeze(eval_set.id, by=staff.lead)
    kept = {case.key: case for case in sets.cases(version.id)}
    assert set(kept) == {"way", "card"} and "4111" not in json.dumps(kept["card"].input)  # masked as at the door
    again = command("import", "Answers", samples)
    assert again.code == 1 and "which the set has already" in again.err


def test_a_person_may_freeze_at_once_and_the_console_may_not(command: Command, staff: Staff, samples: Path) -> None:
    sets.create("Answers", by=staff.lead, purpose="answer")
    done = command("import", "Answers", samples, "--freeze", "--by", staff.engineer.email)
    assert (done.code, done.out.splitlines()[0]) == (0, "Added 2 cases to 'Answers', frozen as version 1.")
    answers = samples.parent / "answers.jsonl"
    answers.write_text('{"key": "way", "reply": "It is on its way"}\n{"key": "card", "reply": "No."}\n')
    assert command("run", "Answers", f"file:{answers}", "--json").told["passed"] == 1
    eval_set = sets.create("Console", by=staff.lead, purpose="answer")
    closed = command("import", "Console", samples, "--freeze")
    assert closed.code == 1 and "may not freeze an eval set" in closed.err
    assert sets.latest(eval_set.id) is None and changes.waiting(eval_set.id, by=staff.lead) == []  # none or both


@on_sqlite
def test_lines_that_are_no_case_are_named_and_the_others_are_taken(command: Command, staff: Staff, samples: Path) -> None:
    sets.create("Answers", by=staff.lead, purpose="answer")
    with samples.open("a") as file:
        file.write("{\n")
    done = command("import", "Answers", samples)
    assert done.code == 1 and done.out.startswith("Added 2 cases to 'Answers', to be frozen.")
    assert done.out.count("Line 3") == 1 and "was left out" in done.out
    assert command("import", "Answers", samples, "--as", "inspect", "--json").code == 1  # and once more they are there already


@on_sqlite
def test_a_file_that_is_none_of_the_formats_is_misuse(command: Command, staff: Staff, home: Path) -> None:
    sets.create("Answers", by=staff.lead, purpose="answer")
    (home / "odd.bin").write_bytes(b"\x00\x01\x02")
    refused(command("import", "Answers", home / "odd.bin"), 2, f"Say what it is: --as {', '.join(files.READERS)}.")
    refused(command("import", "Answers", home / "odd.bin", "--as", "excel"), 2, "Say what it is: --as")
    refused(command("import", "Answers", home / "nowhere.jsonl"), 2, "There is no file")
    refused(command("import", "No such set", home / "odd.bin", "--as", "inspect"), 1, "There is no eval set named 'No such set'.")


@on_sqlite
@pytest.mark.parametrize("form", files.WRITERS)
def test_a_version_leaves_as_a_file_and_comes_back_the_same(
    command: Command, staff: Staff, cases: list[Case], home: Path, form: str
) -> None:  # fmt: skip
    out = home / f"out{files.BY_NAME[form].ENDING}"
    told = command("export", NAME, "--as", form, "--out", out, "--json").told
    assert (told["cases"], told["version"], told["file"]) == (24, 1, str(out))
    assert any("exact label" in lost for lost in told["lost"])  # which other tools do not know, and that is said
    other = sets.create("Copy", by=staff.lead)
    back = command("import", "Copy", out, "--freeze", "--by", staff.lead.email, "--json").told
    assert (back["added"], back["lost"], back["refused"], back["version"]) == (24, [], [], 1)
    latest = sets.latest(other.id)
    assert latest is not None
    copied = {case.key: case for case in sets.cases(latest.id)}
    assert [(copied[case.key].input, copied[case.key].expected, copied[case.key].graders) for case in cases] == [
        (case.input, case.expected, case.graders) for case in cases
    ]


@on_sqlite
def test_what_cannot_be_exported_is_said(command: Command, cases: list[Case], home: Path) -> None:
    refused(command("export", NAME, "--as", "excel", "--out", home / "x"), 2, "There is no format 'excel'. There are inspect,")
    refused(command("export", "Nothing", "--as", "inspect", "--out", home / "x"), 1, "There is no eval set named 'Nothing'.")
    refused(command("export", NAME, "--as", "inspect", "--out", home / "no folder" / "x"), 2, "cannot be written")
    assert not (home / "x").exists()
