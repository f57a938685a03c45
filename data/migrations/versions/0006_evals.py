"""Evals: cases from files and by hand, runs that repeat and fail, graders checked against people, verdicts by grader and slice."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from data.migrations.immutable import make_immutable

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
OF_ONE_THING = " + ".join(f"(CASE WHEN {of}_id IS NULL THEN 0 ELSE 1 END)" for of in ("result", "prediction", "message", "trace")) + " = 1"

PASSES = "SELECT 1 FROM score WHERE score.result_id = run_result.id AND NOT COALESCE(score.passed, FALSE)"
COUNT = (  # what was run before
    "UPDATE run SET cases = (SELECT COUNT(*) FROM run_result WHERE run_result.run_id = run.id), "
    f"passed = (SELECT COUNT(*) FROM run_result WHERE run_result.run_id = run.id AND NOT EXISTS ({PASSES})) WHERE state = 'done'"
)

revision = "0006_evals"
down_revision = "0005_judging"


def upgrade() -> None:
    _table(
        "case_change", _text("change"), _text("key"), sa.Column("case", JSON), _text("why"),
        sa.Column("eval_set_id", sa.String(), sa.ForeignKey("eval_set.id"), nullable=False),
        sa.Column("set_version_id", sa.String(), sa.ForeignKey("set_version.id")), indexed=("eval_set_id", "set_version_id"),
    )  # fmt: skip
    figures = [sa.Column(name, sa.Float()) for name in ("kappa", "precision", "recall")]
    _table(
        "grader_check", _text("grader_name"), _number("grader_number"), _number("n"), *figures, sa.Column("figures", JSON, nullable=False),
        _yes_no("may_gate"), _text("why"), indexed=("grader_name",),
    )  # fmt: skip
    op.add_column("eval_case", sa.Column("number", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("eval_set", sa.Column("margin", sa.Float(), nullable=False, server_default="0.02"))
    op.add_column("run", sa.Column("ended_at", TIME))
    op.add_column("run", sa.Column("error", sa.String(), nullable=False, server_default=""))
    for column in ("cases", "passed"):
        op.add_column("run", sa.Column(column, sa.Integer(), nullable=False, server_default="0"))
    op.execute(COUNT)
    _refers("run_result", "trace_id", "trace")
    op.create_index("ix_run_result_case_id", "run_result", ["case_id"])
    _comparisons()
    _scores_of_more_things()
    make_immutable("grader_check")


def _comparisons() -> None:
    for column in (
        sa.Column("slice", sa.String(), nullable=False, server_default=""),
        sa.Column("measure", sa.String(), nullable=False, server_default="passes"),
        sa.Column("clusters", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("how", sa.String(), nullable=False, server_default=""),
    ):
        op.add_column("comparison", column)
    _refers("comparison", "part_of", "comparison")
    for column in ("candidate_run_id", "part_of"):
        op.create_index(f"ix_comparison_{column}", "comparison", [column])


def _refers(table: str, column: str, other: str) -> None:
    """A new column that names a row. Written as both engines take it: Alembic would have SQLite copy the table and lose its triggers."""
    op.execute(f"ALTER TABLE {table} ADD COLUMN {column} VARCHAR REFERENCES {other} (id)")


def _scores_of_more_things() -> None:
    """A score may be of a message or a trace too. SQLite changes no constraint in place, so there the table is written anew."""
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("score", recreate="always") as score:
            _widen(score)
        make_immutable("score")  # the triggers went with the old table
    else:
        _widen(op, "score")
    for column in ("message_id", "trace_id"):
        op.create_index(f"ix_score_{column}", "score", [column])
    op.create_index("ix_score_of_grader", "score", ["grader_name", "mode", "at"])


def _widen(score: Any, *table: str) -> None:
    score.drop_constraint("score_of_one_thing", *table, type_="check")
    for of in ("message", "trace"):
        score.add_column(*table, sa.Column(f"{of}_id", sa.String(), sa.ForeignKey(f"{of}.id", name=f"score_of_{of}")))
    score.create_check_constraint("score_of_one_thing", *table, OF_ONE_THING)


def _text(name: str) -> Any:
    return sa.Column(name, sa.String(), nullable=False)


def _number(name: str) -> Any:
    return sa.Column(name, sa.Integer(), nullable=False)


def _yes_no(name: str) -> Any:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _table(name: str, *parts: Any, indexed: tuple[str, ...]) -> None:
    columns = (sa.Column("id", sa.String(), nullable=False), sa.Column("at", TIME, nullable=False), sa.Column("by_person_id", sa.String()))
    op.create_table(name, *columns, *parts, sa.PrimaryKeyConstraint("id"))
    for column in ("at", *indexed):
        op.create_index(f"ix_{name}_{column}", name, [column])
