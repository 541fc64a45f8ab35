"""What happened to imports."""

from dataclasses import dataclass
from uuid import UUID

from printfarm.core.events import Event


@dataclass(frozen=True, kw_only=True)
class ImportChanged(Event):
    """An import began, reached another state, got another plan, or was removed."""

    import_id: UUID


@dataclass(frozen=True, kw_only=True)
class ImportProgressed(Event):
    """One more item of an import is through; its state is the same."""

    import_id: UUID
