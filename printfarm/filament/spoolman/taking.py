"""Taking rows of another Spoolman in. Done twice it changes nothing the second time; grams come with the cause "imported"."""

from contextlib import suppress
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError
from printfarm.core.events import emit
from printfarm.core.tenancy import shop_of
from printfarm.core.units import mg_from_grams
from printfarm.filament import service
from printfarm.filament.events import BrandChanged, SpoolChanged
from printfarm.filament.models import Brand, Filament, Spool
from printfarm.filament.models_spoolman import SpoolmanOrigin
from printfarm.filament.numbers import reserve
from printfarm.filament.service import FilamentFacts
from printfarm.filament.service.filaments import lock_filament
from printfarm.filament.service.stock import lock_spool, write_entry, write_unassigned
from printfarm.filament.spoolman import rows
from printfarm.filament.spoolman.planning import TABLES, changes, held_g, is_gone, subject_of, whole_g, why_not
from printfarm.filament.spoolman.reading import Found
from printfarm.filament.spoolman.settling import filament_facts, per_gram, settle

IDENTITY = ("brand", "material", "finish", "colour_name", "colour_hex", "diameter_mm")
KIND_OF_NUMBER = {"vendor": "brand", "filament": "filament", "spool": "spool"}


def take_row(db: Session, found: Found, kind: str, number: int) -> str:
    """Take one row in, in the caller's transaction; says what became of it."""
    row: Any = found.rows[kind][number]
    if why_not(found, kind, row):
        return "skipped"
    origin = _origin_of(db, kind, row)
    if origin is None:
        if _is_ours(db, kind, row):
            return "same"
        subject = ADDERS[kind](db, found, row)
        _remember(db, kind, row, subject)
        return "new"
    changed = changes(origin, row)
    if not changed:
        return "same"
    subject = subject_of(db, kind, origin.subject_id)
    if is_gone(subject):
        return "skipped"
    CHANGERS[kind](db, found, row, subject, changed, origin.facts)
    origin.facts = {**row.facts(), **_held(found, kind, row)}
    return "changed"


def _origin_of(db: Session, kind: str, row: rows.Row) -> SpoolmanOrigin | None:
    mine = select(SpoolmanOrigin).where(
        SpoolmanOrigin.kind == kind, SpoolmanOrigin.number == row.id, SpoolmanOrigin.registered == row.second
    )
    return db.scalar(mine)


def _remember(db: Session, kind: str, row: rows.Row, subject: Any) -> None:
    facts = {**row.facts(), **_held_of(kind, subject)}
    db.add(SpoolmanOrigin(kind=kind, number=row.id, registered=row.second, subject_id=subject.id, facts=facts))
    db.flush()


def _held(found: Found, kind: str, row: Any) -> dict[str, Any]:
    return {"held_mg": mg_from_grams(held_g(found, row))} if kind == "spool" else {}


def _held_of(kind: str, subject: Any) -> dict[str, Any]:
    return {"held_mg": subject.remaining_mg} if kind == "spool" else {}


def _is_ours(db: Session, kind: str, row: rows.Row) -> bool:
    table = TABLES[kind]
    mine = db.scalar(select(table).where(table.number == row.id))
    return mine is not None and mine.created_at.replace(microsecond=0) == datetime.fromisoformat(row.second)


def _number(db: Session, kind: str, number: int) -> dict[str, int]:
    """Theirs, if nobody here has it: what is printed on labels and set in printers stays right."""
    table = TABLES[kind]
    if db.scalar(select(table.id).where(table.number == number)) is not None:
        return {}
    reserve(db, KIND_OF_NUMBER[kind], number)
    return {"number": number}


def _add_vendor(db: Session, _found: Found, row: rows.Vendor) -> Brand:
    known = service.brand_named(db, row.name)
    if known.tare_mg is None and row.empty_spool_weight is not None:
        known.tare_mg = mg_from_grams(row.empty_spool_weight)
    known.note = known.note or row.comment
    known.extra = {**row.extra, **known.extra}
    _tell(known, external_id=row.external_id)
    emit(db, BrandChanged(shop_id=shop_of(db), brand_id=known.id))
    return known


def _change_vendor(
    db: Session, found: Found, row: rows.Vendor, brand: Brand, _changed: list[str], before: dict[str, Any]
) -> None:
    values = settle("vendor", found, row, before, brand).values
    name = values.pop("name", brand.name)
    for column, value in values.items():
        setattr(brand, column, value)
    if name != brand.name:
        facts = service.BrandFacts(name, brand.tare_mg, brand.url, brand.note, brand.extra)
        with suppress(DomainError):  # there is another brand of that name; a person may merge the two
            service.edit_brand(db, brand.id, facts)
    emit(db, BrandChanged(shop_id=shop_of(db), brand_id=brand.id))


def _add_filament(db: Session, found: Found, row: rows.Filament) -> Filament:
    facts = filament_facts(found, row)
    before = set(db.scalars(select(Filament.id).where(Filament.brand == facts["brand"])))
    made = service.find_or_add_filament(db, **facts)
    if made.id not in before:
        made.number = _number(db, "filament", row.id).get("number", made.number)
        _tell(made, external_id=row.external_id, **_filament_told(row, made))
        db.flush()
    return made


def _change_filament(
    db: Session, found: Found, row: rows.Filament, filament: Filament, _changed: list[str], before: dict[str, Any]
) -> None:
    values = settle("filament", found, row, before, filament).values
    known = {one.name: getattr(filament, one.name) for one in fields(FilamentFacts)}
    try:
        service.edit_filament(db, filament.id, FilamentFacts(**{**known, **values}))
    except service.AlreadyHere:  # what tells it from others stays: there is such a filament already
        facts = {name: value for name, value in values.items() if name not in IDENTITY}
        service.edit_filament(db, filament.id, FilamentFacts(**{**known, **facts}))
    if "cost_per_gram" in values or "colour_hex" in values:
        _tell(filament, **_filament_told(row, filament))


def _filament_told(row: rows.Filament, filament: Filament) -> dict[str, Any]:
    return {
        "price": row.price,
        "price_per_gram": None if filament.cost_per_gram is None else str(filament.cost_per_gram),
        "multi_color_direction": row.multi_color_direction or None,
        "no_colour": True if not row.color_hex and not row.multi_color_hexes else None,
    }


def _add_spool(db: Session, found: Found, row: rows.Spool) -> Spool:
    filament = _filament_of(db, found, row)
    whole_mg, held_mg = mg_from_grams(whole_g(found, row) or 0), mg_from_grams(held_g(found, row))
    used = held_mg < whole_mg or row.first_used is not None
    cost = per_gram(row.price, whole_mg)
    spool = Spool(
        **_number(db, "spool", row.id),
        filament_id=filament.id,
        state="open" if used else "sealed",
        initial_mg=whole_mg,
        tare_mg=_mg(row.spool_weight),
        cost_per_gram=cost,
        location=row.location,
        batch=row.lot_nr,
        note=row.comment,
        extra=row.extra,
        first_used_at=row.first_used,
        last_used_at=row.last_used,
        told={} if cost is None else {"price": row.price, "price_per_gram": str(cost)},
    )
    db.add(spool)
    db.flush()
    db.refresh(spool, ["filament"])
    write_entry(db, spool, held_mg, cause="imported", reason=f"Spoolman, number {row.id}")
    if row.archived:
        spool.archived_at = utc_now()
    emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))
    return spool


def _change_spool(
    db: Session, found: Found, row: rows.Spool, spool: Spool, _changed: list[str], before: dict[str, Any]
) -> None:
    """What was used there since the last import is taken here; what was booked here meanwhile stays."""
    spool = lock_spool(db, spool.id)
    values = settle("spool", found, row, before, spool).values
    archived = values.pop("is_archived", spool.archived_at is not None)
    for column, value in values.items():
        setattr(spool, column, value)
    spool.archived_at = (spool.archived_at or utc_now()) if archived else None
    if "cost_per_gram" in values:
        spool.told = {**spool.told, "price": row.price, "price_per_gram": str(spool.cost_per_gram)}
    _book(db, spool, mg_from_grams(held_g(found, row)) - int(before.get("held_mg", 0)), row)
    emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))


def _book(db: Session, spool: Spool, delta_mg: int, row: rows.Spool) -> None:
    """What the spool does not hold waits for a person, as with a print."""
    reason = f"Spoolman, number {row.id}"
    taken = max(delta_mg, -max(0, spool.remaining_mg)) if delta_mg < 0 else delta_mg
    if taken:
        write_entry(db, spool, taken, cause="imported", reason=reason)
    if delta_mg < taken:
        filament = lock_filament(db, spool.filament_id)
        write_unassigned(db, filament, delta_mg - taken, cause="print", reason=f"{reason}: {spool.code} had no more")


def _filament_of(db: Session, found: Found, row: rows.Spool) -> Filament:
    theirs = found.rows["filament"][row.filament_id]
    if _is_ours(db, "filament", theirs):
        return db.scalars(select(Filament).where(Filament.number == theirs.id)).one()
    origin = _origin_of(db, "filament", theirs)
    if origin is None:
        take_row(db, found, "filament", row.filament_id)
        origin = _origin_of(db, "filament", theirs)
    if origin is None:
        raise DomainError("The filament of this spool could not be taken in.")
    return db.get_one(Filament, origin.subject_id)


def _tell(row: Brand | Filament, **told: Any) -> None:
    row.told = {**row.told, **{name: value for name, value in told.items() if value not in (None, "")}}


def _mg(grams: float | None) -> int | None:
    return None if grams is None else mg_from_grams(grams)


ADDERS: dict[str, Any] = {"vendor": _add_vendor, "filament": _add_filament, "spool": _add_spool}
CHANGERS: dict[str, Any] = {"vendor": _change_vendor, "filament": _change_filament, "spool": _change_spool}
