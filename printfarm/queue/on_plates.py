"""What the library's pages ask the queue: how many parts were made of each plate."""

from uuid import UUID

from sqlalchemy.orm import Session

from printfarm.queue.queries import made_of_plates


def made_so_far(db: Session, plate_ids: list[UUID]) -> dict[UUID, tuple[str, str]]:
    """A term and a text for each of these plates."""
    made = made_of_plates(db, plate_ids)
    return {plate_id: ("Made so far", str(made.get(plate_id, 0))) for plate_id in plate_ids}
