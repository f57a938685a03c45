"""The chat widget: pages on which customers write, and the conversations that their visitors hold a key of."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0012_widget"
down_revision = "0011_runs"


def upgrade() -> None:
    op.create_table(
        "surface", *_row(), _to("person"), *(sa.Column(name, sa.String(), nullable=False) for name in ("name", "token_sha")),
        sa.Column("origins", JSON, nullable=False), sa.Column("team_id", sa.String(), sa.ForeignKey("team.id")),
        sa.Column("proposal_id", sa.String()), sa.Column("expires_at", TIME, nullable=False), sa.Column("used_at", TIME),
        sa.Column("revoked_at", TIME), sa.UniqueConstraint("token_sha"), sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_table(
        "talk", *_row(), _to("surface"), _to("conversation"), sa.Column("key_sha", sa.String(), nullable=False),
        sa.Column("looked_seq", sa.Integer(), nullable=False), sa.UniqueConstraint("conversation_id"), sa.UniqueConstraint("key_sha"),
        sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    for table, columns in {"surface": ("at", "person_id"), "talk": ("at", "surface_id")}.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])


def _row() -> tuple[sa.Column[str], ...]:
    """What every row has."""
    return (
        sa.Column("id", sa.String(), nullable=False), sa.Column("at", TIME, nullable=False), sa.Column("by_person_id", sa.String()),
    )  # type: ignore[return-value]  # fmt: skip


def _to(table: str) -> sa.Column[str]:
    return sa.Column(f"{table}_id", sa.String(), sa.ForeignKey(f"{table}.id"), nullable=False)
