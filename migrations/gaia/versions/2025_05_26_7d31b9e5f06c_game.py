"""The game schema.

Campaigns, who plays in them, and what was said.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "7d31b9e5f06c"
down_revision = "2a6f84d0c913"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA game")
    op.create_table(
        "campaigns",
        sa.Column("campaign_id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("owner_id", sa.Uuid()),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("settings", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", name="pk_campaigns"),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["auth.users.user_id"], name="fk_campaigns_owner_id_users", ondelete="SET NULL"
        ),
        schema="game",
    )
    op.create_index("ix_campaigns_owner_id", "campaigns", ["owner_id"], schema="game")
    op.create_table(
        "campaign_participants",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "part",
            sa.Enum("player", "game_master", "spectator", name="part", schema="game"),
            server_default="player",
            nullable=False,
        ),
        sa.Column("joined_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "user_id", name="pk_campaign_participants"),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["game.campaigns.campaign_id"],
            name="fk_campaign_participants_campaign_id_campaigns",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["auth.users.user_id"], name="fk_campaign_participants_user_id_users", ondelete="CASCADE"
        ),
        schema="game",
    )
    op.create_index("ix_campaign_participants_user_id", "campaign_participants", ["user_id"], schema="game")
    op.create_table(
        "chat_history",
        sa.Column("message_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("speaker", sa.Enum("player", "game_master", "system", name="speaker", schema="game"), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_chat_history"),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["game.campaigns.campaign_id"],
            name="fk_chat_history_campaign_id_campaigns",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["auth.users.user_id"], name="fk_chat_history_user_id_users", ondelete="SET NULL"
        ),
        schema="game",
    )
    op.create_index(
        "ix_chat_history_campaign_id_created_at", "chat_history", ["campaign_id", "created_at"], schema="game"
    )
    op.create_index("ix_chat_history_user_id", "chat_history", ["user_id"], schema="game")


def downgrade() -> None:
    for table in ("chat_history", "campaign_participants", "campaigns"):
        op.drop_table(table, schema="game")
    op.execute("DROP TYPE game.speaker")
    op.execute("DROP TYPE game.part")
    op.execute("DROP SCHEMA game")
