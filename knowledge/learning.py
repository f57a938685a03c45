"""From which surety on an answerer would speak: learned from a set's questions in the background, looked at before it is made."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from data import access, store
from data.errors import Refused
from data.tables import Person, Study
from data.values import Target, now
from evals import sets
from knowledge import answerers, in_force, ladder, steps
from knowledge.answerers import Setup
from knowledge.retrieval.combination import Combination
from knowledge.retrieval.rungs import RERANKER

KIND = "learned"
LATELY = 50  # studies that are looked through

Progress = Callable[[float, str], None]


def learn(
    target: Target, rungs: Sequence[str], set_version_id: str, *, precision: float, by: Person,
    progress: Progress = lambda _share, _doing: None, at: datetime | None = None,
) -> Study:  # fmt: skip
    """With these rungs in the version's place. Nothing is made of it: what it would do is kept beside the version."""
    access.require(by, "answerer.make")
    if not sets.case_count(set_version_id):
        raise Refused("Not learned: that set has no questions. Freeze one that has some first.")
    setup, mark = answerers.setup_of(target), in_force.mark()
    progress(0.1, "Learning how much each rung counts")
    combination = combined(setup, rungs, set_version_id, by=by)
    progress(0.3, "Answering each question")
    found = answerers.learn(replace(setup, combination=combination), set_version_id, target=precision, by=by)
    version = answerers.version_of(target, by=by, at=at)
    told = _asked(target, rungs, set_version_id, precision) | mark | {
        "setup": found.setup.as_body(), "sentence": found.threshold.sentence, "speaks": bool(found.threshold.right.n)
    }  # fmt: skip
    with store.writing() as db:
        made = Study(version_id=version.id, kind=KIND, told=told, by_person_id=access.whose(by), at=at or now())
        db.add(made)
        return made


def newest(target: Target, rungs: Sequence[str], set_version_id: str, *, precision: float, by: Person) -> Study | None:
    """What was learned last for exactly this, from the articles that are in force."""
    access.require(by, "article.read")
    asked = _asked(target, rungs, set_version_id, precision)
    query = select(Study).where(Study.kind == KIND).order_by(col(Study.at).desc(), col(Study.id).desc())
    with store.reading() as db:
        found = [one for one in db.exec(query.limit(LATELY)) if asked.items() <= one.told.items()]
    return next((one for one in found if in_force.is_as_marked(one.told)), None)


def _asked(target: Target, rungs: Sequence[str], set_version_id: str, precision: float) -> dict[str, Any]:
    return {
        "answerer": target.number, "rungs": sorted(rungs), "set_version_id": set_version_id, "precision": precision
    }  # fmt: skip


def setup_of(study: Study) -> Setup:
    return Setup.of(study.told["setup"])


def combined(setup: Setup, rungs: Sequence[str], set_version_id: str, *, by: Person) -> Combination:
    """The version's way to find with these rungs, in the order that people's choices teach where that is one of them."""
    access.require(by, "answerer.make")
    found = steps.chosen(frozenset(rungs), setup.combination)
    return ladder.in_order(found, set_version_id, by=by) if RERANKER in rungs and not found.learned else found
