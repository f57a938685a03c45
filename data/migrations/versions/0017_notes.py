"""What people write on the timeline."""

import sqlalchemy as sa
from alembic import op

TIME = sa.DateTime(timezone=True)

revision = "0017_notes"
down_revision = "0016_digests"


def upgrade() -> None:
    op.create_table(
        "note", sa.Column("id", sa.String(), nullable=False), sa.Column("at", TIME, nullable=False), sa.Column("by_person_id", sa.String()),
        sa.Column("happened_at", TIME, nullable=False), sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False), sa.Column("channel", sa.String(), nullable=False),
        sa.Column("intent_id", sa.String(), nullable=False), sa.Column("page", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), sa.ForeignKey("team.id")), sa.Column("taken_back_at", TIME), sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    for column in ("at", "happened_at"):
        op.create_index(f"ix_note_{column}", "note", [column])
