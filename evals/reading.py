"""What runs said, a page at a time: a run of 20,000 answers is never read whole."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_
from sqlmodel import col, func, select

from data import access, store
from data.tables import Case, CaseChange, EvalSet, Example, Person, Result, Run, Score, SetVersion
from evals import scores, sets
from evals.targets import PEOPLE

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


def cases(run_id: str, *, passed: bool, by: Person, unjudged: bool | None = None, start: int = 0, most: int = PAGE) -> list[Case]:
    """Those that failed, or those that passed, by number; of those that did not pass, if asked, only the ones that nobody could judge."""
    access.require(by, "eval_set.read")
    found = scores.passes(run_id)
    query = select(Case).join(found, and_(found.c.case_id == col(Case.id), found.c.passed == int(passed)))
    if unjudged is not None:
        query = query.where(found.c.unjudged == int(unjudged))
    with store.reading() as db:
        return list(db.exec(query.order_by(col(Case.number), col(Case.key)).offset(start).limit(most)))


def unjudged(run_id: str, *, by: Person) -> scores.Unjudged:
    """How many of its cases nobody could judge, and why."""
    access.require(by, "eval_set.read")
    with store.reading() as db:
        return scores.unjudged(db, run_id)


def given_back(run: Run, *, by: Person) -> str:
    """Where people's own replies are judged by these very replies: how often, in a sentence; empty where they never are."""
    access.require(by, "eval_set.read")
    if run.target_kind != PEOPLE.kind:
        return ""
    cases = sets.cases(run.set_version_id)
    same = sum(_is_given(case, "reply") or _is_given(case, "text") for case in cases)
    avoided = sum(_is_given(case, "not_reply") for case in cases)
    told = [_by_itself(same, "expect", "the very reply that was given", "pass")] if same else []
    told += [_by_itself(avoided, "forbid", "the very reply that was given", "fail")] if avoided else []
    of = f"Of {len(cases):,} {'case' if len(cases) == 1 else 'cases'}"
    return f"{of} {', '.join(told)}: there 'What people replied' is no measure of people." if told else ""


def _by_itself(count: int, verb: str, what: str, end: str) -> str:
    ends = ("s", "es" if end == "pass" else "s") if count == 1 else ("", "")
    return f"{count:,} {verb}{ends[0]} {what} and {end}{ends[1]} by that alone"


def _is_given(case: Case, name: str) -> bool:
    wanted = case.expected.get(name)
    return isinstance(wanted, str) and bool(wanted.strip()) and " ".join(wanted.split()) == " ".join(sets.replied_in(case).split())


@dataclass(frozen=True)
class Origin:
    """How a case came into its set."""

    how: str
    why: str
    person_id: str | None
    at: datetime


def origin(case: Case, *, by: Person) -> Origin | None:
    """Who flagged or added it, and why they found it a good test."""
    access.require(by, "eval_set.read")
    with store.reading() as db:
        if case.example_id and (flag := db.get(Example, case.example_id)):
            return Origin(f"Flagged as {flag.kind}", flag.why, flag.by_person_id, flag.at)
        version = db.get(SetVersion, case.set_version_id)
        added = select(CaseChange).where(
            CaseChange.key == case.key, CaseChange.change == "add", CaseChange.eval_set_id == (version.eval_set_id if version else ""),
            col(CaseChange.set_version_id).is_not(None),
        )  # fmt: skip
        found = db.exec(added.order_by(col(CaseChange.id))).first()
        return Origin("Added", found.why, found.by_person_id, found.at) if found else None


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
