"""What happened to files on their way in."""

from dataclasses import dataclass
from uuid import UUID

from printfarm.core.events import Event


@dataclass(frozen=True, kw_only=True)
class UploadChanged(Event):
    """An upload began, reached another state, or was discarded."""

    upload_id: UUID


@dataclass(frozen=True, kw_only=True)
class UploadProgressed(Event):
    """More of an upload has come in, or more of it has been read; its state is the same."""

    upload_id: UUID


@dataclass(frozen=True, kw_only=True)
class FileScanChanged(Event):
    """The count of a file's moves waits, has begun, or has failed."""

    file_id: UUID


@dataclass(frozen=True, kw_only=True)
class FileScanProgressed(Event):
    """More of a file's moves is counted."""

    file_id: UUID


@dataclass(frozen=True, kw_only=True)
class FileScanned(Event):
    """The moves of a file are counted: it is known where its grams go."""

    file_id: UUID
