"""BlackRoad OS: people and their wallets, the RoadChain, the job queue, and what happened.

No `from __future__ import annotations` here: SQLAlchemy reads the annotations, and this file is loaded by path.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
}
TRANSACTION_STATES = ("pending", "confirmed", "failed")
JOB_STATES = ("queued", "running", "succeeded", "failed")
COINS = sa.Numeric(28, 8)


class Base(DeclarativeBase):
    """Every constraint gets a name we can foretell, so that a check or a migration can name it."""

    metadata = sa.MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[Any] = {datetime: sa.DateTime(timezone=True), dict[str, Any]: JSONB}


class Created:
    """A row's time of birth, by the database's clock."""

    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), sort_order=100)


class User(Created, Base):
    """An account: who signs in, and how they are shown."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(320), unique=True)
    username: Mapped[str] = mapped_column(sa.String(50), unique=True)
    password_hash: Mapped[str] = mapped_column(sa.String(255))
    display_name: Mapped[str | None] = mapped_column(sa.String(100))
    is_active: Mapped[bool] = mapped_column(server_default=sa.true())


class Wallet(Created, Base):
    """An address on the chain and the private key that signs for it, encrypted before it gets here."""

    __tablename__ = "wallets"
    __table_args__ = (sa.CheckConstraint("balance >= 0", name="balance_not_negative"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="RESTRICT"), index=True)
    address: Mapped[str] = mapped_column(sa.String(64), unique=True)
    encrypted_private_key: Mapped[str] = mapped_column(sa.Text)
    balance: Mapped[Decimal] = mapped_column(COINS, server_default="0")


class Block(Base):
    """One block of the RoadChain. Block 0 has no predecessor, and its `previous_hash` is 64 zeros."""

    __tablename__ = "blocks"

    height: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    previous_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    nonce: Mapped[int] = mapped_column(sa.BigInteger)
    mined_at: Mapped[datetime]


class Transaction(Created, Base):
    """Coins from one wallet to another. A confirmed one stands in a block; a pending one waits for its own."""

    __tablename__ = "transactions"
    __table_args__ = (sa.CheckConstraint("amount > 0", name="amount_positive"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    block_height: Mapped[int | None] = mapped_column(sa.ForeignKey("blocks.height"), index=True)
    from_wallet_id: Mapped[int] = mapped_column(sa.ForeignKey("wallets.id"), index=True)
    to_wallet_id: Mapped[int] = mapped_column(sa.ForeignKey("wallets.id"), index=True)
    amount: Mapped[Decimal] = mapped_column(COINS)
    status: Mapped[str] = mapped_column(
        sa.Enum(*TRANSACTION_STATES, name="transaction_status"), server_default="pending"
    )


class Job(Created, Base):
    """Work for Prism's queue. The table is ready before the queue is."""

    __tablename__ = "jobs"
    __table_args__ = (sa.Index(None, "status", "created_at"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(100))
    payload: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    status: Mapped[str] = mapped_column(sa.Enum(*JOB_STATES, name="job_status"), server_default="queued")
    finished_at: Mapped[datetime | None]


class Event(Created, Base):
    """What happened, for audit and compliance. Outlives the user it is about."""

    __tablename__ = "events"
    __table_args__ = (sa.Index(None, "created_at"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="SET NULL"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(100))
    detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


metadata = Base.metadata
