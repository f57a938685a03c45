"""What a person had tested: where their flags stand as cases, what was let through on them, and what they held back."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from data import releases
from data.tables import Case, EvalSet, Example, Person, Proposal, Release, Result, Run, Score, SetVersion
from data.values import Target
from data.work_taught import EVAL, LOOSE, RETIRED, Moment, Period, target_in

RELEASED = ("classifier", "answerer", "recipe", "model")  # what goes live at all; a file of outputs never does


@dataclass(frozen=True)
class InSet:
    """The cases of a set that were flags of theirs."""

    set_id: str
    name: str
    number: int  # its newest version
    cases: int  # of all that this version has
    example_ids: tuple[str, ...]


@dataclass(frozen=True)
class Gate:
    """What was let through to customers on a set in which cases of theirs stand."""

    target: Target
    set_id: str
    name: str
    number: int
    cases: int
    example_ids: tuple[str, ...]


@dataclass(frozen=True)
class Failed:
    """A run in which a candidate failed cases of theirs."""

    run_id: str
    target: Target
    at: datetime
    example_ids: tuple[str, ...]
    went_no_further: bool  # it was never live, and nobody is asked to decide on it


@dataclass(frozen=True)
class Flags:
    flagged: tuple[str, ...] = ()  # examples; what was taken back is none of them
    became_cases: tuple[str, ...] = ()  # of these
    wait: tuple[str, ...] = ()  # for a set to be frozen
    sets: tuple[InSet, ...] = ()  # whenever they were flagged
    gates: tuple[Gate, ...] = ()
    failed: tuple[Failed, ...] = ()


def flags_of(db: Session, by: Person, period: Period) -> tuple[Flags, list[Moment]]:
    columns = (Example.id, Example.at, Example.use, Example.found)
    query = select_columns(*columns).where(col(Example.by_person_id) == by.id, col(Example.use) != RETIRED)  # type: ignore[call-overload]
    mine = [one for one in db.execute(query.order_by(col(Example.at).desc(), col(Example.id))) if one.use in (LOOSE, EVAL)]
    if not mine:
        return Flags(), []
    cases = _cases(db, by)
    flagged = [one for one in mine if not one.found and period[0] <= one.at < period[1]]
    there = {example_id for one in cases.values() for example_id in one.values()}
    return Flags(
        tuple(one.id for one in flagged), tuple(one.id for one in flagged if one.id in there),
        tuple(one.id for one in flagged if one.id not in there), _sets(db, cases), _gates(db, cases), _failed(db, cases, period),
    ), [(one.id, one.at) for one in flagged]  # fmt: skip


Cases = Mapping[str, Mapping[str, str]]  # a set's version -> case -> the example that it was


def _cases(db: Session, by: Person) -> Cases:
    query = (
        select_columns(col(Case.set_version_id), col(Case.id), col(Case.example_id))
        .join(Example, col(Example.id) == col(Case.example_id))
        .where(col(Example.by_person_id) == by.id, col(Example.use) == EVAL)
    )
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for version_id, case_id, example_id in db.execute(query.order_by(col(Case.id))):
        found[version_id][case_id] = example_id
    return found


def _sets(db: Session, cases: Cases) -> tuple[InSet, ...]:
    """As each set is now: a case that was taken out since is in none."""
    later = aliased(SetVersion)
    newest = select(func.max(later.number)).where(later.eval_set_id == col(SetVersion.eval_set_id)).scalar_subquery()
    query = select(SetVersion, EvalSet).join(EvalSet, col(EvalSet.id) == col(SetVersion.eval_set_id)).where(
        col(SetVersion.id).in_(cases.keys()), col(SetVersion.number) == newest
    )  # fmt: skip
    found = [
        InSet(made.id, made.name, version.number, _size(db, version.id), tuple(cases[version.id].values()))
        for version, made in db.exec(query)
    ]
    return tuple(sorted(found, key=lambda one: (-len(one.example_ids), one.name)))


def _size(db: Session, version_id: str) -> int:
    return db.exec(select(func.count()).select_from(Case).where(col(Case.set_version_id) == version_id)).one()


def _gates(db: Session, cases: Cases) -> tuple[Gate, ...]:
    """Of what is live now: the cases of theirs on which it was approved."""
    query = select(Release, Proposal).join(Proposal, col(Proposal.id) == col(Release.proposal_id)).where(col(Release.stage) == "live")
    found = []
    for release, proposal in db.exec(query):
        name, number = proposal.evidence.get("set"), proposal.evidence.get("set_number")
        if not name or not number:
            continue
        which = select(SetVersion).join(EvalSet, col(EvalSet.id) == col(SetVersion.eval_set_id))
        version = db.exec(which.where(col(EvalSet.name) == name, col(SetVersion.number) == number)).first()
        if version is not None and cases.get(version.id):
            ids = tuple(cases[version.id].values())
            found.append(Gate(releases.target_of(release), version.eval_set_id, name, number, _size(db, version.id), ids))
    return tuple(sorted(found, key=lambda one: (-len(one.example_ids), str(one.target))))


def _failed(db: Session, cases: Cases, period: Period) -> tuple[Failed, ...]:
    """Runs of these days, of what was not live then."""
    which = (col(Run.set_version_id).in_(cases.keys()), col(Run.at) >= period[0], col(Run.at) < period[1], col(Run.state) == "done")
    runs = {one.id: one for one in db.exec(select(Run).where(*which))}
    if not runs:
        return ()
    example_of = {case_id: made for told in cases.values() for case_id, made in told.items()}
    query = (
        select_columns(col(Result.run_id), col(Result.case_id))
        .join(Score, col(Score.result_id) == col(Result.id))
        .where(col(Result.run_id).in_(runs.keys()), col(Score.passed).is_(False))
        .distinct()
    )
    broke: defaultdict[str, list[str]] = defaultdict(list)
    for run_id, case_id in db.execute(query.order_by(col(Result.run_id), col(Result.case_id))):
        if case_id in example_of:
            broke[run_id].append(example_of[case_id])
    lived, asked_for = _answered_for(db, {one.target_kind for one in runs.values()}), _waiting(db)
    found = []
    for run_id, ids in broke.items():
        run = runs[run_id]
        theirs = Target(run.target_kind, run.target_name, run.target_number)
        if not any(began <= run.at and (ended is None or run.at < ended) for began, ended in lived.get(theirs, ())):
            no_further = theirs.kind in RELEASED and theirs not in lived and theirs not in asked_for
            found.append(Failed(run_id, theirs, run.at, tuple(dict.fromkeys(ids)), no_further))
    return tuple(sorted(found, key=lambda one: one.at, reverse=True))


def _waiting(db: Session) -> set[Target]:
    """What somebody is asked to let through, or has let through a moment ago, or runs beside what is live."""
    payloads = db.exec(select(Proposal.payload).where(col(Proposal.state).in_(("open", "approved"))))
    under_way = db.exec(select(Release).where(col(Release.stage).in_(("shadow", "percent"))))
    return {target_in(told) for told in payloads if "target_kind" in told} | {releases.target_of(one) for one in under_way}


def _answered_for(db: Session, kinds: Collection[str]) -> dict[Target, list[tuple[datetime, datetime | None]]]:
    """When each was live for everybody."""
    found: defaultdict[Target, list[tuple[datetime, datetime | None]]] = defaultdict(list)
    for one in db.exec(select(Release).where(col(Release.target_kind).in_(kinds), col(Release.percent) == releases.EVERYBODY)):
        found[releases.target_of(one)].append((one.started_at, one.ended_at))
    return found
