"""The quality number: what a grader said of one output. A score that is missing is never a pass."""

from collections.abc import Sequence

from sqlmodel import Session, select

from data import store
from data.measures import Share
from data.tables import Case, Result, Run, Score
from data.values import RUN, Target
from evals import graders


def grade(db: Session, run: Run, pairs: Sequence[tuple[Case, Result]]) -> None:
    """Score each result with its case's graders. An output that failed is a fail, with the error beside it."""
    for case, result in pairs:
        for grader in (graders.BY_NAME[name] for name in case.graders):
            passed, why = grader.grade(case.expected, result.output)
            db.add(
                Score(
                    **Target(run.target_kind, run.target_name, run.target_number).columns(), grader_name=grader.NAME,
                    grader_number=grader.NUMBER, result_id=result.id, mode=RUN, value=float(passed), passed=passed, why=why,
                    error=result.error, at=result.at, by_person_id=run.by_person_id,
                )
            )  # fmt: skip


def by_case(run_id: str) -> dict[str, Score]:
    """Each case's score in a run."""
    with store.reading() as db:
        query = select(Result.case_id, Score).join(Score).where(Result.run_id == run_id)
        return dict(db.exec(query).all())


def passed(run_id: str) -> Share:
    scores = by_case(run_id).values()
    return Share(sum(1 for score in scores if score.passed), len(scores))
