"""Blocks and transactions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "5fd2803ac71e"
down_revision = "17c9e04b6a2d"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blocks",
        sa.Column("height", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("mined_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("height", name="pk_blocks"),
        sa.UniqueConstraint("hash", name="uq_blocks_hash"),
        sa.UniqueConstraint("previous_hash", name="uq_blocks_previous_hash"),
    )
    op.create_table(
        "transactions",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("block_height", sa.BigInteger()),
        sa.Column("from_wallet_id", sa.BigInteger(), nullable=False),
        sa.Column("to_wallet_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(28, 8), nullable=False),
        sa.Column(
            "status",
            sa.Enum("pending", "confirmed", "failed", name="transaction_status"),
            server_default="pending",
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_transactions"),
        sa.UniqueConstraint("hash", name="uq_transactions_hash"),
        sa.ForeignKeyConstraint(["block_height"], ["blocks.height"], name="fk_transactions_block_height_blocks"),
        sa.ForeignKeyConstraint(["from_wallet_id"], ["wallets.id"], name="fk_transactions_from_wallet_id_wallets"),
        sa.ForeignKeyConstraint(["to_wallet_id"], ["wallets.id"], name="fk_transactions_to_wallet_id_wallets"),
        sa.CheckConstraint("amount > 0", name=op.f("ck_transactions_amount_positive")),
    )
    for column in ("block_height", "from_wallet_id", "to_wallet_id"):
        op.create_index(f"ix_transactions_{column}", "transactions", [column])


def downgrade() -> None:
    op.drop_table("transactions")
    op.execute("DROP TYPE transaction_status")
    op.drop_table("blocks")
