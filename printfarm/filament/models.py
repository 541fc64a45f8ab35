"""Filament, spools, and the ledger of every gram."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from printfarm.core.clock import utc_now
from printfarm.core.database import Base, ExactDecimal
from printfarm.core.ids import new_code
from printfarm.core.tenancy import ShopScoped, shop_reference, shop_table

MATERIALS = ("PLA", "PETG", "ABS", "ASA", "TPU", "PC", "PA", "PVA", "PLA-CF", "PETG-CF", "PA-CF", "HIPS", "PP")
ENTRY_KINDS = ("new", "set", "add", "subtract", "print", "resolve", "undo")


class Filament(ShopScoped, Base):
    """What you buy again: material + brand + colour."""

    __tablename__ = "filaments"
    __table_args__ = shop_table(
        UniqueConstraint("shop_id", "brand", "material", "colour_hex", "colour_name"),
        Index(None, "shop_id", "material", "colour_hex"),
    )

    brand: Mapped[str]
    material: Mapped[str]
    colour_name: Mapped[str]
    colour_hex: Mapped[str]  # #RRGGBB or #RRGGBBAA; several joined by "," for gradient and multi-colour
    density_g_cm3: Mapped[Decimal | None] = mapped_column(ExactDecimal(3))
    cost_per_gram: Mapped[Decimal | None] = mapped_column(ExactDecimal(4))
    purchase_url: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    # The grams that were used without a spool in the slot, waiting for a person; cached like a spool's weight.
    unassigned_mg: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    archived_at: Mapped[datetime | None]


class Spool(ShopScoped, Base):
    """One roll: what runs out. `remaining_mg` is the cached sum of its ledger."""

    __tablename__ = "spools"
    __table_args__ = shop_table(
        shop_reference("filament_id", "filaments"),
        UniqueConstraint("shop_id", "code"),
        Index(None, "shop_id", "filament_id", "archived_at"),
    )

    filament_id: Mapped[UUID]
    code: Mapped[str] = mapped_column(default=new_code)  # short, printed on its label
    batch: Mapped[str] = mapped_column(default="")
    initial_mg: Mapped[int] = mapped_column(BigInteger)
    remaining_mg: Mapped[int] = mapped_column(BigInteger, default=0)
    tare_mg: Mapped[int | None] = mapped_column(BigInteger)
    low_below_mg: Mapped[int] = mapped_column(BigInteger, default=100_000)
    cost_per_gram: Mapped[Decimal | None] = mapped_column(ExactDecimal(4))
    location: Mapped[str] = mapped_column(default="")
    purchased_on: Mapped[date | None]
    expires_on: Mapped[date | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    archived_at: Mapped[datetime | None]

    filament: Mapped[Filament] = relationship(
        primaryjoin="foreign(Spool.filament_id) == Filament.id", viewonly=True, lazy="joined", innerjoin=True
    )


class StockEntry(ShopScoped, Base):
    """One line of the ledger; append-only. `delta_mg` is signed: negative leaves the spool.

    Without a spool the grams belong to the filament and wait for a person (`unassigned`); resolving them adds two lines.
    """

    __tablename__ = "stock_entries"
    __table_args__ = shop_table(
        shop_reference("filament_id", "filaments"),
        shop_reference("spool_id", "spools"),
        shop_reference("undoes_id", "stock_entries"),
        # Undone once, and one line per run and slot: what happens twice is refused by the database itself.
        UniqueConstraint("shop_id", "undoes_id"),
        UniqueConstraint("shop_id", "cause_key"),
        CheckConstraint(f"kind IN {ENTRY_KINDS}", name="kind"),
        Index(None, "shop_id", "spool_id", "created_at"),
        Index(None, "shop_id", "filament_id", "created_at"),
        Index(None, "shop_id", "run_id"),
    )

    filament_id: Mapped[UUID]
    spool_id: Mapped[UUID | None]
    delta_mg: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    job_id: Mapped[UUID | None]  # the queue is above, so no foreign key
    run_id: Mapped[UUID | None]
    cause_key: Mapped[str | None]  # "run:<id>:<slot>:<spool>" makes a booking unique
    user_id: Mapped[UUID | None]
    undoes_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Promise(ShopScoped, Base):
    """Grams of a filament that something waiting will need; queue and orders write it through the filament service."""

    __tablename__ = "promises"
    __table_args__ = shop_table(
        shop_reference("filament_id", "filaments"),
        UniqueConstraint("shop_id", "cause_id", "filament_id"),
        Index(None, "shop_id", "filament_id"),
    )

    filament_id: Mapped[UUID]
    needed_mg: Mapped[int] = mapped_column(BigInteger)
    cause: Mapped[str]  # "print job"
    cause_id: Mapped[UUID]
