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
