"""A recipe's runs as people see them: the list, one step by step, done again, a step flagged, and the decision record to print."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from automations import decision, gallery, marking, ran, recipe
from automations.decision import Part, Record
from automations.recipe import Act, Alone
from automations.shop import server
from automations.shop.client import Shop
from automations.shop.ledger import Ledger
from data import approvals, comments, config, store, undo, versions
from data.errors import Refused
from data.tables import EvalSet, Example, Trace, Version
from data.values import Target, now
from evals import flags, sets
from portal import decision_record, recipe_runs
from tests.conftest import hire
from tests.test_automations_backtest import TOKEN, Market
from tests.test_automations_replay import PAYS, change, goes_live, row, runs, yes
from tests.test_screens_automations import press
from tests.test_screens_evals import drawn, labels_of, words
from tests.test_screens_knowledge import check_words_only, opened

HOSTILE = "<img src=x onerror=alert(1)> **bold** :red[x] $x$ [l](http://evil.example) </td><script>"


@pytest.fixture
def desk(sqlite_home: Any, tmp_path: Path) -> Iterator[Market]:
    ledger = Ledger(tmp_path / "shop.db")
    with server.running(ledger, TOKEN) as address:
        yield Market(hire(), Shop(address, TOKEN), ledger)
    ledger.close()


def paid(desk: Market, **more: Any) -> Trace:
    goes_live(desk, PAYS)
    (trace,) = runs(desk, desk.comes(days_ago=0.1), **more)
    return trace


def shown(desk: Market, trace: Trace, by: Any = None) -> AppTest:
    return opened(by or desk.staff.lead, "automations", recipe=trace.target_name, run=trace.id)


# -- the list -----------------------------------------------------------------------------------------------------------------------------


def test_where_it_has_not_run_the_page_says_what_will_stand_there(desk: Market) -> None:
    goes_live(desk, PAYS)
    app = opened(desk.staff.rep, "automations", recipe="pays", tab="runs")
    assert "It has not run yet. Once a version is released, each run stands here" in words(app)


def test_the_list_tells_state_conversation_and_what_left_and_is_filtered(desk: Market) -> None:
    goes_live(desk, PAYS)
    done, _ = runs(desk, desk.comes(days_ago=0.2), desk.comes(days_ago=0.1))
    (failed,) = runs(desk, desk.comes(days_ago=0.05), shop=Shop("http://127.0.0.1:1", TOKEN))
    runs(desk, desk.comes(days_ago=0.1, team="Fern"))
    app = opened(desk.staff.rep, "automations", recipe="pays", tab="runs")
    table = app.dataframe[0].value
    assert list(table["State"]) == ["With people", "Done", "Done"]  # the one of another team is not among them
    assert "Refund 5.00 EUR of order" in table["What left"][2] and table["What left"][0] == "nothing"
    assert "My parcel" in table["Conversation"][2] and "shop" in table["Why"][0]
    drawn(app.segmented_control(key="automations_runs_pays").set_value("done").run())
    assert list(app.dataframe[0].value["State"]) == ["Done", "Done"]
    assert row(failed).state == "handed_over" and row(done).state == "done"
    check_words_only(app)


def test_a_run_that_is_not_here_or_not_within_reach_is_not_shown(desk: Market) -> None:
    trace = paid(desk)
    for app in (shown(desk, trace, desk.staff.other), opened(desk.staff.rep, "automations", recipe="pays", run="none")):
        assert "That run is not here." in words(app) and "5.00" not in words(app)


# -- one run ------------------------------------------------------------------------------------------------------------------------------


def test_a_run_shows_each_step_with_what_it_was_given_and_gave(desk: Market) -> None:
    trace = paid(desk)
    run = ran.one(trace.id, by=desk.staff.lead)
    assert recipe_runs.took(run).startswith("6 steps took ") and [one["state"] for one in recipe_runs.bars(run)][4:] == ["left out", "done"]
    app = shown(desk, trace)
    told = words(app)
    assert "Version 1" in told and "in the name of Rita" in told and "The conversation" in labels_of(app)
    assert "Look up order" in told and f"FG-{desk.number}" in told and "Days late" in told
    drawn(next(one for one in app.button if "Model step" in one.label).click().run())
    assert "97 tokens of a model" in words(app) and "cross" in words(app)
    drawn(next(one for one in app.button if "Tag" in one.label).click().run())
    assert "It was left out: it is not so that" in words(app)
    assert "Refund 5.00 EUR of order" in words(app) and "left · reference" in words(app)
    check_words_only(app)


def test_a_waiting_run_leads_to_its_proposal_and_a_failed_step_is_shown_first(desk: Market) -> None:
    goes_live(desk, replace(PAYS, alone=Alone(changes=("tag", "draft reply"))))
    (waits,) = runs(desk, desk.comes(days_ago=0.1))
    app = shown(desk, waits)
    assert "Waits for a yes: refund 5.00 EUR" in words(app) and "Nothing left." in words(app)
    (failed,) = runs(desk, desk.comes(days_ago=0.05), shop=Shop("http://127.0.0.1:1", TOKEN))
    app = shown(desk, failed)
    assert "failed" in words(app) and "The shop did not tell" in words(app)
    check_words_only(app)


def test_done_again_it_says_whether_it_is_the_same(desk: Market) -> None:
    trace = paid(desk)
    app = press(shown(desk, trace), "Do it again")
    assert "Done again from what was frozen: 6 steps and 2 effects, all are the same." in words(app) and len(app.success) == 1
    change(trace, "back", amount="7.00")
    app = press(app, "Do it again")
    assert not app.success and "Step 4, 'back' (refund): it gave amount 7.00 then, and 5.00 now." in words(app)


def test_a_run_of_before_is_refused_in_words(desk: Market) -> None:
    trace = paid(desk)
    with store.writing() as db:
        old = db.get_one(Trace, trace.id)
        old.inputs, old.inputs_sha = None, ""
        db.add(old)
    app = press(shown(desk, trace), "Do it again")
    assert "when it ran, what a run begins with was not kept yet" in words(app)


def test_hostile_words_stay_words(desk: Market) -> None:
    goes_live(desk, replace(PAYS, title=HOSTILE, acts=(Act("draft reply", "reply", {"text": HOSTILE}),)))
    (trace,) = runs(desk, desk.comes(days_ago=0.1))
    app = shown(desk, trace)
    assert "onerror=alert(1)" in words(app) and not [part for part in app.markdown if part.allow_html]
    drawn(app.segmented_control(key=f"automations_run_shows_{trace.id}").set_value("record").run())
    assert not [part for part in app.markdown if part.allow_html]
    page = decision_record.page(decision.record(trace.id, by=desk.staff.lead))
    assert "<img" not in page and "<script" not in page and "&lt;img src=x onerror=alert(1)&gt;" in page


# -- a step flagged -----------------------------------------------------------------------------------------------------------------------


def made_for(desk: Market, name: str = "pays") -> EvalSet:
    return sets.create("Paying back", purpose="automation", about=name, by=desk.staff.lead)


def loose() -> list[Example]:
    with store.reading() as db:
        return list(db.exec(select(Example).where(Example.use == "loose")))


def test_a_flagged_step_becomes_a_case_without_it_and_is_taken_back(desk: Market) -> None:
    trace, eval_set = paid(desk), made_for(desk)
    app = shown(desk, trace, desk.staff.rep)
    drawn(next(one for one in app.button if "Refund" in one.label).click().run())
    app = press(app, "Flag this step (F)")
    (example,) = loose()
    assert example.eval_set_id == eval_set.id and example.kind == "weak" and example.grader == "tool calls"
    assert example.why == "Step 4, 'back' (refund), of recipe 'pays' 1, did wrong here."
    messages, expected = flags.asked_and_expected(example)
    assert [one["name"] for one in (expected or {})["tool_calls"]] == ["draft reply"]  # what else it did
    assert [one["role"] for one in messages] == ["customer"]  # what people wrote later is no part of the case
    app = press(app, "Flag this step (F)")
    assert "this conversation stands in 'Paying back' already" in words(app) and len(loose()) == 1
    undo.last(by=desk.staff.rep)
    assert loose() == []


def test_a_look_up_that_went_wrong_should_have_left_it_to_a_person(desk: Market) -> None:
    trace, _ = paid(desk), made_for(desk)
    made = marking.flag(trace.id, 1, why="It is the other order", by=desk.staff.rep)
    assert made.example is not None and made.example.grader == "declines" and flags.asked_and_expected(made.example)[1] == {"decline": True}
    assert made.example.why.endswith("did wrong here: It is the other order")
    assert made.sentence == "Flagged for 'Paying back': the case expects that a person has it there."


def test_without_a_set_it_is_said_beside_the_version(desk: Market) -> None:
    trace = paid(desk)
    app = press(shown(desk, trace), "Flag this step (F)")
    version = versions.get(Target("recipe", "pays", 1))
    (said,) = comments.of("version", version.id, by=desk.staff.lead)
    assert said.text == "Step 1, 'order' (look up order), of recipe 'pays' 1, did wrong here." and loose() == []
    assert "since no eval set was made for 'pays' yet" in words(app) and said.text in words(app)
    with pytest.raises(Refused, match="the run has no such step"):
        marking.flag(trace.id, 9, by=desk.staff.lead)


def test_who_may_not_flag_has_no_button(desk: Market) -> None:
    assert "Flag this step (F)" not in labels_of(shown(desk, paid(desk), desk.staff.admin))


# -- the decision record ------------------------------------------------------------------------------------------------------------------


def lines(record: Record) -> dict[str, dict[str, str]]:
    return {part.title: dict(part.lines) for part in record.parts}


def test_a_record_says_what_by_what_for_whom_on_which_grounds_and_who_agreed(desk: Market) -> None:
    ready = next(one for one in gallery.ready() if one.name == "late-parcel")
    goes_live(desk, recipe.of(ready.as_body() | {"trigger": {"kind": "arrives"}}))
    (trace,) = runs(desk, desk.comes(days_late=4, days_ago=0.1))
    yes(desk, trace)
    record = decision.record(trace.id, by=desk.staff.rep)
    told = lines(record)
    assert record.title == "Late parcel, money back" and record.sentence.startswith(
        f"Refund 5.00 EUR of order FG-{desk.number}; Draft the reply"
    )
    assert told["By what, in whose name"]["Recipe"] == "Late parcel, money back, version 1"
    assert told["By what, in whose name"]["In the name of"] == "Rita, rep" and told["By what, in whose name"]["Released"].endswith(
        "by Rita, rep"
    )
    assert (
        "My parcel" in told["What it looked at"]["The customer's words"]
        and "days late 4" in told["What it looked at"]["Step 1, look up order"]
    )
    assert told["Which conditions held"]["'paid_back'"].endswith(": held")
    assert told["What a person said"]["Answer"].startswith("yes: Leo, lead, ") and told["What a person said"]["Amounts, EUR"].startswith(
        "this 5.00; "
    )
    assert told["Limits at that time"]["In one run"] == "5.00 EUR" and told["Limits at that time"]["Alone, in one run"] == "no money"
    assert "The other side's reference is " in told["What left"]["'paid_back'"]
    checked = told["By which this can be checked"]
    with store.reading() as db:
        version = db.exec(select(Version).where(Version.target_name == "late-parcel")).one()
    assert checked["Recipe's version"] == version.sha and checked["What it began with"] == row(trace).inputs_sha
    assert len(checked["'paid_back', exactly what was done"]) == 64
    assert any(re.match(r"Entry \d+ of the record", name) for name in checked)
    assert "Somebody" not in str(record)  # the customer's name


def test_a_refusal_stands_in_the_record_too(desk: Market) -> None:
    goes_live(desk, replace(PAYS, alone=Alone(changes=("tag", "draft reply"))))
    (trace,) = runs(desk, desk.comes(days_ago=0.1))
    approvals.refuse(str(trace.proposal_id), by=desk.staff.lead, why="They had money back already.")
    told = lines(decision.record(trace.id, by=desk.staff.lead))
    assert told["What a person said"]["Answer"].startswith("refused, ")
    assert told["What a person said"]["Answer"].endswith("They had money back already")
    assert told["What left"] == {"Nothing": "No step changed anything."}


def test_what_was_changed_since_stands_in_the_record(desk: Market) -> None:
    trace = paid(desk)
    assert "Changed" not in lines(decision.record(trace.id, by=desk.staff.lead))["By which this can be checked"]
    with store.writing() as db:
        changed = db.get_one(Trace, trace.id)
        changed.inputs = {"stretches": [changed.inputs["stretches"][0] | {"channel": "email"}]}  # type: ignore[index]
        db.add(changed)
    assert "Changed" in lines(decision.record(trace.id, by=desk.staff.lead))["By which this can be checked"]


def test_the_page_is_one_file_that_runs_nothing_and_asks_for_nothing() -> None:
    record = Record("t", HOSTILE, HOSTILE, now(), (Part(HOSTILE, ((HOSTILE, HOSTILE), ("&amp;", "'\""))),))
    page = decision_record.page(record)
    assert not re.search(r"<(script|img|a|link|iframe)\b", page) and "http" not in re.sub(
        r"http-equiv|\[l\]\(http://evil.example\)", "", page
    )
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") == 6 and "&amp;amp;" in page and "&#x27;&quot;" in page
    assert "default-src 'none'" in page and "@media print" in page


def test_the_record_is_shown_and_downloaded_through_a_ticket(desk: Market) -> None:
    trace = paid(desk)
    app = shown(desk, trace)
    drawn(app.segmented_control(key=f"automations_run_shows_{trace.id}").set_value("record").run())
    assert "By which this can be checked" in words(app) and str(row(trace).inputs_sha) in words(app)
    press(app, "Download to print")
    (file,) = config.folder("exports").glob("*.html")
    assert "Decision record: Pays back" in file.read_text()
