"""Puts one plate together from everything that speaks of it, the more trustworthy source first."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from printfarm.files.readers.gcode_facts import GcodeFacts, Used
from printfarm.files.readers.gcode_stream import GcodeText
from printfarm.files.readers.results import Filament, ReadingWarning
from printfarm.files.readers.scan_plan import MAX_TOOLS, ScanPlan, SlotChange
from printfarm.files.readers.settings import SettingsChain

_ROUNDING_M = 0.0051
_MAX_COST = 100_000.0


@dataclass(frozen=True, slots=True)
class StatedFilament:
    """One slot as slice_info states it."""

    slot: int
    material: str | None = None
    colour: str | None = None
    tray_info_idx: str | None = None
    metres: float | None = None
    grams: float | None = None


@dataclass(slots=True)
class Findings:
    """The warnings of one reading, in the order in which they were found."""

    warnings: list[ReadingWarning] = field(default_factory=list)

    def warn(self, code: str, sentence: str, plate: int | None = None) -> None:
        if len(self.warnings) < 100:
            self.warnings.append(ReadingWarning(code, sentence, plate))


def scan_plan(  # noqa: PLR0913 - each of them says where the moves are, or what they mean
    plate: int,
    filaments: Sequence[Filament],
    settings: SettingsChain,
    text: GcodeText,
    *,
    entry: str | None = None,
    offset_bytes: int = 0,
    first_tool: int = 0,
    extruder_of_slot: Sequence[int] = (),
    stated_md5: str | None = None,
) -> ScanPlan:
    """What the count of the moves needs to know of one plate. Extruders and tools count from 0."""
    slots = range(1, min(settings.slot_count or MAX_TOOLS, MAX_TOOLS) + 1)
    weights = {slot: _weight_from_settings(settings, slot) for slot in slots} | {
        filament.slot: _weight_of(filament) for filament in filaments
    }
    return ScanPlan(
        plate=plate,
        entry=entry,
        offset_bytes=offset_bytes,
        size_bytes=text.size_bytes,
        first_tool=first_tool,
        change=SlotChange(
            slot_count=settings.slot_count or None,
            nozzle_volume_mm3=[v or 0.0 for v in settings.numbers("nozzle_volume", high=10_000)],
            extruder_of_slot=list(extruder_of_slot),
            diameter_mm=[d or 1.75 for d in settings.numbers("filament_diameter", high=10)],
        ),
        grams={f.slot: f.grams for f in filaments},
        metres={f.slot: f.metres for f in filaments},
        g_per_m={slot: weight for slot, weight in weights.items() if weight is not None},
        loads=loads_by_moves(settings, text),
        stated_md5=stated_md5,
    )


def combine_filaments(
    stated: Sequence[StatedFilament],
    facts: GcodeFacts | None,
    settings: SettingsChain,
    bed_type: str | None,
    tools_seen: Sequence[int] = (),
) -> tuple[Filament, ...]:
    """All used slots: slice_info's list, else the G-code's totals, else the tools that the G-code chooses (no amounts)."""
    used: Mapping[int, Used] = {u.slot: u for u in facts.used} if facts else {}
    by_slot = {s.slot: s for s in stated}
    slots = list(by_slot) or sorted(used) or [tool + 1 for tool in sorted(tools_seen)]
    return tuple(_filament(by_slot.get(slot), used.get(slot), slot, settings, bed_type) for slot in slots)


def _filament(
    stated: StatedFilament | None, used: Used | None, slot: int, settings: SettingsChain, bed_type: str | None
) -> Filament:
    density = settings.number_of_slot("filament_density", slot, high=30) or None
    diameter_mm = settings.number_of_slot("filament_diameter", slot, high=10) or None
    metres = _metres(stated, used)
    grams, derived = _grams(stated, used, metres, density, diameter_mm)
    return Filament(
        slot=slot,
        material=(stated.material if stated else None) or settings.of_slot("filament_type", slot),
        colour=(stated.colour if stated else None) or settings.colour_of_slot(slot),
        vendor=settings.of_slot("filament_vendor", slot),
        preset=settings.of_slot("filament_settings_id", slot),
        tray_info_idx=(stated.tray_info_idx if stated else None) or settings.of_slot("filament_ids", slot),
        metres=metres,
        grams=grams,
        grams_derived=derived,
        nozzle_c=settings.nozzle_c(slot),
        bed_c=settings.bed_c(slot, bed_type),
        density_g_cm3=density,
        diameter_mm=diameter_mm,
        cost_per_kg=settings.number_of_slot("filament_cost", slot, high=_MAX_COST) or None,
    )


def _metres(stated: StatedFilament | None, used: Used | None) -> float | None:
    """slice_info rounds to a centimetre; the header does not, and is taken when both mean the same."""
    rounded = stated.metres if stated else None
    exact = used.metres if used else None
    if rounded is None or (rounded == 0 and exact):
        return exact
    return exact if exact is not None and abs(exact - rounded) <= _ROUNDING_M else rounded


def _grams(
    stated: StatedFilament | None,
    used: Used | None,
    metres: float | None,
    density: float | None,
    diameter_mm: float | None,
) -> tuple[float | None, bool]:
    """(grams, derived?). Zero grams of some length means that the slicer had no density: unknown."""
    weights = (stated.grams if stated else None, used.grams if used else None)
    if found := next((g for g in weights if g), None):
        return found, False
    if metres and density and diameter_mm:
        return round(metres * grams_per_metre(density, diameter_mm), 3), True
    return (0.0, False) if 0 in weights and not metres else (None, False)


def grams_per_metre(density_g_cm3: float, diameter_mm: float) -> float:
    return math.pi / 4 * diameter_mm**2 * density_g_cm3


def loads_by_moves(settings: SettingsChain, text: GcodeText) -> bool:
    """Whether the code itself pushes filament in and out, as PrusaSlicer's does for a multi-material unit.

    Those lengths are not used up and not in the stated amounts, but they look like extrusion.
    """
    return b"; HEADER_BLOCK_START" not in text.head and settings.flag("single_extruder_multi_material") is True


def _weight_of(filament: Filament) -> float | None:
    if filament.density_g_cm3 and filament.diameter_mm:
        return grams_per_metre(filament.density_g_cm3, filament.diameter_mm)
    if filament.grams and filament.metres:
        return filament.grams / filament.metres
    return None


def _weight_from_settings(settings: SettingsChain, slot: int) -> float | None:
    density = settings.number_of_slot("filament_density", slot, high=30)
    diameter_mm = settings.number_of_slot("filament_diameter", slot, high=10)
    return grams_per_metre(density, diameter_mm) if density and diameter_mm else None


def raw_gcode(text: GcodeText, facts: GcodeFacts) -> dict[str, Any]:
    """The metadata of a G-code as it stands there."""
    return {"header": dict(facts.header), "config": dict(text.config), "comments": dict(text.loose)}
