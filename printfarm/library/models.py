"""Models, their variants (versioned slicings), plates, and what filament each plate needs."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from printfarm.core.clock import utc_now
from printfarm.core.database import Base, ExactDecimal
from printfarm.core.tenancy import ShopScoped, shop_reference, shop_table

CATEGORIES = ("keychain", "earring", "decoration", "functional", "toy", "tool", "other")
IMAGE_STATES = ("waiting", "done", "failed")


class Model(ShopScoped, Base):
    """A design. It has variants."""

    __tablename__ = "models"
    __table_args__ = shop_table(
        shop_reference("picture_id", "stored_files"),
        Index(None, "shop_id", "archived_at", "name"),
        Index(None, "shop_id", "archived_at", "updated_at"),
    )

    name: Mapped[str]
    designer: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    category: Mapped[str] = mapped_column(
        default="other"
    )  # one of CATEGORIES, or the name of a category of the shop's own
    licence: Mapped[str] = mapped_column(default="")
    source_url: Mapped[str] = mapped_column(default="")
    picture_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
    archived_at: Mapped[datetime | None]

    variants: Mapped[list["Variant"]] = relationship(
        primaryjoin="Model.id == foreign(Variant.model_id)",
        viewonly=True,
        order_by="(Variant.name, Variant.version.desc())",
    )


class Category(ShopScoped, Base):
    """A category of the shop's own, beside CATEGORIES."""

    __tablename__ = "categories"
    __table_args__ = shop_table(UniqueConstraint("shop_id", "name"))

    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class ModelTag(ShopScoped, Base):
    """A word that somebody hung on a model, in small letters."""

    __tablename__ = "model_tags"
    __table_args__ = shop_table(
        shop_reference("model_id", "models", ondelete="CASCADE"),
        UniqueConstraint("shop_id", "model_id", "tag"),
        Index(None, "shop_id", "tag"),
    )

    model_id: Mapped[UUID]
    tag: Mapped[str]


class ModelImage(ShopScoped, Base):
    """A picture that a person gave a model. The main one is the model's `picture_id`.

    Its bytes wait in the storage as `incoming` until a worker has written them anew; the stored file then has its id.
    """

    __tablename__ = "model_images"
    __table_args__ = shop_table(
        shop_reference("model_id", "models", ondelete="CASCADE"),
        shop_reference("file_id", "stored_files"),
        CheckConstraint(f"state IN {IMAGE_STATES}", name="state"),
        UniqueConstraint("shop_id", "model_id", "file_id"),
    )

    model_id: Mapped[UUID]
    file_id: Mapped[UUID | None]  # None until it is done
    state: Mapped[str] = mapped_column(default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]  # a sentence
    original_name: Mapped[str]
    position: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Variant(ShopScoped, Base):
    """One slicing of a model: a name and a version, exactly one stored file, one or more plates."""

    __tablename__ = "variants"
    __table_args__ = shop_table(
        shop_reference("model_id", "models", ondelete="CASCADE"),
        shop_reference("file_id", "stored_files"),
        UniqueConstraint("shop_id", "model_id", "name", "version"),
        Index(None, "shop_id", "file_id"),
    )

    model_id: Mapped[UUID]
    file_id: Mapped[UUID]
    name: Mapped[str]
    version: Mapped[int]
    file_format: Mapped[str]  # gcode.3mf | 3mf | gcode
    sliced: Mapped[bool]  # a project file has no G-code and cannot be printed
    slicer_name: Mapped[str | None]
    slicer_version: Mapped[str | None]
    mesh: Mapped[dict[str, Any] | None]  # triangles, size_mm, volume_mm3 … of a file that is not sliced
    note: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    archived_at: Mapped[datetime | None]

    model: Mapped[Model] = relationship(primaryjoin="foreign(Variant.model_id) == Model.id", viewonly=True)
    plates: Mapped[list["Plate"]] = relationship(
        primaryjoin="Variant.id == foreign(Plate.variant_id)", viewonly=True, order_by="Plate.number"
    )


class VariantMetadata(ShopScoped, Base):
    """Everything that the file said about itself, kept whole, away from the rows that lists read."""

    __tablename__ = "variant_metadata"
    __table_args__ = shop_table(
        shop_reference("variant_id", "variants", ondelete="CASCADE"), UniqueConstraint("shop_id", "variant_id")
    )

    variant_id: Mapped[UUID]
    raw: Mapped[dict[str, Any]]


class Plate(ShopScoped, Base):
    """One arrangement inside a file. Lengths in mm, temperatures in °C as [first layer, others]."""

    __tablename__ = "plates"
    __table_args__ = shop_table(
        shop_reference("variant_id", "variants", ondelete="CASCADE"),
        shop_reference("picture_id", "stored_files"),
        UniqueConstraint("shop_id", "variant_id", "number"),
    )

    variant_id: Mapped[UUID]
    number: Mapped[int]  # 1-based, as in plate_<n>.gcode
    name: Mapped[str | None]
    duration_s: Mapped[int | None]
    model_duration_s: Mapped[int | None]
    layers: Mapped[int | None]
    height_mm: Mapped[Decimal | None] = mapped_column(ExactDecimal(3))
    layer_height_mm: Mapped[Decimal | None] = mapped_column(ExactDecimal(3))
    first_layer_height_mm: Mapped[Decimal | None] = mapped_column(ExactDecimal(3))
    nozzle_mm: Mapped[Decimal | None] = mapped_column(ExactDecimal(2))
    bed_type: Mapped[str | None]
    bed_first_c: Mapped[int | None]
    bed_c: Mapped[int | None]
    nozzle_first_c: Mapped[int | None]
    nozzle_c: Mapped[int | None]
    printer_model: Mapped[str | None]  # "Bambu Lab P1S"
    printer_model_id: Mapped[str | None]  # "C12"
    printer_preset: Mapped[str | None]
    printable: Mapped[bool] = mapped_column(default=False)  # its G-code is in the file and whole
    gcode_path: Mapped[str | None]  # its name inside a 3MF, as a Bambu printer wants it
    picture_id: Mapped[UUID | None]
    warnings: Mapped[list[Any]] = mapped_column(default=list)
    sources: Mapped[dict[str, Any] | None]  # where a value was read: {"time_total_s": "slice_info"}

    variant: Mapped[Variant] = relationship(primaryjoin="foreign(Plate.variant_id) == Variant.id", viewonly=True)
    requirements: Mapped[list["FilamentRequirement"]] = relationship(
        primaryjoin="Plate.id == foreign(FilamentRequirement.plate_id)",
        viewonly=True,
        order_by="FilamentRequirement.slot",
    )


class FilamentRequirement(ShopScoped, Base):
    """What one slot of a plate needs. `total_mg` is the slicer's own sum; the three parts come from the scan, scaled to it."""

    __tablename__ = "filament_requirements"
    __table_args__ = shop_table(
        shop_reference("plate_id", "plates", ondelete="CASCADE"),
        shop_reference("filament_id", "filaments"),
        UniqueConstraint("shop_id", "plate_id", "slot"),
        Index(None, "shop_id", "filament_id"),
    )

    plate_id: Mapped[UUID]
    slot: Mapped[int]  # 1-based, the slicer's filament slot
    material: Mapped[str | None]
    colour_hex: Mapped[str | None]
    vendor: Mapped[str | None]
    preset: Mapped[str | None]
    filament_id: Mapped[UUID | None]  # None: the person has not decided
    total_mg: Mapped[int | None] = mapped_column(BigInteger)  # None: the file does not say
    model_mg: Mapped[int | None] = mapped_column(BigInteger)
    purge_mg: Mapped[int | None] = mapped_column(BigInteger)
    waste_mg: Mapped[int | None] = mapped_column(BigInteger)
    length_mm: Mapped[int | None] = mapped_column(BigInteger)
