"""Brands: who makes filament. Filaments name their brand by its name, so a brand and its filaments are renamed together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.tenancy import shop_of
from printfarm.filament.events import BrandChanged, FilamentChanged
from printfarm.filament.models import Brand, Filament


@dataclass(frozen=True)
class BrandFacts:
    """What a person says of a brand. `tare_mg`: what its empty spools weigh."""

    name: str
    tare_mg: int | None = None
    url: str = ""
    note: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


class BrandTaken(DomainError):
    """There is another brand of this name: the two may be merged."""

    def __init__(self, other: Brand) -> None:
        super().__init__(f"There is a brand called {other.name} already.")
        self.other_id = other.id


def find_brand(db: Session, brand_id: UUID, *, lock: bool = False) -> Brand:
    """Raises NotFound."""
    wanted = select(Brand).where(Brand.id == brand_id)
    locked = wanted.with_for_update().execution_options(populate_existing=True)
    found = db.scalar(locked if lock else wanted)
    if found is None:
        raise NotFound("This brand is not here. It may have been removed, or merged into another one.")
    return found


def brand_name(db: Session, name: str) -> str:
    """How the shop writes the name of a brand, which is here from now on. No name is no brand."""
    return brand_named(db, name).name if name.strip() else ""


def brand_named(db: Session, name: str) -> Brand:
    """The brand of this name as the shop writes it, or a new one. Until the transaction ends nobody renames it."""
    if not name.strip():
        raise DomainError("A brand has a name.")
    known = _named(db, name)
    if known is None:
        try:
            with db.begin_nested():
                db.add(known := Brand(name=name.strip()))
        except IntegrityError:  # somebody added it at this very moment
            known = _named(db, name)
            if known is None:
                raise
        else:
            emit(db, BrandChanged(shop_id=shop_of(db), brand_id=known.id))
    return known


def add_brand(db: Session, facts: BrandFacts) -> Brand:
    """A new brand. Raises BrandTaken."""
    brand = Brand(name=facts.name.strip())
    _write(db, brand, facts)
    return brand


def edit_brand(db: Session, brand_id: UUID, facts: BrandFacts) -> Brand:
    """Change what is known of a brand; a new name becomes that of its filaments. Raises BrandTaken."""
    brand = find_brand(db, brand_id, lock=True)
    before = brand.name
    _write(db, brand, facts)
    if brand.name != before:
        _rename_filaments(db, before, brand.name)
    return brand


def merge_brands(db: Session, brand_id: UUID, into_id: UUID) -> Brand:
    """All filaments of one brand become another's, and the first one goes. What the other does not say, it takes over."""
    if brand_id == into_id:
        raise DomainError("A brand cannot be merged with itself.")
    first, second = sorted((brand_id, into_id))
    find_brand(db, first, lock=True)
    find_brand(db, second, lock=True)
    brand, into = find_brand(db, brand_id), find_brand(db, into_id)
    # Rolls keep the empty spool that they went by.
    if brand.tare_mg is not None and into.tare_mg not in (None, brand.tare_mg):
        mine = update(Filament).where(Filament.brand == brand.name, Filament.tare_mg.is_(None))
        db.execute(mine.values(tare_mg=brand.tare_mg))
    _rename_filaments(db, brand.name, into.name)
    into.tare_mg = brand.tare_mg if into.tare_mg is None else into.tare_mg
    into.url, into.note = into.url or brand.url, into.note or brand.note
    into.extra = {**brand.extra, **into.extra}
    db.delete(brand)
    db.flush()
    emit(db, BrandChanged(shop_id=shop_of(db), brand_id=into.id))
    return into


def remove_brand(db: Session, brand_id: UUID) -> None:
    """Take away a brand that no filament has."""
    brand = find_brand(db, brand_id, lock=True)
    if db.scalar(select(Filament.id).where(Filament.brand == brand.name).limit(1)) is not None:
        raise DomainError("There are filaments of this brand. Give them another brand first, or merge the two.")
    db.delete(brand)
    emit(db, BrandChanged(shop_id=shop_of(db), brand_id=brand_id))


def empty_spool_mg(db: Session, filament: Filament) -> int | None:
    """What an empty spool of a filament weighs: what is known of it, else of its brand. None: nobody said."""
    if filament.tare_mg is not None:
        return filament.tare_mg
    return db.scalar(select(Brand.tare_mg).where(Brand.name == filament.brand))


def _named(db: Session, name: str) -> Brand | None:
    """The very name before another spelling of it."""
    plain = name.strip()
    same = select(Brand).where(func.lower(Brand.name) == func.lower(plain))
    first = same.order_by((Brand.name != plain), Brand.created_at, Brand.id).limit(1)
    return db.scalar(first.with_for_update(read=True))


def _write(db: Session, brand: Brand, facts: BrandFacts) -> None:
    name = facts.name.strip()
    other = _named(db, name)
    if other is not None and other is not brand:
        raise BrandTaken(other)
    try:
        with db.begin_nested():
            brand.name, brand.tare_mg, brand.url, brand.note = (
                name,
                facts.tare_mg,
                facts.url.strip(),
                facts.note.strip(),
            )
            brand.extra = dict(facts.extra)
            db.add(brand)
    except IntegrityError:
        other = _named(db, name)
        if other is None:
            raise
        raise BrandTaken(other) from None
    emit(db, BrandChanged(shop_id=shop_of(db), brand_id=brand.id))


def _rename_filaments(db: Session, old: str, new: str) -> None:
    _refuse_twins(db, old, new)
    mine = list(db.scalars(select(Filament.id).where(Filament.brand == old)))
    db.execute(update(Filament).where(Filament.brand == old).values(brand=new))
    for filament_id in mine:
        emit(db, FilamentChanged(shop_id=shop_of(db), filament_id=filament_id))


def _refuse_twins(db: Session, old: str, new: str) -> None:
    """Two filaments with spools of their own cannot become one."""
    theirs = aliased(Filament)
    same = [
        getattr(theirs, name) == getattr(Filament, name)
        for name in ("material", "finish", "colour_hex", "colour_name", "diameter_mm")
    ]
    both = select(Filament).join(theirs, (theirs.shop_id == Filament.shop_id) & (theirs.brand == new))
    found = db.scalars(both.where(Filament.brand == old, *same).order_by(Filament.material).limit(3)).all()
    if found:
        names = ", ".join(f"{one.material} {one.colour_name}" for one in found)
        raise DomainError(
            f"Both brands have {names}, in use or archived. Give one of the two another colour name first."
        )
