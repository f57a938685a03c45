"""What recipes change in the world: each effect is written down before it leaves."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from data.migrations.immutable import keep_columns

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0010_actions"
down_revision = "0009_knowledge"

OF_SOMETHING = {"trace_id": "trace.id", "proposal_id": "proposal.id", "conversation_id": "conversation.id", "customer_id": "customer.id"}
TEXTS = (
    "target_kind", "target_name", "act", "step", "kind", "payload_sha", "idempotency_key", "currency", "state", "provider_ref", "why",
)  # fmt: skip
DECIDED = (
    "at", "trace_id", "proposal_id", "conversation_id", "customer_id", "target_kind", "target_name", "target_number", "act", "step", "kind",
    "payload", "payload_sha", "idempotency_key", "cents", "currency",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "action", sa.Column("id", sa.String(), nullable=False), sa.Column("at", TIME, nullable=False),
        sa.Column("by_person_id", sa.String()),
        *(sa.Column(name, sa.String(), sa.ForeignKey(place)) for name, place in OF_SOMETHING.items()),
        *(sa.Column(name, sa.String(), nullable=False) for name in TEXTS),
        sa.Column("target_number", sa.Integer(), nullable=False), sa.Column("cents", sa.Integer()),
        sa.Column("payload", JSON, nullable=False), sa.Column("answer", JSON), sa.Column("ended_at", TIME),
        sa.UniqueConstraint("trace_id", "act"), sa.UniqueConstraint("proposal_id"), sa.UniqueConstraint("idempotency_key"),
        sa.CheckConstraint("trace_id IS NOT NULL OR proposal_id IS NOT NULL", name="action_of_somebody"), sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    for column in ("at", "conversation_id", "state"):
        op.create_index(f"ix_action_{column}", "action", [column])
    op.create_index("ix_action_of_target", "action", ["target_kind", "target_name", "at"])
    op.create_index("ix_action_of_customer", "action", ["customer_id", "at"])
    keep_columns("action", DECIDED)
