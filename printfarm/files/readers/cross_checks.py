"""Compares what the parts of a file say about the same plate. A difference becomes a warning, never a refusal."""

from printfarm.files.readers.gcode_facts import GcodeFacts
from printfarm.files.readers.package_xml import SlicedPlate
from printfarm.files.readers.plates import Findings
from printfarm.files.readers.results import Filament, Plate
from printfarm.files.readers.settings import SettingsChain

_TIME_TOLERANCE_S = 1
_GRAMS_TOLERANCE = 0.05


def check_plate(
    found: Findings,
    plate: Plate,
    sliced: SlicedPlate | None,
    facts: GcodeFacts | None,
    settings: SettingsChain,
) -> None:
    """Add a warning for each contradiction of one plate."""
    if sliced is not None:
        _outside(found, sliced)
    if sliced is not None and facts is not None:
        _header_against_slice_info(found, sliced, facts)
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


def _temperature(found: Findings, plate: int, filament: Filament, settings: SettingsChain) -> None:
    low = settings.number_of_slot("nozzle_temperature_range_low", filament.slot, high=600)
    high = settings.number_of_slot("nozzle_temperature_range_high", filament.slot, high=600)
    for wanted in filament.nozzle_c or ():
        if wanted and low and high and not low <= wanted <= high:
            sentence = f"Slot {filament.slot} prints at {wanted:g} °C; its filament is meant for {low:g}-{high:g} °C."
            found.warn("temperature_unusual", sentence, plate)
            return
