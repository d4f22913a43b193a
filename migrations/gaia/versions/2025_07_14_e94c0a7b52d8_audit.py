"""The audit schema.

Security events outlive the accounts they are about, so nothing here refers to a user.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "e94c0a7b52d8"
down_revision = "7d31b9e5f06c"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA audit")
    op.create_table(
        "security_events",
        sa.Column("event_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("event_type", sa.String(50), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("ip_address", postgresql.INET()),
        sa.Column("detail", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_security_events"),
        schema="audit",
    )
    op.create_index("ix_security_events_user_id", "security_events", ["user_id"], schema="audit")
    op.create_index("ix_security_events_created_at", "security_events", ["created_at"], schema="audit")


def downgrade() -> None:
    op.drop_table("security_events", schema="audit")
    op.execute("DROP SCHEMA audit")
