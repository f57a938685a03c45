"""Two models as judges: which of them agrees more often with what people said of the same outputs."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import col, select

from data import store
from data.tables import Case, Result, Score
from data.values import Target
from evals import graders, verdict
from evals.checks import LATEST
from evals.figures import Figures
from evals.graders.face import Grade, Grader, Graders
from evals.graders.judge import Ask
from evals.scores import PEOPLE
from language.call import Call, NoAnswer

AT_ONCE = 4  # calls
BAR = 0.7  # a judge that people see differently in more than three of ten is none


@dataclass(frozen=True)
class Judged:
    """An output that a grader judged and people too."""

    grader: str
    case: Case
    output: dict[str, Any] | None
    right: bool  # as people say


@dataclass
class _Judge:
    """One of the two, with what its calls took."""

    ask: Ask
    calls: list[Call] = field(default_factory=list)

    def known(self) -> Graders:
        def ask(messages: list[dict[str, Any]], schema: Any) -> Call:
            call = self.ask(messages, schema)
            self.calls.append(call)
            return call

        return asking_a_model(ask)


def asking_a_model(ask: Ask) -> Graders:
    return {name: grader for name, grader in graders.with_help(ask=ask).items() if name not in graders.BY_NAME}


def _nobody(_messages: Any, _schema: Any) -> Call:
    raise NoAnswer("nobody is asked")


def names() -> list[str]:
    return sorted(asking_a_model(_nobody))


def used() -> list[str]:
    """Of the graders that ask a model those that have judged anything here."""
    with store.reading() as db:
        return [name for name in names() if db.exec(select(Score.id).where(Score.grader_name == name).limit(1)).first()]


def judged_by_people() -> list[Judged]:
    """The latest of each such grader. Where people are of two minds, nobody is right."""
    return [one for grader in asking_a_model(_nobody).values() for one in _of(grader)]


def _of(grader: Grader) -> list[Judged]:
    own = aliased(Score)
    both = (
        select(Result, Case, Score.passed)
        .join(Score, col(Score.result_id) == col(Result.id))
        .join(own, col(own.result_id) == col(Result.id))
        .join(Case, col(Case.id) == col(Result.case_id))
        .where(Score.grader_name == PEOPLE, own.grader_name == grader.NAME, own.grader_number == grader.NUMBER)
        .order_by(col(Score.id).desc())
        .limit(4 * LATEST)
    )
    found: dict[str, tuple[Result, Case]] = {}
    said: defaultdict[str, list[bool]] = defaultdict(list)
    with store.reading() as db:
        for result, case, passed in db.exec(both):
            found[result.id] = (result, case)
            said[result.id].append(bool(passed))
    clear = [made for made, given in said.items() if sum(given) * 2 != len(given)][:LATEST]
    return [Judged(grader.NAME, found[one][1], found[one][0].output, sum(said[one]) * 2 > len(said[one])) for one in clear]


def compare(
    judged: Sequence[Judged], new: Ask, old: Ask, *, live: Target, margin: float, progress: Callable[[float], None] = lambda _share: None
) -> dict[str, Any]:
    """Both judge the same outputs again; right is what people said. As it is kept."""
    judges = (_Judge(new), _Judge(old))
    grades = [
        _all(judges[0].known(), judged, lambda share: progress(share / 2)),
        _all(judges[1].known(), judged, lambda share: progress((1 + share) / 2)),
    ]
    agrees = [[grade.passed is one.right for grade, one in zip(said, judged, strict=True)] for said in grades]
    told = verdict.judge(verdict.of_passes(agrees[0], agrees[1], [one.case.customer_id for one in judged]), margin=margin)
    faults = sorted({grade.error for grade in grades[0] if grade.error})
    return told.columns() | {
        "live": live.number, "graders": sorted({one.grader for one in judged}), "agreed": sum(agrees[0]), "before": sum(agrees[1]),
        "how": told.how, "faults": faults[:3],
        "figures": _figures(judges[0]).as_told(), "figures_before": _figures(judges[1]).as_told(),
    }  # fmt: skip


def _all(known: Graders, judged: Sequence[Judged], told: Callable[[float], None]) -> list[Grade]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        given = pool.map(lambda one: graders.judged(known, one.grader, one.case, one.output), judged)
        grades = []
        for grade in given:
            grades.append(grade)
            told(len(grades) / len(judged))
        return grades


def _figures(judge: _Judge) -> Figures:
    return Figures.of([(call.ms, call.cost) for call in judge.calls if call.ok])
