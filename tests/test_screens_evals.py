"""Eval sets, Runs and Graders as people see them: with nothing, a few and much, whatever was written, for each role."""

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from classifiers import labels
from data import examples, people, store, tasks
from data.intake import door
from data.tables import Case, Comparison, EvalSet, Person, Run, Score, SetVersion
from data.values import Target, now
from evals import changes, checks, compare, continuous, freezing, graders, reading, runs, sets, targets
from evals.cases import NewCase
from evals.graders import reply_words
from portal import jobs
from tests import markup, worlds
from tests.conftest import SOAK, Staff, hire
from tests.conversations import canonical
from tests.test_screens import button, open_screen, sit_down

KNOWN = graders.BY_NAME
LATE, EARLY = Target("outputs", "answers.jsonl", 2), Target("outputs", "answers.jsonl", 1)


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    return hire()


def words(app: AppTest) -> str:
    """All that is drawn, without the signs that keep Markdown from reading what people wrote."""
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.info, app.error, app.warning, app.text, app.success, app.toast)
    told = "\n".join(str(part.value) for kind in kinds for part in kind)
    return f"{told}\n{labels_of(app)}".replace("\\", "").replace("\u2060", "").replace("\xa0", " ")


def labels_of(app: AppTest) -> str:
    """What can be pressed and folded out."""
    links = "\n".join(part.proto.label for part in app.get("page_link"))
    popovers = "\n".join(part.proto.popover.label for part in app.get("popover"))
    return "\n".join([*(one.label for one in (*app.button, *app.expander)), links, popovers])


def asked(number: int, text: str = "", **expected: Any) -> NewCase:
    """A case that asks for so many days."""
    said = text or f"How many days does parcel {number} take to {['Oslo', 'Rome', 'Kiel', 'Bern'][number % 4]}?"
    told = expected or {"facts": {"must": [f"{number} days"]}}
    names = ("reply words",) if "reply" in told else ("contains",)
    return NewCase(({"role": "customer", "text": said},), told, names, slices={"channel": ("chat", "email")[number % 2]})


@worlds.remembered
def frozen(desk: Staff, count: int, *, new: Sequence[NewCase] = (), name: str = "Answers") -> tuple[EvalSet, SetVersion]:
    eval_set = sets.create(name, purpose="answer", by=desk.lead)
    cases = new or [asked(number) for number in range(1, count + 1)]
    changes.add(eval_set.id, cases, known=KNOWN, by=desk.lead, why="typed")
    return eval_set, freezing.freeze(eval_set.id, by=desk.lead)


def ran(version: SetVersion, target: Target, wrong: set[int], *, by: Person, **how: Any) -> Run:
    """Everything right but these."""

    def said(cases: Sequence[Case]) -> list[dict[str, Any]]:
        return [{"reply": "Soon." if case.number in wrong else f"In {case.number} days."} for case in cases]

    return runs.run(version.id, target, runs.told_at_once(said), by=by, **how)


@worlds.remembered
def compared(desk: Staff, version: SetVersion, before: set[int], after: set[int]) -> Comparison:
    live, candidate = (ran(version, target, wrong, by=desk.rep) for target, wrong in ((EARLY, before), (LATE, after)))
    return compare.compare(candidate, live, by=desk.rep)


def open_set(at: Person | AppTest, eval_set: EvalSet, tab: str = "results") -> AppTest:
    """At a new desk, or at one where somebody sits already."""
    app = turn_to(at if isinstance(at, AppTest) else sit_down(at), "eval_sets", set=eval_set.id)
    app.session_state["eval_sets_show"] = tab
    return drawn(app.run())


def turn_to(app: AppTest, screen: str, **address: str) -> AppTest:
    """From wherever it was."""
    app.query_params.clear()
    return open_screen(app, screen, **address)


def drawn(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].message
    return app


def choose_case(app: AppTest, place: int) -> AppTest:
    table = app.dataframe[0]
    app.session_state[table.key] = {"selection": {"rows": [place], "columns": [], "cells": []}}
    return drawn(app.run())


# -- with nothing -------------------------------------------------------------------------------------------------------------------------


def test_where_there_is_nothing_each_screen_says_what_fills_it(desk: Staff) -> None:
    told = words(open_screen(sit_down(desk.lead), "eval_sets"))
    assert "There is no eval set yet. Create one, then flag conversations for it on Review." in told and "Create the set" in told
    app = sit_down(desk.rep)
    told = words(turn_to(app, "runs"))
    assert "Nothing was run yet. Freeze an eval set, then run something on it." in told and "Eval sets" in told
    told = words(turn_to(app, "graders"))
    assert "0 of 50 outputs were judged by people" in told and "Until then it is shown, and stops nothing." in told


def test_a_lead_creates_a_set_and_it_is_empty_in_each_of_its_parts(desk: Staff) -> None:
    app = open_screen(sit_down(desk.lead), "eval_sets")
    app.text_input[0].set_value("Everyday answers")
    app.selectbox(key="eval_sets_purpose").set_value("answer")
    drawn(button(app, "Create the set").click().run())
    (made,) = sets.all_sets(by=desk.lead)
    assert (made.name, made.purpose, made.bar) == ("Everyday answers", "answer", 0.8)
    assert "Not frozen yet" in words(app) and button(app, "Nothing to freeze").disabled
    app = sit_down(desk.rep)
    said = {tab: words(open_set(app, made, tab)) for tab in ("results", "cases", "waiting", "changes")}
    assert "Freeze what was flagged, and things can be run and compared on it." in said["results"]
    assert "It has no case yet." in said["cases"]
    assert "waits here" in said["waiting"] and "Type a case" in said["waiting"]
    assert "It was not frozen yet." in said["changes"]


def test_an_address_of_what_is_not_there_says_so_and_shows_the_list(desk: Staff) -> None:
    frozen(desk, 2)
    app = sit_down(desk.lead)
    assert "That set is not here." in words(turn_to(app, "eval_sets", set="gone"))
    for address in ({"run": "gone"}, {"comparison": "gone"}):
        assert "That run is not here." in words(turn_to(app, "runs", **address))
    told = words(turn_to(app, "graders", judge="gone"))
    assert "What judges outputs, and whether people agree with it" in told


# -- how cases come ------------------------------------------------------------------------------------------------------------------------


def flag(desk: Staff, eval_set: EvalSet, numbers: Sequence[int], *, team: str = "Oak") -> list[str]:
    ids = door.receive([canonical(number, team=team) for number in numbers], by=people.console(), classify=False).ids
    by = desk.rep if team == "Oak" else desk.other
    for number, made in zip(numbers, ids, strict=True):
        told = {"facts": {"must": [f"{number} days"]}}
        examples.flag(made, "weak", why=f"Reason {number}.", eval_set_id=eval_set.id, by=by, grader="contains", expected=told)
    return ids


def test_what_waits_says_how_the_customer_begins_and_is_frozen_by_a_rep(desk: Staff) -> None:
    eval_set = sets.create("Answers", purpose="answer", by=desk.lead)
    flag(desk, eval_set, [1, 2])
    flag(desk, eval_set, [3], team="Fern")
    app = open_set(desk.rep, eval_set, "waiting")
    told = words(app)
    assert "Flagged as weak by Rita: Reason 1." in told and canonical(1).messages[0].text in told
    assert "Reason 3." not in told and "1 more was flagged in other teams." in told
    drawn(button(app, "Freeze 3 flagged").click().run())
    assert [version.number for version in sets.versions(eval_set.id, by=desk.rep)] == [1]
    assert (
        "Frozen as version 1." in words(app) and "Nothing waits: everything is in version 1." in words(app) and "waits here" in words(app)
    )
    assert app.session_state["eval_sets_show"] == "waiting"  # the tab stays, though its count is gone
    assert "Version 1" in words(open_set(desk.rep, eval_set, "changes"))


def test_a_case_is_typed_and_the_next_one_begins_with_empty_fields(desk: Staff) -> None:
    eval_set = sets.create("Answers", purpose="answer", by=desk.lead)
    app = open_set(desk.rep, eval_set, "waiting")
    app.text_area(key="case_new_text_0").set_value("When do I get my money back?")
    drawn(app.button(key="case_new").click().run())
    assert "Not added: the case cannot be judged: Say what a good answer must hold." in words(app)
    assert app.text_area(key="case_new_text_0").value == "When do I get my money back?"  # what was typed stays
    app.text_area(key="case_must_new_0").set_value("14 days")
    app.selectbox(key="case_decline_new_0").set_value(False)
    drawn(app.button(key="case_new").click().run())
    (change,) = changes.waiting(eval_set.id, by=desk.rep)
    assert change.case and change.case["expected"] == {"facts": {"must": ["14 days"], "must_not": []}, "decline": False}
    assert change.case["graders"] == ["contains", "declines"]
    assert "When do I get my money back?" in words(app) and app.text_area(key="case_new_text_1").value == ""
    drawn(button(app, "Take back").click().run())
    assert changes.waiting(eval_set.id, by=desk.rep) == [] and "Taken back." in words(app)


def test_what_says_nearly_the_same_is_shown_before_it_is_frozen(desk: Staff) -> None:
    eval_set, _ = frozen(desk, 1)
    changes.add(eval_set.id, [asked(1, asked(1).messages[0]["text"])], known=KNOWN, by=desk.rep, why="again")
    told = words(open_set(desk.rep, eval_set, "waiting"))
    assert "1 says nearly the same as another" in told and "100 % alike" in told


def file(app: AppTest, key: str, name: str, content: str) -> AppTest:
    app.file_uploader(key=key).set_value((name, content.encode(), "application/octet-stream"))
    return drawn(app.run())


def test_a_file_of_cases_is_brought_and_what_is_no_such_file_is_said(desk: Staff) -> None:
    eval_set = sets.create("Answers", purpose="answer", by=desk.lead)
    app = file(open_set(desk.rep, eval_set, "waiting"), "eval_sets_file", "a.jsonl", "nothing of the kind")
    assert "This is none of the three." in words(app)
    lines = [{"input": f"How long does parcel {n} take?", "target": f"{n} days"} for n in range(1, 4)]
    app = file(open_set(desk.rep, eval_set, "waiting"), "eval_sets_file", "a.jsonl", "\n".join(map(json.dumps, lines)))
    assert "3 cases, as inspect writes them." in words(app)
    drawn(button(app, "Add 3").click().run())
    assert "Will be added, by Rita: from a.jsonl" in words(app) and changes.waiting_count(eval_set.id) == 3
    assert "Waiting 3" in app.segmented_control[0].options


def test_a_lead_changes_a_case_and_takes_one_out_and_what_no_field_shows_stays(desk: Staff) -> None:
    told = {"facts": {"must": ["14 days"]}, "length": {"least_words": 3, "most_words": 5_000}, "decline": False, "pattern": {"not": ["x+"]}}
    names = ("contains", "length", "declines", "pattern")
    full = NewCase(({"role": "customer", "text": "When is it here?"},), told, names)
    eval_set, version = frozen(desk, 2, new=[full, asked(2)])
    first, second = sets.cases(version.id)
    app = choose_case(open_set(desk.lead, eval_set, "cases"), 0)
    assert "Case 1 expects: says '14 days'" in words(app).replace("*", "")
    app.text_area(key=f"case_must_{first.id}").set_value("14 days\nby post")
    drawn(app.button(key=f"case_change_{first.id}").click().run())
    assert "say why in a sentence" in words(app) and changes.waiting(eval_set.id, by=desk.lead) == []
    app.text_input(key=f"case_why_{first.id}").set_value("It comes by post.")
    drawn(app.button(key=f"case_change_{first.id}").click().run())
    (change,) = changes.waiting(eval_set.id, by=desk.lead)
    assert change.case and change.case["expected"] == told | {"facts": {"must": ["14 days", "by post"], "must_not": []}}
    assert set(change.case["graders"]) == set(names)
    choose_case(app, 1)
    app.text_input(key=f"case_out_why_{second.id}").set_value("It is there twice.")
    drawn(app.button(key=f"case_out_{second.id}").click().run())
    told_of = words(open_set(desk.lead, eval_set, "waiting"))
    assert "Will be changed, by Leo: It comes by post." in told_of and "Will be taken out, by Leo: It is there twice." in told_of


def test_a_case_from_a_file_names_its_intent_and_it_can_be_put_right(desk: Staff) -> None:
    refund, status = labels.add("Refund", by=desk.lead), labels.add("Order status", by=desk.lead)
    eval_set = sets.create("Intents", by=desk.lead)
    new = NewCase(({"role": "customer", "text": "My money, please."},), {"label": "Refund"}, ("exact label",))
    changes.add(eval_set.id, [new], known=KNOWN, by=desk.lead, why="typed")
    version = freezing.freeze(eval_set.id, by=desk.lead)
    (case,) = sets.cases(version.id)
    app = choose_case(open_set(desk.lead, eval_set, "cases"), 0)
    box = app.selectbox(key=f"case_label_{case.id}")
    assert box.value.id == refund.id
    box.select_index([*box.options].index("Order status"))
    app.text_input(key=f"case_why_{case.id}").set_value("They ask where it is.")
    drawn(app.button(key=f"case_change_{case.id}").click().run())
    (change,) = changes.waiting(eval_set.id, by=desk.lead)
    assert change.case and change.case["expected"] == {"label": "Order status", "label_id": status.id}


def test_an_older_version_can_be_read_and_not_changed(desk: Staff) -> None:
    eval_set, _ = frozen(desk, 2)
    changes.add(eval_set.id, [asked(3)], known=KNOWN, by=desk.lead)
    freezing.freeze(eval_set.id, by=desk.lead)
    app = choose_case(open_set(desk.lead, eval_set, "cases"), 0)
    assert len(app.dataframe[0].value) == 3 and "Take it out" in labels_of(app)
    app.selectbox(key="eval_sets_version").select_index(1)
    drawn(app.run())
    assert len(app.dataframe[0].value) == 2
    assert "Take it out" not in labels_of(choose_case(app, 0))


# -- what is run ---------------------------------------------------------------------------------------------------------------------------


def test_files_of_outputs_are_brought_and_two_are_run_and_compared(desk: Staff) -> None:
    eval_set, _ = frozen(desk, 12)
    other, _ = frozen(desk, 1, name="Other answers")
    app = sit_down(desk.rep)
    for name, wrong in (("june.jsonl", range(1, 11)), ("july.jsonl", range(12, 13))):
        lines = [{"case": n, "reply": "Soon." if n in wrong else f"In {n} days."} for n in range(1, 13)]
        app = file(open_set(app, eval_set), "eval_sets_outputs", name, "\n".join(map(json.dumps, lines)))
        drawn(button(app, "Keep it").click().run())
        assert f"Kept as {name} 1. Choose it beside Run." in words(app)
    app.selectbox(key="eval_sets_candidate").set_value("outputs:july.jsonl@1")
    drawn(app.run())
    assert not [one for one in app.selectbox(key="eval_sets_beside").options if "july" in one]
    app.selectbox(key="eval_sets_beside").set_value("outputs:june.jsonl@1")
    drawn(app.button(key="eval_sets_run").click().run())
    (task,) = tasks.waiting()
    assert (task.name, task.title, task.arguments["targets"]) == (
        "run_eval",
        "Run on Answers 1",
        ["outputs:july.jsonl@1", "outputs:june.jsonl@1"],
    )
    assert "Run on Answers 1" in "".join(str(part.proto) for part in app.get("progress"))
    assert not open_set(app, other).get("progress")  # what runs on another set is not in the way here
    taken = tasks.take(task.id, "here")
    assert taken is not None
    jobs.run(taken)
    told = words(open_set(app, eval_set))
    assert "july.jsonl 1" in told and "Beside june.jsonl 1: Better: 10 fixed, 1 broken of 12" in told
    assert "last run: july.jsonl 1 passes 92 %" in words(turn_to(app, "eval_sets"))


def test_a_file_that_answers_none_of_the_cases_says_so_when_it_is_kept_and_when_it_is_run(desk: Staff) -> None:
    eval_set, version = frozen(desk, 3)
    app = file(open_set(desk.rep, eval_set), "eval_sets_outputs", "june.jsonl", '{"case": 41, "reply": "In 41 days."}')
    drawn(button(app, "Keep it").click().run())
    assert "june.jsonl is kept, but it answers none of the 3 cases." in words(app) and "Choose it beside Run" not in words(app)
    asked_of = targets.of_kept_file("june.jsonl")
    made = runs.run(version.id, asked_of.target, asked_of.ask, by=desk.rep)
    assert "3 without an answer: the file answers none of the 3 cases" in words(open_screen(sit_down(desk.rep), "runs", run=made.id))
    targets.of_file("july.jsonl", b'{"case": 2, "reply": "In 2 days."}', by=desk.rep)
    assert targets.answers_none("july.jsonl@1", version.id, by=desk.rep) == ""


def test_an_address_as_a_name_is_no_link(desk: Staff) -> None:
    _, version = frozen(desk, 1)
    made = ran(version, Target("model", "https://bot.example/answer", 0), set(), by=desk.rep)
    title = str(open_screen(sit_down(desk.rep), "runs", run=made.id).title[0].value)
    assert title.replace("\\", "").startswith("https:\u2060//bot.example/answer on Answers 1")


def test_a_case_says_who_flagged_or_added_it_and_why(desk: Staff) -> None:
    eval_set = sets.create("Answers", purpose="answer", by=desk.lead)
    flag(desk, eval_set, [1])
    changes.add(eval_set.id, [asked(2)], known=KNOWN, by=desk.lead, why="Asked each day")
    freezing.freeze(eval_set.id, by=desk.lead)
    app = open_set(desk.rep, eval_set, "cases")
    assert "Flagged as weak by Rita, just now: Reason 1." in words(choose_case(app, 0))
    assert "Added by Leo, just now: Asked each day" in words(choose_case(app, 1))


def test_after_freezing_the_empty_tab_leads_on(desk: Staff) -> None:
    eval_set, _ = frozen(desk, 2)
    app = open_set(desk.rep, eval_set, "waiting")
    assert "Nothing waits: everything is in version 1. Run something on it" in words(app)
    drawn(app.button(key="eval_sets_to_results").click().run())
    assert app.session_state["eval_sets_show"] == "results" and "Nothing was run on it yet." in words(app)


def test_what_may_answer_otherwise_is_asked_several_times(desk: Staff) -> None:
    eval_set, _ = frozen(desk, 2)
    app = open_set(sit_down(desk.rep), eval_set)
    app.selectbox(key="eval_sets_candidate").set_value("people")
    app.selectbox(key="eval_sets_repeats").set_value(3)
    drawn(app.run())
    drawn(app.button(key="eval_sets_run").click().run())
    taken = tasks.take(tasks.waiting()[0].id, "here")
    assert taken is not None
    jobs.run(taken)
    (told,) = runs.newest(by=desk.rep, eval_set_id=eval_set.id)
    assert (told.run.repeats, told.run.cases) == (3, 2)
    assert "each case 3 times" in words(turn_to(app, "runs"))


def test_a_lead_hands_a_set_over(desk: Staff) -> None:
    eval_set, _ = frozen(desk, 1)
    app = open_set(sit_down(desk.lead), eval_set)
    assert "must pass 80 %, may lose 2 points · Leo looks after it" in words(app)
    app.selectbox(key="eval_sets_owner").set_value(desk.rep.id)
    drawn(app.run())
    drawn(app.button(key="eval_sets_hand_over").click().run())
    assert "Rita looks after it" in words(app)


def test_of_three_cases_nothing_can_be_told(desk: Staff) -> None:
    eval_set, version = frozen(desk, 3)
    one = compared(desk, version, {1, 2}, {3})
    assert one.verdict == "cannot_tell"
    app = open_screen(sit_down(desk.rep), "runs", comparison=one.id)
    told = words(app)
    assert "Cannot tell: 2 fixed, 1 broken of 3" in told and "answers.jsonl 2 beside answers.jsonl 1" in told
    assert "Cannot tell: 2 fixed, 1 broken of 3" in words(open_set(desk.rep, eval_set))
    assert "McNemar's exact test" in told and "Of 3 of 3 no customer is known." in told  # how we know


def test_a_comparison_steps_through_what_broke_with_both_answers_side_by_side(desk: Staff) -> None:
    _, version = frozen(desk, 12)
    one = compared(desk, version, set(range(1, 11)), {11, 12})
    app = open_screen(sit_down(desk.rep), "runs", comparison=one.id)
    told = words(app)
    assert "Better: 10 fixed, 2 broken of 12" in told and "1–2 of 2 · J, K" in told
    assert app.segmented_control[0].options == ["Broken 2", "Fixed 10"]
    steps = [one for one in app.button if (one.key or "").startswith("runs_case_")]
    assert [step.label.split("  ")[0] for step in steps] == ["Case 11", "Case 12"]
    assert "Before :gray[· answers.jsonl 1]" in told.replace("*", "") and "Now :gray[· answers.jsonl 2]" in told.replace("*", "")
    assert "In 11 days." in told and ":red[:material/close: Failed] · contains: does not say '11 days'" in told
    drawn(steps[1].click().run())
    assert "In 12 days." in words(app) and "In 11 days." not in words(app)
    app.segmented_control[0].set_value("fixed")
    drawn(app.run())
    assert "1–10 of 10 · J, K" in words(app) and "In 1 days." in words(app)


def test_of_a_large_run_a_page_is_shown_and_no_more_is_read(desk: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    eval_set, version = frozen(desk, 2_000)
    times = 10 if SOAK else 2
    made = ran(version, EARLY, set(range(1, 101)), by=desk.rep, repeats=times)
    assert runs.result_count(made.id) == 2_000 * times
    read: list[int] = []
    whole = reading.cases

    def counted(*args: Any, **how: Any) -> list[Case]:
        found = whole(*args, **how)
        read.append(len(found))
        return found

    monkeypatch.setattr(reading, "cases", counted)
    app = open_screen(sit_down(desk.rep), "runs", run=made.id)
    assert "1–20 of 100 · J, K" in words(app) and f"each case asked {times} times" in words(app) and set(read) == {20}
    assert f"Time {times} of {times}" in words(app)
    drawn(button(app, "More").click().run())
    assert "21–40 of 100" in words(app) and "Case 21" in labels_of(app)
    app = open_set(desk.rep, eval_set, "cases")
    assert len(app.dataframe[0].value) == 500
    app.selectbox(key=f"eval_sets_page_{version.id}").select_index(3)
    drawn(app.run())
    assert [*app.dataframe[0].value["Case"]][-1] == 2_000


def test_much_that_waits_is_counted_and_not_all_listed(desk: Staff) -> None:
    eval_set = sets.create("Answers", purpose="answer", by=desk.lead)
    changes.add(eval_set.id, [asked(number) for number in range(1, 121)], known=KNOWN, by=desk.lead, why="from a file")
    told = words(open_set(desk.rep, eval_set, "waiting"))
    assert told.count("Will be added, by Leo") == 50 and "70 more wait to be added, changed or taken out." in told
    assert "Freeze 120 waiting" in told


def test_a_run_that_was_stopped_and_one_that_was_cut_off_are_no_result(desk: Staff) -> None:
    eval_set, version = frozen(desk, 3)
    with store.writing() as db:
        cut, stopped = (Run(**target.columns(), set_version_id=version.id, at=now()) for target in (EARLY, LATE))
        db.add_all([cut, stopped])
    runs.stop(stopped.id, why="It costs too much.", by=desk.rep)
    app = sit_down(desk.rep)
    assert "Was stopped: It costs too much." in words(open_screen(app, "runs", run=stopped.id))
    assert "Was cut off, or runs at the console. Run it again, and it goes on" in words(open_screen(sit_down(desk.rep), "runs", run=cut.id))
    told = words(open_set(desk.rep, eval_set)) + words(open_screen(sit_down(desk.rep), "eval_sets"))
    assert "passes" not in told and "was stopped: It costs too much. · version 1" in told.replace(":gray[", "")
    arguments = {"set_version_id": version.id, "targets": [f"outputs:{EARLY.name}@{EARLY.number}"], "repeats": 1}
    jobs.start("run_eval", arguments, title="Run on Answers 1", by=desk.rep)
    app = open_screen(sit_down(desk.rep), "runs", run=cut.id)
    assert "Is running" in words(app) and "Run on Answers 1" in "".join(str(part.proto) for part in app.get("progress"))
    assert "is running" in words(open_set(desk.rep, eval_set))


def raises(_case: Any, _output: Any) -> Any:
    raise OSError("no line to the model")


def test_what_no_grader_judged_is_told_beside_the_figures_and_can_be_looked_through(desk: Staff) -> None:
    eval_set, version = frozen(desk, 6, new=[*(asked(n) for n in range(1, 5)), *(asked(n, reply=f"{n} days") for n in (5, 6))])
    broken = {**KNOWN, "reply words": SimpleNamespace(**(vars(reply_words) | {"grade": raises}))}
    live, late = ran(version, EARLY, {1}, by=desk.rep), ran(version, LATE, {1}, by=desk.rep, known=broken)
    told = "2 not judged: the grader 'reply words' broke"
    assert (late.passed, late.cases, late.error, live.error) == (3, 6, told, "")
    app = open_screen(sit_down(desk.rep), "runs", run=late.id)
    assert f"{told}. A case that is not judged is no pass." in words(app) and words(app).count("not judged:") == 1
    assert app.segmented_control[0].options == ["Failed 1", "Not judged 2", "Passed 3"]
    app.segmented_control[0].set_value("unjudged")
    drawn(app.run())
    assert [one.label.split("  ")[0] for one in app.button if (one.key or "").startswith("runs_case_")] == ["Case 5", "Case 6"]
    one = compare.compare(late, live, by=desk.rep)
    app = open_screen(sit_down(desk.rep), "runs", comparison=one.id)
    assert f"answers.jsonl 2: {told}." in words(app) and "Not judged 2" in app.segmented_control[0].options
    for listed in (open_screen(sit_down(desk.rep), "runs"), open_set(desk.rep, eval_set), open_screen(sit_down(desk.rep), "eval_sets")):
        assert told in words(listed)


def test_where_people_are_judged_by_their_own_reply_that_is_counted(desk: Staff) -> None:
    def spoken(number: int, **expected: str) -> NewCase:
        said = ({"role": "customer", "text": f"Where is parcel {number}?"}, {"role": "rep", "text": f"It is in hall {number}, to be sent."})
        return NewCase(said, dict(expected), ("reply words",))

    given = [spoken(n, reply=f"It is in hall {n}, to be sent.") for n in (1, 2)]
    _, version = frozen(desk, 4, new=[*given, spoken(3, not_reply="It is in hall 3, to be sent."), spoken(4, reply="It comes tomorrow.")])
    asked_of = targets.people()
    people_said = runs.run(version.id, asked_of.target, asked_of.ask, by=desk.rep)
    assert people_said.passed == 2
    told = (
        "Of 4 cases 2 expect the very reply that was given and pass by that alone, 1 forbids the very reply that was given and fails by "
        "that alone: there 'What people replied' is no measure of people."
    )
    assert told in words(open_screen(sit_down(desk.rep), "runs", run=people_said.id))
    one = compare.compare(ran(version, EARLY, set(), by=desk.rep), people_said, by=desk.rep)
    assert told in words(open_screen(sit_down(desk.rep), "runs", comparison=one.id))
    assert "no measure of people" not in words(open_screen(sit_down(desk.rep), "runs", run=one.candidate_run_id))


def test_below_a_verdict_stands_what_the_gate_would_say(desk: Staff) -> None:
    _, version = frozen(desk, 22, new=[asked(n, reply=f"It takes {n} days to come by post") for n in range(1, 23)])

    def said(wrong: set[int]) -> runs.Ask:
        return runs.told_at_once(lambda cases: [{"reply": "No." if c.number in wrong else c.expected["reply"]} for c in cases])

    live, late = (
        runs.run(version.id, target, said(wrong), by=desk.rep) for target, wrong in ((EARLY, {*range(1, 20)}), (LATE, {*range(1, 10)}))
    )
    one = compare.compare(late, live, by=desk.rep)
    told = words(open_screen(sit_down(desk.rep), "runs", comparison=one.id))
    assert one.verdict == "better" and "The gate would be closed: it passes 59 % of 'Answers' 1 (13 of 22), the bar is 80 %." in told
    assert "'reply words' was judged by nobody yet: it may not stop or open a release." in told


def test_what_people_replied_is_called_so(desk: Staff) -> None:
    _, version = frozen(desk, 3)
    live, people_said = ran(version, EARLY, set(), by=desk.rep), ran(version, Target("people", "replies", 0), {1}, by=desk.rep)
    one = compare.compare(people_said, live, by=desk.rep)
    assert "What people replied beside answers.jsonl 1" in words(open_screen(sit_down(desk.rep), "runs", comparison=one.id))


# -- graders -------------------------------------------------------------------------------------------------------------------------------


@worlds.remembered
def judged(desk: Staff, count: int, *, right: bool) -> None:
    """People say of so many outputs that pass 'reply words' whether they are right; of every fifth one that fails it, that it is wrong."""
    new = [asked(n, reply=f"Parcel {n} takes {n} days to Oslo by post") for n in range(1, count + 1)]
    _, version = frozen(desk, count, new=new)

    def said(cases: Sequence[Case]) -> list[dict[str, Any]]:
        return [{"reply": case.expected["reply"] if case.number % 5 else "No idea at all."} for case in cases]

    runs.run(version.id, EARLY, runs.told_at_once(said), by=desk.rep)
    for _ in range(count):
        found = checks.next_one(reply_words.NAME, by=desk.rep)
        assert found is not None
        passes = found.case.number % 5 != 0
        checks.say(found.result.id, passes if right else found.case.number % 2 == 0, by=desk.rep)


def test_a_grader_that_disagrees_with_people_may_stop_nothing_and_says_why(desk: Staff) -> None:
    judged(desk, 50, right=False)
    told = words(open_screen(sit_down(desk.rep), "graders"))
    assert ":orange-badge[may not stop a release]" in told and "Under 0.6 it may not stop a release." in told


def test_a_grader_that_agrees_with_people_may_stop_a_release(desk: Staff) -> None:
    judged(desk, 50, right=True)
    told = words(open_screen(sit_down(desk.rep), "graders"))
    assert told.count(":green-badge[may stop a release]") == 1 and ":orange-badge" not in told


def test_outputs_are_judged_blind_one_after_the_other(desk: Staff) -> None:
    new = [asked(n, reply=f"Parcel {n} takes {n} days to Oslo by post") for n in (1, 2)]
    _, version = frozen(desk, 2, new=new)
    runs.run(version.id, EARLY, runs.told_at_once(lambda cases: [{"reply": f"Reply to {case.number}."} for case in cases]), by=desk.rep)
    app = open_screen(sit_down(desk.lead), "graders")
    drawn(button(app, "Judge for 'reply words'").click().run())
    told = words(app)
    assert "Judged by people: 0 of the 50 that a check needs" in "".join(str(part.proto.text) for part in app.get("progress"))
    with store.reading() as db:
        whys = db.exec(select(Score.why).where(Score.grader_name == reply_words.NAME)).all()
    assert len(whys) == 2 and not any(why in told for why in whys) and "Failed" not in told and "Passed" not in told
    first = next(number for number in (1, 2) if f"Reply to {number}." in told)
    app.text_input[0].set_value("It answers nothing.")
    drawn(button(app, "Wrong (N)").click().run())
    assert f"Reply to {3 - first}." in words(app)
    drawn(button(app, "Right (Y)").click().run())
    assert "You judged every output that this grader looked at." in words(app)
    with store.reading() as db:
        said = db.exec(select(Score.passed, Score.why).where(Score.grader_name == "a person").order_by(col(Score.id))).all()
    assert [tuple(one) for one in said] == [(False, "It answers nothing."), (True, "")]


def test_a_lead_chooses_what_graders_look_at_each_night(desk: Staff) -> None:
    app = open_screen(sit_down(desk.lead), "graders")
    app.multiselect(key="graders_live").set_value([])
    drawn(app.button(key="graders_change").click().run())
    assert continuous.plan().graders == [] and "No grader looks at what went out yesterday." in words(app)
    app.multiselect(key="graders_live").set_value(["reading ease"])
    app.slider(key="graders_share").set_value(10)
    drawn(app.button(key="graders_change").click().run())
    assert (continuous.plan().graders, continuous.plan().share) == (["reading ease"], 0.1)
    told = words(app)
    assert "reading ease looks at 10 %" in told.replace("*", "") and "its trend stands here after two nights" in told


# -- whatever was written ------------------------------------------------------------------------------------------------------------------

HOSTILE = [one.text for one in markup.payloads("listener.example", 12)]


def test_texts_of_people_and_of_targets_are_shown_as_text(desk: Staff) -> None:
    text = " ".join(HOSTILE)
    name = HOSTILE[0][:60].replace("/", "")
    said = ({"role": "customer", "text": text}, {"role": "tool", "text": text, "tool_call": ["no", {"name": text}]})
    facts = {"must": [f"never said {payload[:80]}" for payload in HOSTILE]}
    hostile = NewCase(
        (*said, {"role": "assistant", "text": text}), {"facts": facts}, ("contains",), subject_line=text,
        slices={"channel": HOSTILE[2][:80], "intent": text},
    )  # fmt: skip
    eval_set, _ = frozen(desk, 0, new=[hostile], name=text[:150])
    for payload in HOSTILE:
        changes.add(eval_set.id, [hostile], known=KNOWN, by=desk.lead, why=payload[:400])
    version = freezing.freeze(eval_set.id, by=desk.lead)
    changes.add(eval_set.id, [hostile], known=KNOWN, by=desk.lead, why=text[:400])
    flagged = door.receive(
        [canonical(1, team="Oak", messages=[{"role": "customer", "text": text}])], by=people.console(), classify=False
    ).ids
    examples.flag(
        flagged[0], "weak", why=text, eval_set_id=eval_set.id, by=desk.rep, grader="contains", expected={"facts": {"must": ["x"]}}
    )
    output = {"label": text, "confidence": 2, "reply": text, "tool_calls": [{"name": text, "arguments": {text: [text]}}, 3, "x"],
              "end_state": {text: text}, "declined": True, "sources": [{"quote": text}, 7]}  # fmt: skip
    ask = runs.told_at_once(lambda cases: [output for _ in cases])
    made, live = (runs.run(version.id, Target("outputs", name, number), ask, by=desk.rep) for number in (2, 1))
    one = compare.compare(made, live, by=desk.rep)
    app = sit_down(desk.lead)
    as_text(turn_to(app, "eval_sets"))
    for tab in ("results", "waiting", "changes", "cases"):
        as_text(open_set(app, eval_set, tab))
    as_text(choose_case(app, 0))
    for address in ({}, {"run": made.id}, {"comparison": one.id}):
        as_text(turn_to(app, "runs", **address))
    shown = words(app)
    assert all(told in shown for told in (HOSTILE[0], HOSTILE[5], f"Called {HOSTILE[0]}"))  # the control: they do stand there


def as_text(app: AppTest) -> None:
    """No Markdown has one of them as it was written: each sign that could mean something has a backslash before it."""
    marked = [part.value for kind in (app.title, app.subheader, app.markdown, app.caption, app.info, app.warning) for part in kind]
    marked += [one.label for one in (*app.button, *app.expander)] + [part.proto.label for part in app.get("page_link")]
    for told in marked:
        for payload in HOSTILE:
            assert not set(payload) & set("<[!$") or payload not in str(told), (payload, told)
    assert not [part for part in app.markdown if part.allow_html]


def test_what_is_no_list_where_a_list_is_meant_breaks_no_page(desk: Staff) -> None:
    _, version = frozen(desk, 1)
    odd = {"reply": "x" * 9_000, "tool_calls": 5, "sources": {"quote": "x"}, "end_state": [1, {"a": None}]}
    made = runs.run(version.id, EARLY, runs.told_at_once(lambda cases: [odd for _ in cases]), by=desk.rep)
    told = words(open_screen(sit_down(desk.rep), "runs", run=made.id))
    assert "5,000 more characters are not shown." in told and "Afterwards" in told


# -- who may what --------------------------------------------------------------------------------------------------------------------------

OFFERED = {  # of a set with a case, something that waits and something that was run
    "rep": {"freeze", "run", "type"},
    "lead": {"create", "gate", "freeze", "run", "type", "change", "judge", "night", "back"},
    "engineer": {"create", "gate", "freeze", "run", "type", "change", "judge", "night", "back"},
    "admin": set(),
}


@pytest.mark.parametrize("role", list(OFFERED))
def test_each_role_is_offered_what_it_may_and_no_more(desk: Staff, role: str) -> None:
    labels.add("Refund", by=desk.lead)
    intents = sets.create("Intents", by=desk.lead)
    new = NewCase(({"role": "customer", "text": "My money."},), {"label": "Refund"}, ("exact label",))
    changes.add(intents.id, [new], known=KNOWN, by=desk.lead)
    freezing.freeze(intents.id, by=desk.lead)
    eval_set, version = frozen(desk, 2)
    changes.add(eval_set.id, [asked(3)], known=KNOWN, by=desk.lead)
    one = compared(desk, version, {1}, {2})
    by: Person = getattr(desk, role)
    app = sit_down(by)
    listed = labels_of(turn_to(app, "eval_sets"))
    results, waiting = (labels_of(open_set(app, eval_set, tab)) for tab in ("results", "waiting"))
    cases = labels_of(choose_case(open_set(app, eval_set, "cases"), 0))
    graders_page = labels_of(turn_to(app, "graders"))
    offered = {
        "create": "Create an eval set" in listed, "gate": "Propose to change what a release must pass" in listed,
        "freeze": "Freeze 1 waiting" in listed and "Freeze 1 waiting" in results, "run": "Bring a file of outputs" in results,
        "type": "Type a case" in waiting, "change": "Change what it expects" in cases and "Take it out" in cases,
        "back": "Take back" in waiting, "judge": "Judge for" in graders_page, "night": "Change what they look at" in graders_page,
    }  # fmt: skip
    wanted = OFFERED[role] | ({"judge"} if role == "rep" else set())
    assert {name for name, there in offered.items() if there} == wanted
    assert "fixed, 1 broken of 2" in words(turn_to(app, "runs", comparison=one.id))  # everybody reads
    if role == "admin":  # an address leads nobody to what is not theirs
        assert "Is this right?" not in words(turn_to(app, "graders", judge="reply words"))
