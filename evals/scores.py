"""The quality number: what a grader said of one output. A score that is missing is never a pass."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Integer, cast
from sqlmodel import Session, col, func, select

from data import bulk, store
from data.measures import Share
from data.tables import Case, Result, Run, Score
from data.values import RUN, new_id
from evals import graders
from evals.graders.face import Graders, yes_or_no
from language.fitting import kept

PEOPLE = "a person"  # what people say of the same outputs, beside the graders: checks.py
MOST_WHYS = 3  # of graders that did not judge


def of_run(run: Run, made: Iterable[tuple[Case, dict[str, Any]]], known: Graders) -> list[dict[str, Any]]:
    """The rows for results that are about to be written: each by each of its case's graders. What failed is graded too, as no pass."""
    shared = {
        "target_kind": run.target_kind, "target_name": run.target_name, "target_number": run.target_number, "mode": RUN, "weight": 1.0,
        "by_person_id": run.by_person_id,
    }  # fmt: skip
    rows = []
    for case, result in made:
        for name in case.graders:
            grade = graders.judged(known, name, case, result["output"])
            if result["error"] and grade.passed:  # there is nothing that could be right, whatever the grader makes of it
                grade = yes_or_no(False, "there was no output")
            rows.append(shared | {
                "id": new_id(), "at": result["at"], "result_id": result["id"], "grader_name": name,
                "grader_number": known[name].NUMBER if name in known else 0, "value": grade.score, "passed": grade.passed,
                "why": kept(grade.why), "error": result["error"] or kept(grade.error),
            })  # fmt: skip
    return rows


def write(db: Session, rows: Sequence[dict[str, Any]]) -> None:
    bulk.insert(db, Score, rows)


def passes(run_id: str) -> Any:
    """As part of a query, each case of a run: 1 where all its graders passed it each time it was asked, and 1 where nobody could say.

    Nobody could say: it was answered, no grader failed it, and one of them did not judge. That is no pass, and it is told apart.
    """
    passed = func.min(cast(func.coalesce(Score.passed, False), Integer))
    failed = func.max(sa.case((sa.or_(col(Result.error) != "", col(Score.passed).is_(False)), 1), else_=0))
    return (
        select(Result.case_id, passed.label("passed"), (1 - passed - failed).label("unjudged"))
        .outerjoin(Score, (col(Score.result_id) == col(Result.id)) & (col(Score.grader_name) != PEOPLE))
        .where(Result.run_id == run_id)
        .group_by(col(Result.case_id))
        .subquery()
    )


@dataclass(frozen=True)
class Unjudged:
    """Cases that were answered and that nobody could judge, and why."""

    cases: int
    why: str

    def __str__(self) -> str:
        return f"{self.cases:,} not judged: {self.why}" if self.cases else ""


def unjudged(db: Session, run_id: str) -> Unjudged:
    by_case = passes(run_id)
    cases = int(db.exec(select(func.coalesce(func.sum(by_case.c.unjudged), 0))).one())
    if not cases:
        return Unjudged(0, "")
    count = func.count().label("count")
    query = select(Score.grader_name, Score.why, count).join(Result, col(Result.id) == col(Score.result_id)).where(
        Result.run_id == run_id, Result.error == "", col(Score.passed).is_(None), Score.grader_name != PEOPLE,
    )  # fmt: skip
    whys: dict[str, str] = {}
    for name, why, _ in db.exec(query.group_by(col(Score.grader_name), col(Score.why)).order_by(count.desc(), col(Score.grader_name))):
        whys.setdefault(name, _broke(name, why))
    return Unjudged(cases, "; ".join(list(whys.values())[:MOST_WHYS]) or "no grader looks at them")


def _broke(name: str, why: str) -> str:
    reason = why.removeprefix("was not judged: ")
    return f"the grader '{name}' broke" if reason == "the grader broke" else f"the grader '{name}' could not, {reason}"


def counted(db: Session, run_id: str) -> tuple[int, int]:
    """How many of its cases passed, and how many there are."""
    by_case = passes(run_id)
    passed, cases = db.exec(select(func.coalesce(func.sum(by_case.c.passed), 0), func.count()).select_from(by_case)).one()
    return int(passed), cases


def passed(run_id: str) -> Share:
    with store.reading() as db:
        return Share(*counted(db, run_id))


@dataclass
class Outcome:
    """What one grader said of a case, over all the times that it was asked."""

    passed: bool
    value: float | None
    why: str
    unjudged: bool = False


Said = tuple[str, str, bool | None, float | None, str]  # case, grader, passed, value, why


def by_case(run_id: str) -> dict[str, Outcome]:
    """Each case of a run, by all of its graders together."""
    return _outcomes(_read(run_id))


def by_grader(run_id: str) -> tuple[dict[str, Outcome], dict[str, dict[str, Outcome]]]:
    """The same, and beside it by each grader alone. The run is read once."""
    said = _read(run_id)
    apart: dict[str, list[Said]] = {}
    for one in said:
        apart.setdefault(one[1], []).append(one)
    return _outcomes(said), {name: _outcomes(theirs) for name, theirs in apart.items()}


def _read(run_id: str) -> list[Said]:
    query: Any = sa.select(col(Result.case_id), col(Score.grader_name), col(Score.passed), col(Score.value), col(Score.why))
    query = query.join(Score, col(Score.result_id) == col(Result.id)).where(Result.run_id == run_id, Score.grader_name != PEOPLE)
    with store.reading() as db:
        return [tuple(row) for row in db.execute(query.order_by(col(Score.id)))]


def _outcomes(said: Iterable[Said]) -> dict[str, Outcome]:
    found: dict[str, Outcome] = {}
    values: dict[str, list[float]] = {}
    for case_id, _, passed, value, why in said:
        known = found.get(case_id)
        if known is None:
            found[case_id] = Outcome(bool(passed), None, why, passed is None)
        else:
            known.why = why if known.passed and not passed else known.why  # why it failed says more than why it passed
            known.passed, known.unjudged = known.passed and bool(passed), known.unjudged or passed is None
        if value is not None:
            values.setdefault(case_id, []).append(value)
    for case_id, given in values.items():
        found[case_id].value = sum(given) / len(given)
    return found


def of_results(db: Session, result_ids: Sequence[str]) -> dict[str, list[Score]]:
    """What the graders said of each."""
    found: dict[str, list[Score]] = {result_id: [] for result_id in result_ids}
    query = select(Score).where(col(Score.result_id).in_(result_ids), Score.grader_name != PEOPLE).order_by(col(Score.id))
    for score in db.exec(query):
        found[score.result_id or ""].append(score)
    return found
