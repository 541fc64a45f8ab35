"""Reads plain G-code of the Slic3r family: PrusaSlicer, SuperSlicer, Slic3r, Bambu Studio, OrcaSlicer and its forks."""

import re
from dataclasses import replace

from printfarm.files.readers.cross_checks import check_plate
from printfarm.files.readers.gcode_facts import FAMILY, GcodeFacts, find_slicer, read_facts
from printfarm.files.readers.gcode_stream import GcodeText
from printfarm.files.readers.limits import Deadline
from printfarm.files.readers.pictures import text_thumbnails
from printfarm.files.readers.plates import (
    Findings,
    combine_filaments,
    raw_gcode,
    scan_plan,
)
from printfarm.files.readers.results import FileReading, Plate, PrinterModel, Thumbnail
from printfarm.files.readers.settings import Settings, SettingsChain
from printfarm.files.readers.values import number, storable

_SIGNED = re.compile(r"\n;[ \t]*(?:HEADER_BLOCK_START|CONFIG_BLOCK_START|EXECUTABLE_BLOCK_START)\b")
_MARKS = re.compile(r"\n;[ \t]*(?:estimated printing time|total filament used|filament used \[|\w+_config = begin)")
_FIRST_LAYER = re.compile(rb"\n;LAYER_CHANGE[ \t]*\n;Z:[^\n]{1,20}\n;HEIGHT:(\d{1,2}\.?\d{0,6})[ \t]*\n")
_FROM_SETTINGS = (
    "layer_height_mm",
    "first_layer_height_mm",
    "nozzle_mm",
    "bed_type",
    "bed_c",
    "nozzle_c",
    "supports",
)
_SETTINGS = ("layer_height", "first_layer_height", "nozzle_diameter", "perimeters", "fill_density", "wall_loops")


def says_family(head: str) -> bool:
    """Whether the text calls itself one of this family, or has its blocks."""
    slicer = find_slicer(head)
    return (slicer is not None and slicer.name.lower() in FAMILY) or _SIGNED.search(head) is not None


def looks_like_family(head: str, text: GcodeText) -> bool:
    """Whether a text of another name, or of none, is written like this family's: most slicers are forks of it."""
    return _MARKS.search(head) is not None or sum(key in text.settings for key in _SETTINGS) > 2 or _totals(text)


def _totals(text: GcodeText) -> bool:
    return any(key.startswith(("filament used [", "estimated printing time")) for key in text.loose)


def reading_of_family(text: GcodeText, deadline: Deadline, found: Findings, *, offset_bytes: int = 0) -> FileReading:
    """One text is one plate with index 1."""
    facts = read_facts(text)
    plate = plate_of(text, facts, text_thumbnails(text.head, deadline.limits))
    settings = SettingsChain(Settings(text.settings))
    check_plate(found, plate, None, facts, settings)
    plan = scan_plan(1, plate.filaments, settings, text, offset_bytes=offset_bytes)
    return FileReading(
        format="gcode",
        sliced=True,
        slicer=facts.slicer,
        plates=(replace(plate, scan_plan=plan),),
        warnings=tuple(found.warnings),
        raw=storable({"gcode": {"1": raw_gcode(text, facts)}}),
    )


def plate_of(text: GcodeText, facts: GcodeFacts, thumbnails: tuple[Thumbnail, ...]) -> Plate:
    """The only plate of a G-code, from its text."""
    settings = SettingsChain(Settings(text.settings))
    bed_type = settings.text("curr_bed_type")
    filaments = combine_filaments((), facts, settings, bed_type, text.body.tools_seen)
    slot = filaments[0].slot if filaments else 1
    plate = Plate(
        index=1,
        time_total_s=facts.time_total_s,
        time_model_s=facts.time_model_s,
        time_first_layer_s=facts.time_first_layer_s,
        layers=facts.layers,
        max_z_mm=facts.max_z_mm,
        layer_height_mm=settings.layer_height_mm(),
        first_layer_height_mm=settings.first_layer_height_mm(),
        nozzle_mm=settings.nozzle_mm(),
        bed_type=bed_type,
        bed_c=settings.bed_c(slot, bed_type),
        nozzle_c=settings.nozzle_c(slot),
        printer=PrinterModel(model=settings.text("printer_model"), preset=settings.text("printer_settings_id")),
        supports=settings.flag("enable_support", "support_material"),
        tool_changes=facts.tool_changes,
        filaments=filaments,
        thumbnails=thumbnails,
        printable=True,
        gcode_bytes=text.size_bytes,
    )
    plate = replace(plate, first_layer_height_mm=_first_layer_mm(settings, text, facts))
    return replace(plate, sources=_sources(plate, facts))


def _first_layer_mm(settings: SettingsChain, text: GcodeText, facts: GcodeFacts) -> float | None:
    """A share of what, differs: PrusaSlicer means the layer height, SuperSlicer the nozzle. The first layer itself knows."""
    if not (settings.text("first_layer_height") or "").endswith("%"):
        return settings.first_layer_height_mm()
    if found := _FIRST_LAYER.search(text.head.replace(b"\r", b"")):
        return number(found[1].decode(), high=20) or None
    share = number((settings.text("first_layer_height") or "")[:-1], high=1000)
    nozzle_mm = settings.nozzle_mm()
    if share and nozzle_mm and facts.slicer is not None and facts.slicer.name == "SuperSlicer":
        return round(min(nozzle_mm) * share / 100, 4)
    return settings.first_layer_height_mm()


def _sources(plate: Plate, facts: GcodeFacts) -> dict[str, str]:
    """Where each value comes from; what is not listed stands in the settings."""
    listed = {
        "time_total_s": facts.time_total_source,
        "time_model_s": "gcode header",
        "time_first_layer_s": facts.time_total_source,
        "layers": facts.layers_source,
        "max_z_mm": facts.max_z_source,
        "tool_changes": "gcode totals",
    }
    sources = {name: source for name, source in listed.items() if source and getattr(plate, name) is not None}
    sources |= dict.fromkeys((name for name in _FROM_SETTINGS if getattr(plate, name) is not None), "config")
    sources |= dict.fromkeys((name for name in ("model", "preset") if getattr(plate.printer, name)), "config")
    if facts.used_source and any(f.metres for f in plate.filaments):
        sources["metres"] = facts.used_source
    if facts.used_source and any(f.grams for f in plate.filaments):
        sources["grams"] = "derived" if any(f.grams_derived for f in plate.filaments) else facts.used_source
    return sources
