"""Runs a target over a frozen set. What was answered is kept in small steps: a kill asks at most one of them again."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite
from typing import Any

from sqlmodel import Session, col, func, select

from data import access, audit, bulk, store
from data.errors import Refused
from data.masking import masked
from data.measures import Share
from data.tables import Case, EvalSet, Person, Result, Run, SetVersion
from data.values import Target, new_id, now
from evals import graders, scores, sets
from evals.cases import unkeepable
from evals.graders.face import Graders, Output
from language.fitting import kept

STEP, SECONDS = 100, 0.5  # a step ends with so many answers, or after so long
MOST_REPEATS = 20
LONGEST_ERROR = 1_000


@dataclass(frozen=True)
class Answer:
    """What the target said to a case, or why it said nothing: that is a result too, and never a pass."""

    case: Case
    output: Output | None
    error: str = ""
    ms: float = 0.0
    cost: float = 0.0
    trace_id: str | None = None


# A target: cases in, answers out in any order. None says that it is still at work, so that what came so far is kept meanwhile.
Ask = Callable[[Sequence[Case]], Iterable[Answer | None]]


def run(
    set_version_id: str,
    target: Target,
    ask: Ask,
    *,
    by: Person,
    repeats: int = 1,
    again: bool = False,
    known: Graders = graders.BY_NAME,
    progress: Callable[[float, str], None] = lambda _share, _doing: None,
    at: datetime | None = None,
) -> Run:
    """Every case answered and graded. A run that was cut off goes on; one that is done is the run we have, unless asked for `again`."""
    access.require(by, "eval.run")
    if not 1 <= repeats <= MOST_REPEATS:
        raise Refused(f"Not run: each case is asked 1 to {MOST_REPEATS} times, not {repeats}.")
    cases = sets.cases(set_version_id)
    if not cases:
        raise Refused("Not run: the set has no case. Flag some on Review and freeze it, or add cases from a file.")
    made = _begin(set_version_id, target, repeats, again, by, at)
    if made.state == "done":
        return made
    keep = _Keeper(made, known, len(cases) * repeats, progress, at)
    for repeat in range(repeats):
        for answer in keep.heard(ask, keep.left(cases, repeat)):
            keep.take(answer, repeat)
        keep.write(repeat)
    return _end(made, keep.uncalled_for, at)


def _begin(set_version_id: str, target: Target, repeats: int, again: bool, by: Person, at: datetime | None) -> Run:
    with store.writing() as db:
        store.one_at_a_time(db, f"run {target.kind} {target} on {set_version_id}")
        query = select(Run).where(*_is(target), Run.set_version_id == set_version_id, Run.repeats == repeats)
        last = db.exec(query.order_by(col(Run.id).desc())).first()
        if last and (last.state == "running" or (last.state == "done" and not again)):
            return last
        made = Run(**target.columns(), set_version_id=set_version_id, repeats=repeats, at=at or now(), by_person_id=access.whose(by))
        db.add(made)
        return made


def _is(target: Target) -> tuple[Any, ...]:
    return (
        col(Run.target_kind) == target.kind, col(Run.target_name) == target.name, col(Run.target_number) == target.number,
    )  # fmt: skip


class _Keeper:
    """Hears answers, grades them, and writes them in steps."""

    def __init__(self, run: Run, known: Graders, total: int, progress: Callable[[float, str], None], at: datetime | None) -> None:
        self.run, self.known, self.total, self.progress, self.at = run, known, total, progress, at
        self.waiting: list[Answer] = []
        self.began = time.monotonic()
        self.done = result_count(run.id)
        self.uncalled_for = 0

    def left(self, cases: Sequence[Case], repeat: int) -> list[Case]:
        with store.reading() as db:
            answered = self._answered(db, cases, repeat)
        return [case for case in cases if case.id not in answered]

    def heard(self, ask: Ask, cases: Sequence[Case]) -> Iterator[Answer | None]:
        """One answer to each case, the first that came. A target that breaks off gives its fault as the answer to what is left."""
        left = {case.id: case for case in cases}
        error = "the target passed over this case"
        try:
            for answer in ask(cases) if cases else ():
                if answer is None:
                    yield None
                elif answer.case.id in left:
                    yield replace(answer, case=left.pop(answer.case.id))  # judged by what we expect, not by a case of its own making
                else:
                    self.uncalled_for += 1
        except Exception as broken:  # a target that breaks is a result with its error, not the end of the run
            error = f"the target broke off: {in_words(broken)}"
        yield from (Answer(case, None, error) for case in left.values())

    def take(self, answer: Answer | None, repeat: int) -> None:
        if answer is not None:
            self.waiting.append(answer)
        if len(self.waiting) >= STEP or time.monotonic() - self.began >= SECONDS:
            self.write(repeat)

    def write(self, repeat: int) -> None:
        answers, self.waiting = self.waiting, []
        if answers:
            made = [(answer.case, _row(self.run, answer, repeat, self.at)) for answer in answers]
            given = scores.of_run(self.run, made, self.known)  # outside the transaction: a model may judge, and nobody waits for it
            with store.writing() as db:
                _still_wanted(db, self.run.id)
                theirs = self._answered(db, [answer.case for answer in answers], repeat)  # by another process that is at the same run
                rows = {row["id"]: row for case, row in made if case.id not in theirs}
                bulk.insert(db, Result, list(rows.values()))
                scores.write(db, [score for score in given if score["result_id"] in rows])
            self.done += len(answers)
        # who cancelled is heard here, also while nothing comes
        target = Target(self.run.target_kind, self.run.target_name, self.run.target_number)
        self.progress(min(self.done / self.total, 1.0), f"{target}: {self.done:,} of {self.total:,} answers")
        self.began = time.monotonic()

    def _answered(self, db: Session, cases: Sequence[Case], repeat: int) -> set[str]:
        query = select(Result.case_id).where(Result.run_id == self.run.id, Result.repeat == repeat)
        if len(cases) <= STEP:
            query = query.where(col(Result.case_id).in_([case.id for case in cases]))
        return set(db.exec(query).all())


def _row(run: Run, answer: Answer, repeat: int, at: datetime | None) -> dict[str, Any]:
    error = str(answer.error) or _fault(answer.output)
    return {
        "id": new_id(), "at": at or now(), "by_person_id": run.by_person_id, "run_id": run.id, "case_id": answer.case.id, "repeat": repeat,
        "output": None if error else answer.output, "error": kept(error)[:LONGEST_ERROR], "ms": _amount(answer.ms),
        "cost": _amount(answer.cost), "trace_id": answer.trace_id,
    }  # fmt: skip


def _fault(output: Any) -> str:
    """Why what a target said is no output; empty if it is one."""
    if output is None:
        return "the target said nothing"
    if not isinstance(output, dict):
        return f"the target said no output, but a {type(output).__name__}"
    fault = unkeepable(output)
    return f"what the target said cannot be kept: {fault}" if fault else ""


def _amount(told: float) -> float:
    """What a target says of its own time and cost: what is no amount counts as none."""
    return float(told) if isinstance(told, int | float) and isfinite(told) and told > 0 else 0.0


def _end(made: Run, uncalled_for: int, at: datetime | None) -> Run:
    with store.writing() as db:
        run = _still_wanted(db, made.id)
        run.passed, run.cases = scores.counted(db, run.id)
        run.cost = db.exec(select(func.coalesce(func.sum(Result.cost), 0.0)).where(Result.run_id == run.id)).one()
        run.state, run.ended_at = "done", run.ended_at or at or now()
        run.error = "; ".join(filter(None, (str(scores.unjudged(db, run.id)), _uncalled_for(uncalled_for))))  # lists show it
        db.add(run)
        return run


def _uncalled_for(count: int) -> str:
    answers = f"{count:,} answers came" if count > 1 else "an answer came"
    return f"{answers} to no case that was asked, or to one a second time; that counted for nothing" if count else ""


def _still_wanted(db: Session, run_id: str) -> Run:
    """The run as it is now; nobody else writes to it meanwhile."""
    store.one_at_a_time(db, f"run {run_id}")
    run = db.get_one(Run, run_id, populate_existing=True)
    if run.state == "stopped":
        raise Refused(f"The run was stopped: {run.error.rstrip('.')}. What was answered until then is kept.")
    return run


def stop(run_id: str, *, why: str, by: Person, at: datetime | None = None) -> Run:
    """It is not gone on with. What was answered stays to be looked at, and is compared with nothing."""
    access.require(by, "eval.run")
    with store.writing() as db:
        store.one_at_a_time(db, f"run {run_id}")
        made = db.get(Run, run_id)
        if made is None or made.state != "running":
            raise Refused("Not stopped: that run is over already.")
        made.state, made.error, made.ended_at = "stopped", masked(kept(why.strip())) or "no reason was given", at or now()
        db.add(made)
        audit.record(db, by, "stopped", "run", made.id, f"Stopped the run of {made.target_name} {made.target_number}.", at=at)
        return made


# -- read ---------------------------------------------------------------------------------------------------------------------------------


def get(run_id: str, *, by: Person) -> Run | None:
    access.require(by, "eval_set.read")
    with store.reading() as db:
        return db.get(Run, run_id)


def of_target(target: Target, *, by: Person) -> list[Run]:
    """Done, newest first."""
    access.require(by, "eval_set.read")
    with store.reading() as db:
        return list(db.exec(select(Run).where(*_is(target), Run.state == "done").order_by(col(Run.id).desc())))


def of_version(set_version_id: str, *, by: Person) -> list[Run]:
    """Done, the newest number of a target first."""
    access.require(by, "eval_set.read")
    with store.reading() as db:
        query = select(Run).where(Run.set_version_id == set_version_id, Run.state == "done")
        return list(db.exec(query.order_by(col(Run.target_number).desc(), col(Run.id).desc())))


@dataclass(frozen=True)
class Told:
    """A run as a list shows it."""

    run: Run
    eval_set: EvalSet
    number: int  # of the set's version

    @property
    def passed(self) -> Share:
        return Share(self.run.passed, self.run.cases)


def newest(*, by: Person, eval_set_id: str | None = None, most: int = 50) -> list[Told]:
    """All runs, whatever became of them, newest first."""
    access.require(by, "eval_set.read")
    query = (
        select(Run, EvalSet, SetVersion.number)
        .join(SetVersion, col(SetVersion.id) == col(Run.set_version_id))
        .join(EvalSet, col(EvalSet.id) == col(SetVersion.eval_set_id))
        .order_by(col(Run.at).desc(), col(Run.id).desc())
        .limit(most)
    )
    if eval_set_id:
        query = query.where(EvalSet.id == eval_set_id)
    with store.reading() as db:
        return [Told(*found) for found in db.exec(query)]


def result_count(run_id: str) -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(Result).where(Result.run_id == run_id)).one()


def faults(run_id: str, most: int = 5) -> list[tuple[str, int]]:
    """Why the target gave no answer, and how often, the most frequent first."""
    count = func.count().label("count")
    query = select(Result.error, count).where(Result.run_id == run_id, Result.error != "").group_by(col(Result.error))
    with store.reading() as db:
        return [(error, times) for error, times in db.exec(query.order_by(count.desc(), col(Result.error)).limit(most))]


def results(db: Session, run_id: str, case_ids: Sequence[str]) -> dict[str, list[Result]]:
    """What was said to each of these cases, first try first."""
    found: dict[str, list[Result]] = {case_id: [] for case_id in case_ids}
    query = select(Result).where(Result.run_id == run_id, col(Result.case_id).in_(case_ids)).order_by(col(Result.repeat))
    for result in db.exec(query):
        found[result.case_id].append(result)
    return found


def told_at_once(say: Callable[[Sequence[Case]], Sequence[Output]]) -> Ask:
    """A target that answers many at a time, such as a classifier. What it raises is the answer to the cases of that step."""

    def ask(cases: Sequence[Case]) -> Iterator[Answer]:
        for start in range(0, len(cases), STEP):  # so that a kill asks no more than a step again
            some, began = cases[start : start + STEP], time.perf_counter()
            try:
                outputs: Sequence[Output | None] = list(say(some) or ())
                error = "" if len(outputs) == len(some) else f"the target gave {len(outputs):,} answers to {len(some):,} cases"
            except Exception as broken:  # a target that breaks is a result with its error, not the end of the run
                outputs, error = [], in_words(broken)
            ms = (time.perf_counter() - began) * 1000 / len(some)
            for case, output in zip(some, [None] * len(some) if error else outputs, strict=True):
                yield Answer(case, output, error, ms)

    return ask


def in_words(error: BaseException) -> str:
    return str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
