"""Puts one plate together from everything that speaks of it, the more trustworthy source first."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from printfarm.files.readers.gcode_facts import GcodeFacts, Used
from printfarm.files.readers.gcode_stream import GcodeText
from printfarm.files.readers.moves import MODEL, PURGE, START, SUPPORT, TOWER, MoveCounter, SlotChange
from printfarm.files.readers.results import Filament, LayerUse, ReadingWarning, Split
from printfarm.files.readers.settings import SettingsChain
from printfarm.files.readers.values import MAX_METRES

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


def slot_change(settings: SettingsChain, extruder_of_slot: Sequence[int] = ()) -> SlotChange:
    """What the count of the moves needs to know. Extruders count from 0."""
    return SlotChange(
        slot_count=settings.slot_count or None,
        nozzle_volume_mm3=[v or 0.0 for v in settings.numbers("nozzle_volume", high=10_000)],
        extruder_of_slot=list(extruder_of_slot),
        diameter_mm=[d or 1.75 for d in settings.numbers("filament_diameter", high=10)],
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


def split_by_slot(
    moves: MoveCounter, filaments: Sequence[Filament], settings: SettingsChain
) -> dict[int, Split] | None:
    """Grams of each class for each slot that extrudes; None when nothing moved or a weight per metre is unknown."""
    by_slot: dict[int, dict[str, float]] = {}
    weights = {f.slot: w for f in filaments if (w := _weight_of(f)) is not None}
    for (tool, kind), length_mm in moves.mm.items():
        if not length_mm:
            continue
        weight = weights.get(tool + 1) or _weight_from_settings(settings, tool + 1)
        if weight is None or not length_mm <= MAX_METRES * 1000:  # also when it is not a number
            return None
        grams = by_slot.setdefault(tool + 1, {})
        grams[kind] = grams.get(kind, 0.0) + length_mm / 1000 * weight
    splits = {slot: _split(grams) for slot, grams in sorted(by_slot.items())}
    return splits or None


def use_by_layer(moves: MoveCounter) -> tuple[LayerUse, ...]:
    """How the use of each slot grows from layer to layer, ending with all of it."""
    totals = {tool: mm for tool, mm in moves.mm_by_tool().items() if 0 < mm <= MAX_METRES * 1000}
    if not totals or not moves.layers:
        return ()
    notes = [*moves.after_layer, (moves.layers, totals)]
    return tuple(
        LayerUse(layers, {tool + 1: round(mm.get(tool, 0.0) / total, 6) for tool, total in totals.items()})
        for layers, mm in notes
    )


def loads_by_moves(settings: SettingsChain, text: GcodeText) -> bool:
    """Whether the code itself pushes filament in and out, as PrusaSlicer's does for a multi-material unit.

    Those lengths are not used up and not in the stated amounts, but they look like extrusion.
    """
    return b"; HEADER_BLOCK_START" not in text.head and settings.flag("single_extruder_multi_material") is True


def without_loading(split: Split, grams: float | None) -> Split:
    """Take what the moves have more than the stated grams off the tower, then off the start code: that was loading."""
    excess_g = max(0.0, split.total_g - grams) if grams else 0.0
    from_tower_g = min(excess_g, split.tower_g)
    from_start_g = min(excess_g - from_tower_g, split.start_g)
    return replace(split, tower_g=split.tower_g - from_tower_g, start_g=split.start_g - from_start_g)


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


def _split(grams: Mapping[str, float]) -> Split:
    return Split(
        model_g=grams.get(MODEL, 0.0),
        start_g=grams.get(START, 0.0),
        support_g=grams.get(SUPPORT, 0.0),
        purge_g=grams.get(PURGE, 0.0),
        tower_g=grams.get(TOWER, 0.0),
    )


def raw_gcode(text: GcodeText, facts: GcodeFacts) -> dict[str, Any]:
    """The metadata of a G-code as it stands there."""
    return {"header": dict(facts.header), "config": dict(text.config), "comments": dict(text.loose)}
