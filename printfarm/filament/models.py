"""Filament, spools, and the ledger of every gram."""

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Index,
    UniqueConstraint,
    and_,
    case,
    false,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, aliased, column_property, mapped_column, relationship

from printfarm.core.clock import utc_now
from printfarm.core.database import Base, ExactDecimal, Json
from printfarm.core.ids import new_code
from printfarm.core.tenancy import ShopScoped, shop_reference, shop_table
from printfarm.filament.numbers import numbered

MATERIALS = ("PLA", "PETG", "ABS", "ASA", "TPU", "PC", "PA", "PVA", "PLA-CF", "PETG-CF", "PA-CF", "HIPS", "PP")
# Why grams come or go. "failed print" and "purge" are what a print took that did not finish, or outside the part.
CAUSES = (
    "received",
    "print",
    "failed print",
    "purge",
    "correction",
    "weighed",
    "moved",
    "undo",
    "discarded",
    "imported",
)
# Those that a print takes; without a spool in the slot they wait for a person.
PRINT_CAUSES = ("print", "failed print", "purge")
# What may happen to a roll. Archived is another matter: out of sight, whatever it was.
SPOOL_STATES = ("on order", "sealed", "open", "loaded", "empty", "discarded")


class Brand(ShopScoped, Base):
    """Who makes filament, and what their empty spools weigh. Filaments name it by its name."""

    __tablename__ = "brands"
    __table_args__ = shop_table(UniqueConstraint("shop_id", "name"), UniqueConstraint("shop_id", "number"))

    number: Mapped[int] = mapped_column(default=numbered("brand"))  # what programs call it by
    name: Mapped[str]
    tare_mg: Mapped[int | None] = mapped_column(BigInteger)
    url: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    extra: Mapped[dict[str, str]] = mapped_column(Json, default=dict)  # the shop's own fields
    # What a program told of it that has no column here: {"price": 19.99}, {"external_id": …}.
    told: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Filament(ShopScoped, Base):
    """What you buy again: material + brand + colour, in one finish and one diameter."""

    __tablename__ = "filaments"
    __table_args__ = shop_table(
        # Named, since all columns together make a name that is too long.
        UniqueConstraint(
            "shop_id",
            "brand",
            "material",
            "finish",
            "colour_hex",
            "colour_name",
            "diameter_mm",
            name="uq_filaments_facts",
        ),
        UniqueConstraint("shop_id", "number"),
        Index(None, "shop_id", "material", "colour_hex"),
    )

    number: Mapped[int] = mapped_column(default=numbered("filament"))  # what programs call it by
    brand: Mapped[str]
    material: Mapped[str]
    colour_name: Mapped[str]
    colour_hex: Mapped[str]  # #RRGGBB or #RRGGBBAA; several joined by "," for gradient and multi-colour
    finish: Mapped[str] = mapped_column(default="")  # matte, silk, …
    density_g_cm3: Mapped[Decimal | None] = mapped_column(ExactDecimal(3))
    diameter_mm: Mapped[Decimal] = mapped_column(ExactDecimal(2), default=Decimal("1.75"))
    nozzle_min_c: Mapped[int | None]
    nozzle_max_c: Mapped[int | None]
    bed_c: Mapped[int | None]
    cost_per_gram: Mapped[Decimal | None] = mapped_column(ExactDecimal(6))
    spool_mg: Mapped[int] = mapped_column(BigInteger, default=1_000_000)  # the filament on a whole spool, as it is sold
    tare_mg: Mapped[int | None] = mapped_column(BigInteger)  # None: as the brand's
    low_below_mg: Mapped[int | None] = mapped_column(BigInteger)  # of all its spools together; None: as its spools say
    article_number: Mapped[str] = mapped_column(default="")
    supplier: Mapped[str] = mapped_column(default="")
    purchase_url: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    extra: Mapped[dict[str, str]] = mapped_column(Json, default=dict)  # the shop's own fields
    # What a program told of it that has no column here: {"price": 19.99}, {"external_id": …}.
    told: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    demand_count: Mapped[int] = mapped_column(default=0)  # how many variants use it; the library keeps it
    # The grams that were used without a spool in the slot, waiting for a person; cached like a spool's weight.
    unassigned_mg: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    archived_at: Mapped[datetime | None]

    if TYPE_CHECKING:
        is_short: Mapped[bool]


class Spool(ShopScoped, Base):
    """One roll: what runs out. `remaining_mg` is the cached sum of its ledger."""

    __tablename__ = "spools"
    __table_args__ = shop_table(
        shop_reference("filament_id", "filaments"),
        shop_reference("purchase_id", "purchases"),
        UniqueConstraint("shop_id", "code"),
        UniqueConstraint("shop_id", "number"),
        CheckConstraint(f"state IN {SPOOL_STATES}", name="state"),
        Index(None, "shop_id", "filament_id", "archived_at"),
        Index(None, "shop_id", "purchase_id"),
        Index(None, "shop_id", "archived_at", "remaining_mg"),
        Index(None, "shop_id", "archived_at", "state"),
        Index(None, "shop_id", "archived_at", "location"),
        Index(None, "shop_id", "archived_at", "purchased_on"),
        Index(None, "shop_id", "archived_at", "expires_on"),
        Index(None, "shop_id", "archived_at", "last_used_at"),
        Index(None, "shop_id", "archived_at", "created_at"),
        # A tag is on one roll.
        Index(
            "uq_spools_tag",
            "shop_id",
            "tag",
            unique=True,
            sqlite_where=text("tag IS NOT NULL"),
            postgresql_where=text("tag IS NOT NULL"),
        ),
    )

    number: Mapped[int] = mapped_column(default=numbered("spool"))  # what programs call it by
    filament_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(default="sealed")
    tag: Mapped[str | None]  # of its RFID chip, as printers report it, once a person has confirmed that it is this roll
    code: Mapped[str] = mapped_column(default=new_code)  # short, printed on its label
    batch: Mapped[str] = mapped_column(default="")
    initial_mg: Mapped[int] = mapped_column(BigInteger)
    remaining_mg: Mapped[int] = mapped_column(BigInteger, default=0)
    tare_mg: Mapped[int | None] = mapped_column(BigInteger)
    low_below_mg: Mapped[int] = mapped_column(BigInteger, default=100_000)
    cost_per_gram: Mapped[Decimal | None] = mapped_column(ExactDecimal(6))
    location: Mapped[str] = mapped_column(default="")
    supplier: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    extra: Mapped[dict[str, str]] = mapped_column(Json, default=dict)  # the shop's own fields
    # What a program told of it that has no column here: {"price": 19.99}, {"external_id": …}.
    told: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    purchased_on: Mapped[date | None]
    expires_on: Mapped[date | None]
    expected_on: Mapped[date | None]  # when it should come, while it is on order
    purchase_id: Mapped[UUID | None]  # what it was ordered with (models_shopping)
    opened_on: Mapped[date | None]
    dried_on: Mapped[date | None]
    first_used_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    archived_at: Mapped[datetime | None]

    filament: Mapped[Filament] = relationship(
        primaryjoin="foreign(Spool.filament_id) == Filament.id", viewonly=True, lazy="joined", innerjoin=True
    )

    @hybrid_property
    def is_low(self) -> bool:
        """Whether less is on it than it should hold, or less of its filament lies here than the filament should; what has not
        come yet is not low.
        """
        return self.state != "on order" and (self.remaining_mg < self.low_below_mg or self.filament.is_short)

    @is_low.inplace.expression
    @classmethod
    def _is_low(cls) -> ColumnElement[bool]:
        short = cls.filament_id.in_(select(Filament.id).where(_is_short()))
        return and_(cls.state != "on order", or_(cls.remaining_mg < cls.low_below_mg, short))


def is_here(roll: type[Spool] = Spool) -> ColumnElement[bool]:
    """Whether what is on a roll counts as lying here: it is in use, and it has come."""
    return and_(roll.archived_at.is_(None), roll.state != "on order")


def lying_mg(held_mg: ColumnElement[Any]) -> ColumnElement[int]:
    """What lies here of a filament: what its rolls hold less the grams that wait for a roll, and never less than nothing."""
    return case((held_mg > Filament.unassigned_mg, held_mg - Filament.unassigned_mg), else_=0)


def _is_short() -> ColumnElement[bool]:
    """Whether less of a filament lies here, on all of its rolls, than it should; one without a threshold is never short."""
    roll = aliased(Spool)
    held = select(func.coalesce(func.sum(roll.remaining_mg), 0)).where(roll.filament_id == Filament.id, is_here(roll))
    # As lying_mg(held) < low, with one sum: what is below a threshold of more than nothing is so with or without its floor.
    lacks = held.correlate(Filament).scalar_subquery() - Filament.unassigned_mg < Filament.low_below_mg
    return func.coalesce(and_(Filament.low_below_mg > 0, lacks), false())


# Read only where it is asked for: a list undefers it.
Filament.is_short = column_property(_is_short(), deferred=True)


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
        CheckConstraint(f"cause IN {CAUSES}", name="cause"),
        Index(None, "shop_id", "spool_id", "created_at"),
        Index(None, "shop_id", "filament_id", "created_at"),
        Index(None, "shop_id", "created_at"),
        Index(None, "shop_id", "cause", "created_at"),
        Index(
            "ix_stock_entries_discrepancies",
            "shop_id",
            "created_at",
            sqlite_where=text("is_discrepancy"),
            postgresql_where=text("is_discrepancy"),
        ),
        Index(None, "shop_id", "run_id"),
    )

    filament_id: Mapped[UUID]
    spool_id: Mapped[UUID | None]
    delta_mg: Mapped[int] = mapped_column(BigInteger)
    cause: Mapped[str]
    # The spool held other than the ledger knew, and a person who saw it says so.
    is_discrepancy: Mapped[bool] = mapped_column(default=False)
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


class DryingRule(ShopScoped, Base):
    """After how many days in the air the shop wants rolls of a material dried again, where it does not go by the usual."""

    __tablename__ = "drying_rules"
    __table_args__ = shop_table(UniqueConstraint("shop_id", "material"))

    material: Mapped[str]  # as materials.family writes it
    days: Mapped[int | None]  # None: never


class StockCheck(ShopScoped, Base):
    """What the nightly comparison of cached and summed weights found; the newest of a shop stays, older ones go."""

    __tablename__ = "stock_checks"
    __table_args__ = shop_table(Index(None, "shop_id", "checked_at"))

    checked_at: Mapped[datetime] = mapped_column(default=utc_now)
    spools: Mapped[int]
    # Id of a spool, or of a filament with grams without one → the ledger's sum (mg), where the cache says other.
    drifted: Mapped[dict[str, int]] = mapped_column(Json)
