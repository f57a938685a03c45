"""The Release section as people see it: what speaks against it, the form, the way there with its figures, and the switch."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from automations import RECIPE, recipes
from automations.recipe import Recipe
from data import approvals, releases, store, tasks, traces
from data.intake import door
from data.tables import Conversation, Release
from data.values import LIVE, SHADOW, Subject, Target, now
from evals import changes, freezing, graders, sets
from evals.cases import NewCase
from portal import jobs
from tests.conftest import Staff, hire
from tests.conversations import canonical
from tests.test_automations_release import ASKS, PAYS, SMALL, backtested, kept
from tests.test_screens_automations import press
from tests.test_screens_evals import drawn, labels_of, words
from tests.test_screens_knowledge import check_words_only, opened


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    return hire()


def release_of(by: Any, made: Recipe = SMALL, **address: str) -> AppTest:
    return opened(by, "automations", recipe=made.name, tab="release", **address)


def under_way(staff: Staff, made: Recipe = SMALL, percent: int = 0, days: float = 2) -> Release:
    target, at = kept(made, staff), now() - timedelta(days=days)
    backtested(target)
    with store.writing() as db:
        begun = releases.begin(db, target, proposal_id=None, by_itself=False, by=staff.lead, audience={"channel": ["chat"]}, at=at)
        return releases.widen(db, begun, percent, why="It does well.", by=staff.lead, at=at) if percent else begun


def live(staff: Staff, made: Recipe = SMALL, days: float = 20) -> Release:
    target = kept(made, staff)
    backtested(target)
    with store.writing() as db:
        return releases.go_live(
            db, target, proposal_id=None, why_before_ends="followed", by=staff.lead, at=now() - timedelta(days=days)
        )  # fmt: skip


def ran(staff: Staff, mode: str, count: int, *, well: int, first: int, state: str = "done") -> None:
    told = [canonical(number, team="Oak", channel="chat", customer=f"c {number}", csat=5) for number in range(first, first + count)]
    with store.writing() as db:
        for place, made in enumerate(door.receive(told, by=staff.engineer, classify=False).ids):
            db.get_one(Conversation, made).resolved = place < well
            trace = traces.answered(db, Target(RECIPE, SMALL.name, 1), {}, by=None, mode=mode, subject=Subject(made, 1))
            traces.end(db, trace, state)


def type_into(app: AppTest, key: str, text: str) -> None:
    drawn(app.text_input(key=key).set_value(text).run())


# -- before


def test_what_speaks_against_it_stands_there_with_the_way_to_mend_it(desk: Staff) -> None:
    kept(SMALL, desk)
    app = release_of(desk.lead)
    assert "Release version 1" in words(app) and "This version was not backtested yet." in words(app)
    assert app.button(key="automations_release").disabled and "No eval set was made for it." in words(app)
    press(app, "Open Backtest")
    assert "Version 1 was not backtested yet." in words(app) and "Backtest on the last 500" in labels_of(app)
    check_words_only(app)


def test_a_lead_releases_what_is_at_low_stake_for_whom_it_is(desk: Staff) -> None:
    backtested(kept(SMALL, desk))
    app = release_of(desk.lead)
    assert "Nothing speaks against it." in words(app) and "one lead or engineer is enough" in words(app)
    drawn(app.multiselect(key="automations_for_channel").set_value(["chat"]).run())
    press(app, "Release version 1")
    assert "Not released: say why" in words(app) and app.multiselect(key="automations_for_channel").value == ["chat"]
    type_into(app, "automations_release_why", "Often asked for.")
    press(app, "Release version 1")
    begun = releases.under_way(RECIPE, SMALL.name)
    assert begun is not None and begun.audience == {"channel": ["chat"]}
    assert "is tried with nothing leaving" in words(app) and "for Chat" in words(app)
    check_words_only(app)


def test_a_rep_proposes_it_and_sees_that_it_waits(desk: Staff) -> None:
    backtested(kept(PAYS, desk))
    app = release_of(desk.rep, PAYS)
    assert "a second person says yes first" in words(app)
    type_into(app, "automations_release_why", "Often asked for.")
    press(app, "Propose version 1")
    assert [one.kind for one in approvals.waiting(by=desk.lead)] == ["publish_recipe"]
    assert "Waits for a second person: release recipe 'late parcel' 1" in labels_of(app)
    assert "automations_release" not in [one.key for one in app.button]
    check_words_only(app)


def test_an_admin_sees_it_and_proposes_nothing(desk: Staff) -> None:
    backtested(kept(SMALL, desk))
    app = release_of(desk.admin)
    assert "A rep, a lead or an engineer proposes it." in words(app) and "automations_release" not in [one.key for one in app.button]


def test_an_eval_set_is_made_for_it_and_run(desk: Staff) -> None:
    backtested(kept(SMALL, desk))
    assert "Make an eval set" not in labels_of(release_of(desk.rep))
    app = press(release_of(desk.lead), "Make an eval set")
    (made,) = sets.all_sets(by=desk.lead)
    assert (made.purpose, made.about) == ("automation", SMALL.name) and "Eval set 'Recipe: marked'" in words(app)
    assert "Run the set" not in labels_of(app)  # nothing is frozen in it
    does = {"tool_calls": [{"name": "tag", "arguments": {"tag": "late"}}]}
    cases = [NewCase(({"role": "customer", "text": f"Where is parcel {n}?"},), does, ("tool calls",)) for n in range(20)]
    changes.add(made.id, cases, known=graders.BY_NAME, by=desk.lead)
    freezing.freeze(made.id, by=desk.lead)
    app = release_of(desk.rep)
    assert "was not run on the newest eval set yet" in words(app)
    press(app, "Run the set")
    assert [task.name for task in tasks.waiting()] == [jobs_name := "evaluate_recipe"] and jobs.RIGHTS[jobs_name] == "automation.draft"
    jobs.run_waiting()
    assert "was not run on the newest eval set yet" not in words(release_of(desk.rep))


# -- on its way


def test_on_its_way_it_says_how_far_it_is_and_who_leads_it_on(desk: Staff) -> None:
    under_way(desk)
    assert "A lead or an engineer leads it on." in words(release_of(desk.rep))
    app = release_of(desk.lead)
    assert "It was tried on 0 conversations; the next step asks for 30." in words(app)
    press(app, "25 %")
    assert "Not changed: say why" in words(app)
    begun = releases.under_way(RECIPE, SMALL.name)
    assert begun is not None
    type_into(app, f"automations_on_why_{begun.id}", "It does well.")
    press(app, "25 %")
    assert "answers for 25 % of customers: 0 conversations" in words(app)
    assert "10 %" not in [one.label for one in app.button] and "50 %" in [one.label for one in app.button]
    press(app, "For all")
    assert "Version 1 is live" in words(app) and "5 % of customers are held out" in words(app)
    check_words_only(app)


def test_the_two_arms_stand_there_with_intervals_and_one_verdict(desk: Staff) -> None:
    under_way(desk, percent=50)
    app = release_of(desk.admin)
    assert "Nobody is in either arm yet." in words(app)
    ran(desk, LIVE, 80, well=76, first=1)
    ran(desk, SHADOW, 80, well=30, first=101)
    app = release_of(desk.admin)
    table = next(one.value for one in app.dataframe if "With it" in one.value)
    assert list(table["Measure"]) == ["Resolved", "4 or 5 stars"] and table["With it"][0].startswith("95")
    assert table["Difference, in points"][0].startswith("+57 (+") and list(table["Verdict"]) == ["Better", "Cannot tell yet"]
    assert "Better: resolved in" in words(app)
    check_words_only(app)


def test_one_that_stays_a_tenth_of_a_day_says_what_would_stop_it(desk: Staff) -> None:
    live(desk)
    ran(desk, LIVE, 4, well=4, first=1, state="handed_over")
    app = release_of(desk.rep)
    table = next(one.value for one in app.dataframe if "Stops it" in one.value)
    assert list(table["What"]) == ["Stopped by a limit or the shop", "Failed", "Satisfied, this week", "Eval set"]
    assert table["So far"][0] == "0 of 4 runs in a day" and "**4**" in words(app)
    assert "held out" not in words(app)  # it went live long ago


def test_a_lead_goes_back_to_the_version_before(desk: Staff) -> None:
    live(desk)
    second = recipes.save(replace(SMALL, title="Marked"), why="So.", based_on=1, by=desk.lead)
    with store.writing() as db:
        releases.go_live(db, Target(RECIPE, SMALL.name, second.target_number), proposal_id=None, why_before_ends="x", by=desk.lead)
    assert "Go back to a version before" not in labels_of(release_of(desk.rep))
    app = release_of(desk.lead)
    type_into(app, "automations_back_why", "It was better.")
    press(app, "Go back")
    found = releases.live(RECIPE, SMALL.name)
    assert found is not None and found.target_number == 1 and "3 releases so far" in labels_of(app)


# -- the switch


def test_a_rep_stops_it_on_its_page_with_a_reason(desk: Staff) -> None:
    live(desk)
    app = release_of(desk.rep)
    press(app, "Stop this recipe")
    assert "Not stopped: say why" in words(app) and releases.live(RECIPE, SMALL.name) is not None
    type_into(app, f"automations_stop_why_{SMALL.name}", "It marks the wrong ones.")
    press(app, "Stop this recipe")
    assert releases.live(RECIPE, SMALL.name) is None and "'marked' is stopped." in words(app)
    assert "was stopped just now: It marks the wrong ones." in words(app)  # whoever proposes it again reads why
    assert "Stop this recipe" not in labels_of(app) and "Stopped 1" in words(app)


def test_the_list_says_what_is_in_force_and_stops_each_or_all(desk: Staff) -> None:
    live(desk)
    under_way(desk, PAYS, 10)
    under_way(desk, replace(ASKS, title="It asks first"))
    kept(replace(SMALL, name="draft", title="A draft"), desk)
    app = opened(desk.rep, "automations")
    table = next(one.value for one in app.dataframe if "State" in one.value)
    assert dict(zip(table["Title"], table["State"], strict=True)) == {
        "Late parcels are marked": "live 1", "A draft": "draft 1", "Late parcel": "1 for 10 % of customers",
        "It asks first": "1 tried with nothing leaving",
    }  # fmt: skip
    assert "3 recipes are in force" in labels_of(app)
    assert [one.label for one in app.button].count("Stop this recipe") == 3
    type_into(app, "automations_stop_all_why", "The shop is wrong.")
    press(app, "Stop all of them")
    assert "3 recipes are stopped." in words(app) and "in force" not in labels_of(app)
    table = next(one.value for one in app.dataframe if "State" in one.value)
    assert sorted(table["State"]) == ["draft 1", "stopped 1", "stopped 1", "stopped 1"]
    check_words_only(app)


def test_what_is_drafted_after_what_is_in_force_says_so(desk: Staff) -> None:
    live(desk)
    recipes.save(replace(SMALL, title="Marked"), why="So.", based_on=1, by=desk.lead)
    app = opened(desk.admin, "automations")
    assert list(next(one.value for one in app.dataframe if "State" in one.value)["State"]) == ["live 1, draft 2"]
