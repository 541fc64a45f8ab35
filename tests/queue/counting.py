"""What the count of a plate's moves brought, for tests."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.files.models import FileScan
from printfarm.library.models import Plate, Variant


def count_moves(db: Session, plate: Plate, uses: list) -> None:
    """`uses`: after how many layers which share of each slot is used up."""
    file_id = db.scalars(select(Variant.file_id).where(Variant.id == plate.variant_id)).one()
    found = {"plate": plate.number, "split_g": {}, "use_by_layer": uses, "layers": plate.layers, "warnings": []}
    db.add(FileScan(file_id=file_id, state="done", result={"plates": [found]}))
    db.flush()
