"""Readers of slicer files: one function takes a path and answers with everything that the file states.

They import nothing of the rest of PrintFarm and start fast, since they also run in a worker's child and on the command
line. See `results` for what comes out and `limits` for what a file may cost.
"""

from pathlib import Path

from printfarm.files.readers.limits import Deadline, Limits
from printfarm.files.readers.results import (
    Filament,
    FileReading,
    LayerUse,
    Mesh,
    MeshItem,
    Plate,
    PrinterModel,
    ReadingWarning,
    Slicer,
    Split,
    Thumbnail,
    UnreadableFile,
)

__all__ = [
    "Filament",
    "FileReading",
    "LayerUse",
    "Limits",
    "Mesh",
    "MeshItem",
    "Plate",
    "PrinterModel",
    "ReadingWarning",
    "Slicer",
    "Split",
    "Thumbnail",
    "UnreadableFile",
    "draw_plate",
    "read_file",
    "thumbnail_webp",
]


def read_file(path: Path | str, *, limits: Limits | None = None) -> FileReading:
    """Read one file, whatever its name says that it is; raises UnreadableFile with a sentence for a person."""
    from printfarm.files.readers.registry import read_any

    file = Path(path)
    deadline = Deadline(limits or Limits())
    try:
        if not file.is_file():
            raise UnreadableFile("There is no such file." if not file.exists() else "This is not a file.")
        return read_any(file, deadline)
    except MemoryError as error:
        raise UnreadableFile("This file needs too much memory to be read.") from error
    except OSError as error:
        raise UnreadableFile(f"This file cannot be opened: {error.strerror or error}.") from error


def thumbnail_webp(picture: Thumbnail, *, max_side_px: int = 512) -> bytes:
    """A picture of a file as a WebP of our own making; raises UnreadableFile when it is damaged."""
    from printfarm.files.readers.pictures import thumbnail_webp as encode

    return encode(picture, max_side_px=max_side_px)


def draw_plate(reading: FileReading, plate: int) -> Thumbnail:
    """A picture of our own for a plate of a file that holds none: always something."""
    from printfarm.files.readers.drawing import draw_plate as draw

    return draw(reading, plate)
