"""The last four digits of an account, and room for long descriptions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "f15b27e9840c"
down_revision = "8a40d6c3e915"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("accounts") as accounts:
        accounts.add_column(sa.Column("last_four", sa.String(4)))
    with op.batch_alter_table("transactions") as transactions:
        transactions.alter_column("description", existing_type=sa.String(200), type_=sa.String(500))


def downgrade() -> None:
    # PostgreSQL refuses this while a longer description is stored. That is meant: nothing is cut without being asked.
    with op.batch_alter_table("transactions") as transactions:
        transactions.alter_column("description", existing_type=sa.String(500), type_=sa.String(200))
    with op.batch_alter_table("accounts") as accounts:
        accounts.drop_column("last_four")
