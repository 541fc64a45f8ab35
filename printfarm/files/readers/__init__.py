"""Readers of slicer files: one function takes a path and answers with everything that the file states.

They import nothing of the rest of PrintFarm and start fast, since they also run in a worker's child and on the command
line. See `results` for what comes out and `limits` for what a file may cost.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from printfarm.files.readers.limits import Deadline, Limits
from printfarm.files.readers.results import (
    Filament,
    FileReading,
    LayerUse,
    Mesh,
    Plate,
    PrinterModel,
    ReadingWarning,
    Slicer,
    Split,
    Thumbnail,
    UnreadableFile,
)

if TYPE_CHECKING:
    from printfarm.files.readers.archive import Archive

__all__ = [
    "Filament",
    "FileReading",
    "LayerUse",
    "Limits",
    "Mesh",
    "Plate",
    "PrinterModel",
    "ReadingWarning",
    "Slicer",
    "Split",
    "Thumbnail",
    "UnreadableFile",
    "read_file",
    "thumbnail_webp",
]


def read_file(path: Path | str, *, limits: Limits | None = None) -> FileReading:
    """Read one file, whatever its name says that it is; raises UnreadableFile with a sentence for a person."""
    from printfarm.files.readers.archive import Archive
    from printfarm.files.readers.recognise import check_gcode, is_zip

    file = Path(path)
    deadline = Deadline(limits or Limits())
    try:
        if not file.is_file():
            raise UnreadableFile("There is no such file." if not file.exists() else "This is not a file.")
        with file.open("rb") as opened:
            head = opened.read(16)
        if is_zip(head):
            with Archive(file, deadline) as archive:
                return _read_zip(archive, deadline)
        if head.startswith(b"GCDE"):
            from printfarm.files.readers.binary_gcode import read_binary_gcode

            return read_binary_gcode(file, deadline)
        check_gcode(file)
        from printfarm.files.readers.plain_gcode import read_plain_gcode

        return read_plain_gcode(file, deadline)
    except MemoryError as error:
        raise UnreadableFile("This file needs too much memory to be read.") from error
    except OSError as error:
        raise UnreadableFile(f"This file cannot be opened: {error.strerror or error}.") from error


def _read_zip(archive: "Archive", deadline: Deadline) -> FileReading:
    from printfarm.files.readers.bambu_3mf import read_bambu_3mf
    from printfarm.files.readers.package import is_bambu_family
    from printfarm.files.readers.prusa_3mf import SETTINGS, read_prusa_3mf
    from printfarm.files.readers.recognise import refuse_zip

    if is_bambu_family(archive):
        return read_bambu_3mf(archive, deadline)
    if SETTINGS in archive:
        return read_prusa_3mf(archive, deadline)
    raise refuse_zip(archive)


def thumbnail_webp(picture: Thumbnail, *, max_side_px: int = 512) -> bytes:
    """A picture of a file as a WebP of our own making; raises UnreadableFile when it is damaged."""
    from printfarm.files.readers.pictures import thumbnail_webp as encode

    return encode(picture, max_side_px=max_side_px)
