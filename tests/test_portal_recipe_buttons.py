"""Recipes with a button, on the conversation's page: pressed they run once, and what they did stands beside the conversation."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from automations import RECIPE, recipes
from automations.recipe import Act, Recipe, Trigger
from automations.shop import server
from automations.shop.ledger import Ledger
from data import approvals, conversations, releases, store
from data.intake import door
from data.tables import Person
from data.values import Target, now
from portal import jobs, widgets
from tests.conftest import Staff, hire
from tests.conversations import canonical
from tests.test_api_automations import BUTTONS, bought, button
from tests.test_automations_actions import TOKEN
from tests.test_screens import button as button_named
from tests.test_screens import open_screen, sit_down
from tests.test_screens_evals import drawn, words

TAG = Act("tag", "tag", {"tag": "seen"})


@dataclass
class Desk:
    staff: Staff
    ledger: Ledger
    conversation_id: str

    def refunded(self) -> list[int]:
        return [entry.amount for entry in self.ledger.order("R-1", at=now()).entries]


@pytest.fixture
def desk(sqlite_home: Path) -> Iterator[Desk]:
    """A shop runs beside the portal; nothing is in force yet."""
    staff = hire()
    said = canonical(1, team="Oak", channel="chat", opened_at=now(), messages=[{"role": "customer", "text": "It came late."}])
    (made,) = door.receive([said], by=staff.engineer, classify=False).ids
    found = conversations.get(made, by=staff.engineer)
    assert found is not None
    ledger = Ledger(sqlite_home / "shop.db")
    bought(ledger, "R-1", found[0].customer_id)
    (sqlite_home / "shop.token").write_text(TOKEN)
    with server.running(ledger, TOKEN) as address:
        (sqlite_home / "shop.address").write_text(address)
        yield Desk(staff, ledger, made)
    ledger.close()


def in_force(desk: Desk, *made: Recipe) -> None:
    for recipe in made:
        recipes.save(recipe, why="Often.", based_on=None, by=desk.staff.rep)
        with store.writing() as db:
            releases.go_live(db, Target(RECIPE, recipe.name, 1), proposal_id=None, why_before_ends="", by=desk.staff.rep)


def opened(desk: Desk, by: Person | None = None) -> AppTest:
    return drawn(open_screen(sit_down(by or desk.staff.rep), "conversation", conversation=desk.conversation_id))


def buttons(app: AppTest) -> list[str]:
    return [one.label.replace("\\", "") for one in app.button if (one.key or "").startswith("recipe_button_")]


def test_the_buttons_of_what_is_in_force_stand_with_their_own_words(desk: Desk) -> None:
    assert buttons(opened(desk)) == []
    in_force(desk, *BUTTONS, Recipe("by-itself", "By itself", acts=(TAG,)))
    recipes.save(button("draft", TAG), why="New.", based_on=None, by=desk.staff.rep)
    assert buttons(opened(desk)) == ["Do invoice", "Do late", "Do much"]  # one is for mails


def test_words_are_only_words(desk: Desk) -> None:
    in_force(desk, Recipe("odd", "Odd", trigger=Trigger("button", button="**Pay** [now](http://x)"), acts=(TAG,)))
    (one,) = [one for one in opened(desk).button if (one.key or "").startswith("recipe_button_")]
    assert one.label == widgets.plain("**Pay** [now](http://x)") and one.label.startswith(r"\*\*Pay")


def test_who_may_run_none_sees_none(desk: Desk) -> None:
    in_force(desk, *BUTTONS)
    assert buttons(opened(desk, desk.staff.admin)) == []
    assert len(buttons(opened(desk, desk.staff.engineer))) == 3  # the control


def test_pressed_it_runs_once_and_what_it_did_stands_there(desk: Desk) -> None:
    in_force(desk, *BUTTONS)
    app = opened(desk)
    drawn(button_named(app, "Do late").click().run())
    assert [one.value.replace("\\", "") for one in app.toast] == [
        "Refund 20.00 EUR of order R-1. Tag the conversation 'refunded'. "
        'Draft the reply "20 euros are on their way. Questions: ‹EMAIL 1›".'
    ]  # fmt: skip
    assert "Refund 20.00 EUR of order R-1" in words(app) and desk.refunded() == [2000]
    drawn(button_named(app, "Do late").click().run())
    assert desk.refunded() == [2000] and words(app).count("Refund 20.00 EUR of order R-1") == 2  # the toast, and the line beside


def test_above_what_it_may_do_alone_it_says_whose_yes_it_waits_for(desk: Desk) -> None:
    in_force(desk, *BUTTONS)
    app = opened(desk)
    drawn(button_named(app, "Do much").click().run())
    assert [one.value.replace("\\", "") for one in app.toast] == ["Refund 45.00 EUR of order R-1. A lead decides."]
    assert words(app).count("Refund 45.00 EUR of order R-1. A lead decides.") == 2  # the toast, and beside the conversation
    assert "waits for a yes" in words(app) and "A person decides on it" in words(app) and desk.refunded() == []
    (proposal,) = approvals.waiting(by=desk.staff.lead)
    approvals.approve(proposal.id, by=desk.staff.lead)
    jobs.run_waiting()
    assert desk.refunded() == [4500] and "no channel is connected that replies go out by" in words(opened(desk))


def test_one_that_was_stopped_since_is_refused_in_words(desk: Desk) -> None:
    in_force(desk, *BUTTONS)
    app = opened(desk)
    with store.writing() as db:
        release = releases.live_in(db, RECIPE, "late")
        assert release is not None
        releases.stop(db, release, why="Too many.", by=desk.staff.lead)
    drawn(button_named(app, "Do late").click().run())
    assert "Not run: no version of 'late' is in force for this customer." in words(app)
    assert desk.refunded() == [] and "Do late" not in buttons(app)
