"""Builds valid sliced `.gcode.3mf` files in the layout of Bambu Studio: for the demo, the simulators and the tests.

Everything in such a file agrees with itself: the moves of the G-code add up to the stated grams, the MD5 is right, the
pictures show the filaments' colours, and two calls with the same arguments write the same bytes.
"""

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from printfarm.files.sample_gcode import SampleFilament, SampleMoves, gcode_text
from printfarm.files.sample_picture import plate_png, top_png
from printfarm.files.sample_xml import (
    CONTENT_TYPES,
    PlateSpec,
    SampleFile,
    gcode_relationships,
    model_settings_xml,
    model_xml,
    relationships,
    slice_info_xml,
)

__all__ = ["PlateSpec", "SampleFilament", "build_sliced_3mf", "project_settings", "sliced_3mf_entries"]

Settings = dict[str, str | list[str]]

PRINTER_NAMES: Mapping[str, str] = {
    "N1": "Bambu Lab A1 mini",
    "N2S": "Bambu Lab A1",
    "C11": "Bambu Lab P1P",
    "C12": "Bambu Lab P1S",
    "N7": "Bambu Lab P2S",
    "C13": "Bambu Lab X1E",
    "BL-P001": "Bambu Lab X1 Carbon",
    "BL-P002": "Bambu Lab X1",
    "O1D": "Bambu Lab H2D",
    "O1S": "Bambu Lab H2S",
}
_BED_KEYS: Mapping[str, str] = {
    "Cool Plate": "cool_plate_temp",
    "Engineering Plate": "eng_plate_temp",
    "High Temp Plate": "hot_plate_temp",
    "Textured PEI Plate": "textured_plate_temp",
    "Supertack Plate": "supertack_plate_temp",
}
_ZIP_TIME = (2026, 1, 1, 0, 0, 0)


def build_sliced_3mf(
    path: Path | str,
    plates: Sequence[PlateSpec] = (PlateSpec(),),
    *,
    printer_model_id: str = "C12",
    bed_type: str = "Textured PEI Plate",
    nozzle_mm: float = 0.4,
    title: str = "",
    designer: str = "",
    extra_settings: Mapping[str, str | list[str]] | None = None,
) -> Path:
    """Write a sliced 3MF to `path` and return it.

    The indexes of `plates` may have gaps, as in a file where only plate 8 is sliced.
    """
    entries = sliced_3mf_entries(
        plates,
        printer_model_id=printer_model_id,
        bed_type=bed_type,
        nozzle_mm=nozzle_mm,
        title=title,
        designer=designer,
        extra_settings=extra_settings,
    )
    target = Path(path)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), content, zipfile.ZIP_DEFLATED)
    return target


def sliced_3mf_entries(
    plates: Sequence[PlateSpec],
    *,
    printer_model_id: str = "C12",
    bed_type: str = "Textured PEI Plate",
    nozzle_mm: float = 0.4,
    title: str = "",
    designer: str = "",
    slicer_version: str = "02.05.00.66",
    extra_settings: Mapping[str, str | list[str]] | None = None,
) -> dict[str, bytes]:
    """The entries of the zip by name, for those who want to change some before writing them."""
    sample = SampleFile(
        plates, printer_model_id, bed_type, nozzle_mm, title, designer, slicer_version, dict(extra_settings or {})
    )
    settings = project_settings(sample.slots, sample.plates[0], printer_model_id, bed_type, nozzle_mm, slicer_version)
    settings |= sample.extra_settings
    entries = {
        "[Content_Types].xml": CONTENT_TYPES.encode(),
        "_rels/.rels": relationships(plates[0].index).encode(),
        "3D/3dmodel.model": model_xml(sample).encode(),
        "Metadata/project_settings.config": json.dumps(settings, indent=4).encode(),
        "Metadata/slice_info.config": slice_info_xml(sample).encode(),
        "Metadata/model_settings.config": model_settings_xml(sample).encode(),
        "Metadata/_rels/model_settings.config.rels": gcode_relationships(plates).encode(),
    }
    for plate in plates:
        entries |= _plate_entries(sample, plate, settings)
    return entries


def project_settings(
    slots: Sequence[SampleFilament],
    plate: PlateSpec,
    printer_model_id: str,
    bed_type: str,
    nozzle_mm: float,
    slicer_version: str,
) -> Settings:
    """The merged presets: every value a string or a list of strings with one entry for each slot."""
    printer = PRINTER_NAMES.get(printer_model_id, printer_model_id)
    settings: Settings = {
        "version": slicer_version,
        "printer_model": printer,
        "printer_settings_id": f"{printer} {nozzle_mm:g} nozzle",
        "print_settings_id": f"{plate.layer_height_mm:.2f}mm Standard",
        "layer_height": f"{plate.layer_height_mm:g}",
        "initial_layer_print_height": f"{plate.first_layer_height_mm:g}",
        "nozzle_diameter": [f"{nozzle_mm:g}"],
        "curr_bed_type": bed_type,
        "enable_support": "1" if plate.support_used else "0",
        "enable_prime_tower": "1" if len(slots) > 1 else "0",
        "brim_type": "auto_brim",
        "wall_loops": "2",
        "sparse_infill_density": "15%",
        "filament_type": [f.material for f in slots],
        "filament_colour": [f.colour for f in slots],
        "filament_vendor": [f.vendor for f in slots],
        "filament_settings_id": [f.preset for f in slots],
        "filament_ids": [f.tray_info_idx for f in slots],
        "filament_density": [f"{f.density_g_cm3:g}" for f in slots],
        "filament_diameter": [f"{f.diameter_mm:g}" for f in slots],
        "filament_cost": [f"{f.cost_per_kg:g}" for f in slots],
        "nozzle_temperature": [str(f.nozzle_c) for f in slots],
        "nozzle_temperature_initial_layer": [str(f.nozzle_c) for f in slots],
        "nozzle_volume": ["0"],
    }
    for key in _BED_KEYS.values():
        settings[key] = settings[f"{key}_initial_layer"] = ["0" for _ in slots]
    bed_key = _BED_KEYS[bed_type]
    settings[bed_key] = settings[f"{bed_key}_initial_layer"] = [str(f.bed_c) for f in slots]
    return settings


def _plate_entries(sample: SampleFile, plate: PlateSpec, settings: Settings) -> dict[str, bytes]:
    moves = SampleMoves(
        filaments=plate.filaments,
        layers=plate.layers,
        layer_height_mm=plate.layer_height_mm,
        first_layer_height_mm=plate.first_layer_height_mm,
        time_total_s=plate.time_total_s,
        time_model_s=plate.time_model_s,
        slicer_version=sample.slicer_version,
        detail=plate.detail,
    )
    own = settings | {
        "layer_height": f"{plate.layer_height_mm:g}",
        "initial_layer_print_height": f"{plate.first_layer_height_mm:g}",
    }
    gcode = gcode_text(moves, own).encode()
    colours = tuple(f.colour for f in plate.filaments)
    name = f"Metadata/plate_{plate.index}"
    return {
        f"{name}.gcode": gcode,
        f"{name}.gcode.md5": hashlib.md5(gcode, usedforsecurity=False).hexdigest().upper().encode(),
        f"{name}.json": _plate_json(sample, plate),
        f"{name}.png": plate_png(colours, 512),
        f"{name}_small.png": plate_png(colours, 128),
        f"Metadata/plate_no_light_{plate.index}.png": plate_png(colours, 512, light=False),
        f"Metadata/top_{plate.index}.png": top_png(colours, 512),
    }


def _plate_json(sample: SampleFile, plate: PlateSpec) -> bytes:
    box = [90.0, 100.0, 120.0, 130.0]
    objects = [
        {"area": 900.0, "bbox": box, "id": 101, "layer_height": plate.layer_height_mm, "name": n} for n in plate.objects
    ]
    described = {
        "bbox_all": box,
        "bbox_objects": objects,
        "bed_type": _BED_KEYS[sample.bed_type].removesuffix("_temp"),
        "filament_colors": [f.colour for f in plate.filaments],
        "filament_ids": [f.slot - 1 for f in plate.filaments],
        "first_layer_time": plate.first_layer_time_s,
        "is_seq_print": False,
        "nozzle_diameter": sample.nozzle_mm,
        "version": 2,
    }
    return json.dumps(described).encode()
