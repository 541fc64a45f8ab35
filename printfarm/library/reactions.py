"""The library's answers to what happens to files."""

from sqlalchemy.orm import Session

from printfarm.core.events import reacts_to
from printfarm.filament.events import FilamentsMerged
from printfarm.files.events import FileScanned
from printfarm.library.counted import fill_variants_of
from printfarm.library.demand import demand_merged


@reacts_to(FileScanned)
def take_count(db: Session, event: FileScanned) -> None:
    """The moves are counted: the variants of the file learn where their grams go."""
    fill_variants_of(db, event.file_id)


@reacts_to(FilamentsMerged)
def mean_the_other(db: Session, event: FilamentsMerged) -> None:
    """Two filaments are one: the slots that meant the first mean the second."""
    demand_merged(db, event.filament_id, event.into_id)
