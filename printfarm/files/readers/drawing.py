"""A picture for plates of files that hold none: the toolpath from above, or at least a card that says what it is."""

import io
from collections.abc import Callable, Iterator
from itertools import islice

from printfarm.files.readers.archive import Archive, DamagedEntry
from printfarm.files.readers.limits import MIB, Deadline, Limits
from printfarm.files.readers.results import FileReading, Thumbnail, UnreadableFile
from printfarm.files.readers.source import Source
from printfarm.files.readers.toolpath import PAPER, SIDE_PX, render_toolpath

_INK, _EDGE, _SHEET = (0x0B, 0x5C, 0x6B), (0x8D, 0x81, 0x71), (0xFF, 0xFD, 0xF8)
_MOST_PIECES = 64
_PIECE_BYTES = 256 * 1024


def draw_plate(reading: FileReading, plate: int) -> Thumbnail:
    """The picture of one plate; always something."""
    try:
        drawn = reading.draw(plate) if reading.draw else None
    except (UnreadableFile, DamagedEntry, MemoryError, OSError):
        drawn = None
    return drawn or card(reading.format)


def draws_gcode(source: Source, reading: FileReading) -> Callable[[int], Thumbnail | None]:
    """Draws a plate from its G-code: the file itself, or the entry that the plate names."""
    paths = {plate.index: plate.gcode_path for plate in reading.plates}

    def draw(plate: int) -> Thumbnail | None:
        if source.archive is None:
            return render_toolpath(pieces_of_file(source, 0))
        path = paths.get(plate)
        return render_toolpath(pieces_of_entry(source, path)) if path else None

    return draw


def pieces_of_file(source: Source, start: int) -> Iterator[bytes]:
    with source.path.open("rb") as file:
        file.seek(start)
        yield from islice(iter(lambda: file.read(_PIECE_BYTES), b""), _MOST_PIECES)


def pieces_of_entry(source: Source, name: str) -> Iterator[bytes]:
    """The archive of the reading is closed by now."""
    deadline = Deadline(Limits())
    with Archive(source.path, deadline) as archive:
        normal = name.replace("\\", "/").lstrip("/").lower()
        yield from islice(archive.stream(normal, deadline.limits.gcode_bytes), _MOST_PIECES * _PIECE_BYTES // MIB)


def card(label: str) -> Thumbnail:
    """A sheet of paper with the kind of the file on it."""
    from PIL import Image, ImageDraw, ImageFont

    side = SIDE_PX
    image = Image.new("RGB", (side, side), PAPER)
    draw = ImageDraw.Draw(image)
    left, top, right, bottom, fold = side * 0.26, side * 0.16, side * 0.74, side * 0.84, side * 0.12
    outline = [(left, top), (right - fold, top), (right, top + fold), (right, bottom), (left, bottom)]
    draw.polygon(outline, fill=_SHEET, outline=_EDGE, width=4)
    draw.line([(right - fold, top), (right - fold, top + fold), (right, top + fold)], fill=_EDGE, width=4)
    for layer in range(6):
        y = side * (0.62 - 0.045 * layer)
        inset = side * (0.08 + 0.012 * abs(layer - 2))
        draw.line([(left + inset, y), (right - inset, y)], fill=_INK, width=9)
    text = label.upper()[:12]
    font = ImageFont.load_default(size=max(20, min(52, 270 // max(1, len(text)))))
    draw.text((side / 2, side * 0.735), text, fill=_INK, font=font, anchor="mm")
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return Thumbnail(kind="drawn", width=side, height=side, format="png", content=out.getvalue())
