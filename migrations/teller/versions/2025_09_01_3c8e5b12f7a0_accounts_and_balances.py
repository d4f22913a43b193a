"""Accounts, and snapshots of their balances."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "3c8e5b12f7a0"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("institution_id", sa.String(64), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("subtype", sa.String(32)),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
    )
    op.create_table(
        "balance_snapshots",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(64), nullable=False),
        sa.Column("available", sa.Numeric(14, 2)),
        sa.Column("ledger", sa.Numeric(14, 2)),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_balance_snapshots"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_balance_snapshots_account_id_accounts"),
    )
    op.create_index("ix_balance_snapshots_account_id_as_of", "balance_snapshots", ["account_id", "as_of"])


def downgrade() -> None:
    op.drop_table("balance_snapshots")
    op.drop_table("accounts")
