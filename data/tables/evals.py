"""Shared definitions of quality: sets, frozen versions, runs, scores, comparisons."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from data.tables.base import Row, TargetColumns, json_field, time_field

ONE_OF = ("result", "prediction", "message", "trace")


class EvalSet(Row, table=True):
    __tablename__ = "eval_set"
    name: str = Field(unique=True)
    purpose: str  # classifier, answer, automation
    about: str = "intent"  # where it tests a classifier: which
    kind: str = "regression"  # regression, capability
    owner_id: str | None = Field(default=None, foreign_key="person.id")
    bar: float = 0.95
    margin: float = 0.02  # so much may be lost and it still counts as no worse


class SetVersion(Row, table=True):
    __tablename__ = "set_version"
    __table_args__ = (UniqueConstraint("eval_set_id", "number"),)
    eval_set_id: str = Field(foreign_key="eval_set.id")
    number: int
    sha: str
    changelog: str


class CaseChange(Row, table=True):
    """What the next freeze does beside taking in what was flagged: a case from a file or typed, a better one, one that is taken out."""

    __tablename__ = "case_change"
    eval_set_id: str = Field(foreign_key="eval_set.id", index=True)
    change: str  # add, change, retire
    key: str
    case: dict[str, Any] | None = json_field(default=None)  # input, expected, graders, slices
    why: str
    set_version_id: str | None = Field(default=None, foreign_key="set_version.id", index=True)  # the version that took it in


class Case(Row, table=True):
    __tablename__ = "eval_case"
    __table_args__ = (UniqueConstraint("set_version_id", "key"),)
    set_version_id: str = Field(foreign_key="set_version.id")
    example_id: str | None = Field(default=None, foreign_key="example.id", index=True)
    key: str  # the same case has the same key in every version of the set
    number: int = 0  # as people call it; 0 in versions that were frozen before cases kept one
    input: dict[str, Any] = json_field()
    expected: dict[str, Any] = json_field()
    graders: list[str] = json_field()
    slices: dict[str, str] = json_field()
    customer_id: str | None = Field(default=None, foreign_key="customer.id", index=True)


class Run(Row, TargetColumns, table=True):
    __tablename__ = "run"
    set_version_id: str = Field(foreign_key="set_version.id", index=True)
    repeats: int = 1
    state: str = "running"  # running, done, failed, stopped
    cost: float = 0.0
    ended_at: datetime | None = time_field(default=None)
    error: str = ""
    cases: int = 0  # counted when it is done, so that lists need not
    passed: int = 0


class Result(Row, table=True):
    __tablename__ = "run_result"
    __table_args__ = (UniqueConstraint("run_id", "case_id", "repeat"),)
    run_id: str = Field(foreign_key="run.id")
    case_id: str = Field(foreign_key="eval_case.id", index=True)
    repeat: int = 0
    output: dict[str, Any] | None = json_field(default=None)
    error: str = ""
    ms: float = 0.0
    cost: float = 0.0
    trace_id: str | None = Field(default=None, foreign_key="trace.id")


class Score(Row, TargetColumns, table=True):
    __tablename__ = "score"
    __table_args__ = (
        # a score is of exactly one thing
        CheckConstraint(" + ".join(f"(CASE WHEN {of}_id IS NULL THEN 0 ELSE 1 END)" for of in ONE_OF) + " = 1", name="score_of_one_thing"),
        Index("ix_score_of_grader", "grader_name", "mode", "at"),
    )
    grader_name: str
    grader_number: int = 1
    result_id: str | None = Field(default=None, foreign_key="run_result.id", index=True)
    prediction_id: str | None = Field(default=None, foreign_key="prediction.id", index=True)
    message_id: str | None = Field(default=None, foreign_key="message.id", index=True)
    trace_id: str | None = Field(default=None, foreign_key="trace.id", index=True)
    conversation_id: str | None = Field(default=None, foreign_key="conversation.id", index=True)
    mode: str
    value: float | None = None
    passed: bool | None = None
    why: str = ""
    error: str = ""
    weight: float = 1.0


class Comparison(Row, table=True):
    __tablename__ = "comparison"
    set_version_id: str = Field(foreign_key="set_version.id", index=True)
    candidate_run_id: str = Field(foreign_key="run.id", index=True)
    live_run_id: str = Field(foreign_key="run.id")
    grader_name: str  # "every grader": a case passes when all of them pass it
    slice: str = ""  # such as "channel: chat"; empty: all cases
    measure: str = "passes"  # passes, scores
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
    part_of: str | None = Field(default=None, foreign_key="comparison.id", index=True)  # by grader or slice, beside the one over all cases
    clusters: int = 0  # customers
    how: str = ""  # the method, for whoever asks how we know


class GraderCheck(Row, table=True):
    """How far a grader agrees with people on the same outputs. The newest of a grader says whether it may gate."""

    __tablename__ = "grader_check"
    grader_name: str = Field(index=True)
    grader_number: int
    n: int
    kappa: float | None = None
    precision: float | None = None
    recall: float | None = None
    figures: dict[str, Any] = json_field()  # intervals and counts
    may_gate: bool
    why: str
