"""Reads .gx of Flashforge: a small header, pictures, then G-code as text.

FlashPrint's text states neither time nor amounts, the header does. OrcaSlicer's builds for Flashforge write everything into
the text, and their header is not reliable.
"""

import struct
from collections.abc import Iterator
from dataclasses import replace

from printfarm.files.readers.drawing import pieces_of_file
from printfarm.files.readers.limits import MIB, Deadline
from printfarm.files.readers.pictures import best_first, thumbnail
from printfarm.files.readers.results import Filament, FileReading, Plate, Thumbnail, UnreadableFile
from printfarm.files.readers.source import Source
from printfarm.files.readers.text_gcode import read_text_file
from printfarm.files.readers.toolpath import render_toolpath
from printfarm.files.readers.values import MAX_METRES, MAX_TIME_S

MAGIC = b"xgcode 1.0\n"

_HEADER = struct.Struct("<16s6I9H")  # magic, picture, its end, G-code, seconds, right mm, left mm, then small numbers
_MOST_HEAD_BYTES = 16 * MIB
_MAX_LAYER_UM, _MAX_BED_C, _MAX_NOZZLE_C = 2000, 200, 500
_SOURCE = "gx header"
_FILLED = ("time_total_s", "layer_height_mm", "bed_c", "nozzle_c")


def recognises(source: Source) -> bool:
    return source.head.startswith(MAGIC)


def read(source: Source, deadline: Deadline) -> FileReading:
    """Raises UnreadableFile when the header points outside of the file."""
    if source.size_bytes < _HEADER.size:
        raise UnreadableFile("This .gx file is cut off. Export or copy it again.")
    _, picture_at, picture_end, gcode_at, *numbers = _HEADER.unpack_from(source.head)
    if not _HEADER.size <= gcode_at < min(source.size_bytes, _MOST_HEAD_BYTES):
        raise UnreadableFile("This .gx file is damaged or cut off: it holds no G-code. Export or copy it again.")
    reading = read_text_file(source.path, deadline, offset_bytes=gcode_at)
    plate = reading.plates[0]
    pictures = best_first([*_pictures(source, deadline, picture_at, picture_end, gcode_at), *plate.thumbnails])
    if reading.slicer is None or reading.slicer.name == "FlashPrint":
        plate = _with_header(plate, numbers)
    return replace(
        reading,
        format="gx",
        plates=(replace(plate, thumbnails=pictures),),
        raw={**reading.raw, "gx_header": {"numbers": numbers}},
        draw=lambda _plate: render_toolpath(pieces_of_file(source, gcode_at)),
    )


def _pictures(source: Source, deadline: Deadline, start: int, end: int, gcode_at: int) -> Iterator[Thumbnail]:
    """The small picture, and the larger one that FlashPrint writes after it."""
    with source.path.open("rb") as file:
        head = file.read(gcode_at)
    for content in (head[start:end], head[end:]):
        picture = thumbnail("gcode", content[: deadline.limits.picture_bytes], deadline.limits)
        if picture:
            yield picture


def _with_header(plate: Plate, numbers: list[int]) -> Plate:
    """Fill in what the text does not state."""
    time_s, right_mm, left_mm, _, layer_um, _, _, _, bed_c, right_c, left_c = numbers[:11]
    used = {1: (right_mm, right_c), 2: (left_mm, left_c)}
    filaments = tuple(_filament(plate, slot, mm, c) for slot, (mm, c) in used.items() if 0 < mm <= MAX_METRES * 1000)
    if not filaments or any(f.metres or f.grams for f in plate.filaments):
        filaments = plate.filaments
    filled = replace(
        plate,
        time_total_s=plate.time_total_s or (time_s if 0 < time_s <= MAX_TIME_S else None),
        layer_height_mm=plate.layer_height_mm or (layer_um / 1000 if 0 < layer_um <= _MAX_LAYER_UM else None),
        bed_c=plate.bed_c or ((float(bed_c), None) if 0 < bed_c <= _MAX_BED_C else None),
        nozzle_c=plate.nozzle_c or (filaments[0].nozzle_c if filaments else None),
        filaments=filaments,
    )
    new = {name: _SOURCE for name in _FILLED if getattr(filled, name) != getattr(plate, name)}
    if filaments is not plate.filaments:
        new["metres"] = _SOURCE
    return replace(filled, sources={**plate.sources, **new})


def _filament(plate: Plate, slot: int, length_mm: int, nozzle_c: int) -> Filament:
    known = next((f for f in plate.filaments if f.slot == slot), Filament(slot))
    told = (float(nozzle_c), None) if 0 < nozzle_c <= 500 else None
    return replace(known, metres=length_mm / 1000, nozzle_c=known.nozzle_c or told)
