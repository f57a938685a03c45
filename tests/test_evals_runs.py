"""A run: what was answered is kept when it is cut off, what is done is not asked again, and every answer is graded."""

from typing import Any

import pytest
from sqlmodel import func, select

from data import store
from data.tables import Case, Result, Score
from data.values import Target
from evals import runs, scores, sets
from tests.conftest import Staff
from tests.test_evals_sets import flagged_set

FIRST = Target("classifier", "intent", 1)


class Asked:
    """A target that remembers what it was asked, and breaks after so many answers."""

    def __init__(self, breaks_after: int | None = None, wrong: int = 0) -> None:
        self.breaks_after, self.wrong = breaks_after, wrong
        self.ids: list[str] = []

    def __call__(self, cases: list[Case]) -> list[dict[str, Any]]:
        if self.breaks_after is not None and len(self.ids) >= self.breaks_after:
            raise ConnectionError("the target went away")
        said = [
            {"label": "no intent of ours"} if len(self.ids) + place < self.wrong else dict(case.expected)
            for place, case in enumerate(cases)
        ]
        self.ids += [case.id for case in cases]
        return said


@pytest.fixture
def version(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> str:
    """A frozen version of ten cases, answered in steps of three."""
    monkeypatch.setattr(runs, "STEP", 3)
    eval_set, _ = flagged_set(staff, range(1, 11))
    return sets.freeze(eval_set.id, by=staff.lead).id


def counted(table: type[Result] | type[Score]) -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(table)).one()


def test_after_a_cut_only_the_rest_is_asked(staff: Staff, version: str) -> None:
    broken = Asked(breaks_after=6)
    with pytest.raises(ConnectionError):
        runs.run(version, FIRST, broken, by=staff.rep)
    assert len(broken.ids) == 6 and counted(Result) == counted(Score) == 6  # two steps were kept whole
    assert runs.of_version(version, by=staff.rep) == [] and runs.of_target(FIRST, by=staff.rep) == []  # half a run is no run

    whole = Asked()
    made = runs.run(version, FIRST, whole, by=staff.lead)
    assert made.state == "done"
    assert sorted(broken.ids + whole.ids) == sorted(case.id for case in sets.cases(version))  # each case once
    assert counted(Result) == counted(Score) == 10
    assert (scores.passed(made.id).k, scores.passed(made.id).n) == (10, 10)
    assert [run.id for run in runs.of_version(version, by=staff.rep)] == [made.id]


def test_the_same_run_again_is_the_run_we_have(staff: Staff, version: str) -> None:
    made = runs.run(version, FIRST, Asked(), by=staff.rep)
    never = Asked(breaks_after=0)
    assert runs.run(version, FIRST, never, by=staff.engineer).id == made.id
    assert never.ids == [] and counted(Result) == 10
    other = Asked()  # the control: another number is another run
    assert runs.run(version, Target("classifier", "intent", 2), other, by=staff.rep).id != made.id
    assert len(other.ids) == 10


def test_every_answer_is_graded_and_the_share_is_of_all(staff: Staff, version: str) -> None:
    made = runs.run(version, FIRST, Asked(wrong=3), by=staff.rep)
    by_case = scores.by_case(made.id)
    assert len(by_case) == 10
    assert sum(score.passed is True for score in by_case.values()) == 7
    assert {score.why.split("'")[0] for score in by_case.values()} == {"said "}
    assert sum("said 'no intent of ours' instead of" in score.why for score in by_case.values()) == 3
    share = scores.passed(made.id)
    assert (share.k, share.n) == (7, 10)


def test_missing_and_silent_answers_are_graded_as_fails(staff: Staff, version: str) -> None:
    def ask(cases: list[Case]) -> list[Any]:
        return [None if place == 0 else {"label": None, "label_id": None} for place, _ in enumerate(cases)]

    made = runs.run(version, FIRST, ask, by=staff.rep)
    share = scores.passed(made.id)
    assert (share.k, share.n) == (0, 10)
    assert {score.why.split(" instead")[0] for score in scores.by_case(made.id).values()} == {"there was no output", "kept silent"}


def test_a_target_that_answers_too_few_cases_leaves_nothing_of_that_step(staff: Staff, version: str) -> None:
    def ask(cases: list[Case]) -> list[dict[str, Any]]:
        return [dict(case.expected) for case in cases[:-1]]

    with pytest.raises(ValueError, match="shorter"):
        runs.run(version, FIRST, ask, by=staff.rep)
    assert counted(Result) == counted(Score) == 0
    assert scores.passed(runs.run(version, FIRST, Asked(), by=staff.rep).id).k == 10


def test_progress_grows_to_the_whole_and_names_the_cases(staff: Staff, version: str) -> None:
    told: list[tuple[float, str]] = []
    runs.run(version, FIRST, Asked(), by=staff.rep, progress=lambda share, doing: told.append((share, doing)))
    assert [doing for _, doing in told] == [f"intent 1: {done} of 10 cases" for done in (3, 6, 9, 10)]
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
