"""The audit log by time.

Counting a day of it read all of it. Production had the index before, built by hand and without blocking writers, as the
runbook says; there this does nothing.
"""

from __future__ import annotations

from alembic import op

revision = "e17d5b80a3c6"
down_revision = "c65a3d18b7e4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("idx_audit_created", "audit_log", ["created_at"], if_not_exists=True)


def downgrade() -> None:
    op.drop_index("idx_audit_created", "audit_log")
