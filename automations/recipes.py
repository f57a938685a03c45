"""Recipes as they are kept: each saving is a numbered version that nobody changes. One that is not finished yet may be kept too."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, func, select

from automations import RECIPE, checking, recipe
from automations.recipe import Recipe
from automations.running import Steps
from automations.steps.face import Declarations
from data import access, audit, releases, store, versions
from data.errors import Refused
from data.masking import masked
from data.tables import Person, Trace, Version
from data.values import Target


@dataclass(frozen=True)
class Kept:
    """A recipe with its newest version, and which is live."""

    name: str
    newest: Version
    live: int | None

    @property
    def title(self) -> str:
        return str(self.newest.body.get("title") or self.name)


def save(made: Recipe, *, why: str, based_on: int | None, by: Person, at: datetime | None = None) -> Version:
    """The next version. `based_on` is the one that was edited: nobody overwrites what a colleague saved meanwhile."""
    access.require(by, "automation.draft")
    if wrong := checking.name_fault(made.name):
        raise Refused(f"Not saved: {wrong}")
    with store.writing() as db:
        store.one_at_a_time(db, f"version {RECIPE} {made.name}")
        newest = db.exec(
            select(func.max(Version.target_number)).where(col(Version.target_kind) == RECIPE, Version.target_name == made.name)
        ).one()
        if newest != based_on:
            raise Refused(_meanwhile(made.name, newest, based_on))
        body = made.as_body()
        if newest is not None and versions.get(Target(RECIPE, made.name, newest)).body == body:
            raise Refused(f"Not saved: nothing changed since version {newest}.")
        kept = versions.add(db, RECIPE, made.name, by=by, manifest={"why": masked(why.strip())}, body=body, at=at)
        audit.record(db, by, "drafted", "recipe", kept.id, f"Drafted recipe '{made.name}' {kept.target_number}.", at=at)
        return kept


def _meanwhile(name: str, newest: int | None, based_on: int | None) -> str:
    if based_on is None:
        return f"Not saved: there is a recipe '{name}' already. Give yours another name, or open that one."
    if newest is None:
        return f"Not saved: there is no recipe '{name}'."
    return f"Not saved: somebody saved version {newest} while you edited version {based_on}. Open it, and change it there."


def get(name: str, number: int | None = None, *, by: Person) -> Version:
    """Without a number the newest."""
    access.require(by, "automation.read")
    if number is not None:
        return versions.get(Target(RECIPE, name, number))
    found = versions.all_of(RECIPE, name)
    if not found:
        raise Refused(f"There is no recipe '{name}'.")
    return found[0]


def title_of(trace: Trace) -> str:
    """Of the recipe that ran, as people read it."""
    body = versions.get(Target(trace.target_kind, trace.target_name, trace.target_number)).body
    return f"{body.get('title') or trace.target_name} {trace.target_number}"


def read(version: Version) -> Recipe:
    return recipe.of(version.body)


def history(name: str, *, by: Person) -> list[Version]:
    """Newest first."""
    access.require(by, "automation.read")
    return versions.all_of(RECIPE, name)


def listed(*, by: Person) -> list[Kept]:
    """By name."""
    access.require(by, "automation.read")
    newest = (
        select(Version.target_name, func.max(Version.target_number).label("number"))
        .where(Version.target_kind == RECIPE)
        .group_by(Version.target_name)
        .subquery()
    )
    query = select(Version).join(
        newest, (col(Version.target_name) == newest.c.target_name) & (col(Version.target_number) == newest.c.number)
    )
    with store.reading() as db:
        found = list(db.exec(query.where(Version.target_kind == RECIPE).order_by(Version.target_name)))
        live = {one.target_name: one.target_number for one in releases.all_live(db, RECIPE)}
        return [Kept(one.target_name, one, live.get(one.target_name)) for one in found]


def require_whole(made: Recipe, steps: Steps) -> None:
    """Refused with all that is to be mended before it can run."""
    recipe.check(made, declared(steps))


def declared(steps: Steps) -> Declarations:
    return {name: step.declaration for name, step in steps.items()}
