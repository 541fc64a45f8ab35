"""Reads plain G-code of the Slic3r family: PrusaSlicer, SuperSlicer, Slic3r, Bambu Studio, OrcaSlicer and its forks."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from printfarm.files.readers.cross_checks import check_plate
from printfarm.files.readers.gcode_facts import GcodeFacts, read_facts
from printfarm.files.readers.gcode_stream import GcodeReader, GcodeText
from printfarm.files.readers.limits import MIB, Deadline
from printfarm.files.readers.pictures import text_thumbnails
from printfarm.files.readers.plates import (
    Findings,
    combine_filaments,
    loads_by_moves,
    raw_gcode,
    slot_change,
    split_by_slot,
    use_by_layer,
    without_loading,
)
from printfarm.files.readers.results import Filament, FileReading, Plate, PrinterModel, Split, Thumbnail
from printfarm.files.readers.settings import Settings, SettingsChain
from printfarm.files.readers.values import storable


def read_plain_gcode(path: Path, deadline: Deadline) -> FileReading:
    """One file is one plate with index 1."""
    found = Findings()
    reader = GcodeReader(deadline)
    text = reader.read(_chunks(path, deadline), _prepare)
    if not text.complete:
        found.warn("gcode_too_long", "This G-code is too long to count its moves in time; its ends were read.", 1)
        reader.read_end(_tail(path, deadline))
    if text.long_lines:
        found.warn("long_lines", f"{text.long_lines} lines are too long for G-code and were skipped.", 1)
    facts = read_facts(text)
    plate = plate_of(text, facts, text_thumbnails(text.head, deadline.limits))
    check_plate(found, plate, None, facts, text, SettingsChain(Settings(text.settings)))
    return FileReading(
        format="gcode",
        sliced=True,
        slicer=facts.slicer,
        plates=(plate,),
        warnings=tuple(found.warnings),
        raw=storable({"gcode": {"1": raw_gcode(text, facts)}}),
    )


def plate_of(text: GcodeText, facts: GcodeFacts, thumbnails: tuple[Thumbnail, ...]) -> Plate:
    """The only plate of a G-code, from its text."""
    settings = SettingsChain(Settings(text.settings))
    bed_type = settings.text("curr_bed_type")
    filaments = combine_filaments((), facts, settings, bed_type, text.moves.tools_seen)
    splits = _splits(text, filaments, settings)
    filaments = tuple(replace(f, split=splits.get(f.slot)) for f in filaments)
    slot = filaments[0].slot if filaments else 1
    sources = {"time_total_s": facts.time_total_source, "grams": facts.used_source}
    return Plate(
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
        split=sum(splits.values(), Split()) if splits else None,
        use_by_layer=use_by_layer(text.moves) if text.complete else (),
        printable=True,
        gcode_bytes=text.size_bytes,
        sources={key: source for key, source in sources.items() if source},
    )


def _splits(text: GcodeText, filaments: Sequence[Filament], settings: SettingsChain) -> dict[int, Split]:
    """The split by slot; empty when it is unknown."""
    splits = (split_by_slot(text.moves, filaments, settings) or {}) if text.complete else {}
    if not loads_by_moves(settings, text):
        return splits
    grams = {f.slot: f.grams for f in filaments}
    return {slot: without_loading(split, grams.get(slot)) for slot, split in splits.items()}


def _prepare(text: GcodeText) -> None:
    """Settings at the head (Bambu printers) tell the count of the moves its slots before it begins."""
    text.moves.change = slot_change(SettingsChain(Settings(text.config)))


def _chunks(path: Path, deadline: Deadline) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(MIB):
            deadline.count(len(chunk))
            yield chunk


def _tail(path: Path, deadline: Deadline) -> bytes:
    """The last bytes of a file that was too long to read, where this family writes its totals."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - deadline.limits.line_bytes))
        return file.read()
