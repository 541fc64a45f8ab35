"""Where the values of a plate in a 3MF come from."""

from collections.abc import Iterator
from typing import Any

from printfarm.files.readers.gcode_facts import GcodeFacts
from printfarm.files.readers.package_xml import DefinedPlate, SlicedPlate
from printfarm.files.readers.results import Plate

_FROM_SETTINGS = ("layer_height_mm", "first_layer_height_mm", "bed_c", "nozzle_c")


def sources_of(
    plate: Plate, sliced: SlicedPlate | None, facts: GcodeFacts | None, defined: DefinedPlate | None
) -> dict[str, str]:
    """slice_info before the G-code; what neither states is from the settings. Only of values that are known."""
    found = dict(_of_plate(plate, sliced, facts, defined)) | dict(_of_filaments(plate, sliced, facts))
    found |= dict.fromkeys((name for name in ("model", "preset") if getattr(plate.printer, name)), "config")
    return found


def _of_plate(
    plate: Plate, sliced: SlicedPlate | None, facts: GcodeFacts | None, defined: DefinedPlate | None
) -> Iterator[tuple[str, str]]:
    listed = {
        "time_total_s": _first(sliced, "time_total_s") or _said(facts, "time_total_source"),
        "time_model_s": "gcode header",
        "time_first_layer_s": _first(sliced, "time_first_layer_s") or _said(facts, "time_total_source"),
        "layers": _said(facts, "layers_source"),
        "max_z_mm": _said(facts, "max_z_source"),
        "tool_changes": "gcode totals",
        "nozzle_mm": _first(sliced, "nozzle_mm") or "config",
        "supports": _first(sliced, "support_used") or "config",
        "bed_type": "model_settings" if defined and defined.bed_type == plate.bed_type else "config",
        "objects": _first(sliced, "objects") or "model_settings",
        **dict.fromkeys(_FROM_SETTINGS, "config"),
    }
    for name, where in listed.items():
        if where and getattr(plate, name) not in (None, ()):
            yield name, where


def _of_filaments(plate: Plate, sliced: SlicedPlate | None, facts: GcodeFacts | None) -> Iterator[tuple[str, str]]:
    stated = _first(sliced, "filaments")
    amounts = stated or _said(facts, "used_source")
    derived = "derived" if any(filament.grams_derived for filament in plate.filaments) else None
    listed = {
        "material": stated or "config",
        "colour": stated or "config",
        "vendor": "config",
        "metres": amounts,
        "grams": derived or amounts,
    }
    for name, where in listed.items():
        if where and any(getattr(filament, name) is not None for filament in plate.filaments):
            yield name, where


def _first(sliced: SlicedPlate | None, name: str) -> str | None:
    return "slice_info" if sliced and getattr(sliced, name) not in (None, ()) else None


def _said(facts: GcodeFacts | None, name: str) -> Any:
    return getattr(facts, name) if facts else None
