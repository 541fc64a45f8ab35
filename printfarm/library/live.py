"""What open screens hear of the library: lists fetch themselves anew."""

from sqlalchemy.orm import Session

from printfarm.core.live import marks, shows
from printfarm.core.web import render_block
from printfarm.files.events import FileScanChanged, FileScanned, FileScanProgressed
from printfarm.files.scans import find_scan
from printfarm.library.events import (
    CategoriesChanged,
    ModelChanged,
    ModelImagesChanged,
    VariantAdded,
    VariantChanged,
)


def install() -> None:
    marks(CategoriesChanged, "library")
    marks(ModelChanged, "library")
    marks(ModelImagesChanged, "library", "model-images")
    marks(VariantAdded, "library")
    marks(VariantChanged, "library", "filament")  # what is wanted and promised
    marks(FileScanChanged, "counts")
    marks(FileScanned, "counts")


@shows(FileScanProgressed)
def counting(db: Session, event: FileScanProgressed) -> str:
    """Only the bar moves; a page that shows no such bar has no place for it."""
    scan = find_scan(db, event.file_id)
    return render_block("library/_counting.html", "counting_bar", scan=scan, pushed=True) if scan else ""
