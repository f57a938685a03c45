"""What runs said, a page at a time: a run of 20,000 answers is never read whole."""

from dataclasses import dataclass

from sqlalchemy import and_
from sqlmodel import col, func, select

from data import access, store
from data.tables import Case, EvalSet, Person, Result, Run, Score, SetVersion
from evals import scores

PAGE = 20


@dataclass(frozen=True)
class About:
    """A run and what it was on."""

    run: Run
    version: SetVersion
    eval_set: EvalSet


def about(run_id: str, *, by: Person) -> About | None:
    access.require(by, "eval_set.read")
    with store.reading() as db:
        run = db.get(Run, run_id)
        if run is None:
            return None
        version = db.get_one(SetVersion, run.set_version_id)
        return About(run, version, db.get_one(EvalSet, version.eval_set_id))


def cases(run_id: str, *, passed: bool, by: Person, start: int = 0, most: int = PAGE) -> list[Case]:
    """Those that failed, or those that passed, by number."""
    access.require(by, "eval_set.read")
    found = scores.passes(run_id)
    query = select(Case).join(found, and_(found.c.case_id == col(Case.id), found.c.passed == int(passed)))
    with store.reading() as db:
        return list(db.exec(query.order_by(col(Case.number), col(Case.key)).offset(start).limit(most)))


@dataclass(frozen=True)
class Said:
    """One answer to a case, and what each grader said of it."""

    result: Result
    grades: list[Score]


def said(run_id: str, case_id: str, *, by: Person) -> list[Said]:
    """What the run answered to the case, each time it was asked."""
    access.require(by, "eval_set.read")
    with store.reading() as db:
        query = select(Result).where(Result.run_id == run_id, Result.case_id == case_id)
        results = list(db.exec(query.order_by(col(Result.repeat))))
        graded = scores.of_results(db, [result.id for result in results])
    return [Said(result, graded[result.id]) for result in results]


@dataclass(frozen=True)
class Pace:
    """How long answers took, and what they cost."""

    ms: float
    errors: int
    cost: float


def pace(run_id: str, *, by: Person) -> Pace:
    access.require(by, "eval_set.read")
    with store.reading() as db:
        of_run = Result.run_id == run_id
        count, cost = db.exec(select(func.count(), func.coalesce(func.sum(Result.cost), 0.0)).where(of_run)).one()
        errors = db.exec(select(func.count()).where(of_run, Result.error != "")).one()
        middle = db.exec(select(Result.ms).where(of_run).order_by(col(Result.ms)).offset(count // 2).limit(1)).first()
    return Pace(middle or 0.0, errors, cost)
