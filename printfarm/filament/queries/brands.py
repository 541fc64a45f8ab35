"""Brands, and what of the catalogue the shop has."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.core.paging import Paged, paginate
from printfarm.core.searching import speaks_of
from printfarm.filament.catalogue import Entry
from printfarm.filament.models import Brand, Filament

NAMES_OFFERED = 300


@dataclass(frozen=True)
class BrandLine:
    """A brand in the list, with how many filaments of it the shop has in use and put away."""

    brand: Brand
    filaments: int
    archived: int


def list_brands(db: Session, *, text: str = "", page: int = 1) -> Paged[BrandLine]:
    """Brands by name."""
    wanted = select(Brand).order_by(func.lower(Brand.name), Brand.id)
    found = paginate(db, wanted.where(speaks_of(text, Brand.name, Brand.note)) if text else wanted, page)
    counts = _counts(db, [brand.name for brand in found.items])
    lines = [BrandLine(brand, *counts.get(brand.name, (0, 0))) for brand in found.items]
    return Paged(lines, found.number, found.pages, found.total)


def brand_line(db: Session, brand: Brand) -> BrandLine:
    return BrandLine(brand, *_counts(db, [brand.name]).get(brand.name, (0, 0)))


def brand_names(db: Session) -> list[str]:
    """For choosing one; as many as a list can bear."""
    return list(db.scalars(select(Brand.name).order_by(func.lower(Brand.name)).limit(NAMES_OFFERED)))


def had_of(db: Session, entries: Sequence[Entry]) -> dict[str, UUID]:
    """The shop's own filament of each of these colours of the catalogue, by the colour's key; one statement."""
    if not entries:
        return {}
    names = {entry.colour_name.lower() for entry in entries}
    brands = {entry.line.brand.lower() for entry in entries}
    mine = select(Filament).where(
        func.lower(Filament.brand).in_(brands),
        func.lower(Filament.colour_name).in_(names),
        Filament.archived_at.is_(None),
    )
    had = {_facts(one.brand, one.material, one.finish, one.colour_name): one.id for one in db.scalars(mine)}
    keys = {one.key: _facts(one.line.brand, one.line.material, one.line.finish, one.colour_name) for one in entries}
    return {key: had[facts] for key, facts in keys.items() if facts in had}


def _facts(*names: str) -> tuple[str, ...]:
    return tuple(name.casefold() for name in names)


def _counts(db: Session, names: Sequence[str]) -> dict[str, tuple[int, int]]:
    rows = db.execute(
        select(Filament.brand, func.count(), func.count(Filament.archived_at))
        .where(Filament.brand.in_(names))
        .group_by(Filament.brand)
    )
    return {name: (count - away, away) for name, count, away in rows}
