"""What the count of a file's moves adds to its plates: how each slot's grams split, and what looked wrong meanwhile.

The count and the person who answers the upload may come in any order; both ways end here, and leave the same rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.events import emit
from printfarm.files.models import FileScan
from printfarm.files.readers.results import Json, LayerUse
from printfarm.files.readers.scan_result import CODES, share_after, uses_from_json
from printfarm.files.scans import find_scan
from printfarm.library.events import VariantChanged
from printfarm.library.models import FilamentRequirement, Plate, Variant


def fill_variant(db: Session, variant: Variant) -> None:
    """A variant was made: add what the count of its file has brought, if that is done. The row of the count is held until
    the transaction ends, so that a count that is done a moment later finds the variant.
    """
    scan = find_scan(db, variant.file_id, lock=True)
    if scan is not None and scan.result is not None:
        _fill(db, variant, scan.result)


def fill_variants_of(db: Session, file_id: UUID) -> None:
    """The count of a file is done: add what it brought to all variants that were made of it."""
    scan = find_scan(db, file_id)
    if scan is None or scan.result is None:
        return
    for variant in db.scalars(select(Variant).where(Variant.file_id == file_id)):
        _fill(db, variant, scan.result)
        emit(db, VariantChanged(shop_id=variant.shop_id, variant_id=variant.id))


def used_shares(db: Session, plate: Plate, layers: int) -> dict[int, float] | None:
    """The share (0 to 1) of each slot's filament that is used up after so many layers of a plate.

    None when the moves of its file are not counted (yet).
    """
    file_id = db.scalar(select(Variant.file_id).where(Variant.id == plate.variant_id))
    scan = find_scan(db, file_id) if file_id else None
    found = _of_plate((scan.result if scan else None) or {}, plate.number)
    uses = uses_from_json(found["use_by_layer"]) if found else ()
    if not uses:
        return None
    return {slot: share_after(uses, layers, slot) or 0.0 for slot in uses[-1].share_of_slot}


def uses_of_plates(db: Session, plates: Sequence[Plate]) -> dict[UUID, tuple[LayerUse, ...]]:
    """How the use of each plate grows from layer to layer, for those whose moves are counted: one statement."""
    if not plates:
        return {}
    wanted = (
        select(Plate.id, Plate.number, FileScan.result)
        .join(Variant, Variant.id == Plate.variant_id)
        .join(FileScan, FileScan.file_id == Variant.file_id)
        .where(Plate.id.in_([plate.id for plate in plates]))
    )
    counted = {row.id: _of_plate(row.result or {}, row.number) for row in db.execute(wanted)}
    return {plate_id: uses_from_json(found["use_by_layer"]) for plate_id, found in counted.items() if found}


def split_mg(total_mg: int | None, split: Mapping[str, float] | None) -> tuple[int | None, int | None, int | None]:
    """(model with supports, purge, waste) in milligrams, scaled so that they add up to the slicer's own sum exactly."""
    if total_mg is None or not split:
        return None, None, None
    parts = (split["model"] + split["support"], split["purge"], split["tower"])
    counted = sum(parts)
    if counted <= 0:
        return total_mg, 0, 0
    purge, waste = (round(total_mg * part / counted) for part in parts[1:])
    return total_mg - purge - waste, purge, waste


def _fill(db: Session, variant: Variant, result: Mapping[str, Any]) -> None:
    for plate in db.scalars(select(Plate).where(Plate.variant_id == variant.id)):
        found = _of_plate(result, plate.number)
        if found is None:
            continue
        told = [warning for warning in plate.warnings if warning.get("code") not in CODES]
        plate.warnings = [*told, *found["warnings"]]
        plate.layers = plate.layers or found["layers"]
        for need in db.scalars(select(FilamentRequirement).where(FilamentRequirement.plate_id == plate.id)):
            split = found["split_g"].get(str(need.slot))
            need.model_mg, need.purge_mg, need.waste_mg = split_mg(need.total_mg, split)
    db.flush()


def _of_plate(result: Mapping[str, Any], number: int) -> Json | None:
    return next((plate for plate in result.get("plates") or () if plate["plate"] == number), None)
