"""What the next freeze of a set does beside taking in what was flagged: cases from files or typed, better ones, ones that are taken out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from data import access, audit, bulk, masking, store
from data.errors import Refused
from data.tables import Case, CaseChange, EvalSet, Person
from data.values import new_id, now
from evals import sets
from evals.cases import NewCase
from evals.cases import made as made_of
from evals.graders import expect
from evals.graders.face import Graders

ADD, CHANGE, RETIRE = "add", "change", "retire"
MOST = 10_000  # cases of one file, and of one set
LONGEST = 500
WORDS = {ADD: "added", CHANGE: "changed", RETIRE: "took out"}


def add(
    eval_set_id: str, new: Sequence[NewCase], *, known: Graders, by: Person, why: str = "", at: datetime | None = None
) -> list[CaseChange]:
    """They wait until the set is frozen. One that cannot be judged keeps all of them out: a file is mended and brought again."""
    access.require(by, "case.add")
    if not new:
        raise Refused("Not added: there is no case.")
    if len(new) > MOST:
        raise Refused(f"Not added: at most {MOST:,} cases at once, these are {len(new):,}.")
    for number, one in enumerate(new, start=1):
        _check(one, _which(number, len(new)), known)
    made = _drawn_up(eval_set_id, new, why, by, at)  # before the transaction: nobody waits while a large file is looked through
    with store.writing() as db:
        eval_set = _set(db, eval_set_id, "added")
        kept = _latest_cases(db, eval_set_id)
        taken = {case.key for case in kept} | {change.key for change in in_waiting(db, eval_set_id)}
        if len(taken) + len(new) > MOST:
            raise Refused(f"Not added: '{eval_set.name}' would have {len(taken) + len(new):,} cases, and a set has at most {MOST:,}.")
        _refuse_twice(made, taken)
        bulk.insert(db, CaseChange, [change.model_dump() for change in made])
        count = f"{len(made):,} cases" if len(made) > 1 else "a case"
        audit.record(db, by, "added", "eval_set", eval_set_id, f"Added {count} to '{eval_set.name}', to be frozen.", at=at)
        return made


def _which(number: int, count: int) -> str:
    return f"case {number:,} of {count:,}" if count > 1 else "the case"


def _refuse_twice(made: Sequence[CaseChange], taken: set[str]) -> None:
    for number, one in enumerate(made, start=1):
        if one.key in taken:
            told = f"{_which(number, len(made))} has the key '{one.key[:60]}', which the set has already"
            raise Refused(f"Not added: {told}. Change that case, or leave the key out.")
        taken.add(one.key)


def _check(one: NewCase, told: str, known: Graders) -> None:
    if problem := expect.problem(one.expected, one.graders, known):
        raise Refused(f"Not added: {told} cannot be judged: {problem}")
    if fault := _fault(one):
        raise Refused(f"Not added: {told} cannot be kept: {fault}.")


def _drawn_up(eval_set_id: str, new: Sequence[NewCase], why: str, by: Person, at: datetime | None) -> list[CaseChange]:
    """All of them are masked in one go: who works here is looked up once."""
    told = masking.everywhere([[one.key, _told(one), (one.why or why or "from a file").strip()] for one in new])
    made, moment = [], at or now()
    for one, (key, content, reason) in zip(new, told, strict=True):
        kept = one.key if one.key and key == one.key else new_id()  # a key that names somebody is not kept
        made.append(
            CaseChange(
                eval_set_id=eval_set_id, change=ADD, key=kept, case=content | {"graders": list(one.graders)}, why=reason, at=moment,
                by_person_id=access.whose(by),
            )
        )  # fmt: skip
    return made


def change(eval_set_id: str, key: str, new: NewCase, *, known: Graders, why: str, by: Person, at: datetime | None = None) -> CaseChange:
    """What the case asks or expects is put right. The version that is frozen stays as it is; the next one has the better case."""
    access.require(by, "case.change")
    if problem := expect.problem(new.expected, new.graders, known):
        raise Refused(f"Not changed: the case could not be judged: {problem}")
    if fault := _fault(new):
        raise Refused(f"Not changed: the case cannot be kept: {fault}.")
    return _instead(eval_set_id, CHANGE, key, _content(new), why, by, at)


def retire(eval_set_id: str, key: str, *, why: str, by: Person, at: datetime | None = None) -> CaseChange:
    """The next version is without it. It is still never learned from."""
    access.require(by, "case.change")
    return _instead(eval_set_id, RETIRE, key, None, why, by, at)


def _instead(
    eval_set_id: str, kind: str, key: str, content: dict[str, Any] | None, why: str, by: Person, at: datetime | None
) -> CaseChange:
    if not why.strip() or len(why) > LONGEST:
        raise Refused(f"Not changed: say why in a sentence of up to {LONGEST} characters; it stands in the set's changelog.")
    with store.writing() as db:
        eval_set = _set(db, eval_set_id, "changed")
        if key not in {case.key for case in _latest_cases(db, eval_set_id)}:
            raise Refused(f"Not changed: the newest version of '{eval_set.name}' has no such case.")
        db.execute(
            delete(CaseChange).where(
                col(CaseChange.eval_set_id) == eval_set_id, col(CaseChange.key) == key, col(CaseChange.set_version_id).is_(None)
            )
        )
        made = _change(eval_set_id, kind, key, content, why, by, at)
        db.add(made)
        told = f"{'Will take out' if kind == RETIRE else 'Will change'} a case of '{eval_set.name}' when it is frozen: {made.why}"
        audit.record(db, by, "changed", "eval_set", eval_set_id, told, at=at)
        return made


def take_back(change_id: str, *, by: Person, at: datetime | None = None) -> None:
    """As long as it is not frozen: one's own, or whoever may change cases."""
    access.require(by, "case.add")
    with store.writing() as db:
        made = db.get(CaseChange, change_id)
        if made is not None:
            store.one_at_a_time(db, f"freeze {made.eval_set_id}")
            made = db.get(CaseChange, change_id, populate_existing=True)  # a freeze may have taken it in meanwhile
        if made is None:
            raise Refused("Not taken back: it does not wait any more.")
        if made.set_version_id:
            raise Refused("Not taken back: it is frozen already. Take the case out of the next version instead.")
        if made.by_person_id != access.whose(by):
            access.require(by, "case.change")
        db.delete(made)
        audit.record(db, by, "took back", "eval_set", made.eval_set_id, "Took back what the next freeze would have done to a case.", at=at)


def waiting(eval_set_id: str, *, by: Person, most: int | None = None) -> list[CaseChange]:
    access.require(by, "eval_set.read")
    with store.reading() as db:
        return in_waiting(db, eval_set_id, most)


def waiting_count(eval_set_id: str) -> int:
    with store.reading() as db:
        query = select(func.count()).where(CaseChange.eval_set_id == eval_set_id, col(CaseChange.set_version_id).is_(None))
        return db.exec(query).one()


def in_waiting(db: Session, eval_set_id: str, most: int | None = None) -> list[CaseChange]:
    query = select(CaseChange).where(CaseChange.eval_set_id == eval_set_id, col(CaseChange.set_version_id).is_(None))
    return list(db.exec(query.order_by(col(CaseChange.id)).limit(most)))


def _fault(new: NewCase) -> str:
    """Why it is no case, whoever made it; empty if it is one."""
    told = made_of(vars(new))
    if isinstance(told, str):
        return told
    return "" if any(message["text"].strip() for message in new.messages) else "nobody says anything in it"


def _set(db: Session, eval_set_id: str, done: str) -> EvalSet:
    store.one_at_a_time(db, f"freeze {eval_set_id}")
    eval_set = db.get(EvalSet, eval_set_id)
    if eval_set is None:
        raise Refused(f"Not {done}: there is no such eval set.")
    return eval_set


def _latest_cases(db: Session, eval_set_id: str) -> list[Case]:
    latest = sets.latest_in(db, eval_set_id)
    return sets.cases_in(db, latest.id) if latest else []


def _change(eval_set_id: str, kind: str, key: str, content: dict[str, Any] | None, why: str, by: Person, at: datetime | None) -> CaseChange:
    return CaseChange(
        eval_set_id=eval_set_id, change=kind, key=key, case=content, why=masking.everywhere(why.strip()), at=at or now(),
        by_person_id=access.whose(by),
    )  # fmt: skip


def _content(new: NewCase) -> dict[str, Any]:
    """Masked as at the door: a file from elsewhere may hold anything."""
    content: dict[str, Any] = masking.everywhere(_told(new))
    return content | {"graders": list(new.graders)}


def _told(new: NewCase) -> dict[str, Any]:
    asked = {"subject_line": new.subject_line, "messages": list(new.messages)}
    return {"input": asked, "expected": new.expected, "slices": dict(new.slices)}
