"""All kinds of files that can be read, in the order in which they are asked whether a file is theirs."""

from dataclasses import replace
from pathlib import Path

from printfarm.files.readers import (
    bambu_3mf,
    binary_gcode,
    cura_3mf,
    gx,
    mesh_3mf,
    obj,
    prusa_3mf,
    stl,
    text_gcode,
    ufp,
)
from printfarm.files.readers.archive import Archive
from printfarm.files.readers.drawing import draws_gcode
from printfarm.files.readers.limits import MIB, Deadline
from printfarm.files.readers.recognise import check_gcode, is_zip, refuse_zip
from printfarm.files.readers.results import FileReading, UnreadableFile
from printfarm.files.readers.source import Reader, Source

_HEAD_BYTES = MIB


class _TextGcode:
    """Everything else is G-code, or nothing of ours."""

    def recognises(self, source: Source) -> bool:
        return source.archive is None

    def read(self, source: Source, deadline: Deadline) -> FileReading:
        check_gcode(source.head)
        return text_gcode.read_text_file(source.path, deadline)


READERS: tuple[Reader, ...] = (bambu_3mf, prusa_3mf, ufp, cura_3mf, mesh_3mf, binary_gcode, gx, stl, obj, _TextGcode())


def read_any(path: Path, deadline: Deadline) -> FileReading:
    """Read the file with the first reader that recognises it; raises UnreadableFile."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise UnreadableFile("This file is empty.")
    size_bytes = path.stat().st_size
    if not is_zip(head):
        return _read(Source(path, size_bytes, head), deadline)
    with Archive(path, deadline) as archive:
        return _read(Source(path, size_bytes, head, archive), deadline)


def _read(source: Source, deadline: Deadline) -> FileReading:
    reader = next((reader for reader in READERS if reader.recognises(source)), None)
    if reader is None:
        assert source.archive is not None
        raise refuse_zip(source.archive)
    reading = reader.read(source, deadline)
    return reading if reading.draw or not reading.sliced else replace(reading, draw=draws_gcode(source, reading))
