"""A refusal is told above the page, and the panel in which somebody types stays as it is."""

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser import desk, drawn, settled, shoot
from tests.server import serving
from tests.test_journey_evals import SET, by_email


def test_what_was_typed_stays_in_its_panel_when_it_is_refused(browser: Browser, demo: Path) -> None:
    from evals import sets
    from tests.conftest import let_go

    made = sets.create(SET, purpose="answer", by=by_email("lena.hoffmann"))
    let_go()
    complaints: list[str] = []
    with serving(demo) as server, desk(browser, server.base, "Alma Berger", complaints) as rep:
        rep.goto(f"{server.base}/eval_sets?set={made.id}")
        rep.get_by_text("Waiting", exact=True).click()
        drawn(rep)
        rep.get_by_role("button", name="Type a case").click()
        wrote = rep.get_by_label("The customer writes")
        wrote.fill("When do I get my money back?")
        rep.get_by_role("button", name="Add it").click()
        expect(rep.get_by_text("Not added: the case cannot be judged")).to_be_visible()
        settled(rep)
        drawn(rep)
        shoot(rep, "evals-6-refused")
        expect(wrote).to_be_visible()
        expect(wrote).to_have_value("When do I get my money back?")
        rep.get_by_label("It must say, a line each").fill("14 days")
        rep.get_by_role("button", name="Add it").click()
        expect(rep.get_by_text("Added. It is in the set once it is frozen.")).to_be_visible()
    assert complaints == []
