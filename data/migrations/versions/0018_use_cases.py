"""Use cases, and the stages that they went through."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from data.migrations.immutable import make_immutable

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0018_use_cases"
down_revision = "0017_notes"


def upgrade() -> None:
    op.create_table(
        "use_case", *_row(), *_words("name", "goal", "problem", "risk", "risk_why", "signed_sha", "stage", "stopped_why"),
        *(sa.Column(name, JSON, nullable=False) for name in ("systems", "kpi", "before", "after", "links")),
        sa.Column("team_id", sa.String(), sa.ForeignKey("team.id")),
        sa.Column("owner_id", sa.String(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("signed_by_id", sa.String(), sa.ForeignKey("person.id")), sa.Column("signed_at", TIME),
        sa.Column("number", sa.Integer(), nullable=False), sa.Column("stage_since", TIME, nullable=False),
        sa.Column("review_on", sa.Date()), sa.Column("stopped_at", TIME), sa.UniqueConstraint("name"), sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_table(
        "use_case_move", *_row(), sa.Column("use_case_id", sa.String(), sa.ForeignKey("use_case.id"), nullable=False),
        *_words("before", "after", "why"), sa.Column("missing", JSON, nullable=False), sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    for table, column in (
        ("use_case", "at"), ("use_case", "team_id"), ("use_case", "owner_id"), ("use_case_move", "at"), ("use_case_move", "use_case_id"),
    ):  # fmt: skip
        op.create_index(f"ix_{table}_{column}", table, [column])
    make_immutable("use_case_move")


def _row() -> tuple[sa.Column[str], ...]:
    """What every row has."""
    return (
        sa.Column("id", sa.String(), nullable=False), sa.Column("at", TIME, nullable=False), sa.Column("by_person_id", sa.String()),
    )  # type: ignore[return-value]  # fmt: skip


def _words(*names: str) -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.String(), nullable=False) for name in names)
