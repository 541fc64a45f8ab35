"""The library's answers to what happens to files."""

from sqlalchemy.orm import Session

from printfarm.core.events import reacts_to
from printfarm.files.events import FileScanned
from printfarm.library.counted import fill_variants_of


@reacts_to(FileScanned)
def take_count(db: Session, event: FileScanned) -> None:
    """The moves are counted: the variants of the file learn where their grams go."""
    fill_variants_of(db, event.file_id)
