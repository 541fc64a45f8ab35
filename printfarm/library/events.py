"""What happened in the library."""

from dataclasses import dataclass
from uuid import UUID

from printfarm.core.events import Event


@dataclass(frozen=True, kw_only=True)
class VariantAdded(Event):
    """A file became a variant of a model: the first of its name, or the next version."""

    model_id: UUID
    variant_id: UUID


@dataclass(frozen=True, kw_only=True)
class VariantChanged(Event):
    """A variant was renamed, noted upon, archived or restored."""

    variant_id: UUID


@dataclass(frozen=True, kw_only=True)
class ModelChanged(Event):
    """A model was added, edited, archived or restored."""

    model_id: UUID


@dataclass(frozen=True, kw_only=True)
class CategoriesChanged(Event):
    """One of the shop's own categories was added, renamed or removed."""


@dataclass(frozen=True, kw_only=True)
class ModelImagesChanged(Event):
    """A picture of a model came, was prepared, moved, or went."""

    model_id: UUID
