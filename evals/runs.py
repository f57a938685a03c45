"""Runs a target over a frozen set. What was asked is kept in small steps: a kill asks at most one of them again."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from data import access, store
from data.tables import Case, Person, Result, Run
from data.values import Target, now
from evals import scores, sets

STEP = 100  # results a commit

Ask = Callable[[list[Case]], list[dict[str, Any]]]  # a target: cases in, one output each out


def run(
    set_version_id: str,
    target: Target,
    ask: Ask,
    *,
    by: Person,
    progress: Callable[[float, str], None] = lambda _share, _doing: None,
    at: datetime | None = None,
) -> Run:
    """Every case answered and graded. The same target on the same version again goes on where it was cut off, or is the run we have."""
    access.require(by, "eval.run")
    made = _begin(set_version_id, target, by, at)
    if made.state == "done":
        return made
    cases = sets.cases(set_version_id)
    with store.reading() as db:
        answered = set(db.exec(select(Result.case_id).where(Result.run_id == made.id)).all())
    todo = [case for case in cases if case.id not in answered]
    for start in range(0, len(todo), STEP):
        _answer(made, todo[start : start + STEP], ask, at)
        done = len(answered) + min(start + STEP, len(todo))
        progress(done / len(cases), f"{target}: {done:,} of {len(cases):,} cases")
    with store.writing() as db:
        made.state = "done"
        return db.merge(made)


def _begin(set_version_id: str, target: Target, by: Person, at: datetime | None) -> Run:
    with store.writing() as db:
        query = select(Run).where(
            Run.set_version_id == set_version_id,
            Run.target_kind == target.kind,
            Run.target_name == target.name,
            Run.target_number == target.number,
        )
        known = db.exec(query.order_by(col(Run.id).desc())).first()
        if known:
            return known
        made = Run(**target.columns(), set_version_id=set_version_id, at=at or now(), by_person_id=by.id)
        db.add(made)
        return made


def _answer(made: Run, cases: list[Case], ask: Ask, at: datetime | None) -> None:
    started = time.perf_counter()
    outputs = ask(cases)
    ms = (time.perf_counter() - started) * 1000 / len(cases)
    with store.writing() as db:
        pairs = [
            (case, Result(run_id=made.id, case_id=case.id, output=output, ms=ms, at=at or now(), by_person_id=made.by_person_id))
            for case, output in zip(cases, outputs, strict=True)
        ]
        db.add_all(result for _, result in pairs)
        db.flush()
        scores.grade(db, made, pairs)


def of_target(target: Target, *, by: Person) -> list[Run]:
    access.require(by, "eval_set.read")
    with store.reading() as db:
        query = select(Run).where(
            Run.target_kind == target.kind, Run.target_name == target.name, Run.target_number == target.number, Run.state == "done"
        )
        return list(db.exec(query.order_by(col(Run.id).desc())))


def of_version(set_version_id: str, *, by: Person) -> list[Run]:
    access.require(by, "eval_set.read")
    with store.reading() as db:
        return list(
            db.exec(select(Run).where(Run.set_version_id == set_version_id, Run.state == "done").order_by(col(Run.target_number).desc()))
        )
