"""Compares two runs on the same frozen set, case by case, and says what that shows in words that need no statistics."""

from dataclasses import dataclass
from datetime import datetime
from math import ceil, comb, sqrt

from sqlmodel import col, select

from data import access, store
from data.errors import Refused
from data.tables import Comparison, Person, Run
from data.values import now
from evals import scores
from evals.graders import exact_label

Z, POWER_Z = 1.959964, 0.841621  # 95 % sure, seen with 80 % probability
MARGIN = 0.02  # "no worse": at most two points could be lost
SURE = 0.05


@dataclass(frozen=True)
class Verdict:
    cases: int
    fixed: int  # the live one failed, the candidate passes
    broken: int  # the live one passed, the candidate fails
    difference: float
    low: float
    high: float
    p: float
    verdict: str
    more_needed: int | None
    sentence: str


def judge(candidate: dict[str, bool], live: dict[str, bool]) -> Verdict:
    """The paired verdict over cases that both answered (McNemar's exact test)."""
    shared = sorted(set(candidate) & set(live))
    n = len(shared)
    if not n:
        raise Refused("Not compared: the two runs share no case. Run both on the same frozen set.")
    fixed = sum(1 for case in shared if candidate[case] and not live[case])
    broken = sum(1 for case in shared if live[case] and not candidate[case])
    p = mcnemar(fixed, broken)
    difference = (fixed - broken) / n
    low, high = paired_interval(fixed, broken, n)
    verdict = _decide(p < SURE, fixed > broken, low > -MARGIN)
    more = more_needed(fixed, broken, n) if verdict == "cannot_tell" else None
    return Verdict(
        n, fixed, broken, difference, low, high, p, verdict, more, _sentence(verdict, fixed, broken, difference, low, high, n, more)
    )


def _decide(sure: bool, gained: bool, hardly_lost: bool) -> str:
    if sure:
        return "better" if gained else "worse"
    return "no_worse" if hardly_lost else "cannot_tell"


def mcnemar(fixed: int, broken: int) -> float:
    """How often chance alone would split the changed cases at least so unevenly."""
    changed = fixed + broken
    if not changed:
        return 1.0
    tail = sum(comb(changed, k) for k in range(min(fixed, broken) + 1))
    return min(1.0, 2 * tail / (1 << changed))


def paired_interval(fixed: int, broken: int, n: int) -> tuple[float, float]:
    """95 % interval of the difference, with half a case added to each cell so that small samples are not overconfident (Agresti, Min)."""
    b, c, m = fixed + 0.5, broken + 0.5, n + 2
    difference = (b - c) / m
    half = Z * sqrt(b + c - (b - c) ** 2 / m) / m
    return max(-1.0, difference - half), min(1.0, difference + half)


def more_needed(fixed: int, broken: int, n: int) -> int | None:
    """About how many further cases would decide, if they turn out like these. None when these show no difference at all."""
    difference, changed = abs(fixed - broken) / n, (fixed + broken) / n
    if difference == 0:
        return None
    wanted = (Z * sqrt(changed) + POWER_Z * sqrt(max(changed - difference**2, 0.0))) ** 2 / difference**2
    return max(ceil(wanted) - n, 10)


def _sentence(verdict: str, fixed: int, broken: int, difference: float, low: float, high: float, n: int, more: int | None) -> str:
    counted = f"{fixed} fixed, {broken} broken of {n:,}, {points(difference)} points ({points(low)} to {points(high)})"
    if verdict == "better":
        return f"Better: {counted}."
    if verdict == "worse":
        return f"Worse: {counted}."
    if verdict == "no_worse":
        return f"No worse: {counted}."
    if more is None:
        return f"Cannot tell: {counted}; these cases show no difference."
    return f"Cannot tell: {counted}; about {more:,} more cases would decide."


def points(difference: float) -> str:
    """A difference of shares in whole points, with its sign; no minus before nothing."""
    return f"{round(difference * 100):+d}" if round(difference * 100) else "0"


def compare(candidate: Run, live: Run, *, by: Person, at: datetime | None = None) -> Comparison:
    """Judge and keep it."""
    access.require(by, "eval.run")
    if candidate.set_version_id != live.set_version_id:
        raise Refused("Not compared: the two runs are on different versions of the set. Run both on the same one.")
    verdict = judge(*({case: bool(score.passed) for case, score in scores.by_case(run.id).items()} for run in (candidate, live)))
    with store.writing() as db:
        comparison = Comparison(
            set_version_id=candidate.set_version_id, candidate_run_id=candidate.id, live_run_id=live.id, grader_name=exact_label.NAME,
            at=at or now(), by_person_id=by.id, **vars(verdict),
        )  # fmt: skip
        db.add(comparison)
        return comparison


def latest_of(run: Run, *, by: Person) -> Comparison | None:
    """The newest comparison in which this run is the candidate."""
    access.require(by, "eval_set.read")
    with store.reading() as db:
        return db.exec(select(Comparison).where(Comparison.candidate_run_id == run.id).order_by(col(Comparison.id).desc())).first()


def changed_cases(comparison: Comparison) -> tuple[list[str], list[str]]:
    """The ids of the fixed and of the broken cases."""
    candidate, live = scores.by_case(comparison.candidate_run_id), scores.by_case(comparison.live_run_id)
    shared = sorted(set(candidate) & set(live))
    fixed = [case for case in shared if candidate[case].passed and not live[case].passed]
    broken = [case for case in shared if live[case].passed and not candidate[case].passed]
    return fixed, broken
