"""Graders against people: the same outputs, judged by a person who does not see what the grader said.

A grader may stop a release only as long as it agrees with people. Exempt are those for which a person wrote down what is right.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from data import access, audit, inbox, sealing, store
from data.errors import Refused
from data.masking import masked
from data.tables import Case, EvalSet, GraderCheck, Person, Result, Run, Score, SetVersion
from data.values import RUN, now
from evals.graders.face import Grader, Graders
from evals.scores import PEOPLE
from evals.statistics import against_people

FEWEST = 50  # outputs that people judged
BAR = 0.6  # of kappa: agreement beyond chance
LATEST = 200  # what was judged longer ago does not tell how it does today
LOOKED_THROUGH = 1_000


@dataclass(frozen=True)
class ToJudge:
    """An output, as a person judges it: without the grader's word."""

    result: Result
    case: Case


def next_one(grader_name: str, *, by: Person) -> ToJudge | None:
    """One that the grader judged and this person has not yet; drawn as if by lot, so that neither the passed nor the failed come first."""
    access.require(by, "grader.check")
    with store.reading() as db:
        mine = select(Score.result_id).where(Score.grader_name == PEOPLE, Score.by_person_id == by.id)
        newest = select(func.max(Score.grader_number)).where(Score.grader_name == grader_name, Score.mode == RUN).scalar_subquery()
        judged = (
            select(Score.result_id)
            .join(Result, col(Result.id) == col(Score.result_id))
            .where(
                Score.grader_name == grader_name, Score.mode == RUN, col(Score.grader_number) == newest, col(Score.passed).is_not(None),
                col(Score.result_id).not_in(mine), Result.error == "",
            )
        )  # fmt: skip
        ids = [result_id for result_id in db.exec(judged.order_by(col(Score.id).desc()).limit(LOOKED_THROUGH)) if result_id]
        if not ids:
            return None
        drawn = min(ids, key=lambda result_id: sealing.sha(f"{by.id} {result_id}"))
        result = db.get_one(Result, drawn)
        return ToJudge(result, db.get_one(Case, result.case_id))


def say(result_id: str, passed: bool, *, by: Person, why: str = "", at: datetime | None = None) -> None:
    """A person's word on an output. It counts for every grader that judged the same one, and moves what they may do at once."""
    access.require(by, "grader.check")
    with store.writing() as db:
        store.one_at_a_time(db, "grader checks")
        result = db.get(Result, result_id)
        if result is None:
            raise Refused("Not kept: that output is not there.")
        if result.error:  # that nothing is no good answer, every grader knows
            raise Refused("Not kept: nothing was answered there, so there is nothing to judge.")
        said = select(Score.id).where(Score.result_id == result_id, Score.grader_name == PEOPLE, Score.by_person_id == by.id)
        if db.exec(said).first():
            raise Refused("Not kept: you judged this one already.")
        run = db.get_one(Run, result.run_id)
        db.add(
            Score(
                target_kind=run.target_kind, target_name=run.target_name, target_number=run.target_number, mode=RUN, grader_name=PEOPLE,
                result_id=result_id, value=float(passed), passed=passed, why=masked(why.strip()), at=at or now(), by_person_id=by.id,
            )
        )  # fmt: skip
        db.flush()
        query = select(Score.grader_name, Score.grader_number).where(Score.result_id == result_id, Score.grader_name != PEOPLE)
        for name, number in db.exec(query.distinct()):
            _look(db, name, number, by, at)


def _look(db: Session, name: str, number: int, by: Person, at: datetime | None) -> None:
    """With enough judged, how far it agrees; where that changes what it may do, the owners of the sets it judges hear of it.

    Fewer may be of one mind later than were before: what was known then stands until there are enough again.
    """
    machine, people = _both(db, name, number)
    if len(machine) < FEWEST:
        return
    before, told = latest_in(db, name, number), against_people(machine, people)
    if before is not None and before.figures == told.figures():  # nothing new
        return
    may_gate = told.kappa is not None and told.kappa >= BAR
    why = (
        f"{told.sentence} {'It' if may_gate else 'Under ' + format(BAR, '.1f') + ' it'} {'may' if may_gate else 'may not'} stop a release."
    )
    check = GraderCheck(
        grader_name=name, grader_number=number, n=len(machine), kappa=told.kappa, precision=told.precision.value, recall=told.recall.value,
        figures=told.figures(), may_gate=may_gate, why=why, at=at or now(), by_person_id=by.id,
    )  # fmt: skip
    db.add(check)
    if before is None or before.may_gate != may_gate:
        audit.record(
            db, by, "checked", "grader_check", check.id, f"'{name}' {'may' if may_gate else 'may not'} stop a release: {why}", at=at
        )
    if may_gate != (before is not None and before.may_gate):
        _tell_owners(db, name, check, at)


def _both(db: Session, name: str, number: int) -> tuple[list[bool], list[bool]]:
    """What the grader and people said of the same outputs, the latest ones. Where people are of two minds, nobody is right."""
    own = aliased(Score)
    both = (
        select(Score.result_id, own.passed, Score.passed)
        .join(own, col(own.result_id) == col(Score.result_id))
        .where(
            Score.grader_name == PEOPLE, own.grader_name == name, own.grader_number == number, col(own.passed).is_not(None),
        )
        .order_by(col(Score.id).desc())
    )  # fmt: skip
    machine: dict[str, bool] = {}
    said: defaultdict[str, list[bool]] = defaultdict(list)
    for result_id, passed, right in db.exec(both.limit(4 * LATEST)):
        machine[result_id or ""] = bool(passed)
        said[result_id or ""].append(bool(right))
    agreed = [(machine[one], sum(given) * 2 > len(given)) for one, given in said.items() if sum(given) * 2 != len(given)][:LATEST]
    return [grader for grader, _ in agreed], [person for _, person in agreed]


def _tell_owners(db: Session, name: str, check: GraderCheck, at: datetime | None) -> None:
    judged = select(Run.set_version_id).join(Result, col(Result.run_id) == col(Run.id)).join(Score, col(Score.result_id) == col(Result.id))
    sets_of = select(SetVersion.eval_set_id).where(col(SetVersion.id).in_(judged.where(Score.grader_name == name)))
    owners = select(EvalSet.owner_id).where(col(EvalSet.id).in_(sets_of), col(EvalSet.owner_id).is_not(None)).distinct()
    told = f"The grader '{name}' {'may stop a release now' if check.may_gate else 'may not stop a release any more'}: {check.why}"
    for owner_id in db.exec(owners):
        if owner_id:
            inbox.tell(db, owner_id, "moved", told, page="graders", key=f"grader check {check.id}", at=at)


# -- read ---------------------------------------------------------------------------------------------------------------------------------


def latest_in(db: Session, name: str, number: int) -> GraderCheck | None:
    query = select(GraderCheck).where(GraderCheck.grader_name == name, GraderCheck.grader_number == number)
    return db.exec(query.order_by(col(GraderCheck.id).desc())).first()


def latest(grader: Grader) -> GraderCheck | None:
    with store.reading() as db:
        return latest_in(db, grader.NAME, grader.NUMBER)


def may_gate(grader: Grader) -> bool:
    """Whether it may stop a release, or let one through."""
    if grader.PERSON_WROTE:
        return True
    found = latest(grader)
    return found is not None and found.may_gate


def judged_count(grader: Grader) -> int:
    """Of how many of its outputs people said so far, with one mind, whether they are right; of the latest ones, as they are checked."""
    with store.reading() as db:
        return len(_both(db, grader.NAME, grader.NUMBER)[0])


def unchecked(names: set[str], known: Graders) -> list[str]:
    """Of these graders the ones that may not gate, with what is missing."""
    told = []
    for name in sorted(names):
        grader = known.get(name)
        if grader is None:
            told.append(f"'{name}' is not available")
        elif not may_gate(grader):
            found, count = latest(grader), judged_count(grader)
            missing = (
                f"{max(FEWEST - count, 0)} more outputs are to be judged by people"
                if found is None
                else f"it agrees too little: {found.why}"
            )
            told.append(f"'{name}' was not checked against people: {missing}" if found is None else f"'{name}' may not gate, {missing}")
    return told
