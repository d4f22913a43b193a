"""relay's tables: what it may do for whom (tokens, keys, roles), and what it did (the audit log).

No `from __future__ import annotations` here: SQLAlchemy reads the annotations, and this file is loaded by path.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
}
ROLES = ("viewer", "operator", "admin")
OUTCOMES = ("ok", "error", "denied")


class Base(DeclarativeBase):
    """Every constraint gets a name we can foretell, so that a check or a migration can name it."""

    metadata = sa.MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[Any] = {datetime: sa.DateTime(timezone=True), dict[str, Any]: JSONB}


class Created:
    """A row's time of birth, by the database's clock."""

    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), sort_order=100)


class OAuthToken(Created, Base):
    """One user's grant from one provider. Both tokens are encrypted by the application before they get here."""

    __tablename__ = "oauth_tokens"
    __table_args__ = (sa.UniqueConstraint("user_id", "provider"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    user_id: Mapped[str] = mapped_column(sa.String(255))
    provider: Mapped[str] = mapped_column(sa.String(50))
    access_token_encrypted: Mapped[str] = mapped_column(sa.Text)
    refresh_token_encrypted: Mapped[str | None] = mapped_column(sa.Text)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(sa.Text), server_default="{}")
    expires_at: Mapped[datetime] = mapped_column(index=True)
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), sort_order=101)


class ApiKey(Created, Base):
    """A key for programs. Only its SHA-256 is kept: the key itself is shown once, when it is made."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    user_id: Mapped[str] = mapped_column(sa.String(255), index=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    key_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuditLog(Created, Base):
    """One line for each call relay made for somebody, indexed by time so that a day of it is counted without the rest.

    That index has the name the runbook's fix gave it, before it became a migration.
    """

    __tablename__ = "audit_log"
    __table_args__ = (sa.Index("idx_audit_created", "created_at"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    user_id: Mapped[str] = mapped_column(sa.String(255), index=True)
    action: Mapped[str] = mapped_column(sa.String(100))
    outcome: Mapped[str] = mapped_column(sa.Enum(*OUTCOMES, name="audit_outcome"))
    request_id: Mapped[UUID]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class Role(Base):
    """What a user may do. A user may hold several roles, each once."""

    __tablename__ = "roles"
    __table_args__ = (sa.UniqueConstraint("user_id", "role"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    user_id: Mapped[str] = mapped_column(sa.String(255))
    role: Mapped[str] = mapped_column(sa.Enum(*ROLES, name="user_role"))
    granted_by: Mapped[str | None] = mapped_column(sa.String(255))
    granted_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


metadata = Base.metadata
