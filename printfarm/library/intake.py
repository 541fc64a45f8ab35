"""From a file that was read, and what a person said about it, to a variant with its plates and what each slot needs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError
from printfarm.core.events import emit
from printfarm.core.tenancy import shop_of
from printfarm.core.units import mg_from_grams
from printfarm.filament import service as filament_service
from printfarm.filament.service import FilamentFacts
from printfarm.files import service as files
from printfarm.files.models import Upload
from printfarm.files.readers.results import Json
from printfarm.library.counted import fill_variant
from printfarm.library.demand import demand_came
from printfarm.library.events import VariantAdded
from printfarm.library.models import FilamentRequirement, Model, Plate, Variant, VariantMetadata
from printfarm.library.service import ModelFacts, add_model, find_model, next_version


@dataclass(frozen=True)
class SlotAnswer:
    """Which filament a slot means: one of the shop's, a new one, or (both None) not decided yet."""

    slot: int
    filament_id: UUID | None = None
    new: FilamentFacts | None = None


@dataclass(frozen=True)
class Answer:
    """What a person says about a file. `model_id` names an existing model; else `model` describes a new one."""

    model_id: UUID | None
    model: ModelFacts
    variant_name: str
    note: str = ""
    slots: Sequence[SlotAnswer] = ()


def add_variant(db: Session, upload: Upload, answer: Answer) -> Variant:
    """Make the variant. A name that the model has already gets its next version. Refused when the upload is not waiting."""
    if upload.state != "needs-answer" or upload.extracted is None or upload.file_id is None:
        raise DomainError("This upload does not wait for an answer any more. Look at its page again.")
    extracted = upload.extracted
    model = find_model(db, answer.model_id, lock=True) if answer.model_id else add_model(db, answer.model)
    variant = _variant(upload, extracted, model, answer, next_version(db, model.id, answer.variant_name))
    db.add(variant)
    db.flush()
    db.add(VariantMetadata(variant_id=variant.id, raw=extracted.get("raw") or {}))
    pictures = {int(number): UUID(picture) for number, picture in (extracted.get("pictures") or {}).items()}
    filaments = dict(_filaments(db, answer.slots))
    for plate in extracted["plates"]:
        _add_plate(db, variant, plate, pictures, filaments, _warnings(extracted, plate["index"]))
    model.updated_at = utc_now()
    if model.picture_id is None and pictures:
        model.picture_id = next(iter(pictures.values()))
    db.flush()
    demand_came(db, variant, model)
    fill_variant(db, variant)
    files.finish_upload(db, upload, variant.id)
    emit(db, VariantAdded(shop_id=shop_of(db), model_id=model.id, variant_id=variant.id))
    return variant


def _variant(upload: Upload, extracted: Json, model: Model, answer: Answer, version: int) -> Variant:
    assert upload.file_id is not None
    slicer = extracted.get("slicer") or {}
    return Variant(
        model_id=model.id,
        file_id=upload.file_id,
        name=answer.variant_name,
        version=version,
        file_format=extracted["format"],
        sliced=bool(extracted["sliced"]),
        slicer_name=slicer.get("name"),
        slicer_version=slicer.get("version"),
        mesh=None if extracted["sliced"] else extracted.get("mesh"),
        note=answer.note,
    )


def _add_plate(
    db: Session,
    variant: Variant,
    seen: Json,
    pictures: Mapping[int, UUID],
    filaments: Mapping[int, UUID],
    warnings: list[Json],
) -> None:
    plate = _plate(variant, seen, pictures.get(seen["index"]) or pictures.get(0), warnings)
    db.add(plate)
    db.flush()
    for wanted in seen["filaments"]:
        db.add(_requirement(plate, wanted, filaments.get(wanted["slot"])))


def _plate(variant: Variant, seen: Json, picture_id: UUID | None, warnings: list[Json]) -> Plate:
    printer = seen.get("printer") or {}
    bed, nozzle = seen.get("bed_c") or (None, None), seen.get("nozzle_c") or (None, None)
    return Plate(
        variant_id=variant.id,
        number=seen["index"],
        name=seen.get("name"),
        duration_s=seen.get("time_total_s"),
        model_duration_s=seen.get("time_model_s"),
        layers=seen.get("layers"),
        height_mm=_decimal(seen.get("max_z_mm")),
        layer_height_mm=_decimal(seen.get("layer_height_mm")),
        first_layer_height_mm=_decimal(seen.get("first_layer_height_mm")),
        nozzle_mm=_decimal((seen.get("nozzle_mm") or [None])[0]),
        bed_type=seen.get("bed_type"),
        bed_first_c=_whole(bed[0]),
        bed_c=_whole(bed[1]),
        nozzle_first_c=_whole(nozzle[0]),
        nozzle_c=_whole(nozzle[1]),
        printer_model=printer.get("model"),
        printer_model_id=printer.get("id"),
        printer_preset=printer.get("preset"),
        printable=bool(seen.get("printable")),
        gcode_path=seen.get("gcode_path"),
        picture_id=picture_id,
        warnings=warnings,
        sources=seen.get("sources"),
    )


def _requirement(plate: Plate, wanted: Json, filament_id: UUID | None) -> FilamentRequirement:
    total_mg = None if wanted.get("grams") is None else mg_from_grams(wanted["grams"])
    metres = wanted.get("metres")
    return FilamentRequirement(
        plate_id=plate.id,
        slot=wanted["slot"],
        material=wanted.get("material"),
        colour_hex=wanted.get("colour"),
        vendor=wanted.get("vendor"),
        preset=wanted.get("preset"),
        filament_id=filament_id,
        total_mg=total_mg,
        length_mm=None if metres is None else round(metres * 1000),
    )


def _filaments(db: Session, slots: Sequence[SlotAnswer]) -> Iterator[tuple[int, UUID]]:
    """The filament of each decided slot; new ones are added, and the same new one in two slots is one filament."""
    for slot in slots:
        if slot.filament_id is not None:
            yield slot.slot, filament_service.find_filament(db, slot.filament_id).id
        elif slot.new is not None:
            yield slot.slot, filament_service.find_or_add_filament(db, **vars(slot.new)).id


def _warnings(extracted: Json, plate: int) -> list[Any]:
    """What the reader wants known about this plate; what is about the whole file stands at its first."""
    about = {plate, None} if plate == extracted["plates"][0]["index"] else {plate}
    return [warning for warning in extracted.get("warnings") or () if warning.get("plate") in about]


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
