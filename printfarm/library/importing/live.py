"""What open screens hear of imports."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.live import marks, shows
from printfarm.core.web import render_block
from printfarm.library.importing import queries
from printfarm.library.importing.events import ImportChanged, ImportProgressed
from printfarm.library.importing.models import Import


def install() -> None:
    marks(ImportChanged, "imports")


@shows(ImportProgressed)
def import_progress(db: Session, event: ImportProgressed) -> str:
    """Only the bar and the counts move."""
    found = db.scalar(select(Import).where(Import.id == event.import_id))
    if found is None:
        return ""
    return render_block("library/_import_bar.html", "import_bar", progress=queries.progress_of(db, found), pushed=True)
