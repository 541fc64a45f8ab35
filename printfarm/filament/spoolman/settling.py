"""A row of a Spoolman was read before and is other there now: what is taken over, and what stays as the shop has it.

What the shop has not touched since it was read last follows the Spoolman. What the shop has changed itself stays: the shop
wins, and the plan says so.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from printfarm.core.errors import DomainError
from printfarm.core.units import cost_of_gram, grams_from_mg, mg_from_grams
from printfarm.filament.colours import normal_colours
from printfarm.filament.models import Brand, Filament, Spool
from printfarm.filament.service import FilamentFacts
from printfarm.filament.spoolman import rows
from printfarm.filament.spoolman.reading import Found
from printfarm.filament.spoolman.showing import NO_COLOUR

THREE, TWO = Decimal("0.001"), Decimal("0.01")
WORDS = {
    "name": "name",
    "brand": "brand",
    "material": "material",
    "colour_name": "name",
    "colour_hex": "colour",
    "density_g_cm3": "density",
    "diameter_mm": "diameter",
    "nozzle_min_c": "nozzle",
    "nozzle_max_c": "nozzle",
    "bed_c": "bed",
    "cost_per_gram": "price",
    "spool_mg": "weight of a spool",
    "initial_mg": "whole weight",
    "tare_mg": "empty spool",
    "article_number": "article number",
    "note": "note",
    "location": "place",
    "batch": "batch",
    "is_archived": "archived",
    "extra": "fields of your own",
}


@dataclass(frozen=True)
class Settled:
    """What becomes of our row: values by column, and in words what is taken over and what stays as the shop has it."""

    values: dict[str, Any] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)

    @property
    def taken(self) -> list[str]:
        return list(dict.fromkeys(WORDS[name] for name in self.values))


def settle(kind: str, found: Found, row: Any, before: dict[str, Any], subject: Any) -> Settled:
    """`before`: the facts that were remembered of the row when it was read last."""
    then = rows.MODELS[kind].model_validate({"id": row.id, "registered": row.registered, **before})
    ours = OURS[kind](subject)
    return _three_ways(FACTS[kind](found, then), FACTS[kind](found, row), ours)


def _three_ways(then: dict[str, Any], there: dict[str, Any], ours: dict[str, Any]) -> Settled:
    values, kept = {}, []
    for name, value in there.items():
        if name == "extra":
            extra, stays = _extra(then[name], value, ours[name])
            if extra != ours[name]:
                values[name] = extra
            if stays:
                kept.append(WORDS[name])
        elif then[name] == value or _same(ours[name], value):
            continue
        elif _same(ours[name], then[name]):
            values[name] = value
        else:
            kept.append(WORDS[name])
    return Settled(values, list(dict.fromkeys(kept)))


def _extra(then: dict[str, str], there: dict[str, str], ours: dict[str, str]) -> tuple[dict[str, str], bool]:
    made, stays = dict(ours), False
    for key, value in there.items():
        if then.get(key) == value or ours.get(key) == value:
            continue
        if ours.get(key) == then.get(key):
            made[key] = value
        else:
            stays = True
    return made, stays


def _same(one: Any, other: Any) -> bool:
    return bool(one.casefold() == other.casefold()) if isinstance(one, str) and isinstance(other, str) else one == other


def vendor_facts(_found: Found, row: Any) -> dict[str, Any]:
    return {"name": row.name, "tare_mg": _mg(row.empty_spool_weight), "note": row.comment, "extra": row.extra}


def filament_facts(found: Found, row: Any) -> dict[str, Any]:
    """Our names and units for a filament there."""
    vendor: Any = found.rows["vendor"].get(row.vendor_id or 0)
    whole_mg = _mg(row.weight) or 1_000_000
    return {
        "brand": vendor.name if vendor else "",
        "material": row.material,
        "colour_name": row.name,
        "colour_hex": colours_of(row),
        "density_g_cm3": Decimal(str(row.density)).quantize(THREE),
        "diameter_mm": Decimal(str(row.diameter)).quantize(TWO),
        "nozzle_min_c": row.settings_extruder_temp,
        "nozzle_max_c": row.settings_extruder_temp,
        "bed_c": row.settings_bed_temp,
        "cost_per_gram": per_gram(row.price, whole_mg),
        "spool_mg": whole_mg,
        "tare_mg": _mg(row.spool_weight),
        "article_number": row.article_number,
        "note": row.comment,
        "extra": row.extra,
    }


def spool_facts(found: Found, row: Any) -> dict[str, Any]:
    filament: Any = found.rows["filament"].get(row.filament_id)
    whole_g = (
        row.initial_weight if row.initial_weight is not None else filament.weight if filament is not None else None
    )
    whole_mg = mg_from_grams(whole_g or 0)
    return {
        "location": row.location,
        "batch": row.lot_nr,
        "note": row.comment,
        "initial_mg": whole_mg,
        "tare_mg": _mg(row.spool_weight),
        "cost_per_gram": per_gram(row.price, whole_mg),
        "is_archived": row.archived,
        "extra": row.extra,
    }


def _cleaned(found: Found, row: Any) -> dict[str, Any]:
    facts = filament_facts(found, row)
    cleaned = FilamentFacts(**facts).cleaned()
    return {name: cleaned[name] for name in facts}


def _of_brand(brand: Brand) -> dict[str, Any]:
    return {name: getattr(brand, name) for name in ("name", "tare_mg", "note", "extra")}


def _of_filament(filament: Filament) -> dict[str, Any]:
    return {name: getattr(filament, name) for name in WORDS if hasattr(filament, name) and name != "name"}


def _of_spool(spool: Spool) -> dict[str, Any]:
    names = ("location", "batch", "note", "initial_mg", "tare_mg", "cost_per_gram", "extra")
    return {**{name: getattr(spool, name) for name in names}, "is_archived": spool.archived_at is not None}


def colours_of(row: Any) -> str:
    try:
        return normal_colours(row.multi_color_hexes or row.color_hex or NO_COLOUR)
    except DomainError:
        return NO_COLOUR


def per_gram(price: float | None, mg: int) -> Decimal | None:
    return cost_of_gram(Decimal(str(price)), grams_from_mg(mg)) if price is not None and mg > 0 else None


def _mg(grams: float | None) -> int | None:
    return None if grams is None else mg_from_grams(grams)


FACTS: dict[str, Any] = {"vendor": vendor_facts, "filament": _cleaned, "spool": spool_facts}
OURS: dict[str, Any] = {"vendor": _of_brand, "filament": _of_filament, "spool": _of_spool}
