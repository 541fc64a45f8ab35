"""What clients change: their words in the words of our services. The caller has the transaction."""

from dataclasses import fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.units import cost_of_gram, grams_from_mg, mg_from_grams
from printfarm.filament import service
from printfarm.filament.events import SpoolChanged
from printfarm.filament.models import Brand, Filament, Spool
from printfarm.filament.numbers import LARGEST
from printfarm.filament.service import FilamentFacts, SpoolFacts, belonging
from printfarm.filament.service.stock import lock_spool
from printfarm.filament.spoolman import asking
from printfarm.filament.spoolman.fields import with_extra
from printfarm.filament.spoolman.showing import NO_COLOUR, name_of, show_spools, ug_of_length

THREE, TWO = Decimal("0.001"), Decimal("0.01")
MERGES_FOLLOWED = 10


class Malformed(DomainError):
    """Each field alone is right, but they do not go together."""

    status = 400


def vendor_of(db: Session, number: int) -> Brand:
    """Raises NotFound."""
    found = db.scalar(select(Brand).where(Brand.number == number, Brand.name != "")) if number <= LARGEST else None
    if found is None:
        raise NotFound(f"No vendor with ID {number} found.")
    return found


def filament_of(db: Session, number: int) -> Filament:
    """Raises NotFound, also for one that is archived: to clients it is deleted. One that was merged leads to the other."""
    found = db.scalar(select(Filament).where(Filament.number == number)) if number <= LARGEST else None
    for _ in range(MERGES_FOLLOWED):
        if found is None or found.archived_at is None or "merged_into" not in found.told:
            break
        found = db.get(Filament, UUID(found.told["merged_into"]))
    if found is None or found.archived_at is not None:
        raise NotFound(f"No filament with ID {number} found.")
    return found


def spool_of(db: Session, number: int) -> Spool:
    """Raises NotFound, also for one that is discarded: to clients it is deleted."""
    mine = select(Spool).where(Spool.number == number, Spool.state != "discarded")
    found = db.scalar(mine) if number <= LARGEST else None
    if found is None:
        raise NotFound(f"No spool with ID {number} found.")
    return found


def add_vendor(db: Session, said: asking.Vendor) -> Brand:
    facts = service.BrandFacts(
        name=said.name,
        tare_mg=_mg(said.empty_spool_weight),
        note=said.comment or "",
        extra=with_extra(db, "vendor", {}, said.extra, new=True),
    )
    brand = service.add_brand(db, facts)
    _tell(brand, external_id=said.external_id)
    return brand


def change_vendor(db: Session, number: int, said: asking.VendorChange) -> Brand:
    brand, sent = vendor_of(db, number), said.sent()
    facts = service.BrandFacts(
        name=sent.get("name", brand.name),
        tare_mg=_mg(sent["empty_spool_weight"]) if "empty_spool_weight" in sent else brand.tare_mg,
        url=brand.url,
        note=sent["comment"] or "" if "comment" in sent else brand.note,
        extra=with_extra(db, "vendor", brand.extra, said.extra),
    )
    service.edit_brand(db, brand.id, facts)
    if "external_id" in sent:
        _tell(brand, external_id=said.external_id)
    return brand


def remove_vendor(db: Session, number: int) -> None:
    service.remove_brand(db, vendor_of(db, number).id)


def add_filament(db: Session, said: asking.Filament) -> Filament:
    values = _filament_values(
        db, said, said.model_fields_set | {"color_hex", "name", "material", "density", "diameter"}
    )
    values["extra"] = with_extra(db, "filament", {}, said.extra, new=True)
    base: dict[str, Any] = {"brand": "", "material": "", "colour_name": "", "colour_hex": NO_COLOUR}
    values["cost_per_gram"], told = _price(said.price, values.get("spool_mg", 1_000_000))
    filament = service.add_filament(db, **{**base, **values})
    _tell(filament, **told, **_colour_told(said), external_id=said.external_id)
    return filament


def change_filament(db: Session, number: int, said: asking.FilamentChange) -> Filament:
    filament, sent = filament_of(db, number), said.sent()
    known = {one.name: getattr(filament, one.name) for one in fields(FilamentFacts)}
    values = _filament_values(db, said, said.model_fields_set)
    if "name" in sent and (said.name or "") == name_of(filament):
        values.pop("colour_name")
    values["extra"] = with_extra(db, "filament", filament.extra, said.extra)
    told: dict[str, Any] = {}
    if "price" in sent:
        values["cost_per_gram"], told = _price(said.price, values.get("spool_mg", filament.spool_mg))
    if {"color_hex", "multi_color_hexes"} & set(sent):
        told |= _colour_told(said)
    if "external_id" in sent:
        told["external_id"] = said.external_id
    service.edit_filament(db, filament.id, FilamentFacts(**{**known, **values}))
    _tell(filament, **told)
    return filament


def remove_filament(db: Session, number: int) -> None:
    """Filaments that have a history are put away, not forgotten."""
    service.archive_filament(db, filament_of(db, number).id)


def add_spool(db: Session, said: asking.Spool) -> Spool:
    if said.remaining_weight is not None and said.used_weight is not None:
        raise Malformed("Only specify either remaining_weight or used_weight.")
    filament = filament_of(db, said.filament_id)
    initial_mg = filament.spool_mg if said.initial_weight is None else mg_from_grams(said.initial_weight)
    held_mg = initial_mg
    if said.remaining_weight is not None:
        held_mg = mg_from_grams(said.remaining_weight)
    elif said.used_weight is not None:
        held_mg = max(0, initial_mg - mg_from_grams(said.used_weight))
    cost, told = _price(said.price, initial_mg)
    facts = SpoolFacts(
        batch=said.lot_nr or "",
        initial_mg=max(initial_mg, held_mg),
        tare_mg=_mg(said.spool_weight),
        cost_per_gram=cost,
        location=said.location or "",
        note=said.comment or "",
        extra=with_extra(db, "spool", {}, said.extra, new=True),
    )
    spool = service.add_spool(db, filament.id, weight_mg=held_mg, facts=facts)
    _tell(spool, **told)
    spool.first_used_at, spool.last_used_at = said.first_used, said.last_used
    if said.archived:
        service.archive_spool(db, spool.id)
    return spool


def change_spool(db: Session, number: int, said: asking.SpoolChange, *, teller: str) -> Spool:
    sent = said.sent()
    spool = lock_spool(db, spool_of(db, number).id)
    if sent.get("remaining_weight") is not None and sent.get("used_weight") is not None:
        raise Malformed("Only specify either remaining_weight or used_weight.")
    if "filament_id" in sent and said.filament_id != spool.filament.number:
        belonging.change_filament(db, spool.id, filament_of(db, said.filament_id).id)
    initial_before = spool.initial_mg
    _change_facts(db, spool, said)
    _change_weight(db, spool, said, initial_before, reason=f"Set by {teller}")
    if "archived" in sent and said.archived != (spool.archived_at is not None):
        (service.archive_spool if said.archived else service.restore_spool)(db, spool.id)
    emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))
    return spool


def remove_spool(db: Session, number: int, *, teller: str) -> dict[str, Any]:
    """To the client it is gone; here it is discarded, and its history stays. Says how it was."""
    spool = spool_of(db, number)
    was = show_spools(db, [spool])[0]
    if spool.state == "on order":
        service.archive_spool(db, spool.id)
    else:
        service.discard_spool(db, spool.id, reason=f"Deleted by {teller}")
    return was


def use_spool(db: Session, number: int, said: asking.Use, *, teller: str, token: str, arrived_at: datetime) -> Spool:
    """Grams or millimetres that a machine used."""
    if said.use_weight is not None and said.use_length is not None:
        raise Malformed("Only specify either use_weight or use_length.")
    spool = spool_of(db, number)
    if said.use_length is not None:
        ug, words = ug_of_length(said.use_length, spool.filament), f"{said.use_length!r} mm"
    elif said.use_weight is not None:
        ug, words = round(said.use_weight * 1_000_000), f"{said.use_weight!r} g"
    else:
        raise Malformed("Either use_weight or use_length must be specified.")
    if ug == 0:
        return spool
    said_by = f"{token}: {words}"
    return service.report_use(db, spool.id, ug, said=said_by, teller=teller, arrived_at=arrived_at)


def measure_spool(db: Session, number: int, said: asking.Measure, *, teller: str) -> Spool:
    """A scale shows so much, with the empty spool."""
    spool = spool_of(db, number)
    try:
        service.read_scale(
            db, spool.id, mg_from_grams(said.weight), reason=f"{said.weight:g} g on the scale of {teller}"
        )
    except service.NoTare as problem:
        raise Malformed(problem.sentence) from problem
    return spool


def _change_facts(db: Session, spool: Spool, said: asking.SpoolChange) -> None:
    sent = said.sent()
    facts = replace(SpoolFacts.of(spool), extra=with_extra(db, "spool", spool.extra, said.extra))
    names = {"lot_nr": "batch", "location": "location", "comment": "note"}
    words: dict[str, Any] = {ours: sent[theirs] or "" for theirs, ours in names.items() if theirs in sent}
    facts = replace(facts, **words)
    if "spool_weight" in sent:
        facts = replace(facts, tare_mg=_mg(said.spool_weight))
    if sent.get("initial_weight") is not None:
        facts = replace(facts, initial_mg=mg_from_grams(sent["initial_weight"]))
    told: dict[str, Any] = {}
    if "price" in sent:
        cost, told = _price(said.price, facts.initial_mg or spool.initial_mg)
        facts = replace(facts, cost_per_gram=cost)
    service.edit_spool(db, spool.id, facts)
    _tell(spool, **told)
    if "first_used" in sent:
        spool.first_used_at = said.first_used
    if "last_used" in sent:
        spool.last_used_at = said.last_used


def _change_weight(db: Session, spool: Spool, said: asking.SpoolChange, initial_before: int, *, reason: str) -> None:
    """Spoolman counts what was used: with another whole weight, other grams are left. That is no count of the roll: what a
    print that goes on has taken of it is still to come.
    """
    if said.remaining_weight is not None:
        held_mg = mg_from_grams(said.remaining_weight)
    elif said.used_weight is not None:
        held_mg = max(0, spool.initial_mg - mg_from_grams(said.used_weight))
    else:
        more_mg = max(spool.initial_mg - initial_before, -max(0, spool.remaining_mg))
        if more_mg:
            (service.add_weight if more_mg > 0 else service.take_weight)(db, spool.id, abs(more_mg), reason=reason)
        return
    if held_mg != spool.remaining_mg:
        service.set_weight(db, spool.id, held_mg, reason=reason)


def _filament_values(db: Session, said: asking.Filament, sent: set[str]) -> dict[str, Any]:
    """Our names and units for what was sent."""
    temperature = said.settings_extruder_temp
    ours: dict[str, Any] = {
        "name": {"colour_name": said.name or ""},
        "material": {"material": said.material or ""},
        "density": {"density_g_cm3": Decimal(str(said.density)).quantize(THREE)},
        "diameter": {"diameter_mm": Decimal(str(said.diameter)).quantize(TWO)},
        "weight": {"spool_mg": _mg(said.weight) or 1_000_000},
        "spool_weight": {"tare_mg": _mg(said.spool_weight)},
        "article_number": {"article_number": said.article_number or ""},
        "comment": {"note": said.comment or ""},
        "settings_extruder_temp": {"nozzle_min_c": temperature, "nozzle_max_c": temperature},
        "settings_bed_temp": {"bed_c": said.settings_bed_temp},
        "color_hex": {"colour_hex": said.multi_color_hexes or said.color_hex or NO_COLOUR},
        "multi_color_hexes": {"colour_hex": said.multi_color_hexes or said.color_hex or NO_COLOUR},
    }
    values = {name: value for field in sent for name, value in ours.get(field, {}).items()}
    if "vendor_id" in sent:
        values["brand"] = vendor_of(db, said.vendor_id).name if said.vendor_id is not None else ""
    return values


def _colour_told(said: asking.Filament) -> dict[str, Any]:
    several = said.multi_color_hexes is not None
    return {
        "no_colour": None if several or said.color_hex else True,
        "multi_color_direction": (said.multi_color_direction or "coaxial") if several else None,
    }


def _price(price: float | None, mg: int) -> tuple[Decimal | None, dict[str, Any]]:
    """What a gram costs, and the price as it was told, because the first alone would not give it back to the cent."""
    if price is None or mg <= 0:
        return None, {"price": None, "price_per_gram": None}
    per_gram = cost_of_gram(Decimal(str(price)), grams_from_mg(mg))
    return per_gram, {"price": price, "price_per_gram": str(per_gram)}


def _tell(row: Brand | Filament | Spool, **told: Any) -> None:
    if told:
        row.told = {name: value for name, value in {**row.told, **told}.items() if value is not None}


def _mg(grams: float | None) -> int | None:
    return None if grams is None else mg_from_grams(grams)
