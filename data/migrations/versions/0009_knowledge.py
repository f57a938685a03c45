"""Knowledge: articles, what a machine answered and what became of it, gaps that became articles."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0009_knowledge"
down_revision = "0008_several_classifiers"


def upgrade() -> None:
    op.create_table(
        "article", sa.Column("id", sa.String(), nullable=False), sa.Column("at", TIME, nullable=False),
        sa.Column("by_person_id", sa.String()),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("slug", "title", "kind", "audience", "area", "language", "stamp")),
        sa.Column("owner_id", sa.String(), sa.ForeignKey("person.id")), sa.Column("review_by", TIME),
        sa.Column("newest", sa.Integer(), nullable=False), sa.Column("live", sa.Integer()),
        sa.UniqueConstraint("slug"), sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    for column in ("at", "stamp"):
        op.create_index(f"ix_article_{column}", "article", [column])
    op.add_column("trace", sa.Column("said", JSON))
    for name in ("outcome", "better"):
        op.add_column("trace", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.add_column("trace", sa.Column("decided_at", TIME))
    op.add_column("trace", sa.Column("decided_by_id", sa.String()))
    op.create_index("ix_trace_of_target", "trace", ["target_kind", "target_name", "at"])
    op.add_column("pattern", sa.Column("trace_ids", JSON, nullable=False, server_default="[]"))
    op.add_column("pattern", sa.Column("told", JSON, nullable=False, server_default="{}"))
    op.add_column("pattern", sa.Column("article", sa.String(), nullable=False, server_default=""))
