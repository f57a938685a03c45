"""The demo's recipes: begun from the ready ones, one changed after a look at what it would have done."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from automations import RECIPE, backtest, gallery, recipes
from automations.conversing import Connected
from automations.recipe import Act, Limits
from automations.steps.all import STEPS
from data.tables import Person
from data.values import Target

WHY = {
    "where-is-my-order": "Asked more often than anything else.",
    "late-parcel": "We pay five euros back by hand, twenty times a week.",
    "answer-from-articles": "What the articles say, nobody should have to type.",
    "complaint-first": "Complaints waited behind parcels.",
}
TRIED = 100  # conversations of the backtest


def draft(staff: Mapping[str, Person], *, connected: Connected, at: datetime) -> None:
    """By reps and an engineer, over the last days."""
    ready = {one.name: one for one in gallery.ready()}
    authors = ("Alma Berger", "Nora Engel", "Elif Kaya", "Alma Berger")
    for place, ((name, why), author) in enumerate(zip(WHY.items(), authors, strict=True)):
        recipes.save(ready[name], why=why, based_on=None, by=staff[author], at=at - timedelta(days=9 - place))
    one = ready["where-is-my-order"]
    nora = staff["Nora Engel"]
    backtest.run(Target(RECIPE, one.name, 1), connected=connected, steps=STEPS, by=nora, most=TRIED, at=at - timedelta(days=3))
    marked = Act("tag", "marked", {"tag": "where-is-it"})
    limits = Limits(runs_per_day=150)
    changed = replace(one, acts=(*one.acts, marked), limits=limits, alone=replace(one.alone, changes=(*one.alone.changes, "tag")))
    recipes.save(changed, why="So that we can count them.", based_on=1, by=staff["Alma Berger"], at=at - timedelta(days=2))
    backtest.run(Target(RECIPE, one.name, 2), connected=connected, steps=STEPS, by=nora, most=TRIED, at=at - timedelta(days=1))
