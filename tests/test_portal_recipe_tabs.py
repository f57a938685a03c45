"""Whoever is led to another part of a recipe's page sees the control mark that part."""

from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from automations import recipes
from data.config import ROOT
from tests.conftest import Staff, hire
from tests.test_automations_failures import NAME
from tests.test_automations_release import SMALL, kept
from tests.test_portal_recipe_failures import failed, points
from tests.test_portal_recipe_release import release_of
from tests.test_screens_evals import drawn, words
from tests.test_screens_knowledge import opened


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    return hire()


def marked(app: AppTest) -> str:
    (control,) = [one for one in app.get("button_group") if str(one.key).startswith("automations_tab_")]
    return str(control.value)


def pressed(app: AppTest, begins: str) -> AppTest:
    """By its key or its label."""
    return drawn(next(one for one in app.button if str(one.key).startswith(begins) or one.label == begins).click().run())


def test_what_mends_a_release_is_shown_and_marked(desk: Staff) -> None:
    kept(SMALL, desk)
    app = release_of(desk.lead)
    assert marked(app) == "release"  # the control
    app = pressed(app, "Open Backtest")
    assert marked(app) == "backtest" and "Version 1 was not backtested yet." in words(app)
    assert "default value" not in words(app)  # two places that say which part it is
    app = drawn(app.get("button_group")[0].set_value("versions").run())  # it goes on as people press it
    assert marked(app) == "versions"


def test_what_mends_a_failure_is_shown_and_marked_and_so_is_a_run(desk: Staff) -> None:
    failed(desk, 1)
    app = points(desk.rep)
    assert marked(app) == "failures"
    app = pressed(app, "failures_fix_")
    assert marked(app) == "steps" and "1 · Look up order" in words(app)
    app = pressed(points(desk.rep), "failures_example_")
    assert marked(app) == "runs" and "One by one" not in words(app)


def test_an_older_version_that_is_taken_as_a_draft_is_shown_in_its_steps(desk: Staff) -> None:
    kept(SMALL, desk)
    newest = recipes.history(SMALL.name, by=desk.rep)[0]
    recipes.save(replace(SMALL, title="Another title"), why="So.", based_on=newest.target_number, by=desk.rep)
    app = opened(desk.rep, "automations", recipe=SMALL.name, version="1", tab="versions")
    assert marked(app) == "versions"
    app = pressed(app, "Take it as a new draft")
    assert marked(app) == "steps" and "This is version 1." not in words(app)


def test_a_part_that_a_page_has_not_got_is_its_first_one(desk: Staff) -> None:
    failed(desk, 1)
    app = opened(desk.admin, "automations", recipe=NAME, tab="failures")
    fixes = [one for one in app.button if str(one.key).startswith("failures_fix_")]
    for one in fixes[:1]:
        assert marked(drawn(one.click().run())) == "picture"
    assert fixes


def test_nobody_only_forgets_which_part_was_shown() -> None:
    """A control that was only forgotten goes on marking where it was, in a browser."""
    for path in (ROOT / "portal").rglob("*.py"):
        assert "automations_tab_" not in path.read_text() or path.name == "recipe_tabs.py", path.name
