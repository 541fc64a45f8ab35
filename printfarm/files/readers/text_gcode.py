"""The one way in for G-code as text: finds out which slicer wrote it, and makes a reading of what its reader states."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from printfarm.files.readers import (
    cura,
    flashprint,
    icesl,
    ideamaker,
    kirimoto,
    kisslicer,
    luban,
    plain_gcode,
    simplify3d,
    unknown_gcode,
)
from printfarm.files.readers.comments import Comments
from printfarm.files.readers.gcode_facts import find_slicer, minutes_left_s
from printfarm.files.readers.gcode_stream import GcodeReader, GcodeText
from printfarm.files.readers.limits import MIB, Deadline
from printfarm.files.readers.pictures import text_thumbnails
from printfarm.files.readers.plates import Findings, grams_per_metre, scan_plan
from printfarm.files.readers.results import Filament, FileReading, Plate
from printfarm.files.readers.scan_plan import ScanPlan
from printfarm.files.readers.settings import Settings, SettingsChain
from printfarm.files.readers.stated import COMMENTS, HEADER, Stated, StatedSlot
from printfarm.files.readers.values import storable

_SIGNATURE_CHARACTERS = 1 << 20
_WEIGHT_TOLERANCE = 0.05
_WEIGHT_TOLERANCE_G = 0.05


class TextFormat(Protocol):
    """How one slicer writes its G-code. Each module in `FORMATS` is one."""

    def recognises(self, head: str) -> bool:
        """Whether the slicer's signature stands anywhere in the beginning of the text."""

    def read(self, comments: Comments) -> Stated:
        """What the text states; raises only UnreadableFile."""


# The most specific first. Cura is the last: others use its engine, or write lines that look like its own.
FORMATS: Sequence[TextFormat] = (simplify3d, ideamaker, kisslicer, kirimoto, flashprint, luban, icesl, cura)

# Post-processors may append more than the tail that is read; then the totals of these are looked for before it.
_TOTALS_AT_END: Sequence[TextFormat] = (simplify3d, ideamaker, kisslicer, kirimoto)
_TOTALS = re.compile(
    rb"[\r\n];[ \t]*(?:Build Summary|Print Time:|[\w -]{0,30}Build Time:|--- print time)", re.IGNORECASE
)
_LONG_TAIL_BYTES = 16 * MIB
_SETTINGS = frozenset({"layer_height", "nozzle_diameter", "filament_diameter"})  # of the family, in every version


def read_text_gcode(
    stream: Iterable[bytes],
    deadline: Deadline,
    found: Findings | None = None,
    complete: Callable[[Stated], Stated] | None = None,
) -> FileReading:
    """Read G-code that comes piece by piece, as out of a container. Warnings of the container may stand in `found`.

    `complete` adds what the container knows of the filaments to what the text states.
    """
    text = GcodeReader(deadline).read(stream)
    return reading_of(text, deadline, Findings() if found is None else found, complete=complete)


def read_text_file(path: Path, deadline: Deadline, *, offset_bytes: int = 0) -> FileReading:
    """Read a file at both of its ends, and all of it only when they do not say enough."""
    found = Findings()
    with path.open("rb") as file:
        file.seek(offset_bytes)
        reader = GcodeReader(deadline)
        text = reader.read_ends(file)
        written_by = find_format(text)
        if written_by is None and not _SETTINGS & text.settings.keys() and text.size_bytes > len(text.head):
            file.seek(offset_bytes)
            text = reader.read_whole(iter(lambda: file.read(MIB), b""))
        elif written_by in _TOTALS_AT_END and not _TOTALS.search(text.tail):
            file.seek(offset_bytes + max(0, text.size_bytes - _LONG_TAIL_BYTES))
            text.tail = file.read(_LONG_TAIL_BYTES)
    if not text.complete:
        found.warn("gcode_too_long", "This G-code is too long to count its layers in time; its ends were read.", 1)
    return reading_of(text, deadline, found, offset_bytes=offset_bytes)


def find_format(text: GcodeText) -> TextFormat | None:
    """The slicer's reader; None stands for the family of Slic3r, PrusaSlicer, Bambu Studio and OrcaSlicer."""
    head = Comments.of_ends(text.head[:_SIGNATURE_CHARACTERS], b"", text.size_bytes).text
    if plain_gcode.says_family(head):
        return None
    named = next((each for each in FORMATS if each.recognises(head)), None)
    is_fork = (named is None or named is cura) and plain_gcode.looks_like_family(head, text)
    if is_fork and (named is None or find_slicer(head) is not None):
        return None
    return named or unknown_gcode


def reading_of(
    text: GcodeText,
    deadline: Deadline,
    found: Findings,
    *,
    offset_bytes: int = 0,
    complete: Callable[[Stated], Stated] | None = None,
) -> FileReading:
    """The reading of a text whose ends are known."""
    if text.long_lines:
        found.warn("long_lines", f"{text.long_lines} lines are too long for G-code and were skipped.", 1)
    written_by = find_format(text)
    if written_by is None:
        return plain_gcode.reading_of_family(text, deadline, found, offset_bytes=offset_bytes)
    stated = written_by.read(Comments.of_ends(text.head, text.tail, text.size_bytes))
    if stated.layers is None and text.body.layers:
        stated = replace(stated, layers=text.body.layers, sources={**stated.sources, "layers": COMMENTS})
    if stated.time_total_s is None and (left_s := minutes_left_s(text.head)):
        stated = replace(stated, time_total_s=left_s, sources={**stated.sources, "time_total_s": "m73"})
    if complete is not None:
        stated = complete(stated)
    filaments = _filaments(stated, text)
    for code, sentence in (*stated.doubts, *_weight_doubts(stated)):
        found.warn(code, sentence, 1)
    _say_what_is_missing(found, filaments)
    return FileReading(
        format="gcode",
        sliced=True,
        slicer=stated.slicer,
        plates=(_plate(stated, filaments, text, deadline, offset_bytes),),
        warnings=tuple(found.warnings),
        raw=storable({"gcode": {"1": {"header": dict(stated.raw), "config": dict(stated.settings), "comments": {}}}}),
    )


def _plate(
    stated: Stated, filaments: tuple[Filament, ...], text: GcodeText, deadline: Deadline, offset_bytes: int
) -> Plate:
    plate = Plate(
        index=1,
        time_total_s=stated.time_total_s,
        layers=stated.layers,
        max_z_mm=stated.max_z_mm,
        layer_height_mm=stated.layer_height_mm,
        first_layer_height_mm=stated.first_layer_height_mm,
        nozzle_mm=stated.nozzle_mm,
        nozzle_c=stated.nozzle_c,
        bed_c=stated.bed_c,
        printer=stated.printer,
        supports=stated.supports,
        filaments=filaments,
        thumbnails=text_thumbnails(text.head, deadline.limits),
        printable=True,
        gcode_bytes=text.size_bytes,
        scan_plan=_scan_plan(stated, filaments, text, offset_bytes),
    )
    return replace(plate, sources=_sources(stated, plate))


def _scan_plan(stated: Stated, filaments: Sequence[Filament], text: GcodeText, offset_bytes: int) -> ScanPlan | None:
    """How to count the moves, where it is known what they print."""
    if not (stated.names_features and stated.slots):
        return None
    plan = scan_plan(1, filaments, SettingsChain(Settings({})), text, offset_bytes=offset_bytes)
    return replace(plan, leaves_out_start=True)


def _sources(stated: Stated, plate: Plate) -> dict[str, str]:
    """Where each value that there is comes from; a value that is not listed stands in the header."""
    there = [name for name in _SOURCED if getattr(plate, name) is not None]
    there += [name for name in ("model", "preset") if getattr(plate.printer, name)]
    sources = {name: stated.sources.get(name, HEADER) for name in there}
    if any(f.metres for f in plate.filaments):
        sources["metres"] = stated.sources.get("metres", HEADER)
    if any(f.grams for f in plate.filaments):
        derived = any(f.grams_derived for f in plate.filaments)
        sources["grams"] = "derived" if derived else stated.sources.get("grams", HEADER)
    return sources


_SOURCED = (
    "time_total_s",
    "layers",
    "max_z_mm",
    "layer_height_mm",
    "first_layer_height_mm",
    "nozzle_mm",
    "nozzle_c",
    "bed_c",
    "supports",
)


def _filaments(stated: Stated, text: GcodeText) -> tuple[Filament, ...]:
    """The slots that are stated; without any, those that the code chooses, so that a person can enter their weight."""
    slots = stated.slots or tuple(StatedSlot(tool + 1) for tool in sorted(text.body.tools_seen or [0]))
    return tuple(_filament(slot, stated) for slot in slots)


def _filament(slot: StatedSlot, stated: Stated) -> Filament:
    grams, derived = _grams(slot)
    return Filament(
        slot=slot.slot,
        material=slot.material,
        colour=slot.colour,
        vendor=slot.vendor,
        preset=slot.preset,
        metres=round(slot.metres, 6) if slot.metres else None,
        grams=grams,
        grams_derived=derived,
        nozzle_c=slot.nozzle_c or stated.nozzle_c,
        bed_c=stated.bed_c,
        density_g_cm3=slot.density_g_cm3,
        diameter_mm=slot.diameter_mm,
        cost_per_kg=slot.cost_per_kg,
    )


def _grams(slot: StatedSlot) -> tuple[float | None, bool]:
    """(grams, derived?). They are worked out only where the file itself says how heavy and how thick the filament is."""
    if slot.grams:
        return slot.grams, False
    if slot.volume_mm3 and slot.density_g_cm3:
        return round(slot.volume_mm3 / 1000 * slot.density_g_cm3, 4), True
    if slot.metres and slot.density_g_cm3 and slot.diameter_mm:
        return round(slot.metres * grams_per_metre(slot.density_g_cm3, slot.diameter_mm), 4), True
    return None, False


def _weight_doubts(stated: Stated) -> list[tuple[str, str]]:
    """Lengths and weights that cannot both be right."""
    doubts = []
    for slot in stated.slots:
        if not (slot.grams and slot.metres and slot.density_g_cm3 and slot.diameter_mm):
            continue
        expected_g = slot.metres * grams_per_metre(slot.density_g_cm3, slot.diameter_mm)
        if abs(expected_g - slot.grams) > max(_WEIGHT_TOLERANCE_G, _WEIGHT_TOLERANCE * slot.grams):
            sentence = (
                f"{slot.metres:.2f} m of slot {slot.slot} weigh {expected_g:.2f} g, but {slot.grams:.2f} g are stated."
            )
            doubts.append(("weight_differs", sentence))
    return doubts


def _say_what_is_missing(found: Findings, filaments: Sequence[Filament]) -> None:
    for filament in filaments:
        if filament.grams_derived:
            sentence = f"The weight of slot {filament.slot} is not stated; it was worked out from length and density."
            found.warn("grams_derived", sentence, 1)
        elif not filament.grams:
            found.warn("grams_unknown", f"The weight of slot {filament.slot} is not stated. Enter it by hand.", 1)
