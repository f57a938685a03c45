"""A second agent as people see it begin and be judged: beside a cause, in the draft, and on the page of the version that has it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from automations import failures, growing, recipe, recipes
from automations.conversing import Connected
from automations.growing import BEGUN, GROWN
from automations.shop import server
from automations.shop.client import Shop
from automations.shop.ledger import Ledger
from automations.steps.all import STEPS
from data import store, tasks
from data.tables import Person, Study
from data.values import Target, now
from portal import jobs
from portal.recipe_growing import JOB
from tests.conftest import hire
from tests.test_automations_backtest import TOKEN, Market
from tests.test_automations_failures import LOOKS, broken, in_force
from tests.test_automations_failures import NAME as PLAIN
from tests.test_automations_growing import LATER, NAME, PAYS, Grown, Works, grown
from tests.test_screens_evals import drawn, labels_of, words
from tests.test_screens_knowledge import check_words_only, opened

ADD, COMPARE = "Add an agent for these", "Compare on these cases"


@pytest.fixture
def market(sqlite_home: Any, tmp_path: Path) -> Iterator[Market]:
    ledger = Ledger(tmp_path / "shop.db")
    with server.running(ledger, TOKEN) as address:
        yield Market(hire(), Shop(address, TOKEN), ledger)
    ledger.close()


def page(by: Person, tab: str, name: str = NAME, **more: str) -> AppTest:
    return opened(by, "automations", recipe=name, tab=tab, **more)


def press(app: AppTest, label: str) -> AppTest:
    return drawn(next(one for one in app.button if one.label == label).click().run())


def studies(kind: str) -> list[Study]:
    with store.reading() as db:
        return list(db.exec(select(Study).where(Study.kind == kind)))


def begun(made: Grown) -> Target:
    """With a second agent that helps, as a version."""
    made.begin()
    return made.saved(PAYS)


def test_an_agent_begins_beside_the_cause_of_what_failed_as_a_draft(market: Market) -> None:
    made = grown(market, 2, 2)
    app = press(page(market.staff.lead, "failures"), ADD)
    told = words(app)
    assert "Wrong value" in told and "Save as version 2" in labels_of(app)
    assert next(one for one in app.get("button_group") if str(one.key).startswith("automations_tab_")).value == "steps"
    shown = {one.label: one.value for one in (*app.text_input, *app.text_area, *app.multiselect)}
    assert (shown["Name"], shown["What it is for"]) == ("wrong_value", "Cases where a step was given, or says, something wrong.")
    assert shown["Instructions"] == "" and "it has no instructions" in told
    assert len(recipes.history(NAME, by=market.staff.lead)) == 1  # nothing is saved by it
    (kept,) = studies(BEGUN)
    assert set(kept.told["failing"]) == set(made.failing) and kept.by_person_id == market.staff.lead.id


def test_what_was_typed_before_stays_in_the_draft(market: Market) -> None:
    grown(market, 1, 1)
    app = press(page(market.staff.lead, "steps"), "Edit")
    title = next(one for one in app.text_input if one.label == "Title" and one.value == "Where is my refund, answered by an agent")
    app = drawn(title.set_value("Refunds, asked after").run())
    app = drawn(next(one for one in app.get("button_group") if str(one.key).startswith("automations_tab_")).set_value("failures").run())
    app = press(app, ADD)
    assert "Refunds, asked after" in [one.value for one in app.text_input] or "Refunds, asked after" in words(app)
    assert "wrong_value" in [one.value for one in app.text_input]


def test_who_may_not_draft_is_offered_none(market: Market) -> None:
    grown(market, 1, 0)
    assert ADD in labels_of(page(market.staff.lead, "failures"))
    assert ADD not in labels_of(page(market.staff.admin, "failures"))


def test_a_recipe_that_works_without_agents_is_offered_none(market: Market) -> None:
    in_force(market.staff, LOOKS)
    broken(market.staff)
    failures.look()
    app = page(market.staff.lead, "failures", PLAIN)
    assert "1 of 1 run failed or was corrected." in words(app) and ADD not in labels_of(app)


def test_a_version_that_has_it_says_what_it_is_compared_with_and_begins_the_job(market: Market) -> None:
    begun(grown(market, 2, 2))
    app = page(market.staff.lead, "backtest")
    told = words(app)
    assert "Does the agent 'wrong\\_value' help?" in told or "Does the agent 'wrong_value' help?" in told
    assert "It was begun for 2 cases that failed" in told and "on 2 that went well" in told
    press(app, COMPARE)
    (task,) = [one for one in tasks.waiting() if one.name == JOB]
    assert task.arguments == {"name": NAME, "number": 2} and task.person_id == market.staff.lead.id
    jobs.run_waiting()
    assert "older than a day" in (tasks.recent(by=market.staff.lead)[0].error or "")  # what people do with these is not known yet
    assert "Does the agent" not in words(page(market.staff.lead, "backtest", version="1"))


def test_the_verdict_its_figures_and_each_case_that_changed_are_shown(market: Market) -> None:
    made = grown(market)
    target = begun(made)
    connected = Connected(shop=market.shop, talk=Works())
    study = growing.compare(target, connected=connected, steps=STEPS, by=market.staff.lead, at=now() + LATER)
    app = page(market.staff.lead, "backtest")
    told = words(app)
    assert "Better" in told and "6 of 6 go right with it and 0 did before" in told and f"{COMPARE} again" in labels_of(app)
    assert "6 cases changed" in told and "decided by scripted" in told
    frames = [one.value for one in app.dataframe]
    figures = next(one for one in frames if "Measure" in one.columns)
    row = figures[figures["Measure"].str.startswith("Goes right")].iloc[0].tolist()
    assert row[1:] == ["0 of 6", "6 of 6", "6 of 6", "6 of 6"]
    cases = next(one for one in frames if "Change" in one.columns)
    assert set(cases["Change"]) == {"fixed"} and set(cases["With it"]) == {"served, 5.00, by wrong_value"}
    assert all(one.startswith("hands over: Nothing more was done") for one in cases["Without it"])
    assert "McNemar's exact test on the 6 cases that changed" in told
    check_words_only(app)
    assert study.kind == GROWN


def test_of_another_teams_cases_only_the_figures_are_seen_and_an_admin_starts_nothing(market: Market) -> None:
    target = begun(grown(market, 2, 2))
    connected = Connected(shop=market.shop, talk=Works())
    growing.compare(target, connected=connected, steps=STEPS, by=market.staff.lead, at=now() + LATER)
    other = words(page(market.staff.other, "backtest"))
    assert "2 of 2 go right with it" in other and "No case within your reach changed." in other
    admin = page(market.staff.admin, "backtest")
    assert "2 of 2 go right with it" in words(admin)
    assert not {COMPARE, f"{COMPARE} again"} & set(labels_of(admin))


def test_a_recipe_whose_agents_nobody_grew_says_nothing_of_it(market: Market) -> None:
    made = grown(market, 1, 1)
    recipes.save(recipe.of(recipes.get(NAME, by=market.staff.lead).body | {"title": "Other"}), why="", based_on=1, by=market.staff.lead)
    assert "Does the agent" not in words(page(market.staff.lead, "backtest"))
    assert growing.plan_for(Target("recipe", NAME, 2), by=market.staff.lead) is None and made.failing
