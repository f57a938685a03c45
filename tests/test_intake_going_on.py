"""A conversation that went on, by whichever way we hear of it, is looked at again: by the classifier's task, and by recipes after it."""

from collections.abc import Callable

import pytest
from sqlmodel import col, select

from automations import RECIPE, recipes
from automations.recipe import NEW_MESSAGE, Act, Alone, Limits, Recipe, Trigger
from data import releases, store, tasks
from data.intake import appending, door
from data.intake.canonical import CanonicalMessage
from data.tables import Trace
from data.values import Target, now
from portal import jobs
from tests.conftest import Staff
from tests.conversations import canonical

FIRST = {"role": "customer", "text": "Where is my order?", "id": "a"}
MORE = [{"role": "rep", "text": "On its way.", "id": "b"}, {"role": "customer", "text": "Still nothing.", "id": "c"}]
TAG = Act("tag", "tag", {"tag": "wrote again"})


def in_force(staff: Staff) -> None:
    made = Recipe(
        "again", "Again", trigger=Trigger(NEW_MESSAGE), acts=(TAG,), limits=Limits(runs_per_day=100), alone=Alone(changes=("tag",))
    )
    recipes.save(made, why="Often.", based_on=None, by=staff.rep)
    with store.writing() as db:
        releases.go_live(db, Target(RECIPE, "again", 1), proposal_id=None, why_before_ends="", by=staff.rep)


def pulled(staff: Staff, *messages: dict[str, str]) -> None:
    """As a help desk tells it: the whole conversation as it is now."""
    told = canonical(1, team="Oak", channel="chat", opened_at=OPENED, messages=list(messages))
    door.keep(door.prepare([told], by=staff.engineer))


def sent(staff: Staff) -> None:
    """As a product tells it: what came after."""
    appending.append(("test", "1"), [CanonicalMessage.model_validate(one) for one in MORE], by=staff.engineer)


OPENED = now()
WAYS: dict[str, Callable[[Staff], None]] = {"pulled": lambda staff: pulled(staff, FIRST, *MORE), "sent": sent}


@pytest.mark.parametrize("way", WAYS)
def test_a_new_message_of_the_customer_sets_a_recipe_off(staff: Staff, way: str) -> None:
    in_force(staff)
    pulled(staff, FIRST)
    jobs.run_waiting()
    assert runs() == []  # it is the first message: nobody had answered
    WAYS[way](staff)
    assert [task.name for task in tasks.waiting()] == ["classify"]
    jobs.run_waiting()
    assert runs() == [(3, "done")]
    pulled(staff, FIRST, *MORE)  # nothing new was said
    jobs.run_waiting()
    assert runs() == [(3, "done")]


def test_where_nothing_looks_at_it_nobody_is_called(staff: Staff) -> None:
    """The control."""
    pulled(staff, FIRST)
    pulled(staff, FIRST, *MORE)
    assert tasks.waiting() == [] and runs() == []


def runs() -> list[tuple[int | None, str]]:
    with store.reading() as db:
        return [(one.seq, one.state) for one in db.exec(select(Trace).order_by(col(Trace.id)))]
