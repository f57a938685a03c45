"""The rubrics that cases are judged by, with what was measured of each: another team's is taken over into a case of one's own.

What a rubric did there says little of how it does here: its figures stand in the changelog, and it is measured here by the next run.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from data import access, store
from data.errors import Refused
from data.measures import Share
from data.tables import Case, CaseChange, EvalSet, Person, Result, Score, SetVersion
from evals import changes, sets
from evals.cases import NewCase
from evals.graders import rubric
from evals.graders.face import Graders
from evals.scores import PEOPLE

STEP = 500
NONE = Share(0, 0)


@dataclass(frozen=True)
class Known:
    """The words, in the newest version of one set."""

    words: str
    set_id: str
    set_name: str
    number: int
    cases: int
    passed: Share  # of the outputs that it judged
    agrees: Share  # of those that people judged too, with one mind: how often it said the same

    @property
    def told(self) -> str:
        cases = f"{self.cases:,} {'case' if self.cases == 1 else 'cases'} of '{self.set_name}' {self.number}"
        if not self.passed.n:
            return f"in {cases}, not run there yet"
        people = f"people said the same in {self.agrees}" if self.agrees.n else "nobody checked it"
        return f"in {cases}: passed {self.passed}, {people}"


def known(*, by: Person) -> list[Known]:
    """Those of all sets, the most used first."""
    access.require(by, "eval_set.read")
    with store.reading() as db:
        rows = _judged_by_words(db)
        figures = _figures(db, [case_id for case_id, *_ in rows])
    found: defaultdict[tuple[str, str, str, int], list[str]] = defaultdict(list)
    for case_id, words, set_id, set_name, number in rows:
        found[words, set_id, set_name, number].append(case_id)
    made = [Known(*which, len(ids), *_together([figures.get(one, (NONE, NONE)) for one in ids])) for which, ids in found.items()]
    return sorted(made, key=lambda one: (-one.cases, one.set_name.casefold(), one.words))


def _judged_by_words(db: Session) -> list[Any]:
    """Case, words, and the set with its newest version."""
    newest = select(SetVersion.eval_set_id, func.max(SetVersion.number).label("number")).group_by(col(SetVersion.eval_set_id)).subquery()
    expected: Any = col(Case.expected)
    words = expected["rubric"].as_string()
    query: Any = (
        sa.select(col(Case.id), words, col(EvalSet.id), col(EvalSet.name), col(SetVersion.number))
        .join(SetVersion, col(SetVersion.id) == col(Case.set_version_id))
        .join(newest, (newest.c.eval_set_id == col(SetVersion.eval_set_id)) & (newest.c.number == col(SetVersion.number)))
        .join(EvalSet, col(EvalSet.id) == col(SetVersion.eval_set_id))
        .where(words.is_not(None), words != "")
    )
    return list(db.execute(query.order_by(col(Case.id))))


def _figures(db: Session, case_ids: Sequence[str]) -> dict[str, tuple[Share, Share]]:
    """Of each case: how often the rubric was met, and how often people saw it as the judge did."""
    said: defaultdict[str, dict[str, bool]] = defaultdict(dict)
    people: defaultdict[str, list[bool]] = defaultdict(list)
    for start in range(0, len(case_ids), STEP):
        some = col(Result.case_id).in_(case_ids[start : start + STEP])
        own, word = aliased(Score), aliased(Score)
        judged = select(Result.case_id, Result.id, own.passed).join(own, col(own.result_id) == col(Result.id)).where(
            some, own.grader_name == rubric.NAME, own.grader_number == rubric.NUMBER, col(own.passed).is_not(None),
        )  # fmt: skip
        for case_id, result_id, passed in db.exec(judged):
            said[case_id][result_id] = bool(passed)
        given = select(Result.id, word.passed).join(word, col(word.result_id) == col(Result.id)).where(some, word.grader_name == PEOPLE)
        for result_id, right in db.exec(given):
            people[result_id].append(bool(right))
    return {case_id: (Share(sum(results.values()), len(results)), _agrees(results, people)) for case_id, results in said.items()}


def _agrees(results: dict[str, bool], people: dict[str, list[bool]]) -> Share:
    clear = {one: sum(given) * 2 > len(given) for one in results if (given := people.get(one)) and sum(given) * 2 != len(given)}
    return Share(sum(results[one] is right for one, right in clear.items()), len(clear))


def _together(each: Sequence[tuple[Share, Share]]) -> tuple[Share, Share]:
    passed, agrees = zip(*each, strict=True)
    return _sum(passed), _sum(agrees)


def _sum(shares: Sequence[Share]) -> Share:
    return Share(sum(one.k for one in shares), sum(one.n for one in shares))


def copy(
    taken: Known, eval_set_id: str, key: str, *, words: str = "", known: Graders, by: Person, at: datetime | None = None
) -> CaseChange:
    """The case is judged by it too, from the next freeze on. `words`: where it should say something else here than there."""
    access.require(by, "case.change")
    told = words.strip() or taken.words
    now_is = _as_it_will_be(eval_set_id, key)
    if now_is.expected.get("rubric") == told:
        raise Refused("Not taken over: the case is judged by these words already.")
    graders = tuple(dict.fromkeys((*now_is.graders, rubric.NAME)))
    new = NewCase(now_is.messages, now_is.expected | {"rubric": told}, graders, now_is.subject_line, now_is.slices)
    like = "Judged by a rubric" if told == taken.words else "Judged after a rubric, in other words,"
    return changes.change(eval_set_id, key, new, known=known, why=f"{like} that is used {taken.told}.", by=by, at=at)


def _as_it_will_be(eval_set_id: str, key: str) -> NewCase:
    """With what waits to be changed of it."""
    with store.reading() as db:
        latest = sets.latest_in(db, eval_set_id)
        case = next((one for one in sets.cases_in(db, latest.id) if one.key == key), None) if latest else None
        waits = next((one for one in changes.in_waiting(db, eval_set_id) if one.key == key), None)
    if case is None:
        raise Refused("Not taken over: the newest version of the set has no such case.")
    if waits is not None and waits.change == changes.RETIRE:
        raise Refused("Not taken over: the case is to be taken out of the set. Take that back first, under Waiting.")
    frozen: dict[str, Any] = {"input": case.input, "expected": case.expected, "graders": case.graders, "slices": case.slices}
    told = waits.case if waits and waits.case else frozen
    asked = told["input"]
    return NewCase(
        tuple(asked["messages"]), dict(told["expected"]), tuple(told["graders"]), asked.get("subject_line") or "", dict(told["slices"])
    )  # fmt: skip
