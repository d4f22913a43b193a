"""teller's tables: bank accounts, what they held and when, and what moved. They work on PostgreSQL and on SQLite.

No `from __future__ import annotations` here: SQLAlchemy reads the annotations, and this file is loaded by path.
"""

import datetime as dt
from decimal import Decimal
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
}
MONEY = sa.Numeric(14, 2)


class Base(DeclarativeBase):
    """Every constraint gets a name: SQLite can alter a table only by copying it, and finds constraints by name."""

    metadata = sa.MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[Any] = {dt.datetime: sa.DateTime(timezone=True), dict[str, Any]: sa.JSON}


class Account(Base):
    """A bank account, under the id it came with."""

    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    institution_id: Mapped[str] = mapped_column(sa.String(64))
    type: Mapped[str] = mapped_column(sa.String(32))
    subtype: Mapped[str | None] = mapped_column(sa.String(32))
    last_four: Mapped[str | None] = mapped_column(sa.String(4))


class BalanceSnapshot(Base):
    """What an account held at one moment."""

    __tablename__ = "balance_snapshots"
    __table_args__ = (sa.Index(None, "account_id", "as_of"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(sa.ForeignKey("accounts.id"))
    available: Mapped[Decimal | None] = mapped_column(MONEY)
    ledger: Mapped[Decimal | None] = mapped_column(MONEY)
    as_of: Mapped[dt.datetime]


class Transaction(Base):
    """One movement on an account, and in `raw` all that was received about it."""

    __tablename__ = "transactions"
    __table_args__ = (sa.Index(None, "account_id", "date"),)

    id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(sa.ForeignKey("accounts.id"))
    date: Mapped[dt.date]
    description: Mapped[str] = mapped_column(sa.String(500))
    amount: Mapped[Decimal] = mapped_column(MONEY)
    raw: Mapped[dict[str, Any]]


metadata = Base.metadata
