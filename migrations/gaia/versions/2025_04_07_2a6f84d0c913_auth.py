"""The auth schema.

Users, their OAuth2 accounts, sessions and permissions.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2a6f84d0c913"
down_revision = None
branch_labels = None
depends_on = None

NEW_UUID = sa.text("gen_random_uuid()")


def upgrade() -> None:
    op.execute("CREATE SCHEMA auth")
    op.create_table(
        "users",
        sa.Column("user_id", sa.Uuid(), server_default=NEW_UUID, nullable=False),
        sa.Column("username", sa.String(50), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("is_admin", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_users"),
        sa.UniqueConstraint("username", name="uq_users_username"),
        sa.UniqueConstraint("email", name="uq_users_email"),
        schema="auth",
    )
    op.create_table(
        "oauth_accounts",
        sa.Column("oauth_account_id", sa.Uuid(), server_default=NEW_UUID, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(50), nullable=False),
        sa.Column("provider_user_id", sa.String(255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("oauth_account_id", name="pk_oauth_accounts"),
        sa.UniqueConstraint("provider", "provider_user_id", name="uq_oauth_accounts_provider_provider_user_id"),
        _of_user("oauth_accounts"),
        schema="auth",
    )
    op.create_index("ix_oauth_accounts_user_id", "oauth_accounts", ["user_id"], schema="auth")
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.Uuid(), server_default=NEW_UUID, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_sessions"),
        _of_user("sessions"),
        schema="auth",
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"], schema="auth")
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], schema="auth")
    op.create_table(
        "access_control",
        sa.Column("access_id", sa.Uuid(), server_default=NEW_UUID, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("resource_type", sa.String(50), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("permission", sa.Enum("read", "write", "admin", name="permission", schema="auth"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("access_id", name="pk_access_control"),
        sa.UniqueConstraint(
            "user_id", "resource_type", "resource_id", name="uq_access_control_user_id_resource_type_resource_id"
        ),
        _of_user("access_control"),
        schema="auth",
    )


def downgrade() -> None:
    for table in ("access_control", "sessions", "oauth_accounts", "users"):
        op.drop_table(table, schema="auth")
    op.execute("DROP TYPE auth.permission")
    op.execute("DROP SCHEMA auth")


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    """What belongs to a user goes with them."""
    name = f"fk_{table}_user_id_users"
    return sa.ForeignKeyConstraint(["user_id"], ["auth.users.user_id"], name=name, ondelete="CASCADE")
