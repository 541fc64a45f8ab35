"""Compares what the parts of a file say about the same plate. A difference becomes a warning, never a refusal."""

from printfarm.files.readers.gcode_facts import GcodeFacts
from printfarm.files.readers.gcode_stream import GcodeText
from printfarm.files.readers.package_xml import SlicedPlate
from printfarm.files.readers.plates import Findings, loads_by_moves
from printfarm.files.readers.results import Filament, Plate
from printfarm.files.readers.settings import SettingsChain

_TIME_TOLERANCE_S = 1
_GRAMS_TOLERANCE = 0.05
_SCAN_TOLERANCE = 0.03
_SHORT_M = 0.12  # the purge line of the start code: some slicers leave it out of their totals


def check_plate(
    found: Findings,
    plate: Plate,
    sliced: SlicedPlate | None,
    facts: GcodeFacts | None,
    text: GcodeText | None,
    settings: SettingsChain,
) -> None:
    """Add a warning for each contradiction of one plate."""
    if sliced is not None:
        _outside(found, sliced)
    if sliced is not None and facts is not None:
        _header_against_slice_info(found, sliced, facts)
    if text is not None and not loads_by_moves(settings, text):
        _moves_against_amounts(found, plate, text)
    for filament in plate.filaments:
        _temperature(found, plate.index, filament, settings)
        if filament.grams_derived:
            sentence = f"The weight of slot {filament.slot} is not stated; it was worked out from length and density."
            found.warn("grams_derived", sentence, plate.index)
        elif not filament.grams and plate.gcode_path is not None:
            said = "not stated" if filament.grams is None else "stated as 0 g"
            sentence = f"The weight of slot {filament.slot} is {said}. Enter it by hand."
            found.warn("grams_unknown", sentence, plate.index)


def _outside(found: Findings, sliced: SlicedPlate) -> None:
    if sliced.outside:
        found.warn("outside_bed", "The slicer says that the print leaves the bed.", sliced.index)


def _header_against_slice_info(found: Findings, sliced: SlicedPlate, facts: GcodeFacts) -> None:
    header_s, stated_s = facts.time_total_s, sliced.time_total_s
    if header_s and stated_s and abs(header_s - stated_s) > _TIME_TOLERANCE_S:
        sentence = f"The G-code says {header_s} s, the file's list of plates {stated_s} s; the list was taken."
        found.warn("time_differs", sentence, sliced.index)
    grams = [u.grams for u in facts.used if u.grams is not None]
    header_g, stated_g = sum(grams), sliced.weight_g
    if grams and stated_g and abs(header_g - stated_g) > _GRAMS_TOLERANCE:
        sentence = f"The G-code says {header_g:.2f} g, the file's list of plates {stated_g:.2f} g; the list was taken."
        found.warn("weight_differs", sentence, sliced.index)


def _moves_against_amounts(found: Findings, plate: Plate, text: GcodeText) -> None:
    stated = [f.metres for f in plate.filaments]
    if not text.complete or not stated or None in stated:
        return
    stated_m = sum(m for m in stated if m is not None)
    moved_m = text.moves.total_mm / 1000
    difference_m = abs(moved_m - stated_m)
    if moved_m and difference_m > max(_SHORT_M, _SCAN_TOLERANCE * stated_m):
        sentence = (
            f"The moves use {moved_m:.2f} m of filament, but {stated_m:.2f} m are stated. "
            "The file was probably edited after slicing: check the grams."
        )
        found.warn("edited_after_slicing", sentence, plate.index)


def _temperature(found: Findings, plate: int, filament: Filament, settings: SettingsChain) -> None:
    low = settings.number_of_slot("nozzle_temperature_range_low", filament.slot, high=600)
    high = settings.number_of_slot("nozzle_temperature_range_high", filament.slot, high=600)
    for wanted in filament.nozzle_c or ():
        if wanted and low and high and not low <= wanted <= high:
            sentence = f"Slot {filament.slot} prints at {wanted:g} °C; its filament is meant for {low:g}-{high:g} °C."
            found.warn("temperature_unusual", sentence, plate)
            return
