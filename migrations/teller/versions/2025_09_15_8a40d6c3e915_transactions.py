"""Transactions, as told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "8a40d6c3e915"
down_revision = "3c8e5b12f7a0"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "transactions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(64), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("amount", sa.Numeric(14, 2), nullable=False),
        sa.Column("raw", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_transactions"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_transactions_account_id_accounts"),
    )
    op.create_index("ix_transactions_account_id_date", "transactions", ["account_id", "date"])


def downgrade() -> None:
    op.drop_table("transactions")
