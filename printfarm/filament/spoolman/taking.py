"""Taking rows of another Spoolman in. Done twice it changes nothing the second time; grams come with the cause "imported"."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError
from printfarm.core.events import emit
from printfarm.core.tenancy import shop_of
from printfarm.core.units import mg_from_grams
from printfarm.filament import service
from printfarm.filament.colours import normal_colours
from printfarm.filament.events import BrandChanged, FilamentChanged, SpoolChanged
from printfarm.filament.models import Brand, Filament, Spool
from printfarm.filament.models_spoolman import SpoolmanOrigin
from printfarm.filament.numbers import reserve
from printfarm.filament.service.stock import lock_filament, lock_spool, write_entry, write_unassigned
from printfarm.filament.spoolman import rows
from printfarm.filament.spoolman.planning import TABLES, changes, held_g, subject_of, whole_g, why_not
from printfarm.filament.spoolman.reading import Found
from printfarm.filament.spoolman.showing import NO_COLOUR

FOUR, THREE, TWO = Decimal("0.0001"), Decimal("0.001"), Decimal("0.01")
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
    if subject is None or getattr(subject, "state", "") == "discarded":
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
    db: Session, _found: Found, row: rows.Vendor, brand: Brand, changed: list[str], _before: dict[str, Any]
) -> None:
    if "empty_spool_weight" in changed:
        brand.tare_mg = _mg(row.empty_spool_weight)
    if "comment" in changed:
        brand.note = row.comment
    if "extra" in changed:
        brand.extra = {**brand.extra, **row.extra}
    emit(db, BrandChanged(shop_id=shop_of(db), brand_id=brand.id))


def _add_filament(db: Session, found: Found, row: rows.Filament) -> Filament:
    facts = _filament_facts(found, row)
    before = set(db.scalars(select(Filament.id).where(Filament.brand == facts["brand"])))
    made = service.find_or_add_filament(db, **facts)
    if made.id not in before:
        made.number = _number(db, "filament", row.id).get("number", made.number)
        _tell(made, external_id=row.external_id, **_filament_told(row, made))
        db.flush()
    return made


def _change_filament(
    db: Session, found: Found, row: rows.Filament, filament: Filament, changed: list[str], _before: dict[str, Any]
) -> None:
    facts = _filament_facts(found, row)
    ours = {
        "density": ("density_g_cm3",),
        "weight": ("spool_mg",),
        "spool_weight": ("tare_mg",),
        "article_number": ("article_number",),
        "comment": ("note",),
        "settings_extruder_temp": ("nozzle_min_c", "nozzle_max_c"),
        "settings_bed_temp": ("bed_c",),
        "price": ("cost_per_gram",),
        "extra": ("extra",),
    }
    for name in changed:
        for column in ours.get(name, ()):
            setattr(filament, column, facts[column])
    if "price" in changed:
        _tell(filament, **_filament_told(row, filament))
    emit(db, FilamentChanged(shop_id=shop_of(db), filament_id=filament.id))


def _filament_facts(found: Found, row: rows.Filament) -> dict[str, Any]:
    vendor: Any = found.rows["vendor"].get(row.vendor_id or 0)
    whole_mg = _mg(row.weight) or 1_000_000
    return {
        "brand": vendor.name if vendor else "",
        "material": row.material,
        "colour_name": row.name,
        "colour_hex": _colours(row),
        "density_g_cm3": Decimal(str(row.density)).quantize(THREE),
        "diameter_mm": Decimal(str(row.diameter)).quantize(TWO),
        "nozzle_min_c": row.settings_extruder_temp,
        "nozzle_max_c": row.settings_extruder_temp,
        "bed_c": row.settings_bed_temp,
        "cost_per_gram": _per_gram(row.price, whole_mg),
        "spool_mg": whole_mg,
        "tare_mg": _mg(row.spool_weight),
        "article_number": row.article_number,
        "note": row.comment,
        "extra": row.extra,
    }


def _filament_told(row: rows.Filament, filament: Filament) -> dict[str, Any]:
    return {
        "price": row.price,
        "price_per_gram": None if filament.cost_per_gram is None else str(filament.cost_per_gram),
        "multi_color_direction": row.multi_color_direction or None,
        "no_colour": True if not row.color_hex and not row.multi_color_hexes else None,
    }


def _colours(row: rows.Filament) -> str:
    try:
        return normal_colours(row.multi_color_hexes or row.color_hex or NO_COLOUR)
    except DomainError:
        return NO_COLOUR


def _add_spool(db: Session, found: Found, row: rows.Spool) -> Spool:
    filament = _filament_of(db, found, row)
    whole_mg, held_mg = mg_from_grams(whole_g(found, row) or 0), mg_from_grams(held_g(found, row))
    used = held_mg < whole_mg or row.first_used is not None
    cost = _per_gram(row.price, whole_mg)
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
    db: Session, found: Found, row: rows.Spool, spool: Spool, changed: list[str], before: dict[str, Any]
) -> None:
    """What was used there since the last import is taken here; what was booked here meanwhile stays."""
    spool = lock_spool(db, spool.id)
    words = {"location": "location", "lot_nr": "batch", "comment": "note"}
    for name in set(changed) & set(words):
        setattr(spool, words[name], getattr(row, name))
    if "spool_weight" in changed:
        spool.tare_mg = _mg(row.spool_weight)
    if "initial_weight" in changed and row.initial_weight is not None:
        spool.initial_mg = mg_from_grams(row.initial_weight)
    if "extra" in changed:
        spool.extra = {**spool.extra, **row.extra}
    if "archived" in changed:
        spool.archived_at = (spool.archived_at or utc_now()) if row.archived else None
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


def _per_gram(price: float | None, mg: int) -> Decimal | None:
    return (Decimal(str(price)) * 1000 / mg).quantize(FOUR) if price is not None and mg > 0 else None


def _mg(grams: float | None) -> int | None:
    return None if grams is None else mg_from_grams(grams)


ADDERS: dict[str, Any] = {"vendor": _add_vendor, "filament": _add_filament, "spool": _add_spool}
CHANGERS: dict[str, Any] = {"vendor": _change_vendor, "filament": _change_filament, "spool": _change_spool}
