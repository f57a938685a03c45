"""Compares two runs on the same frozen version, case by case, keeps what that shows, and asks the gate."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import and_
from sqlmodel import Session, col, func, select

from data import access, store
from data.errors import Refused
from data.measures import Share
from data.tables import Case, Comparison, EvalSet, Person, Run, SetVersion
from data.values import now
from evals import checks, gate, scores, sets, verdict
from evals.graders.face import Graders
from evals.sets import Outline
from evals.verdict import Verdict, points

__all__ = ["EVERY", "beside", "changed_cases", "compare", "decide", "latest_of", "points"]

EVERY = "every grader"  # a case passes when all its graders pass it
SLICES_SHOWN = 12  # of each kind, the largest: of 150 intents most have too few cases to tell
Outcomes = Mapping[str, scores.Outcome]  # by case
Which = Literal["fixed", "broken", "failing", "passing", "unjudged"]


def compare(candidate: Run, live: Run, *, by: Person, at: datetime | None = None) -> Comparison:
    """Judge and keep it: over all cases, and beside that by grader and by slice."""
    access.require(by, "eval.run")
    if candidate.set_version_id != live.set_version_id:
        raise Refused("Not compared: the two runs are on different versions of the set. Run both on the same one.")
    if {candidate.state, live.state} != {"done"}:
        raise Refused("Not compared: one of the two runs was not finished. Run it again; it goes on where it was cut off.")
    cases = sets.outlines(candidate.set_version_id)
    with store.reading() as db:
        eval_set = _set_of(db, candidate.set_version_id)
    margin = sets.margin_of(eval_set)
    together, apart = zip(*(scores.by_grader(run.id) for run in (candidate, live)), strict=True)
    customers = [case.customer_id for case in cases]
    passes = [[_passed(one, case) for case in cases] for one in together]
    main = verdict.judge(verdict.of_passes(passes[0], passes[1], customers), margin=margin)
    with store.writing() as db:
        made = _row(candidate, live, EVERY, main, by, at)
        made.how += _nameless(customers)
        db.add(made)
        db.flush()
        parts = [*_by_grader(apart, cases, margin), *_by_slice(cases, passes, customers, margin)]
        db.add_all(_row(candidate, live, by=by, at=at, part_of=made.id, **part) for part in parts)
        return made


def _nameless(customers: Sequence[str | None]) -> str:
    """What is typed or comes from a file is nobody's."""
    count = customers.count(None)
    return f" Of {count:,} of {len(customers):,} no customer is known." if count else ""


def _passed(said: Outcomes, case: Outline) -> bool:
    """What is missing is no pass."""
    found = said.get(case.id)
    return found is not None and found.passed


def _by_grader(apart: Sequence[Mapping[str, Outcomes]], cases: Sequence[Outline], margin: float) -> list[dict[str, Any]]:
    """Where several judge, each for itself; and where one gives shares, by how much."""
    asked: defaultdict[str, list[Outline]] = defaultdict(list)
    for case in cases:
        for name in case.graders:
            asked[name].append(case)
    found = {}
    for name, theirs in asked.items():
        said = [one.get(name, {}) for one in apart]
        customers = [case.customer_id for case in theirs]
        if len(asked) > 1:
            now_so, before = ([_passed(one, case) for case in theirs] for one in said)
            found[name, "passes"] = verdict.of_passes(now_so, before, customers)
        values = [[one[case.id].value if case.id in one else None for case in theirs] for one in said]
        known = [place for place in range(len(theirs)) if values[0][place] is not None and values[1][place] is not None]
        if len(known) >= gate.FEWEST_CASES and any(value not in (0.0, 1.0) for one in values for value in one if value is not None):
            higher, lower = ([one[place] or 0.0 for place in known] for one in values)
            found[name, "scores"] = verdict.of_scores(higher, lower, [customers[place] for place in known])
    judged = verdict.judge_all({f"{measure} {name}": one for (name, measure), one in found.items()}, margin=margin)
    return [{"grader_name": name, "measure": measure, "told": judged[f"{measure} {name}"]} for name, measure in found]


def _by_slice(
    cases: Sequence[Outline], passes: Sequence[Sequence[bool]], customers: Sequence[str | None], margin: float
) -> list[dict[str, Any]]:  # fmt: skip
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, case in enumerate(cases):
        for name, said in case.slices.items():
            places[f"{name}: {said}"].append(place)
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for told in sorted(places, key=lambda told: -len(places[told])):
        kinds[told.split(":")[0]].append(told)
    chosen = {told: places[told] for ones in kinds.values() if len(ones) > 1 for told in ones[:SLICES_SHOWN] if len(places[told]) > 1}
    judged = verdict.by_slice(passes[0], passes[1], chosen, customers, margin=margin)
    return [{"grader_name": EVERY, "slice": told, "told": one} for told, one in judged.items()]


def _row(
    candidate: Run, live: Run, grader_name: str, told: Verdict, by: Person, at: datetime | None, *, measure: str = "passes",
    slice: str = "", part_of: str | None = None,
) -> Comparison:  # fmt: skip
    columns: dict[str, Any] = told.columns()
    return Comparison(
        set_version_id=candidate.set_version_id, candidate_run_id=candidate.id, live_run_id=live.id, grader_name=grader_name, slice=slice,
        measure=measure, part_of=part_of, clusters=told.found.clusters, how=told.how, at=at or now(),
        by_person_id=access.whose(by), **columns,
    )  # fmt: skip


def _set_of(db: Session, set_version_id: str) -> EvalSet:
    return db.get_one(EvalSet, db.get_one(SetVersion, set_version_id).eval_set_id)


# -- the gate -----------------------------------------------------------------------------------------------------------------------------


def decide(pairs: Sequence[tuple[Run, Comparison | None]], *, known: Graders, by: Person, rules: gate.Rules | None = None) -> gate.Decision:
    """What the gate says to a candidate that was run on these sets, beside what is live where something is."""
    return gate.decide([measured(run, comparison, known=known, by=by) for run, comparison in pairs], rules)


def measured(run: Run, comparison: Comparison | None, *, known: Graders, by: Person) -> gate.Measured:
    access.require(by, "eval_set.read")
    with store.reading() as db:
        version = db.get_one(SetVersion, run.set_version_id)
        eval_set = db.get_one(EvalSet, version.eval_set_id)
    names = {name for case in sets.outlines(run.set_version_id) for name in case.graders}
    found = gate.Measured(
        eval_set.name, version.number, eval_set.kind, sets.bar_of(eval_set), sets.margin_of(eval_set), Share(run.passed, run.cases),
        unchecked=tuple(checks.unchecked(names, known)),
    )  # fmt: skip
    if comparison is None:
        return found
    parts = tuple(
        gate.Slice(part.slice, part.verdict, part.difference, part.cases, part.fixed, part.broken)
        for part in beside(comparison, by=by)
        if part.slice
    )
    said = {name: getattr(comparison, name) for name in ("verdict", "difference", "fixed", "broken", "more_needed")}
    return gate.Measured(**(vars(found) | said | {"slices": parts}))


def unconfirmed(set_version_id: str, *, known: Graders, by: Person) -> list[str]:
    """Of the graders that judge these cases those that may not stop or open a release, and how far people looked at them."""
    access.require(by, "eval_set.read")
    names = {name for case in sets.outlines(set_version_id) for name in case.graders}
    return [f"{_how_far(name, known)}: it may not stop or open a release." for name in sorted(names) if not _may_gate(name, known)]


def _may_gate(name: str, known: Graders) -> bool:
    return name in known and checks.may_gate(known[name])


def _how_far(name: str, known: Graders) -> str:
    if name not in known:
        return f"'{name}' is not available here"
    if checks.latest(known[name]):
        return f"'{name}' agrees too little with people"
    judged = checks.judged_count(known[name])
    return (
        f"'{name}' was judged by nobody yet" if not judged else f"people judged {judged} of the {checks.FEWEST} outputs that '{name}' needs"
    )


# -- read ---------------------------------------------------------------------------------------------------------------------------------


def get(comparison_id: str, *, by: Person) -> Comparison | None:
    access.require(by, "eval_set.read")
    with store.reading() as db:
        return db.get(Comparison, comparison_id)


def latest_of(run: Run, *, by: Person) -> Comparison | None:
    """The newest comparison in which this run is the candidate."""
    access.require(by, "eval_set.read")
    with store.reading() as db:
        query = select(Comparison).where(Comparison.candidate_run_id == run.id, col(Comparison.part_of).is_(None))
        return db.exec(query.order_by(col(Comparison.id).desc())).first()


def newest(*, by: Person, most: int = 20) -> list[Comparison]:
    access.require(by, "eval_set.read")
    with store.reading() as db:
        query = select(Comparison).where(col(Comparison.part_of).is_(None)).order_by(col(Comparison.at).desc(), col(Comparison.id).desc())
        return list(db.exec(query.limit(most)))


def beside(comparison: Comparison, *, by: Person) -> list[Comparison]:
    """By grader and by slice, the largest first."""
    access.require(by, "eval_set.read")
    with store.reading() as db:
        found = list(db.exec(select(Comparison).where(Comparison.part_of == comparison.id)))
    return sorted(found, key=lambda part: (part.slice != "", part.slice.split(":")[0], -part.cases, part.grader_name, part.measure))


@dataclass(frozen=True)
class Counts:
    fixed: int
    broken: int
    failing: int
    passing: int
    unjudged: int  # of all of these: in one of the two runs nobody could say


def counts(comparison: Comparison) -> Counts:
    """How many cases changed and how many did not."""
    candidate, live = scores.passes(comparison.candidate_run_id), scores.passes(comparison.live_run_id)
    unsaid = candidate.c.unjudged + live.c.unjudged > 0
    groups = (candidate.c.passed, live.c.passed, unsaid)
    query = select(*groups, func.count()).select_from(candidate).join(live, candidate.c.case_id == live.c.case_id).group_by(*groups)
    found: Counter[tuple[int, int]] = Counter()
    unjudged = 0
    with store.reading() as db:
        for now_so, before, unclear, count in db.execute(query):
            found[now_so, before] += count
            unjudged += count if unclear else 0
    return Counts(found[1, 0], found[0, 1], found[0, 0], found[1, 1], unjudged)


WANTED = {"fixed": (1, 0), "broken": (0, 1), "failing": (0, 0), "passing": (1, 1)}  # passed by the candidate, and by the other


def cases_of(comparison: Comparison, which: Which, *, start: int = 0, most: int = 20) -> list[Case]:
    """A page of the cases that were fixed, broke, still fail or still pass, or that one of the two was not judged on, by number."""
    candidate, live = scores.passes(comparison.candidate_run_id), scores.passes(comparison.live_run_id)
    wanted = (
        candidate.c.unjudged + live.c.unjudged > 0
        if which == "unjudged"
        else and_(candidate.c.passed == WANTED[which][0], live.c.passed == WANTED[which][1])
    )
    query = (
        select(Case)
        .join(candidate, candidate.c.case_id == col(Case.id))
        .join(live, live.c.case_id == col(Case.id))
        .where(wanted)
        .order_by(col(Case.number), col(Case.key))
    )
    with store.reading() as db:
        return list(db.exec(query.offset(start).limit(most)))


def changed_cases(comparison: Comparison) -> tuple[list[str], list[str]]:
    """The ids of the fixed and of the broken cases."""
    most = comparison.fixed + comparison.broken
    fixed, broken = (cases_of(comparison, which, most=most) for which in ("fixed", "broken"))
    return [case.id for case in fixed], [case.id for case in broken]
