"""People, shops, who belongs where, sessions, and secrets that lead to a shop. None of these tables belongs to one shop."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from printfarm.core.clock import utc_now
from printfarm.core.database import Base, ExactDecimal
from printfarm.core.ids import new_id

ROLES = ("owner", "admin", "operator", "viewer")
THEMES = ("system", "light", "dark")
UNITS = ("metric", "imperial")


class User(Base):
    """A person. The e-mail address is stored in lower case and signs in."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    theme: Mapped[str] = mapped_column(default="system")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    disabled_at: Mapped[datetime | None]


class Shop(Base):
    """A tenant. Money, times and units on its screens follow these settings."""

    __tablename__ = "shops"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    currency: Mapped[str] = mapped_column(default="EUR")
    timezone: Mapped[str] = mapped_column(default="UTC")
    locale: Mapped[str] = mapped_column(default="en")
    units: Mapped[str] = mapped_column(default="metric")
    default_filament_brand: Mapped[str] = mapped_column(default="")
    # What a print costs beside its filament, in the shop's currency; None: not counted.
    electricity_per_kwh: Mapped[Decimal | None] = mapped_column(ExactDecimal(4))
    printer_power_w: Mapped[int | None]
    machine_per_hour: Mapped[Decimal | None] = mapped_column(ExactDecimal(4))
    labour_per_hour: Mapped[Decimal | None] = mapped_column(ExactDecimal(4))
    labour_minutes_per_print: Mapped[int | None]
    shopping_times: Mapped[int] = mapped_column(default=1)  # to buy is urgent below so many thresholds
    quota_bytes: Mapped[int | None] = mapped_column(BigInteger)  # None: the installation's own limit
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Membership(Base):
    """A person's role in a shop."""

    __tablename__ = "memberships"
    __table_args__ = (
        UniqueConstraint("user_id", "shop_id"),
        Index(None, "shop_id"),
        CheckConstraint(f"role IN {ROLES}", name="role"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    role: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    user: Mapped[User] = relationship(lazy="joined")
    shop: Mapped[Shop] = relationship(lazy="joined")


class SignInSession(Base):
    """A signed-in browser. The cookie holds a random token; the table holds only its hash."""

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    shop_id: Mapped[UUID | None] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(default="")
    browser: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_seen_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]

    user: Mapped[User] = relationship(lazy="joined")


class Credential(Base):
    """A random token that leads to a shop before anybody is signed in: an invite, a password reset, a one-time sign-in.

    Kept as a hash. `role` is what an invite gives; `user_id` whom a reset or sign-in is for.
    """

    __tablename__ = "credentials"
    __table_args__ = (Index(None, "shop_id", "kind"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    token_hash: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    shop_id: Mapped[UUID | None] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    role: Mapped[str | None]
    note: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
