"""One file as every reader is asked about it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from printfarm.files.readers.archive import Archive
from printfarm.files.readers.limits import Deadline
from printfarm.files.readers.results import FileReading


@dataclass(frozen=True, slots=True)
class Source:
    """`head` holds the first bytes (up to one MiB); `archive` is there when the file is a zip."""

    path: Path
    size_bytes: int
    head: bytes
    archive: Archive | None = None


class Reader(Protocol):
    """A kind of file. Each module in `registry.READERS` is one."""

    def recognises(self, source: Source) -> bool:
        """Whether the content, never the name, is of this kind."""

    def read(self, source: Source, deadline: Deadline) -> FileReading:
        """Everything that the file states; raises UnreadableFile with a sentence for a person."""
