"""Shared definitions of quality: sets, frozen versions, runs, scores, comparisons."""

from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field

from data.tables.base import Row, TargetColumns, json_field


class EvalSet(Row, table=True):
    __tablename__ = "eval_set"
    name: str = Field(unique=True)
    purpose: str  # classifier, answer, automation
    kind: str = "regression"  # regression, capability
    owner_id: str | None = Field(default=None, foreign_key="person.id")
    bar: float = 0.95


class SetVersion(Row, table=True):
    __tablename__ = "set_version"
    __table_args__ = (UniqueConstraint("eval_set_id", "number"),)
    eval_set_id: str = Field(foreign_key="eval_set.id")
    number: int
    sha: str
    changelog: str


class Case(Row, table=True):
    __tablename__ = "eval_case"
    __table_args__ = (UniqueConstraint("set_version_id", "key"),)
    set_version_id: str = Field(foreign_key="set_version.id")
    example_id: str | None = Field(default=None, foreign_key="example.id", index=True)
    key: str  # the same case has the same key in every version of the set
    input: dict[str, Any] = json_field()
    expected: dict[str, Any] = json_field()
    graders: list[str] = json_field()
    slices: dict[str, str] = json_field()
    customer_id: str | None = Field(default=None, foreign_key="customer.id", index=True)


class Run(Row, TargetColumns, table=True):
    __tablename__ = "run"
    set_version_id: str = Field(foreign_key="set_version.id", index=True)
    repeats: int = 1
    state: str = "running"  # running, done
    cost: float = 0.0


class Result(Row, table=True):
    __tablename__ = "run_result"
    __table_args__ = (UniqueConstraint("run_id", "case_id", "repeat"),)
    run_id: str = Field(foreign_key="run.id")
    case_id: str = Field(foreign_key="eval_case.id")
    repeat: int = 0
    output: dict[str, Any] | None = json_field(default=None)
    error: str = ""
    ms: float = 0.0
    cost: float = 0.0


class Score(Row, TargetColumns, table=True):
    __tablename__ = "score"
    __table_args__ = (
        # a score is of exactly one thing
        CheckConstraint(
            "(CASE WHEN result_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN prediction_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="score_of_one_thing",
        ),
    )
    grader_name: str
    grader_number: int = 1
    result_id: str | None = Field(default=None, foreign_key="run_result.id", index=True)
    prediction_id: str | None = Field(default=None, foreign_key="prediction.id", index=True)
    conversation_id: str | None = Field(default=None, foreign_key="conversation.id")
    mode: str
    value: float | None = None
    passed: bool | None = None
    why: str = ""
    error: str = ""
    weight: float = 1.0


class Comparison(Row, table=True):
    __tablename__ = "comparison"
    set_version_id: str = Field(foreign_key="set_version.id", index=True)
    candidate_run_id: str = Field(foreign_key="run.id")
    live_run_id: str = Field(foreign_key="run.id")
    grader_name: str
    cases: int
    fixed: int
    broken: int
    difference: float
    low: float
    high: float
    p: float
    verdict: str  # better, worse, no_worse, cannot_tell
    more_needed: int | None = None
    sentence: str
