"""The three sentences and the digest of each week, to whom it was sent, and who wants no mail of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from data.migrations.immutable import make_immutable

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0016_digests"
down_revision = "0015_monitors"


def upgrade() -> None:
    op.create_table(
        "briefing", *_row(), sa.Column("whose", sa.String(), nullable=False), sa.Column("told", JSON, nullable=False),
        sa.Column("stand", JSON, nullable=False), sa.UniqueConstraint("whose"), sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_table(
        "digest", *_row(), sa.Column("week", sa.Date(), nullable=False), sa.Column("whose", sa.String(), nullable=False),
        sa.Column("told", JSON, nullable=False), sa.UniqueConstraint("week", "whose"), sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_table(
        "digest_mail", *_row(), sa.Column("week", sa.Date(), nullable=False),
        sa.Column("person_id", sa.String(), sa.ForeignKey("person.id"), nullable=False), sa.UniqueConstraint("week", "person_id"),
        sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    for table in ("briefing", "digest", "digest_mail"):
        op.create_index(f"ix_{table}_at", table, ["at"])
    op.create_index("ix_digest_mail_person_id", "digest_mail", ["person_id"])
    op.add_column("person", sa.Column("no_digest", sa.Boolean(), nullable=False, server_default=sa.false()))
    make_immutable("digest")


def _row() -> tuple[sa.Column[str], ...]:
    """What every row has."""
    return (
        sa.Column("id", sa.String(), nullable=False), sa.Column("at", TIME, nullable=False), sa.Column("by_person_id", sa.String()),
    )  # type: ignore[return-value]  # fmt: skip
