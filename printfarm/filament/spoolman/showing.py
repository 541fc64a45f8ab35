"""Our rows as Spoolman's clients expect them: grams and millimetres as floats, times in UTC, nothing that is not known."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.filament.materials import family
from printfarm.filament.models import Brand, Filament, Spool
from printfarm.filament.service import reported_mg

# g/cm³ where nobody has said: a client divides by it.
DENSITIES = {"pla": 1.24, "petg": 1.27, "abs": 1.04, "asa": 1.07, "tpu": 1.21, "pc": 1.20, "pa": 1.14, "pva": 1.23}
DENSITIES |= {"hips": 1.03, "pp": 0.90, "pet": 1.38}
NO_COLOUR = "#808080"  # stands for "not said", which a filament of ours must not leave open
Answer = dict[str, Any]


@dataclass
class Around:
    """What is needed beside the rows themselves, read at once for all of them."""

    brands: dict[str, Brand] = field(default_factory=dict)
    reported: dict[UUID, int] = field(default_factory=dict)


def around_filaments(db: Session, filaments: Iterable[Filament]) -> Around:
    names = {one.brand for one in filaments}
    return Around(brands={one.name: one for one in db.scalars(select(Brand).where(Brand.name.in_(names)))})


def show_vendors(brands: Sequence[Brand]) -> list[Answer]:
    return [show_vendor(one) for one in brands]


def show_filaments(db: Session, filaments: Sequence[Filament]) -> list[Answer]:
    around = around_filaments(db, filaments)
    return [show_filament(one, around) for one in filaments]


def show_spools(db: Session, spools: Sequence[Spool]) -> list[Answer]:
    around = around_filaments(db, [one.filament for one in spools])
    around.reported = reported_mg(db, list(spools))
    return [show_spool(one, around) for one in spools]


def show_vendor(brand: Brand) -> Answer:
    return _known(
        id=brand.number,
        registered=show_time(brand.created_at),
        name=brand.name,
        comment=brand.note or None,
        empty_spool_weight=grams(brand.tare_mg),
        external_id=brand.told.get("external_id"),
        extra=dict(brand.extra),
    )


def show_filament(one: Filament, around: Around) -> Answer:
    brand = around.brands.get(one.brand) if one.brand else None
    return _known(
        id=one.number,
        registered=show_time(one.created_at),
        name=name_of(one) or None,
        vendor=show_vendor(brand) if brand else None,
        material=one.material or None,
        price=price_of(one, one.spool_mg),
        density=density_of(one),
        diameter=float(one.diameter_mm),
        weight=grams(one.spool_mg) or None,
        spool_weight=grams(one.tare_mg),
        article_number=one.article_number or None,
        comment=one.note or None,
        settings_extruder_temp=nozzle_of(one),
        settings_bed_temp=one.bed_c,
        external_id=one.told.get("external_id"),
        extra=dict(one.extra),
        **_colours(one),
    )


def show_spool(one: Spool, around: Around) -> Answer:
    filament = one.filament
    left_mg = max(0, one.remaining_mg - around.reported.get(one.id, 0))
    used_mg = max(0, one.initial_mg - left_mg)
    return _known(
        id=one.number,
        registered=show_time(one.created_at),
        first_used=show_time(one.first_used_at),
        last_used=show_time(one.last_used_at),
        filament=show_filament(filament, around),
        price=price_of(one, one.initial_mg),
        remaining_weight=grams(left_mg),
        initial_weight=grams(one.initial_mg),
        spool_weight=grams(_tare_mg(one, around)),
        used_weight=grams(used_mg),
        remaining_length=length_mm(left_mg, filament),
        used_length=length_mm(used_mg, filament),
        location=one.location or None,
        lot_nr=one.batch or None,
        comment=one.note or None,
        archived=one.archived_at is not None,
        extra=dict(one.extra),
    )


def name_of(one: Filament) -> str:
    """The colour's name, and the finish if the name does not say it: Spoolman has one field for both."""
    if one.finish and one.finish.casefold() not in one.colour_name.casefold():
        return f"{one.colour_name} {one.finish}".strip()
    return one.colour_name


def density_of(one: Filament) -> float:
    if one.density_g_cm3:
        return float(one.density_g_cm3)
    return DENSITIES.get(family(one.material).split("-", maxsplit=1)[0], 1.24)


def nozzle_of(one: Filament) -> int | None:
    """One temperature where we know from and to: the middle."""
    known = [value for value in (one.nozzle_min_c, one.nozzle_max_c) if value is not None]
    return round(sum(known) / len(known)) if known else None


def price_of(one: Filament | Spool, mg: int) -> float | None:
    """What was told, as long as nobody has changed what a gram costs; else as many grams as there are."""
    if one.cost_per_gram is None:
        return None
    told = one.told.get("price")
    if told is not None and one.told.get("price_per_gram") == str(one.cost_per_gram):
        return float(told)
    return round(float(one.cost_per_gram * Decimal(mg) / 1000), 2)


def grams(mg: int | None) -> float | None:
    return None if mg is None else mg / 1000


def length_mm(mg: int, filament: Filament) -> float:
    """How long so much filament is."""
    return round(mg / (density_of(filament) * _area_mm2(filament)), 3)


def ug_of_length(mm: float, filament: Filament) -> int:
    """What a length weighs, in micrograms."""
    return round(mm * _area_mm2(filament) * density_of(filament) * 1000)


def show_time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _area_mm2(filament: Filament) -> float:
    return math.pi * (float(filament.diameter_mm) / 2) ** 2


def _tare_mg(one: Spool, around: Around) -> int | None:
    """As a person would weigh it: the spool's own, else its filament's, else its brand's."""
    brand = around.brands.get(one.filament.brand)
    known = (one.tare_mg, one.filament.tare_mg, brand.tare_mg if brand else None)
    return next((mg for mg in known if mg is not None), None)


def _colours(one: Filament) -> Answer:
    colours = [colour.lstrip("#") for colour in one.colour_hex.split(",")]
    if len(colours) > 1:
        direction = one.told.get("multi_color_direction", "coaxial")
        return {"multi_color_hexes": ",".join(colours), "multi_color_direction": direction}
    if one.told.get("no_colour") and one.colour_hex == NO_COLOUR:
        return {}
    return {"color_hex": colours[0]}


def _known(**facts: Any) -> Answer:
    return {name: value for name, value in facts.items() if value is not None}
