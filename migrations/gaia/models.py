"""Gaia's tables in their three schemas: who may come in (auth), what is played (game), what was noticed (audit).

No `from __future__ import annotations` here: SQLAlchemy reads the annotations, and this file is loaded by path.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
}
PERMISSIONS = ("read", "write", "admin")
PARTS = ("player", "game_master", "spectator")
SPEAKERS = ("player", "game_master", "system")
NEW_UUID = sa.text("gen_random_uuid()")


class Base(DeclarativeBase):
    """Every constraint gets a name we can foretell, so that a check or a migration can name it."""

    metadata = sa.MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[Any] = {datetime: sa.DateTime(timezone=True), dict[str, Any]: JSONB}


class Created:
    """A row's time of birth, by the database's clock."""

    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), sort_order=100)


class User(Created, Base):
    """A person with an account."""

    __tablename__ = "users"
    __table_args__ = ({"schema": "auth"},)

    user_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    username: Mapped[str] = mapped_column(sa.String(50), unique=True)
    email: Mapped[str] = mapped_column(sa.String(320), unique=True)
    is_admin: Mapped[bool] = mapped_column(server_default=sa.false())
    is_active: Mapped[bool] = mapped_column(server_default=sa.true())


class OAuthAccount(Created, Base):
    """The account at an OAuth2 provider that a user signs in with."""

    __tablename__ = "oauth_accounts"
    __table_args__ = (sa.UniqueConstraint("provider", "provider_user_id"), {"schema": "auth"})

    oauth_account_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("auth.users.user_id", ondelete="CASCADE"), index=True)
    provider: Mapped[str] = mapped_column(sa.String(50))
    provider_user_id: Mapped[str] = mapped_column(sa.String(255))


class UserSession(Created, Base):
    """A sign-in that is still good, until it expires or is revoked."""

    __tablename__ = "sessions"
    __table_args__ = ({"schema": "auth"},)

    session_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("auth.users.user_id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]


class AccessControl(Created, Base):
    """One permission of one user on one resource."""

    __tablename__ = "access_control"
    __table_args__ = (sa.UniqueConstraint("user_id", "resource_type", "resource_id"), {"schema": "auth"})

    access_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("auth.users.user_id", ondelete="CASCADE"))
    resource_type: Mapped[str] = mapped_column(sa.String(50))
    resource_id: Mapped[UUID]
    permission: Mapped[str] = mapped_column(sa.Enum(*PERMISSIONS, name="permission", schema="auth"))


class Campaign(Created, Base):
    """A game. Deleting its owner keeps it, for the sake of the other players, until somebody takes it over."""

    __tablename__ = "campaigns"
    __table_args__ = ({"schema": "game"},)

    campaign_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    owner_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("auth.users.user_id", ondelete="SET NULL"), index=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    settings: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    is_active: Mapped[bool] = mapped_column(server_default=sa.true())


class CampaignParticipant(Base):
    """Who plays in which campaign, and as what."""

    __tablename__ = "campaign_participants"
    __table_args__ = ({"schema": "game"},)

    campaign_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("game.campaigns.campaign_id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("auth.users.user_id", ondelete="CASCADE"), primary_key=True, index=True
    )
    part: Mapped[str] = mapped_column(sa.Enum(*PARTS, name="part", schema="game"), server_default="player")
    joined_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class ChatMessage(Created, Base):
    """One message of a campaign. The table that grows: see the runbook's notes on partitioning it."""

    __tablename__ = "chat_history"
    __table_args__ = (sa.Index(None, "campaign_id", "created_at"), {"schema": "game"})

    message_id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(sa.ForeignKey("game.campaigns.campaign_id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("auth.users.user_id", ondelete="SET NULL"), index=True)
    speaker: Mapped[str] = mapped_column(sa.Enum(*SPEAKERS, name="speaker", schema="game"))
    content: Mapped[str] = mapped_column(sa.Text)


class SecurityEvent(Created, Base):
    """A login attempt, a change of permissions, and the like. No foreign key: the trace outlives the account."""

    __tablename__ = "security_events"
    __table_args__ = (sa.Index(None, "created_at"), {"schema": "audit"})

    event_id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    user_id: Mapped[UUID | None] = mapped_column(index=True)
    event_type: Mapped[str] = mapped_column(sa.String(50))
    succeeded: Mapped[bool]
    ip_address: Mapped[str | None] = mapped_column(INET)
    detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


metadata = Base.metadata
