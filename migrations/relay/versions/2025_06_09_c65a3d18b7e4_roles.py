"""Roles.

Until here, everybody with a token might do everything.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "c65a3d18b7e4"
down_revision = "9e02f6a8d513"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "roles",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.Column("role", sa.Enum("viewer", "operator", "admin", name="user_role"), nullable=False),
        sa.Column("granted_by", sa.String(255)),
        sa.Column("granted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_roles"),
        sa.UniqueConstraint("user_id", "role", name="uq_roles_user_id_role"),
    )


def downgrade() -> None:
    op.drop_table("roles")
    op.execute("DROP TYPE user_role")
