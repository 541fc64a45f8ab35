"""Reads UFP, the package of Cura: its G-code, a picture, and the materials, from which weights follow."""

from collections.abc import Sequence
from dataclasses import replace

from printfarm.files.readers.archive import Archive, DamagedEntry
from printfarm.files.readers.drawing import pieces_of_entry
from printfarm.files.readers.fdm_material import SUFFIX, Material, read_materials
from printfarm.files.readers.limits import Deadline
from printfarm.files.readers.package import PictureReader
from printfarm.files.readers.plates import Findings, grams_per_metre
from printfarm.files.readers.relations import targets
from printfarm.files.readers.results import FileReading, Plate, Thumbnail, UnreadableFile
from printfarm.files.readers.source import Source
from printfarm.files.readers.stated import Stated, StatedSlot
from printfarm.files.readers.text_gcode import read_text_gcode
from printfarm.files.readers.toolpath import render_toolpath
from printfarm.files.readers.values import clean_text, json_object, storable

GCODE = "3d/model.gcode"

_RELATIONS = "3d/_rels/model.gcode.rels"
_GLOBAL = "metadata/ufp_global.json"


def recognises(source: Source) -> bool:
    return source.archive is not None and GCODE in source.archive


def read(source: Source, deadline: Deadline) -> FileReading:
    """Raises UnreadableFile when the G-code inside is damaged."""
    archive = source.archive
    assert archive is not None
    found = Findings()
    names = _material_names(archive)
    materials = dict(read_materials(archive, names))
    by_place = [materials.get(name, Material()) for name in names]
    try:
        reading = read_text_gcode(
            archive.stream(GCODE, deadline.limits.gcode_bytes),
            deadline,
            found,
            complete=lambda stated: _with_materials(stated, by_place),
        )
    except DamagedEntry as error:
        raise UnreadableFile("The G-code in this UFP file is damaged. Export or copy it again.") from error
    pictures = PictureReader(archive, deadline, found)
    plate = _plate(reading.plates[0], archive, deadline, pictures.covers())
    raw = {**reading.raw, "materials": {name: _material_json(one) for name, one in materials.items()}}
    return replace(
        reading,
        format="ufp",
        plates=(plate,),
        warnings=tuple(found.warnings),
        raw=storable(raw),
        draw=lambda _plate: render_toolpath(pieces_of_entry(source, GCODE)),
    )


def _plate(plate: Plate, archive: Archive, deadline: Deadline, covers: tuple[Thumbnail, ...]) -> Plate:
    plan = plate.scan_plan
    if plan is not None:
        weights = {
            f.slot: grams_per_metre(f.density_g_cm3, f.diameter_mm)
            for f in plate.filaments
            if f.density_g_cm3 and f.diameter_mm
        }
        plan = replace(plan, entry=GCODE, g_per_m={**plan.g_per_m, **weights})
    return replace(
        plate, objects=_object_names(archive, deadline), thumbnails=(*covers, *plate.thumbnails), scan_plan=plan
    )


def _material_names(archive: Archive) -> list[str]:
    """In the order of the extruders, as the relations of the G-code list them; each material stands there once."""
    listed = list(targets(archive, "/material", _RELATIONS))
    return listed or [name for name in archive.names if name.endswith(SUFFIX)]


def _with_materials(stated: Stated, materials: Sequence[Material]) -> Stated:
    parts = len(stated.raw.get("Filament used", "").split(","))
    extruders = max([parts, *(slot.slot for slot in stated.slots)])
    slots = (_with_material(slot, _material_of(slot, stated, materials, extruders)) for slot in stated.slots)
    return replace(stated, slots=tuple(slots))


def _material_of(slot: StatedSlot, stated: Stated, materials: Sequence[Material], extruders: int) -> Material:
    """By its id where the G-code names it; else by its place, unless two extruders share one so that places are unsure."""
    guid = stated.raw.get(f"EXTRUDER_TRAIN.{slot.slot - 1}.MATERIAL.GUID", "").strip().lower()
    if guid:
        return next((one for one in materials if one.guid == guid), Material())
    if len(materials) == 1 or slot.slot == 1:
        return materials[0] if materials else Material()
    return materials[slot.slot - 1] if len(materials) >= extruders >= slot.slot else Material()


def _with_material(slot: StatedSlot, material: Material) -> StatedSlot:
    return replace(
        slot,
        material=slot.material or material.material,
        colour=slot.colour or material.colour,
        vendor=slot.vendor or material.brand,
        preset=slot.preset or material.colour_name,
        density_g_cm3=slot.density_g_cm3 or material.density_g_cm3,
        diameter_mm=slot.diameter_mm or material.diameter_mm,
    )


def _object_names(archive: Archive, deadline: Deadline) -> tuple[str, ...]:
    if _GLOBAL not in archive:
        return ()
    try:
        values = json_object(archive.read(_GLOBAL, deadline.limits.json_bytes), deadline.limits.json_depth)
    except (DamagedEntry, ValueError):
        return ()
    metadata = values.get("metadata")
    objects = metadata.get("objects") if isinstance(metadata, dict) else None
    named = (one.get("name") for one in objects[:200] if isinstance(one, dict)) if isinstance(objects, list) else ()
    return tuple(name for one in named if (name := clean_text(one, 200)))


def _material_json(material: Material) -> dict[str, str | float | None]:
    return {name: getattr(material, name) for name in Material.__slots__}
